// Package server wires the parts into a process: it opens them in the order in which they stand on each other, listens,
// and closes them the other way round.
//
//	data folder -> addresses -> admin API -> store -> identities -> keys -> ring and devices -> objects -> repair ->
//	networks -> instances -> machines of this host -> S3, EC2
//
// Guarantees: Open either returns a server whose parts all work or leaves nothing open; requests of S3 are answered only
// after that, while the admin API can be asked how it goes from the beginning to the end. Run returns when every request
// has ended or was cut, every worker has stopped and everything is closed. A device that is down does not keep the server
// from starting as long as writes find a quorum; neither does a hypervisor, which is waited for in the background.
//
// What the parts do is their own business: there is no logic of S3 or of storage here.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/observe"
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/itype"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/remote"
	"github.com/aureole-cloud/aureole/ec2api"
	"github.com/aureole-cloud/aureole/iamapi"
	"github.com/aureole-cloud/aureole/s3api"
	"github.com/aureole-cloud/aureole/s3api/httpd"
	"github.com/aureole-cloud/aureole/storage/kv/local"
	"github.com/aureole-cloud/aureole/storage/repair"
)

// ErrForced: a second signal cut the shutdown short; requests were broken off.
var ErrForced = errors.New("shutdown was forced, requests in flight were cut")

// Server is a running server.
type Server struct {
	cfg config.Config
	log *slog.Logger

	dir      *datadir.Dir
	sealer   *iam.Sealer
	store    *local.Store
	iam      *iam.Service
	keys     *kms.Service
	manager  *repair.Manager
	objects  *object.Service
	repairer *repair.Repairer

	targets   *remote.Targets
	publisher *remote.Publisher
	replicas  *remote.Replicator
	networks  *network.Service
	types     *itype.Catalogue
	compute   *compute.Service
	machines  machines
	images    *systemObjects
	s3        *s3api.Server
	ec2       *ec2api.Server
	identity  *iamapi.Server // STS and IAM
	front     *httpd.Server
	website   *httpd.Server // nil without a listener of its own
	admin     *http.Server

	requests, ec2Requests, identityRequests *observe.Requests

	listener, adminListener, websiteListener net.Listener
	tls                                      *tls.Config
	info                                     datadir.Server

	registry     *prometheus.Registry
	adminDone    chan error // what its Serve returned
	adminStopped sync.Once
	adminGate    gate

	opened    atomic.Bool
	announced atomic.Bool // server.json says where the server is
	draining  atomic.Bool
	closers   []closer // in the order of opening
}

// closer undoes one step of Open.
type closer struct {
	what  string
	close func() error
}

func (s *Server) onClose(what string, f func() error) { s.closers = append(s.closers, closer{what, f}) }

// Open opens everything and listens, but does not answer yet: Run does.
func Open(ctx context.Context, cfg config.Config, log *slog.Logger) (_ *Server, err error) {
	s := &Server{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, step := range []func(context.Context) error{
		s.openDir, s.listen, s.openAdmin, s.openTLS, s.openStore, s.openIAM, s.openKeys, s.openTargets, s.openDevices, s.openObjects, s.openRepair,
		s.openNetwork, s.openCompute, s.openMachines, s.openFront,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(s.registerMetrics(), s.dir.SetStarted()); err != nil {
		return nil, err
	}
	s.opened.Store(true)
	return s, nil
}

func (s *Server) openDir(context.Context) (err error) {
	if s.dir, err = datadir.Open(s.cfg.Data[0]); err != nil {
		return err
	}
	s.onClose("data folder", s.dir.Close)
	// The key comes before the store, so that a store without its key is always a mishap and never a beginning.
	key, err := s.dir.NodeKey()
	if err != nil {
		return err
	}
	s.sealer, err = iam.NewSealer(key)
	return err
}

func (s *Server) openStore(context.Context) (err error) {
	c := local.Default(s.dir.Store())
	c.CacheBytes = s.cfg.CacheSize
	c.Logger = s.log.With("part", "store")
	if s.store, err = local.Open(c); err != nil {
		if errors.Is(err, local.ErrNewerFormat) {
			err = fmt.Errorf("%w: %w", datadir.ErrNewerSchema, err)
		}
		return err
	}
	s.onClose("store", s.store.Close)
	return nil
}

func (s *Server) openIAM(ctx context.Context) error {
	var err error
	s.iam, err = iam.Open(ctx, iam.Config{
		Store: s.store, Sealer: s.sealer, Logger: s.log.With("part", "iam"),
		Root: iam.RootOptions{
			AccessKeyID: s.cfg.RootAccessKeyID, Secret: iam.NewSecret(s.cfg.RootSecretAccessKey), AccountID: s.cfg.RootAccountID,
		},
	})
	if err != nil {
		return err
	}
	s.onClose("identities", func() error { s.iam.Close(); return nil })
	return s.iam.WriteCredentialsFile(s.dir.Credentials())
}

func (s *Server) openObjects(ctx context.Context) (err error) {
	ownership, _ := object.ParseOwnership(s.cfg.DefaultOwnership) // validated
	s.objects, err = object.Open(ctx, object.Config{
		Store: s.store, Blobs: s.manager.Pool(), IAM: s.iam, Region: s.cfg.Region, Grace: s.cfg.DeleteGrace,
		Publisher: s.publisher, Replicator: s.replicas, Workers: true, LifecycleDay: s.cfg.LifecycleDay,
		MinimumTransition: s.cfg.DefaultTransition,
		Ownership:         ownership, BlockPublic: s.cfg.BlockPublicAccess,
		Keys: s.keys, DefaultEncryption: s.defaultEncryption(), Dialect: s.dialect(),
		Logger: s.log.With("part", "object"),
	})
	if err != nil {
		return err
	}
	s.onClose("objects", s.objects.Close)
	return nil
}

// dialect is the setting as the parts of S3 know it.
func (s *Server) dialect() dialect.Dialect {
	d, _ := dialect.Parse(s.cfg.S3Dialect) // validated
	return d
}

// defaultEncryption is the setting as package object knows it.
func (s *Server) defaultEncryption() object.EncryptionMethod {
	if s.cfg.DefaultEncryption == config.EncryptionS3 {
		return object.EncryptS3
	}
	return object.EncryptNone
}

func (s *Server) openRepair(context.Context) (err error) {
	c := repair.DefaultConfig()
	c.OrphanGrace = s.cfg.OrphanGrace
	c.Logger = s.log.With("part", "repair")
	if s.repairer, err = repair.New(c, s.manager.Pool(), s.objects, s.objects); err != nil {
		return err
	}
	s.manager.Attach(s.repairer)
	s.repairer.Start()
	s.onClose("repair", func() error { s.repairer.Stop(); return nil })
	return nil
}

// openAdmin answers on the admin listener from here on, so that a start that takes long can be told from a dead process.
func (s *Server) openAdmin(context.Context) error {
	s.registry = prometheus.NewRegistry()
	if s.adminListener == nil {
		return nil
	}
	token, err := s.dir.AdminToken()
	if err != nil {
		return err
	}
	s.admin = adminapi.NewServer(adminapi.Config{
		Backend: (*backend)(s), Token: token, Pprof: s.cfg.Pprof, Logger: s.log.With("part", "admin"),
		Metrics: promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}),
	})
	s.admin.Handler = s.adminGate.guard(s.admin.Handler)
	s.adminDone = make(chan error, 1)
	go func() { s.adminDone <- s.admin.Serve(s.adminListener) }()
	s.onClose("admin API", s.stopAdmin)
	return nil
}

// stopAdmin ends the admin API. What it does by then is cancelled with its requests, and waited for: it uses the parts that
// are closed next.
func (s *Server) stopAdmin() error {
	if s.admin == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var err error
	if s.admin.Shutdown(ctx) != nil {
		err = s.admin.Close()
	}
	s.adminGate.close()
	s.adminStopped.Do(func() { <-s.adminDone })
	return err
}

// Info says where the server listens.
func (s *Server) Info() datadir.Server { return s.info }

// Credentials is the file with the root's keys.
func (s *Server) Credentials() string { return s.dir.Credentials() }

// Run answers requests until ctx ends, then drains: no new connections, requests in flight get the shutdown timeout, or less
// when force is closed. It closes everything before it returns.
func (s *Server) Run(ctx context.Context, force <-chan struct{}) error {
	failed := make(chan error, 1)
	go func() { failed <- s.serveAll() }()
	err := s.dir.WriteServer(s.info)
	if err == nil {
		s.announced.Store(true)
		select {
		case <-ctx.Done():
		case err = <-failed:
			err = fmt.Errorf("listener failed: %w", err)
			failed <- err // for the wait below
		}
	}
	s.draining.Store(true)
	s.log.Info("stopping", "timeout", s.cfg.ShutdownTimeout)
	err = errors.Join(err, s.drain(force), s.dir.RemoveServer())
	<-failed
	return errors.Join(err, s.stopAdmin(), s.close())
}

// serveAll serves the listeners until they are shut down; when one fails it ends the others.
func (s *Server) serveAll() error {
	ended := make(chan error, 2)
	serve := func(h *httpd.Server, ln net.Listener) {
		if s.tls != nil {
			ended <- h.ServeTLS(ln, s.tls)
		} else {
			ended <- h.Serve(ln)
		}
	}
	go serve(s.front, s.listener)
	if s.website == nil {
		return <-ended
	}
	go serve(s.website, s.websiteListener)
	err := <-ended
	if err != nil {
		err = errors.Join(err, s.listener.Close(), s.websiteListener.Close())
	}
	return errors.Join(err, <-ended)
}

// drain ends the requests. A client that does not finish in time is cut, which is no failure of the server; being forced is
// reported.
func (s *Server) drain(force <-chan struct{}) error {
	// The cause tells why waiting ended.
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	timer := time.AfterFunc(s.cfg.ShutdownTimeout, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-force:
			cancel(ErrForced)
		case <-done:
		}
	}()
	var website error
	if s.website != nil {
		website = s.website.Shutdown(ctx)
	}
	err := errors.Join(website, s.front.Shutdown(ctx), s.s3.Drain(ctx))
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrForced):
		return ErrForced
	case cause != nil:
		s.log.Warn("requests were cut after the shutdown timeout")
		return nil
	}
	return err
}

// close closes what Open opened, last first.
func (s *Server) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		c := s.closers[i]
		if err := c.close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("close %s: %w", c.what, err))
		}
	}
	s.closers = nil
	return errors.Join(errs...)
}

// pid is this process, noted for operators.
func pid() int { return os.Getpid() }

// Data is the first data folder.
func (s *Server) Data() string { return s.dir.Path() }
