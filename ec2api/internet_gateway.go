package ec2api

import (
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func renderGateway(g *network.Gateway, t tags.Set) model.InternetGateway {
	out := model.InternetGateway{
		Attachments: []model.InternetGatewayAttachment{}, InternetGatewayId: new(g.ID), OwnerId: new(g.Account), Tags: allTags(t),
	}
	if g.VPC != "" {
		out.Attachments = append(out.Attachments, model.InternetGatewayAttachment{State: new("available"), VpcId: new(g.VPC)})
	}
	return out
}

var gatewayFilters = filter.Set[model.InternetGateway]{
	Fields: map[string]func(*model.InternetGateway) []string{
		"attachment.state": func(g *model.InternetGateway) []string {
			return each(g.Attachments, func(a *model.InternetGatewayAttachment) []string { return text(a.State) })
		},
		"attachment.vpc-id": func(g *model.InternetGateway) []string {
			return each(g.Attachments, func(a *model.InternetGatewayAttachment) []string { return text(a.VpcId) })
		},
		"internet-gateway-id": func(g *model.InternetGateway) []string { return text(g.InternetGatewayId) },
		"owner-id":            func(g *model.InternetGateway) []string { return text(g.OwnerId) },
	},
	Tags: func(g *model.InternetGateway) map[string]string { return tagMap(g.Tags) },
}
