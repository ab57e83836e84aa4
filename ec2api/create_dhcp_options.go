package ec2api

import (
	"context"
	"strings"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createDhcpOptions makes a set of DHCP options.
func (s *Server) createDhcpOptions(ctx context.Context, c *Call, in *model.CreateDhcpOptionsRequest) (*model.CreateDhcpOptionsResult, error) {
	tagged, err := tagsFor(in.TagSpecifications, "dhcp-options")
	if err != nil {
		return nil, err
	}
	var options []network.DHCPOption
	for _, o := range in.DhcpConfigurations {
		values := []string{}
		for _, v := range o.Values { // several may come in one, as the console writes them
			for part := range strings.SplitSeq(v, ",") {
				values = append(values, strings.TrimSpace(part))
			}
		}
		options = append(options, network.DHCPOption{Key: model.Val(o.Key), Values: values})
	}
	o, err := s.network.CreateDHCPOptions(ctx, c.Account(), options, tagged)
	if err != nil {
		return nil, err
	}
	return &model.CreateDhcpOptionsResult{DhcpOptions: new(renderDHCP(o, tagged))}, nil
}
