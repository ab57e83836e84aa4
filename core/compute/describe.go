package compute

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Instances returns all instances of an account, terminated ones included as long as they are visible, with the tags of all
// of them: one moment of the store.
func (s *Service) Instances(ctx context.Context, account string) ([]*Instance, map[string]tags.Set, error) {
	var all []*Instance
	var tagged map[string]tags.Set
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		err := scan(v, rowInstance+account, func(_ []byte, i *Instance) error {
			all = append(all, i)
			return nil
		})
		if err != nil {
			return err
		}
		tagged, err = tags.All(v, account, string(ids.Instance)+"-")
		return err
	})
	return all, tagged, rows.Failed("compute.Instances", err)
}

// InstancesByID returns those of some ids, in the order of the ids, with their tags. Ids that do not exist are an error.
func (s *Service) InstancesByID(ctx context.Context, account string, wanted []string) ([]*Instance, map[string]tags.Set, error) {
	var all []*Instance
	tagged := map[string]tags.Set{}
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		found, err := findAll(v, account, wanted)
		if err != nil {
			return err
		}
		for _, f := range found {
			all = append(all, f.Instance)
			if tagged[f.ID], err = tags.Of(v, account, f.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return all, tagged, rows.Failed("compute.InstancesByID", err)
}

// Instance returns one instance of an account.
func (s *Service) Instance(ctx context.Context, account, id string) (*Instance, error) {
	all, _, err := s.InstancesByID(ctx, account, []string{id})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Console is what an instance wrote to its serial console.
type Console struct {
	Output []byte
	Time   time.Time // of the last output
}

// MaxConsole is how much of a console is kept for GetConsoleOutput.
const MaxConsole = 64 << 10

// ConsoleOutput returns the end of what an instance wrote to its serial console.
func (s *Service) ConsoleOutput(ctx context.Context, account, id string) (Console, error) {
	i, err := s.Instance(ctx, account, id)
	if err != nil {
		return Console{}, err
	}
	none := Console{Time: Time(i.Changed)}
	if s.cfg.Console == nil || i.State == Terminated {
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
		row, err := volumeHolder(v, account, id)
		return row, row != nil, err
	case ids.ImportImageTask:
		_, err := v.Get(importRow(account, id))
		return importRow(account, id), true, err
	}
	return nil, false, nil
}

// errFound ends a scan.
var errFound = errors.New("found")

// volumeHolder finds the instance that a volume is the root of: its row, nil when there is none.
func volumeHolder(v kv.View, account, volume string) (row []byte, err error) {
	err = scan(v, rowInstance+account, func(key []byte, i *Instance) error {
		if i.State == Terminated || !slices.ContainsFunc(i.Disks, func(d Disk) bool { return d.Volume == volume }) {
			return nil
		}
		row = slices.Clone(key)
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return row, err
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
