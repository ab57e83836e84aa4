package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyPrimaryInterface changes what an instance has from its only interface.
func (s *Server) modifyPrimaryInterface(ctx context.Context, c *Call, id string, in *model.ModifyInstanceAttributeRequest) error {
	if err := checkIDs(ids.SecurityGroup, in.Groups...); err != nil {
		return err
	}
	if _, err := s.cfg.Compute.Instance(ctx, c.Account(), id); err != nil {
		return err
	}
	cards := s.cfg.Network.InterfacesOf(id)
	switch {
	case len(cards) == 0:
		return ec2err.New("IncorrectInstanceState", "The instance '%s' has no network interface.", id)
	case len(cards) > 1:
		return ec2err.New("InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. Please specify an interface ID for the operation instead.", id)
	}
	change := network.InterfaceChange{}
	if len(in.Groups) > 0 {
		change.Groups = in.Groups
	}
	if in.SourceDestCheck != nil {
		change.SourceDestCheck = new(model.Val(in.SourceDestCheck.Value))
	}
	return s.cfg.Network.ModifyInterface(ctx, c.Account(), cards[0].ID, change)
}
