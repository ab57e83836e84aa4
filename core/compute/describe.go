package compute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Each calls f with the instances of an account, terminated ones included as long as they are visible, and with their tags, in
// the order of their ids, from behind one on, until f returns false: one moment of the store. It reads no more than it hands
// on. What f gets is shared: it must not be changed.
func (s *Service) Each(ctx context.Context, account, after string, f func(*Instance, tags.Set) bool) error {
	err := s.view(ctx, func(v kv.View) (err error) {
		tagged := tags.NewCursor(v, account)
		defer func() { err = errors.Join(err, tagged.Close()) }()
		bounds := span(rowInstance + account)
		if after != "" {
			bounds.Lower = append(instanceRow(account, after), 0)
		}
		it := v.Scan(bounds)
		defer func() { err = errors.Join(err, it.Close()) }()
		for ok := it.First(); ok; ok = it.Next() {
			i, err := s.decoded(it.Key(), it.Value(), it.Revision())
			if err != nil {
				return err
			}
			set, err := tagged.Of(i.ID)
			if err != nil {
				return err
			}
			if !f(i, set) {
				break
			}
		}
		return nil
	})
	return rows.Failed("compute.Each", err)
}

// EachOf is Each for some ids, in their order. Those that do not exist are passed over.
func (s *Service) EachOf(ctx context.Context, account string, ids []string, f func(*Instance, tags.Set) bool) error {
	err := s.view(ctx, func(v kv.View) error {
		for _, id := range ids {
			row := instanceRow(account, id)
			val, err := v.Get(row)
			if errors.Is(err, kv.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			i, err := s.decoded(row, val.Data, val.Revision)
			if err != nil {
				return err
			}
			set, err := tags.Of(v, account, id)
			if err != nil {
				return err
			}
			if !f(i, set) {
				break
			}
		}
		return nil
	})
	return rows.Failed("compute.EachOf", err)
}

// decoded is the instance in a row.
func (s *Service) decoded(key, value []byte, rev kv.Index) (*Instance, error) {
	if i, ok := s.known.get(key, rev); ok {
		return i, nil
	}
	i := new(Instance)
	if err := schema.Decode(value, i); err != nil {
		return nil, fmt.Errorf("row %q: %w", key, err)
	}
	s.known.set(key, rev, i)
	return i, nil
}

// Instances returns all instances of an account, like Each.
func (s *Service) Instances(ctx context.Context, account string) ([]*Instance, error) {
	var all []*Instance
	err := s.Each(ctx, account, "", func(i *Instance, _ tags.Set) bool {
		all = append(all, i)
		return true
	})
	return all, err
}

// Instance returns one instance of an account.
func (s *Service) Instance(ctx context.Context, account, id string) (*Instance, error) {
	var i *Instance
	err := s.view(ctx, func(v kv.View) (err error) {
		i, _, err = getInstance(v, account, id)
		return err
	})
	if errors.Is(err, kv.ErrNotFound) {
		return nil, notFound(id)
	}
	return i, rows.Failed("compute.Instance", err)
}

// Console is what an instance wrote to its serial console.
type Console struct {
	Output []byte
	Time   time.Time // of the last output
}

// MaxConsole is how much of a console is kept for GetConsoleOutput.
const MaxConsole = 64 << 10

// ConsoleOutput returns the end of what an instance wrote to its serial console. EC2 promises it for an hour after the instance
// ended (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html); here it is there as long as the
// instance can be asked about.
func (s *Service) ConsoleOutput(ctx context.Context, account, id string) (Console, error) {
	i, err := s.Instance(ctx, account, id)
	if err != nil {
		return Console{}, err
	}
	none := Console{Time: Time(i.Changed)}
	if s.cfg.Console == nil {
		return none, nil
	}
	out, err := s.cfg.Console(ctx, i.Host, i.ID, MaxConsole)
	if err != nil {
		return Console{}, rows.Failed("compute.ConsoleOutput", err)
	}
	if out.Time.IsZero() {
		out.Time = none.Time
	}
	return out, nil
}

// Quotas are those that hold for every account.
func (s *Service) Quotas() Quotas { return s.cfg.Quotas }

// TagRow makes the service an owner of tags.
func (s *Service) TagRow(v kv.View, account, id string) (row []byte, mine bool, err error) {
	kind, _ := ids.KindOf(id)
	switch kind {
	case ids.Instance:
		_, _, err := getInstance(v, account, id)
		if ignoreAbsent(err) == nil && err != nil {
			err = notFound(id)
		}
		return instanceRow(account, id), true, err
	case ids.Image:
		img, _, err := getImage(v, id)
		if ignoreAbsent(err) == nil && (err != nil || !img.visibleTo(account)) {
			err = imageNotFound(id)
		}
		return imageRow(id), true, err
	case ids.Volume:
		_, err := v.Get(volumeRow(account, id))
		if ignoreAbsent(err) == nil && err != nil {
			err = volumeNotFound(id)
		}
		return volumeRow(account, id), true, err
	case ids.ImportImageTask:
		_, err := v.Get(importRow(account, id))
		return importRow(account, id), true, err
	}
	return nil, false, nil
}

// Count tells how many instances of the cloud are in each state, for metrics.
func (s *Service) Count(ctx context.Context) (map[string]int, error) {
	n := map[string]int{}
	err := s.view(ctx, func(v kv.View) error {
		clear(n)
		return scan(v, rowInstance, func(_ []byte, i *Instance) error {
			n[i.State.String()]++
			return nil
		})
	})
	return n, err
}
