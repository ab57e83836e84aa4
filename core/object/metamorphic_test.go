package object_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

var (
	seeds = flag.Int("seeds", 4, "random programs of the metamorphic test")
	steps = flag.Int("steps", 350, "operations of each program")
	seed1 = flag.Uint64("seed", 1, "first seed")
)

const (
	inlineLimit = 64
	blobSize    = 1024
	minPart     = 10
)

// TestMetamorphic runs random programs against the service and the model, which must agree on every answer.
func TestMetamorphic(t *testing.T) {
	for i := range *seeds {
		seed := *seed1 + uint64(i)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			p := &program{t: t, seed: seed, m: newModel(), r: rand.New(rand.NewPCG(seed, 7)), fs: vfs.NewMem()}
			p.open()
			defer func() { p.w.close() }()
			p.m.locked = i%4 == 3
			_, err := p.w.CreateBucket(ctx, alice, object.CreateBucketInput{Name: "bkt", ObjectLock: p.m.locked})
			must(t, err)
			if p.m.locked {
				p.m.versioning = object.VersioningEnabled
			}
			if i%2 == 1 { // few keys with many versions
				p.few = 3
				p.versioning()
			}
			for p.step = range *steps {
				p.op()
				if t.Failed() {
					t.Fatalf("seed %d failed at step %d: %s", seed, p.step, p.last)
				}
			}
			p.verify()
		})
	}
}

type program struct {
	t    *testing.T
	w    *world
	m    *model
	r    *rand.Rand
	fs   vfs.FS
	step int
	seed uint64
	last string
	few  int
}

func (p *program) open() {
	p.w = openWorld(p.t, p.fs, func(c *object.Config) {
		c.InlineLimit, c.BlobSize, c.MinPartSize = inlineLimit, blobSize, minPart
		if p.sealed() { // encryption changes no answer
			c.DefaultEncryption = object.EncryptS3
		}
	})
}

func (p *program) say(format string, args ...any) { p.last = fmt.Sprintf(format, args...) }

var alphabet = []string{"a", "b", "/", "//", "a/", "é", "\x00", "~", ".", "..", " ", "\u00ff", "%2F"}

func (p *program) key() string {
	if p.few > 0 {
		return alphabet[p.r.IntN(p.few)]
	}
	if len(p.m.keys) > 0 && p.r.IntN(10) < 6 {
		ks := slices.Sorted(maps.Keys(p.m.keys))
		return ks[p.r.IntN(len(ks))]
	}
	return p.fragment(1 + p.r.IntN(4))
}

func (p *program) fragment(n int) string {
	s := ""
	for range n {
		s += alphabet[p.r.IntN(len(alphabet))]
	}
	return s
}

func (p *program) data() []byte {
	n := []int{0, 1, 30, inlineLimit, inlineLimit + 1, 500, blobSize, 2*blobSize + 1, 7 * blobSize}[p.r.IntN(9)]
	return body(int(p.r.Uint32()&0xFFFFFF), n)
}

// blobsOf is how many blobs a body makes, piecesOf how many a part does.
func blobsOf(n int, sealed bool) int {
	if n <= inlineLimit {
		return 0
	}
	return piecesOf(n, sealed)
}

func piecesOf(n int, sealed bool) int {
	if n > 0 && sealed {
		n += 16 // the tag of its one block
	}
	return (n + blobSize - 1) / blobSize
}

func (p *program) sealed() bool { return p.seed%2 == 1 }

func (p *program) conditions(key string) (c object.WriteConditions) {
	etag := "d41d8cd98f00b204e9800998ecf8427e"
	if cur := p.m.object(key); cur != nil && p.r.IntN(3) > 0 {
		etag = cur.etag
	}
	switch p.r.IntN(8) {
	case 0:
		c.IfNoneMatch = "*"
	case 1:
		c.IfMatch = etag
	case 2:
		c.IfMatch = "*"
	case 3:
		c.IfNoneMatch = etag
	}
	return c
}

// agree checks an error against the one predicted; it returns whether the operation succeeded.
func (p *program) agree(err error, k errs.Kind, r errs.Reason) bool {
	p.t.Helper()
	if r == "" && k == 0 {
		if err != nil {
			p.t.Errorf("%s: %v", p.last, err)
		}
		return err == nil
	}
	wantErr(p.t, err, k, r)
	return false
}

func (p *program) op() {
	switch n := p.r.IntN(100); {
	case n < 25:
		p.put()
	case n < 40:
		p.get()
	case n < 52:
		p.delete()
	case n < 60:
		p.copy()
	case n < 66:
		p.list()
	case n < 70:
		p.listVersions()
	case n < 73:
		p.tag()
	case n < 76:
		p.lock()
	case n < 95:
		p.multipart()
	case n < 98:
		p.versioning()
	case n < 99:
		p.say("restart")
		p.w.close()
		p.open()
	default:
		p.verify()
	}
}

func (p *program) put() {
	key, data := p.key(), p.data()
	in := &object.PutInput{Bucket: "bkt", Key: key, Body: bytes.NewReader(data), Size: int64(len(data)), Conditions: p.conditions(key),
		Metadata: []object.Meta{{Name: "m", Value: fmt.Sprint(p.step)}}, Tags: []object.Tag{{Key: "t", Value: fmt.Sprint(p.step)}}}
	if p.r.IntN(6) == 0 {
		in.Size, in.MaxSize = -1, 1<<20
	}
	held := p.m.locked && p.r.IntN(4) == 0
	if held {
		in.Lock.Hold = object.HoldOn
	}
	p.say("put %q %d bytes %+v", key, len(data), in.Conditions)
	k, r := p.m.check(key, in.Conditions)
	res, err := p.w.Put(ctx, alice, in)
	if !p.agree(err, k, r) {
		return
	}
	v := &mversion{id: res.VersionID, data: data, etag: etagOf(data), meta: fmt.Sprint(p.step), tags: fmt.Sprint(p.step), blobs: blobsOf(len(data), p.sealed()), held: held}
	p.m.write(key, v)
	p.checkResult(res, v)
}

func (p *program) checkResult(res *object.PutResult, v *mversion) {
	p.t.Helper()
	want := v.id
	if p.m.versioning == object.VersioningOff {
		want = ""
	}
	if res.ETag != v.etag || res.VersionID != want || res.Size != int64(len(v.data)) {
		p.t.Errorf("%s: got %+v, want %s %q %d", p.last, res, v.etag, want, len(v.data))
	}
}

// version picks a version id of a key, or one that does not exist.
func (p *program) version(key string) string {
	vs := p.m.keys[key]
	switch {
	case p.r.IntN(2) == 0:
		return ""
	case len(vs) > 0 && p.r.IntN(5) > 0:
		return vs[p.r.IntN(len(vs))].id
	case p.r.IntN(2) == 0:
		return "null"
	}
	return "00112233445566778899aabbccddeeff"
}

func (p *program) get() {
	key := p.key()
	version := p.version(key)
	p.say("get %q version %q", key, version)
	v := p.m.find(key, version)
	got, res, err := p.w.get("bkt", key, version)
	switch {
	case v == nil && version == "":
		wantErr(p.t, err, errs.NotFound, object.NoSuchKey)
	case v == nil:
		wantErr(p.t, err, errs.NotFound, object.NoSuchVersion)
	case v.marker && version == "":
		wantErr(p.t, err, errs.NotFound, object.MarkerNotFound)
	case v.marker:
		wantErr(p.t, err, errs.Invalid, object.MethodNotAllowed)
	case err != nil:
		p.t.Errorf("%s: %v", p.last, err)
	default:
		p.checkObject(key, v, got, res)
		p.getRange(key, version, v)
	}
}

func (p *program) getRange(key, version string, v *mversion) {
	if len(v.data) == 0 {
		return
	}
	a := p.r.IntN(len(v.data))
	b := a + p.r.IntN(len(v.data)-a)
	r := object.Range{Kind: object.RangeFromTo, First: int64(a), Last: int64(b)}
	got, res, err := p.w.getIn(&object.GetInput{Bucket: "bkt", Key: key, VersionID: version, Range: r})
	if err != nil || !bytes.Equal(got, v.data[a:b+1]) || res.Offset != int64(a) || res.ETag != v.etag {
		p.t.Errorf("%s range %d to %d: %d bytes, %v", p.last, a, b, len(got), err)
	}
	for n, want := range v.parts {
		got, res, err := p.w.getIn(&object.GetInput{Bucket: "bkt", Key: key, VersionID: version, PartNumber: n})
		if err != nil || !bytes.Equal(got, want) || res.PartsCount != len(v.parts) {
			p.t.Errorf("%s part %d: %d bytes, %v", p.last, n, len(got), err)
		}
	}
}

func (p *program) checkObject(key string, v *mversion, got []byte, res *object.GetResult) {
	p.t.Helper()
	want := v.id
	if p.m.versioning == object.VersioningOff {
		want = ""
	}
	if !bytes.Equal(got, v.data) || res.ETag != v.etag || res.VersionID != want || res.IsLatest != (p.m.current(key) == v) {
		p.t.Errorf("%s: %q: %d bytes %+v, want %d bytes %+v", p.last, key, len(got), res.Info, len(v.data), v)
	}
	meta, tags := "", ""
	if len(res.Metadata) == 1 {
		meta = res.Metadata[0].Value
	}
	if len(res.Tags) == 1 {
		tags = res.Tags[0].Value
	}
	if meta != v.meta || tags != v.tags {
		p.t.Errorf("%s: metadata %q tags %q, want %q %q", p.last, meta, tags, v.meta, v.tags)
	}
}

func (p *program) delete() {
	key := p.key()
	version := p.version(key)
	p.say("delete %q version %q", key, version)
	bypass := p.r.IntN(2) == 0
	res, err := p.w.Delete(ctx, alice, &object.DeleteInput{Bucket: "bkt", Key: key, VersionID: version, BypassGovernance: bypass})
	v := p.m.find(key, version)
	if version != "" && v != nil && (v.held || v.governed && !bypass) {
		wantErr(p.t, err, errs.Denied, object.AccessDenied)
		return
	}
	if !p.agree(err, 0, "") {
		return
	}
	switch {
	case version != "":
		if v != nil {
			p.m.remove(key, v)
		}
		if res.VersionID != version || res.DeleteMarker != (v != nil && v.marker) {
			p.t.Errorf("%s: %+v, want marker %v", p.last, res, v != nil && v.marker)
		}
	case p.m.versioning == object.VersioningOff:
		if v != nil {
			p.m.remove(key, v)
		}
		if *res != (object.DeleteResult{}) {
			p.t.Errorf("%s: %+v", p.last, res)
		}
	default:
		mk := &mversion{marker: true, id: res.VersionID}
		p.m.write(key, mk)
		if !res.DeleteMarker || res.VersionID != mk.id {
			p.t.Errorf("%s: %+v, want %q", p.last, res, mk.id)
		}
	}
}

func (p *program) copy() {
	src, dst := p.key(), p.key()
	in := &object.CopyInput{SrcBucket: "bkt", SrcKey: src, SrcVersionID: p.version(src), Bucket: "bkt", Key: dst, Conditions: p.conditions(dst)}
	if p.r.IntN(2) == 0 {
		in.ReplaceMetadata, in.Metadata = true, []object.Meta{{Name: "m", Value: fmt.Sprint(p.step)}}
	}
	p.say("copy %q %q to %q %+v", src, in.SrcVersionID, dst, in.Conditions)
	v := p.m.find(src, in.SrcVersionID)
	k, r := p.m.check(dst, in.Conditions)
	switch {
	case src == dst && in.SrcVersionID == "" && !in.ReplaceMetadata:
		k, r = errs.Invalid, object.InvalidRequest
	case r != "":
	case v == nil && in.SrcVersionID == "", v != nil && v.marker && in.SrcVersionID == "":
		k, r = errs.NotFound, object.NoSuchKey
	case v == nil:
		k, r = errs.NotFound, object.NoSuchVersion
	case v.marker:
		k, r = errs.Invalid, object.InvalidRequest
	}
	res, err := p.w.Copy(ctx, alice, in)
	if !p.agree(err, k, r) {
		return
	}
	c := &mversion{id: res.VersionID, data: v.data, etag: etagOf(v.data), meta: v.meta, tags: v.tags, blobs: blobsOf(len(v.data), p.sealed())}
	if in.ReplaceMetadata {
		c.meta = fmt.Sprint(p.step)
	}
	p.m.write(dst, c)
	p.checkResult(&res.PutResult, c)
}

func (p *program) list() {
	in := object.ListInput{Bucket: "bkt", MaxKeys: []int{0, 1, 2, 3, 10, 1000, 5000}[p.r.IntN(7)]}
	if p.r.IntN(2) == 0 {
		in.Prefix = p.fragment(p.r.IntN(3))
	}
	if p.r.IntN(2) == 0 {
		in.Delimiter = []string{"/", "//", "a", "é", "\x00"}[p.r.IntN(5)]
	}
	switch p.r.IntN(3) {
	case 0:
		in.StartAfter = p.fragment(p.r.IntN(4))
	case 1:
		in.StartAfter = p.key()
	}
	p.say("list %+v", in)
	for range 5 {
		page, want := p.w.list(in), p.m.list(in)
		var got []string
		for _, e := range page.Entries {
			got = append(got, e.Key)
			if v := p.m.object(e.Key); v == nil || e.ETag != v.etag || e.Size != int64(len(v.data)) {
				p.t.Errorf("%s: entry %+v, want %+v", p.last, e, v)
			}
		}
		if !slices.Equal(got, want.keys) || !slices.Equal(page.CommonPrefixes, want.prefixes) || page.Truncated != want.truncated || page.Next != want.next {
			p.t.Errorf("%s: got %q %q %v %q, want %+v", p.last, got, page.CommonPrefixes, page.Truncated, page.Next, want)
		}
		if !page.Truncated {
			return
		}
		in.StartAfter = page.Next
	}
}

func (p *program) listVersions() {
	in := object.ListVersionsInput{Bucket: "bkt", MaxKeys: []int{0, 1, 2, 3, 10, 1000, 5000}[p.r.IntN(7)]}
	if p.r.IntN(2) == 0 {
		in.Prefix = p.fragment(p.r.IntN(3))
	}
	if p.r.IntN(2) == 0 {
		in.Delimiter = []string{"/", "//", "a", "é", "\x00"}[p.r.IntN(5)]
	}
	switch p.r.IntN(3) {
	case 0:
		in.KeyMarker = p.fragment(p.r.IntN(4))
	case 1:
		in.KeyMarker = p.key()
		if vs := p.m.keys[in.KeyMarker]; len(vs) > 0 && p.r.IntN(2) == 0 {
			in.VersionIDMarker = vs[p.r.IntN(len(vs))].id
		}
	}
	p.say("list versions %+v", in)
	for range 5 {
		page, err := p.w.ListVersions(ctx, alice, &in)
		must(p.t, err)
		want := p.m.listVersions(in)
		var got []string
		for _, e := range page.Entries {
			got = append(got, fmt.Sprint(e.Key, "|", e.VersionID, "|", e.IsLatest, "|", e.DeleteMarker))
			if v := p.m.find(e.Key, e.VersionID); v == nil || e.ETag != v.etag || e.Size != int64(len(v.data)) {
				p.t.Errorf("%s: entry %+v, want %+v", p.last, e, v)
			}
		}
		if !slices.Equal(got, want.items) || !slices.Equal(page.CommonPrefixes, want.prefixes) || page.Truncated != want.truncated ||
			page.NextKey != want.nextKey || page.NextVersionID != want.nextVer {
			p.t.Errorf("%s: got %q %q %v %q %q, want %+v", p.last, got, page.CommonPrefixes, page.Truncated, page.NextKey, page.NextVersionID, want)
		}
		if !page.Truncated {
			return
		}
		in.KeyMarker, in.VersionIDMarker = page.NextKey, page.NextVersionID
	}
}

// lock holds or retains a version, or lets it go.
func (p *program) lock() {
	key := p.key()
	version := p.version(key)
	v := p.m.find(key, version)
	hold, bypass, on := p.r.IntN(2) == 0, p.r.IntN(2) == 0, p.r.IntN(2) == 0
	p.say("lock %q %q hold %v on %v bypass %v", key, version, hold, on, bypass)
	var err error
	if hold {
		state := object.HoldOff
		if on {
			state = object.HoldOn
		}
		err = p.w.PutLegalHold(ctx, alice, "bkt", key, version, state)
	} else {
		in := &object.RetentionInput{Bucket: "bkt", Key: key, VersionID: version, BypassGovernance: bypass}
		if on { // each longer than those before
			in.Retention = object.Retention{Mode: object.LockGovernance, Until: time.Now().Add(time.Hour + time.Duration(p.step)*time.Minute)}
		}
		err = p.w.PutRetention(ctx, alice, in)
	}
	switch {
	case !p.m.locked:
		wantErr(p.t, err, errs.Invalid, object.InvalidRequest)
	case v == nil && version == "":
		wantErr(p.t, err, errs.NotFound, object.NoSuchKey)
	case v == nil:
		wantErr(p.t, err, errs.NotFound, object.NoSuchVersion)
	case v.marker && version == "":
		wantErr(p.t, err, errs.NotFound, object.MarkerNotFound)
	case v.marker:
		wantErr(p.t, err, errs.Invalid, object.MethodNotAllowed)
	case !hold && !on && v.governed && !bypass:
		wantErr(p.t, err, errs.Denied, object.AccessDenied)
	case !p.agree(err, 0, ""):
	case hold:
		v.held = on
	default:
		v.governed = on
	}
}

func (p *program) tag() {
	key := p.key()
	version := p.version(key)
	p.say("tag %q %q", key, version)
	v := p.m.find(key, version)
	_, err := p.w.PutTagging(ctx, alice, "bkt", key, version, []object.Tag{{Key: "t", Value: fmt.Sprint(p.step)}})
	switch {
	case v == nil && version == "":
		wantErr(p.t, err, errs.NotFound, object.NoSuchKey)
	case v == nil:
		wantErr(p.t, err, errs.NotFound, object.NoSuchVersion)
	case v.marker && version == "":
		wantErr(p.t, err, errs.NotFound, object.MarkerNotFound)
	case v.marker:
		wantErr(p.t, err, errs.Invalid, object.MethodNotAllowed)
	case p.agree(err, 0, ""):
		v.tags = fmt.Sprint(p.step)
	}
}

func (p *program) versioning() {
	v := object.VersioningEnabled
	if p.m.versioning == object.VersioningEnabled {
		v = object.VersioningSuspended
	}
	p.say("versioning %d", v)
	if p.m.locked {
		wantErr(p.t, p.w.SetVersioning(ctx, alice, "bkt", v), errs.Conflict, object.InvalidBucketState)
		return
	}
	if p.agree(p.w.SetVersioning(ctx, alice, "bkt", v), 0, "") {
		p.m.versioning = v
	}
}

func (p *program) multipart() {
	if len(p.m.uploads) < 3 && p.r.IntN(3) == 0 || len(p.m.uploads) == 0 {
		key := p.key()
		p.say("create upload %q", key)
		hold := object.HoldUnset
		if p.m.locked && p.r.IntN(3) == 0 {
			hold = object.HoldOn
		}
		u, err := p.w.CreateUpload(ctx, alice, &object.CreateUploadInput{Bucket: "bkt", Key: key, Metadata: []object.Meta{{Name: "m", Value: fmt.Sprint(p.step)}},
			Lock: object.ObjectLock{Hold: hold}})
		if p.agree(err, 0, "") {
			p.m.uploads[u.UploadID] = &mupload{key: key, held: hold == object.HoldOn, began: p.m.writes, over: p.m.object(key) != nil, parts: map[int]*mversion{}, meta: fmt.Sprint(p.step)}
		}
		return
	}
	ids := slices.Sorted(maps.Keys(p.m.uploads))
	id := ids[p.r.IntN(len(ids))]
	u := p.m.uploads[id]
	switch p.r.IntN(8) {
	case 0:
		p.say("abort %s", id)
		if p.agree(p.w.AbortUpload(ctx, alice, "bkt", u.key, id), 0, "") {
			delete(p.m.uploads, id)
		}
	case 1, 2:
		p.complete(id, u)
	case 3:
		p.partCopy(id, u)
	default:
		n, data := 1+p.r.IntN(5), p.data()
		p.say("part %d of %s: %d bytes", n, id, len(data))
		res, err := p.w.UploadPart(ctx, alice, &object.PartInput{Bucket: "bkt", Key: u.key, UploadID: id, PartNumber: n,
			Body: bytes.NewReader(data), Size: int64(len(data))})
		if p.agree(err, 0, "") {
			p.setPart(u, n, data, res)
		}
	}
}

func (p *program) setPart(u *mupload, n int, data []byte, res *object.PutResult) {
	u.parts[n] = &mversion{data: data, etag: etagOf(data), blobs: piecesOf(len(data), p.sealed())}
	if res.ETag != etagOf(data) || res.Size != int64(len(data)) {
		p.t.Errorf("%s: %+v", p.last, res)
	}
}

func (p *program) partCopy(id string, u *mupload) {
	src := p.key()
	v := p.m.object(src)
	n := 1 + p.r.IntN(5)
	in := &object.CopyInput{SrcBucket: "bkt", SrcKey: src, Bucket: "bkt", Key: u.key, UploadID: id, PartNumber: n}
	var data []byte
	if v != nil {
		data = v.data
		if len(data) > 2 && p.r.IntN(2) == 0 {
			a := p.r.IntN(len(data))
			b := a + p.r.IntN(len(data)-a)
			in.SrcRange = object.Range{Kind: object.RangeFromTo, First: int64(a), Last: int64(b)}
			data = data[a : b+1]
		}
	}
	p.say("part %d of %s from %q %+v", n, id, src, in.SrcRange)
	res, err := p.w.UploadPartCopy(ctx, alice, in)
	if v == nil {
		wantErr(p.t, err, errs.NotFound, object.NoSuchKey)
		return
	}
	if p.agree(err, 0, "") {
		p.setPart(u, n, data, &res.PutResult)
	}
}

func (p *program) complete(id string, u *mupload) {
	numbers := slices.Sorted(maps.Keys(u.parts))
	if len(numbers) > 1 && p.r.IntN(3) == 0 {
		i := p.r.IntN(len(numbers))
		numbers = slices.Delete(numbers, i, i+1)
	}
	in := &object.CompleteInput{Bucket: "bkt", Key: u.key, UploadID: id, Conditions: p.conditions(u.key)}
	small := false
	for i, n := range numbers {
		in.Parts = append(in.Parts, object.CompletePart{Number: n, ETag: u.parts[n].etag})
		small = small || i < len(numbers)-1 && len(u.parts[n].data) < minPart
	}
	p.say("complete %s of %q with %v %+v", id, u.key, numbers, in.Conditions)
	k, r := p.m.check(u.key, in.Conditions)
	switch {
	case len(numbers) == 0:
		k, r = errs.Invalid, object.InvalidRequest
	case r == "" && small:
		k, r = errs.Invalid, object.EntityTooSmall
	case r == "" && (in.Conditions.IfMatch != "" && p.m.object(u.key).at > u.began ||
		in.Conditions.IfNoneMatch != "" && p.m.goneSince(u)):
		k, r = errs.Conflict, object.ConditionalConflict
	}
	res, err := p.w.CompleteUpload(ctx, alice, in)
	if !p.agree(err, k, r) {
		return
	}
	v := u.complete(numbers)
	v.id = res.VersionID
	p.m.write(u.key, v)
	delete(p.m.uploads, id)
	p.checkResult(res, v)
	again, err := p.w.CompleteUpload(ctx, alice, in)
	if p.agree(err, 0, "") {
		p.checkResult(again, v)
	}
}

// verify looks at everything: every version, every listing, the counters, and that no blob is too many.
func (p *program) verify() {
	p.say("verify")
	for _, key := range slices.Sorted(maps.Keys(p.m.keys)) {
		for _, v := range p.m.keys[key] {
			if v.marker {
				continue
			}
			got, res, err := p.w.get("bkt", key, v.id)
			if err != nil {
				p.t.Errorf("verify %q %q: %v", key, v.id, err)
				continue
			}
			p.checkObject(key, v, got, res)
		}
	}
	page, want := p.w.list(object.ListInput{Bucket: "bkt", MaxKeys: 1000}), p.m.list(object.ListInput{MaxKeys: 1000})
	if len(page.Entries) != len(want.keys) {
		p.t.Errorf("verify: %d keys listed, want %d", len(page.Entries), len(want.keys))
	}
	ups, err := p.w.ListUploads(ctx, alice, &object.ListUploadsInput{Bucket: "bkt", Max: 1000})
	must(p.t, err)
	if len(ups.Uploads) != len(p.m.uploads) || !sort.SliceIsSorted(ups.Uploads, func(i, j int) bool { return ups.Uploads[i].Key < ups.Uploads[j].Key }) {
		p.t.Errorf("verify: uploads %+v, want %d", ups.Uploads, len(p.m.uploads))
	}
	for _, u := range ups.Uploads {
		parts, err := p.w.ListParts(ctx, alice, &object.ListPartsInput{Bucket: "bkt", Key: u.Key, UploadID: u.UploadID, Max: 1000})
		must(p.t, err)
		if len(parts.Parts) != len(p.m.uploads[u.UploadID].parts) {
			p.t.Errorf("verify: parts %+v", parts.Parts)
		}
	}
	if u, err := p.w.UsageOf(ctx, alice, "bkt"); err != nil || u != p.m.usage() {
		p.t.Errorf("verify: usage %+v %v, want %+v", u, err, p.m.usage())
	}
	time.Sleep(2 * time.Millisecond)
	if left, want := p.w.collect(0), p.m.blobs(); left != want {
		p.t.Errorf("verify: %d blobs after collection, want %d", left, want)
	}
}
