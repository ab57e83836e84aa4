package object_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

func TestBucketNames(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		good bool
	}{
		{"abc", true}, {"aaa.111", true}, {"aaa-111", true}, {"0abc", true}, {strings.Repeat("a", 63), true}, {"a.b.c", true}, {"1.2.3", true},
		{"192.168.5.123", false}, {"192.168.005.4", false}, {"1.2.3.4", false}, {"1234.5.6.7", true},
		{"ab", false}, {"", false}, {strings.Repeat("a", 64), false}, {"Abc", false}, {"a_b", false}, {"-abc", false}, {"abc-", false},
		{".abc", false}, {"abc.", false}, {"a..b", false}, {"a.-b", false}, {"a-.b", false}, {"a b", false}, {"äbc", false},
		{"xn--abc", false}, {"sthree-x", false}, {"amzn-s3-demo-x", false}, {"abc-s3alias", false}, {"abc--ol-s3", false}, {"abc--x-s3", false},
		{"abc.mrap", false}, {"abc--table-s3", false}, {"a/b", false}, {"abc\x00", false},
	} {
		_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: c.name})
		if c.good && err != nil {
			t.Errorf("%q: %v", c.name, err)
		} else if !c.good {
			wantErr(t, err, errs.Invalid, object.InvalidBucketName)
		}
	}
}

// Where new buckets are blocked, none is made with a public list, not even again.
func TestNewBucketsAreBlocked(t *testing.T) {
	w := newWorld(t, func(c *object.Config) { c.BlockPublic = true })
	writer := object.ObjectWriter
	in := object.CreateBucketInput{Name: "blocked", Ownership: &writer, ACL: object.ACLInput{Canned: "public-read"}}
	_, err := w.CreateBucket(ctx, alice, in)
	wantErr(t, err, errs.Invalid, object.InvalidPublicACL)
	for _, in.ACL.Canned = range []string{"private", ""} {
		_, err = w.CreateBucket(ctx, alice, in)
		must(t, err)
	}
	block, err := w.PublicAccess(ctx, alice, "blocked")
	must(t, err)
	if block != (object.PublicAccessBlock{BlockPublicACLs: true, IgnorePublicACLs: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}) {
		t.Errorf("block = %+v", block)
	}
	in.ACL.Canned = "public-read"
	_, err = w.CreateBucket(ctx, alice, in)
	wantErr(t, err, errs.Invalid, object.InvalidPublicACL)
}

// outside is a region where nobody makes a bucket twice.
func outside(c *object.Config) { c.Region = "eu-west-1" }

// In us-east-1 making one's own bucket again succeeds and leaves it as it is, its access control list apart.
func TestRecreateBucket(t *testing.T) {
	w := newWorld(t)
	writer := object.ObjectWriter
	first, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "again", Ownership: &writer, ACL: object.ACLInput{Canned: "public-read"}})
	must(t, err)
	w.put("again", "k", []byte("v"))
	again, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "again"})
	must(t, err)
	if again.ID != first.ID {
		t.Errorf("made anew: %+v", again)
	}
	acl, err := w.BucketACL(ctx, alice, "again")
	must(t, err)
	if len(acl.Grants) != 1 || acl.Grants[0].Permission != object.PermFullControl {
		t.Errorf("list after the second creation: %+v", acl)
	}
	if o, err := w.Ownership(ctx, alice, "again"); err != nil || o != object.ObjectWriter {
		t.Errorf("ownership %v, %v", o, err)
	}
	_, err = w.CreateBucket(ctx, bob, object.CreateBucketInput{Name: "again"})
	wantErr(t, err, errs.Exists, object.BucketExists)
}

func TestBuckets(t *testing.T) {
	w := newWorld(t, outside)
	b, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "one", Region: "eu-west-1", Tags: []object.Tag{{Key: "k", Value: "v"}}})
	must(t, err)
	if b.Owner.AccountID != alice.AccountID || b.Owner.CanonicalID != alice.CanonicalID || time.Since(b.Created) > time.Minute || b.ID == 0 {
		t.Errorf("%+v", b)
	}
	_, err = w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "one"})
	wantErr(t, err, errs.Exists, object.BucketOwned)
	_, err = w.CreateBucket(ctx, bob, object.CreateBucketInput{Name: "one"})
	wantErr(t, err, errs.Exists, object.BucketExists)
	h, err := w.HeadBucket(ctx, alice, "one")
	if err != nil || h.Region != "eu-west-1" || h.ID != b.ID {
		t.Errorf("%+v %v", h, err)
	}
	_, err = w.HeadBucket(ctx, bob, "one")
	wantErr(t, err, errs.Denied, "AccessDenied")
	_, err = w.HeadBucket(ctx, alice, "other")
	wantErr(t, err, errs.NotFound, object.NoSuchBucket)
	wantErr(t, w.DeleteBucket(ctx, bob, "one"), errs.Denied, "AccessDenied")
	wantErr(t, w.DeleteBucket(ctx, alice, "other"), errs.NotFound, object.NoSuchBucket)

	w.put("one", "key", nil)
	wantErr(t, w.DeleteBucket(ctx, alice, "one"), errs.Conflict, object.BucketNotEmpty)
	must(t, w.SetVersioning(ctx, alice, "one", object.VersioningEnabled))
	del, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "one", Key: "key"})
	must(t, err)
	wantErr(t, w.DeleteBucket(ctx, alice, "one"), errs.Conflict, object.BucketNotEmpty)
	for _, v := range []string{"null", del.VersionID} {
		_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "one", Key: "key", VersionID: v})
		must(t, err)
	}
	must(t, w.DeleteBucket(ctx, alice, "one"))

	// A new bucket of the name is another bucket.
	b2, err := w.CreateBucket(ctx, bob, object.CreateBucketInput{Name: "one"})
	must(t, err)
	if b2.ID == b.ID || b2.Versioning != object.VersioningOff || b2.Tags != nil {
		t.Errorf("%+v", b2)
	}
}

func TestDeleteBucketGivesUploadsUp(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	for i := range 3 {
		u, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: fmt.Sprint(i)})
		must(t, err)
		for n := range 4 {
			_, err = w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: fmt.Sprint(i), UploadID: u.UploadID, PartNumber: n + 1,
				Body: bytes.NewReader(make([]byte, 2*blobSize)), Size: 2 * blobSize})
			must(t, err)
		}
	}
	must(t, w.DeleteBucket(ctx, alice, "bkt"))
	entries, err := w.Due(ctx, time.Now().Add(time.Minute), 100)
	must(t, err)
	refs := 0
	for _, e := range entries {
		refs += len(e.Refs)
	}
	if refs != 3*4*2 {
		t.Errorf("%d blobs named to the collector", refs)
	}
	w.bucket("bkt")
	page, err := w.ListUploads(ctx, alice, &object.ListUploadsInput{Bucket: "bkt", Max: 10})
	if err != nil || len(page.Uploads) != 0 {
		t.Errorf("%+v %v", page, err)
	}
	if left := w.collect(0); left != 0 {
		t.Errorf("%d blobs left", left)
	}
}

func TestBucketLimit(t *testing.T) {
	w := newWorld(t, outside, func(c *object.Config) { c.MaxBuckets = 2 })
	for round := range 3 {
		w.bucket("b-1")
		w.bucket("b-2")
		_, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "b-3"})
		wantErr(t, err, errs.Limit, object.TooManyBuckets)
		_, err = w.CreateBucket(ctx, bob, object.CreateBucketInput{Name: fmt.Sprint("bobs-", round%2)})
		if round < 2 {
			must(t, err)
		} else {
			wantErr(t, err, errs.Exists, object.BucketOwned)
		}
		must(t, w.DeleteBucket(ctx, alice, "b-1"))
		must(t, w.DeleteBucket(ctx, alice, "b-2"))
	}
	_, err := w.HeadBucket(ctx, alice, "b-3")
	wantErr(t, err, errs.NotFound, object.NoSuchBucket)
}

func TestListBuckets(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"aaa", "aab", "abc", "bbb", "bbc"} {
		in := object.CreateBucketInput{Name: name}
		if i%2 == 1 {
			in.Region = "eu-west-1"
		}
		_, err := w.CreateBucket(ctx, alice, in)
		must(t, err)
	}
	_, err := w.CreateBucket(ctx, bob, object.CreateBucketInput{Name: "aaz"})
	must(t, err)
	for _, c := range []struct {
		in   object.ListBucketsInput
		want string
		next string
	}{
		{object.ListBucketsInput{}, "aaa aab abc bbb bbc", ""},
		{object.ListBucketsInput{Max: 2}, "aaa aab", "aab"},
		{object.ListBucketsInput{Max: 2, After: "aab"}, "abc bbb", "bbb"},
		{object.ListBucketsInput{Max: 2, After: "bbb"}, "bbc", ""},
		{object.ListBucketsInput{Max: 5}, "aaa aab abc bbb bbc", ""},
		{object.ListBucketsInput{Prefix: "aa"}, "aaa aab", ""},
		{object.ListBucketsInput{Prefix: "b", After: "abc"}, "bbb bbc", ""},
		{object.ListBucketsInput{Prefix: "b", After: "bbb"}, "bbc", ""},
		{object.ListBucketsInput{Region: "eu-west-1"}, "aab bbb", ""},
		{object.ListBucketsInput{Region: "us-east-1"}, "aaa abc bbc", ""},
		{object.ListBucketsInput{Region: "us-east-1", Max: 2}, "aaa abc", "abc"},
		{object.ListBucketsInput{Prefix: "x"}, "", ""},
	} {
		page, err := w.ListBuckets(ctx, alice, c.in)
		must(t, err)
		var names []string
		for _, b := range page.Buckets {
			names = append(names, b.Name)
		}
		if strings.Join(names, " ") != c.want || page.Next != c.next {
			t.Errorf("%+v: got %v next %q, want %s next %q", c.in, names, page.Next, c.want, c.next)
		}
	}
	_, err = w.ListBuckets(ctx, alice, object.ListBucketsInput{Max: -1})
	wantErr(t, err, errs.Invalid, object.InvalidArgument)
}

func TestBucketTags(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	_, err := w.BucketTagging(ctx, alice, "bkt")
	wantErr(t, err, errs.NotFound, object.NoSuchTagSet)
	want := []object.Tag{{Key: "z", Value: "1"}, {Key: "a", Value: ""}}
	must(t, w.PutBucketTagging(ctx, alice, "bkt", want))
	got, err := w.BucketTagging(ctx, alice, "bkt")
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v %v", got, err)
	}
	page, err := w.ListBuckets(ctx, alice, object.ListBucketsInput{})
	if err != nil || len(page.Buckets[0].Tags) != 2 {
		t.Errorf("%+v %v", page, err)
	}
	must(t, w.DeleteBucketTagging(ctx, alice, "bkt"))
	_, err = w.BucketTagging(ctx, alice, "bkt")
	wantErr(t, err, errs.NotFound, object.NoSuchTagSet)
	wantErr(t, w.PutBucketTagging(ctx, alice, "bkt", make([]object.Tag, 51)), errs.Invalid, object.InvalidTag)
	_, err = w.BucketTagging(ctx, alice, "other")
	wantErr(t, err, errs.NotFound, object.NoSuchBucket)
}

// TestSecondNodeFollows: another service on the same store sees what this one does, its cache notwithstanding.
func TestSecondNodeFollows(t *testing.T) {
	w := newWorld(t)
	other, err := object.Open(ctx, w.cfg)
	must(t, err)
	defer other.Close()
	w.bucket("bkt")
	put := func(s *object.Service) (*object.PutResult, error) {
		return s.Put(ctx, alice, &object.PutInput{Bucket: "bkt", Key: "k", Body: strings.NewReader("x"), Size: 1})
	}
	_, err = put(other)
	must(t, err)
	// The very next write follows the new state: it is conditioned on it.
	must(t, w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled))
	res, err := put(other)
	if err != nil || res.VersionID == "" || res.VersionID == "null" {
		t.Errorf("%+v %v", res, err)
	}
	// A delete that finds nothing commits nothing, and yet must know the state: here it makes a marker.
	third, err := object.Open(ctx, w.cfg)
	must(t, err)
	defer third.Close()
	w.bucket("bkt2")
	_, err = third.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt2", Key: "k"})
	must(t, err)
	must(t, w.SetVersioning(ctx, alice, "bkt2", object.VersioningEnabled))
	if del, err := third.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt2", Key: "k"}); err != nil || !del.DeleteMarker {
		t.Errorf("%+v %v", del, err)
	}
	for _, v := range []string{"null", res.VersionID} {
		_, err = other.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "k", VersionID: v})
		must(t, err)
	}
	must(t, w.DeleteBucket(ctx, alice, "bkt"))
	_, err = put(other)
	wantErr(t, err, errs.NotFound, object.NoSuchBucket)
	_, err = other.List(ctx, alice, &object.ListInput{Bucket: "bkt", MaxKeys: 1})
	wantErr(t, err, errs.NotFound, object.NoSuchBucket)
	_, err = other.CreateBucket(ctx, bob, object.CreateBucketInput{Name: "bkt"})
	must(t, err)
	_, err = put(w.Service)
	wantErr(t, err, errs.Denied, "AccessDenied")
}
