package itype_test

import (
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/itype"
)

func TestBuiltin(t *testing.T) {
	c, err := itype.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		name               string
		vcpus, memory, cor int
		credits            string
	}{
		{"t3.micro", 2, 1024, 1, "unlimited"}, {"t2.micro", 1, 1024, 1, "standard"}, {"m5.large", 2, 8192, 1, ""},
		{"c5.9xlarge", 36, 73728, 18, ""}, {"r5.24xlarge", 96, 786432, 48, ""}, {"m1.small", 1, 1740, 1, ""},
	} {
		got, ok := c.Get(want.name)
		if !ok || got.VCPUs != want.vcpus || got.MemoryMiB != want.memory || got.Cores() != want.cor || got.DefaultCredits() != want.credits ||
			!got.Supports("x86_64") || got.Supports("arm64") || got.Architecture() != "x86_64" {
			t.Errorf("%s: %+v", want.name, got)
		}
	}
	if _, ok := c.Get("t3.huge"); ok {
		t.Error("t3.huge exists")
	}
	if n := len(c.All()); n < 60 {
		t.Errorf("%d types", n)
	}
}

func TestMore(t *testing.T) {
	more, err := itype.Parse([]byte(`{"types": [{"name": "lab.tiny", "vcpus": 1, "memory_mib": 128}, {"name": "t2.nano", "hidden": true},
		{"name": "t3.micro", "vcpus": 4, "memory_mib": 2048}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := itype.New(more...)
	if err != nil {
		t.Fatal(err)
	}
	if tiny, ok := c.Get("lab.tiny"); !ok || tiny.MemoryMiB != 128 || tiny.Cores() != 1 {
		t.Errorf("%+v", tiny)
	}
	if _, ok := c.Get("t2.nano"); ok {
		t.Error("the hidden type is there")
	}
	if changed, _ := c.Get("t3.micro"); changed.VCPUs != 4 {
		t.Errorf("%+v", changed)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ file, want string }{
		{`{"types": [{"name": "big", "vcpus": 1, "memory_mib": 128}]}`, "FAMILY.SIZE"},
		{`{"types": [{"name": "a.b", "vcpus": 0, "memory_mib": 128}]}`, "vcpus"},
		{`{"types": [{"name": "a.b", "vcpus": 1, "memory_mib": 1}]}`, "memory_mib"},
		{`{"types": [{"name": "a.b", "vcpus": 3, "memory_mib": 128, "threads_per_core": 2}]}`, "threads_per_core"},
		{`{"types": [{"name": "a.b", "vcpus": 1, "memory_mib": 128, "architectures": ["sparc"]}]}`, "sparc"},
		{`{"types": [{"name": "a.b", "cpus": 1}]}`, "cpus"},
		{`nonsense`, "invalid"},
	} {
		if _, err := itype.Parse([]byte(tc.file)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.file, err)
		}
	}
}
