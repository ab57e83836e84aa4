package s3api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/accesslog"
	"github.com/aureole-cloud/aureole/s3api/httpd"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// ServerName is what answers call the server.
const ServerName = "Aureole"

// Server speaks S3. Serve it by its own listeners, or give Handler, Expect and Broken to an httpd.Server that
// chooses between front ends.
type Server struct {
	cfg      Config
	objects  *object.Service
	iam      *iam.Service
	verifier *sigv4.Verifier
	domains  []string
	websites []string
	ids      *ids
	routes   routes
	observer Observer
	log      *slog.Logger
	rooms    sync.Pool // of *room

	accessLog *accesslog.Log
	http      *httpd.Server

	ctx    context.Context // of requests: ends when Shutdown gives up waiting
	cancel context.CancelFunc
	slow   sync.WaitGroup // operations that go on behind an answer that has begun
}

// New makes a server that listens nowhere yet.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	v, err := sigv4.New(sigv4.Config{
		Protocol: sigv4.S3, Region: cfg.Region, StrictRegion: cfg.StrictRegion, DisableV2: cfg.DisableV2,
		DenyOddExpires: cfg.Dialect.OddExpiresDenied,
	})
	if err != nil {
		return nil, fmt.Errorf("s3api: %w", err)
	}
	s := &Server{
		cfg: cfg, objects: cfg.Objects, iam: cfg.IAM, verifier: v, domains: cleanDomains(cfg.Domains),
		websites: cleanDomains(cfg.WebsiteDomains),
		ids:      newIDs(), routes: newRoutes(operations()), observer: cfg.Observer, log: cfg.Logger,
	}
	s.accessLog = accesslog.New(accesslog.Config{Deliver: s.objects.DeliverLog, Interval: cfg.LogInterval, Logger: cfg.Logger})
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http, err = httpd.New(httpd.Config{
		Handler: s.Handler(), Expect: s.Expect, Broken: s.Broken, Busy: s.Busy(),
		ServerName: ServerName, Limits: cfg.HTTP, Logger: cfg.Logger,
	})
	if err != nil {
		s.accessLog.Close(s.ctx)
		return nil, fmt.Errorf("s3api: %w", err)
	}
	s.objects.TellLifecycle(s.logLifecycle)
	return s, nil
}

// Serve answers the connections of ln until Shutdown.
func (s *Server) Serve(ln net.Listener) error { return s.http.Serve(ln) }

// ServeTLS is Serve with TLS.
func (s *Server) ServeTLS(ln net.Listener, c *tls.Config) error { return s.http.ServeTLS(ln, c) }

// Shutdown stops accepting and waits for the requests under way. When ctx ends first they are cancelled and their
// connections are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	return errors.Join(err, s.Drain(ctx))
}

// lastLogs is how long delivering access logs may take at the end.
const lastLogs = 5 * time.Second

// Drain is the part of Shutdown that is the front end's own, for a server that is behind another listener: it waits for
// operations that go on behind their answers, and cancels them when ctx ends first.
func (s *Server) Drain(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		s.slow.Wait()
		close(ended)
	}()
	defer s.cancel()
	// What was answered is recorded, even when nobody waits any longer for what was not.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLogs)
		defer cancel()
		s.accessLog.Close(ctx)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		s.cancel()
		<-ended
		return ctx.Err()
	}
}

// Handler answers requests whose header has been read.
func (s *Server) Handler() fiber.Handler {
	return func(c *fiber.Ctx) error {
		s.handle(c.Context())
		return nil
	}
}

// Expect decides on a request that waits for "100 Continue": it is authenticated by its headers alone. A refusal is
// complete; an admitted request is left for Handler, which does not authenticate it again.
func (s *Server) Expect(fctx *fasthttp.RequestCtx) int {
	status := fasthttp.StatusContinue
	s.guarded(fctx, func() *request {
		r, err := s.admit(fctx)
		if err == nil {
			err = r.checkAnnounced()
		}
		if err == nil {
			err = r.checkWriter()
		}
		if err != nil {
			r.respond(nil, err)
			status = fctx.Response.StatusCode()
			return r
		}
		fctx.SetUserValue(userKey, r)
		return r
	})
	return status
}

func (s *Server) handle(fctx *fasthttp.RequestCtx) {
	s.guarded(fctx, func() *request {
		var err error
		r, admitted := fctx.UserValue(userKey).(*request)
		if !admitted {
			if r, err = s.admit(fctx); err != nil {
				r.respond(nil, err)
				return r
			}
		}
		resp, err := s.serve(r)
		r.respond(resp, err)
		return r
	})
}

// guarded answers InternalError for a panic in f: fasthttp would let it end the process.
func (s *Server) guarded(fctx *fasthttp.RequestCtx, f func() *request) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", p, "uri", string(fctx.RequestURI()), "stack", string(debug.Stack()))
			fctx.Response.Reset()
			r := &request{srv: s, fctx: fctx, ctx: s.ctx, id: s.ids.next(), method: string(fctx.Method()), op: &opUnknown}
			r.respond(nil, s3err.New(s3err.InternalError))
			httpd.WillClose(fctx)
		}
	}()
	f()
}

// recovered, deferred, makes an InternalError of a panic on a goroutine that works for r.
func (s *Server) recovered(r *request, err *error) {
	if p := recover(); p != nil {
		s.log.Error("panic", "value", p, "req", r.id, "stack", string(debug.Stack()))
		*err = s3err.New(s3err.InternalError)
	}
}

// admit reads a request, finds its operation and authenticates it. The request is never nil.
func (s *Server) admit(fctx *fasthttp.RequestCtx) (*request, error) {
	r, err := s.receive(fctx)
	if err != nil {
		return r, err
	}
	if r.op == &opWebsite {
		r.admitWebsite()
		return r, nil
	}
	if err := s.route(r); err != nil {
		return r, err
	}
	switch r.op.auth {
	case byForm:
		return r, nil
	case unsigned:
		r.identify(iam.Anonymous())
		return r, nil
	}
	return r, s.authenticate(r)
}

// serve runs the operation of an admitted request.
func (s *Server) serve(r *request) (*response, error) {
	if r.op == &opWebsite {
		return r.serveWebsite()
	}
	if r.op.handler == nil {
		return nil, r.op.refusal(r)
	}
	if v, ok := r.query.lookup("versionId"); ok && v == "" && r.key != "" {
		return nil, s3err.Argument("versionId", v, "Version id cannot be the empty string")
	}
	r.noteEncryption()
	if err := s.checkExpectedOwner(r, r.bucket, "x-amz-expected-bucket-owner"); err != nil {
		return nil, err
	}
	if err := r.checkPayer(); err != nil {
		return nil, err
	}
	resp, err := r.op.handler(r)
	if err != nil && r.document {
		err = s.orNoBucket(r, err)
	}
	return resp, err
}

// orNoBucket is NoSuchBucket instead of what is wrong with a document for a bucket that is not there: Amazon looks for the bucket
// first, here it is found by the operation.
func (s *Server) orNoBucket(r *request, err error) error {
	var e *s3err.Error
	if !errors.As(err, &e) || r.bucket == "" || r.op.name == "CreateBucket" {
		return err // core has looked
	}
	if _, none := s.objects.Owner(r.ctx, r.bucket); none != nil {
		return none
	}
	return err
}

// Broken answers a request that could not be read.
func (s *Server) Broken(fctx *fasthttp.RequestCtx, f httpd.Fault) {
	r := &request{srv: s, fctx: fctx, ctx: s.ctx, id: s.ids.next(), op: &opUnknown}
	r.start = fctx.ConnTime()
	fctx.Response.Reset()
	var e *s3err.Error
	switch f {
	case httpd.HeadersTooLarge:
		e = s3err.New(s3err.RequestHeaderSectionTooLarge)
	case httpd.TimedOut:
		e = s3err.New(s3err.RequestTimeout)
	case httpd.Truncated:
		e = s3err.New(s3err.IncompleteBody)
	case httpd.BadTransferCoding:
		e = s3err.Header("Transfer-Encoding")
	case httpd.BodyTooLarge:
		e = s3err.New(s3err.EntityTooLarge)
	default:
		e = s3err.New(s3err.BadRequest)
	}
	r.method = string(fctx.Method())
	if f == httpd.Disconnected {
		r.done = true // not a request
	}
	r.respond(nil, e)
}

// Busy is the answer to a connection beyond the limit.
func (s *Server) Busy() []byte {
	body := s3err.New(s3err.SlowDown).AppendXML(nil, s.ids.next(), s.ids.hostID)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nServer: %s\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		http.StatusServiceUnavailable, "Slow Down", ServerName, xmlType, len(body), body)
}
