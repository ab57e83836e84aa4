package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyPrimaryInterface changes what belongs to an instance's primary interface.
func (s *Server) modifyPrimaryInterface(ctx context.Context, c *Call, id string, in *model.ModifyInstanceAttributeRequest) error {
	return ec2err.Unsupported("not yet")
}
