package object

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/repair"
)

// Service tells the collector what may go (Due, Done) and what must stay (Live).
var (
	_ repair.Source   = (*Service)(nil)
	_ repair.Liveness = (*Service)(nil)
)

// Due lists at most max collector entries that are due at now and that nobody on this node reads. Each shard gives its
// oldest first.
func (s *Service) Due(ctx context.Context, now time.Time, max int) ([]repair.Entry, error) {
	var entries []repair.Entry
	for shard := kv.Control + 1; int(shard) < s.kv.Shards() && len(entries) < max; shard++ {
		var err error
		if entries, err = s.dueIn(ctx, shard, now, max, entries); err != nil {
			return nil, fmt.Errorf("object: collector entries of shard %d: %w", shard, err)
		}
	}
	return entries, nil
}

func (s *Service) dueIn(ctx context.Context, shard kv.Shard, now time.Time, max int, entries []repair.Entry) ([]repair.Entry, error) {
	view, err := s.kv.View(ctx, shard)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	upper := keys.AppendUint64([]byte{famGarbage}, uint64(now.UnixMilli())+1)
	it := view.Scan(kv.ScanOptions{Lower: []byte{famGarbage}, Upper: upper})
	for ok := it.First(); ok && len(entries) < max && ctx.Err() == nil; ok = it.Next() {
		var id instance
		copy(id[:], it.Key()[9:])
		if s.readers.reading(id) {
			continue
		}
		e := repair.Entry{Key: append(binary.BigEndian.AppendUint16(nil, uint16(shard)), it.Key()...)}
		if e.Refs, err = s.garbageBlobs(view, it.Value()); err != nil {
			break
		}
		entries = append(entries, e)
	}
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = ctx.Err()
	}
	return entries, err
}

// garbageBlobs lists the blobs of a collector entry.
func (s *Service) garbageBlobs(view kv.View, value []byte) ([]blobref.Ref, error) {
	g, err := decodeGarbage(value)
	if err != nil || g.kind == garbageRefs {
		return g.refs, err
	}
	var refs []blobref.Ref
	m, err := openManifest(func(chunk uint32) ([]byte, error) {
		v, err := view.Get(chunkKey(g.bucket, g.key, g.instance, chunk))
		return v.Data, err
	})
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil // Done was here already
	} else if err != nil {
		return nil, err
	}
	err = m.each(0, func(_ int, _ int64, p *part) bool {
		refs = append(refs, p.pieces...)
		return true
	})
	return refs, err
}

// Done removes entries whose blobs are gone, and the manifests that named them.
func (s *Service) Done(ctx context.Context, entries []repair.Entry) error {
	const perCommit = 512
	batches := make(map[kv.Shard]*kv.Batch)
	for _, e := range entries {
		if len(e.Key) < 2 {
			return fmt.Errorf("object: collector entry %x is none of ours", e.Key)
		}
		shard, row := kv.Shard(binary.BigEndian.Uint16(e.Key)), e.Key[2:]
		v, err := s.kv.Get(ctx, shard, row)
		if errors.Is(err, kv.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		g, err := decodeGarbage(v.Data)
		if err != nil {
			return err
		}
		b := batches[shard]
		if b == nil {
			b = &kv.Batch{}
			batches[shard] = b
		}
		b.Delete(row)
		if g.kind == garbageManifest {
			first := chunkKey(g.bucket, g.key, g.instance, 0)
			b.DeleteRange(first, append(bytes.Clone(first[:len(first)-4]), endOfChunks...))
		}
		if len(b.Ops) >= perCommit {
			if _, err := s.kv.Commit(ctx, shard, b); err != nil {
				return err
			}
			delete(batches, shard)
		}
	}
	for shard, b := range batches {
		if _, err := s.kv.Commit(ctx, shard, b); err != nil {
			return err
		}
	}
	return nil
}

// endOfChunks sorts behind every chunk number.
var endOfChunks = []byte{0xFF, 0xFF, 0xFF, 0xFF}

// Live reports whether a blob is referred to by a version or a part, or may be read or become so: it is disowned only
// when that was found twice, with the grace period in between.
func (s *Service) Live(ctx context.Context, owner blobref.Owner, ref blobref.Ref) (bool, error) {
	n, err := parseOwner(owner)
	if err != nil {
		return false, err
	}
	// The order matters: a writing leaves the set only when its rows are there.
	if s.pending.has(n.writing) || s.readers.readingKey(n.bucket, n.key) {
		return true, nil
	}
	view, err := s.kv.View(ctx, s.shards.of(n.bucket, n.key))
	if err != nil {
		return false, err
	}
	defer view.Close()
	c := claim{view: view, ownerNote: n, ref: ref}
	for _, look := range [...]func() (bool, error){c.inCurrent, c.inParts, c.inItsVersion, c.inVersions, c.inRenamed} {
		if live, err := look(); live || err != nil {
			return live, err
		}
	}
	return !s.suspect.condemned(ref.ID, s.now(), s.cfg.Grace), nil
}

// claim looks for the record that refers to a blob.
type claim struct {
	ownerNote
	view kv.View
	ref  blobref.Ref
}

// inCurrent looks at the current version.
func (c *claim) inCurrent() (bool, error) { return c.inRow(objectKey(c.bucket, c.key)) }

// inItsVersion looks at the noncurrent version that the blob was written for: the writing itself, or what completing
// the upload made.
func (c *claim) inItsVersion() (bool, error) {
	made := c.writing
	if !c.upload.isZero() {
		v, err := c.view.Get(doneKey(c.bucket, c.key, c.upload))
		if errors.Is(err, kv.ErrNotFound) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		var done doneRecord
		if err := decodeRecord(v.Data, &done); err != nil {
			return false, err
		}
		copy(made[:], done.Instance)
	}
	return c.inRow(versionKey(c.bucket, c.key, made))
}

// inParts looks at the part of an upload under way.
func (c *claim) inParts() (bool, error) {
	if c.upload.isZero() {
		return false, nil
	}
	v, err := c.view.Get(partKey(c.bucket, c.key, c.upload, c.number))
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	var p partRecord
	err = p.decode(v.Data)
	return hasRef(p.pieces, c.ref), err
}

// inVersions looks at all noncurrent versions: the last resort before a blob is condemned.
func (c *claim) inVersions() (live bool, err error) {
	lower := keyPrefix(famVersion, c.bucket, c.key, 0)
	it := c.view.Scan(kv.ScanOptions{Lower: lower, Upper: append(bytes.Clone(lower), endOfInstances...)})
	for ok := it.First(); ok && !live && err == nil; ok = it.Next() {
		live, err = c.inRecord(it.Value())
	}
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	return live, err
}

func (c *claim) inRow(row []byte) (bool, error) {
	v, err := c.view.Get(row)
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return c.inRecord(v.Data)
}

// inRecord reports whether the body of a version is made of the blob among others.
func (c *claim) inRecord(value []byte) (bool, error) {
	var r record
	if err := r.decode(value); err != nil {
		return false, err
	}
	switch {
	case !r.is(flagManifest):
		refs, err := unpackRefs(r.detail.Blobs)
		return hasRef(refs, c.ref), err
	case r.upload != c.upload: // blobs never move from one upload to another, nor from a part to a put
		return false, nil
	}
	m, err := openManifest(func(chunk uint32) ([]byte, error) {
		v, err := c.view.Get(chunkKey(c.bucket, c.key, r.instance, chunk))
		return v.Data, err
	})
	if err != nil {
		return false, err
	}
	p, _, ok, err := m.find(max(c.number, 1)) // a body that was put is part 1 of its manifest
	return ok && err == nil && hasRef(p.pieces, c.ref), err
}

func hasRef(refs []blobref.Ref, ref blobref.Ref) bool {
	for i := range refs {
		if refs[i].ID == ref.ID {
			return true
		}
	}
	return false
}
