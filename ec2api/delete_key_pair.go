package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// deleteKeyPair removes a key pair. That it is not there is a success, as on AWS.
func (s *Server) deleteKeyPair(ctx context.Context, c *Call, in *model.DeleteKeyPairRequest) (*model.DeleteKeyPairResult, error) {
	name, id := model.Val(in.KeyName), model.Val(in.KeyPairId)
	switch {
	case name == "" && id == "":
		return nil, ec2err.Missing("KeyName or KeyPairId")
	case name != "" && id != "":
		return nil, ec2err.Combination("The parameters KeyName and KeyPairId cannot be used together.")
	case id != "":
		if err := checkIDs(ids.KeyPair, id); err != nil {
			return nil, err
		}
	}
	p, removed, err := s.cfg.KeyPairs.Delete(ctx, c.Account(), name, id)
	if err != nil {
		return nil, err
	}
	out := &model.DeleteKeyPairResult{Return: new(true)}
	if removed {
		out.KeyPairId = new(p.ID)
	}
	return out, nil
}
