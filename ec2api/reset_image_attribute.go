package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// resetImageAttribute makes an image its owner's alone again.
func (s *Server) resetImageAttribute(ctx context.Context, c *Call, in *model.ResetImageAttributeRequest) (*model.Done, error) {
	id := model.Val(in.ImageId)
	if err := checkIDs(ids.Image, id); err != nil {
		return nil, err
	}
	if a := model.Val(in.Attribute); a != "launchPermission" {
		return nil, ec2err.Value("attribute", a)
	}
	return &model.Done{}, s.cfg.Compute.ResetLaunchPermission(ctx, c.Account(), id)
}
