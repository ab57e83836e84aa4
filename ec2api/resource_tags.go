package ec2api

import (
	"slices"

	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// tagsFor reads the tags that a request gives to what it makes: those of resource type want ("vpc"). Specifications for other
// types are refused, but for those that the action makes along with it.
func tagsFor(specs []model.TagSpecification, want string, also ...string) (tags.Set, error) {
	var list []tags.Tag
	seen := make(map[string]bool, len(specs))
	for i := range specs {
		spec := &specs[i]
		kind := model.Val(spec.ResourceType)
		switch {
		case kind == "":
			return nil, ec2err.New(ec2err.MissingParameter, "Tag specification resource type must have a value")
		case kind != want && !slices.Contains(also, kind):
			return nil, ec2err.New(ec2err.InvalidParameterValue, "'%s' is not a valid taggable resource type for this operation.", ec2err.Clip(kind))
		case seen[kind]:
			return nil, ec2err.New(ec2err.InvalidParameterValue, "The same resource type may not be specified more than once in tag specifications: %s", kind)
		case len(spec.Tags) == 0:
			return nil, ec2err.New(ec2err.InvalidParameterValue, "Tag specification must have at least one tag")
		}
		seen[kind] = true
		if kind != want {
			continue
		}
		for j := range spec.Tags {
			list = append(list, tags.Tag{Key: model.Val(spec.Tags[j].Key), Value: model.Val(spec.Tags[j].Value)})
		}
	}
	return tags.New(list)
}

// renderTags writes tags into an answer; a resource without tags has no element.
func renderTags(s tags.Set) []model.Tag {
	if len(s) == 0 {
		return nil
	}
	out := make([]model.Tag, len(s))
	for i := range s {
		out[i] = model.Tag{Key: new(s[i].Key), Value: new(s[i].Value)}
	}
	return out
}

// allTags is renderTags for the kinds of resources whose answers have the element always.
func allTags(s tags.Set) []model.Tag {
	if len(s) == 0 {
		return []model.Tag{}
	}
	return renderTags(s)
}

// tagMap gives tags to filters.
func tagMap(list []model.Tag) map[string]string {
	m := make(map[string]string, len(list))
	for i := range list {
		m[model.Val(list[i].Key)] = model.Val(list[i].Value)
	}
	return m
}
