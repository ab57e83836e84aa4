package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deregisterImage takes an image away; instances made from it stay.
func (s *Server) deregisterImage(ctx context.Context, c *Call, in *model.DeregisterImageRequest) (*model.Done, error) {
	id := model.Val(in.ImageId)
	if err := checkIDs(ids.Image, id); err != nil {
		return nil, err
	}
	return &model.Done{}, s.cfg.Compute.Deregister(ctx, c.Account(), id)
}
