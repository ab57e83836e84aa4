package object_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// testDay is a day of lifecycle in tests that run passes by hand: over as soon as it began.
const testDay = time.Millisecond

func lifecycleWorld(t *testing.T) *world {
	return newWorld(t, func(c *object.Config) { c.LifecycleDay = testDay })
}

func ptr[T any](v T) *T { return &v }

func (w *world) rules2(bucket string, rules ...object.LifecycleRule) {
	w.t.Helper()
	for i := range rules {
		rules[i].Enabled = true
		if rules[i].Filter == nil {
			rules[i].Filter = &object.LifecycleFilter{}
		}
	}
	must(w.t, w.PutLifecycle(ctx, alice, bucket, &object.LifecycleConfig{Rules: rules}))
}

// pass waits a few days and carries the rules out.
func (w *world) pass() object.LifecycleResult {
	w.t.Helper()
	time.Sleep(10 * testDay)
	r, err := w.LifecycleOnce(ctx)
	must(w.t, err)
	return r
}

func (w *world) versionsOf(bucket string) (out []string) {
	w.t.Helper()
	page, err := w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: bucket, MaxKeys: 1000})
	must(w.t, err)
	for _, e := range page.Entries {
		s := e.Key
		if e.DeleteMarker {
			s += " marker"
		}
		if e.IsLatest {
			s += " latest"
		}
		out = append(out, s)
	}
	return out
}

func wantList(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func (w *world) versioned(name string) {
	w.t.Helper()
	w.bucket(name)
	must(w.t, w.SetVersioning(ctx, alice, name, object.VersioningEnabled))
}

func TestLifecycleFilters(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	put := func(key string, size int, tags ...object.Tag) {
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: key, Body: bytes.NewReader(make([]byte, size)), Size: int64(size), Tags: tags})
		must(t, err)
	}
	put("a/old", 1)
	put("b/small", 10)
	put("b/edge", 20)
	put("b/large", 21)
	put("c/plain", 1)
	put("c/tagged", 1, object.Tag{Key: "k", Value: "v"})
	put("c/other", 1, object.Tag{Key: "k", Value: "w"})
	put("c/both", 1, object.Tag{Key: "x", Value: "y"}, object.Tag{Key: "k", Value: "v"})
	put("keep", 1)
	expire := &object.LifecycleExpiration{Date: &past}
	w.rules2("bkt",
		object.LifecycleRule{Prefix: nil, Filter: &object.LifecycleFilter{Prefix: ptr("a/")}, Expiration: expire},
		object.LifecycleRule{Filter: &object.LifecycleFilter{And: true, Prefix: ptr("b/"), GreaterThan: ptr(int64(20))}, Expiration: expire},
		object.LifecycleRule{Filter: &object.LifecycleFilter{And: true, Prefix: ptr("b/"), LessThan: ptr(int64(20))}, Expiration: expire},
		object.LifecycleRule{Filter: &object.LifecycleFilter{And: true, Prefix: ptr("c/"), Tags: []object.Tag{{Key: "k", Value: "v"}}}, Expiration: expire},
	)
	if r := w.pass(); r.Expired != 5 || r.Versions != 9 {
		t.Errorf("%+v", r)
	}
	wantList(t, w.versionsOf("bkt"), "b/edge latest", "c/other latest", "c/plain latest", "keep latest")
	if r := w.pass(); r.Expired != 0 {
		t.Errorf("again: %+v", r)
	}
}

func TestLifecycleVersions(t *testing.T) {
	w := lifecycleWorld(t)
	w.versioned("bkt")
	for i := range 4 {
		w.put("bkt", "k", body(i, 100))
		w.put("bkt", "big", body(i, 30<<10))
		time.Sleep(testDay)
	}
	w.rules2("bkt", object.LifecycleRule{Expiration: &object.LifecycleExpiration{Days: ptr(1)},
		Noncurrent: &object.LifecycleNoncurrent{Days: 1, Keep: ptr(2)}})
	if r := w.pass(); r.Noncurrent != 2 || r.Expired != 2 {
		t.Errorf("%+v", r)
	}
	wantList(t, w.versionsOf("bkt"), "big marker latest", "big", "big", "big", "k marker latest", "k", "k", "k")
	w.rules2("bkt", object.LifecycleRule{Expiration: &object.LifecycleExpiration{Markers: ptr(true)},
		Noncurrent: &object.LifecycleNoncurrent{Days: 1}})
	if r := w.pass(); r.Noncurrent != 6 || r.Expired != 2 {
		t.Errorf("%+v", r)
	}
	wantList(t, w.versionsOf("bkt"))
	if left := w.collect(time.Hour); left != 0 {
		t.Errorf("%d blobs left", left)
	}
	u, err := w.UsageOf(ctx, alice, "bkt")
	must(t, err)
	if u != (object.Usage{}) {
		t.Errorf("%+v", u)
	}
}

func TestLifecycleSuspended(t *testing.T) {
	w := lifecycleWorld(t)
	w.bucket("bkt")
	w.put("bkt", "null", []byte("1"))
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	w.put("bkt", "real", []byte("2"))
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningSuspended))
	w.rules2("bkt", object.LifecycleRule{Expiration: &object.LifecycleExpiration{Days: ptr(1)}})
	w.pass()
	// The null version gave way to a null marker, the other one stays below its marker.
	wantList(t, w.versionsOf("bkt"), "null marker latest", "real marker latest", "real")
}

func TestLifecycleLock(t *testing.T) {
	w := lifecycleWorld(t)
	_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "bkt", ObjectLock: true})
	must(t, err)
	for i, l := range []object.ObjectLock{
		{Hold: object.HoldOn},
		{Retention: object.Retention{Mode: object.LockGovernance, Until: time.Now().Add(time.Hour)}},
		{Retention: object.Retention{Mode: object.LockCompliance, Until: time.Now().Add(time.Hour)}},
		{},
	} {
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: fmt.Sprint(i), Body: bytes.NewReader(nil), Lock: l})
		must(t, err)
		w.put("bkt", fmt.Sprint(i), nil)
	}
	w.rules2("bkt", object.LifecycleRule{Noncurrent: &object.LifecycleNoncurrent{Days: 1}})
	if r := w.pass(); r.Noncurrent != 1 || r.Kept != 3 {
		t.Errorf("%+v", r)
	}
	wantList(t, w.versionsOf("bkt"), "0 latest", "0", "1 latest", "1", "2 latest", "2", "3 latest")
}

func TestLifecycleUploads(t *testing.T) {
	w := lifecycleWorld(t)
	w.bucket("bkt")
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: key})
		must(t, err)
		_, err = w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: key, UploadID: u.UploadID, PartNumber: 1,
			Body: bytes.NewReader(make([]byte, 20<<10)), Size: 20 << 10})
		must(t, err)
	}
	w.rules2("bkt", object.LifecycleRule{Filter: &object.LifecycleFilter{Prefix: ptr("a/")}, AbortDays: ptr(1)})
	if r := w.pass(); r.Aborted != 2 {
		t.Errorf("%+v", r)
	}
	page, err := w.ListUploads(ctx, alice, &object.ListUploadsInput{Bucket: "bkt", Max: 10})
	must(t, err)
	if len(page.Uploads) != 1 || page.Uploads[0].Key != "b/1" {
		t.Errorf("%+v", page.Uploads)
	}
	if left := w.collect(time.Hour); left != 1 {
		t.Errorf("%d blobs left", left)
	}
}

func TestLifecycleTransitions(t *testing.T) {
	w := lifecycleWorld(t)
	w.versioned("bkt")
	w.put("bkt", "small", make([]byte, 1000))
	w.put("bkt", "large", make([]byte, 200<<10))
	w.put("bkt", "large", make([]byte, 200<<10))
	to := func(class string) []object.LifecycleTransition {
		return []object.LifecycleTransition{{Days: ptr(0), Class: class}}
	}
	w.rules2("bkt", object.LifecycleRule{Transitions: to("GLACIER_IR"),
		NoncurrentTransitions: []object.LifecycleNoncurrentTransition{{Days: 0, Class: "DEEP_ARCHIVE"}}})
	if r := w.pass(); r.Transitioned != 2 {
		t.Errorf("%+v", r)
	}
	classes := func() (out []string) {
		page, err := w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: "bkt", MaxKeys: 10})
		must(t, err)
		for _, e := range page.Entries {
			out = append(out, e.Key+" "+e.StorageClass)
		}
		return out
	}
	wantList(t, classes(), "large GLACIER_IR", "large DEEP_ARCHIVE", "small STANDARD")
	// A rule that chooses by size is about small objects too, and nothing warms up again.
	w.rules2("bkt", object.LifecycleRule{Filter: &object.LifecycleFilter{GreaterThan: ptr(int64(1))}, Transitions: to("INTELLIGENT_TIERING")})
	if r := w.pass(); r.Transitioned != 1 {
		t.Errorf("%+v", r)
	}
	wantList(t, classes(), "large GLACIER_IR", "large DEEP_ARCHIVE", "small INTELLIGENT_TIERING")
	w.wantBody("bkt", "large", "", make([]byte, 200<<10))
	if r := w.pass(); r.Transitioned != 0 {
		t.Errorf("again: %+v", r)
	}
}

// A pass never ends an object that was overwritten or changed after it was looked at.
func TestLifecycleRaces(t *testing.T) {
	w := lifecycleWorld(t)
	w.bucket("bkt")
	w.rules2("bkt", object.LifecycleRule{Filter: &object.LifecycleFilter{Tags: []object.Tag{{Key: "old", Value: "y"}}},
		Expiration: &object.LifecycleExpiration{Days: ptr(1)}})
	var writers sync.WaitGroup
	for g := range 4 {
		writers.Go(func() {
			for i := range 50 {
				key := fmt.Sprint(g, "-", i%5)
				_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: key, Body: bytes.NewReader(nil), Tags: []object.Tag{{Key: "old", Value: "y"}}})
				check(t, err)
				time.Sleep(testDay)
				w.put("bkt", key, []byte{1}) // without the tag
				if _, _, err := w.get("bkt", key, ""); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var passes sync.WaitGroup
	passes.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, err := w.LifecycleOnce(ctx)
				check(t, err)
			}
		}
	})
	writers.Wait()
	close(stop)
	passes.Wait()
	if n := len(w.versionsOf("bkt")); n != 20 {
		t.Errorf("%d objects", n)
	}
}

// Restarts in the middle of passes lose nothing and repeat nothing that matters.
func TestLifecycleManyAndRestart(t *testing.T) {
	w := lifecycleWorld(t)
	w.versioned("bkt")
	const keys = 700
	for i := range keys {
		w.put("bkt", fmt.Sprintf("k%05d", i), nil)
		if i%3 == 0 {
			w.put("bkt", fmt.Sprintf("k%05d", i), nil)
		}
	}
	for range 300 {
		w.put("bkt", "many", nil)
	}
	w.rules2("bkt", object.LifecycleRule{Expiration: &object.LifecycleExpiration{Days: ptr(1)}, Noncurrent: &object.LifecycleNoncurrent{Days: 1, Keep: ptr(7)}})
	w.cfg.Workers = true
	for range 20 {
		time.Sleep(2 * testDay)
		must(t, w.Service.Close())
		var err error
		w.Service, err = object.Open(ctx, w.cfg)
		must(t, err)
	}
	w.pass()
	w.rules2("bkt", object.LifecycleRule{Expiration: &object.LifecycleExpiration{Markers: ptr(true)}, Noncurrent: &object.LifecycleNoncurrent{Days: 1, Keep: ptr(7)}})
	w.pass()
	page, err := w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: "bkt", Prefix: "many", MaxKeys: 1000})
	must(t, err)
	if len(page.Entries) != 8 {
		t.Errorf("%d versions of the key with many", len(page.Entries))
	}
	if page, err = w.ListVersions(ctx, alice, &object.ListVersionsInput{Bucket: "bkt", Prefix: "k00001", MaxKeys: 1000}); err != nil || len(page.Entries) != 2 {
		t.Errorf("%+v %v", page, err)
	}
	must(t, w.DeleteSetting(ctx, alice, "bkt", object.SettingLifecycle))
	if r := w.pass(); r.Buckets != 0 {
		t.Errorf("without rules: %+v", r)
	}
}

func TestLifecycleRefusals(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	day := noon.Truncate(24 * time.Hour)
	exp := &object.LifecycleExpiration{Days: ptr(1)}
	all := &object.LifecycleFilter{}
	tag := object.Tag{Key: "k", Value: "v"}
	for name, c := range map[string]struct {
		rule object.LifecycleRule
		want errs.Reason
	}{
		"no filter":        {object.LifecycleRule{Expiration: exp}, object.MalformedDocument},
		"both":             {object.LifecycleRule{Prefix: ptr(""), Filter: all, Expiration: exp}, object.MalformedDocument},
		"two without and":  {object.LifecycleRule{Filter: &object.LifecycleFilter{Prefix: ptr("a"), Tags: []object.Tag{tag}}, Expiration: exp}, object.MalformedDocument},
		"and of one":       {object.LifecycleRule{Filter: &object.LifecycleFilter{And: true, Prefix: ptr("a")}, Expiration: exp}, object.MalformedDocument},
		"same tag":         {object.LifecycleRule{Filter: &object.LifecycleFilter{And: true, Tags: []object.Tag{tag, tag}}, Expiration: exp}, object.InvalidRequest},
		"sizes":            {object.LifecycleRule{Filter: &object.LifecycleFilter{And: true, GreaterThan: ptr(int64(5)), LessThan: ptr(int64(5))}, Expiration: exp}, object.InvalidRequest},
		"no action":        {object.LifecycleRule{Filter: all}, object.InvalidRequest},
		"zero days":        {object.LifecycleRule{Filter: all, Expiration: &object.LifecycleExpiration{Days: ptr(0)}}, object.InvalidArgument},
		"noon":             {object.LifecycleRule{Filter: all, Expiration: &object.LifecycleExpiration{Date: &noon}}, object.InvalidArgument},
		"days and date":    {object.LifecycleRule{Filter: all, Expiration: &object.LifecycleExpiration{Days: ptr(1), Date: &day}}, object.MalformedDocument},
		"days and markers": {object.LifecycleRule{Filter: all, Expiration: &object.LifecycleExpiration{Days: ptr(1), Markers: ptr(true)}}, object.MalformedDocument},
		"markers and tags": {object.LifecycleRule{Filter: &object.LifecycleFilter{Tags: []object.Tag{tag}}, Expiration: &object.LifecycleExpiration{Markers: ptr(true)}}, object.InvalidRequest},
		"abort and tags":   {object.LifecycleRule{Filter: &object.LifecycleFilter{Tags: []object.Tag{tag}}, AbortDays: ptr(1)}, object.InvalidRequest},
		"abort zero":       {object.LifecycleRule{Filter: all, AbortDays: ptr(0)}, object.InvalidArgument},
		"noncurrent zero":  {object.LifecycleRule{Filter: all, Noncurrent: &object.LifecycleNoncurrent{}}, object.InvalidArgument},
		"keep 101":         {object.LifecycleRule{Filter: all, Noncurrent: &object.LifecycleNoncurrent{Days: 1, Keep: ptr(101)}}, object.InvalidArgument},
		"unknown class":    {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Days: ptr(1), Class: "COLD"}}}, object.MalformedDocument},
		"to standard":      {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Days: ptr(1), Class: "STANDARD"}}}, object.MalformedDocument},
		"too early":        {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Days: ptr(29), Class: "STANDARD_IA"}}}, object.InvalidArgument},
		"mixed":            {object.LifecycleRule{Filter: all, Expiration: exp, Transitions: []object.LifecycleTransition{{Date: &day, Class: "GLACIER"}}}, object.InvalidRequest},
		"expires first":    {object.LifecycleRule{Filter: all, Expiration: exp, Transitions: []object.LifecycleTransition{{Days: ptr(1), Class: "GLACIER"}}}, object.InvalidArgument},
		"twice":            {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Days: ptr(1), Class: "GLACIER"}, {Days: ptr(2), Class: "GLACIER"}}}, object.InvalidRequest},
		"short stay":       {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Days: ptr(30), Class: "GLACIER"}, {Days: ptr(119), Class: "DEEP_ARCHIVE"}}}, object.InvalidArgument},
		"colder first":     {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Days: ptr(60), Class: "GLACIER"}, {Days: ptr(31), Class: "ONEZONE_IA"}}}, object.InvalidArgument},
		"short by date":    {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Date: &day, Class: "STANDARD_IA"}, {Date: ptr(day.AddDate(0, 0, 29)), Class: "GLACIER"}}}, object.InvalidArgument},
		"no time":          {object.LifecycleRule{Filter: all, Transitions: []object.LifecycleTransition{{Class: "GLACIER"}}}, object.MalformedDocument},
	} {
		err := w.PutLifecycle(ctx, alice, "bkt", &object.LifecycleConfig{Rules: []object.LifecycleRule{c.rule}})
		if errs.ReasonOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantErr(t, w.PutLifecycle(ctx, alice, "bkt", &object.LifecycleConfig{}), errs.Invalid, object.MalformedDocument)
	wantErr(t, w.PutLifecycle(ctx, bob, "bkt", &object.LifecycleConfig{}), errs.Denied, "AccessDenied")
	_, err := w.Lifecycle(ctx, alice, "bkt")
	wantErr(t, err, errs.NotFound, object.NoSuchLifecycle)
	// In any order, and just long enough in each.
	must(t, w.PutLifecycle(ctx, alice, "bkt", &object.LifecycleConfig{Rules: []object.LifecycleRule{{Filter: all, Transitions: []object.LifecycleTransition{
		{Days: ptr(150), Class: "DEEP_ARCHIVE"}, {Days: ptr(30), Class: "STANDARD_IA"}, {Days: ptr(60), Class: "GLACIER"}},
		NoncurrentTransitions: []object.LifecycleNoncurrentTransition{{Days: 2, Class: "GLACIER"}, {Days: 4, Class: "DEEP_ARCHIVE"}}}}}))
}

func TestRestore(t *testing.T) {
	w := newWorld(t, func(c *object.Config) { c.RestoreDelay = 2 * time.Second }) // all that is asked in between has to fit in
	w.bucket("bkt")
	for _, class := range []string{"", "DEEP_ARCHIVE"} {
		_, err := w.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "k" + class, Body: bytes.NewReader([]byte("x")), Size: 1, StorageClass: class})
		must(t, err)
	}
	in := &object.RestoreInput{Bucket: "bkt", Key: "kDEEP_ARCHIVE", Days: 2}
	_, _, err := w.get("bkt", in.Key, "")
	wantErr(t, err, errs.Conflict, object.InvalidObjectState)
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: in.Key, Bucket: "bkt", Key: "copy"})
	wantErr(t, err, errs.Conflict, object.InvalidObjectState)
	_, err = w.RestoreObject(ctx, alice, &object.RestoreInput{Bucket: "bkt", Key: "k", Days: 1})
	wantErr(t, err, errs.Conflict, object.InvalidObjectState)
	_, err = w.RestoreObject(ctx, bob, in)
	wantErr(t, err, errs.Denied, "AccessDenied")
	res, err := w.RestoreObject(ctx, alice, in)
	if err != nil || res.Already {
		t.Fatalf("%+v %v", res, err)
	}
	_, err = w.RestoreObject(ctx, alice, in)
	wantErr(t, err, errs.Conflict, object.RestoreInProgress)
	if h, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: in.Key}); err != nil || h.Restore == nil || !h.Restore.Ongoing {
		t.Errorf("%+v %v", h, err)
	}
	_, _, err = w.get("bkt", in.Key, "")
	wantErr(t, err, errs.Conflict, object.InvalidObjectState)
	time.Sleep(2100 * time.Millisecond)
	h := w.wantBody("bkt", in.Key, "", []byte("x"))
	if h.Restore == nil || h.Restore.Until.Before(time.Now().Add(48*time.Hour)) || h.Restore.Until != h.Restore.Until.Truncate(24*time.Hour) {
		t.Errorf("%+v", h.Restore)
	}
	if res, err := w.RestoreObject(ctx, alice, in); err != nil || !res.Already {
		t.Errorf("%+v %v", res, err)
	}
	_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: in.Key, Bucket: "bkt", Key: "copy"})
	must(t, err)
	w.wantBody("bkt", "copy", "", []byte("x"))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// Which small objects move is the configuration's choice, or else the server's.
func TestLifecycleDefaultMinimum(t *testing.T) {
	for name, c := range map[string]struct{ server, config, class, want string }{
		"of its own":             {"", "", "GLACIER", "STANDARD"},
		"varies":                 {object.TransitionVaries, "", "GLACIER", "GLACIER"},
		"varies, not an archive": {object.TransitionVaries, "", "GLACIER_IR", "STANDARD"},
		"chosen over it":         {object.TransitionVaries, object.TransitionAll128K, "GLACIER", "STANDARD"},
	} {
		w := newWorld(t, func(cfg *object.Config) { cfg.LifecycleDay, cfg.MinimumTransition = testDay, c.server })
		w.bucket("bkt")
		w.put("bkt", "small", []byte("x"))
		conf := &object.LifecycleConfig{MinimumSize: c.config, Rules: []object.LifecycleRule{{Enabled: true, Filter: &object.LifecycleFilter{},
			Transitions: []object.LifecycleTransition{{Days: ptr(1), Class: c.class}}}}}
		must(t, w.PutLifecycle(ctx, alice, "bkt", conf))
		w.pass()
		res, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "small"})
		must(t, err)
		if res.StorageClass != c.want {
			t.Errorf("%s: %q, want %q", name, res.StorageClass, c.want)
		}
	}
}
