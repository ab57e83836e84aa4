package compute

import (
	"context"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// InstanceChange is a ModifyInstanceAttribute or one of its kin; nil fields stay.
type InstanceChange struct {
	Type             *string
	UserData         *[]byte
	ShutdownBehavior *string
	NoTerminate      *bool
	NoStop           *bool
	EBSOptimized     *bool
	CPUCredits       *string
	Metadata         *MetadataOptions // empty fields stay
	Disks            map[string]bool  // by device: whether its volume goes with the instance
}

// Modify changes attributes of an instance. What a machine is made of changes only while it is stopped.
func (s *Service) Modify(ctx context.Context, account, id string, c InstanceChange) (*Instance, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var out *Instance
	err := s.transact(ctx, "compute.Modify", func(v kv.View, b *kv.Batch) error {
		found, err := findAll(v, account, []string{id})
		if err != nil {
			return err
		}
		before, i := *found[0].Instance, found[0].Instance
		if i.State == Terminated || i.State == ShuttingDown {
			return incorrectState(i, "modified")
		}
		if (c.Type != nil || c.UserData != nil || c.EBSOptimized != nil) && i.State != Stopped {
			return errs.New(errs.Conflict, IncorrectState, "The instance '%s' is not in the 'stopped' state.", i.ID).On(i.ID)
		}
		if err := s.modify(i, &c); err != nil {
			return err
		}
		out = i
		ch := s.begin(v, b, account)
		if err := ch.put(&before, found[0].rev, i); err != nil {
			return err
		}
		return ch.finish()
	})
	return out, err
}

func (c *InstanceChange) check() error {
	if c.UserData != nil && len(*c.UserData) > MaxUserData {
		return invalidValue("User data is limited to %d bytes", MaxUserData)
	}
	if b := c.ShutdownBehavior; b != nil && *b != "stop" && *b != "terminate" {
		return invalidValue("Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid. Unknown instance initiated shutdown behavior.", *b)
	}
	if b := c.CPUCredits; b != nil && *b != "standard" && *b != "unlimited" {
		return invalidCredits(*b)
	}
	if c.Metadata != nil {
		return c.Metadata.check()
	}
	return nil
}

func (s *Service) modify(i *Instance, c *InstanceChange) error {
	if c.Type != nil {
		t, ok := s.cfg.Types(*c.Type)
		if !ok {
			return errs.New(errs.Invalid, InvalidAttribute, "Invalid value '%s' for InstanceType.", *c.Type)
		}
		if !t.supports(i.Architecture) {
			return invalidValue("The architecture '%s' of the instance type %s does not match that of the instance, '%s'.", strings.Join(t.Architectures, ", "), t.Name, i.Architecture)
		}
		i.Type, i.VCPUs, i.MemoryMiB = t.Name, t.VCPUs, t.MemoryMiB
		i.CPUCredits = t.Credits
	}
	if c.CPUCredits != nil {
		if i.CPUCredits == "" {
			return errs.New(errs.Invalid, CreditsUnsupported, "The instance type %s does not support CPU credits.", i.Type).On(i.ID)
		}
		i.CPUCredits = *c.CPUCredits
	}
	if c.UserData != nil {
		i.UserData = *c.UserData
	}
	set(&i.ShutdownBehavior, c.ShutdownBehavior)
	set(&i.NoTerminate, c.NoTerminate)
	set(&i.NoStop, c.NoStop)
	set(&i.EBSOptimized, c.EBSOptimized)
	for device, goes := range c.Disks {
		n := slices.IndexFunc(i.Disks, func(d Disk) bool { return d.Device == device })
		if n < 0 {
			return errs.New(errs.Invalid, InvalidAttribute, "No device is currently mapped at %s", device)
		}
		i.Disks[n].Delete = goes
	}
	if m := c.Metadata; m != nil {
		setIf(&i.Metadata.Tokens, m.Tokens)
		setIf(&i.Metadata.HopLimit, m.HopLimit)
		setIf(&i.Metadata.Endpoint, m.Endpoint)
		setIf(&i.Metadata.IPv6, m.IPv6)
		setIf(&i.Metadata.Tags, m.Tags)
	}
	return nil
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

func setIf[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
}
