package object

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// A pass carries out the lifecycle rules of one bucket. It looks at rows in chunks, each in a view of its own, and judges
// every version again in the transaction that ends or changes it: what was overwritten, tagged or locked since is judged
// by what it is at the commit. Its memory is that of a chunk, whatever the bucket holds, and after a restart it goes on
// where it was.

// The phases of a pass. Noncurrent versions come first, so that a delete marker that hides nothing any more goes in the
// same pass.
const (
	phaseNoncurrent = iota
	phaseCurrent
	phaseUploads
	phasesEnd
)

const (
	chunkRows  = 4096            // rows looked at in one view
	chunkItems = 256             // things to do found in one view
	batchItems = 24              // versions that end or change in one commit
	saveEvery  = 5 * time.Second // between notes of how far a pass is
)

// LifecycleResult is what carrying out lifecycle rules did.
type LifecycleResult struct {
	Buckets      int64
	Versions     int64 // looked at
	Expired      int64 // current versions and delete markers
	Noncurrent   int64 // noncurrent versions that ended
	Transitioned int64
	Aborted      int64 // uploads
	Kept         int64 // by object lock
}

// lifecyclePass is one pass.
type lifecyclePass struct {
	s     *Service
	name  string
	state lifecycleRecord
	rev   kv.Index // of the row that state came from
	saved time.Time
	days  days
	done  *LifecycleResult

	// Of the noncurrent versions of one key, which may go on in the next chunk.
	key   string
	rank  int       // noncurrent versions seen
	since time.Time // when the next one became noncurrent
}

// lifecycleItem is a version or upload that is due.
type lifecycleItem struct {
	key   string
	id    instance
	rank  int
	since time.Time
}

// errSuperseded: the bucket or its rules are no longer those of the pass.
var errSuperseded = errors.New("object: the lifecycle rules changed")

// run goes on from state to the end.
func (p *lifecyclePass) run(ctx context.Context) error {
	p.saved = p.s.now()
	for p.state.Phase < phasesEnd {
		begun := time.Now()
		b, err := p.bucket(ctx)
		if err != nil {
			return err
		}
		items, next, err := p.scan(ctx, b)
		if err == nil {
			err = p.rest(ctx, time.Since(begun))
		}
		if err == nil {
			err = p.apply(ctx, b, items)
		}
		if err != nil {
			return err
		}
		p.state.Row = next
		if next == nil {
			p.state.Phase++
			p.key = ""
		}
		if now := p.s.now(); now.Sub(p.saved) > saveEvery {
			if err := p.save(ctx); err != nil {
				return err
			}
		}
	}
	p.state.Ended = p.s.now().UnixMilli()
	return p.save(ctx)
}

// rest leaves the store to others for twice as long as was worked.
func (p *lifecyclePass) rest(ctx context.Context, worked time.Duration) error {
	if worked < 100*time.Microsecond {
		return ctx.Err()
	}
	t := time.NewTimer(2 * worked)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// bucket returns the bucket with its present rules.
func (p *lifecyclePass) bucket(ctx context.Context) (*bucket, error) {
	b, err := p.s.bucket(ctx, p.name)
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return nil, errSuperseded
	case err != nil:
		return nil, err
	case b.ID != BucketID(p.state.Bucket) || b.settings.lifecycle == nil:
		return nil, errSuperseded
	}
	return b, nil
}

// save notes how far the pass is, unless its rules were replaced or somebody else carries them out.
func (p *lifecyclePass) save(ctx context.Context) error {
	var batch kv.Batch
	batch.IfRevision(lifecycleKey(p.name), p.rev)
	batch.Put(lifecycleKey(p.name), encodeRecord(&p.state))
	res, err := p.s.kv.Commit(ctx, kv.Control, &batch)
	if errors.Is(err, kv.ErrConditionFailed) {
		return errSuperseded
	}
	p.rev, p.saved = res.Index, p.s.now()
	return err
}

// scan looks at the next chunk and returns what is due in it, and the row that the next one begins at: nil at the end of
// the phase.
func (p *lifecyclePass) scan(ctx context.Context, b *bucket) (items []lifecycleItem, next []byte, err error) {
	fam, look := byte(famVersion), p.noncurrent
	switch p.state.Phase {
	case phaseCurrent:
		fam, look = famObject, p.current
	case phaseUploads:
		fam, look = famUpload, p.upload
	}
	view, err := p.s.kv.View(ctx, b.shard)
	if err != nil {
		return nil, nil, err
	}
	defer view.Close()
	it := view.Scan(span(fam, b.ID, p.state.Row))
	ok := it.First()
	for rows := 0; ok && err == nil && rows < chunkRows && len(items) < chunkItems; rows++ {
		p.done.Versions++
		var item lifecycleItem
		var due bool
		if item, due, err = look(view, b, it); due && err == nil {
			items = append(items, item)
		}
		ok = it.Next()
	}
	if ok && err == nil {
		next = bytes.Clone(it.Key())
	}
	return items, next, errors.Join(err, it.Close())
}

func (p *lifecyclePass) current(_ kv.View, b *bucket, it kv.Iterator) (lifecycleItem, bool, error) {
	var r record
	if err := p.decode(b, &r, it.Value()); err != nil {
		return lifecycleItem{}, false, err
	}
	key := string(it.Key()[9:])
	v := b.settings.lifecycle.judge(p.days, p.s.now(), key, &r)
	return lifecycleItem{key: key, id: r.instance}, v != verdict{}, nil
}

// decode reads a record as far as the rules need it.
func (p *lifecyclePass) decode(b *bucket, r *record, data []byte) error {
	if b.settings.lifecycle.tagged() {
		return r.decode(data)
	}
	_, err := r.decodeSummary(data)
	return err
}

func (p *lifecyclePass) noncurrent(view kv.View, b *bucket, it kv.Iterator) (lifecycleItem, bool, error) {
	_, key, _, _, err := decodeKeyed(it.Key())
	if err != nil {
		return lifecycleItem{}, false, err
	}
	var r record
	if err := p.decode(b, &r, it.Value()); err != nil {
		return lifecycleItem{}, false, err
	}
	if key != p.key {
		if err := p.enterKey(view, b, key, r.instance); err != nil {
			return lifecycleItem{}, false, err
		}
	}
	item := lifecycleItem{key: key, id: r.instance, rank: p.rank, since: p.since}
	p.rank++
	p.since = r.modifiedTime()
	v := b.settings.lifecycle.judgeNoncurrent(p.days, p.s.now(), key, &r, item.rank, item.since)
	return item, v != verdict{}, nil
}

// enterKey begins with the noncurrent versions of a key at the one of instance first. After a restart there may be
// younger ones, which were seen.
func (p *lifecyclePass) enterKey(view kv.View, b *bucket, key string, first instance) error {
	v, err := view.Get(objectKey(b.ID, key))
	if err != nil {
		return err // a noncurrent version without a current one: a broken invariant
	}
	var r record
	if _, err := r.decodeSummary(v.Data); err != nil {
		return err
	}
	p.key, p.rank, p.since = key, 0, r.modifiedTime()
	lower := keyPrefix(famVersion, b.ID, key, 0)
	it := view.Scan(kv.ScanOptions{Lower: lower, Upper: versionKey(b.ID, key, first)})
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if _, err = r.decodeSummary(it.Value()); err == nil {
			p.rank++
			p.since = r.modifiedTime()
		}
	}
	return errors.Join(err, it.Close())
}

func (p *lifecyclePass) upload(_ kv.View, b *bucket, it kv.Iterator) (lifecycleItem, bool, error) {
	_, key, id, _, err := decodeKeyed(it.Key())
	if err != nil {
		return lifecycleItem{}, false, err
	}
	e := b.settings.lifecycle.aborts(p.days, key, id.time())
	return lifecycleItem{key: key, id: id}, e != nil && !e.Date.After(p.s.now()), nil
}

// noteLifecycle adds to a change of a bucket's rules that they are to be carried out from the beginning, or no more.
func noteLifecycle(batch *kv.Batch, b *bucket, rules bool) {
	if rules {
		batch.Put(lifecycleKey(b.Name), encodeRecord(&lifecycleRecord{Bucket: uint64(b.ID)}))
	} else {
		batch.Delete(lifecycleKey(b.Name))
	}
}

// lifecycleNames lists up to max buckets with rules, from name on, with their state.
func (s *Service) lifecycleNames(ctx context.Context, from string, max int) (names []string, err error) {
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	it := view.Scan(kv.ScanOptions{Lower: lifecycleKey(from), Upper: keys.PrefixEnd([]byte(ctlLife))})
	for ok := it.First(); ok && len(names) < max; ok = it.Next() {
		names = append(names, string(it.Key()[len(ctlLife):]))
	}
	return names, it.Close()
}
