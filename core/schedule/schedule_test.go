package schedule_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/aureole-cloud/aureole/core/schedule"
)

func host(id string, vcpus, mib int64) schedule.Host {
	return schedule.Host{ID: id, Zones: []string{"z", "a"}, Architecture: "x86_64", Up: true, VCPUs: vcpus, MemoryMiB: mib}
}

func TestPick(t *testing.T) {
	small := schedule.Request{Zone: "a", Architecture: "x86_64", VCPUs: 2, MemoryMiB: 1024}
	for _, tc := range []struct {
		name  string
		hosts []schedule.Host
		ask   schedule.Request
		want  string // the host, or the refusal's text
	}{
		{"none", nil, small, "there is no host"},
		{"the only one", []schedule.Host{host("h1", 2, 1024)}, small, "h1"},
		{"exactly full is not too full", []schedule.Host{{ID: "h1", Zones: []string{"z", "a"}, Architecture: "x86_64", Up: true, VCPUs: 4, MemoryMiB: 2048, UsedVCPUs: 2, UsedMiB: 1024}}, small, "h1"},
		{"the emptier", []schedule.Host{{ID: "h1", Zones: []string{"z", "a"}, Architecture: "x86_64", Up: true, VCPUs: 8, MemoryMiB: 8192, UsedVCPUs: 4}, host("h2", 8, 8192)}, small, "h2"},
		{"scarcest counts", []schedule.Host{
			{ID: "h1", Zones: []string{"z", "a"}, Architecture: "x86_64", Up: true, VCPUs: 100, MemoryMiB: 4096, UsedMiB: 3000},
			{ID: "h2", Zones: []string{"z", "a"}, Architecture: "x86_64", Up: true, VCPUs: 8, MemoryMiB: 8192, UsedVCPUs: 2}}, small, "h2"},
		{"equals by id", []schedule.Host{host("h2", 8, 8192), host("h1", 8, 8192)}, small, "h1"},
		{"any zone", []schedule.Host{host("h1", 8, 8192)}, schedule.Request{Architecture: "x86_64", VCPUs: 1, MemoryMiB: 1}, "h1"},
		{"why not", []schedule.Host{host("h1", 1, 8192), host("h2", 1, 8192), host("h3", 8, 8),
			{ID: "h4", Zones: []string{"b"}}, {ID: "h5", Zones: []string{"a"}, Architecture: "aarch64"}, {ID: "h6", Zones: []string{"a"}, Architecture: "x86_64"}}, small,
			"too few free vCPUs (2 of 6), another architecture (1 of 6), another zone (1 of 6), not up (1 of 6), too little free memory (1 of 6)"},
	} {
		got := ""
		i, err := schedule.Pick(tc.hosts, tc.ask)
		if err != nil {
			var r *schedule.Refusal
			if !errors.As(err, &r) {
				t.Errorf("%s: %v is no refusal", tc.name, err)
			}
			got = err.Error()
		} else {
			got = tc.hosts[i].ID
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// Whatever comes, no host is given more than it has, and an instance is refused only when no host has room.
func TestPickNeverOverfills(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		hosts := make([]schedule.Host, 1+rnd.IntN(8))
		for i := range hosts {
			hosts[i] = host(string(rune('a'+i)), rnd.Int64N(64), rnd.Int64N(1<<16))
			hosts[i].Up = rnd.IntN(8) > 0
		}
		for range 200 {
			r := schedule.Request{Architecture: "x86_64", VCPUs: 1 + rnd.Int64N(8), MemoryMiB: 1 + rnd.Int64N(8192)}
			i, err := schedule.Pick(hosts, r)
			if err == nil {
				hosts[i].Take(r)
				if h := hosts[i]; !h.Up || h.UsedVCPUs > h.VCPUs || h.UsedMiB > h.MemoryMiB {
					t.Fatalf("seed %d: overfilled %+v", seed, h)
				}
				continue
			}
			for _, h := range hosts {
				if h.Up && h.UsedVCPUs+r.VCPUs <= h.VCPUs && h.UsedMiB+r.MemoryMiB <= h.MemoryMiB {
					t.Fatalf("seed %d: %+v would take %+v, refused: %v", seed, h, r, err)
				}
			}
		}
	}
}
