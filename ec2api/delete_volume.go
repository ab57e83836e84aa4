package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteVolume has a volume removed that no instance has.
func (s *Server) deleteVolume(ctx context.Context, c *Call, in *model.DeleteVolumeRequest) (*model.Done, error) {
	id := model.Val(in.VolumeId)
	if err := checkIDs(ids.Volume, id); err != nil {
		return nil, err
	}
	return &model.Done{}, s.cfg.Compute.DeleteVolume(ctx, c.Account(), id)
}
