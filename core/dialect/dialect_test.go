package dialect_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/dialect"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]dialect.Dialect{"aws": {}, "ceph": dialect.Ceph()} {
		if d, err := dialect.Parse(name); err != nil || d != want {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	for _, name := range []string{"", "AWS", "minio"} {
		if d, err := dialect.Parse(name); err == nil || d != dialect.Amazon() || !strings.Contains(err.Error(), "neither aws nor ceph") {
			t.Errorf("%q: %+v, %v", name, d, err)
		}
	}
}

// Every difference is one that Ceph has: a field that no dialect sets would be dead.
func TestCephSetsEveryField(t *testing.T) {
	v := reflect.ValueOf(dialect.Ceph())
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() != reflect.Bool || !f.Bool() {
			t.Errorf("%s is %v", v.Type().Field(i).Name, f)
		}
	}
}

// Operators read docs/s3-compatibility.md, not this package: one row of its table for each field, and no other row.
func TestEveryFieldIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/s3-compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(doc), "\n## The dialect of Ceph\n")
	if !found {
		t.Fatal("there is no section about the dialect of Ceph")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .+ \\| .+ \\|$").FindAllStringSubmatch(section, -1) {
		rows[m[1]]++
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[dialect.Dialect]()) {
		if rows[f.Name] != 1 {
			t.Errorf("%s has %d rows", f.Name, rows[f.Name])
		}
		delete(rows, f.Name)
	}
	for name := range rows {
		t.Errorf("%s is no field", name)
	}
}
