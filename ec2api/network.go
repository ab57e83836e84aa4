package ec2api

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// ensure makes the account's default VPC on its first call.
func (s *Server) ensure(ctx context.Context, c *Call) error {
	return s.network.Ensure(ctx, c.Account())
}

// tagsOf returns the tags of the account's resources of one kind, by id.
func (s *Server) tagsOf(ctx context.Context, c *Call, k ids.Kind) (map[string]tags.Set, error) {
	v, err := s.tags.View(ctx)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return tags.All(v, c.Account(), string(k)+"-")
}

// described is what every Describe of a network resource begins with: the default VPC is there, and the tags are read.
func (s *Server) described(ctx context.Context, c *Call, k ids.Kind) (map[string]tags.Set, error) {
	if err := s.ensure(ctx, c); err != nil {
		return nil, err
	}
	return s.tagsOf(ctx, c, k)
}

// done is the answer of actions that only say that they did it.
func done(err error) (*model.Done, error) {
	if err != nil {
		return nil, err
	}
	return &model.Done{}, nil
}

// The values that filters look at. What is nil has none.

func text(p *string) []string {
	if p == nil || *p == "" {
		return nil
	}
	return []string{*p}
}

func boolean(p *bool) []string { return []string{strconv.FormatBool(model.Val(p))} }

func number(p *int) []string {
	if p == nil {
		return nil
	}
	return []string{strconv.Itoa(*p)}
}

// each collects the values of the items of a list.
func each[T any](list []T, values func(*T) []string) []string {
	var all []string
	for i := range list {
		all = append(all, values(&list[i])...)
	}
	return all
}

// optional is nil for an empty string: a member that an answer leaves out.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ipv4s reads IPv4 addresses.
func ipv4s(param string, list []string) ([]netip.Addr, error) {
	out := make([]netip.Addr, 0, len(list))
	for _, v := range list {
		a, err := netip.ParseAddr(v)
		if err != nil || !a.Is4() {
			return nil, ec2err.Value(param, v)
		}
		out = append(out, a)
	}
	return out, nil
}

// ipv4 reads one IPv4 address; nil is none.
func ipv4(param string, p *string) (netip.Addr, error) {
	if p == nil {
		return netip.Addr{}, nil
	}
	list, err := ipv4s(param, []string{*p})
	if err != nil {
		return netip.Addr{}, err
	}
	return list[0], nil
}

// noIPv6 refuses what asks for IPv6 addresses, which networks do not have.
func noIPv6(asked ...bool) error {
	for _, a := range asked {
		if a {
			return ec2err.Unsupported("IPv6 addresses of VPCs, subnets and interfaces are not supported.")
		}
	}
	return nil
}

// noIPAM refuses ranges that an address manager would choose.
func noIPAM(pools ...*string) error {
	for _, p := range pools {
		if p != nil {
			return ec2err.New("InvalidIpamPoolId.NotFound", "The ipam-pool ID '%s' does not exist", ec2err.Clip(*p))
		}
	}
	return nil
}
