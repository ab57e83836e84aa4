package object

import (
	"bytes"
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// This file holds what becomes of versions:
//
//	            no version id                          by version id
//	Off         the new version replaces the old       the version goes
//	Enabled     the old version becomes noncurrent     the version goes; the youngest noncurrent one moves up
//	Suspended   the new version is the null version;   likewise
//	            it replaces the old null version,
//	            wherever that is
//
// At most one version of a key is the null version. The record of the current version knows where a noncurrent null
// version is (nullBelow), so no scan is needed to replace it.

// stamp makes the instance of the version that the transaction writes, younger than all others of the key, and its time.
func (tx *keyTx) stamp(r *record, id instance) {
	after := instance{}
	if tx.cur != nil {
		after = tx.cur.instance
	}
	if !after.before(id) {
		id = newInstance(tx.now, after)
	}
	r.instance, tx.made = id, id
	r.modified = max(tx.now.UnixMilli(), after.time().UnixMilli())
	if r.wish != nil && r.instance == r.wish.instance {
		r.modified = r.wish.modified
	}
}

// write makes r the current version, under the bucket's versioning state. The caller adds its body rows.
func (tx *keyTx) write(r *record) error {
	if err := tx.lock(r); err != nil {
		return err
	}
	r.flags &^= flagNull
	r.nullBelow = instance{}
	if tx.b.Versioning == VersioningEnabled {
		if tx.cur != nil {
			r.nullBelow = tx.cur.nullBelow
			if tx.cur.is(flagNull) {
				r.nullBelow = tx.cur.instance
			}
			tx.archive()
		}
	} else {
		r.flags |= flagNull
		if tx.cur != nil {
			if tx.cur.is(flagNull) {
				if err := tx.discard(tx.cur); err != nil {
					return err
				}
			} else {
				tx.archive()
				if err := tx.discardNullBelow(tx.cur.nullBelow); err != nil {
					return err
				}
			}
		}
	}
	tx.count(r, 1)
	tx.emit(r.cause, r)
	tx.replicate(r)
	tx.batch.Put(tx.row, r.encode())
	return nil
}

// archive makes the current version noncurrent.
func (tx *keyTx) archive() {
	tx.batch.Put(versionKey(tx.b.ID, tx.key, tx.cur.instance), tx.raw)
}

// discardNullBelow removes the noncurrent null version, if there is one.
func (tx *keyTx) discardNullBelow(id instance) error {
	if id.isZero() {
		return nil
	}
	row := versionKey(tx.b.ID, tx.key, id)
	r, _, rev, err := tx.s.readVersion(tx.ctx, tx.b, row)
	if err != nil {
		return err
	}
	tx.batch.IfRevision(row, rev)
	if r == nil { // it was deleted since; the pointer was left, which is harmless
		return nil
	}
	tx.batch.Delete(row)
	return tx.discard(r)
}

// remove deletes the current version for good; the youngest noncurrent one moves up.
func (tx *keyTx) remove() error {
	if err := tx.discard(tx.cur); err != nil {
		return err
	}
	next, row, rev, err := tx.youngestBelow()
	if err != nil {
		return err
	}
	if next == nil {
		tx.batch.Delete(tx.row)
		return nil
	}
	next.nullBelow = instance{}
	if !next.is(flagNull) && !tx.cur.is(flagNull) {
		next.nullBelow = tx.cur.nullBelow
	}
	tx.batch.IfRevision(row, rev)
	tx.batch.Delete(row)
	tx.batch.Put(tx.row, next.encode())
	return nil
}

// removeNoncurrent deletes a noncurrent version for good. found is false when there is none of that instance.
func (tx *keyTx) removeNoncurrent(id instance, check func(r *record) error) (r *record, found bool, err error) {
	row := versionKey(tx.b.ID, tx.key, id)
	r, _, rev, err := tx.s.readVersion(tx.ctx, tx.b, row)
	if err != nil || r == nil {
		return nil, false, err
	}
	if err := check(r); err != nil {
		return nil, false, err
	}
	tx.batch.IfRevision(row, rev)
	tx.batch.Delete(row)
	return r, true, tx.discard(r)
}

// youngestBelow reads the youngest noncurrent version, nil when there is none. A version that is archived after this
// read changes the current version's row, so the transaction's condition on that covers it.
func (tx *keyTx) youngestBelow() (*record, []byte, kv.Index, error) {
	if tx.b.Versioning == VersioningOff {
		return nil, nil, 0, nil
	}
	view, err := tx.s.kv.View(tx.ctx, tx.b.shard)
	if err != nil {
		return nil, nil, 0, err
	}
	defer view.Close()
	lower := keyPrefix(famVersion, tx.b.ID, tx.key, 0)
	it := view.Scan(kv.ScanOptions{Lower: lower, Upper: append(bytes.Clone(lower), endOfInstances...)})
	var r *record
	var row []byte
	var rev kv.Index
	if it.First() {
		r, row, rev = &record{}, bytes.Clone(it.Key()), it.Revision()
		err = r.decode(bytes.Clone(it.Value()))
	}
	if cerr := it.Close(); cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, nil, 0, err
	}
	return r, row, rev, nil
}

// endOfInstances sorts behind every instance.
var endOfInstances = bytes.Repeat([]byte{0xFF}, len(instance{})+1)

// discard takes back all that a version has besides its own row: body, counters, what remembers its upload. Blobs
// stay until the collector removes them, for readers under way. Every version that ends ends here, so this is where
// object lock is enforced.
func (tx *keyTx) discard(r *record) error {
	if err := tx.unlocked(r); err != nil {
		return err
	}
	tx.count(r, -1)
	if r.detail.Home != "" {
		tx.batch.Delete(r.movedRow(tx.b.ID))
	}
	if !r.upload.isZero() {
		tx.batch.Delete(doneKey(tx.b.ID, tx.key, r.upload))
	}
	switch {
	case r.is(flagInline):
		tx.batch.Delete(bodyKey(tx.b.ID, tx.key, r.instance))
	case r.is(flagManifest):
		tx.toss(r.instance, garbage{kind: garbageManifest, bucket: tx.b.ID, key: tx.key, instance: r.instance})
	case len(r.detail.Blobs) > 0:
		refs, err := unpackRefs(r.detail.Blobs)
		if err != nil {
			return err
		}
		tx.toss(r.instance, garbage{kind: garbageRefs, refs: refs})
	}
	return nil
}

// toss names blobs that nothing refers to any more to the collector. owner is the version or part they made.
func (tx *keyTx) toss(owner instance, g garbage) {
	tx.batch.Put(garbageKey(tx.now.Add(tx.s.cfg.Grace), owner), g.encode())
}

// readVersion reads a noncurrent version's row; the record is nil when it does not exist.
func (s *Service) readVersion(ctx context.Context, b *bucket, row []byte) (*record, []byte, kv.Index, error) {
	v, err := s.kv.Get(ctx, b.shard, row)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil, 0, nil
	} else if err != nil {
		return nil, nil, 0, err
	}
	r := &record{}
	if err := r.decode(v.Data); err != nil {
		return nil, nil, 0, err
	}
	return r, v.Data, v.Revision, nil
}
