package imds

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Addr is where the service answers.
const Addr = "169.254.169.254:80"

// Config says what a Server tells, and to whom.
type Config struct {
	Network string
	Source  Source
	// Identity signs the identity document; nil leaves the signatures out.
	Identity *Identity
	// TokenKey seals the tokens. It must not be empty.
	TokenKey []byte
	// Who finds the interface that has an address.
	Who func(netip.Addr) (iface string, ok bool)
	Log *slog.Logger
}

// NewTokenKey makes a key to seal tokens with.
func NewTokenKey() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return b
}

// A Server is the service of one network.
type Server struct {
	cfg  Config
	http *http.Server
}

// Limits of what guests may send. A guest on a busy host may need long for a few bytes, so time is what it is given plenty of:
// what a guest holds is bounded by its connections.
const (
	maxHeader     = 16 << 10
	maxPath       = 2 << 10
	connsPerGuest = 256
	patience      = time.Minute
	answerWithin  = 10 * time.Second
)

// New makes a server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg}
	s.http = &http.Server{
		Handler: s, ReadTimeout: patience, WriteTimeout: 2 * patience, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	// One request per connection, as on EC2: so no idle ones are held, and what is sent with the hop limit of a token cannot be
	// mixed up with other answers.
	s.http.SetKeepAlivesEnabled(false)
	return s
}

type connKey struct{}

// Listen opens the socket of a server. It has to be called inside of the namespace.
func Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp4", Addr)
}

// Serve answers until Close.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(&fair{Listener: l, open: map[netip.Addr]int{}})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends Serve, and the connections.
func (s *Server) Close() error { return s.http.Close() }

// fair keeps one guest from taking all connections.
type fair struct {
	net.Listener
	mu   sync.Mutex
	open map[netip.Addr]int
}

// Accept waits for the next connection of a guest that has not too many.
func (f *fair) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		a := addrOf(c.RemoteAddr())
		f.mu.Lock()
		full := f.open[a] >= connsPerGuest
		if !full {
			f.open[a]++
		}
		f.mu.Unlock()
		if !full {
			return &fairConn{Conn: c, done: func() { f.gone(a) }}, nil
		}
		_ = c.Close()
	}
}

func (f *fair) gone(a netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[a]--; f.open[a] <= 0 {
		delete(f.open, a)
	}
}

type fairConn struct {
	net.Conn
	once sync.Once
	done func()
}

// Close closes the connection and lets the guest have another.
func (c *fairConn) Close() error {
	c.once.Do(c.done)
	return c.Conn.Close()
}

func addrOf(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// defaultTTL is the time to live of all answers but those that carry a token.
const defaultTTL = 64

// setTTL limits how many hops what is sent from now on may take.
func setTTL(ctx context.Context, hops int) error {
	f, ok := ctx.Value(connKey{}).(*fairConn)
	if !ok {
		return nil
	}
	t, ok := f.Conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Control(func(fd uintptr) { serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, hops) })
	return errors.Join(err, serr)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "EC2ws")
	// net/http takes a guest that has said all it has to say, and closes its half of the connection, for one that is gone:
	// the request's context ends. Such guests (nc with its input from a pipe) wait for an answer like all others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
	defer cancel()
	r = r.WithContext(ctx)
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		refuse(w, http.StatusForbidden)
		return
	}
	iface, ok := s.cfg.Who(remote.Addr().Unmap())
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	inst, err := s.cfg.Source(r.Context(), s.cfg.Network, iface)
	switch {
	case errors.Is(err, ErrNotFound):
		refuse(w, http.StatusNotFound)
		return
	case err != nil:
		s.cfg.Log.Warn("metadata not found out", "network", s.cfg.Network, "interface", iface, "err", err)
		refuse(w, http.StatusServiceUnavailable)
		return
	case inst.Disabled:
		refuse(w, http.StatusForbidden)
		return
	case len(r.URL.Path) > maxPath:
		refuse(w, http.StatusNotFound)
		return
	}
	if err := setTTL(r.Context(), defaultTTL); err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	steps := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	isToken := strings.Join(steps, "/") == "latest/api/token"
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allowed(isToken))
		answer(w, "text/plain", nil)
	case r.Method == http.MethodPut && isToken:
		s.token(w, r, inst)
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && !isToken:
		s.get(w, r, inst, steps)
	default:
		w.Header().Set("Allow", allowed(isToken))
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// allowed are the methods of a path, as the service lists them with what it does not allow.
func allowed(token bool) string {
	if token {
		return "OPTIONS, PUT"
	}
	return "OPTIONS, GET, HEAD"
}

const (
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	ttlHeader   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
)

// token answers the request for a token, in packets that die after as many hops as the instance's options say: so that a
// token does not get beyond the instance, be it by a container or by an open proxy.
func (s *Server) token(w http.ResponseWriter, r *http.Request, inst *Instance) {
	if len(r.Header.Values("X-Forwarded-For")) > 0 {
		refuse(w, http.StatusForbidden)
		return
	}
	ttl, err := strconv.Atoi(r.Header.Get(ttlHeader))
	if err != nil || ttl < 1 || ttl > maxTTL {
		refuse(w, http.StatusBadRequest)
		return
	}
	if err := setTTL(r.Context(), min(max(inst.HopLimit, 1), 64)); err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set(ttlHeader, strconv.Itoa(ttl))
	answer(w, "text/plain", []byte(newToken(s.cfg.TokenKey, inst.ID, time.Now().Add(time.Duration(ttl)*time.Second))))
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, inst *Instance, steps []string) {
	token := r.Header.Get(tokenHeader)
	given := len(r.Header.Values(tokenHeader)) > 0
	now := time.Now()
	end, valid := tokenEnd(s.cfg.TokenKey, inst.ID, token, now)
	if given && !valid || !given && inst.TokenRequired {
		refuse(w, http.StatusUnauthorized)
		return
	}
	if given {
		w.Header().Set(ttlHeader, strconv.Itoa(int(end.Sub(now)/time.Second)))
	}
	if len(steps) == 0 {
		answer(w, "text/plain", []byte(strings.Join(versions(), "\n")))
		return
	}
	if !isVersion(steps[0]) {
		refuse(w, http.StatusNotFound)
		return
	}
	t := inst.metadata(s.cfg.Identity)
	path := strings.Join(steps[1:], "/")
	if leaf, ok := t[path]; ok { // with or without a slash at its end, as on EC2
		b, err := leaf(r.Context())
		if err != nil {
			s.cfg.Log.Warn("metadata not made", "instance", inst.ID, "path", path, "err", err)
			refuse(w, http.StatusInternalServerError)
			return
		}
		kind := "text/plain"
		if path == "user-data" {
			kind = "application/octet-stream"
		}
		answer(w, kind, b)
		return
	}
	names := t.list(path)
	if path == "meta-data/public-keys" {
		// This folder alone lists what its entries are called.
		for i, k := range inst.Keys {
			names[i] = fmt.Sprintf("%d=%s", i, k.Name)
		}
	}
	if len(names) == 0 {
		refuse(w, http.StatusNotFound)
		return
	}
	if path == "" {
		for i := range names {
			names[i] = strings.TrimSuffix(names[i], "/")
		}
	}
	answer(w, "text/plain", []byte(strings.Join(names, "\n")))
}

// answer writes a body; net/http leaves it out for HEAD. There are no ranges.
func answer(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Accept-Ranges", "none")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// refuse writes an error as the service of EC2 does.
func refuse(w http.ResponseWriter, status int) {
	text := fmt.Sprintf("%d - %s", status, http.StatusText(status))
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
	"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>%s</title>
 </head>
 <body>
  <h1>%s</h1>
 </body>
</html>
`, text, text)
}
