package ec2api

import (
	"context"
	"slices"
	"strings"

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
	page, next, err := listing[model.TagDescription]{
		source: s.tagSource(ctx, c), filters: tagFilters,
		id: func(t *model.TagDescription) string { return *t.ResourceId + tagSeparator + *t.Key },
	}.answer(c)
	if err != nil {
		return nil, err
	}
	return &model.DescribeTagsResult{Tags: page, NextToken: next}, nil
}

// tagSeparator stands between the id of a resource and the key of a tag in what names the tag.
const tagSeparator = "\x00"

// tagSource hands out the account's tags, in the order of resources and keys.
func (s *Server) tagSource(ctx context.Context, c *Call) *source[model.TagDescription] {
	only := resourcesIn(c.common.Filters)
	return &source[model.TagDescription]{walk: func(after string, yield func(model.TagDescription) bool) error {
		first, _, _ := strings.Cut(after, tagSeparator)
		return s.withTags(ctx, c, func(tagged *tags.Cursor) error {
			if only == nil {
				return tagged.Each(first, func(id string, set tags.Set) bool { return describeSet(id, set, after, yield) })
			}
			for _, id := range only {
				set, err := tagged.Of(id)
				if err != nil || !describeSet(id, set, after, yield) {
					return err
				}
			}
			return nil
		})
	}}
}

// resourcesIn are the resources that filters name, sorted; nil when they do not say which.
func resourcesIn(filters []model.Filter) []string {
	for i := range filters {
		if model.Val(filters[i].Name) == "resource-id" && !slices.ContainsFunc(filters[i].Values, func(v string) bool { return !filter.Plain(v) }) {
			named := slices.Sorted(slices.Values(filters[i].Values))
			return slices.Compact(named)
		}
	}
	return nil
}

func describeSet(id string, set tags.Set, after string, yield func(model.TagDescription) bool) bool {
	kind := resourceType(id)
	for _, t := range set {
		if id+tagSeparator+t.Key > after && !yield(model.TagDescription{ResourceId: new(id), ResourceType: new(kind), Key: new(t.Key), Value: new(t.Value)}) {
			return false
		}
	}
	return true
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
