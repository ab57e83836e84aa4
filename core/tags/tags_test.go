package tags_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local/localtest"
)

const account = "123456789012"

// things is an owner of ids that begin with t-.
type things struct{}

func (things) TagRow(v kv.View, account, id string) ([]byte, bool, error) {
	if !strings.HasPrefix(id, "t-") {
		return nil, false, nil
	}
	row := []byte("thing." + account + id)
	if _, err := v.Get(row); err != nil {
		return nil, true, errs.New(errs.NotFound, "InvalidThing.NotFound", "The thing '%s' does not exist", id)
	}
	return row, true, nil
}

func setUp(t *testing.T) (kv.Store, *tags.Service) {
	t.Helper()
	s := localtest.Open(t, vfs.NewMem())
	for _, id := range []string{"t-1", "t-2"} {
		var b kv.Batch
		b.Put([]byte("thing."+account+id), nil)
		set, err := tags.New([]tags.Tag{{Key: "Name", Value: id}})
		if err != nil {
			t.Fatal(err)
		}
		tags.Put(&b, account, id, set)
		if _, err := s.Commit(t.Context(), kv.Control, &b); err != nil {
			t.Fatal(err)
		}
	}
	return s, tags.NewService(s, things{})
}

func all(t *testing.T, svc *tags.Service) string {
	t.Helper()
	v, err := svc.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	m, err := tags.All(v, account, "")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for id, s := range m {
		for _, tag := range s {
			lines = append(lines, fmt.Sprintf("%s:%s=%s", id, tag.Key, tag.Value))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

func TestChange(t *testing.T) {
	_, svc := setUp(t)
	ctx := t.Context()
	expect := func(want string) {
		t.Helper()
		if got := all(t, svc); got != want {
			t.Errorf("have %s, want %s", got, want)
		}
	}
	expect("t-1:Name=t-1 t-2:Name=t-2")
	if err := svc.Create(ctx, account, []string{"t-1", "t-2", "t-1"}, []tags.Tag{{Key: "b", Value: "2"}, {Key: "Name", Value: ""}}); err != nil {
		t.Fatal(err)
	}
	expect("t-1:Name= t-1:b=2 t-2:Name= t-2:b=2")
	other := "3"
	if err := svc.Remove(ctx, account, []string{"t-1"}, []tags.Removal{{Key: "b", Value: &other}, {Key: "absent"}}); err != nil {
		t.Fatal(err)
	}
	expect("t-1:Name= t-1:b=2 t-2:Name= t-2:b=2")
	if err := svc.Remove(ctx, account, []string{"t-1"}, []tags.Removal{{Key: "b"}}); err != nil {
		t.Fatal(err)
	}
	if err := svc.Remove(ctx, account, []string{"t-2"}, nil); err != nil {
		t.Fatal(err)
	}
	expect("t-1:Name=")
}

func TestRefusalsChangeNothing(t *testing.T) {
	_, svc := setUp(t)
	before := all(t, svc)
	many := make([]tags.Tag, tags.MaxTags)
	for i := range many {
		many[i].Key = fmt.Sprint(i)
	}
	for _, tc := range []struct {
		name   string
		ids    []string
		tags   []tags.Tag
		reason errs.Reason
	}{
		{"one resource is absent", []string{"t-1", "t-3"}, []tags.Tag{{Key: "a"}}, "InvalidThing.NotFound"},
		{"nobody's id", []string{"t-1", "u-3"}, []tags.Tag{{Key: "a"}}, tags.InvalidID},
		{"too many with those there", []string{"t-1"}, many, tags.TagLimitExceeded},
		{"too many", []string{"t-1"}, append(many, tags.Tag{Key: "x"}), tags.TagLimitExceeded},
		{"reserved", []string{"t-1"}, []tags.Tag{{Key: "aws:x"}}, tags.InvalidParameterValue},
		{"reserved in capitals", []string{"t-1"}, []tags.Tag{{Key: "AWS:x"}}, tags.InvalidParameterValue},
		{"no key", []string{"t-1"}, []tags.Tag{{Value: "x"}}, tags.InvalidParameterValue},
		{"long key", []string{"t-1"}, []tags.Tag{{Key: strings.Repeat("é", 129)}}, tags.InvalidParameterValue},
		{"long value", []string{"t-1"}, []tags.Tag{{Key: "k", Value: strings.Repeat("é", 257)}}, tags.InvalidParameterValue},
		{"double", []string{"t-1"}, []tags.Tag{{Key: "k"}, {Key: "k", Value: "x"}}, tags.InvalidParameterValue},
	} {
		err := svc.Create(t.Context(), account, tc.ids, tc.tags)
		if errs.ReasonOf(err) != tc.reason {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.reason)
		}
	}
	if got := all(t, svc); got != before {
		t.Errorf("changed to %s", got)
	}
	if err := svc.Create(t.Context(), "999999999999", []string{"t-1"}, []tags.Tag{{Key: "a"}}); errs.ReasonOf(err) != "InvalidThing.NotFound" {
		t.Errorf("another account: %v", err)
	}
}
