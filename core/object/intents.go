package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Kinds of intents. A creation is taken back, a deletion whose presence row is gone is finished: in both cases the
// presence row tells how far it came.
const (
	intentCreate = 1
	intentDelete = 2
)

// resumeIntents finishes what a crash left half done.
func (s *Service) resumeIntents(ctx context.Context) error {
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return err
	}
	var names []string
	it := view.Scan(kv.ScanOptions{Lower: []byte(ctlIntent), Upper: keys.PrefixEnd([]byte(ctlIntent))})
	for ok := it.First(); ok; ok = it.Next() {
		names = append(names, string(it.Key()[len(ctlIntent):]))
	}
	err = it.Close()
	if cerr := view.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.resumeIntent(ctx, name); err != nil {
			return fmt.Errorf("bucket %s: %w", name, err)
		}
	}
	return nil
}

// resumeIntent finishes or takes back the change of a bucket that an intent tells of. The caller holds the lock of the
// name, unless the service is not open yet. It may run any number of times.
func (s *Service) resumeIntent(ctx context.Context, name string) error {
	v, err := s.kv.Get(ctx, kv.Control, intentKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	var in intent
	if err := decodeRecord(v.Data, &in); err != nil {
		return err
	}
	id := BucketID(in.Bucket.ID)
	if in.Kind == intentCreate {
		var b kv.Batch
		b.Delete(presenceKey(id))
		if _, err := s.kv.Commit(ctx, s.shards.of(id, ""), &b); err != nil {
			return err
		}
		return s.dropIntent(ctx, name, v.Revision)
	}
	_, err = s.kv.Get(ctx, s.shards.of(id, ""), presenceKey(id))
	switch {
	case err == nil: // the bucket was not removed, and now it will not be
		return s.dropIntent(ctx, name, v.Revision)
	case errors.Is(err, kv.ErrNotFound):
		return s.finishDelete(ctx, name, &in.Bucket)
	}
	return err
}

func (s *Service) dropIntent(ctx context.Context, name string, rev kv.Index) error {
	var b kv.Batch
	b.IfRevision(intentKey(name), rev)
	b.Delete(intentKey(name))
	_, err := s.kv.Commit(ctx, kv.Control, &b)
	if errors.Is(err, kv.ErrConditionFailed) {
		return nil // somebody else finished it
	}
	return err
}

// finishDelete takes the steps of a deletion behind the one that decides it.
func (s *Service) finishDelete(ctx context.Context, name string, rec *bucketRecord) error {
	if err := s.purge(ctx, BucketID(rec.ID)); err != nil {
		return err
	}
	var b kv.Batch
	b.IfExists(intentKey(name)) // the counter goes down once
	b.Delete(intentKey(name))
	b.Delete(nameKey(name))
	b.Delete(accountKey(rec.Account, name))
	dropSettings(&b, name)
	b.Add(accountCountKey(rec.Account), -1)
	_, err := s.kv.Commit(ctx, kv.Control, &b)
	s.buckets.drop(name)
	if errors.Is(err, kv.ErrConditionFailed) {
		return nil
	}
	return err
}

// purge removes what a deleted bucket leaves in its shard: uploads that nobody will complete any more, and counters.
// Nothing can be added meanwhile, since every write is conditioned on the presence row.
func (s *Service) purge(ctx context.Context, id BucketID) error {
	shard := s.shards.of(id, "")
	for {
		more, err := s.purgeParts(ctx, shard, id)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	var b kv.Batch
	for _, fam := range [...]byte{famUpload, famPart, famEpoch, famDone, famCounter} {
		p := bucketPrefix(fam, id)
		b.DeleteRange(p, keys.PrefixEnd(p))
	}
	_, err := s.kv.Commit(ctx, shard, &b)
	return err
}

// purgeParts hands the blobs of some parts to the collector.
func (s *Service) purgeParts(ctx context.Context, shard kv.Shard, id BucketID) (more bool, err error) {
	const perCommit = 1000
	view, err := s.kv.View(ctx, shard)
	if err != nil {
		return false, err
	}
	defer view.Close()
	var b kv.Batch
	var refs []blobref.Ref
	it := view.Scan(span(famPart, id, nil))
	for ok := it.First(); ok && len(b.Ops) < perCommit && err == nil; ok = it.Next() {
		var p partRecord
		err = p.decode(it.Value())
		refs = append(refs, p.pieces...)
		b.Delete(bytes.Clone(it.Key()))
	}
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil || len(b.Ops) == 0 {
		return false, err
	}
	s.tossRefs(&b, s.now(), refs)
	_, err = s.kv.Commit(ctx, shard, &b)
	return true, err
}

// tossRefs names blobs to the collector, in entries of bounded size.
func (s *Service) tossRefs(b *kv.Batch, now time.Time, refs []blobref.Ref) {
	const perEntry = 4096
	for len(refs) > 0 {
		n := min(len(refs), perEntry)
		g := garbage{kind: garbageRefs, refs: refs[:n]}
		b.Put(garbageKey(now.Add(s.cfg.Grace), newInstance(now, instance{})), g.encode())
		refs = refs[n:]
	}
}
