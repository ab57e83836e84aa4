package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func (s *Server) renderAddress(e *network.ElasticIP, t tags.Set) model.Address {
	out := model.Address{
		PublicIp: new(e.Public.String()), AllocationId: new(e.Allocation), Domain: new("vpc"), PublicIpv4Pool: new("amazon"),
		NetworkBorderGroup: new(s.cfg.Region), Tags: renderTags(t),
	}
	if e.Association == "" {
		return out
	}
	out.AssociationId, out.NetworkInterfaceId, out.NetworkInterfaceOwnerId = new(e.Association), new(e.Interface), new(e.Account)
	out.PrivateIpAddress = new(e.Private.String())
	if n := s.network.Interface(e.Interface); n != nil && n.Attachment != nil {
		out.InstanceId = new(n.Attachment.Instance)
	}
	return out
}

var addressFilters = filter.Set[model.Address]{
	Fields: map[string]func(*model.Address) []string{
		"allocation-id":              func(a *model.Address) []string { return text(a.AllocationId) },
		"association-id":             func(a *model.Address) []string { return text(a.AssociationId) },
		"domain":                     func(a *model.Address) []string { return text(a.Domain) },
		"instance-id":                func(a *model.Address) []string { return text(a.InstanceId) },
		"network-border-group":       func(a *model.Address) []string { return text(a.NetworkBorderGroup) },
		"network-interface-id":       func(a *model.Address) []string { return text(a.NetworkInterfaceId) },
		"network-interface-owner-id": func(a *model.Address) []string { return text(a.NetworkInterfaceOwnerId) },
		"private-ip-address":         func(a *model.Address) []string { return text(a.PrivateIpAddress) },
		"public-ip":                  func(a *model.Address) []string { return text(a.PublicIp) },
	},
	Tags: func(a *model.Address) map[string]string { return tagMap(a.Tags) },
}

// allocation finds the Elastic IP that a request names by allocation or address.
func (s *Server) allocation(ctx context.Context, c *Call, allocation, public *string) (string, error) {
	if err := s.ensure(ctx, c); err != nil {
		return "", err
	}
	switch {
	case allocation != nil && public != nil:
		return "", ec2err.Combination("You may specify public IP or allocation id, but not both in the same call")
	case allocation != nil:
		return *allocation, nil
	case public != nil:
		return s.network.FindAllocation(c.Account(), *public)
	}
	return "", ec2err.New(ec2err.MissingParameter, "Either public IP or allocation id must be specified")
}
