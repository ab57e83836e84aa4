package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeNetworkInterfaceAttribute tells one attribute of a network interface.
func (s *Server) describeNetworkInterfaceAttribute(_ context.Context, c *Call, in *model.DescribeNetworkInterfaceAttributeRequest) (*model.DescribeNetworkInterfaceAttributeResult, error) {
	id := model.Val(in.NetworkInterfaceId)
	if err := checkIDs(ids.NetworkInterface, id); err != nil {
		return nil, err
	}
	n := s.network.Interface(id)
	if n == nil || n.Account != c.Account() {
		return nil, notFound(ids.NetworkInterface, id)
	}
	out := &model.DescribeNetworkInterfaceAttributeResult{NetworkInterfaceId: new(id)}
	switch model.Val(in.Attribute) {
	case "": // the model does not say that it is required; AWS's reference does
		return nil, ec2err.Missing("attribute")
	case "description":
		out.Description = &model.AttributeValue{Value: new(n.Description)}
	case "groupSet":
		out.Groups = s.renderGroups(n.Groups)
	case "sourceDestCheck":
		out.SourceDestCheck = &model.AttributeBooleanValue{Value: new(n.SourceDestCheck)}
	case "attachment":
		if n.Attachment != nil {
			out.Attachment = renderAttachment(n.Attachment)
		}
	case "associatePublicIpAddress":
		out.AssociatePublicIpAddress = new(n.AutoPublic)
	default:
		return nil, ec2err.Value("attribute", model.Val(in.Attribute))
	}
	return out, nil
}
