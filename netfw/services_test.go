package netfw_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/imds"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// in runs a program inside of a namespace.
func in(t testing.TB, ns *link.Namespace, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + link.Dir + "/" + ns.Name}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// dhcp configures the guest by a real client, and returns what it was told.
func (g *guest) dhcp() string {
	g.t.Helper()
	script := filepath.Join(g.t.TempDir(), "script")
	must(g.t, os.WriteFile(script, []byte(`#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr flush dev $interface
ip addr add $ip/$mask dev $interface
set -- $staticroutes
while [ -n "$1" ]; do ip route add $1 via $2; shift 2; done
echo "ip=$ip mask=$mask router=$router dns=$dns domain=$domain hostname=$hostname mtu=$mtu lease=$lease"
`), 0o755))
	return in(g.t, g.ns, "busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "5", "-T", "1", "-s", script,
		"-O", "staticroutes", "-O", "hostname", "-O", "mtu", "-O", "ntpsrv")
}

func TestDHCP(t *testing.T) {
	c := newCloud(t, netfw.Config{})
	n := c.network("vpc-f1", "10.1.0.0/16")
	n.MTU = 1450
	// Not even a group is needed for what every guest gets.
	a := c.guest(n, "10.1.0.10")
	b := c.guest(n, "10.1.0.11")
	for _, g := range []*guest{a, b} {
		out := g.dhcp()
		label := strings.ReplaceAll(g.ip(), ".", "-")
		want := fmt.Sprintf("ip=%s mask=24 router=10.1.0.1 dns=10.1.0.2 domain=ec2.internal hostname=ip-%s mtu=1450 lease=3600", g.ip(), label)
		if !strings.Contains(out, want) {
			t.Errorf("the client was told %s, not %s", out, want)
		}
		if s := g.status(); s.Spoofed != 0 {
			t.Errorf("%d packets count as forged", s.Spoofed)
		}
	}
	if !a.pings("10.1.0.1") {
		t.Error("the router does not answer")
	}
	// After a restart of the server the address can be had again.
	must(t, c.host.Close())
	c.open()
	c.apply(n)
	if out := a.dhcp(); !strings.Contains(out, "ip=10.1.0.10 ") {
		t.Errorf("after a restart: %s", out)
	}
}

func TestDNS(t *testing.T) {
	up, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = up.Close() }()
	other := &dns.Server{PacketConn: up, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, 1)})
		_ = w.WriteMsg(m)
	})}
	go func() { _ = other.ActivateAndServe() }()
	c := newCloud(t, netfw.Config{Resolvers: []netip.AddrPort{netip.MustParseAddrPort(up.LocalAddr().String())}})
	n := c.network("vpc-f2", "10.0.0.0/16")
	n.Records = []netfw.Record{{Name: "db.example", Addresses: []netip.Addr{netip.MustParseAddr("10.0.7.7")}}}
	a := c.guest(n, "10.0.0.10").static()
	b := c.guest(n, "10.0.0.11")
	b.set(n, func(i *netfw.Interface) {
		i.Addresses[0].Public, i.Addresses[0].PublicName = netip.MustParseAddr("203.0.113.5"), "ec2-203-0-113-5.example"
	})
	for _, server := range []string{"10.0.0.2:53", "169.254.169.253:53"} {
		for _, network := range []string{"udp", "tcp"} {
			resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				var conn net.Conn
				err := a.ns.Do(func() (err error) { conn, err = net.DialTimeout(network, server, brief); return err })
				return conn, err
			}}
			for name, want := range map[string]string{"ip-10-0-0-11.ec2.internal": "10.0.0.11", "ec2-203-0-113-5.example": "10.0.0.11",
				"db.example": "10.0.7.7", "instance-data.ec2.internal": "169.254.169.254"} {
				got, err := resolver.LookupHost(t.Context(), name+".")
				if err != nil || len(got) != 1 || got[0] != want {
					t.Errorf("%s %s: %s is %v, %v", network, server, name, got, err)
				}
			}
			if names, err := resolver.LookupAddr(t.Context(), "10.0.0.11"); err != nil || names[0] != "ip-10-0-0-11.ec2.internal." {
				t.Errorf("10.0.0.11 is %v, %v", names, err)
			}
			if got, err := resolver.LookupHost(t.Context(), "ip-10-0-0-99.ec2.internal."); err == nil {
				t.Errorf("who is not there is %v", got)
			}
			if network == "udp" {
				if got, err := resolver.LookupHost(t.Context(), "elsewhere.example."); err != nil || got[0] != "192.0.2.1" {
					t.Errorf("elsewhere is %v, %v", got, err)
				}
			}
		}
	}
}

// metadata asks the metadata service from inside of a namespace.
func metadata(ns *link.Namespace, method, path string, headers ...string) (int, string, error) {
	return askWithin(brief, time.Second, ns, method, path, headers...)
}

// askWithin asks the metadata service once: a connection that is not made, or a request that is not answered in time, is not
// tried again.
func askWithin(dial, all time.Duration, ns *link.Namespace, method, path string, headers ...string) (int, string, error) {
	client := &http.Client{Timeout: all, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			var conn net.Conn
			err := ns.Do(func() (err error) { conn, err = net.DialTimeout("tcp", "169.254.169.254:80", dial); return err })
			return conn, err
		}}}
	r, err := http.NewRequest(method, "http://169.254.169.254"+path, nil)
	if err != nil {
		return 0, "", err
	}
	for k := 0; k < len(headers); k += 2 {
		r.Header.Set(headers[k], headers[k+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

const (
	ttlHeader   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
)

func TestMetadata(t *testing.T) {
	hops := 1
	cfg := netfw.Config{TokenKey: imds.NewTokenKey(), Metadata: func(_ context.Context, network, iface string) (*imds.Instance, error) {
		return &imds.Instance{ID: "i-of-" + network + "-" + iface, TokenRequired: true, HopLimit: hops}, nil
	}}
	c := newCloud(t, cfg)
	var guests []*guest
	for _, id := range []string{"vpc-f3", "vpc-f4"} {
		// The same addresses twice: who asks is known all the same.
		n := c.network(id, "10.0.0.0/16")
		guests = append(guests, c.guest(n, "10.0.0.10").static(), c.guest(n, "10.0.0.11").static())
	}
	tokens := make([]string, len(guests))
	for k, g := range guests {
		if status, _, err := metadata(g.ns, "GET", "/latest/meta-data/instance-id"); err != nil || status != 401 {
			t.Errorf("without a token: %d %v", status, err)
		}
		status, token, err := metadata(g.ns, "PUT", "/latest/api/token", ttlHeader, "60")
		if err != nil || status != 200 {
			t.Fatalf("token: %d %v", status, err)
		}
		tokens[k] = token
		status, id, err := metadata(g.ns, "GET", "/latest/meta-data/instance-id", tokenHeader, token)
		if want := "i-of-" + g.netID + "-" + g.iface.ID; err != nil || status != 200 || id != want {
			t.Errorf("instance id: %d %s %v, not %s", status, id, err, want)
		}
	}
	if status, _, err := metadata(guests[1].ns, "GET", "/latest/meta-data/instance-id", tokenHeader, tokens[0]); err != nil || status != 401 {
		t.Errorf("another instance's token: %d %v", status, err)
	}
	// Tokens outlive a restart when their key does.
	must(t, c.host.Close())
	c.open()
	for _, n := range c.nets {
		c.apply(n)
	}
	if status, _, err := metadata(guests[0].ns, "GET", "/latest/meta-data/instance-id", tokenHeader, tokens[0]); err != nil || status != 200 {
		t.Errorf("after a restart: %d %v", status, err)
	}

	// Behind the guest is a container: one hop more.
	g := guests[0]
	name := fmt.Sprintf("container-%d-%s", os.Getpid(), g.iface.ID)
	inner, err := link.EnsureNamespace(name)
	must(t, err)
	t.Cleanup(func() { inner.Close(); must(t, link.RemoveNamespace(name)) })
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "veth0"
	must(t, g.ns.Handle.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(inner.FD())}))
	for _, cmd := range []string{"ip addr add 172.17.0.1/16 dev veth0", "ip link set veth0 up", "sysctl -qw net.ipv4.ip_forward=1",
		"nft add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c oifname eth0 masquerade"} {
		tool, rest, _ := strings.Cut(cmd, " ")
		if tool == "nft" {
			in(t, g.ns, "nft", rest)
			continue
		}
		in(t, g.ns, strings.Fields(cmd)...)
	}
	for _, cmd := range []string{"ip addr add 172.17.0.2/16 dev eth0", "ip link set eth0 up", "ip route add default via 172.17.0.1"} {
		in(t, inner, strings.Fields(cmd)...)
	}
	got := g.watch(func(b []byte) bool { // packets with content from the service, that may take one hop
		return len(b) > 54 && b[12] == 8 && b[23] == 6 && binary.BigEndian.Uint16(b[34:]) == 80 && strings.Contains(string(b[54:]), "HTTP/1.1 200") && b[22] == 1
	})
	if status, _, err := metadata(inner, "PUT", "/latest/api/token", ttlHeader, "60"); err == nil {
		t.Errorf("a token got to the second hop: %d", status)
	}
	if got.Load() == 0 {
		t.Error("the token was not sent with a time to live of one")
	}
	if status, _, err := metadata(inner, "GET", "/latest/meta-data/instance-id", tokenHeader, tokens[0]); err != nil || status != 200 {
		t.Errorf("what is no token did not get to the second hop: %d %v", status, err)
	}
	hops = 2
	if status, _, err := metadata(inner, "PUT", "/latest/api/token", ttlHeader, "60"); err != nil || status != 200 {
		t.Errorf("a token that may take two hops: %d %v", status, err)
	}
}

func TestServicesAreNotOpenToOthers(t *testing.T) {
	c := newCloud(t, netfw.Config{Metadata: func(context.Context, string, string) (*imds.Instance, error) { return &imds.Instance{ID: "i-1"}, nil }})
	n := c.network("vpc-f5", "10.0.0.0/16")
	n.Groups = []netfw.Group{openGroup("sg-1")}
	a := c.guest(n, "10.0.0.10", "sg-1").static()
	if _, _, err := metadata(a.ns, "GET", "/"); err != nil {
		t.Errorf("metadata: %v", err)
	}
	// By the router's other addresses, and from the uplink, nothing answers.
	for _, addr := range []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:53", "169.254.169.254:53", "10.0.0.1:67"} {
		if conn, err := a.dial(addr); err == nil {
			_ = conn.Close()
			t.Errorf("%s answers", addr)
		}
	}
	a.set(n, func(i *netfw.Interface) { i.Addresses[0].Public = netip.MustParseAddr("203.0.113.5") })
	if _, ok := reachesFrom(nil, "203.0.113.5:53"); ok {
		t.Error("the resolver answers to the outside")
	}
	n.NoDNS = true
	c.apply(n)
	if conn, err := a.dial("10.0.0.2:53"); err == nil {
		_ = conn.Close()
		t.Error("the resolver answers though it is off")
	}
}
