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
	b, key, writing, err := parseOwner(owner)
	if err != nil {
		return false, err
	}
	live, err := s.referred(ctx, b, key, writing, ref)
	if err != nil || live {
		return true, err
	}
	return !s.suspect.condemned(ref.ID, s.now(), s.cfg.Grace), nil
}

func (s *Service) referred(ctx context.Context, b BucketID, key string, writing instance, ref blobref.Ref) (bool, error) {
	// The order matters: a writing leaves the set only when its rows are there.
	if s.pending.has(writing) || s.readers.readingKey(b, key) {
		return true, nil
	}
	view, err := s.kv.View(ctx, s.shards.of(b, key))
	if err != nil {
		return false, err
	}
	defer view.Close()
	if live, err := s.liveInCurrent(view, b, key, ref); live || err != nil {
		return live, err
	}
	if live, err := s.liveInRows(view, famVersion, b, key, ref); live || err != nil {
		return live, err
	}
	return s.liveInRows(view, famPart, b, key, ref)
}

func (s *Service) liveInCurrent(view kv.View, b BucketID, key string, ref blobref.Ref) (bool, error) {
	v, err := view.Get(objectKey(b, key))
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return recordHas(view, b, key, v.Data, ref)
}

// liveInRows looks through all noncurrent versions or all parts of a key.
func (s *Service) liveInRows(view kv.View, fam byte, b BucketID, key string, ref blobref.Ref) (live bool, err error) {
	lower := keyPrefix(fam, b, key, 0)
	it := view.Scan(kv.ScanOptions{Lower: lower, Upper: append(bytes.Clone(lower), endOfInstances...)})
	for ok := it.First(); ok && !live && err == nil; ok = it.Next() {
		if fam == famPart {
			var p partRecord
			if err = p.decode(it.Value()); err == nil {
				live = hasRef(p.pieces, ref)
			}
			continue
		}
		live, err = recordHas(view, b, key, it.Value(), ref)
	}
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	return live, err
}

// recordHas reports whether the body of a version is made of a blob among others.
func recordHas(view kv.View, b BucketID, key string, value []byte, ref blobref.Ref) (bool, error) {
	var r record
	if err := r.decode(value); err != nil {
		return false, err
	}
	if !r.is(flagManifest) {
		refs, err := unpackRefs(r.detail.Blobs)
		return hasRef(refs, ref), err
	}
	m, err := openManifest(func(chunk uint32) ([]byte, error) {
		v, err := view.Get(chunkKey(b, key, r.instance, chunk))
		return v.Data, err
	})
	if err != nil {
		return false, err
	}
	has := false
	err = m.each(0, func(_ int, _ int64, p *part) bool {
		has = hasRef(p.pieces, ref)
		return !has
	})
	return has, err
}

func hasRef(refs []blobref.Ref, ref blobref.Ref) bool {
	for i := range refs {
		if refs[i].ID == ref.ID {
			return true
		}
	}
	return false
}
