package libvirt

import (
	"context"
	"fmt"

	lv "github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// List returns all machines of the owner. Their states are the answer to one call, however many there are; whose they are is
// asked of each once.
func (d *Driver) List(ctx context.Context) ([]hypervisor.Machine, error) {
	var found []lv.DomainStatsRecord
	err := d.call(ctx, "list", "", func(l *lv.Libvirt) error {
		records, err := l.ConnectGetAllDomainStats(nil, uint32(lv.DomainStatsState), 0)
		if err != nil {
			return err
		}
		found = records
		return nil
	})
	if err != nil {
		return nil, err
	}
	mine, err := d.owned(ctx, found)
	if err != nil {
		return nil, err
	}
	all := make([]hypervisor.Machine, 0, len(found))
	for n, r := range found {
		if !mine[n] {
			continue
		}
		m := hypervisor.Machine{Name: r.Dom.Name, UUID: formatUUID(r.Dom.UUID)}
		if m.State, m.Reason, err = stateIn(r.Params); err != nil {
			return nil, fmt.Errorf("list: %s: %w", r.Dom.Name, err)
		}
		all = append(all, m)
	}
	sortMachines(all)
	return all, nil
}

// owned tells which domains are the owner's. A driver that was opened anew knows of none, so the connections ask at once.
func (d *Driver) owned(ctx context.Context, found []lv.DomainStatsRecord) ([]bool, error) {
	mine := make([]bool, len(found))
	askers := d.cfg.Connections
	work, ctx := errgroup.WithContext(ctx)
	for first := range min(askers, len(found)) {
		work.Go(func() error {
			// A call that is broken off goes on by itself, so it has marks of its own.
			var got []int
			err := d.call(ctx, "list", "", func(l *lv.Libvirt) error {
				var of []int
				for n := first; n < len(found); n += askers {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					owner, err := d.owner(l, found[n].Dom)
					if isCode(err, lv.ErrNoDomain) {
						continue // gone since it was listed
					}
					if err != nil {
						return err
					}
					if owner == d.cfg.Owner {
						of = append(of, n)
					}
				}
				got = of
				return nil
			})
			if err != nil {
				return err
			}
			for _, n := range got {
				mine[n] = true
			}
			return nil
		})
	}
	return mine, work.Wait()
}

// stateIn reads the state of a domain from its statistics.
func stateIn(params []lv.TypedParam) (hypervisor.State, hypervisor.Reason, error) {
	state, reason := int32(-1), int32(0)
	for _, p := range params {
		n, ok := p.Value.I.(int32)
		switch {
		case !ok:
		case p.Field == "state.state":
			state = n
		case p.Field == "state.reason":
			reason = n
		}
	}
	if state < 0 {
		return 0, 0, fmt.Errorf("%w: libvirt does not tell its state", hypervisor.ErrUnsupported)
	}
	s, r := translate(lv.DomainState(state), reason)
	return s, r, nil
}
