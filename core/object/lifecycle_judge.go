package object

import (
	"context"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// verdict is what becomes of a version. The zero value leaves it alone.
type verdict struct {
	expire bool
	move   bool
	class  uint8 // with move
}

// minTransition is below which size objects stay in their class.
const minTransition = 128 << 10

// judge decides on a current version, or a delete marker whose noncurrent versions are all gone.
func (c *LifecycleConfig) judge(d days, now time.Time, key string, rec *record) verdict {
	var v verdict
	for i := range c.Rules {
		r := &c.Rules[i]
		if !r.covers(key, rec) {
			continue
		}
		if t, ok := r.Expiration.ends(d, rec.modifiedTime()); ok && !t.After(now) {
			return verdict{expire: true}
		}
		if rec.is(flagMarker) {
			if e := r.Expiration; e != nil && e.Markers != nil && *e.Markers {
				return verdict{expire: true}
			}
			continue
		}
		for _, t := range r.Transitions {
			due := t.Date
			if t.Days != nil {
				at := d.after(rec.modifiedTime(), *t.Days)
				due = &at
			}
			if !due.After(now) {
				v.consider(c, r, rec, t.Class)
			}
		}
	}
	return v
}

// judgeNoncurrent decides on a version that has been noncurrent since, with rank younger noncurrent ones.
func (c *LifecycleConfig) judgeNoncurrent(d days, now time.Time, key string, rec *record, rank int, since time.Time) verdict {
	var v verdict
	for i := range c.Rules {
		r := &c.Rules[i]
		if !r.covers(key, rec) {
			continue
		}
		if n := r.Noncurrent; n != nil && (n.Keep == nil || rank >= *n.Keep) && !d.after(since, n.Days).After(now) {
			return verdict{expire: true}
		}
		if rec.is(flagMarker) {
			continue
		}
		for _, t := range r.NoncurrentTransitions {
			if (t.Keep == nil || rank >= *t.Keep) && !d.after(since, t.Days).After(now) {
				v.consider(c, r, rec, t.Class)
			}
		}
	}
	return v
}

// consider takes a transition that is due, unless one to a colder class is: of those due at once the coldest counts.
func (v *verdict) consider(c *LifecycleConfig, r *LifecycleRule, rec *record, name string) {
	class, err := parseStorageClass(name)
	if err != nil {
		return
	}
	cold := coldness(class)
	archive := name == "GLACIER" || name == "DEEP_ARCHIVE"
	small := rec.size < minTransition && !r.sized() && (c.MinimumSize != TransitionVaries || !archive)
	if cold <= coldness(rec.class) || v.move && cold <= coldness(v.class) || small {
		return
	}
	v.move, v.class = true, class
}

// tagged reports whether a rule looks at tags.
func (c *LifecycleConfig) tagged() bool {
	for i := range c.Rules {
		if f := c.Rules[i].Filter; f != nil && len(f.Tags) > 0 {
			return true
		}
	}
	return false
}

// apply does what is due.
func (p *lifecyclePass) apply(ctx context.Context, b *bucket, items []lifecycleItem) error {
	if p.state.Phase == phaseUploads {
		for _, item := range items {
			begun := time.Now()
			err := p.s.dropUpload(ctx, b, item.key, item.id.String(), time.Time{})
			switch {
			case err == nil:
				p.done.Aborted++
				if b.settings.logging != nil {
					p.s.life.tell(LifecycleAct{What: LifecycleAborted, At: p.s.now(), Bucket: b.Name, Key: item.key})
				}
			case errs.ReasonOf(err) != NoSuchUpload:
				return err
			}
			if err := p.rest(ctx, time.Since(begun)); err != nil {
				return err
			}
		}
		return nil
	}
	for len(items) > 0 {
		begun := time.Now()
		n := min(batchItems, len(items))
		if err := p.together(ctx, b, items[:n]); err != nil {
			return err
		}
		items = items[n:]
		if err := p.rest(ctx, time.Since(begun)); err != nil {
			return err
		}
	}
	return nil
}

// together decides on several versions and commits all at once. If anything changed meanwhile, each is done for itself.
func (p *lifecyclePass) together(ctx context.Context, b *bucket, items []lifecycleItem) error {
	var all kv.Batch
	var counts LifecycleResult
	var acts []LifecycleAct
	posted := 0
	all.IfRevision(b.presence, b.revision)
	for _, item := range items {
		tx := keyTx{s: p.s, ctx: ctx, b: b, key: item.key, row: objectKey(b.ID, item.key), now: p.s.now()}
		if err := tx.readCurrent(); err != nil {
			return err
		}
		did, err := p.decide(&tx, item)
		if skipped, err := p.skip(err); skipped || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		counts.add(did)
		all.IfRevision(tx.row, tx.curRev)
		tx.addCounters()
		posted += tx.posted
		acts = append(acts, tx.acts...)
		all.Conds = append(all.Conds, tx.batch.Conds...)
		for _, o := range tx.batch.Ops {
			if o.Kind == kv.OpAdd {
				all.Add(o.Key, o.Delta)
			} else {
				all.Ops = append(all.Ops, o)
			}
		}
	}
	if len(all.Ops) == 0 {
		return nil
	}
	_, err := p.s.kv.Commit(ctx, b.shard, &all)
	switch {
	case err == nil:
		p.done.add(counts)
		p.s.outbox.added(posted)
		p.s.life.tell(acts...)
		return nil
	case !errors.Is(err, kv.ErrConditionFailed):
		return err
	}
	for _, item := range items {
		var did LifecycleResult
		err := p.s.change(ctx, b, item.key, func(tx *keyTx) (err error) {
			if tx.b.settings.lifecycle == nil {
				return errNoChange
			}
			did, err = p.decide(tx, item)
			acts = tx.acts
			return err
		})
		if skipped, err := p.skip(err); err != nil {
			return err
		} else if !skipped {
			p.done.add(did)
			p.s.life.tell(acts...)
		}
	}
	return nil
}

// skip reports whether err means that the version stays, for a good reason.
func (p *lifecyclePass) skip(err error) (bool, error) {
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, errNoChange):
		return true, nil
	case errs.ReasonOf(err) == AccessDenied:
		p.done.Kept++
		return true, nil
	}
	return false, err
}

// decide judges an item by what its transaction finds, and fills the transaction.
func (p *lifecyclePass) decide(tx *keyTx, item lifecycleItem) (LifecycleResult, error) {
	c := tx.b.settings.lifecycle
	if tx.cur == nil {
		return LifecycleResult{}, errNoChange
	}
	if p.state.Phase == phaseNoncurrent {
		return p.decideNoncurrent(tx, c, item)
	}
	if tx.cur.instance != item.id {
		return LifecycleResult{}, errNoChange
	}
	switch v := c.judge(p.days, tx.now, tx.key, tx.cur); {
	case v.expire:
		tx.ends, tx.marks = cause{eventExpired, nil}, cause{eventExpiredMarker, nil}
		return LifecycleResult{Expired: 1}, tx.expire()
	case v.move:
		tx.cur.class = v.class
		tx.emit(cause{eventTransition, nil}, tx.cur)
		tx.batch.Put(tx.row, tx.cur.encode())
		return LifecycleResult{Transitioned: 1}, nil
	}
	return LifecycleResult{}, errNoChange
}

// expire ends the current version, or a delete marker that hides nothing.
func (tx *keyTx) expire() error {
	if !tx.cur.is(flagMarker) {
		return tx.deleteCurrent(&DeleteResult{}, WriteConditions{})
	}
	if below, _, _, err := tx.youngestBelow(); err != nil {
		return err
	} else if below != nil {
		return errNoChange
	}
	tx.emit(tx.ends, tx.cur)
	return tx.remove()
}

func (p *lifecyclePass) decideNoncurrent(tx *keyTx, c *LifecycleConfig, item lifecycleItem) (LifecycleResult, error) {
	row := versionKey(tx.b.ID, tx.key, item.id)
	r, _, rev, err := p.s.readVersion(tx.ctx, tx.b, row)
	if err != nil {
		return LifecycleResult{}, err
	}
	if r == nil {
		return LifecycleResult{}, errNoChange
	}
	switch v := c.judgeNoncurrent(p.days, tx.now, tx.key, r, item.rank, item.since); {
	case v.expire:
		tx.batch.IfRevision(row, rev)
		tx.batch.Delete(row)
		tx.emit(cause{eventExpired, nil}, r)
		return LifecycleResult{Noncurrent: 1}, tx.discard(r)
	case v.move:
		r.class = v.class
		tx.emit(cause{eventTransition, nil}, r)
		tx.batch.IfRevision(row, rev)
		tx.batch.Put(row, r.encode())
		return LifecycleResult{Transitioned: 1}, nil
	}
	return LifecycleResult{}, errNoChange
}

func (r *LifecycleResult) add(o LifecycleResult) {
	r.Buckets += o.Buckets
	r.Versions += o.Versions
	r.Expired += o.Expired
	r.Noncurrent += o.Noncurrent
	r.Transitioned += o.Transitioned
	r.Aborted += o.Aborted
	r.Kept += o.Kept
}

// dropUpload gives an upload and its parts up; initiated is the second that it has to have been begun in, or zero.
func (s *Service) dropUpload(ctx context.Context, b *bucket, key, uploadID string, initiated time.Time) error {
	return s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		u, err := s.findUpload(ctx, b, key, uploadID)
		if err != nil {
			return err
		}
		if !initiated.IsZero() && initiated.Unix() != u.id.time().Unix() {
			return preconditionFailed("x-amz-if-match-initiated-time")
		}
		parts, epoch, err := s.uploadParts(ctx, b, key, u.id, 0, MaxParts)
		if err != nil {
			return err
		}
		var refs []blobref.Ref
		var bytes int64
		for i := range parts {
			refs = append(refs, parts[i].pieces...)
			bytes += parts[i].size
		}
		batch.IfRevision(epochKey(b.ID, key, u.id), epoch)
		s.endUpload(batch, b, key, u, bytes)
		s.tossRefs(batch, s.now(), refs)
		return nil
	})
}
