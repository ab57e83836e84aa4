package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// releaseAddress gives an Elastic IP back.
func (s *Server) releaseAddress(ctx context.Context, c *Call, in *model.ReleaseAddressRequest) (*model.Done, error) {
	id, err := s.allocation(ctx, c, in.AllocationId, in.PublicIp)
	if err != nil {
		return nil, err
	}
	return done(s.network.ReleaseAddress(ctx, c.Account(), id))
}
