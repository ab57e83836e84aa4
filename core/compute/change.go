package compute

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/schedule"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// change collects a change of instances: their rows, what they use of quotas and hosts, and the network's share. All of it
// goes into one commit.
type change struct {
	s       *Service
	v       kv.View
	b       *kv.Batch
	now     time.Time
	account string
	nets    *network.Tx // nil until needed
	deltas  map[string]int64
	limits  map[string]int64 // of counters that grow
	hosts   []schedule.Host  // read when first needed
}

func (s *Service) begin(v kv.View, b *kv.Batch, account string) *change {
	return &change{s: s, v: v, b: b, now: time.Now(), account: account, deltas: map[string]int64{}, limits: map[string]int64{}}
}

// network is the network's share of the commit.
func (c *change) network() *network.Tx {
	if c.nets == nil {
		c.nets = c.s.cfg.Network.Begin(c.b, c.account)
	}
	return c.nets
}

// put writes an instance, before being what the view has, nil for a new one.
func (c *change) put(before *Instance, rev kv.Index, after *Instance) error {
	row := instanceRow(after.Account, after.ID)
	c.b.IfRevision(row, rev)
	c.b.Put(row, schema.Encode(after))
	wasActive := before != nil && before.active()
	if before == nil {
		c.add(string(instancesRow(after.Account)), 1, c.s.cfg.Quotas.Instances)
	}
	if after.active() && !wasActive {
		h := c.host(after.Host)
		if h == nil {
			return noCapacity(after, "its host is gone")
		}
		c.add(string(vcpusRow(after.Account)), int64(after.VCPUs), c.s.cfg.Quotas.VCPUs)
		c.add(string(usedVCPUsRow(after.Host)), int64(after.VCPUs), h.VCPUs)
		c.add(string(usedMemoryRow(after.Host)), int64(after.MemoryMiB), h.MemoryMiB)
	}
	if wasActive && !after.active() {
		c.add(string(vcpusRow(after.Account)), -int64(after.VCPUs), 0)
		c.add(string(usedVCPUsRow(after.Host)), -int64(after.VCPUs), 0)
		c.add(string(usedMemoryRow(after.Host)), -int64(after.MemoryMiB), 0)
	}
	if after.State == Terminated {
		if before == nil || before.State == Terminated {
			return nil
		}
		c.add(string(instancesRow(after.Account)), -1, 0)
		c.b.Put(goneRow(after.Changed, after.Account, after.ID), nil)
		c.b.Delete(bindingRow(after.Host, after.ID))
		return nil
	}
	c.b.Put(bindingRow(after.Host, after.ID), schema.Encode(&binding{Account: after.Account, Boot: after.Boot}))
	return nil
}

// add changes a counter, which may not pass limit when it grows.
func (c *change) add(row string, delta, limit int64) {
	c.deltas[row] += delta
	if delta > 0 {
		c.limits[row] = limit
	}
}

// finish completes the batch.
func (c *change) finish() error {
	if err := c.checkQuota(); err != nil {
		return err
	}
	rows := make([]string, 0, len(c.deltas))
	for row := range c.deltas {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	for _, row := range rows {
		if limit, ok := c.limits[row]; ok && c.deltas[row] > 0 {
			c.b.IfCounterAtMost([]byte(row), limit)
		}
		c.b.Add([]byte(row), c.deltas[row])
	}
	if c.nets != nil {
		c.nets.Flush()
	}
	return nil
}

// checkQuota says which quota would be passed. The commit checks again, against what others do meanwhile.
func (c *change) checkQuota() error {
	row := string(instancesRow(c.account))
	if n := c.deltas[row]; n > 0 {
		have, err := counter(c.v, []byte(row))
		if err != nil {
			return err
		}
		if have+n > c.s.cfg.Quotas.Instances {
			return errs.New(errs.Limit, InstanceLimit, "You have requested more instances (%d) than your current instance limit of %d allows.",
				have+n, c.s.cfg.Quotas.Instances)
		}
	}
	row = string(volumesRow(c.account))
	if n := c.deltas[row]; n > 0 {
		have, err := counter(c.v, []byte(row))
		if err != nil {
			return err
		}
		if have+n > c.s.cfg.Quotas.Volumes {
			return errs.New(errs.Limit, VolumeLimit, "Maximum number of volumes (%d) exceeded: there are %d and %d more were asked for.", c.s.cfg.Quotas.Volumes, have, n)
		}
	}
	row = string(vcpusRow(c.account))
	if n := c.deltas[row]; n > 0 {
		have, err := counter(c.v, []byte(row))
		if err != nil {
			return err
		}
		if have+n > c.s.cfg.Quotas.VCPUs {
			return errs.New(errs.Limit, VCPULimit, "You have requested more vCPU capacity than your current vCPU limit of %d allows: "+
				"%d are in use and %d more were asked for.", c.s.cfg.Quotas.VCPUs, have, n)
		}
	}
	return nil
}

// host returns a host with what is free on it, in the view and after what this change takes; nil when there is none.
func (c *change) host(id string) *schedule.Host {
	if c.loadHosts() != nil {
		return nil
	}
	for i := range c.hosts {
		if c.hosts[i].ID == id {
			return &c.hosts[i]
		}
	}
	return nil
}

func (c *change) loadHosts() error {
	if c.hosts != nil {
		return nil
	}
	c.hosts = []schedule.Host{}
	return scan(c.v, rowHost, func(_ []byte, h *Host) error {
		vcpus, err := counter(c.v, usedVCPUsRow(h.ID))
		mib, err2 := counter(c.v, usedMemoryRow(h.ID))
		c.hosts = append(c.hosts, schedule.Host{
			ID: h.ID, Zones: h.Zones, Architecture: h.Architecture, Up: h.State == HostUp, VCPUs: h.VCPUs, MemoryMiB: h.MemoryMiB,
			UsedVCPUs: vcpus, UsedMiB: mib,
		})
		return errors.Join(err, err2)
	})
}

// choose takes room for an instance on the best host.
func (c *change) choose(i *Instance) error {
	if err := c.loadHosts(); err != nil {
		return err
	}
	r := need(i)
	n, err := schedule.Pick(c.hosts, r)
	if err != nil {
		return noCapacity(i, err.Error())
	}
	c.hosts[n].Take(r)
	i.Host = c.hosts[n].ID
	return nil
}

// retake takes room for an instance on the host where its disks are.
func (c *change) retake(i *Instance) error {
	h := c.host(i.Host)
	if h == nil {
		return noCapacity(i, "its host is gone")
	}
	r := need(i)
	if _, err := schedule.Pick([]schedule.Host{*h}, r); err != nil {
		return noCapacity(i, err.Error())
	}
	h.Take(r)
	return nil
}

func need(i *Instance) schedule.Request {
	return schedule.Request{Zone: i.Zone, Architecture: i.Architecture, VCPUs: int64(i.VCPUs), MemoryMiB: int64(i.MemoryMiB)}
}

func noCapacity(i *Instance, why string) error {
	return errs.New(errs.Unavailable, NoCapacity,
		"We currently do not have sufficient %s capacity in the Availability Zone you requested (%s): %s.", i.Type, i.Zone, why).On(i.ID)
}

// Move is what happened to one instance by a call.
type Move struct {
	ID              string
	Previous, State State
}

// moveAll makes one move on several instances of an account, all or none.
func (s *Service) moveAll(ctx context.Context, op, account string, ids []string, move func(c *change, i *Instance) (changed bool, err error)) ([]Move, error) {
	if err := s.able(); err != nil {
		return nil, err
	}
	var moves []Move
	err := s.transact(ctx, op, func(v kv.View, b *kv.Batch) error {
		moves = make([]Move, 0, len(ids))
		c := s.begin(v, b, account)
		found, err := findAll(v, account, ids)
		if err != nil {
			return err
		}
		touched := false
		for _, f := range found {
			before := *f.Instance
			changed, err := move(c, f.Instance)
			if err != nil {
				return err
			}
			moves = append(moves, Move{ID: f.ID, Previous: before.State, State: f.State})
			if !changed {
				continue
			}
			touched = true
			if err := c.put(&before, f.rev, f.Instance); err != nil {
				return err
			}
		}
		if !touched {
			return nil
		}
		return c.finish()
	})
	return moves, err
}

// found is an instance as a view has it.
type found struct {
	*Instance
	rev kv.Index
}

// findAll reads instances of an account, each once; ids that do not exist are an error.
func findAll(r reader, account string, ids []string) ([]found, error) {
	all := make([]found, 0, len(ids))
	var missing []string
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		i, rev, err := getInstance(r, account, id)
		switch {
		case errors.Is(err, kv.ErrNotFound):
			missing = append(missing, id)
		case err != nil:
			return nil, err
		default:
			all = append(all, found{i, rev})
		}
	}
	if len(missing) > 0 {
		return nil, notFound(missing...)
	}
	return all, nil
}
