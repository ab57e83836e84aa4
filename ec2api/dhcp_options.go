package ec2api

import (
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func renderDHCP(o *network.DHCPOptions, t tags.Set) model.DhcpOptions {
	out := model.DhcpOptions{DhcpConfigurations: []model.DhcpConfiguration{}, DhcpOptionsId: new(o.ID), OwnerId: new(o.Account), Tags: renderTags(t)}
	for _, opt := range o.Options {
		cfg := model.DhcpConfiguration{Key: new(opt.Key)}
		for _, v := range opt.Values {
			cfg.Values = append(cfg.Values, model.AttributeValue{Value: new(v)})
		}
		out.DhcpConfigurations = append(out.DhcpConfigurations, cfg)
	}
	return out
}

var dhcpFilters = filter.Set[model.DhcpOptions]{
	Fields: map[string]func(*model.DhcpOptions) []string{
		"dhcp-options-id": func(o *model.DhcpOptions) []string { return text(o.DhcpOptionsId) },
		"key": func(o *model.DhcpOptions) []string {
			return each(o.DhcpConfigurations, func(d *model.DhcpConfiguration) []string { return text(d.Key) })
		},
		"owner-id": func(o *model.DhcpOptions) []string { return text(o.OwnerId) },
		"value": func(o *model.DhcpOptions) []string {
			return each(o.DhcpConfigurations, func(d *model.DhcpConfiguration) []string {
				return each(d.Values, func(v *model.AttributeValue) []string { return text(v.Value) })
			})
		},
	},
	Tags: func(o *model.DhcpOptions) map[string]string { return tagMap(o.Tags) },
}
