package link_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/netfw/link"
)

// tracked is a namespace with so many tracked connections, of which every hundredth comes from the address that is returned.
func tracked(tb testing.TB, count int) (*link.Namespace, netip.Addr) {
	tb.Helper()
	name := fmt.Sprintf("link-flows-%d-%d", os.Getpid(), count)
	ns, err := link.EnsureNamespace(name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ns.Close()
		if err := link.RemoveNamespace(name); err != nil {
			tb.Error(err)
		}
	})
	track(tb, ns, count)
	return ns, netip.MustParseAddr("10.1.0.0")
}

func track(tb testing.TB, ns *link.Namespace, count int) {
	tb.Helper()
	for k := range count {
		src, dst := make(net.IP, 4), net.IP{10, 2, 0, byte(k % 7)}
		binary.BigEndian.PutUint32(src, 10<<24|1<<16|uint32(k%100))
		f := &netlink.ConntrackFlow{FamilyType: unix.AF_INET, TimeOut: 600,
			Forward: netlink.IPTuple{SrcIP: src, DstIP: dst, Protocol: 17, SrcPort: uint16(k), DstPort: uint16(1 + k>>16)},
			Reverse: netlink.IPTuple{SrcIP: dst, DstIP: src, Protocol: 17, SrcPort: uint16(1 + k>>16), DstPort: uint16(k)}}
		if err := ns.Handle.ConntrackCreate(netlink.ConntrackTable, unix.AF_INET, f); err != nil {
			tb.Fatal(err)
		}
	}
}

func sources(tb testing.TB, ns *link.Namespace) (all []string) {
	tb.Helper()
	flows, err := ns.Handle.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range flows {
		all = append(all, fmt.Sprint(f.Forward.SrcIP, f.Forward.SrcPort, f.Forward.DstIP))
	}
	slices.Sort(all)
	return all
}

// The flows of an address end, be it at whatever end, and no others: those that are left are what a look at all would leave.
func TestEndFlowsOf(t *testing.T) {
	ns, addr := tracked(t, 1000)
	for _, a := range []netip.Addr{addr, netip.MustParseAddr("10.2.0.3"), netip.MustParseAddr("10.9.9.9"), netip.MustParseAddr("fd00::1")} {
		before := sources(t, ns)
		if err := ns.EndFlowsOf([]netip.Addr{a}, func(f link.Flow) bool { return f.Has(a) }); err != nil {
			t.Fatal(err)
		}
		left := sources(t, ns)
		asked := 0
		if err := ns.EndFlows(func(f link.Flow) bool { asked++; return f.Has(a) }); err != nil {
			t.Fatal(err)
		}
		if after := sources(t, ns); !slices.Equal(left, after) || asked != len(left) {
			t.Errorf("%s: %d flows are left of %d, should be %d", a, len(left), len(before), len(after))
		}
		if ends := a.Is4() && a != netip.MustParseAddr("10.9.9.9"); ends != (len(left) < len(before)) {
			t.Errorf("%s: %d flows were %d", a, len(left), len(before))
		}
	}
	// What is asked for and not to end stays.
	before := sources(t, ns)
	if err := ns.EndFlowsOf([]netip.Addr{netip.MustParseAddr("10.1.0.5")}, func(link.Flow) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if after := sources(t, ns); !slices.Equal(before, after) || len(before) == 0 {
		t.Errorf("%d flows became %d", len(before), len(after))
	}
}

// BenchmarkEndFlows is what it takes to find that none of 200,000 flows is of an address.
func BenchmarkEndFlows(b *testing.B) {
	ns, _ := tracked(b, 200_000)
	none := netip.MustParseAddr("10.9.9.9")
	b.Run("of one", func(b *testing.B) {
		for b.Loop() {
			if err := ns.EndFlowsOf([]netip.Addr{none}, func(f link.Flow) bool { return f.Has(none) }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("among all", func(b *testing.B) {
		for b.Loop() {
			if err := ns.EndFlows(func(f link.Flow) bool { return f.Has(none) }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
