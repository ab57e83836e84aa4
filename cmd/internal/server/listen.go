package server

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/dispatch"
	"github.com/aureole-cloud/aureole/cmd/internal/observe"
	"github.com/aureole-cloud/aureole/cmd/internal/tlscert"
	"github.com/aureole-cloud/aureole/iamapi"
	"github.com/aureole-cloud/aureole/s3api"
	"github.com/aureole-cloud/aureole/s3api/httpd"
)

// listen takes the addresses before anything slow is opened; connections wait in the backlog until Run.
func (s *Server) listen(ctx context.Context) (err error) {
	var lc net.ListenConfig
	if s.listener, err = lc.Listen(ctx, "tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.onClose("listener", s.listener.Close)
	s.info = datadir.Server{PID: pid(), Endpoint: "http://" + reachable(s.listener.Addr()), Region: s.cfg.Region}
	if s.cfg.WebsiteListen != "" {
		if s.websiteListener, err = lc.Listen(ctx, "tcp", s.cfg.WebsiteListen); err != nil {
			return fmt.Errorf("website-listen: %w", err)
		}
		s.onClose("website listener", s.websiteListener.Close)
	}
	if s.cfg.AdminListen == "off" {
		return nil
	}
	if s.adminListener, err = lc.Listen(ctx, "tcp", s.cfg.AdminListen); err != nil {
		return fmt.Errorf("admin-listen: %w", err)
	}
	s.onClose("admin listener", s.adminListener.Close)
	s.info.Admin = "http://" + reachable(s.adminListener.Addr())
	if a, ok := s.adminListener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		s.log.Warn("the admin API listens beyond this machine without TLS: keep it on a private network", "address", a)
	}
	return nil
}

// reachable is an address under which this machine reaches a listener.
func reachable(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || !t.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(t.Port))
}

func (s *Server) openTLS(context.Context) error {
	if !s.cfg.TLS() {
		return nil
	}
	log := s.log.With("part", "tls")
	var src *tlscert.Source
	var err error
	if s.cfg.TLSSelfSigned {
		src, err = tlscert.SelfSigned(s.dir.TLS(), tlscert.Names(s.cfg.Listen, s.cfg.Domains, s.cfg.TLSNames), log)
		s.info.CABundle = tlscert.CAFile(s.dir.TLS())
	} else {
		src, err = tlscert.FromFiles(s.cfg.TLSCert, s.cfg.TLSKey, log)
	}
	if err != nil {
		return err
	}
	s.tls = src.Config()
	s.info.Endpoint = "https" + s.info.Endpoint[len("http"):]
	return nil
}

// openFront makes the front ends and the server that they share.
func (s *Server) openFront(context.Context) (err error) {
	s.requests = observe.NewRequests("s3")
	log := s.log.With("part", "s3")
	s.s3, err = s3api.New(s3api.Config{
		Objects: s.objects, IAM: s.iam, Region: s.cfg.Region, StrictRegion: s.cfg.StrictRegion, Domains: s.cfg.Domains,
		CustomerKeysNeedTLS: s.cfg.CustomerKeysTLS,
		Observer:            observe.Tee{s.requests, observe.NewAccessLog(log, s.cfg.AccessLog)}, Logger: log,
		WebsiteDomains: s.cfg.WebsiteDomains, Dialect: s.dialect(),
	})
	if err != nil {
		return err
	}
	if err = errors.Join(s.openEC2(), s.openIdentity()); err != nil {
		return err
	}
	serveS3 := s.s3.Handler()
	s.front, err = httpd.New(httpd.Config{
		Handler: func(c *fiber.Ctx) error {
			if p := dispatch.Of(c.Context()); p != dispatch.S3 && !s.s3.Website(string(c.Context().Host())) {
				s.query(c.Context(), p)
				return nil
			}
			return serveS3(c)
		},
		Expect: func(ctx *fasthttp.RequestCtx) int {
			if dispatch.Of(ctx) != dispatch.S3 {
				return fasthttp.StatusContinue
			}
			return s.s3.Expect(ctx)
		},
		Broken: s.s3.Broken, Busy: s.s3.Busy(), ServerName: s3api.ServerName, Logger: log,
	})
	if err == nil && s.websiteListener != nil {
		s.website, err = httpd.New(httpd.Config{
			Handler: s.s3.WebsiteHandler(), Broken: s.s3.Broken, Busy: s.s3.Busy(), ServerName: s3api.ServerName, Logger: log,
		})
	}
	return err
}

// query answers a request of a query protocol.
func (s *Server) query(ctx *fasthttp.RequestCtx, p dispatch.Protocol) {
	body, tooLarge, err := dispatch.Body(ctx)
	if err != nil || tooLarge {
		httpd.WillClose(ctx) // not all of its body was read
	}
	if p == dispatch.Form {
		p = dispatch.OfForm(body)
	}
	tooLarge = tooLarge || err != nil
	switch p {
	case dispatch.STS:
		s.identity.Handle(ctx, iamapi.STS, body, tooLarge)
	case dispatch.IAM:
		s.identity.Handle(ctx, iamapi.IAM, body, tooLarge)
	default:
		s.ec2.Handle(ctx, body, tooLarge)
	}
}
