package ec2api

import (
	"testing"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func spec(kind string, pairs ...string) model.TagSpecification {
	s := model.TagSpecification{ResourceType: &kind}
	for i := 0; i < len(pairs); i += 2 {
		s.Tags = append(s.Tags, model.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return s
}

func TestTagsFor(t *testing.T) {
	got, err := tagsFor([]model.TagSpecification{spec("volume", "v", "1"), spec("instance", "b", "2", "a", "")}, "instance", "volume")
	if err != nil {
		t.Fatal(err)
	}
	out := renderTags(got)
	if len(out) != 2 || *out[0].Key != "a" || *out[0].Value != "" || *out[1].Key != "b" || tagMap(out)["b"] != "2" {
		t.Errorf("%v", got)
	}
	if none, err := tagsFor(nil, "vpc"); err != nil || renderTags(none) != nil {
		t.Errorf("none: %v %v", none, err)
	}
	for _, tc := range []struct {
		name  string
		specs []model.TagSpecification
		code  string
	}{
		{"another type", []model.TagSpecification{spec("subnet", "a", "1")}, ec2err.InvalidParameterValue},
		{"no type", []model.TagSpecification{{}}, ec2err.MissingParameter},
		{"no tags", []model.TagSpecification{spec("vpc")}, ec2err.InvalidParameterValue},
		{"type twice", []model.TagSpecification{spec("vpc", "a", "1"), spec("vpc", "b", "1")}, ec2err.InvalidParameterValue},
		{"key twice", []model.TagSpecification{spec("vpc", "a", "1", "a", "2")}, ec2err.InvalidParameterValue},
		{"no key", []model.TagSpecification{spec("vpc", "", "1")}, ec2err.InvalidParameterValue},
		{"reserved", []model.TagSpecification{spec("vpc", "aws:x", "1")}, ec2err.InvalidParameterValue},
	} {
		if _, err := tagsFor(tc.specs, "vpc"); err == nil || ec2err.From(err).Code != tc.code {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
