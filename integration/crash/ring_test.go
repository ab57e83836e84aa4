package crash

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestDevicesComeAndGo adds, drains, fails and removes devices under readers and writers. Nothing is lost or wrong at
// any moment, and afterwards every object has all its copies on the devices that are left.
func TestDevicesComeAndGo(t *testing.T) {
	start := seed(t)
	s := harness.Start(t, harness.Options{Devices: 3, Replicas: 2})
	makeBucket(t, s)
	l := fill(t, s, 60)

	stopReaders := l.watch(2)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var writers []*writer
	failures := make(chan error, 4)
	for i := range 3 {
		w := newWriter(i+1, start, targetOf(s))
		writers = append(writers, w)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(40 * time.Millisecond):
				}
				if err := w.step(); err != nil {
					failures <- fmt.Errorf("writer %d: %w", w.id, err)
					return
				}
			}
		})
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := s.CLI(args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	settle := func(what string, ok func(harness.Ring) bool) {
		t.Helper()
		begin := time.Now()
		r, err := s.RingWhen(time.Minute, ok)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%s: settled in %v", what, time.Since(begin).Round(time.Millisecond))
		for _, d := range r.Devices {
			t.Logf("  device %d %s: %d partitions, %d blobs", d.ID, d.State, d.Partitions, d.Blobs)
		}
	}
	added := filepath.Join(filepath.Dir(s.Data[0]), "data4")
	if err := os.MkdirAll(added, 0o700); err != nil {
		t.Fatal(err)
	}
	run("ring", "add", added)
	settle("added a fourth device", func(r harness.Ring) bool { return len(r.Devices) == 4 && r.PendingMoves == 0 && r.Devices[3].Blobs > 0 })
	run("ring", "drain", "2")
	settle("drained the second", func(r harness.Ring) bool { return r.Devices[1].Removable })
	run("ring", "remove", "2")
	close(stop)
	wg.Wait()
	select {
	case err := <-failures:
		t.Error(err)
	default:
	}
	run("ring", "fail", "3")
	settle("wrote the third off", func(r harness.Ring) bool { return len(r.Devices) == 3 && r.PendingMoves == 0 && r.PendingCopies == 0 })

	if passes, err := stopReaders(); err != nil {
		t.Errorf("after %d passes: %v", passes, err)
	} else {
		t.Logf("%d passes over %d objects, all right", passes, len(l.names))
	}
	for _, w := range writers {
		if err := w.verify(); err != nil && !errors.Is(err, errStopped) {
			t.Errorf("writer %d: %v", w.id, err)
		}
		w.client.Close()
	}
	// The written-off device's folder is gone for good: the others must have everything.
	s.Kill()
	if err := os.RemoveAll(filepath.Join(s.Data[2], "blobs")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(s.Data[1], "blobs")); err != nil {
		t.Fatal(err)
	}
	s.SetData(s.Data[0], added)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c := &wire.Client{Target: l.target}
	defer c.Close()
	if _, err := l.readAll(c, false); err != nil {
		t.Error(err)
	}
}
