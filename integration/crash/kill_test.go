package crash

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

var (
	rounds  = flag.Int("crash.rounds", 25, "how many times the server is killed")
	devices = flag.Int("crash.devices", 1, "data folders of the server that is killed")
	seedArg = flag.Uint64("crash.seed", 0, "seed of the writers; 0 takes one from the clock and prints it")
)

func targetOf(s *harness.Server) wire.Target {
	return wire.Target{Endpoint: s.Endpoint, CAFile: s.CAFile, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}
}

func seed(t *testing.T) uint64 {
	s := *seedArg
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("run again with -crash.seed=%d", s)
	return s
}

func makeBucket(t *testing.T, s *harness.Server) {
	t.Helper()
	reply, err := targetOf(s).Do(&wire.Request{Method: "PUT", Path: "/" + bucket})
	if err != nil || reply.Status != 200 {
		t.Fatalf("create bucket: %v %v", reply, err)
	}
}

// TestKill kills the server at random moments under eight writers, starts it again and checks every promise.
func TestKill(t *testing.T) {
	const writers = 8
	start := seed(t)
	rng := rand.New(rand.NewPCG(start, 99))
	method := []string{"none", "AES256"}[start%2]
	s := harness.Start(t, harness.Options{Devices: *devices, Args: []string{"--default-encryption", method}})
	makeBucket(t, s)
	all := make([]*writer, writers)
	for i := range all {
		all[i] = newWriter(i, start, targetOf(s))
	}
	for round := range *rounds {
		var killed atomic.Bool
		var wg sync.WaitGroup
		failures := make(chan error, writers)
		for _, w := range all {
			wg.Go(func() {
				for {
					err := w.step()
					switch {
					case err == nil && !killed.Load():
					case err == nil:
						return
					case (errors.Is(err, errNoAnswer) || errors.Is(err, errStopped)) && killed.Load():
						return
					case errors.Is(err, errNoAnswer) || errors.Is(err, errStopped):
						// The kill may have come between the answer's loss and this look.
						time.Sleep(50 * time.Millisecond)
						if !killed.Load() {
							failures <- fmt.Errorf("writer %d lost its connection to a living server: %w", w.id, err)
						}
						return
					default:
						failures <- fmt.Errorf("writer %d: %w", w.id, err)
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(20+rng.IntN(500)) * time.Millisecond)
		killed.Store(true)
		s.Kill()
		wg.Wait()
		select {
		case err := <-failures:
			t.Fatalf("round %d: %v", round, err)
		default:
		}
		// Sometimes recovery itself is interrupted.
		for rng.IntN(3) == 0 {
			if err := s.Launch(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(120)) * time.Millisecond)
			s.Kill()
		}
		if err := s.Start(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		verifyAll(t, round, all)
	}
	ops := 0
	for _, w := range all {
		ops += w.ops
	}
	t.Logf("%d kills, %d operations", *rounds, ops)
	emptyAll(t, s, all)
}

// verifyAll reads every key and then compares the listing with what was read.
func verifyAll(t *testing.T, round int, all []*writer) {
	t.Helper()
	var wg sync.WaitGroup
	for _, w := range all {
		wg.Go(func() {
			if err := w.verify(); err != nil {
				t.Errorf("round %d, writer %d: %v", round, w.id, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	want := map[string]content{}
	for _, w := range all {
		for name, st := range w.keys {
			if st.acked.exists {
				want[name] = st.acked
			}
		}
	}
	got, err := list(all[0].client)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	for name, entry := range got {
		c, ok := want[name]
		if !ok {
			t.Errorf("round %d: %s is listed and cannot be read", round, name)
		} else if entry.Size != c.size || strings.Trim(entry.ETag, `"`) != c.etag() {
			t.Errorf("round %d: %s is listed with %d bytes and ETag %s, read %v with %s", round, name, entry.Size, entry.ETag, c, c.etag())
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("round %d: %s can be read and is not listed", round, name)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

type entry struct {
	Key  string
	Size int
	ETag string
}

// list reads the whole listing in pages of 17 keys.
func list(c *wire.Client) (map[string]entry, error) {
	found := map[string]entry{}
	last := ""
	for token := ""; ; {
		query := "list-type=2&max-keys=17"
		if token != "" {
			query = "continuation-token=" + wire.Escape(token, false) + "&" + query
		}
		reply, err := c.Do(&wire.Request{Method: "GET", Path: "/" + bucket, Query: query})
		if err != nil {
			return nil, err
		}
		var page struct {
			Contents              []entry
			NextContinuationToken string
			IsTruncated           bool
		}
		if reply.Status != 200 {
			return nil, fmt.Errorf("list: %d %s", reply.Status, reply.Body)
		}
		if err := xml.Unmarshal(reply.Body, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Contents {
			if e.Key <= last {
				return nil, fmt.Errorf("the listing is not in order: %q after %q", e.Key, last)
			}
			last = e.Key
			found[e.Key] = e
		}
		if !page.IsTruncated {
			return found, nil
		}
		token = page.NextContinuationToken
	}
}

// emptyAll removes everything that can be seen; then the bucket must be empty for the server, too: a crash has left
// no row that nobody can reach.
func emptyAll(t *testing.T, s *harness.Server, all []*writer) {
	t.Helper()
	c := all[0].client
	for _, w := range all {
		for name := range w.keys {
			if reply, err := c.Do(&wire.Request{Method: "DELETE", Path: path(name)}); err != nil || reply.Status != 204 {
				t.Fatalf("DELETE %s: %v %v", name, reply, err)
			}
		}
	}
	uploads, err := c.Do(&wire.Request{Method: "GET", Path: "/" + bucket, Query: "uploads="})
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Upload []struct {
			Key      string
			UploadID string `xml:"UploadId"`
		}
	}
	if err := xml.Unmarshal(uploads.Body, &list); err != nil {
		t.Fatal(err)
	}
	for _, u := range list.Upload {
		if reply, err := c.Do(&wire.Request{Method: "DELETE", Path: path(u.Key), Query: "uploadId=" + wire.Escape(u.UploadID, false)}); err != nil || reply.Status != 204 {
			t.Fatalf("abort %s: %v %v", u.Key, reply, err)
		}
	}
	if reply, err := c.Do(&wire.Request{Method: "DELETE", Path: "/" + bucket}); err != nil || reply.Status != 204 {
		t.Errorf("the bucket is not empty after all: %v %v", reply, err)
	}
	c.Close()
}
