package object

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// RenameInput is a RenameObject: the object of one key becomes that of another one of the same bucket.
type RenameInput struct {
	Bucket        string
	Source        string
	Key           string
	SrcConditions ReadConditions
	Conditions    ReadConditions // on the object that has the new key; If-None-Match "*" wants none there
	Token         string         // names the request, so that it can be sent again; "" is none
}

// MaxToken is the length that a token may have.
const MaxToken = 64

// Rename gives an object another key in one commit, in place of an object that has that key. Only rows are written:
// metadata, tags, lock, encryption and times stay, and no byte of a large body moves.
func (s *Service) Rename(ctx context.Context, who iam.Principal, in *RenameInput) error {
	return failed("object.Rename", in.Key, s.rename(ctx, &who, in))
}

func (s *Service) rename(ctx context.Context, who *iam.Principal, in *RenameInput) error {
	b, err := s.enter(ctx, who, actPutObject, in.Bucket, in.Key)
	if err != nil {
		return err
	}
	for _, action := range [...]string{actGetObject, actDeleteObject} {
		if err := s.allow(ctx, who, action, b, in.Source); err != nil {
			return err
		}
	}
	switch {
	case in.Source == in.Key:
		return invalidRequest("An object cannot be renamed to its own name.")
	case len(in.Token) > MaxToken:
		return invalidArgument("A client token has at most %d characters", MaxToken)
	}
	if err := errors.Join(checkKey(in.Key), checkKey(in.Source)); err != nil {
		return err
	}
	err = s.change(ctx, b, in.Key, func(tx *keyTx) error { return tx.rename(in) })
	if errs.KindOf(err) == errs.NotFound {
		return s.hideAbsence(ctx, who, b, in.Source, err)
	}
	return err
}

// rename fills the batch of a transaction on the new key.
func (tx *keyTx) rename(in *RenameInput) error {
	if tx.b.Versioning != VersioningOff {
		return errs.New(errs.NotImplemented, NotImplemented, "Renaming is not implemented in buckets that have or had versioning")
	}
	src := keyTx{s: tx.s, ctx: tx.ctx, b: tx.b, key: in.Source, row: objectKey(tx.b.ID, in.Source)}
	if err := src.readCurrent(); err != nil {
		return err
	}
	token := ""
	if in.Token != "" {
		token = in.Token + "\x00" + in.Source
		if again, err := tx.renamedBefore(in.Token, token); again || err != nil {
			if again {
				return errNoChange
			}
			return err
		}
	}
	if src.cur == nil {
		return noSuchKey(in.Source)
	}
	if err := in.SrcConditions.checkSource(onRenameSource, src.cur, tx.now); err != nil {
		return err
	}
	if err := in.checkDestination(tx.cur, tx.now); err != nil {
		return err
	}
	src.now = tx.now
	if err := src.unlocked(src.cur); err != nil {
		return err
	}
	if tx.cur != nil {
		if err := tx.discard(tx.cur); err != nil {
			return err
		}
	}
	rec := *src.cur
	rec.detail.Renamed = token
	if err := tx.moveBody(&src, &rec); err != nil {
		return err
	}
	tx.made = rec.instance
	tx.batch.IfRevision(src.row, src.curRev)
	tx.batch.Delete(src.row)
	tx.batch.Put(tx.row, rec.encode())
	return nil
}

// renamedBefore reports whether the new key has the object that the same request gave it. A token that came with another
// source is refused.
func (tx *keyTx) renamedBefore(token, full string) (bool, error) {
	if tx.cur == nil || tx.cur.detail.Renamed == "" {
		return false, nil
	}
	if tx.cur.detail.Renamed == full {
		return true, nil
	}
	if before, _, _ := strings.Cut(tx.cur.detail.Renamed, "\x00"); before == token {
		return false, errs.New(errs.Invalid, IdempotencyMismatch, "The client token was used for another request.")
	}
	return false, nil
}

// checkDestination holds the conditions against the object that has the new key.
func (in *RenameInput) checkDestination(cur *record, now time.Time) error {
	c := in.Conditions
	if cur == nil || cur.is(flagMarker) {
		if len(c.IfMatch) > 0 {
			return preconditionFailed("If-Match")
		}
		return nil
	}
	if failed := c.failed(cur, now); failed != "" {
		return preconditionFailed(failed)
	}
	return nil
}

// moveBody moves the rows of the body of src to the key of tx, and notes where its blobs believe to belong.
func (tx *keyTx) moveBody(src *keyTx, rec *record) error {
	move := func(from, to []byte) error {
		v, err := tx.s.kv.Get(tx.ctx, tx.b.shard, from)
		if errors.Is(err, kv.ErrNotFound) {
			return errAgain // the object went in between
		} else if err != nil {
			return err
		}
		tx.batch.Put(to, v.Data)
		tx.batch.Delete(from)
		return nil
	}
	if !rec.upload.isZero() {
		tx.batch.Delete(doneKey(tx.b.ID, src.key, rec.upload))
	}
	switch {
	case rec.is(flagInline):
		return move(bodyKey(tx.b.ID, src.key, rec.instance), bodyKey(tx.b.ID, tx.key, rec.instance))
	case rec.is(flagManifest):
		m, err := tx.s.manifestOf(tx.ctx, tx.b, src.key, rec.instance)
		if err != nil {
			if isMoved(err) {
				return errAgain
			}
			return err
		}
		for i := range uint32(len(m.starts) + 1) {
			if err := move(chunkKey(tx.b.ID, src.key, rec.instance, i), chunkKey(tx.b.ID, tx.key, rec.instance, i)); err != nil {
				return err
			}
		}
	case len(rec.detail.Blobs) == 0:
		return nil
	}
	if rec.detail.Home == "" {
		rec.detail.Home = src.key
	}
	if rec.detail.Home == tx.key {
		tx.batch.Delete(rec.movedRow(tx.b.ID))
		rec.detail.Home = ""
		return nil
	}
	tx.batch.Put(rec.movedRow(tx.b.ID), []byte(tx.key))
	return nil
}

// movedRow leads from the key that the blobs of a renamed object were written for to the one it has. Blobs of an upload know
// the upload, others the writing, which is the instance unless that had to be made anew.
func (r *record) movedRow(b BucketID) []byte {
	id := r.upload
	if id.isZero() {
		id = r.instance
	}
	return movedKey(b, r.detail.Home, id)
}

// homeOr is the key that the blobs of r were written for, when r has key.
func (r *record) homeOr(key string) string {
	if r.detail.Home != "" {
		return r.detail.Home
	}
	return key
}

// inRenamed looks at the object that was renamed after the blob was written.
func (c *claim) inRenamed() (bool, error) {
	id := c.upload
	if id.isZero() {
		id = c.writing
	}
	v, err := c.view.Get(movedKey(c.bucket, c.key, id))
	if err == nil {
		return c.at(string(v.Data)).inAny()
	} else if !errors.Is(err, kv.ErrNotFound) {
		return false, err
	}
	lower := keyPrefix(famMoved, c.bucket, c.key, 0)
	it := c.view.Scan(kv.ScanOptions{Lower: lower, Upper: append(lower[:len(lower):len(lower)], endOfInstances...)})
	live := false
	err = nil
	for ok := it.First(); ok && !live && err == nil; ok = it.Next() {
		live, err = c.at(string(it.Value())).inAny()
	}
	return live, errors.Join(err, it.Close())
}

// at is the same question about another key.
func (c *claim) at(key string) *claim {
	d := *c
	d.key = key
	return &d
}

func (c *claim) inAny() (bool, error) {
	live, err := c.inCurrent()
	if !live && err == nil {
		live, err = c.inVersions()
	}
	return live, err
}
