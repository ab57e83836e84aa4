package object

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Skipping past a common prefix is a few steps when it holds a few keys, and a seek when it holds many. Neighbours are
// alike: what the last one needed is done for the next, and tried anew from time to time. Seeks in a row, without a step
// between them, are much cheaper than others: each goes on from where the last one ended.
const (
	skipSteps = 6
	skipProbe = 16
)

// List returns a page of the current objects of a bucket, in the byte order of their keys.
func (s *Service) List(ctx context.Context, who iam.Principal, in *ListInput) (*ListPage, error) {
	page, err := s.list(ctx, &who, in)
	if err != nil {
		return nil, failed("object.List", in.Bucket, err)
	}
	return page, nil
}

func (s *Service) list(ctx context.Context, who *iam.Principal, in *ListInput) (*ListPage, error) {
	b, err := s.bucket(ctx, in.Bucket)
	if err != nil {
		_, err = s.enter(ctx, who, actListBucket, in.Bucket, "")
		return nil, err
	}
	if err := s.allowList(ctx, who, actListBucket, b, in.Prefix, in.Delimiter, in.MaxKeys); err != nil {
		return nil, err
	}
	if in.MaxKeys < 0 {
		return nil, invalidArgument("Argument maxKeys must be an integer between 0 and 2147483647")
	}
	max := min(in.MaxKeys, MaxListKeys)
	view, err := s.kv.View(ctx, b.shard)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if _, err := view.Get(b.presence); err != nil {
		return nil, s.stillThere(ctx, b)
	}
	page := &ListPage{Region: b.Region}
	if max == 0 {
		return page, nil
	}
	l := lister{
		prefix: []byte(in.Prefix), delimiter: []byte(in.Delimiter), after: []byte(in.StartAfter),
		page: page, max: max, owners: owners{s: s, ctx: ctx, b: b},
	}
	l.enter(&s.pages)
	if in.Restores {
		l.restores = s.now()
	}
	it := view.Scan(span(famObject, b.ID, nil))
	err = l.scan(ctx, it, b.ID)
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	l.finish()
	return page, nil
}

// lister gathers one page.
type lister struct {
	prefix, delimiter, after []byte
	max                      int
	owners                   owners
	page                     *ListPage
	restores                 time.Time // the moment for which restores are shown; zero shows none

	text     []byte // all strings of the page, cut apart at its end
	entries  []entrySpan
	prefixes []entrySpan
	skip     skipper
}

// pageRoom is what pages are gathered in. A full one would take 300 KiB anew each time, and a short one does not know how
// long it gets.
type pageRoom struct {
	pool     *sync.Pool
	rows     []ListEntry
	text     []byte
	entries  []entrySpan
	prefixes []entrySpan
}

// enter takes room for the page.
func (l *lister) enter(pool *sync.Pool) {
	room, _ := pool.Get().(*pageRoom)
	if room == nil {
		room = &pageRoom{pool: pool}
	}
	l.page.room, l.page.Entries = room, room.rows
	l.text, l.entries, l.prefixes = room.text, room.entries, room.prefixes
}

// Release gives the memory of p to another page. It may be left out; afterwards Entries must not be used.
func (p *ListPage) Release() {
	if r := p.room; r != nil {
		clear(p.Entries)
		r.rows, p.Entries, p.room = p.Entries[:0], nil, nil
		r.pool.Put(r)
	}
}

// entrySpan is where the strings of an entry end in text: the key or common prefix, then the ETag.
type entrySpan struct{ start, key, etag int }

// rollUp returns the common prefix that key belongs to, "" when it stands for itself.
func rollUp(key, prefix, delimiter []byte) []byte {
	if len(delimiter) == 0 {
		return nil
	}
	i := bytes.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return nil
	}
	return key[:len(prefix)+i+len(delimiter)]
}

// start returns the first key the page may hold: after StartAfter, and past the whole common prefix it lies in.
func (l *lister) start() (key []byte, ok bool) {
	if len(l.after) == 0 || bytes.Compare(l.after, l.prefix) < 0 {
		return l.prefix, true
	}
	if bytes.HasPrefix(l.after, l.prefix) {
		if cp := rollUp(l.after, l.prefix, l.delimiter); cp != nil {
			end := keys.PrefixEnd(cp)
			return end, end != nil
		}
	}
	return keys.Next(l.after), true
}

func (l *lister) scan(ctx context.Context, it kv.Iterator, id BucketID) error {
	head := bucketPrefix(famObject, id)
	first, ok := l.start()
	if !ok {
		return nil
	}
	row := append(slices.Clone(head), first...)
	var rec record
	var err error
	scanned := 0
	for ok := it.SeekGE(row); ok; {
		if scanned++; scanned%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key := it.Key()[len(head):]
		if !bytes.HasPrefix(key, l.prefix) {
			return nil
		}
		cp := rollUp(key, l.prefix, l.delimiter)
		if cp == nil {
			err = rec.decodeListed(it.Value(), l.restores)
		} else {
			err = rec.decodeFlags(it.Value())
		}
		if err != nil {
			return err
		}
		if rec.is(flagMarker) {
			ok = it.Next()
			continue
		}
		if len(l.prefixes)+len(l.entries) == l.max {
			l.page.Truncated = true
			return nil
		}
		if cp == nil {
			l.add(key, &rec)
			ok = it.Next()
			continue
		}
		l.prefixes = append(l.prefixes, l.keep(cp))
		ok = l.skip.past(it, it.Key()[:len(head)+len(cp)])
	}
	return nil
}

// skipper moves an iterator past all rows with a common prefix.
type skipper struct {
	seeks int // in a row
	buf   []byte
}

// past moves behind every row that begins with prefix, which may be part of the current row.
func (s *skipper) past(it kv.Iterator, prefix []byte) bool {
	s.buf = append(s.buf[:0], prefix...)
	if s.seeks%skipProbe == 0 {
		for range skipSteps {
			if !it.Next() {
				return false
			}
			if !bytes.HasPrefix(it.Key(), s.buf) {
				s.seeks = 0
				return true
			}
		}
	}
	s.seeks++
	// The smallest key behind all that have the prefix, as keys.PrefixEnd makes it, in place.
	for i := len(s.buf) - 1; i >= 0; i-- {
		if s.buf[i] != 0xFF {
			s.buf[i]++
			return it.SeekGE(s.buf[:i+1])
		}
	}
	return false
}

// keep copies a key or common prefix into the text of the page.
func (l *lister) keep(key []byte) entrySpan {
	sp := entrySpan{start: len(l.text)}
	l.text = append(l.text, key...)
	sp.key = len(l.text)
	sp.etag = sp.key
	return sp
}

// add puts an object on the page.
func (l *lister) add(key []byte, r *record) {
	sp := l.keep(key)
	l.text = r.appendETag(l.text)
	sp.etag = len(l.text)
	l.entries = append(l.entries, sp)
	e := ListEntry{Size: r.size, LastModified: r.modifiedTime(), StorageClass: storageClassName(r.class), Owner: l.owners.of(r.owner)}
	if len(r.sums) > 0 {
		e.Checksums = algorithmsOf(r.sums)
		e.ChecksumType = r.sums[0].typ
	}
	if !l.restores.IsZero() && archived(r.class) {
		e.Restore = r.detail.restore(l.restores)
	}
	l.page.Entries = append(l.page.Entries, e)
}

// decodeListed reads what a listing shows: the rest only of what may have been restored, when that is asked for.
func (r *record) decodeListed(data []byte, restores time.Time) error {
	_, err := r.decodeSummary(data)
	if err == nil && !restores.IsZero() && archived(r.class) {
		err = r.decode(data)
	}
	return err
}

// finish cuts the strings of the page out of one text, which costs one allocation for all.
func (l *lister) finish() {
	text := string(l.text)
	r := l.page.room
	r.text, r.entries, r.prefixes = l.text[:0], l.entries[:0], l.prefixes[:0]
	for i, sp := range l.entries {
		l.page.Entries[i].Key = text[sp.start:sp.key]
		l.page.Entries[i].ETag = text[sp.key:sp.etag]
	}
	if len(l.prefixes) > 0 {
		l.page.CommonPrefixes = make([]string, len(l.prefixes))
	}
	for i, sp := range l.prefixes {
		l.page.CommonPrefixes[i] = text[sp.start:sp.key]
	}
	// The last one kept in text is the last one of the page.
	last := entrySpan{}
	if n := len(l.entries); n > 0 {
		last = l.entries[n-1]
	}
	if n := len(l.prefixes); n > 0 && l.prefixes[n-1].start >= last.start {
		last = l.prefixes[n-1]
	}
	l.page.Next = text[last.start:last.key]
}

// single holds one-element lists of algorithms, so that most entries of a listing share theirs.
var single = func() (lists [16][]checksum.Algorithm) {
	for i := range lists {
		lists[i] = []checksum.Algorithm{checksum.Algorithm(i)}
	}
	return lists
}()

func algorithmsOf(sums []sum) []checksum.Algorithm {
	if len(sums) == 1 {
		return single[sums[0].algorithm&15][:1:1]
	}
	algs := make([]checksum.Algorithm, len(sums))
	for i, s := range sums {
		algs[i] = s.algorithm
	}
	return algs
}
