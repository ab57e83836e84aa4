package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// resetInstanceAttribute gives an attribute its default back.
func (s *Server) resetInstanceAttribute(ctx context.Context, c *Call, in *model.ResetInstanceAttributeRequest) (*model.Done, error) {
	id := model.Val(in.InstanceId)
	if err := checkIDs(ids.Instance, id); err != nil {
		return nil, err
	}
	if _, err := s.cfg.Compute.Instance(ctx, c.Account(), id); err != nil {
		return nil, err
	}
	switch a := model.Val(in.Attribute); a {
	case "sourceDestCheck":
		return &model.Done{}, s.modifyPrimaryInterface(ctx, c, id, &model.ModifyInstanceAttributeRequest{
			SourceDestCheck: &model.AttributeBooleanValue{Value: new(true)},
		})
	case "kernel", "ramdisk":
		return &model.Done{}, nil // they are the image's, always
	default:
		return nil, ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter attribute is invalid. Only kernel, ramdisk and sourceDestCheck can be reset.", ec2err.Clip(a))
	}
}
