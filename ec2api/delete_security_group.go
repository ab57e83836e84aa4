package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteSecurityGroup removes a security group that nothing uses.
func (s *Server) deleteSecurityGroup(ctx context.Context, c *Call, in *model.DeleteSecurityGroupRequest) (*model.Done, error) {
	id, err := s.group(ctx, c, in.GroupId, in.GroupName)
	if err != nil {
		return nil, err
	}
	return done(s.network.DeleteGroup(ctx, c.Account(), id))
}

// group finds the group that a request names by id or, in the default VPC, by name.
func (s *Server) group(ctx context.Context, c *Call, id, name *string) (string, error) {
	if err := s.ensure(ctx, c); err != nil {
		return "", err
	}
	return s.network.FindGroup(c.Account(), model.Val(id), model.Val(name))
}
