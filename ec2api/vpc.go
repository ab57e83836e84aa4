package ec2api

import (
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func renderVPC(v *network.VPC, t tags.Set) model.Vpc {
	out := model.Vpc{
		CidrBlock: new(v.CIDRs[0].CIDR.String()), DhcpOptionsId: new("default"), State: new("available"), VpcId: new(v.ID), OwnerId: new(v.Account),
		InstanceTenancy: new("default"), IsDefault: new(v.Default), Tags: renderTags(t),
	}
	if v.DHCPOptions != "" {
		out.DhcpOptionsId = new(v.DHCPOptions)
	}
	for _, a := range v.CIDRs {
		out.CidrBlockAssociationSet = append(out.CidrBlockAssociationSet, renderCIDR(a, "associated"))
	}
	return out
}

func renderCIDR(a network.CIDRAssociation, state string) model.VpcCidrBlockAssociation {
	return model.VpcCidrBlockAssociation{AssociationId: new(a.ID), CidrBlock: new(a.CIDR.String()), CidrBlockState: &model.VpcCidrBlockState{State: new(state)}}
}

var vpcFilters = filter.Set[model.Vpc]{
	Fields: map[string]func(*model.Vpc) []string{
		"cidr": func(v *model.Vpc) []string { return text(v.CidrBlock) },
		"cidr-block-association.association-id": func(v *model.Vpc) []string {
			return each(v.CidrBlockAssociationSet, func(a *model.VpcCidrBlockAssociation) []string { return text(a.AssociationId) })
		},
		"cidr-block-association.cidr-block": func(v *model.Vpc) []string {
			return each(v.CidrBlockAssociationSet, func(a *model.VpcCidrBlockAssociation) []string { return text(a.CidrBlock) })
		},
		"cidr-block-association.state": func(v *model.Vpc) []string {
			return each(v.CidrBlockAssociationSet, func(a *model.VpcCidrBlockAssociation) []string { return text(a.CidrBlockState.State) })
		},
		"dhcp-options-id": func(v *model.Vpc) []string { return text(v.DhcpOptionsId) },
		"ipv6-cidr-block-association.association-id":  nil,
		"ipv6-cidr-block-association.ipv6-cidr-block": nil,
		"ipv6-cidr-block-association.ipv6-pool":       nil,
		"ipv6-cidr-block-association.state":           nil,
		"is-default":                                  func(v *model.Vpc) []string { return boolean(v.IsDefault) },
		"isDefault":                                   func(v *model.Vpc) []string { return boolean(v.IsDefault) },
		"owner-id":                                    func(v *model.Vpc) []string { return text(v.OwnerId) },
		"state":                                       func(v *model.Vpc) []string { return text(v.State) },
		"vpc-id":                                      func(v *model.Vpc) []string { return text(v.VpcId) },
	},
	Tags: func(v *model.Vpc) map[string]string { return tagMap(v.Tags) },
}

// publicAccess says that nothing keeps internet gateways from the traffic that route tables send them.
func publicAccess() *model.BlockPublicAccessStates {
	return &model.BlockPublicAccessStates{InternetGatewayBlockMode: new("off")}
}
