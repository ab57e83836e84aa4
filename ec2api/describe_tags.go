package ec2api

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var tagFilters = filter.Set[model.TagDescription]{
	Fields: map[string]func(*model.TagDescription) []string{
		"key":           func(t *model.TagDescription) []string { return []string{*t.Key} },
		"resource-id":   func(t *model.TagDescription) []string { return []string{*t.ResourceId} },
		"resource-type": func(t *model.TagDescription) []string { return []string{*t.ResourceType} },
		"value":         func(t *model.TagDescription) []string { return []string{*t.Value} },
	},
	Tags: func(t *model.TagDescription) map[string]string { return map[string]string{*t.Key: *t.Value} },
}

// The bounds of a page, which the model does not state.
const (
	minTagPage = 5
	maxTagPage = 1000
)

// describeTags lists the tags of all resources of the account.
func (s *Server) describeTags(ctx context.Context, c *Call, in *model.DescribeTagsRequest) (*model.DescribeTagsResult, error) {
	if n := in.MaxResults; n != nil && (*n < minTagPage || *n > maxTagPage) {
		return nil, ec2err.New(ec2err.InvalidParameterValue, "Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", *n, minTagPage, maxTagPage)
	}
	all, err := s.allTags(ctx, c.Account())
	if err != nil {
		return nil, errs.Wrap("ec2api.describeTags", errs.Internal, err)
	}
	var items []model.TagDescription
	for id, set := range all {
		kind := resourceType(id)
		for _, t := range set {
			items = append(items, model.TagDescription{ResourceId: new(id), ResourceType: new(kind), Key: new(t.Key), Value: new(t.Value)})
		}
	}
	page, next, err := listing[model.TagDescription]{
		items: items, filters: tagFilters,
		id: func(t *model.TagDescription) string { return *t.ResourceId + "\x00" + *t.Key },
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeTagsResult{Tags: page, NextToken: next}, nil
}

func (s *Server) allTags(ctx context.Context, account string) (_ map[string]tags.Set, err error) {
	v, err := s.cfg.Tags.View(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return tags.All(v, account, "")
}

// resourceType is what tag specifications and filters call the kind of an id.
func resourceType(id string) string {
	k, _ := ids.KindOf(id)
	switch k {
	case ids.Instance:
		return "instance"
	case ids.Image:
		return "image"
	case ids.Volume:
		return "volume"
	case ids.Snapshot:
		return "snapshot"
	case ids.VPC:
		return "vpc"
	case ids.Subnet:
		return "subnet"
	case ids.SecurityGroup:
		return "security-group"
	case ids.SecurityGroupRule:
		return "security-group-rule"
	case ids.NetworkInterface:
		return "network-interface"
	case ids.RouteTable:
		return "route-table"
	case ids.InternetGateway:
		return "internet-gateway"
	case ids.NATGateway:
		return "natgateway"
	case ids.NetworkACL:
		return "network-acl"
	case ids.DHCPOptions:
		return "dhcp-options"
	case ids.Allocation:
		return "elastic-ip"
	case ids.KeyPair:
		return "key-pair"
	case ids.LaunchTemplate:
		return "launch-template"
	case ids.PlacementGroup:
		return "placement-group"
	case ids.ImportImageTask:
		return "import-image-task"
	case ids.ImportSnapshotTask:
		return "import-snapshot-task"
	case ids.PrefixList:
		return "prefix-list"
	}
	return string(k)
}
