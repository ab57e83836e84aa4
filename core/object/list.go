package object

import (
	"bytes"
	"context"
	"slices"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// nextsBeforeSeek is how many rows a scan steps over before it seeks past a common prefix: a step costs a small part of a
// seek, and most common prefixes of small buckets hold few keys.
const nextsBeforeSeek = 12

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
	page := &ListPage{}
	if max == 0 {
		return page, nil
	}
	l := lister{
		prefix: []byte(in.Prefix), delimiter: []byte(in.Delimiter), after: []byte(in.StartAfter),
		page: page, max: max, owner: b.Owner,
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
	owner                    Owner
	page                     *ListPage

	text  []byte // all keys and ETags of the page, cut into strings at its end
	spans []entrySpan
}

// entrySpan is where the strings of an entry end in text: the key, then the ETag.
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
	scanned := 0
	for ok := it.SeekGE(row); ok; {
		if scanned++; scanned%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key := it.Key()[len(head):]
		if !bytes.HasPrefix(key, l.prefix) {
			return nil
		}
		if _, err := rec.decodeSummary(it.Value()); err != nil {
			return err
		}
		if rec.is(flagMarker) {
			ok = it.Next()
			continue
		}
		if len(l.page.CommonPrefixes)+len(l.spans) == l.max {
			l.page.Truncated = true
			return nil
		}
		cp := rollUp(key, l.prefix, l.delimiter)
		if cp == nil {
			l.add(key, &rec)
			ok = it.Next()
			continue
		}
		l.page.Next = string(cp)
		l.page.CommonPrefixes = append(l.page.CommonPrefixes, l.page.Next)
		ok = skipPrefix(it, append(slices.Clone(head), cp...))
	}
	return nil
}

// skipPrefix moves behind every row that begins with prefix: by steps first, then by a seek.
func skipPrefix(it kv.Iterator, prefix []byte) bool {
	for range nextsBeforeSeek {
		if !it.Next() {
			return false
		}
		if !bytes.HasPrefix(it.Key(), prefix) {
			return true
		}
	}
	end := keys.PrefixEnd(prefix)
	return end != nil && it.SeekGE(end)
}

// add puts an object on the page.
func (l *lister) add(key []byte, r *record) {
	if l.spans == nil {
		l.spans = make([]entrySpan, 0, l.max)
		l.page.Entries = make([]ListEntry, 0, l.max)
		l.text = make([]byte, 0, l.max*(len(key)+40))
	}
	sp := entrySpan{start: len(l.text)}
	l.text = append(l.text, key...)
	sp.key = len(l.text)
	l.text = r.appendETag(l.text)
	sp.etag = len(l.text)
	l.spans = append(l.spans, sp)
	e := ListEntry{Size: r.size, LastModified: r.modifiedTime(), StorageClass: storageClassName(r.class), Owner: l.owner}
	if r.owner != "" {
		e.Owner = Owner{AccountID: r.owner}
	}
	if len(r.sums) > 0 {
		e.Checksums = algorithmsOf(r.sums)
		e.ChecksumType = r.sums[0].typ
	}
	l.page.Entries = append(l.page.Entries, e)
	l.page.Next = ""
}

// finish cuts the strings of the entries out of one text, which costs one allocation for all.
func (l *lister) finish() {
	text := string(l.text)
	for i, sp := range l.spans {
		l.page.Entries[i].Key = text[sp.start:sp.key]
		l.page.Entries[i].ETag = text[sp.key:sp.etag]
	}
	if n := len(l.page.Entries); l.page.Next == "" && n > 0 {
		l.page.Next = l.page.Entries[n-1].Key
	}
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
