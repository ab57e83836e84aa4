package object_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
	"github.com/aureole-cloud/aureole/storage/repair"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	alice = principal("111111111111")
	bob   = principal("222222222222")
)

func principal(account string) iam.Principal {
	return iam.Principal{AccountID: account, CanonicalID: strings.Repeat(account[:1], 64), DisplayName: "acct-" + account[:3],
		ARN: "arn:aws:iam::" + account + ":root", Root: true}
}

// rules authorizes owners, and refuses what a test forbids.
type rules struct {
	mu     sync.Mutex
	forbid map[string]bool
	asked  map[string]int
}

func (r *rules) Authorize(_ context.Context, q iam.Request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = map[string]int{}
	}
	r.asked[q.Action+" "+q.Resource]++
	if r.forbid[q.Action] || q.Principal.AccountID == "" || q.ResourceAccount != "" && q.ResourceAccount != q.Principal.AccountID {
		return errs.New(errs.Denied, iam.AccessDenied, "Access Denied")
	}
	return nil
}

func (r *rules) Account(_ context.Context, id string) (iam.Account, error) {
	return iam.Account{ID: id, CanonicalID: "canonical-" + id}, nil
}

func (r *rules) AccountByCanonicalID(_ context.Context, canonical string) (iam.Account, error) {
	return iam.Account{ID: strings.TrimPrefix(canonical, "canonical-"), CanonicalID: canonical}, nil
}

func (r *rules) set(actions ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forbid = map[string]bool{}
	for _, a := range actions {
		r.forbid[a] = true
	}
}

// world is an object store on a file system, with all that lies below it.
type world struct {
	*object.Service
	t     testing.TB
	fs    vfs.FS
	store kv.Store
	pool  *blobs.Pool
	dev   *blob.Device
	rules *rules
	keys  *kms.Service
	cfg   object.Config
}

var ctx = context.Background()

func newWorld(t testing.TB, change ...func(*object.Config)) *world {
	t.Helper()
	w := openWorld(t, vfs.NewMem(), change...)
	t.Cleanup(w.close)
	return w
}

// openWorld opens the store on fs; the caller closes it.
func openWorld(t testing.TB, fs vfs.FS, change ...func(*object.Config)) *world {
	t.Helper()
	w := &world{t: t, fs: fs, rules: &rules{}}
	kc := local.Default("kv")
	kc.FS, kc.CacheBytes, kc.MemTableBytes, kc.ReserveBytes = fs, 8<<20, 4<<20, 0
	if _, real := fs.(subFS); real { // a benchmark: as a server has it
		kc.CacheBytes, kc.MemTableBytes = 48<<20, 16<<20
	}
	st, err := local.Open(kc)
	must(t, err)
	w.store = st
	w.dev, err = blob.Open(ctx, blob.Options{FS: fs, Dir: "dev", Device: 1, Reserve: -1, SegmentSize: 96 << 20, Preallocate: 1 << 20})
	must(t, err)
	b, err := ring.New(ring.Config{Power: 6, Replicas: 1, Window: time.Hour})
	must(t, err)
	_, err = b.Add(ring.Device{Weight: 1})
	must(t, err)
	r, _, err := b.Build(time.Unix(1, 0), 1)
	must(t, err)
	w.pool, err = blobs.New(blobs.DefaultConfig(), r, map[blobref.DeviceID]*blob.Device{1: w.dev})
	must(t, err)
	sealer, err := iam.NewSealer(bytes.Repeat([]byte{7}, iam.KeySize))
	must(t, err)
	w.keys, err = kms.Open(ctx, kms.Config{Store: st, Sealer: sealer})
	must(t, err)
	w.cfg = object.Config{Keys: w.keys, Store: st, Blobs: w.pool, IAM: w.rules, Grace: time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, f := range change {
		f(&w.cfg)
	}
	w.Service, err = object.Open(ctx, w.cfg)
	must(t, err)
	return w
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

func (w *world) close() {
	for _, f := range []func() error{w.Service.Close, w.keys.Close, w.pool.Close, w.dev.Close, w.store.Close} {
		if err := f(); err != nil {
			w.t.Error(err)
		}
	}
}

// collect runs the collector over all that is due, then looks for orphans. It returns how many blobs are left.
func (w *world) collect(grace time.Duration) (left int) {
	w.t.Helper()
	cfg := repair.DefaultConfig()
	cfg.OrphanGrace = grace
	r, err := repair.New(cfg, w.pool, w.Service, w.Service)
	must(w.t, err)
	defer r.Stop()
	_, err = r.CollectOnce(ctx, time.Now().Add(time.Hour))
	must(w.t, err)
	for range 2 { // an orphan is one that is found twice
		_, err = r.CollectOrphansOnce(ctx, time.Now().Add(time.Hour))
		must(w.t, err)
		time.Sleep(2 * w.cfg.Grace)
	}
	must(w.t, w.dev.Each(ctx, 0, 0, func(blob.Info) error { left++; return nil }))
	return left
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr checks the class and the rule of a failure.
func wantErr(t testing.TB, err error, k errs.Kind, r errs.Reason) {
	t.Helper()
	if errs.KindOf(err) != k || errs.ReasonOf(err) != r || err == nil {
		t.Errorf("got error %v, want %v (%s)", err, k, r)
	}
}

func (w *world) bucket(name string) {
	w.t.Helper()
	_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: name})
	must(w.t, err)
}

func (w *world) put(bucket, key string, data []byte) *object.PutResult {
	w.t.Helper()
	res, err := w.tryPut(bucket, key, data, object.WriteConditions{})
	must(w.t, err)
	return res
}

func (w *world) tryPut(bucket, key string, data []byte, c object.WriteConditions) (*object.PutResult, error) {
	return w.Put(ctx, alice, &object.PutInput{Bucket: bucket, Key: key, Body: bytes.NewReader(data), Size: int64(len(data)), Conditions: c})
}

func (w *world) get(bucket, key, version string) ([]byte, *object.GetResult, error) {
	return w.getIn(&object.GetInput{Bucket: bucket, Key: key, VersionID: version})
}

func (w *world) getIn(in *object.GetInput) ([]byte, *object.GetResult, error) {
	res, err := w.Get(ctx, alice, in)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	var buf bytes.Buffer
	_, err = res.Body.WriteTo(&buf)
	if err == nil && int64(buf.Len()) != res.Length {
		err = fmt.Errorf("body of %d bytes, length said %d", buf.Len(), res.Length)
	}
	return buf.Bytes(), res, err
}

func (w *world) wantBody(bucket, key, version string, want []byte) *object.GetResult {
	w.t.Helper()
	got, res, err := w.get(bucket, key, version)
	if err != nil {
		w.t.Fatalf("get %s %q: %v", key, version, err)
	}
	if !bytes.Equal(got, want) {
		w.t.Fatalf("get %s %q: %d bytes, want %d, or other ones", key, version, len(got), len(want))
	}
	return res
}

func (w *world) list(in object.ListInput) *object.ListPage {
	w.t.Helper()
	page, err := w.List(ctx, alice, &in)
	must(w.t, err)
	return page
}

// body makes n bytes that depend on seed.
func body(seed, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

func etagOf(b []byte) string {
	s := md5.Sum(b)
	return hex.EncodeToString(s[:])
}

func text(b object.Body) string {
	defer b.Close()
	s, err := io.ReadAll(b)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(s)
}

var errReader = errors.New("the client went away")

// ownerNote reads the owner of a blob from its device.
func ownerNote(t testing.TB, w *world, ref blobref.Ref) blobref.Owner {
	t.Helper()
	in, err := w.dev.Stat(ctx, ref)
	must(t, err)
	return in.Owner
}
