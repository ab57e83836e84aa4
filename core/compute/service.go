package compute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Objects is where the bytes of images are: a bucket of the system's own, and the buckets of users to import from.
type Objects interface {
	// Put stores an object of the system's bucket, durably.
	Put(ctx context.Context, key string, body io.Reader, size int64) error
	// Get opens one.
	Get(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
	// Delete removes one; it is no error if there is none.
	Delete(ctx context.Context, key string) error
	// Open reads an object of a user, in the name of who.
	Open(ctx context.Context, who iam.Principal, bucket, key string) (body io.ReadCloser, size int64, err error)
}

// Inspector looks at the file of a disk image; cmd gives the one of the hypervisor.
type Inspector interface {
	// Inspect tells the format and the size of the disk in a local file, and refuses what no machine can run from.
	Inspect(ctx context.Context, path string) (format string, virtual int64, err error)
	// Convert makes a compact file in a format that machines run from, with that format's name.
	Convert(ctx context.Context, from, to string) (format string, err error)
}

// Config is what a Service is made of.
type Config struct {
	Store   kv.Store
	Network *network.Service
	// Types finds an instance type by its name.
	Types func(name string) (InstanceType, bool)
	// Keys finds a key pair of an account in the snapshot that decides; its error is the caller's answer.
	Keys      func(v kv.View, account, name string) (KeyPair, error)
	IAM       *iam.Service
	Objects   Objects
	Inspector Inspector
	Logger    *slog.Logger // nil discards
	Scratch   string       // folder for images under conversion
	// Disabled says why there are no machines now; empty when there are, nil when always. Without machines instances can be
	// read, but not be made or moved.
	Disabled func() string
	Quotas   Quotas
	// Console reads the serial console of an instance on a host; nil when there are none.
	Console func(ctx context.Context, host, instance string, most int) (Console, error)
	// Visible is how long terminated instances stay visible; 0 is an hour.
	Visible time.Duration
}

// InstanceType is what a type gives to an instance.
type InstanceType struct {
	Name          string
	VCPUs         int
	MemoryMiB     int
	Architectures []string
	Credits       string // how burstable types pay for CPU time unless told otherwise; empty for others
}

func (t *InstanceType) supports(architecture string) bool {
	return slices.Contains(t.Architectures, architecture)
}

// KeyPair is a public key that a guest lets in.
type KeyPair struct {
	Name    string
	OpenSSH string
}

// Quotas are the limits of every account.
type Quotas struct {
	Instances int64 // that are not terminated
	VCPUs     int64 // of instances that are not stopped
	Volumes   int64
}

// DefaultQuotas are those of a server that was told nothing.
func DefaultQuotas() Quotas { return Quotas{Instances: 10_000, VCPUs: 20_000, Volumes: 20_000} }

// Service is the instances and images of the cloud. It is safe for concurrent use. Close it before its store.
type Service struct {
	cfg  Config
	kv   kv.Store
	log  *slog.Logger
	stop context.CancelFunc

	known memo[*Instance] // for listings
	work  sync.WaitGroup
}

// Open opens the service and starts what it does in the background: forgetting terminated
// instances and imports that a crash cut off.
func Open(ctx context.Context, c Config) (*Service, error) {
	switch {
	case c.Store == nil, c.Network == nil, c.Types == nil, c.Keys == nil, c.Objects == nil, c.IAM == nil:
		return nil, errors.New("compute: a part is missing in the configuration")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Quotas == (Quotas{}) {
		c.Quotas = DefaultQuotas()
	}
	c.Quotas.Volumes = cmp.Or(c.Quotas.Volumes, DefaultQuotas().Volumes)
	if c.Visible == 0 {
		c.Visible = time.Hour
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Service{cfg: c, kv: c.Store, log: c.Logger, stop: stop}
	if err := s.adoptDisks(ctx); err != nil {
		stop()
		return nil, rows.Failed("compute.Open", err)
	}
	s.work.Go(func() { s.every(background, reapEvery, s.reap) })
	s.work.Go(func() { s.follow(background, rowImport, s.runImports) })
	return s, nil
}

// Close stops what runs in the background and waits for it. Instances run on.
func (s *Service) Close() {
	s.stop()
	s.work.Wait()
}

// maxTries is how often a change is decided anew because something else got in between.
const maxTries = 64

// transact decides a change on a snapshot and commits it, again when something else got in between. decide reads the view
// and fills the batch; an empty batch is not committed. The network's memory has what was committed when it returns.
func (s *Service) transact(ctx context.Context, op string, decide func(v kv.View, b *kv.Batch) error) error {
	for try := 0; ; try++ {
		err := s.try(ctx, decide)
		if err == nil {
			return nil
		}
		if !errors.Is(err, kv.ErrConditionFailed) {
			return rows.Failed(op, err)
		}
		if try == maxTries {
			return errs.Wrap(op, errs.Unavailable, err)
		}
		if err := s.cfg.Network.CatchUp(ctx); err != nil {
			return rows.Failed(op, err)
		}
	}
}

func (s *Service) try(ctx context.Context, decide func(v kv.View, b *kv.Batch) error) error {
	var b kv.Batch
	err := s.view(ctx, func(v kv.View) error { return decide(v, &b) })
	if err != nil || len(b.Ops) == 0 {
		return err
	}
	res, err := s.kv.Commit(ctx, kv.Control, &b)
	if err != nil {
		return err
	}
	return s.cfg.Network.Await(ctx, res.Index)
}

// view runs f on a snapshot of the control shard.
func (s *Service) view(ctx context.Context, f func(kv.View) error) error {
	v, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return err
	}
	return errors.Join(f(v), v.Close())
}

// every runs f now and then until ctx ends.
func (s *Service) every(ctx context.Context, period time.Duration, f func(context.Context) error) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("background work failed; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// able refuses what needs machines when there are none.
func (s *Service) able() error {
	if s.cfg.Disabled == nil {
		return nil
	}
	why := s.cfg.Disabled()
	if why == "" {
		return nil
	}
	return &errs.E{Kind: errs.Unavailable, Reason: Unavailable, Msg: fmt.Sprintf("This server runs no machines: %s.", why)}
}
