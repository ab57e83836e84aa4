package object_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// far is a Replicator that keeps what it is given.
type far struct {
	mu    sync.Mutex
	fail  error
	names []string
	log   []string
	enc   map[string]object.Encryption // of what was put last, by key
}

func (f *far) encryption(key string) object.Encryption {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.enc[key]
}

func (f *far) Knows(_ context.Context, name string) (bool, error) {
	return slices.Contains(f.names, name), nil
}

func (f *far) note(s string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.log = append(f.log, s)
	return nil
}

func (f *far) PutReplica(_ context.Context, name string, r *object.Replica) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	f.mu.Lock()
	if f.enc == nil {
		f.enc = map[string]object.Encryption{}
	}
	f.enc[r.Key] = r.Encryption
	f.mu.Unlock()
	return f.note(fmt.Sprintf("put %s/%s %d %v %v %s", name, r.Key, len(data), r.Metadata, r.Tags, r.StorageClass))
}

func (f *far) TagReplica(_ context.Context, name, key string, tags []object.Tag) error {
	return f.note(fmt.Sprintf("tag %s/%s %v", name, key, tags))
}

func (f *far) DeleteReplica(_ context.Context, name, key string) error {
	return f.note("delete " + name + "/" + key)
}

func (f *far) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func replicationWorld(t *testing.T) (*world, *far) {
	f := &far{names: []string{"away"}}
	w := newWorld(t, func(c *object.Config) { c.Replicator, c.Workers = f, true })
	w.versioned("src")
	w.versioned("dst")
	return w, f
}

func (w *world) replicate(rules ...object.ReplicationRule) {
	w.t.Helper()
	for i := range rules {
		rules[i].ID, rules[i].Enabled = fmt.Sprint(i), true
		if rules[i].Priority == nil {
			rules[i].Priority = ptr(i)
		}
		if rules[i].Filter == nil {
			rules[i].Filter = &object.LifecycleFilter{}
		}
		if rules[i].Markers == nil {
			rules[i].Markers = ptr(false)
		}
	}
	must(w.t, w.PutReplication(ctx, alice, "src", &object.Replication{Role: "arn:aws:iam::123456789012:role/r", Rules: rules}))
}

// status waits until a version's replication is over.
func (w *world) status(key string, want object.ReplicationStatus) *object.GetResult {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		h, err := w.Head(ctx, alice, &object.GetInput{Bucket: "src", Key: key})
		must(w.t, err)
		if h.Replication == want {
			return h
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s is %v, want %v", key, h.Replication, want)
		}
	}
}

func TestReplicationHere(t *testing.T) {
	w, _ := replicationWorld(t)
	w.put("src", "before", []byte("x"))
	w.replicate(object.ReplicationRule{Bucket: "arn:aws:s3:::dst", Class: "STANDARD_IA", Markers: ptr(true)})
	if h, err := w.Head(ctx, alice, &object.GetInput{Bucket: "src", Key: "before"}); err != nil || h.Replication != object.ReplicationNone {
		t.Errorf("%+v %v", h, err)
	}
	large := body(7, 300<<10)
	res, err := w.Put(ctx, alice, &object.PutInput{Bucket: "src", Key: "k", Body: bytes.NewReader(large), Size: int64(len(large)),
		Metadata: []object.Meta{{Name: "a", Value: "b"}}, Tags: []object.Tag{{Key: "t", Value: "u"}}, Headers: object.Headers{ContentType: "text/x"}})
	must(t, err)
	h := w.status("k", object.ReplicationCompleted)
	got := w.wantBody("dst", "k", res.VersionID, large)
	if got.Replication != object.ReplicationReplica || got.VersionID != res.VersionID || !got.LastModified.Equal(h.LastModified) || got.StorageClass != "STANDARD_IA" ||
		got.ETag != h.ETag || len(got.Metadata) != 1 || len(got.Tags) != 1 || got.Headers.ContentType != "text/x" {
		t.Errorf("%+v", got.Info)
	}
	// Tags follow, in place.
	_, err = w.PutTagging(ctx, alice, "src", "k", "", []object.Tag{{Key: "new", Value: "tag"}})
	must(t, err)
	w.status("k", object.ReplicationCompleted)
	if tags, _, err := w.Tagging(ctx, alice, "dst", "k", ""); err != nil || len(tags) != 1 || tags[0].Key != "new" {
		t.Errorf("%v %v", tags, err)
	}
	// What is archived needs no restore for that.
	_, err = w.Put(ctx, alice, &object.PutInput{Bucket: "src", Key: "cold", Body: bytes.NewReader([]byte("cold")), Size: 4, StorageClass: "GLACIER"})
	must(t, err)
	w.status("cold", object.ReplicationCompleted)
	w.wantBody("dst", "cold", "", []byte("cold")) // by the rule's class
	// Uploads and copies go as well, and many in order.
	for i := range 100 {
		w.put("src", fmt.Sprintf("n%02d", i%10), []byte(fmt.Sprint(i)))
	}
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "src", SrcKey: "k", Bucket: "src", Key: "copy"})
	must(t, err)
	w.status("copy", object.ReplicationCompleted)
	for i := range 10 {
		w.wantBody("dst", fmt.Sprintf("n%02d", i), "", []byte(fmt.Sprint(90+i)))
	}
	// A delete marker goes, a deletion by version does not.
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "src", Key: "k"})
	must(t, err)
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, _, err := w.get("dst", "k", ""); err != nil {
			wantErr(t, err, errs.NotFound, object.MarkerNotFound)
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the marker does not come")
		}
	}
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "src", Key: "k", VersionID: res.VersionID})
	must(t, err)
	w.wantBody("dst", "k", res.VersionID, large)
	if left := w.collect(time.Hour); left == 0 {
		t.Error("no blobs left")
	}
	w.wantBody("dst", "k", res.VersionID, large)
}

func TestReplicationAway(t *testing.T) {
	w, f := replicationWorld(t)
	f.set(errDown)
	w.replicate(
		object.ReplicationRule{Bucket: "arn:aws:s3:::away", Filter: &object.LifecycleFilter{Prefix: ptr("a/")}, Markers: ptr(true)},
		object.ReplicationRule{Bucket: "arn:aws:s3:::dst", Filter: &object.LifecycleFilter{Prefix: ptr("a/b/")}, Class: "GLACIER_IR"},
		object.ReplicationRule{Bucket: "arn:aws:s3:::dst", Filter: &object.LifecycleFilter{Prefix: ptr("a/")}, Class: "ONEZONE_IA", Priority: ptr(0)})
	w.put("src", "other", nil)
	w.put("src", "a/b/1", []byte("123"))
	time.Sleep(50 * time.Millisecond)
	if h, err := w.Head(ctx, alice, &object.GetInput{Bucket: "src", Key: "a/b/1"}); err != nil || h.Replication != object.ReplicationPending {
		t.Errorf("%+v %v", h, err)
	}
	// The other destination has it already, by the rule of the higher priority.
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if h, err := w.Head(ctx, alice, &object.GetInput{Bucket: "dst", Key: "a/b/1"}); err == nil {
			if h.StorageClass != "GLACIER_IR" {
				t.Errorf("%+v", h)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("one destination waits for another")
		}
	}
	// Through a restart nothing is forgotten.
	must(t, w.Service.Close())
	f.set(nil)
	var err error
	w.Service, err = object.Open(ctx, w.cfg)
	must(t, err)
	w.status("a/b/1", object.ReplicationCompleted)
	_, err = w.PutTagging(ctx, alice, "src", "a/b/1", "", []object.Tag{{Key: "k", Value: "v"}})
	must(t, err)
	w.status("a/b/1", object.ReplicationCompleted)
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "src", Key: "a/b/1"})
	must(t, err)
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		f.mu.Lock()
		log := slices.Clone(f.log)
		f.mu.Unlock()
		if len(log) == 3 {
			wantList(t, log, "put away/a/b/1 3 [] [] STANDARD", "tag away/a/b/1 [{k v}]", "delete away/a/b/1")
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q", log)
		}
	}
	// What is refused for good fails.
	f.set(fmt.Errorf("%w: no", object.ErrRefused))
	w.put("src", "a/2", nil)
	w.status("a/2", object.ReplicationFailed)
	w.status("other", object.ReplicationNone)
}

func TestReplicationRefusals(t *testing.T) {
	w, _ := replicationWorld(t)
	w.bucket("plain")
	put := func(bucket string, r object.ReplicationRule) error {
		return w.PutReplication(ctx, alice, bucket, &object.Replication{Role: "arn:aws:iam::123456789012:role/r", Rules: []object.ReplicationRule{r}})
	}
	dst := "arn:aws:s3:::dst"
	all := &object.LifecycleFilter{}
	fine := object.ReplicationRule{ID: "1", Enabled: true, Bucket: dst, Filter: all, Priority: ptr(1), Markers: ptr(false)}
	with := func(change func(r *object.ReplicationRule)) object.ReplicationRule {
		r := fine
		change(&r)
		return r
	}
	for name, err := range map[string]error{
		"unversioned":           put("plain", fine),
		"into unversioned":      put("src", with(func(r *object.ReplicationRule) { r.Bucket = "arn:aws:s3:::plain" })),
		"into nothing":          put("src", with(func(r *object.ReplicationRule) { r.Bucket = "arn:aws:s3:::nothing" })),
		"into itself":           put("src", with(func(r *object.ReplicationRule) { r.Bucket = "arn:aws:s3:::src" })),
		"no priority":           put("src", with(func(r *object.ReplicationRule) { r.Priority = nil })),
		"nothing about markers": put("src", with(func(r *object.ReplicationRule) { r.Markers = nil })),
		"markers by tag": put("src", with(func(r *object.ReplicationRule) {
			r.Markers, r.Filter = ptr(true), &object.LifecycleFilter{Tags: []object.Tag{{Key: "a", Value: "b"}}}
		})),
	} {
		if errs.ReasonOf(err) != object.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantErr(t, put("src", with(func(r *object.ReplicationRule) { r.Bucket = "dst" })), errs.Invalid, object.InvalidArgument)
	wantErr(t, put("src", with(func(r *object.ReplicationRule) { r.Class = "COLD" })), errs.Invalid, object.InvalidStorageClass)
	wantErr(t, put("src", with(func(r *object.ReplicationRule) { r.Account = "999999999999" })), errs.Invalid, object.InvalidArgument)
	wantErr(t, w.PutReplication(ctx, alice, "src", &object.Replication{}), errs.Invalid, object.MalformedDocument)
	wantErr(t, w.PutReplication(ctx, bob, "src", &object.Replication{}), errs.Denied, "AccessDenied")
	_, err := w.Replication(ctx, alice, "src")
	wantErr(t, err, errs.NotFound, object.NoSuchReplication)
	must(t, put("src", fine))
	must(t, w.SetVersioning(ctx, alice, "src", object.VersioningEnabled))
	wantErr(t, w.SetVersioning(ctx, alice, "src", object.VersioningSuspended), errs.Conflict, object.InvalidBucketState)
	must(t, w.DeleteSetting(ctx, alice, "src", object.SettingReplication))
	must(t, w.SetVersioning(ctx, alice, "src", object.VersioningSuspended))
}
