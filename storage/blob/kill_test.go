package blob_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

var kills = flag.Int("kills", 6, "kills of the kill test")

const killDir = "BLOB_TEST_KILL_DIR"

func killOptions(dir string) blob.Options {
	return blob.Options{Dir: dir, Device: 1, SegmentSize: 4 << 20, SmallLimit: 64 << 10, Preallocate: 1 << 20, Reserve: -1}
}

// TestKill kills a writing process at random moments: what it was told to be stored is there, what it deleted is not.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		killed(t, dir)
		return
	}
	dir := t.TempDir()
	stored, deleted := map[string]blobref.Ref{}, map[string]bool{}
	for range *kills {
		c := exec.Command(os.Args[0], "-test.run=^TestKill$")
		c.Env = append(os.Environ(), ownProcess+"=1", killDir+"="+dir)
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		doubt := map[string]bool{}
		timer := time.AfterFunc(time.Duration(100+rand.IntN(400))*time.Millisecond, func() { _ = c.Process.Kill() })
		for s := bufio.NewScanner(out); s.Scan(); {
			var verb, id string
			var size int64
			if n, _ := fmt.Sscanf(s.Text(), "%s %s %d.", &verb, &id, &size); n != 3 || !strings.HasSuffix(s.Text(), ".") {
				continue // cut off by the kill, or not ours
			}
			switch verb {
			case "stored":
				b, err := blobref.ParseID(id)
				must(t, err)
				stored[id] = blobref.Ref{ID: b, Partition: 1, Size: size}
			case "deleting":
				doubt[id] = true
			case "deleted":
				deleted[id] = true
			}
		}
		timer.Stop()
		_ = c.Wait()
		r := open(t, killOptions(dir))
		for id, b := range stored {
			err := get(t.Context(), r.Device, b)
			switch {
			case deleted[id] && !errors.Is(err, blob.ErrNotFound):
				t.Errorf("deleted: %v", err)
			case doubt[id] && errors.Is(err, blob.ErrNotFound):
				deleted[id] = true
			case !deleted[id] && err != nil:
				t.Errorf("stored: %v", err)
			}
		}
		for _, b := range r.list() {
			must(t, r.Verify(t.Context(), b, nil))
		}
		must(t, r.Close())
	}
	t.Logf("%d stored, %d deleted", len(stored), len(deleted))
	if len(stored) < 10 {
		t.Errorf("only %d stored", len(stored))
	}
}

// killed works until it is killed.
func killed(t *testing.T, dir string) {
	d, err := blob.Open(t.Context(), killOptions(dir))
	must(t, err)
	say := func(verb string, b blobref.Ref) { // one write each, so that lines do not mix
		_, _ = os.Stdout.WriteString(fmt.Sprintf("%s %s %d.\n", verb, b.ID, b.Size))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var mine []blobref.Ref
			for {
				b := ref(1, []int64{10, 5000, 70_000, 500_000}[rand.IntN(4)])
				must(t, put(t.Context(), d, b, 50_000))
				say("stored", b)
				if mine = append(mine, b); len(mine) > 6 {
					say("deleting", mine[0])
					must(t, d.Delete(t.Context(), mine[0]))
					say("deleted", mine[0])
					mine = mine[1:]
				}
			}
		})
	}
	wg.Go(func() {
		for {
			_, err := d.Compact(t.Context(), blob.CompactOptions{MinDead: 0.3})
			must(t, err)
		}
	})
	wg.Wait()
}
