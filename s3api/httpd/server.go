package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// maxBody is more than any body that a protocol here allows; the protocols have limits of their own.
const maxBody = 1 << 50

// Server serves HTTP/1.1.
type Server struct {
	cfg Config
	app *fiber.App

	mu struct {
		sync.Mutex
		listeners []*listener
		closing   bool
	}
}

// New makes a server that listens nowhere yet.
func New(cfg Config) (*Server, error) {
	cfg.Limits.withDefaults()
	if err := cfg.Limits.Validate(); err != nil {
		return nil, err
	}
	if cfg.Handler == nil || cfg.Broken == nil {
		return nil, errors.New("httpd: Handler and Broken are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg}
	s.app = fiber.New(fiber.Config{
		ServerHeader:                 cfg.ServerName,
		StrictRouting:                true,
		CaseSensitive:                true,
		BodyLimit:                    maxBody,
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		ReadBufferSize:               cfg.Limits.MaxHeaderBytes,
		WriteBufferSize:              cfg.Limits.WriteBuffer,
		ReadTimeout:                  cfg.Limits.HeaderTimeout,
		IdleTimeout:                  cfg.Limits.KeepAlive,
		Concurrency:                  cfg.Limits.MaxConns + 1,
		DisableDefaultContentType:    true,
		DisableStartupMessage:        true,
	})
	s.app.Use(cfg.Handler)
	inner := s.app.Handler()

	fast := s.app.Server()
	fast.Handler = func(ctx *fasthttp.RequestCtx) {
		if !knownMethod(ctx.Method()) {
			// Fiber routes a fixed set of methods; let the front end refuse the others in its own words.
			ctx.Request.Header.SetMethod(fiber.MethodTrace)
		}
		inner(ctx)
		s.afterHandler(ctx)
	}
	fast.ErrorHandler = s.broken
	fast.CloseOnShutdown = true
	fast.MaxIdleWorkerDuration = time.Second
	fast.Logger = printfLogger{cfg.Logger}
	if cfg.Expect != nil {
		fast.ExpectHandler = s.expect
	}
	return s, nil
}

func knownMethod(m []byte) bool {
	switch string(m) {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodPut, fiber.MethodPost, fiber.MethodDelete, fiber.MethodOptions,
		fiber.MethodPatch, fiber.MethodTrace, fiber.MethodConnect:
		return true
	}
	return false
}

// Serve answers the connections of ln until Shutdown or until ln fails; it closes ln.
func (s *Server) Serve(ln net.Listener) error { return s.serve(ln, nil) }

// ServeTLS is Serve with TLS on every connection. Use it rather than tls.NewListener: the deadlines work below TLS.
func (s *Server) ServeTLS(ln net.Listener, c *tls.Config) error { return s.serve(ln, serverTLS(c)) }

func (s *Server) serve(ln net.Listener, tc *tls.Config) error {
	l := newListener(ln, &s.cfg.Limits, s.cfg.Busy, s.cfg.Logger)
	if l.plain = tc == nil; !l.plain {
		l.busy = nil
	}
	s.mu.Lock()
	if s.mu.closing {
		s.mu.Unlock()
		return errors.Join(net.ErrClosed, ln.Close())
	}
	s.mu.listeners = append(s.mu.listeners, l)
	s.mu.Unlock()
	if tc != nil {
		return s.app.Server().Serve(tls.NewListener(l, tc))
	}
	return s.app.Server().Serve(l)
}

// Shutdown stops accepting and waits for running requests; when ctx ends first it cuts their connections and
// returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.mu.closing = true
	listeners := s.mu.listeners
	s.mu.Unlock()
	err := s.app.Server().ShutdownWithContext(ctx)
	if err == nil {
		return nil
	}
	for _, l := range listeners {
		l.severAll()
	}
	// Cut connections end their handlers at the next read or write.
	wait := time.NewTimer(5 * time.Second)
	defer wait.Stop()
	for open := 1; open > 0; {
		open = 0
		for _, l := range listeners {
			open += l.open()
		}
		if open == 0 {
			break
		}
		select {
		case <-wait.C:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	return err
}

// Conns is how many connections are open.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.mu.listeners {
		n += l.open()
	}
	return n
}

// BodyStream is the request's body. Reading it keeps to the limits of a body rather than of a header.
func BodyStream(ctx *fasthttp.RequestCtx) io.Reader {
	r := ctx.RequestBodyStream()
	if r == nil {
		return eof{}
	}
	if c := connOf(ctx); c != nil {
		c.startBody()
	}
	return r
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// WillClose says that the connection ends with this answer although the client may still be sending.
func WillClose(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	if c := connOf(ctx); c != nil {
		c.unread.Store(true)
	}
}

func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	status := s.cfg.Expect(ctx)
	if status != fasthttp.StatusContinue {
		WillClose(ctx)
	}
	return status
}

// afterHandler marks connections that fasthttp will close because too much of the body is unread.
func (s *Server) afterHandler(ctx *fasthttp.RequestCtx) {
	c := connOf(ctx)
	if c == nil || ctx.RequestBodyStream() == nil {
		return
	}
	// fasthttp drains a little of what is unread and keeps the connection, or closes it. Which, is not known here; the
	// mark is taken back when the connection goes on to its next request.
	c.unread.Store(ctx.Response.StatusCode() >= fasthttp.StatusBadRequest)
	if !c.inBody {
		c.startBody()
	}
}

func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	f := faultOf(err)
	if f != Disconnected {
		if c := connOf(ctx); c != nil {
			c.unread.Store(true)
		}
	}
	s.cfg.Broken(ctx, f)
}

func faultOf(err error) Fault {
	var small *fasthttp.ErrSmallBuffer
	var chunk fasthttp.ErrBrokenChunk
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &small):
		return HeadersTooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return BodyTooLarge
	case errors.Is(err, fasthttp.ErrUnsupportedTransferEncoding), strings.Contains(err.Error(), "unsupported transfer-encoding"):
		return BadTransferCoding
	case errors.As(err, &chunk):
		return Truncated
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		if strings.Contains(err.Error(), "request headers") {
			return Malformed // a header that ends early says of no body that it is incomplete
		}
		return Truncated
	case errors.As(err, &op), errors.Is(err, net.ErrClosed):
		return Disconnected
	}
	return Malformed
}

func connOf(ctx *fasthttp.RequestCtx) *conn {
	switch c := ctx.Conn().(type) {
	case *conn:
		return c
	case *tls.Conn:
		if c, ok := c.NetConn().(*conn); ok {
			return c
		}
	}
	return nil
}

// printfLogger takes fasthttp's rare complaints (a handler's panic, a failing connection).
type printfLogger struct{ log *slog.Logger }

func (p printfLogger) Printf(format string, args ...any) {
	p.log.Debug("http server", "msg", strings.TrimSpace(strings.ReplaceAll(format, "%", "")), "args", args)
}
