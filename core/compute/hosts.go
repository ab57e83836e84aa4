package compute

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/aureole-cloud/aureole/storage/kv"
)

// The states of a host.
const (
	HostUp   = "up"
	HostDown = "down"
)

// SetHost notes what a host has and how it is. It returns what was noted before, with an empty ID when the host is new.
func (s *Service) SetHost(ctx context.Context, h Host) (before Host, err error) {
	if h.ID == "" || strings.ContainsAny(h.ID, "/\x00") {
		return Host{}, fmt.Errorf("compute: host id %q", h.ID)
	}
	err = s.transact(ctx, "compute.SetHost", func(v kv.View, b *kv.Batch) error {
		before = Host{}
		row := hostRow(h.ID)
		val, err := v.Get(row)
		switch {
		case err == nil:
			if err := schema.Decode(val.Data, &before); err != nil {
				return err
			}
		case !errors.Is(err, kv.ErrNotFound):
			return err
		}
		if reflect.DeepEqual(before, h) {
			return nil
		}
		b.IfRevision(row, val.Revision)
		b.Put(row, schema.Encode(&h))
		return nil
	})
	return before, err
}

// Bound returns the instances that a host must look after, as the store has them. They are shared: they must not be changed.
func (s *Service) Bound(ctx context.Context, host string) ([]*Instance, error) {
	var all []*Instance
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		return scan(v, rowBinding+host+"/", func(row []byte, bound *binding) error {
			_, id, _ := splitBinding(row)
			at := instanceRow(bound.Account, id)
			val, err := v.Get(at)
			if err != nil {
				return ignoreAbsent(err)
			}
			i, err := s.decoded(at, val.Data, val.Revision)
			if err == nil {
				all = append(all, i)
			}
			return err
		})
	})
	return all, err
}

// BoundTo tells which instance of a host a committed row is about: what the host watches.
func BoundTo(host string, row []byte) (instance string, ok bool) {
	h, id, ok := splitBinding(row)
	return id, ok && h == host
}

// Get returns an instance of a host by its id alone; nil when the host has none of it (any more).
func (s *Service) Get(ctx context.Context, host, id string) (*Instance, error) {
	var i *Instance
	err := s.view(ctx, func(v kv.View) error {
		i = nil
		val, err := v.Get(bindingRow(host, id))
		if err != nil {
			return ignoreAbsent(err)
		}
		var bound binding
		if err := schema.Decode(val.Data, &bound); err != nil {
			return err
		}
		i, _, err = getInstance(v, bound.Account, id)
		return ignoreAbsent(err)
	})
	return i, err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, kv.ErrNotFound) {
		return nil
	}
	return err
}
