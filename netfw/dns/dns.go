// Package dns is the resolver of a network: it knows the instances by name, and asks other resolvers for all else.
//
// It guarantees that names and addresses of the network are answered from the Zone alone and never asked of others, and that
// whatever guests send costs bounded memory and time: questions beyond the limit are refused.
//
// It needs sockets made by Listen inside of the namespace of the guests; it asks others from the namespace of the process. It
// may not know where names come from.
package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A Zone is what the resolver knows by itself. It is not changed once it is in use.
type Zone struct {
	// Domain is the domain of the instances, without a final dot.
	Domain string
	// Names are all names, in lower case and without a final dot.
	Names map[string][]netip.Addr
	// Addrs are the names of addresses.
	Addrs map[netip.Addr]string
	// Blocks are the blocks of the network: what is in them and has no name does not exist.
	Blocks []netip.Prefix
}

// Limits of the resolver of one network.
const (
	inFlight   = 256 // questions that wait for others
	ttl        = 60  // seconds that answers hold
	patience   = 2 * time.Second
	maxUDPSize = 4096
)

// Sockets are what a resolver listens on.
type Sockets struct {
	UDP net.PacketConn
	TCP net.Listener
}

// Listen opens the sockets. It has to be called inside of the namespace.
func Listen(ctx context.Context) (Sockets, error) {
	var lc net.ListenConfig
	udp, err := lc.ListenPacket(ctx, "udp4", ":53")
	if err != nil {
		return Sockets{}, err
	}
	tcp, err := lc.Listen(ctx, "tcp4", ":53")
	if err != nil {
		return Sockets{}, errors.Join(err, udp.Close())
	}
	return Sockets{udp, tcp}, nil
}

// A Server is the resolver of one network.
type Server struct {
	zone     func() *Zone
	upstream func() []string
	slots    chan struct{}
	udp, tcp *dns.Server
	done     context.Context
	stop     context.CancelFunc
	closeUDP func() error
	closeTCP func() error
}

// New makes a server. The functions tell the zone and the addresses, with ports, of the resolvers to ask; both are called for
// every question.
func New(s Sockets, zone func() *Zone, upstream func() []string) *Server {
	srv := &Server{zone: zone, upstream: upstream, slots: make(chan struct{}, inFlight), closeUDP: s.UDP.Close, closeTCP: s.TCP.Close}
	srv.done, srv.stop = context.WithCancel(context.Background())
	h := dns.HandlerFunc(srv.serve)
	srv.udp = &dns.Server{PacketConn: s.UDP, Handler: h, UDPSize: maxUDPSize}
	srv.tcp = &dns.Server{Listener: s.TCP, Handler: h, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		IdleTimeout: func() time.Duration { return 10 * time.Second }, MaxTCPQueries: 128}
	return srv
}

// Serve answers until Close.
func (s *Server) Serve() error {
	errs := make(chan error, 2)
	go func() { errs <- s.udp.ActivateAndServe() }()
	go func() { errs <- s.tcp.ActivateAndServe() }()
	err := errors.Join(<-errs, <-errs)
	if s.done.Err() != nil {
		return nil
	}
	return err
}

// Close ends Serve.
func (s *Server) Close() {
	s.stop()
	// Shutdown waits for handlers, which wait for other resolvers; the sockets are closed first so that it is soon.
	_ = s.closeUDP()
	_ = s.closeTCP()
	_ = s.udp.Shutdown()
	_ = s.tcp.Shutdown()
}

func (s *Server) serve(w dns.ResponseWriter, q *dns.Msg) {
	m := s.Answer(q)
	if m == nil {
		m = s.ask(q, w.LocalAddr().Network())
	}
	if w.LocalAddr().Network() == "udp" {
		m.Truncate(room(q))
	}
	_ = w.WriteMsg(m)
}

// room is how long an answer may be that goes by UDP.
func room(q *dns.Msg) int {
	size := dns.MinMsgSize
	if o := q.IsEdns0(); o != nil {
		size = min(max(int(o.UDPSize()), size), maxUDPSize)
	}
	return size
}

// Answer answers a question from the zone. Nil means that others have to be asked.
func (s *Server) Answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	if q.Opcode != dns.OpcodeQuery || len(q.Question) != 1 {
		return m.SetRcode(q, dns.RcodeNotImplemented)
	}
	m.SetReply(q)
	m.RecursionAvailable = true
	ask := q.Question[0]
	if ask.Qclass != dns.ClassINET {
		return m.SetRcode(q, dns.RcodeRefused)
	}
	z := s.zone()
	name := strings.ToLower(strings.TrimSuffix(ask.Name, "."))
	head := dns.RR_Header{Name: ask.Name, Class: dns.ClassINET, Ttl: ttl}
	if addrs, ok := z.Names[name]; ok {
		m.Authoritative = true
		for _, a := range addrs {
			switch {
			case a.Is4() && (ask.Qtype == dns.TypeA || ask.Qtype == dns.TypeANY):
				head.Rrtype = dns.TypeA
				m.Answer = append(m.Answer, &dns.A{Hdr: head, A: a.AsSlice()})
			case a.Is6() && (ask.Qtype == dns.TypeAAAA || ask.Qtype == dns.TypeANY):
				head.Rrtype = dns.TypeAAAA
				m.Answer = append(m.Answer, &dns.AAAA{Hdr: head, AAAA: a.AsSlice()})
			}
		}
		return m
	}
	if a, ok := reverse(name); ok {
		if host, ok := z.Addrs[a]; ok {
			m.Authoritative = true
			if ask.Qtype == dns.TypePTR || ask.Qtype == dns.TypeANY {
				head.Rrtype = dns.TypePTR
				m.Answer = append(m.Answer, &dns.PTR{Hdr: head, Ptr: dns.Fqdn(host)})
			}
			return m
		}
		for _, b := range z.Blocks {
			if b.Contains(a) {
				return m.SetRcode(q, dns.RcodeNameError)
			}
		}
	}
	if z.Domain != "" && (name == z.Domain || strings.HasSuffix(name, "."+z.Domain)) {
		if name == z.Domain {
			return m
		}
		return m.SetRcode(q, dns.RcodeNameError)
	}
	return nil
}

// reverse takes the address out of a name such as 5.0.0.10.in-addr.arpa.
func reverse(name string) (netip.Addr, bool) {
	rest, ok := strings.CutSuffix(name, ".in-addr.arpa")
	if !ok {
		return netip.Addr{}, false
	}
	parts := strings.Split(rest, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(parts[3] + "." + parts[2] + "." + parts[1] + "." + parts[0])
	return a, err == nil && a.Is4()
}

// ask asks the other resolvers one by one. If none answers, so do we.
func (s *Server) ask(q *dns.Msg, network string) *dns.Msg {
	fail := func(code int) *dns.Msg {
		m := new(dns.Msg).SetRcode(q, code)
		m.RecursionAvailable = true
		return m
	}
	if !q.RecursionDesired {
		return fail(dns.RcodeRefused)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return fail(dns.RcodeRefused)
	}
	client := &dns.Client{Net: network, Timeout: patience, UDPSize: maxUDPSize}
	for _, to := range s.upstream() {
		m, _, err := client.ExchangeContext(s.done, q, to)
		if err == nil && answers(m, q) {
			m.Id = q.Id
			return m
		}
	}
	return fail(dns.RcodeServerFailure)
}

// answers tells whether a message is one that answers a question, and not another, and can be sent on.
func answers(m, q *dns.Msg) bool {
	if !m.Response || len(m.Question) != 1 {
		return false
	}
	a, b := m.Question[0], q.Question[0]
	if a.Qtype != b.Qtype || a.Qclass != b.Qclass || !strings.EqualFold(a.Name, b.Name) {
		return false
	}
	_, err := m.Pack() // some of what can be read cannot be written
	return err == nil
}

// System reads the resolvers of the host from a file like /etc/resolv.conf.
func System(file string) []string {
	cfg, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil
	}
	out := make([]string, 0, len(cfg.Servers))
	for _, s := range cfg.Servers {
		out = append(out, net.JoinHostPort(s, cfg.Port))
	}
	return out
}
