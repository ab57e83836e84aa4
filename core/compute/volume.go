package compute

import (
	"context"
	"errors"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

func volumeNotFound(id string) error {
	return errs.New(errs.NotFound, VolumeNotFound, "The volume '%s' does not exist.", id).On(id)
}

// getVolume reads a volume of an account; kv.ErrNotFound when there is none.
func getVolume(r reader, account, id string) (*Volume, kv.Index, error) {
	v, err := r.Get(volumeRow(account, id))
	if err != nil {
		return nil, 0, err
	}
	d := new(Volume)
	return d, v.Revision, schema.Decode(v.Data, d)
}

// putVolume writes a new volume.
func (c *change) putVolume(d *Volume) {
	row := volumeRow(d.Account, d.ID)
	c.b.IfAbsent(row)
	c.b.Put(row, schema.Encode(d))
	c.add(string(volumesRow(d.Account)), 1, c.s.cfg.Quotas.Volumes)
}

// dropVolume removes what the store has of a volume.
func (c *change) dropVolume(account, id string) {
	c.b.Delete(volumeRow(account, id))
	tags.Delete(c.b, account, id)
	c.add(string(volumesRow(account)), -1, 0)
}

// releaseVolumes parts an instance that ended from its volumes: those that go with it are gone, the others are available.
func (c *change) releaseVolumes(i *Instance) error {
	for n := range i.Disks {
		id := i.Disks[n].Volume
		d, rev, err := getVolume(c.v, i.Account, id)
		if errors.Is(err, kv.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		c.b.IfRevision(volumeRow(i.Account, id), rev)
		if i.Disks[n].Delete {
			c.dropVolume(i.Account, id)
			continue
		}
		d.Instance = ""
		c.b.Put(volumeRow(i.Account, id), schema.Encode(d))
	}
	return nil
}

// VolumeShown is a volume with how an instance has it.
type VolumeShown struct {
	*Volume
	Disk *Disk // nil when no instance has it
	Tags tags.Set
}

// Volumes returns all volumes of an account: one moment of the store.
func (s *Service) Volumes(ctx context.Context, account string) ([]VolumeShown, error) {
	var all []VolumeShown
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		disks := map[string]*Disk{}
		err := scan(v, rowInstance+account, func(_ []byte, i *Instance) error {
			for n := range i.Disks {
				if i.State != Terminated {
					disks[i.Disks[n].Volume] = &i.Disks[n]
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		tagged, err := tags.All(v, account, "vol-")
		if err != nil {
			return err
		}
		return scan(v, rowVolume+account, func(_ []byte, d *Volume) error {
			all = append(all, VolumeShown{d, disks[d.ID], tagged[d.ID]})
			return nil
		})
	})
	return all, rows.Failed("compute.Volumes", err)
}

// DeleteVolume has a volume removed that no instance has.
func (s *Service) DeleteVolume(ctx context.Context, account, id string) error {
	if err := s.able(); err != nil {
		return err
	}
	return s.transact(ctx, "compute.DeleteVolume", func(v kv.View, b *kv.Batch) error {
		d, rev, err := getVolume(v, account, id)
		switch {
		case errors.Is(err, kv.ErrNotFound):
			return volumeNotFound(id)
		case err != nil:
			return err
		case d.Instance != "":
			return errs.New(errs.Conflict, VolumeInUse, "Volume %s is currently attached to %s", id, d.Instance).On(id)
		case d.Deleting:
			return volumeNotFound(id)
		}
		d.Deleting = true
		b.IfRevision(volumeRow(account, id), rev)
		b.Put(volumeRow(account, id), schema.Encode(d))
		b.Put(doomedRow(d.Host, id), schema.Encode(&binding{Account: account}))
		return nil
	})
}

// Doomed lists the volumes that a host is to remove.
func (s *Service) Doomed(ctx context.Context, host string) ([]string, error) {
	var all []string
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		return scan(v, rowDoomed+host+"/", func(row []byte, _ *binding) error {
			all = append(all, strings.TrimPrefix(string(row), rowDoomed+host+"/"))
			return nil
		})
	})
	return all, err
}

// DoomedOn tells which volume a committed row has a host remove: what the host watches beside its instances.
func DoomedOn(host string, row []byte) (volume string, ok bool) {
	return strings.CutPrefix(string(row), rowDoomed+host+"/")
}

// VolumesOn returns the volumes that have their file on a host, by id. Those that are to be removed are not among them.
func (s *Service) VolumesOn(ctx context.Context, host string) (map[string]*Volume, error) {
	var all map[string]*Volume
	err := s.view(ctx, func(v kv.View) error {
		all = map[string]*Volume{}
		return scan(v, rowVolume, func(_ []byte, d *Volume) error {
			if d.Host == host && !d.Deleting {
				all[d.ID] = d
			}
			return nil
		})
	})
	return all, err
}

// VolumeGone is the host's report that nothing is left of a volume that it was to remove.
func (s *Service) VolumeGone(ctx context.Context, host, id string) error {
	return s.transact(ctx, "compute.VolumeGone", func(v kv.View, b *kv.Batch) error {
		row := doomedRow(host, id)
		val, err := v.Get(row)
		if err != nil {
			return ignoreAbsent(err)
		}
		var bound binding
		if err := schema.Decode(val.Data, &bound); err != nil {
			return err
		}
		c := s.begin(v, b, bound.Account)
		b.IfRevision(row, val.Revision)
		b.Delete(row)
		c.dropVolume(bound.Account, id)
		return c.finish()
	})
}

// adoptBatch bounds one commit of adoptDisks.
const adoptBatch = 500

// adoptDisks makes volumes of the disks of instances that were made before volumes were rows of their own.
func (s *Service) adoptDisks(ctx context.Context) error {
	for {
		n := 0
		err := s.transact(ctx, "compute.adoptDisks", func(v kv.View, b *kv.Batch) error {
			n = 0
			have := map[string]bool{}
			err := scan(v, rowVolume, func(_ []byte, d *Volume) error {
				have[d.ID] = true
				return nil
			})
			counts := map[string]int64{}
			err = errors.Join(err, scan(v, rowInstance, func(_ []byte, i *Instance) error {
				for at := range i.Disks {
					if d := &i.Disks[at]; i.State != Terminated && !have[d.Volume] && n < adoptBatch {
						n++
						counts[i.Account]++
						row := volumeRow(i.Account, d.Volume)
						b.IfAbsent(row)
						b.Put(row, schema.Encode(volumeOf(i, d)))
					}
				}
				return nil
			}))
			for account, more := range counts {
				b.Add(volumesRow(account), more)
			}
			return err
		})
		if err != nil || n < adoptBatch {
			return err
		}
	}
}

// volumeOf is the volume behind a root disk.
func volumeOf(i *Instance, d *Disk) *Volume {
	v := &Volume{ID: d.Volume, Account: i.Account, Zone: i.Zone, Host: i.Host, SizeGiB: d.SizeGiB, Type: d.Type, Created: i.Created,
		Image: i.Image, Base: i.Source.Disk, Instance: i.ID}
	v.perform(&DiskRequest{})
	return v
}
