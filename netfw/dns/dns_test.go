package dns

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

func zone() *Zone {
	a := netip.MustParseAddr("10.0.0.5")
	return &Zone{
		Domain: "ec2.internal",
		Names:  map[string][]netip.Addr{"ip-10-0-0-5.ec2.internal": {a}, "both.example": {a, netip.MustParseAddr("fd00::5")}},
		Addrs:  map[netip.Addr]string{a: "ip-10-0-0-5.ec2.internal"},
		Blocks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
	}
}

// start runs a resolver on loopback that asks another one, which knows elsewhere.example only.
func start(t *testing.T) string {
	t.Helper()
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up := &dns.Server{PacketConn: other, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == "elsewhere.example." {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, 1)})
		} else {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = up.ActivateAndServe() }()
	udp, tcp := samePort(t)
	s := New(Sockets{udp, tcp}, zone, func() []string { return []string{other.LocalAddr().String()} })
	ended := make(chan error)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = other.Close()
	})
	return udp.LocalAddr().String()
}

// samePort listens by UDP and TCP on a port of loopback that is free for both.
func samePort(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for try := 0; ; try++ {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		_ = udp.Close()
		if try == 20 {
			t.Fatal(err)
		}
	}
}

func TestQuestions(t *testing.T) {
	addr := start(t)
	for _, test := range []struct {
		name  string
		kind  uint16
		rcode int
		want  []string
	}{
		{"ip-10-0-0-5.ec2.internal.", dns.TypeA, dns.RcodeSuccess, []string{"10.0.0.5"}},
		{"IP-10-0-0-5.EC2.internal.", dns.TypeA, dns.RcodeSuccess, []string{"10.0.0.5"}},
		{"ip-10-0-0-5.ec2.internal.", dns.TypeAAAA, dns.RcodeSuccess, nil},
		{"ip-10-0-0-5.ec2.internal.", dns.TypeMX, dns.RcodeSuccess, nil},
		{"both.example.", dns.TypeAAAA, dns.RcodeSuccess, []string{"fd00::5"}},
		{"both.example.", dns.TypeANY, dns.RcodeSuccess, []string{"10.0.0.5", "fd00::5"}},
		{"ip-10-0-0-6.ec2.internal.", dns.TypeA, dns.RcodeNameError, nil},
		{"ec2.internal.", dns.TypeA, dns.RcodeSuccess, nil},
		{"5.0.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, []string{"ip-10-0-0-5.ec2.internal."}},
		{"6.0.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, nil},
		{"elsewhere.example.", dns.TypeA, dns.RcodeSuccess, []string{"192.0.2.1"}},
		{"nowhere.example.", dns.TypeA, dns.RcodeNameError, nil},
		{".", dns.TypeNS, dns.RcodeNameError, nil},
	} {
		for _, network := range []string{"udp", "tcp"} {
			if network == "tcp" && test.name == "elsewhere.example." || network == "tcp" && (test.name == "nowhere.example." || test.name == ".") {
				continue // the other resolver of the test has no TCP
			}
			c := dns.Client{Net: network}
			q := new(dns.Msg).SetQuestion(test.name, test.kind)
			m, _, err := c.ExchangeContext(context.Background(), q, addr)
			if err != nil {
				t.Fatalf("%s %s: %v", network, test.name, err)
			}
			var got []string
			for _, rr := range m.Answer {
				switch rr := rr.(type) {
				case *dns.A:
					got = append(got, rr.A.String())
				case *dns.AAAA:
					got = append(got, rr.AAAA.String())
				case *dns.PTR:
					got = append(got, rr.Ptr)
				}
			}
			if m.Rcode != test.rcode || len(got) != len(test.want) || len(got) > 0 && got[0] != test.want[0] {
				t.Errorf("%s %s %s: %s %v", network, test.name, dns.TypeToString[test.kind], dns.RcodeToString[m.Rcode], got)
			}
		}
	}
}

// What a resolver says that was not asked, or not by it, is no answer.
func TestAnswersToOtherQuestions(t *testing.T) {
	q := new(dns.Msg).SetQuestion("elsewhere.example.", dns.TypeA)
	for name, change := range map[string]func(*dns.Msg){
		"a question":     func(m *dns.Msg) { m.Response = false },
		"no question":    func(m *dns.Msg) { m.Question = nil },
		"another name":   func(m *dns.Msg) { m.Question[0].Name = "other.example." },
		"another type":   func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"another class":  func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"two questions":  func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"the right ones": func(m *dns.Msg) { m.Question[0].Name = "ELSEWHERE.example." },
	} {
		m := new(dns.Msg).SetReply(q)
		change(m)
		if answers(m, q) != (name == "the right ones") {
			t.Errorf("%s: taken for an answer: %v", name, answers(m, q))
		}
	}
}

func TestQuestionsThatAreNone(t *testing.T) {
	s := &Server{zone: zone}
	for name, q := range map[string]*dns.Msg{
		"no question":   {},
		"two questions": {Question: []dns.Question{{Name: "a.", Qtype: 1, Qclass: 1}, {Name: "b.", Qtype: 1, Qclass: 1}}},
		"an update":     {MsgHdr: dns.MsgHdr{Opcode: dns.OpcodeUpdate}, Question: []dns.Question{{Name: "a.", Qtype: 1, Qclass: 1}}},
		"another class": {Question: []dns.Question{{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}},
	} {
		if m := s.Answer(q); m == nil || m.Rcode == dns.RcodeSuccess {
			t.Errorf("%s: %v", name, m)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"ip-10-0-0-5.ec2.internal.", "5.0.0.10.in-addr.arpa.", "1.2.3.in-addr.arpa.", "."} {
		b, err := new(dns.Msg).SetQuestion(name, dns.TypePTR).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	s := &Server{zone: zone}
	f.Fuzz(func(t *testing.T, b []byte) {
		q := new(dns.Msg)
		if q.Unpack(b) != nil {
			return
		}
		m := s.Answer(q)
		if m == nil {
			return // asked of others
		}
		if len(m.Question) > 1 || m.Id != q.Id || !m.Response {
			t.Errorf("%v answers %v", m, q)
		}
		sent(t, m, q)
	})
}

// sent checks that an answer fits into what goes to the guest.
func sent(t *testing.T, m, q *dns.Msg) {
	if _, err := q.Pack(); err != nil {
		return // the question itself cannot be written again
	}
	m.Truncate(room(q))
	out, err := m.Pack()
	if err != nil {
		t.Fatalf("the answer to %v cannot be sent: %v", q, err)
	}
	if len(out) > room(q) {
		t.Errorf("the answer to %v has %d bytes, not %d", q, len(out), room(q))
	}
}

// FuzzUpstream takes any bytes for what another resolver says, to a question with and without room for more.
func FuzzUpstream(f *testing.F) {
	ask := new(dns.Msg).SetQuestion("elsewhere.example.", dns.TypeA)
	big := ask.Copy().SetEdns0(1232, true)
	reply := new(dns.Msg).SetReply(ask)
	for k := range 60 {
		reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: "elsewhere.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, byte(k))})
	}
	reply.Extra = append(reply.Extra, &dns.TXT{Hdr: dns.RR_Header{Name: "elsewhere.example.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"text"}})
	b, err := reply.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, q := range []*dns.Msg{ask, big} {
			m := new(dns.Msg)
			if m.Unpack(b) == nil && answers(m, q) {
				sent(t, m, q)
			}
		}
	})
}
