package dhcp

import (
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

var mac = net.HardwareAddr{2, 0, 0, 0, 0, 1}

func lease() Lease {
	return Lease{MAC: mac, Addr: netip.MustParseAddr("10.0.0.10"), Subnet: netip.MustParsePrefix("10.0.0.0/24"), Router: netip.MustParseAddr("10.0.0.1"),
		DNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, Domain: "ec2.internal", Hostname: "ip-10-0-0-10", MTU: 1450,
		Metadata: netip.MustParseAddr("169.254.169.254")}
}

func message(t *testing.T, kind dhcpv4.MessageType, with ...dhcpv4.Modifier) []byte {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(kind)}, with...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.ToBytes()
}

func TestAnswers(t *testing.T) {
	ask := func(ip string) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(ip)))
	}
	server := func(ip string) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(ip))) }
	client := func(ip string) dhcpv4.Modifier { return dhcpv4.WithClientIP(net.ParseIP(ip)) }
	for _, test := range []struct {
		name string
		msg  []byte
		kind dhcpv4.MessageType
		to   string // empty: no answer
	}{
		{"discover", message(t, dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer, "10.0.0.10"},
		{"discover, broadcast", message(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithBroadcast(true)), dhcpv4.MessageTypeOffer, "255.255.255.255"},
		{"request", message(t, dhcpv4.MessageTypeRequest, ask("10.0.0.10"), server("10.0.0.1")), dhcpv4.MessageTypeAck, "10.0.0.10"},
		{"request of another address", message(t, dhcpv4.MessageTypeRequest, ask("10.0.0.11"), server("10.0.0.1")), dhcpv4.MessageTypeNak, "255.255.255.255"},
		{"request of another server", message(t, dhcpv4.MessageTypeRequest, ask("10.0.0.10"), server("10.0.0.9")), 0, ""},
		{"renewal", message(t, dhcpv4.MessageTypeRequest, client("10.0.0.10")), dhcpv4.MessageTypeAck, "10.0.0.10"},
		{"renewal of another address", message(t, dhcpv4.MessageTypeRequest, client("10.0.0.77")), dhcpv4.MessageTypeNak, "255.255.255.255"},
		{"inform", message(t, dhcpv4.MessageTypeInform, client("10.0.0.10")), dhcpv4.MessageTypeAck, "10.0.0.10"},
		{"release", message(t, dhcpv4.MessageTypeRelease), 0, ""},
		{"decline", message(t, dhcpv4.MessageTypeDecline), 0, ""},
		{"another card", message(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 2})), 0, ""},
		{"relayed", message(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithGatewayIP(net.IPv4(10, 0, 0, 9))), 0, ""},
		{"our own", message(t, dhcpv4.MessageTypeOffer, func(m *dhcpv4.DHCPv4) { m.OpCode = dhcpv4.OpcodeBootReply }), 0, ""},
		{"nothing", nil, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, to := Answer(test.msg, lease())
			if (r != nil) != (test.to != "") {
				t.Fatalf("answer is %v", r)
			}
			if r == nil {
				return
			}
			if to.String() != test.to || r.MessageType() != test.kind {
				t.Errorf("%s to %s", r.MessageType(), to)
			}
			if r.MessageType() == dhcpv4.MessageTypeNak {
				return
			}
			if !r.Router()[0].Equal(net.IPv4(10, 0, 0, 1)) || r.DomainName() != "ec2.internal" || r.HostName() != "ip-10-0-0-10" || len(r.ClasslessStaticRoute()) != 2 {
				t.Errorf("options: %s", r.Summary())
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	m, err := dhcpv4.New(dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.ToBytes())
	f.Add([]byte{1, 1, 6, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, to := Answer(b, lease())
		if r == nil {
			return
		}
		if to != lease().Addr && to != broadcast {
			t.Errorf("answer goes to %s", to)
		}
		if y := r.YourIPAddr; !y.IsUnspecified() && !y.Equal(lease().Addr.AsSlice()) {
			t.Errorf("%s is given", y)
		}
		if _, err := dhcpv4.FromBytes(r.ToBytes()); err != nil {
			t.Errorf("the answer cannot be read: %v", err)
		}
	})
}
