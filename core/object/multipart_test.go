package object_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"slices"
	"testing"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

func (w *world) begin(key string, change func(*object.CreateUploadInput)) string {
	w.t.Helper()
	in := &object.CreateUploadInput{Bucket: "bkt", Key: key}
	if change != nil {
		change(in)
	}
	u, err := w.CreateUpload(ctx, alice, in)
	must(w.t, err)
	return u.UploadID
}

func (w *world) part(key, id string, n int, data []byte, sums ...object.ChecksumSpec) (*object.PutResult, error) {
	return w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: key, UploadID: id, PartNumber: n,
		Body: bytes.NewReader(data), Size: int64(len(data)), Checksums: sums})
}

// TestMultipartAsAtAmazon takes S3's own part size: 5 MiB but for the last.
func TestMultipartAsAtAmazon(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt")
	id := w.begin("key", func(in *object.CreateUploadInput) {
		in.Headers.ContentType = "text/x"
		in.Metadata = []object.Meta{{Name: "a", Value: "b"}}
		in.Tags = tags(2)
		in.StorageClass = "STANDARD_IA"
	})
	var whole []byte
	var list []object.CompletePart
	h := md5.New()
	for _, p := range []struct{ n, size int }{{2, object.MinPartSize}, {5, object.MinPartSize + 1}, {10000, 77}} {
		data := body(p.n, p.size)
		res, err := w.part("key", id, p.n, data)
		must(t, err)
		if res.ETag != etagOf(data) || len(res.Checksums) != 0 {
			t.Errorf("%+v", res)
		}
		whole = append(whole, data...)
		h.Write(mustHex(res.ETag))
		list = append(list, object.CompletePart{Number: p.n, ETag: `"` + res.ETag + `"`})
	}
	_, err := w.part("key", id, 7, make([]byte, 100)) // nobody will list it
	must(t, err)
	_, _, err = w.get("bkt", "key", "")
	wantErr(t, err, errs.NotFound, object.NoSuchKey)

	complete := func(change func(*object.CompleteInput)) (*object.PutResult, error) {
		in := &object.CompleteInput{Bucket: "bkt", Key: "key", UploadID: id, Parts: slices.Clone(list)}
		change(in)
		return w.CompleteUpload(ctx, alice, in)
	}
	size, other := int64(len(whole)), int64(5)
	for name, c := range map[string]struct {
		change func(*object.CompleteInput)
		reason errs.Reason
	}{
		"no parts":     {func(in *object.CompleteInput) { in.Parts = nil }, object.InvalidRequest},
		"10,001 parts": {func(in *object.CompleteInput) { in.Parts = make([]object.CompletePart, 10001) }, object.InvalidArgument},
		"order":        {func(in *object.CompleteInput) { in.Parts[0], in.Parts[1] = in.Parts[1], in.Parts[0] }, object.InvalidPartOrder},
		"twice":        {func(in *object.CompleteInput) { in.Parts[1] = in.Parts[0] }, object.InvalidPartOrder},
		"no such part": {func(in *object.CompleteInput) { in.Parts[0].Number = 1 }, object.InvalidPart},
		"part 0":       {func(in *object.CompleteInput) { in.Parts[0].Number = 0 }, object.InvalidArgument},
		"other ETag":   {func(in *object.CompleteInput) { in.Parts[0].ETag = list[1].ETag }, object.InvalidPart},
		"no ETag":      {func(in *object.CompleteInput) { in.Parts[0].ETag = "" }, object.InvalidPart},
		"too small": {func(in *object.CompleteInput) {
			in.Parts[1] = object.CompletePart{Number: 7, ETag: etagOf(make([]byte, 100))}
		}, object.EntityTooSmall},
		"part checksum": {func(in *object.CompleteInput) {
			in.Parts[0].Checksums = []object.Checksum{{Algorithm: checksum.CRC64NVME, Value: "AAAAAAAAAAA="}}
		}, object.InvalidPart},
		"absent checksum": {func(in *object.CompleteInput) {
			in.Parts[0].Checksums = []object.Checksum{{Algorithm: checksum.CRC32, Value: "AAAAAA=="}}
		}, object.InvalidPart},
		"size": {func(in *object.CompleteInput) { in.ObjectSize = &other }, object.InvalidRequest},
		"checksum": {func(in *object.CompleteInput) {
			in.Checksum = &object.Checksum{Algorithm: checksum.CRC64NVME, Value: "AAAAAAAAAAA="}
		}, object.BadDigest},
		"type": {func(in *object.CompleteInput) {
			in.Checksum = &object.Checksum{Algorithm: checksum.CRC64NVME, Type: checksum.Composite}
		}, object.InvalidRequest},
		"upload":    {func(in *object.CompleteInput) { in.UploadID = "x" }, object.NoSuchUpload},
		"key":       {func(in *object.CompleteInput) { in.Key = "other" }, object.NoSuchUpload},
		"condition": {func(in *object.CompleteInput) { in.Conditions.IfMatch = "*" }, object.NoSuchKey},
	} {
		if _, err := complete(c.change); errs.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
	res, err := complete(func(in *object.CompleteInput) {
		in.ObjectSize = &size
		in.Checksum = &object.Checksum{Algorithm: checksum.CRC64NVME, Value: sumOf(checksum.CRC64NVME, string(whole))}
		in.Conditions.IfNoneMatch = "*"
	})
	must(t, err)
	if want := fmt.Sprintf("%x-3", h.Sum(nil)); res.ETag != want || res.Checksums[0].Value != sumOf(checksum.CRC64NVME, string(whole)) {
		t.Errorf("%+v, want %s", res, want)
	}
	got := w.wantBody("bkt", "key", "", whole)
	if got.PartsCount != 3 || !got.Multipart || got.Headers.ContentType != "text/x" || len(got.Metadata) != 1 || len(got.Tags) != 2 || got.StorageClass != "STANDARD_IA" {
		t.Errorf("%+v", got.Info)
	}
	again, err := complete(func(*object.CompleteInput) {})
	if err != nil || again.ETag != res.ETag || !again.LastModified.Equal(res.LastModified) {
		t.Errorf("sent again: %+v %v", again, err)
	}
	_, err = complete(func(in *object.CompleteInput) { in.Parts = in.Parts[:1] })
	wantErr(t, err, errs.NotFound, object.NoSuchUpload)

	for _, n := range []int{2, 5, 10000} {
		data, res, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", PartNumber: n})
		must(t, err)
		if etagOf(data) != bare(list, n) || !res.Partial || res.PartsCount != 3 || len(res.Checksums) != 0 {
			t.Errorf("part %d: %d bytes %+v", n, len(data), res)
		}
	}
	_, _, err = w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", PartNumber: 7})
	wantErr(t, err, errs.RangeUnsatisfied, object.InvalidPartNumber)
	off := int64(object.MinPartSize - 3)
	data, _, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", Range: object.Range{Kind: object.RangeFromTo, First: off, Last: off + 9}})
	if err != nil || !bytes.Equal(data, whole[off:off+10]) {
		t.Errorf("across parts: %v %v", data, err)
	}

	at, err := w.Attributes(ctx, alice, "bkt", "key", "", 2, 0, nil)
	if err != nil || len(at.Parts) != 2 || !at.Truncated || at.NextPart != 5 || at.PartsCount != 3 || at.Parts[1].Size != object.MinPartSize+1 {
		t.Errorf("%+v %v", at, err)
	}
	at, err = w.Attributes(ctx, alice, "bkt", "key", "", 2, at.NextPart, nil)
	if err != nil || len(at.Parts) != 1 || at.Truncated || at.Parts[0].Number != 10000 {
		t.Errorf("%+v %v", at, err)
	}
	// A copy is an object of one piece, with an MD5 for its ETag.
	cp, err := w.Copy(ctx, alice, &object.CopyInput{SrcBucket: "bkt", SrcKey: "key", Bucket: "bkt", Key: "copy"})
	if err != nil || cp.ETag != etagOf(whole) {
		t.Errorf("%+v %v", cp, err)
	}
	if c, err := w.Head(ctx, alice, &object.GetInput{Bucket: "bkt", Key: "copy"}); err != nil || c.StorageClass != "STANDARD" || c.Multipart || len(c.Tags) != 2 {
		t.Errorf("%+v %v", c, err)
	}
}

func bare(list []object.CompletePart, n int) string {
	for _, p := range list {
		if p.Number == n {
			return p.ETag[1 : len(p.ETag)-1]
		}
	}
	return ""
}

func TestUploadChecksums(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	for _, a := range checksum.Algorithms() {
		for _, typ := range []checksum.Type{checksum.NoType, checksum.Composite, checksum.FullObject} {
			in := &object.CreateUploadInput{Bucket: "bkt", Key: "k", ChecksumAlgorithm: a, ChecksumType: typ}
			u, err := w.CreateUpload(ctx, alice, in)
			if typ != checksum.NoType && !a.Allows(typ) {
				wantErr(t, err, errs.Invalid, object.InvalidRequest)
				continue
			}
			must(t, err)
			want, _ := a.MultipartType(typ)
			if u.ChecksumAlgorithm != a || u.ChecksumType != want {
				t.Errorf("%v %v: %+v", a, typ, u)
			}
			one, two := body(1, 5000), body(2, 70)
			var parts []checksum.Part
			complete := &object.CompleteInput{Bucket: "bkt", Key: "k", UploadID: u.UploadID}
			for i, data := range [][]byte{one, two} {
				sum := sumOf(a, string(data))
				res, err := w.part("k", u.UploadID, i+1, data, object.ChecksumSpec{Algorithm: a, Value: sum})
				must(t, err)
				if len(res.Checksums) != 1 || res.Checksums[0].Value != sum {
					t.Errorf("%v: part %+v", a, res)
				}
				raw, _ := checksum.Decode(a, sum)
				parts = append(parts, checksum.Part{Sum: raw, Size: int64(len(data))})
				complete.Parts = append(complete.Parts, object.CompletePart{Number: i + 1, ETag: res.ETag, Checksums: res.Checksums})
			}
			other := checksum.CRC32
			if a == other {
				other = checksum.SHA1
			}
			_, err = w.part("k", u.UploadID, 3, one, object.ChecksumSpec{Algorithm: other})
			wantErr(t, err, errs.Invalid, object.InvalidRequest)
			page, err := w.ListParts(ctx, alice, &object.ListPartsInput{Bucket: "bkt", Key: "k", UploadID: u.UploadID, Max: 10})
			if err != nil || len(page.Parts) != 2 || len(page.Parts[0].Checksums) != 1 || page.ChecksumAlgorithm != a {
				t.Errorf("%+v %v", page, err)
			}
			res, err := w.CompleteUpload(ctx, alice, complete)
			must(t, err)
			v, err := checksum.OfParts(a, want, parts)
			must(t, err)
			if res.Checksums[0] != (object.Checksum{Algorithm: a, Type: want, Value: v.String()}) {
				t.Errorf("%v %v: %+v, want %v", a, typ, res.Checksums, v)
			}
			if want == checksum.FullObject && v.String() != sumOf(a, string(one)+string(two)) {
				t.Errorf("%v: combined wrong", a)
			}
			if list := w.list(object.ListInput{Bucket: "bkt", MaxKeys: 1}); list.Entries[0].Checksums[0] != a || list.Entries[0].ChecksumType != want {
				t.Errorf("listed as %+v", list.Entries[0])
			}
		}
	}
	_, err := w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: "k", ChecksumType: checksum.FullObject})
	wantErr(t, err, errs.Invalid, object.InvalidRequest)
}

func TestUploadParts(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	id := w.begin("key", nil)
	for _, n := range []int{0, -1, 10001} {
		_, err := w.part("key", id, n, nil)
		wantErr(t, err, errs.Invalid, object.InvalidArgument)
	}
	for _, bad := range []string{"", "x", "00112233445566778899aabbccddeeff"} {
		_, err := w.part("key", bad, 1, nil)
		wantErr(t, err, errs.NotFound, object.NoSuchUpload)
		wantErr(t, w.AbortUpload(ctx, alice, "bkt", "key", bad), errs.NotFound, object.NoSuchUpload)
	}
	for _, n := range []int{1, 3, 5, 7} {
		_, err := w.part("key", id, n, body(n, 3000))
		must(t, err)
	}
	_, err := w.part("key", id, 3, body(33, 10)) // replaces
	must(t, err)
	in := &object.ListPartsInput{Bucket: "bkt", Key: "key", UploadID: id, Max: 3}
	page, err := w.ListParts(ctx, alice, in)
	if err != nil || len(page.Parts) != 3 || !page.Truncated || page.Next != 5 || page.Parts[1].Size != 10 || page.Parts[0].Checksums != nil {
		t.Errorf("%+v %v", page, err)
	}
	in.After = page.Next
	page, err = w.ListParts(ctx, alice, in)
	if err != nil || len(page.Parts) != 1 || page.Truncated || page.Parts[0].Number != 7 {
		t.Errorf("%+v %v", page, err)
	}
	if page.Initiator.AccountID != alice.AccountID || page.Owner.CanonicalID != alice.CanonicalID || page.StorageClass != "STANDARD" {
		t.Errorf("%+v", page.Upload)
	}
	in.After, in.Max = 0, 0
	if page, err = w.ListParts(ctx, alice, in); err != nil || len(page.Parts) != 0 || page.Truncated {
		t.Errorf("%+v %v", page, err)
	}
	must(t, w.AbortUpload(ctx, alice, "bkt", "key", id))
	wantErr(t, w.AbortUpload(ctx, alice, "bkt", "key", id), errs.NotFound, object.NoSuchUpload)
	if left := w.collect(0); left != 0 {
		t.Errorf("%d blobs left", left)
	}
	if u, _ := w.UsageOf(ctx, alice, "bkt"); u != (object.Usage{}) {
		t.Errorf("%+v", u)
	}
}

func TestUploadPartCopy(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	src := body(1, 5000)
	w.put("bkt", "src", src)
	id := w.begin("key", nil)
	in := func() *object.CopyInput {
		return &object.CopyInput{SrcBucket: "bkt", SrcKey: "src", Bucket: "bkt", Key: "key", UploadID: id, PartNumber: 1}
	}
	for name, c := range map[string]struct {
		change func(*object.CopyInput)
		reason errs.Reason
	}{
		"source":    {func(c *object.CopyInput) { c.SrcKey = "no" }, object.NoSuchKey},
		"bucket":    {func(c *object.CopyInput) { c.SrcBucket = "nobucket" }, object.NoSuchBucket},
		"version":   {func(c *object.CopyInput) { c.SrcVersionID = "00112233445566778899aabbccddeeff" }, object.NoSuchVersion},
		"upload":    {func(c *object.CopyInput) { c.UploadID = "no" }, object.NoSuchUpload},
		"part":      {func(c *object.CopyInput) { c.PartNumber = 0 }, object.InvalidArgument},
		"condition": {func(c *object.CopyInput) { c.SrcConditions.IfMatch = []string{"x"} }, object.PreconditionFailed},
		"range": {func(c *object.CopyInput) {
			c.SrcRange = object.Range{Kind: object.RangeFromTo, First: 0, Last: 5000}
		}, object.InvalidRange},
		"range behind": {func(c *object.CopyInput) {
			c.SrcRange = object.Range{Kind: object.RangeFromTo, First: 5000, Last: 6000}
		}, object.InvalidRequest},
		"open range": {func(c *object.CopyInput) { c.SrcRange = object.Range{Kind: object.RangeFrom, First: 5} }, object.InvalidRange},
	} {
		ci := in()
		c.change(ci)
		if _, err := w.UploadPartCopy(ctx, alice, ci); errs.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
	ci := in()
	ci.SrcRange = object.Range{Kind: object.RangeFromTo, First: 1000, Last: 4999}
	res, err := w.UploadPartCopy(ctx, alice, ci)
	must(t, err)
	if res.ETag != etagOf(src[1000:]) || res.Size != 4000 {
		t.Errorf("%+v", res)
	}
	_, err = w.CompleteUpload(ctx, alice, &object.CompleteInput{Bucket: "bkt", Key: "key", UploadID: id,
		Parts: []object.CompletePart{{Number: 1, ETag: res.ETag}}})
	must(t, err)
	w.wantBody("bkt", "key", "", src[1000:])
	// The only part is the whole, and has its checksum.
	_, got, err := w.getIn(&object.GetInput{Bucket: "bkt", Key: "key", PartNumber: 1})
	if err != nil || len(got.Checksums) != 1 || got.Checksums[0].Value != sumOf(checksum.CRC64NVME, string(src[1000:])) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestListUploads(t *testing.T) {
	w := newWorld(t, smallBlobs)
	w.bucket("bkt")
	var ids []string
	for _, k := range []string{"a/1", "a/1", "a/2", "b", "b\x00", "c/x", "c/y"} {
		ids = append(ids, w.begin(k, nil))
	}
	names := func(p *object.ListUploadsPage) (s []string) {
		for _, u := range p.Uploads {
			s = append(s, fmt.Sprintf("%s#%d", u.Key, slices.Index(ids, u.UploadID)))
		}
		return append(s, p.CommonPrefixes...)
	}
	for _, c := range []struct {
		in        object.ListUploadsInput
		want      []string
		truncated bool
	}{
		{object.ListUploadsInput{Max: 1000}, []string{"a/1#0", "a/1#1", "a/2#2", "b#3", "b\x00#4", "c/x#5", "c/y#6"}, false},
		{object.ListUploadsInput{Max: 1}, []string{"a/1#0"}, true},
		{object.ListUploadsInput{Max: 2, KeyMarker: "a/1", UploadIDMarker: ids[0]}, []string{"a/1#1", "a/2#2"}, true},
		{object.ListUploadsInput{Max: 2, KeyMarker: "a/1"}, []string{"a/2#2", "b#3"}, true},
		{object.ListUploadsInput{Max: 5, KeyMarker: "b"}, []string{"b\x00#4", "c/x#5", "c/y#6"}, false},
		{object.ListUploadsInput{Max: 5, Prefix: "a/"}, []string{"a/1#0", "a/1#1", "a/2#2"}, false},
		{object.ListUploadsInput{Max: 5, Delimiter: "/"}, []string{"b#3", "b\x00#4", "a/", "c/"}, false},
		{object.ListUploadsInput{Max: 2, Delimiter: "/", KeyMarker: "a/"}, []string{"b#3", "b\x00#4"}, true},
		{object.ListUploadsInput{Max: 2, Delimiter: "/", KeyMarker: "a/1"}, []string{"b#3", "b\x00#4"}, true},
		{object.ListUploadsInput{Max: 2, Delimiter: "/", Prefix: "c/"}, []string{"c/x#5", "c/y#6"}, false},
		{object.ListUploadsInput{Max: 0}, nil, false},
		{object.ListUploadsInput{Max: 5, Prefix: "zzz"}, nil, false},
		{object.ListUploadsInput{Max: 5, Prefix: "a/", KeyMarker: "b"}, nil, false},
	} {
		c.in.Bucket = "bkt"
		page, err := w.ListUploads(ctx, alice, &c.in)
		must(t, err)
		if !slices.Equal(names(page), c.want) || page.Truncated != c.truncated {
			t.Errorf("%+v: %q %v, want %q %v", c.in, names(page), page.Truncated, c.want, c.truncated)
		}
	}
	in := object.ListUploadsInput{Bucket: "bkt", Max: 1, Delimiter: "/"}
	var got []string
	for range 10 {
		page, err := w.ListUploads(ctx, alice, &in)
		must(t, err)
		got = append(got, names(page)...)
		if !page.Truncated {
			break
		}
		in.KeyMarker, in.UploadIDMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
	if want := []string{"a/", "b#3", "b\x00#4", "c/"}; !slices.Equal(got, want) {
		t.Errorf("page by page %q, want %q", got, want)
	}
}
