package object

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

const actListVersions = "s3:ListBucketVersions"

// ListVersionsInput is a page of a listing of all versions and delete markers.
type ListVersionsInput struct {
	Bucket          string
	Prefix          string
	Delimiter       string
	KeyMarker       string // a key or a common prefix
	VersionIDMarker string // with KeyMarker: versions of that key older than this one, then later keys
	Restores        bool   // show those of archived versions
	MaxKeys         int    // 0 gives an empty page; above MaxListKeys it is clamped
}

// VersionEntry is one version or delete marker of a listing.
type VersionEntry struct {
	Key          string
	VersionID    string // "null" for null versions, whatever the bucket's state
	IsLatest     bool
	DeleteMarker bool
	Size         int64
	ETag         string // without quotes; "" for a delete marker
	LastModified time.Time
	StorageClass string
	Owner        *Owner // shared with other entries
	Checksums    []checksum.Algorithm
	ChecksumType checksum.Type
	Restore      *Restore
}

// ListVersionsPage is one page.
type ListVersionsPage struct {
	Entries        []VersionEntry // by key, the youngest version of each first
	CommonPrefixes []string
	Truncated      bool
	NextKey        string // KeyMarker and VersionIDMarker of the next page, when there is one
	NextVersionID  string
}

// ListVersions returns a page of the versions and delete markers of a bucket, in the byte order of their keys, the
// youngest version of each key first. It reads one snapshot and holds no more than the page in memory.
func (s *Service) ListVersions(ctx context.Context, who iam.Principal, in *ListVersionsInput) (*ListVersionsPage, error) {
	page, err := s.listVersions(ctx, &who, in)
	if err != nil {
		return nil, failed("object.ListVersions", in.Bucket, err)
	}
	return page, nil
}

func (s *Service) listVersions(ctx context.Context, who *iam.Principal, in *ListVersionsInput) (*ListVersionsPage, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		_, err = s.enter(ctx, who, actListVersions, in.Bucket, "")
		return nil, err
	}
	if err := s.allowList(ctx, who, actListVersions, b, in.Prefix, in.Delimiter, in.MaxKeys); err != nil {
		return nil, err
	}
	l := versionLister{in: in, b: b, max: min(in.MaxKeys, MaxListKeys), page: &ListVersionsPage{},
		owners: owners{s: s, ctx: ctx, b: b}}
	if in.Restores {
		l.restores = s.now()
	}
	if err := l.readMarker(); err != nil {
		return nil, err
	}
	view, err := s.kv.View(ctx, b.shard)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if _, err := view.Get(b.presence); err != nil {
		return nil, s.stillThere(ctx, b)
	}
	if l.max == 0 {
		return l.page, nil
	}
	l.current, l.older = view.Scan(span(famObject, b.ID, nil)), view.Scan(span(famVersion, b.ID, nil))
	err = l.scan(ctx)
	for _, it := range [...]kv.Iterator{l.current, l.older} {
		if cerr := it.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return nil, err
	}
	return l.page, nil
}

// versionLister merges the rows of current and of noncurrent versions into one page. Every key with a noncurrent
// version has a current one, so the current ones lead and the others are looked up as they come.
type versionLister struct {
	in   *ListVersionsInput
	b    *bucket
	max  int
	page *ListVersionsPage

	restores time.Time // the moment for which restores are shown; zero shows none

	marker instance // of in.VersionIDMarker; zero with none and with "null"

	current, older kv.Iterator
	placed, done   bool   // older: stands somewhere; has nothing left
	row            []byte // scratch: the row prefix of a key's noncurrent versions
	skip           skipper
	scanned        int
	owners         owners
}

func (l *versionLister) readMarker() error {
	switch v := l.in.VersionIDMarker; {
	case l.in.MaxKeys < 0:
		return invalidArgument("Argument maxKeys must be an integer between 0 and 2147483647")
	case v == "":
	case l.in.KeyMarker == "":
		return invalidArgument("A version-id marker cannot be specified without a key marker.")
	case v != nullVersion:
		var ok bool
		if l.marker, ok = parseInstance(v); !ok {
			return badVersionID(v)
		}
	}
	return nil
}

// start returns the first key that the page may hold: that of the markers when versions of it may be left, else what
// comes behind KeyMarker, and past the whole common prefix that it lies in.
func (l *versionLister) start() (key []byte, ok bool) {
	at := lister{prefix: []byte(l.in.Prefix), delimiter: []byte(l.in.Delimiter), after: []byte(l.in.KeyMarker)}
	if l.in.VersionIDMarker != "" && bytes.HasPrefix(at.after, at.prefix) && rollUp(at.after, at.prefix, at.delimiter) == nil {
		return at.after, true
	}
	return at.start()
}

func (l *versionLister) scan(ctx context.Context) error {
	head := bucketPrefix(famObject, l.b.ID)
	first, ok := l.start()
	if !ok {
		return nil
	}
	prefix, delimiter := []byte(l.in.Prefix), []byte(l.in.Delimiter)
	var rec record
	for ok := l.current.SeekGE(append(slices.Clone(head), first...)); ok; {
		if err := l.step(ctx); err != nil {
			return err
		}
		key := l.current.Key()[len(head):]
		if !bytes.HasPrefix(key, prefix) {
			return nil
		}
		if cp := rollUp(key, prefix, delimiter); cp != nil {
			if l.full() {
				return nil
			}
			l.page.CommonPrefixes = append(l.page.CommonPrefixes, string(cp))
			l.page.NextKey, l.page.NextVersionID = string(cp), ""
			ok = l.skip.past(l.current, l.current.Key()[:len(head)+len(cp)])
			continue
		}
		if err := l.read(&rec); err != nil {
			return err
		}
		if full, err := l.versionsOf(ctx, string(key), &rec); err != nil || full {
			return err
		}
		ok = l.current.Next()
	}
	return nil
}

// read reads the current version's record, as far as it is needed.
func (l *versionLister) read(r *record) error {
	if l.in.VersionIDMarker == nullVersion {
		return r.decode(l.current.Value()) // with the place of an older null version
	}
	return r.decodeListed(l.current.Value(), l.restores)
}

// step counts rows read and ends a listing that nobody waits for.
func (l *versionLister) step(ctx context.Context) error {
	if l.scanned++; l.scanned%1024 == 0 {
		return ctx.Err()
	}
	return nil
}

// full reports, of a further entry, that the page has no room for it.
func (l *versionLister) full() bool {
	if len(l.page.Entries)+len(l.page.CommonPrefixes) < l.max {
		return false
	}
	l.page.Truncated = true
	return true
}

// versionsOf adds the versions of a key behind the markers; full when the page ends within them.
func (l *versionLister) versionsOf(ctx context.Context, key string, cur *record) (full bool, err error) {
	behind := func(r *record) bool { return true }
	if l.in.VersionIDMarker != "" && key == l.in.KeyMarker {
		behind = l.behindMarker(cur)
	}
	if behind(cur) {
		if l.full() {
			return true, nil
		}
		l.add(key, cur, true)
	}
	if l.b.Versioning == VersioningOff || l.done {
		return false, nil
	}
	l.row = keys.AppendString(append(l.row[:0], bucketPrefix(famVersion, l.b.ID)...), key)
	var rec record
	for l.place(); !l.done && bytes.HasPrefix(l.older.Key(), l.row); l.next() {
		if err := l.step(ctx); err != nil {
			return false, err
		}
		if err := rec.decodeListed(l.older.Value(), l.restores); err != nil {
			return false, err
		}
		if !behind(&rec) {
			continue
		}
		if l.full() {
			return true, nil
		}
		l.add(key, &rec, false)
	}
	return false, nil
}

// behindMarker tells which versions of the marker's key are left: those older than the marker. The version that it
// names may have been deleted since. Of a null version that is gone nobody knows the age, so all are left: a version
// is listed twice rather than not at all.
func (l *versionLister) behindMarker(cur *record) func(r *record) bool {
	marker := l.marker
	if l.in.VersionIDMarker == nullVersion {
		marker = cur.nullBelow
		if cur.is(flagNull) {
			marker = cur.instance
		}
		if marker.isZero() {
			return func(*record) bool { return true }
		}
	}
	return func(r *record) bool { return r.instance.before(marker) }
}

// place moves the noncurrent versions to the first row not before l.row.
func (l *versionLister) place() {
	steps := 0
	for !l.done && (!l.placed || bytes.Compare(l.older.Key(), l.row) < 0) {
		if l.placed && steps < skipSteps {
			steps++
			l.next()
			continue
		}
		l.placed, l.done = true, !l.older.SeekGE(l.row)
	}
}

func (l *versionLister) next() { l.done = !l.older.Next() }

func (l *versionLister) add(key string, r *record, latest bool) {
	e := VersionEntry{
		Key: key, VersionID: r.versionID(VersioningEnabled), IsLatest: latest, DeleteMarker: r.is(flagMarker),
		Size: r.size, ETag: r.etag(), LastModified: r.modifiedTime(), StorageClass: storageClassName(r.class), Owner: l.owners.of(r.owner),
	}
	if len(r.sums) > 0 {
		e.Checksums = algorithmsOf(r.sums)
		e.ChecksumType = r.sums[0].typ
	}
	if !l.restores.IsZero() && archived(r.class) && !r.is(flagMarker) {
		e.Restore = r.detail.restore(l.restores)
	}
	l.page.Entries = append(l.page.Entries, e)
	l.page.NextKey, l.page.NextVersionID = key, e.VersionID
}
