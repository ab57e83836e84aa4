package object_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

func tags(n int) (ts []object.Tag) {
	for i := range n {
		ts = append(ts, object.Tag{Key: fmt.Sprint("k", i), Value: "v"})
	}
	return ts
}

func TestWhatMayBePut(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	long := strings.Repeat("x", 129)
	for name, c := range map[string]struct {
		change func(*object.PutInput)
		kind   errs.Kind
		reason errs.Reason
	}{
		"plain":              {func(*object.PutInput) {}, 0, ""},
		"key of 1024":        {func(in *object.PutInput) { in.Key = strings.Repeat("é", 512) }, 0, ""},
		"key of 1025":        {func(in *object.PutInput) { in.Key = strings.Repeat("x", 1025) }, errs.Invalid, object.KeyTooLong},
		"no key":             {func(in *object.PutInput) { in.Key = "" }, errs.Invalid, object.InvalidArgument},
		"key not UTF-8":      {func(in *object.PutInput) { in.Key = "a\xff" }, errs.Invalid, object.InvalidArgument},
		"odd keys":           {func(in *object.PutInput) { in.Key = "//.//../a\\b%2F\x00/" }, 0, ""},
		"no bucket":          {func(in *object.PutInput) { in.Bucket = "nobucket" }, errs.NotFound, object.NoSuchBucket},
		"not even a name":    {func(in *object.PutInput) { in.Bucket = "X" }, errs.NotFound, object.NoSuchBucket},
		"metadata of 2048":   {func(in *object.PutInput) { in.Metadata = []object.Meta{{Name: "ab", Value: strings.Repeat("v", 2046)}} }, 0, ""},
		"metadata of 2049":   {func(in *object.PutInput) { in.Metadata = []object.Meta{{Name: "ab", Value: strings.Repeat("v", 2047)}} }, errs.Invalid, object.MetadataTooLarge},
		"10 tags":            {func(in *object.PutInput) { in.Tags = tags(10) }, 0, ""},
		"11 tags":            {func(in *object.PutInput) { in.Tags = tags(11) }, errs.Invalid, object.BadRequest},
		"tag key of 128":     {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: long[:128], Value: long + long[:127]}} }, 0, ""},
		"tag key of 129":     {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: long}} }, errs.Invalid, object.InvalidTag},
		"tag value of 257":   {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: "k", Value: long + long[:128]}} }, errs.Invalid, object.InvalidTag},
		"empty tag key":      {func(in *object.PutInput) { in.Tags = []object.Tag{{Value: "v"}} }, errs.Invalid, object.InvalidTag},
		"tag twice":          {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: "k"}, {Key: "k"}} }, errs.Invalid, object.InvalidTag},
		"tag characters":     {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: "aZ9 äß日_.:/=+-@", Value: "x y"}} }, 0, ""},
		"bad tag characters": {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: "a{b"}} }, errs.Invalid, object.InvalidTag},
		"tag of AWS":         {func(in *object.PutInput) { in.Tags = []object.Tag{{Key: "aws:x"}} }, errs.Invalid, object.InvalidTag},
		"storage class":      {func(in *object.PutInput) { in.StorageClass = "STANDARD_IA" }, 0, ""},
		"no storage class":   {func(in *object.PutInput) { in.StorageClass = "MINE" }, errs.Invalid, object.InvalidStorageClass},
		"other's class":      {func(in *object.PutInput) { in.StorageClass = "EXPRESS_ONEZONE" }, errs.Invalid, object.InvalidStorageClass},
		"too large":          {func(in *object.PutInput) { in.Size = object.MaxPutSize + 1 }, errs.Invalid, object.EntityTooLarge},
		"both conditions":    {func(in *object.PutInput) { in.Conditions = object.WriteConditions{IfMatch: "*", IfNoneMatch: "*"} }, errs.Invalid, object.InvalidRequest},
		"a list of ETags":    {func(in *object.PutInput) { in.Conditions = object.WriteConditions{IfMatch: `"a","b"`} }, errs.Invalid, object.InvalidRequest},
		"short body":         {func(in *object.PutInput) { in.Size++ }, errs.Invalid, object.IncompleteBody},
		"long body":          {func(in *object.PutInput) { in.Size-- }, errs.Invalid, object.IncompleteBody},
		"short large body":   {func(in *object.PutInput) { in.Size = 1 << 20 }, errs.Invalid, object.IncompleteBody},
		"long large body":    {func(in *object.PutInput) { in.Body = bytes.NewReader(body(1, 100_000)); in.Size = 99_999 }, errs.Invalid, object.IncompleteBody},
		"broken body":        {func(in *object.PutInput) { in.Body = iotest.ErrReader(errReader) }, errs.Invalid, object.IncompleteBody},
		"body with a reason": {func(in *object.PutInput) {
			in.Body = iotest.ErrReader(errs.New(errs.Denied, "SignatureDoesNotMatch", ""))
		}, errs.Denied, "SignatureDoesNotMatch"},
		"unknown size":       {func(in *object.PutInput) { in.Size, in.MaxSize = -1, 4 }, 0, ""},
		"beyond its bound":   {func(in *object.PutInput) { in.Size, in.MaxSize = -1, 3 }, errs.Invalid, object.EntityTooLarge},
		"MD5":                {func(in *object.PutInput) { in.ContentMD5 = mustHex(etagOf([]byte("data"))) }, 0, ""},
		"wrong MD5":          {func(in *object.PutInput) { in.ContentMD5 = make([]byte, 16) }, errs.Invalid, object.BadDigest},
		"not an MD5":         {func(in *object.PutInput) { in.ContentMD5 = make([]byte, 15) }, errs.Invalid, "InvalidDigest"},
		"checksum":           {func(in *object.PutInput) { in.Checksums = sums(checksum.CRC32, sumOf(checksum.CRC32, "data")) }, 0, ""},
		"wrong checksum":     {func(in *object.PutInput) { in.Checksums = sums(checksum.CRC32, sumOf(checksum.CRC32, "DATA")) }, errs.Invalid, object.BadDigest},
		"malformed checksum": {func(in *object.PutInput) { in.Checksums = sums(checksum.CRC32, "abc") }, errs.Invalid, object.InvalidRequest},
		"no such checksum":   {func(in *object.PutInput) { in.Checksums = sums(99, "abc") }, errs.Invalid, object.InvalidRequest},
		"trailer": {func(in *object.PutInput) {
			in.Checksums = trailer(checksum.SHA256, sumOf(checksum.SHA256, "data"), nil)
		}, 0, ""},
		"wrong trailer": {func(in *object.PutInput) {
			in.Checksums = trailer(checksum.SHA256, sumOf(checksum.SHA256, "DATA"), nil)
		}, errs.Invalid, object.BadDigest},
		"broken trailer":        {func(in *object.PutInput) { in.Checksums = trailer(checksum.SHA256, "", errReader) }, errs.Invalid, object.IncompleteBody},
		"delete-only condition": {func(in *object.PutInput) { n := int64(1); in.Conditions.IfMatchSize = &n }, errs.Invalid, object.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			in := &object.PutInput{Bucket: "bkt", Key: "key/" + name, Body: strings.NewReader("data"), Size: 4}
			c.change(in)
			_, err := w.Put(ctx, alice, in)
			if c.reason == "" {
				must(t, err)
				if in.Body != nil && in.Size <= 4 {
					w.wantBody("bkt", in.Key, "", []byte("data"))
				}
				return
			}
			wantErr(t, err, c.kind, c.reason)
			if len(in.Key) > 0 && len(in.Key) <= 1024 && in.Bucket == "bkt" && in.Key != "a\xff" {
				_, _, err = w.get("bkt", in.Key, "")
				wantErr(t, err, errs.NotFound, object.NoSuchKey)
			}
		})
	}
	if left := w.collect(0); left != 0 {
		t.Errorf("%d blobs left of what was refused", left)
	}
}

func mustHex(s string) []byte {
	var b []byte
	fmt.Sscanf(s, "%x", &b)
	return b
}

func sums(a checksum.Algorithm, value string) []object.ChecksumSpec {
	return []object.ChecksumSpec{{Algorithm: a, Value: value}}
}

func trailer(a checksum.Algorithm, value string, err error) []object.ChecksumSpec {
	return []object.ChecksumSpec{{Algorithm: a, Trailer: func() (string, error) { return value, err }}}
}

func sumOf(a checksum.Algorithm, data string) string {
	h := a.New()
	io.WriteString(h, data)
	return checksum.Encode(h.Sum(nil))
}

func TestChecksumsAreKept(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	for _, a := range checksum.Algorithms() {
		for _, n := range []int{5, 50_000} {
			data := body(n, n)
			in := &object.PutInput{Bucket: "bkt", Key: "k", Body: bytes.NewReader(data), Size: int64(n), Checksums: []object.ChecksumSpec{{Algorithm: a}}}
			res, err := w.Put(ctx, alice, in)
			must(t, err)
			got := w.wantBody("bkt", "k", "", data)
			want := object.Checksum{Algorithm: a, Type: checksum.FullObject, Value: sumOf(a, string(data))}
			if len(res.Checksums) != 1 || res.Checksums[0] != want || got.Checksums[0] != want {
				t.Errorf("%v: %+v and %+v, want %+v", a, res.Checksums, got.Checksums, want)
			}
			cp, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "k", Bucket: "bkt", Key: "c"})
			if err != nil || cp.Checksums[0] != want {
				t.Errorf("copy: %+v %v", cp, err)
			}
		}
	}
}

func TestReadConditions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	res := w.put("bkt", "key", []byte("data"))
	at := res.LastModified.Truncate(time.Second)
	past, future := at.Add(-time.Hour), at.Add(time.Hour)
	for _, c := range []struct {
		name string
		cond object.ReadConditions
		kind errs.Kind
	}{
		{"none", object.ReadConditions{}, 0},
		{"match", object.ReadConditions{IfMatch: []string{res.ETag}}, 0},
		{"match quoted", object.ReadConditions{IfMatch: []string{`"x"`, `"` + res.ETag + `"`}}, 0},
		{"match any", object.ReadConditions{IfMatch: []string{"*"}}, 0},
		{"no match", object.ReadConditions{IfMatch: []string{"x"}}, errs.Precondition},
		{"none match", object.ReadConditions{IfNoneMatch: []string{"x"}}, 0},
		{"none match hit", object.ReadConditions{IfNoneMatch: []string{"x", res.ETag}}, errs.NotModified},
		{"none match any", object.ReadConditions{IfNoneMatch: []string{"*"}}, errs.NotModified},
		{"modified since", object.ReadConditions{IfModifiedSince: past}, 0},
		{"not modified since", object.ReadConditions{IfModifiedSince: at}, errs.NotModified},
		{"modified since a time to come", object.ReadConditions{IfModifiedSince: future}, 0},
		{"unmodified since", object.ReadConditions{IfUnmodifiedSince: at}, 0},
		{"modified after all", object.ReadConditions{IfUnmodifiedSince: past}, errs.Precondition},
		{"match beats unmodified", object.ReadConditions{IfMatch: []string{res.ETag}, IfUnmodifiedSince: past}, 0},
		{"none match beats modified", object.ReadConditions{IfNoneMatch: []string{"x"}, IfModifiedSince: future}, 0},
		{"none match hit beats modified", object.ReadConditions{IfNoneMatch: []string{res.ETag}, IfModifiedSince: past}, errs.NotModified},
		{"both directions", object.ReadConditions{IfMatch: []string{res.ETag}, IfNoneMatch: []string{res.ETag}}, errs.NotModified},
	} {
		_, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "key", Conditions: c.cond})
		if got := errs.KindOf(err); err == nil && c.kind != 0 || err != nil && got != c.kind {
			t.Errorf("%s: %v, want %v", c.name, err, c.kind)
		}
		var e *errs.E
		if c.kind == errs.NotModified && (!errors.As(err, &e) || e.Detail["ETag"] != res.ETag) {
			t.Errorf("%s: detail %+v", c.name, e)
		}
		_, err = w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "key", SrcConditions: c.cond, Bucket: "bkt", Key: "copy"})
		if c.kind == 0 {
			must(t, err)
		} else {
			wantErr(t, err, errs.Precondition, object.PreconditionFailed)
		}
	}
}

func TestRanges(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.put("bkt", "key", []byte("0123456789"))
	w.put("bkt", "empty", nil)
	for _, c := range []struct {
		key  string
		r    object.Range
		want string
		ok   bool
	}{
		{"key", object.Range{Kind: object.RangeFrom, First: 3}, "3456789", true},
		{"key", object.Range{Kind: object.RangeFrom, First: 9}, "9", true},
		{"key", object.Range{Kind: object.RangeFrom, First: 10}, "", false},
		{"key", object.Range{Kind: object.RangeFromTo, First: 2, Last: 4}, "234", true},
		{"key", object.Range{Kind: object.RangeFromTo, First: 2, Last: 400}, "23456789", true},
		{"key", object.Range{Kind: object.RangeFromTo, First: 10, Last: 12}, "", false},
		{"key", object.Range{Kind: object.RangeFromTo, First: 4, Last: 2}, "", false},
		{"key", object.Range{Kind: object.RangeFromTo, First: -4, Last: 2}, "", false},
		{"key", object.Range{Kind: object.RangeSuffix, Last: 3}, "789", true},
		{"key", object.Range{Kind: object.RangeSuffix, Last: 300}, "0123456789", true},
		{"key", object.Range{Kind: object.RangeSuffix}, "", false},
		{"empty", object.Range{Kind: object.RangeFrom}, "", false},
		{"empty", object.Range{Kind: object.RangeSuffix, Last: 1}, "", false},
	} {
		data, res, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: c.key, Range: c.r})
		if !c.ok {
			wantErr(t, err, errs.RangeUnsatisfied, object.InvalidRange)
			continue
		}
		must(t, err)
		if string(data) != c.want || !res.Partial || (res.Checksums != nil) != (len(data) == 10) {
			t.Errorf("%+v: %q %+v", c.r, data, res)
		}
	}
	_, _, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", PartNumber: 2})
	wantErr(t, err, errs.RangeUnsatisfied, object.InvalidPartNumber)
	data, res, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", PartNumber: 1})
	if err != nil || string(data) != "0123456789" || !res.Partial {
		t.Errorf("part 1: %q %+v %v", data, res, err)
	}
	_, _, err = w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", PartNumber: 1, Range: object.Range{Kind: object.RangeFrom}})
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
}

func TestBodyReads(t *testing.T) {
	w := newWorld(t, func(c *object.Config) { c.BlobSize = 100_000 })
	w.bucket("bkt")
	for _, n := range []int{0, 10, 300_000, 1_500_000} {
		data := body(n, n)
		w.put("bkt", "key", data)
		open := func(off int) object.Body {
			in := &object.GetInput{Bucket: "bkt", Key: "key"}
			if off > 0 {
				in.Range = object.Range{Kind: object.RangeFrom, First: int64(off)}
			}
			res, err := w.Get(ctx, alice, in)
			must(t, err)
			return res.Body
		}
		must(t, iotest.TestReader(open(0), data))
		for _, off := range []int{0, 1, n / 2} {
			if off > 0 && off >= n {
				continue
			}
			if got := text(open(off)); got != string(data[off:]) {
				t.Errorf("size %d from %d: %d bytes", n, off, len(got))
			}
			if got := text(struct{ object.Body }{oneByte{open(off)}}); n < 1000 && got != string(data[off:]) {
				t.Errorf("size %d from %d by bytes: %d bytes", n, off, len(got))
			}
		}
		// A few bytes by Read, the rest by WriteTo.
		b := open(0)
		var buf bytes.Buffer
		_, err := io.CopyN(&buf, readOnly{b}, int64(n/3))
		must(t, err)
		_, err = b.WriteTo(&buf)
		must(t, err)
		must(t, b.Close())
		must(t, b.Close())
		if !bytes.Equal(buf.Bytes(), data) {
			t.Errorf("size %d in two ways: %d bytes", n, buf.Len())
		}
		if _, err := b.Read(make([]byte, 1)); n > 100 && err == nil {
			t.Error("read after close")
		}
	}
}

type oneByte struct{ object.Body }

func (o oneByte) Read(p []byte) (int, error) { return o.Body.Read(p[:min(1, len(p))]) }

type readOnly struct{ io.Reader }

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	w.put("bkt", "key", []byte("x"))
	calls := map[string]func() error{
		"s3:GetObject":        func() error { _, _, err := w.get("bkt", "key", ""); return err },
		"s3:GetObjectVersion": func() error { _, _, err := w.get("bkt", "key", "null"); return err },
		"s3:PutObject":        func() error { _, err := w.tryPut("bkt", "key", nil, object.WriteConditions{}); return err },
		"s3:DeleteObject": func() error {
			_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key"})
			return err
		},
		"s3:DeleteObjectVersion": func() error {
			_, err := w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key", VersionID: "null"})
			return err
		},
		"s3:ListBucket":           func() error { _, err := w.List(ctx, alice, &object.ListInput{Bucket: "bkt"}); return err },
		"s3:CreateBucket":         func() error { _, err := w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "new"}); return err },
		"s3:DeleteBucket":         func() error { return w.DeleteBucket(ctx, alice, "bkt") },
		"s3:ListAllMyBuckets":     func() error { _, err := w.ListBuckets(ctx, alice, object.ListBucketsInput{}); return err },
		"s3:GetBucketTagging":     func() error { _, err := w.BucketTagging(ctx, alice, "bkt"); return err },
		"s3:PutBucketTagging":     func() error { return w.PutBucketTagging(ctx, alice, "bkt", nil) },
		"s3:GetObjectTagging":     func() error { _, _, err := w.Tagging(ctx, alice, "bkt", "key", ""); return err },
		"s3:PutObjectTagging":     func() error { _, err := w.PutTagging(ctx, alice, "bkt", "key", "", nil); return err },
		"s3:DeleteObjectTagging":  func() error { _, err := w.DeleteTagging(ctx, alice, "bkt", "key", ""); return err },
		"s3:GetObjectAttributes":  func() error { _, err := w.Attributes(ctx, alice, "bkt", "key", "", 10, 0, nil); return err },
		"s3:AbortMultipartUpload": func() error { return w.AbortUpload(ctx, alice, "bkt", "key", "x") },
		"s3:ListMultipartUploadParts": func() error {
			_, err := w.ListParts(ctx, alice, &object.ListPartsInput{Bucket: "bkt", Key: "key", UploadID: "x"})
			return err
		},
		"s3:ListBucketMultipartUploads": func() error { _, err := w.ListUploads(ctx, alice, &object.ListUploadsInput{Bucket: "bkt"}); return err },
		"s3:GetBucketVersioning":        func() error { _, err := w.BucketVersioning(ctx, alice, "bkt"); return err },
		"s3:PutBucketVersioning":        func() error { return w.SetVersioning(ctx, alice, "bkt", object.VersioningEnabled) },
	}
	for action, call := range calls {
		w.rules.set(action)
		wantErr(t, call(), errs.Denied, "AccessDenied")
	}
	w.rules.set("s3:GetObject")
	_, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "key", Bucket: "bkt", Key: "copy"})
	wantErr(t, err, errs.Denied, "AccessDenied")
	_, err = w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: "key", Conditions: object.WriteConditions{IfMatch: "x"}})
	wantErr(t, err, errs.Denied, "AccessDenied")
	// Who may not list must not learn which keys exist.
	w.rules.set("s3:ListBucket")
	_, _, err = w.get("bkt", "nokey", "")
	wantErr(t, err, errs.Denied, "AccessDenied")
	w.rules.set()
	_, _, err = w.get("bkt", "nokey", "")
	wantErr(t, err, errs.NotFound, object.NoSuchKey)
	w.wantBody("bkt", "key", "", []byte("x"))
	_, err = w.Get(ctx, bob, &object.GetInput{Bucket: "bkt", Key: "key"})
	wantErr(t, err, errs.Denied, "AccessDenied")
}
