package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

const (
	mib    = 1 << 20
	bucket = "memory"
)

func start(t *testing.T, opts harness.Options) (*harness.Server, wire.Target) {
	t.Helper()
	s := harness.Start(t, opts)
	return s, wire.Target{Endpoint: s.Endpoint, CAFile: s.CAFile, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}
}

func usage(t *testing.T, s *harness.Server) harness.Usage {
	t.Helper()
	u, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func do(t testing.TB, c *wire.Client, r *wire.Request, want int) *wire.Reply {
	t.Helper()
	reply, err := c.Do(r)
	if err != nil || reply.Status != want {
		t.Fatalf("%s %s: %v %v", r.Method, r.Path, reply, err)
	}
	return reply
}

func TestIdle(t *testing.T) {
	begin := time.Now()
	s, target := start(t, harness.Options{})
	t.Logf("built and started in %v", time.Since(begin))
	c := &wire.Client{Target: target}
	defer c.Close()
	do(t, c, &wire.Request{Method: "PUT", Path: "/" + bucket}, 200)
	do(t, c, &wire.Request{Method: "GET", Path: "/"}, 200)
	if u := usage(t, s); u.RSS > 60*mib {
		t.Errorf("an idle server on an empty store takes %d MiB, want at most 60", u.RSS/mib)
	}
}

// TestStart measures start-up on an empty folder and on one that was killed with data in it.
func TestStart(t *testing.T) {
	s, target := start(t, harness.Options{})
	c := &wire.Client{Target: target}
	do(t, c, &wire.Request{Method: "PUT", Path: "/" + bucket}, 200)
	for i := range 500 {
		do(t, c, &wire.Request{Method: "PUT", Path: fmt.Sprintf("/%s/%d", bucket, i), Body: harness.Bytes(uint64(i), 1000*(i%150))}, 200)
	}
	c.Close()
	var best time.Duration
	for try := 0; try < 5 || try < 25 && best > time.Second; try++ { // the best of a few: other work on the machine is not ours to measure
		s.Kill()
		begin := time.Now()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); best == 0 || took < best {
			best = took
		}
	}
	t.Logf("started after kill -9 in %v", best)
	if best > time.Second {
		t.Errorf("start takes %v, want less than a second", best)
	}
}

// TestLargeTransfers moves 32 large objects at once, in every form of upload, and reads them back at once.
func TestLargeTransfers(t *testing.T) {
	const clients, size, limit = 32, 64 * mib, 300
	body := harness.Bytes(1, size)
	hash := wire.Hash(body)
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", tls), func(t *testing.T) {
			s, target := start(t, harness.Options{TLS: tls})
			c := &wire.Client{Target: target}
			defer c.Close()
			do(t, c, &wire.Request{Method: "PUT", Path: "/" + bucket}, 200)

			var wg sync.WaitGroup
			for i := range clients {
				wg.Go(func() {
					r := &wire.Request{Method: "PUT", Path: fmt.Sprintf("/%s/%d", bucket, i), Body: body, SHA256: hash}
					if i%2 == 1 {
						r.SHA256 = wire.UnsignedPayload
					}
					if err := upload(target, r); err != nil {
						t.Errorf("upload %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			up := usage(t, s)
			for i := range clients {
				wg.Go(func() {
					r := &wire.Request{Method: "GET", Path: fmt.Sprintf("/%s/%d", bucket, i%8)}
					if err := target.Stream(r, func(status int, got io.Reader) error { return same(status, got, body) }); err != nil {
						t.Errorf("download %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			down := usage(t, s)
			t.Logf("peak memory %d MiB after uploads, %d MiB after downloads", up.PeakRSS/mib, down.PeakRSS/mib)
			if down.PeakRSS > limit*mib {
				t.Errorf("peak memory %d MiB, want at most %d", down.PeakRSS/mib, limit)
			}
		})
	}
}

// upload sends r without the copy of the body that wire.Client makes.
func upload(target wire.Target, r *wire.Request) error {
	reply, err := target.DoLarge(r)
	if err != nil {
		return err
	}
	if reply.Status != 200 {
		return fmt.Errorf("%d %s", reply.Status, reply.Body)
	}
	return nil
}

// same compares a body with what was written, without keeping it.
func same(status int, got io.Reader, want []byte) error {
	if status != 200 {
		return fmt.Errorf("status %d", status)
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := got.Read(buf)
		if n > len(want) || !bytes.Equal(buf[:n], want[:n]) {
			return fmt.Errorf("other bytes, %d before the end", len(want))
		}
		want = want[n:]
		if err == io.EOF && len(want) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%d bytes before the end: %w", len(want), err)
		}
	}
}

// TestDrain stops a server under load: what was begun is finished, and the process ends in time with status 0.
func TestDrain(t *testing.T) {
	s, target := start(t, harness.Options{})
	c := &wire.Client{Target: target}
	do(t, c, &wire.Request{Method: "PUT", Path: "/" + bucket}, 200)
	c.Close()
	body := harness.Bytes(5, 8*mib)
	var wg sync.WaitGroup
	var acked sync.Map
	for i := range 4 {
		wg.Go(func() {
			c := &wire.Client{Target: target}
			defer c.Close()
			for n := 0; ; n++ {
				key := fmt.Sprintf("/%s/%d-%d", bucket, i, n)
				reply, err := c.Do(&wire.Request{Method: "PUT", Path: key, Body: body})
				if err != nil || reply.Status == 503 {
					return
				}
				if reply.Status != 200 {
					t.Errorf("PUT while draining: %d %s", reply.Status, reply.Body)
					return
				}
				acked.Store(key, true)
			}
		})
	}
	time.Sleep(700 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	begin := time.Now()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("drained in %v", time.Since(begin))
	wg.Wait()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c = &wire.Client{Target: target}
	defer c.Close()
	count := 0
	acked.Range(func(key, _ any) bool {
		count++
		if got := do(t, c, &wire.Request{Method: "GET", Path: key.(string)}, 200); !bytes.Equal(got.Body, body) {
			t.Errorf("%s has other bytes", key)
		}
		return true
	})
	if count == 0 {
		t.Error("nothing was written before the server was stopped")
	}
}
