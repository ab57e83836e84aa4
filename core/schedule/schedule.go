// Package schedule chooses the host of an instance. It is pure: it is told what hosts there are and what an instance needs,
// and says which host fits best, or why none does. Whoever binds the instance to the host does so on condition that the
// capacity is still free.
package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Host is a machine that could take an instance.
type Host struct {
	ID           string
	Zones        []string // that it stands for
	Architecture string
	Up           bool
	VCPUs        int64 // that may be given out
	MemoryMiB    int64
	UsedVCPUs    int64
	UsedMiB      int64
}

// Request is what an instance needs.
type Request struct {
	Zone         string
	Architecture string
	VCPUs        int64
	MemoryMiB    int64
}

// Refusal says why no host fits.
type Refusal struct {
	Hosts   int            // how many there are
	Because map[string]int // reason -> how many hosts it ruled out
}

// Error tells the reasons, most frequent first.
func (r *Refusal) Error() string {
	if r.Hosts == 0 {
		return "there is no host"
	}
	reasons := make([]string, 0, len(r.Because))
	for why := range r.Because {
		reasons = append(reasons, why)
	}
	slices.SortFunc(reasons, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Because[b], r.Because[a]), cmp.Compare(a, b))
	})
	for i, why := range reasons {
		reasons[i] = fmt.Sprintf("%s (%d of %d)", why, r.Because[why], r.Hosts)
	}
	return strings.Join(reasons, ", ")
}

// filters rule hosts out, in the order of how telling their reason is.
var filters = [...]struct {
	because string
	fits    func(h *Host, r *Request) bool
}{
	{"another zone", func(h *Host, r *Request) bool { return r.Zone == "" || slices.Contains(h.Zones, r.Zone) }},
	{"another architecture", func(h *Host, r *Request) bool { return h.Architecture == r.Architecture }},
	{"not up", func(h *Host, _ *Request) bool { return h.Up }},
	{"too few free vCPUs", func(h *Host, r *Request) bool { return h.UsedVCPUs+r.VCPUs <= h.VCPUs }},
	{"too little free memory", func(h *Host, r *Request) bool { return h.UsedMiB+r.MemoryMiB <= h.MemoryMiB }},
}

// Pick returns the place of the best host for r, or a *Refusal. Of the hosts that fit, the one with the largest share left of
// what is scarcest on it wins, which spreads instances; equals are told apart by id, so that the choice is the same everywhere.
func Pick(hosts []Host, r Request) (int, error) {
	refusal := &Refusal{Hosts: len(hosts), Because: map[string]int{}}
	best := -1
	var bestLeft float64
host:
	for i := range hosts {
		h := &hosts[i]
		for _, f := range filters {
			if !f.fits(h, &r) {
				refusal.Because[f.because]++
				continue host
			}
		}
		left := min(share(h.VCPUs-h.UsedVCPUs-r.VCPUs, h.VCPUs), share(h.MemoryMiB-h.UsedMiB-r.MemoryMiB, h.MemoryMiB))
		if best < 0 || left > bestLeft || left == bestLeft && h.ID < hosts[best].ID {
			best, bestLeft = i, left
		}
	}
	if best < 0 {
		return 0, refusal
	}
	return best, nil
}

// Take notes that r was given to the host.
func (h *Host) Take(r Request) {
	h.UsedVCPUs += r.VCPUs
	h.UsedMiB += r.MemoryMiB
}

func share(left, all int64) float64 {
	if all <= 0 {
		return 0
	}
	return float64(left) / float64(all)
}
