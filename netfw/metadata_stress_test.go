package netfw_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/imds"
	"github.com/aureole-cloud/aureole/netfw/link"
)

var requests = flag.Int("metadata-requests", 60, "how often each guest of TestMetadataWhileEverythingChanges asks")

// patient asks the metadata service from inside of a namespace, once, and waits as long as it takes.
func patient(ns *link.Namespace, method, path string, headers ...string) (int, string, error) {
	return askWithin(time.Minute, time.Minute, ns, method, path, headers...)
}

// Guests ask for metadata while groups, rules, addresses and interfaces of their network change without a pause. Every request
// is answered, with what belongs to its guest, and the kernel drops no connection.
func TestMetadataWhileEverythingChanges(t *testing.T) {
	const guests = 8
	c := newCloud(t, netfw.Config{Metadata: func(_ context.Context, _, iface string) (*imds.Instance, error) {
		return &imds.Instance{ID: "i-of-" + iface, TokenRequired: true, HopLimit: 1}, nil
	}})
	n := c.network("vpc-f7", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2"}}
	all := make([]*guest, guests)
	for k := range all {
		all[k] = c.guest(n, fmt.Sprintf("10.0.0.%d", 10+k), "sg-1").static()
	}
	done := make(chan struct{})
	var changes sync.WaitGroup
	changes.Go(func() {
		for k := 0; ; k++ {
			select {
			case <-done:
				t.Logf("%d changes", k)
				return
			default:
			}
			want := *n
			want.Groups = []netfw.Group{openGroup("sg-1"), {ID: "sg-2", Ingress: []netfw.Rule{cidr(netfw.TCP, 1+k%100, 200, "0.0.0.0/0"), fromGroup(netfw.UDP, 1, 9, "sg-1")}}}
			want.Interfaces = append([]netfw.Interface(nil), n.Interfaces...)
			i := &want.Interfaces[k%guests]
			i.Groups = []string{"sg-2"}
			i.Addresses = append([]netfw.Address(nil), i.Addresses...)
			i.Addresses[0].Public = netip.AddrFrom4([4]byte{203, 0, 113, byte(1 + k%200)})
			if k%3 > 0 { // one comes and goes
				want.Interfaces = append(want.Interfaces, netfw.Interface{ID: "eni-f7f7f7", MAC: net.HardwareAddr{2, 7, 7, 7, 7, 7}, Subnet: "subnet-1",
					Addresses: []netfw.Address{{IP: netip.MustParseAddr("10.0.0.99")}}, Groups: []string{"sg-2"}})
			}
			if k%5 == 0 {
				want.Subnets = append([]netfw.Subnet{{ID: "subnet-2", CIDR: netip.MustParsePrefix("10.0.1.0/24")}}, n.Subnets...)
				want.NoDNS = true
			}
			if err := c.host.Apply(t.Context(), want); err != nil {
				t.Errorf("change %d: %v", k, err)
				return
			}
		}
	})
	var asks sync.WaitGroup
	var mu sync.Mutex
	var slowest time.Duration
	for _, g := range all {
		for range 4 { // at once
			asks.Go(func() {
				for range *requests / 4 {
					begin := time.Now()
					status, token, err := patient(g.ns, "PUT", "/latest/api/token", ttlHeader, "60")
					if err != nil || status != 200 {
						t.Errorf("%s: token: %d %v", g.ip(), status, err)
						continue
					}
					status, id, err := patient(g.ns, "GET", "/latest/meta-data/instance-id", tokenHeader, token)
					if err != nil || status != 200 || id != "i-of-"+g.iface.ID {
						t.Errorf("%s: instance id: %d %s %v", g.ip(), status, id, err)
					}
					mu.Lock()
					slowest = max(slowest, time.Since(begin))
					mu.Unlock()
				}
			})
		}
	}
	asks.Wait()
	close(done)
	changes.Wait()
	t.Logf("the slowest two requests took %v", slowest)
	out, err := exec.Command("nsenter", "--net="+link.Dir+"/"+netfw.NamespaceName("au", n.ID), "sh", "-c",
		`awk '/^TcpExt:/ { if (n++ == 0) split($0, name); else for (k = 2; k <= NF; k++) if (name[k] ~ /^Listen/) print name[k], $k }' /proc/net/netstat`).Output()
	must(t, err)
	if got := strings.Fields(string(out)); len(got) != 4 || got[1] != "0" || got[3] != "0" {
		t.Errorf("connections that the kernel dropped: %v", got)
	}
	for _, g := range all {
		if s := g.status(); s.Spoofed != 0 || s.SpoofedARP != 0 {
			t.Errorf("%s: %+v", g.ip(), s)
		}
	}
}
