package kvtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// fault makes operations of some kinds on some files fail, once armed, from the after-th on.
type fault struct {
	name  string
	ops   []fsOp
	file  func(path string) bool
	err   error
	once  bool // only one operation fails; else all from there on
	after int64
	armed atomic.Bool
	count atomic.Int64
	hits  atomic.Int64
}

// on puts the fault before a file system.
func (f *fault) on(inner vfs.FS) vfs.FS { return hookFS{inner, f.before} }

func (f *fault) before(op fsOp, path string) error {
	if !f.armed.Load() || !f.file(path) || !slices.Contains(f.ops, op) {
		return nil
	}
	n := f.count.Add(1)
	if n < f.after || f.once && n > f.after {
		return nil
	}
	f.hits.Add(1)
	return f.err
}

// RunFaults makes the device fail in many ways under load. In each: no panic and no exit; no commit is
// acknowledged that a power cut right after the failure would lose; the store either goes on or refuses
// every further commit; what is durable can still be read; Close ends. Then it fills the device: commits
// must be refused or wait, and go on when there is space again.
func RunFaults(t *testing.T, open Engine) {
	eio := syscall.EIO
	for _, f := range []*fault{
		{name: "log sync", ops: []fsOp{fsSync}, file: isLog, err: eio},
		{name: "log sync once", ops: []fsOp{fsSync}, file: isLog, err: eio, once: true},
		{name: "log write", ops: []fsOp{fsWrite}, file: isLog, err: eio},
		{name: "log write once", ops: []fsOp{fsWrite}, file: isLog, err: eio, once: true},
		{name: "log create", ops: []fsOp{fsMake}, file: isLog, err: eio},
		{name: "log close", ops: []fsOp{fsClose}, file: isLog, err: eio},
		{name: "manifest sync", ops: []fsOp{fsSync}, file: isManifest, err: eio},
		{name: "manifest sync once", ops: []fsOp{fsSync}, file: isManifest, err: eio, once: true},
		{name: "manifest write", ops: []fsOp{fsWrite}, file: isManifest, err: eio},
		{name: "folder sync", ops: []fsOp{fsSync}, file: isFolder, err: eio},
		{name: "table create", ops: []fsOp{fsMake}, file: isTable, err: eio},
		{name: "table write", ops: []fsOp{fsWrite}, file: isTable, err: eio},
		{name: "table sync once", ops: []fsOp{fsSync}, file: isTable, err: eio, once: true},
		{name: "everything", ops: []fsOp{fsMake, fsWrite, fsSync, fsClose}, file: isAny, err: eio},
	} {
		for _, after := range []int64{1, 3} {
			t.Run(fmt.Sprint(f.name, " at ", after), func(t *testing.T) {
				one := &fault{name: f.name, ops: f.ops, file: f.file, err: f.err, once: f.once, after: after}
				runFault(t, open, one)
			})
		}
	}
	t.Run("full device", func(t *testing.T) { runFull(t, open) })
}

func runFault(t *testing.T, open Engine, f *fault) {
	disk := vfs.NewCrashableMem()
	st, err := open(f.on(disk))
	if err != nil {
		t.Fatal(err)
	}
	const clients = 4
	var acked [clients]atomic.Int64
	var refused atomic.Int64
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	for c := range clients {
		wg.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				_, err := st.Commit(ctx, kv.Shard(c), faultBatch(c, n))
				switch {
				case err == nil:
					acked[c].Store(n)
				case errors.Is(err, kv.ErrFailed):
					refused.Add(1)
					return
				case errors.Is(err, kv.ErrUnknownOutcome), errors.Is(err, context.Canceled):
				default:
					t.Errorf("client %d, commit %d: %v", c, n, err)
					return
				}
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	f.armed.Store(true)
	deadline := time.Now().Add(patience)
	for f.hits.Load() == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if f.hits.Load() == 0 {
		t.Fatal("the fault was never met")
	}
	time.Sleep(50 * time.Millisecond) // let the failure spread
	stop()
	wg.Wait()

	var known [clients]int64 // acknowledged before the cut
	for c := range clients {
		known[c] = acked[c].Load()
	}
	cut := disk.CrashClone(vfs.CrashCloneCfg{})
	failed := readAfterFault(t, st, known[:])
	if !failed && refused.Load() > 0 {
		t.Error("the store refused commits as failed, and then took one")
	}
	done := make(chan error, 1)
	go func() { done <- st.Close() }()
	select {
	case err := <-done:
		if err != nil && !failed && !errors.Is(err, f.err) {
			t.Errorf("close: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Close hangs")
	}
	for name, fsys := range map[string]vfs.FS{"power cut": cut, "restart": disk} {
		st, err := open(fsys)
		if err != nil {
			t.Fatalf("open after a %s: %v", name, err)
		}
		f := &fixture{T: t, st: st}
		for c, n := range known {
			checkFaultClient(f, name, c, n)
		}
		if err := st.Close(); err != nil {
			t.Errorf("close after a %s: %v", name, err)
		}
	}
	t.Logf("acknowledged %v, refused %d, hits %d", known, refused.Load(), f.hits.Load())
}

// faultBatch is commit n of a client: it pads, so that logs rotate and tables are written.
func faultBatch(c int, n int64) *kv.Batch {
	b := &kv.Batch{}
	b.Put(key("n", c), key(n))
	b.Put(key("twin", c), key(n))
	b.Put(key("pad", c, "/", n%50), make([]byte, 8<<10))
	return b
}

func checkFaultClient(f *fixture, when string, c int, known int64) {
	f.Helper()
	text, rev := f.get(kv.Shard(c), string(key("n", c)))
	twin, trev := f.get(kv.Shard(c), string(key("twin", c)))
	if text != twin || rev != trev {
		f.Errorf("%s: client %d has a torn commit: %q at %d, %q at %d", when, c, text, rev, twin, trev)
	}
	var n int64
	_, _ = fmt.Sscan(text, &n)
	if n < known {
		f.Errorf("%s: client %d is at %d, %d was acknowledged", when, c, n, known)
	}
}

// readAfterFault reads what is durable from the store that met the fault. If commits are refused, the last
// value of a client may be one in doubt, which must not be shown either.
func readAfterFault(t *testing.T, st kv.Store, known []int64) (failed bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := st.Commit(ctx, 0, batch(func(b *kv.Batch) { b.Put([]byte("last"), nil) }))
	failed = errors.Is(err, kv.ErrFailed)
	ctx, cancel = context.WithTimeout(context.Background(), patience)
	defer cancel()
	for c, n := range known {
		v, err := st.Get(ctx, kv.Shard(c), key("n", c))
		var got int64
		_, _ = fmt.Sscan(string(v.Data), &got)
		switch {
		case err == nil && got >= n:
		case n == 0 && errors.Is(err, kv.ErrNotFound):
		case failed && errors.Is(err, kv.ErrFailed):
		default:
			t.Errorf("client %d: read %q, %v after the fault, %d was acknowledged", c, v.Data, err, n)
		}
	}
	return failed
}

// runFull fills the device under load and makes room again.
func runFull(t *testing.T, open Engine) {
	disk := vfs.NewMem()
	f := &fault{name: "full", ops: []fsOp{fsMake, fsWrite}, file: isAny, err: syscall.ENOSPC, after: 1}
	st, err := open(f.on(disk))
	if err != nil {
		t.Fatal(err)
	}
	fx := &fixture{T: t, st: st}
	fx.put(0, "early", "1")
	f.armed.Store(true)

	var wg sync.WaitGroup
	var acked, refused atomic.Int64
	for c := range 4 {
		wg.Go(func() { // each waits for space with its first commit, if it is not refused at once
			_, err := st.Commit(context.Background(), kv.Shard(c), faultBatch(c, 1))
			switch {
			case err == nil:
				acked.Add(1)
			case errors.Is(err, kv.ErrNoSpace):
				refused.Add(1)
			default:
				t.Errorf("commit on a full device: %v", err)
			}
		})
	}
	deadline := time.Now().Add(patience)
	for f.hits.Load() == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if acked.Load() > 0 {
		t.Errorf("%d commits acknowledged on a full device", acked.Load())
	}
	fx.refused(1, kv.ErrNoSpace, func(b *kv.Batch) { b.Put([]byte("late"), nil) })
	fx.want(0, "early", "1", 1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := st.Get(ctx, 2, key("n", 2)); err == nil {
		t.Error("a value that waits for the device was shown")
	}

	f.armed.Store(false) // somebody made room
	wg.Wait()
	if acked.Load() == 0 {
		t.Error("no commit waited for space")
	}
	deadline = time.Now().Add(patience)
	for {
		_, err := st.Commit(fx.ctx(), 1, batch(func(b *kv.Batch) { b.Put([]byte("late"), nil) }))
		if err == nil {
			break
		}
		if !errors.Is(err, kv.ErrNoSpace) || time.Now().After(deadline) {
			t.Fatalf("commit after there is room: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d commits waited, %d were refused", acked.Load(), refused.Load())

	// Closing while a commit waits must not hang, and must not acknowledge it.
	if st, err = open(f.on(disk)); err != nil {
		t.Fatal(err)
	}
	f.armed.Store(true)
	got := make(chan error, 1)
	go func() {
		_, err := st.Commit(context.Background(), 3, faultBatch(3, 2))
		got <- err
	}()
	time.Sleep(50 * time.Millisecond)
	if err := st.Close(); err != nil {
		t.Errorf("close on a full device: %v", err)
	}
	if err := <-got; !errors.Is(err, kv.ErrUnknownOutcome) && !errors.Is(err, kv.ErrNoSpace) {
		t.Errorf("a commit that waited for space when the store closed: %v", err)
	}
	f.armed.Store(false)
	if st, err = open(disk); err != nil {
		t.Fatalf("open after a full device: %v", err)
	}
	fx = &fixture{T: t, st: st}
	fx.want(0, "early", "1", 1)
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}
