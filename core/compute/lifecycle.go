package compute

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Start starts stopped instances, each on the host where its disks are.
func (s *Service) Start(ctx context.Context, account string, ids []string) ([]Move, error) {
	return s.moveAll(ctx, "compute.Start", account, ids, func(c *change, i *Instance) (bool, error) {
		changed, err := i.start(c.now)
		if err != nil || !changed {
			return false, err
		}
		if err := c.retake(i); err != nil {
			return false, err
		}
		return true, c.network().StartInstance(i.ID)
	})
}

// Stop stops running instances: the guest is asked, or, with force, not.
func (s *Service) Stop(ctx context.Context, account string, ids []string, force bool) ([]Move, error) {
	return s.moveAll(ctx, "compute.Stop", account, ids, func(c *change, i *Instance) (bool, error) {
		return i.stop(c.now, force)
	})
}

// Reboot asks the guests to restart.
func (s *Service) Reboot(ctx context.Context, account string, ids []string) error {
	_, err := s.moveAll(ctx, "compute.Reboot", account, ids, func(_ *change, i *Instance) (bool, error) {
		return i.reboot()
	})
	return err
}

// Terminate ends instances for good.
func (s *Service) Terminate(ctx context.Context, account string, ids []string) ([]Move, error) {
	return s.moveAll(ctx, "compute.Terminate", account, ids, func(c *change, i *Instance) (bool, error) {
		return i.terminate(c.now)
	})
}

// Monitor turns detailed monitoring on or off. Metrics are the same either way; what is answered is what was asked for.
func (s *Service) Monitor(ctx context.Context, account string, ids []string, on bool) error {
	_, err := s.moveAll(ctx, "compute.Monitor", account, ids, func(_ *change, i *Instance) (bool, error) {
		if i.State == Terminated || i.State == ShuttingDown {
			return false, errs.New(errs.Conflict, InvalidState, "The instance '%s' is not in a state from which it can be monitored.", i.ID).On(i.ID)
		}
		changed := i.Monitoring != on
		i.Monitoring = on
		return changed, nil
	})
	return err
}

// Report is what a host saw of an instance. What goes with the new state, such as giving addresses and capacity back, is part
// of the same commit. A report about an instance that is gone changes nothing.
func (s *Service) Report(ctx context.Context, account, id string, sight Sight) error {
	return s.transact(ctx, "compute.Report", func(v kv.View, b *kv.Batch) error {
		i, rev, err := getInstance(v, account, id)
		if err != nil {
			return ignoreAbsent(err)
		}
		before := *i
		c := s.begin(v, b, account)
		if !i.see(c.now, sight) {
			return nil
		}
		switch {
		case i.State == before.State:
		case i.State == Terminated:
			if err := c.network().ReleaseInstance(i.ID); err != nil {
				return err
			}
			if err := c.releaseVolumes(i); err != nil {
				return err
			}
		case i.State == Stopped:
			if err := c.network().StopInstance(i.ID); err != nil {
				return err
			}
		}
		if err := c.put(&before, rev, i); err != nil {
			return err
		}
		return c.finish()
	})
}
