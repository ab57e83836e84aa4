package filter_test

import (
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

type thing struct {
	id, state string
	tags      map[string]string
}

var set = filter.Set[thing]{
	Fields: map[string]func(*thing) []string{
		"id":    func(t *thing) []string { return []string{t.id} },
		"state": func(t *thing) []string { return []string{t.state, strings.ToUpper(t.state)} },
		"never": nil,
	},
	Tags: func(t *thing) map[string]string { return t.tags },
}

var things = []thing{
	{"a-1", "running", map[string]string{"Name": "web*1", "Team": "x"}},
	{"a-2", "stopped", map[string]string{"Name": "web2"}},
	{"b-3", "running", nil},
	{"é-4", "pending", map[string]string{"Team": ""}},
}

func filters(pairs ...string) []model.Filter {
	var out []model.Filter
	for _, p := range pairs {
		name, values, _ := strings.Cut(p, "=")
		f := model.Filter{Name: &name}
		if values != "-" {
			f.Values = strings.Split(values, "|")
		}
		out = append(out, f)
	}
	return out
}

func TestSelect(t *testing.T) {
	for _, tc := range []struct {
		filters []string
		want    string
	}{
		{nil, "a-1 a-2 b-3 é-4"},
		{[]string{"state=running"}, "a-1 b-3"},
		{[]string{"state=RUNNING"}, "a-1 b-3"},
		{[]string{"state=Running"}, ""},
		{[]string{"state=running|pending"}, "a-1 b-3 é-4"},
		{[]string{"state=running", "id=a-*"}, "a-1"},
		{[]string{"id=?-?"}, "a-1 a-2 b-3 é-4"},
		{[]string{"id=?-"}, ""},
		{[]string{"id=*"}, "a-1 a-2 b-3 é-4"},
		{[]string{"id=**2*"}, "a-2"},
		{[]string{"id="}, ""},
		{[]string{"tag:Name=web*"}, "a-1 a-2"},
		{[]string{`tag:Name=web\*1`}, "a-1"},
		{[]string{`tag:Name=web\?`}, ""},
		{[]string{"tag:Name=web?"}, "a-2"},
		{[]string{"tag:Team="}, "é-4"},
		{[]string{"tag:Team=*"}, "a-1 é-4"},
		{[]string{"tag-key=Team"}, "a-1 é-4"},
		{[]string{"tag-value=web2"}, "a-2"},
		{[]string{"tag:name=web2"}, ""},
		{[]string{"never=x"}, ""},
		{[]string{`id=a-1\`}, ""},
	} {
		got, err := set.Select(things, filters(tc.filters...))
		if err != nil {
			t.Errorf("%v: %v", tc.filters, err)
			continue
		}
		var ids []string
		for _, g := range got {
			ids = append(ids, g.id)
		}
		if s := strings.Join(ids, " "); s != tc.want {
			t.Errorf("%v: %s, want %s", tc.filters, s, tc.want)
		}
	}
	for _, bad := range []string{"colour=red", "tag:=x", "=x", "id=-"} {
		if _, err := set.Select(things, filters(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestCheckNames(t *testing.T) {
	names := []string{"id", "tag"}
	for _, ok := range []string{"id=x", "tag:a=x", "tag-key=a"} {
		if err := filter.CheckNames(filters(ok), names); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"ID=x", "tag=x", "tag:=x", "=x", "state=x"} {
		if err := filter.CheckNames(filters(bad), names); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := filter.CheckNames(filters("tag:a=x"), []string{"id"}); err == nil {
		t.Error("tags were taken where there are none")
	}
}

func BenchmarkSelect(b *testing.B) {
	many := make([]thing, 2000)
	for i := range many {
		many[i] = things[i%len(things)]
	}
	f := filters("state=running", "tag:Name=web*1*")
	for b.Loop() {
		if _, err := set.Select(many, f); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStars: patterns made to be slow are not.
func TestStars(t *testing.T) {
	f := filters("id=" + strings.Repeat("*a", 100) + "b")
	long := []thing{{id: strings.Repeat("a", 20000)}}
	if got, err := set.Select(long, f); err != nil || len(got) != 0 {
		t.Errorf("%v %v", len(got), err)
	}
}
