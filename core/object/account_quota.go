package object

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// accountQuotas enforces the quotas of accounts. What an account uses lies in the counters of all its buckets, which no
// single commit can be conditioned on. This node therefore sums them up, and adds whatever it lets through: that is never
// less than what there is, so that on one node a quota is never exceeded. The sum is made anew when it is old, and before anybody is
// refused. On several nodes each sees what the others wrote with that delay.
type accountQuotas struct {
	any atomic.Bool // some account has a quota: else nothing is looked at

	mu     sync.Mutex
	limits map[string]Quota // nil when they must be read
	use    map[string]*accountUse
}

type accountUse struct {
	mu   sync.Mutex
	used Quota     // the last sum and what was let through since
	open Quota     // let through, and not known to be committed or failed
	at   time.Time // of the last sum
}

// useAge is how old a sum may be.
const useAge = 2 * time.Second

func accountQuotaKey(account string) []byte { return append([]byte(ctlQuota), account...) }

// changed forgets the quotas after somebody changed one.
func (q *accountQuotas) changed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits = nil
	q.any.Store(true) // until they have been read
}

// limit is the quota of an account.
func (q *accountQuotas) limit(ctx context.Context, s *Service, account string) (Quota, *accountUse, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.limits == nil {
		limits, err := s.readAccountQuotas(ctx)
		if err != nil {
			return Quota{}, nil, err
		}
		q.limits = limits
		if q.use == nil {
			q.use = map[string]*accountUse{}
		}
		q.any.Store(len(limits) > 0)
	}
	l, ok := q.limits[account]
	if !ok {
		return Quota{}, nil, nil
	}
	u := q.use[account]
	if u == nil {
		u = &accountUse{}
		q.use[account] = u
	}
	return l, u, nil
}

// reserve counts growth against the quota of an account before it is committed; done ends it.
func (q *accountQuotas) reserve(ctx context.Context, s *Service, account string, g growth) (done func(ok bool), err error) {
	if !q.any.Load() {
		return settled, nil
	}
	l, u, err := q.limit(ctx, s, account)
	if err != nil || u == nil {
		return settled, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	objects, grown := max(g.objects, 0), max(g.bytes+g.parts, 0)
	fits := func() bool {
		return (l.Objects == 0 || objects == 0 || u.used.Objects+objects <= l.Objects) &&
			(l.Bytes == 0 || grown == 0 || u.used.Bytes+grown <= l.Bytes)
	}
	if time.Since(u.at) > useAge || !fits() {
		// Nobody gets through meanwhile. What is being committed now may be missing in the sum, and is added; if it is in
		// there too, it counts twice until the next one.
		begun := time.Now()
		used, err := s.accountUse(ctx, account)
		if err != nil {
			return nil, err
		}
		u.used = Quota{Objects: used.Objects + u.open.Objects, Bytes: used.Bytes + u.open.Bytes}
		u.at = begun
	}
	if !fits() {
		return nil, quotaExceeded("account " + account)
	}
	u.used.Objects += objects
	u.used.Bytes += grown
	u.open.Objects += objects
	u.open.Bytes += grown
	return func(ok bool) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.open.Objects -= objects
		u.open.Bytes -= grown
		if !ok {
			u.used.Objects -= objects
			u.used.Bytes -= grown
		}
	}, nil
}

// accountUse sums up what the buckets of an account hold.
func (s *Service) accountUse(ctx context.Context, account string) (Quota, error) {
	names, err := s.bucketNames(ctx, accountPrefix(account))
	if err != nil {
		return Quota{}, err
	}
	var sum Quota
	for _, name := range names {
		b, err := s.bucket(ctx, name)
		if errs.KindOf(err) == errs.NotFound {
			continue // it is being made or removed, and empty
		} else if err != nil {
			return Quota{}, err
		}
		u, err := s.usage(ctx, b)
		if err != nil {
			return Quota{}, err
		}
		sum.Objects += u.quota().Objects
		sum.Bytes += u.quota().Bytes
	}
	return sum, nil
}

// bucketNames lists what follows prefix in rows of the control shard that end with the name of a bucket.
func (s *Service) bucketNames(ctx context.Context, prefix []byte) ([]string, error) {
	var names []string
	err := s.scanControl(ctx, prefix, func(rest string, _ []byte) error {
		names = append(names, rest)
		return nil
	})
	return names, err
}

func (s *Service) scanControl(ctx context.Context, prefix []byte, fn func(rest string, value []byte) error) error {
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return err
	}
	defer view.Close()
	it := view.Scan(kv.ScanOptions{Lower: prefix, Upper: keys.PrefixEnd(prefix)})
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = fn(string(it.Key()[len(prefix):]), bytes.Clone(it.Value()))
	}
	return errors.Join(err, it.Close())
}

func (s *Service) readAccountQuotas(ctx context.Context) (map[string]Quota, error) {
	limits := map[string]Quota{}
	err := s.scanControl(ctx, []byte(ctlQuota), func(account string, value []byte) error {
		if iam.CheckAccountID(account) != nil {
			return nil // a configuration with an id, which once stood below the same prefix
		}
		var r quotaRecord
		if err := decodeRecord(value, &r); err != nil {
			return err
		}
		limits[account] = Quota(r)
		return nil
	})
	return limits, err
}

// SetAccountQuota bounds what all buckets of an account hold. It is for operators: nobody is asked.
func (s *Service) SetAccountQuota(ctx context.Context, account string, q Quota) error {
	return failed("object.SetAccountQuota", account, s.setAccountQuota(ctx, account, q))
}

func (s *Service) setAccountQuota(ctx context.Context, account string, q Quota) error {
	if err := errors.Join(q.validate(), iam.CheckAccountID(account)); err != nil {
		return err
	}
	var batch kv.Batch
	if q.IsZero() {
		batch.Delete(accountQuotaKey(account))
	} else {
		batch.Put(accountQuotaKey(account), encodeRecord((*quotaRecord)(&q)))
	}
	_, err := s.kv.Commit(ctx, kv.Control, &batch)
	s.quotas.changed()
	return err
}

// AccountQuota returns the quota of an account and what its buckets hold.
func (s *Service) AccountQuota(ctx context.Context, account string) (QuotaUse, error) {
	limits, err := s.readAccountQuotas(ctx)
	var used Quota
	if err == nil {
		used, err = s.accountUse(ctx, account)
	}
	if err != nil {
		return QuotaUse{}, failed("object.AccountQuota", account, err)
	}
	return QuotaUse{Quota: limits[account], Account: account, Used: used}, nil
}
