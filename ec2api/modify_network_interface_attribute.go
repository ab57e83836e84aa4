package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyNetworkInterfaceAttribute changes one attribute of a network interface.
func (s *Server) modifyNetworkInterfaceAttribute(ctx context.Context, c *Call, in *model.ModifyNetworkInterfaceAttributeRequest) (*model.Done, error) {
	if in.EnaSrdSpecification != nil || in.ConnectionTrackingSpecification != nil || in.AssociatePublicIpAddress != nil || in.EnablePrimaryIpv6 != nil {
		return nil, ec2err.Unsupported("Of network interfaces the description, the groups, the source/destination check and the attachment can be changed.")
	}
	var change network.InterfaceChange
	n := 0
	if len(in.Groups) > 0 {
		change.Groups = in.Groups
		n++
	}
	if in.Description != nil {
		change.Description = new(model.Val(in.Description.Value))
		n++
	}
	if in.SourceDestCheck != nil {
		change.SourceDestCheck = new(model.Val(in.SourceDestCheck.Value))
		n++
	}
	if a := in.Attachment; a != nil {
		change.Attachment, change.DeleteOnTermination = model.Val(a.AttachmentId), a.DeleteOnTermination
		n++
	}
	switch {
	case n == 0:
		return nil, ec2err.New(ec2err.MissingParameter, "The request must contain exactly one attribute to modify")
	case n > 1:
		return nil, ec2err.Combination("Fields for multiple attribute types specified: modify one attribute at a time.")
	}
	return done(s.network.ModifyInterface(ctx, c.Account(), model.Val(in.NetworkInterfaceId), change))
}
