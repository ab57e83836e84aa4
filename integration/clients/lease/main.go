// Command lease takes part in a contest for a lease of litestream, by litestream's own code, so that the test shows that
// the lease works here and not only the conditional writes under it. It is a module of its own: litestream's
// dependencies are not ours.
//
//	lease BUCKET PATH    endpoint, region and keys come from the environment, as the AWS SDK reads them
//
// It exits 0 after "ok" when at no moment two owners held the lease, and says what went wrong otherwise.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/benbjohnson/litestream"
	lss3 "github.com/benbjohnson/litestream/s3"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: lease BUCKET PATH")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "lease:", err)
		cancel()
		os.Exit(1)
	}
	fmt.Println("ok")
}

func run(ctx context.Context, bucket, path string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	leaser := func(owner string, ttl time.Duration) *lss3.Leaser {
		l := lss3.NewLeaser()
		l.SetClient(client)
		l.Bucket, l.Path, l.Owner, l.TTL = bucket, path, owner, ttl
		return l
	}
	if err := rules(ctx, leaser); err != nil {
		return err
	}
	return contest(ctx, leaser)
}

// rules walks through the life of a lease with two owners.
func rules(ctx context.Context, leaser func(string, time.Duration) *lss3.Leaser) error {
	a, b := leaser("a", time.Minute), leaser("b", time.Minute)
	first, err := a.AcquireLease(ctx)
	if err != nil {
		return fmt.Errorf("a acquires: %w", err)
	}
	var held *litestream.LeaseExistsError
	if _, err := b.AcquireLease(ctx); !errors.As(err, &held) || held.Owner != "a" {
		return fmt.Errorf("b acquires what a holds: %v", err)
	}
	second, err := a.RenewLease(ctx, first)
	if err != nil {
		return fmt.Errorf("a renews: %w", err)
	}
	if _, err := a.RenewLease(ctx, first); !errors.Is(err, litestream.ErrLeaseNotHeld) {
		return fmt.Errorf("a renews a lease that it has replaced: %v", err)
	}
	if err := a.ReleaseLease(ctx, first); !errors.Is(err, litestream.ErrLeaseNotHeld) {
		return fmt.Errorf("a releases a lease that it has replaced: %v", err)
	}
	if err := a.ReleaseLease(ctx, second); err != nil {
		return fmt.Errorf("a releases: %w", err)
	}
	if err := a.ReleaseLease(ctx, second); !errors.Is(err, lss3.ErrLeaseAlreadyReleased) {
		return fmt.Errorf("a releases twice: %v", err)
	}
	short := leaser("c", 200*time.Millisecond)
	lost, err := short.AcquireLease(ctx)
	if err != nil {
		return fmt.Errorf("c acquires: %w", err)
	}
	time.Sleep(300 * time.Millisecond)
	taken, err := b.AcquireLease(ctx)
	if err != nil || taken.Generation != lost.Generation+1 {
		return fmt.Errorf("b takes over an expired lease: %+v, %v", taken, err)
	}
	if _, err := short.RenewLease(ctx, lost); !errors.Is(err, litestream.ErrLeaseNotHeld) {
		return fmt.Errorf("c renews a lease that was taken over: %v", err)
	}
	return b.ReleaseLease(ctx, taken)
}

// contest lets many owners acquire and release; nobody may hold the lease while another one does.
func contest(ctx context.Context, leaser func(string, time.Duration) *lss3.Leaser) error {
	const owners, turns = 8, 60
	var holders, won atomic.Int32
	var wg sync.WaitGroup
	failures := make(chan error, owners)
	for i := range owners {
		wg.Go(func() {
			l := leaser(fmt.Sprintf("owner-%d", i), time.Minute)
			for won.Load() < turns {
				lease, err := l.AcquireLease(ctx)
				var held *litestream.LeaseExistsError
				if errors.As(err, &held) {
					continue
				}
				if err != nil {
					failures <- fmt.Errorf("%s acquires: %w", l.Owner, err)
					return
				}
				if n := holders.Add(1); n != 1 {
					failures <- fmt.Errorf("%d owners hold the lease", n)
				}
				if lease, err = l.RenewLease(ctx, lease); err != nil {
					failures <- fmt.Errorf("%s renews: %w", l.Owner, err)
					return
				}
				holders.Add(-1)
				won.Add(1)
				if err := l.ReleaseLease(ctx, lease); err != nil {
					failures <- fmt.Errorf("%s releases: %w", l.Owner, err)
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}
