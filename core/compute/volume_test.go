package compute_test

import (
	"testing"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// withDisk asks for an instance with a volume beside the root volume.
func (c *cloud) withDisk(stays bool) *compute.RunInput {
	in := c.input(1, 1)
	size, goes := 5, !stays
	in.Disks = []compute.DiskRequest{{Device: "/dev/sdf", SizeGiB: &size, Delete: &goes}}
	in.VolumeTags = tags.Set{{Key: "use", Value: "data"}}
	return in
}

func (c *cloud) end(t *testing.T, i *compute.Instance) {
	t.Helper()
	if _, err := c.Terminate(t.Context(), i.Account, []string{i.ID}); err != nil {
		t.Fatal(err)
	}
	if err := c.Report(t.Context(), i.Account, i.ID, compute.Sight{Seen: compute.SeenGone}); err != nil {
		t.Fatal(err)
	}
}

// volumes are those of the account by their ids.
func (c *cloud) volumes(t *testing.T) map[string]compute.VolumeShown {
	t.Helper()
	list, err := c.Volumes(t.Context(), c.who.AccountID)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]compute.VolumeShown{}
	for _, v := range list {
		all[v.ID] = v
	}
	return all
}

// A volume that outlives its instance keeps its tags and its place in the quota, until the host has removed it.
func TestVolumesOutliveTheirInstance(t *testing.T) {
	q := compute.DefaultQuotas()
	q.Volumes = 3
	c := open(t, 1000, 1<<20, q)
	ctx := t.Context()
	res, err := c.Run(ctx, c.who, c.withDisk(true))
	if err != nil {
		t.Fatal(err)
	}
	i := res.Instances[0]
	root, data := i.Disks[0].Volume, i.Disks[1].Volume
	if all := c.volumes(t); len(all) != 2 || all[root].Instance != i.ID || all[data].Disk.Device != "/dev/sdf" || all[data].SizeGiB != 5 || all[data].Host != host {
		t.Fatalf("%+v", all)
	}
	if _, err := c.Run(ctx, c.who, c.withDisk(false)); errs.ReasonOf(err) != compute.VolumeLimit {
		t.Errorf("beyond the quota: %v", err)
	}
	if err := c.DeleteVolume(ctx, i.Account, data); errs.ReasonOf(err) != compute.VolumeInUse {
		t.Errorf("deleting a volume in use: %v", err)
	}
	c.end(t, i)
	all := c.volumes(t)
	if v, there := all[data]; len(all) != 1 || !there || v.Instance != "" || v.Disk != nil || len(v.Tags) != 1 {
		t.Fatalf("after the end: %+v", all)
	}
	if err := c.DeleteVolume(ctx, i.Account, data); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteVolume(ctx, i.Account, data); errs.ReasonOf(err) != compute.VolumeNotFound {
		t.Errorf("deleting it again: %v", err)
	}
	doomed, err := c.Doomed(ctx, host)
	if err != nil || len(doomed) != 1 || doomed[0] != data || !c.volumes(t)[data].Deleting {
		t.Fatalf("the host is to remove %v, %v", doomed, err)
	}
	for range 2 { // a report may come twice
		if err := c.VolumeGone(ctx, host, data); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.volumes(t)) != 0 {
		t.Error("it is still there")
	}
	in := c.withDisk(false)
	in.Disks = append(in.Disks, compute.DiskRequest{Device: "/dev/sdg", SizeGiB: in.Disks[0].SizeGiB})
	if res, err = c.Run(ctx, c.who, in); err != nil {
		t.Errorf("the quota is not free again: %v", err)
	}
	c.end(t, res.Instances[0])
	if all := c.volumes(t); len(all) != 0 {
		t.Errorf("left: %v", all)
	}
}

// The bytes of a deregistered image stay as long as a root volume lies on them, with or without an instance.
func TestVolumesKeepTheirImage(t *testing.T) {
	c := open(t, 1000, 1<<20, compute.DefaultQuotas())
	ctx := t.Context()
	in := c.input(1, 1)
	stays := false
	in.Disks = []compute.DiskRequest{{Device: "/dev/sda1", Delete: &stays}}
	res, err := c.Run(ctx, c.who, in)
	if err != nil {
		t.Fatal(err)
	}
	i := res.Instances[0]
	if err := c.Deregister(ctx, i.Account, c.image); err != nil {
		t.Fatal(err)
	}
	c.end(t, i)
	if err := c.Reap(ctx); err != nil || c.objects.len() != 1 {
		t.Errorf("%d objects while the volume is there: %v", c.objects.len(), err)
	}
	if err := c.DeleteVolume(ctx, i.Account, i.Disks[0].Volume); err != nil {
		t.Fatal(err)
	}
	if err := c.VolumeGone(ctx, host, i.Disks[0].Volume); err != nil {
		t.Fatal(err)
	}
	if err := c.Reap(ctx); err != nil || c.objects.len() != 0 {
		t.Errorf("%d objects when it is gone: %v", c.objects.len(), err)
	}
}

// Instances of a store that knows no volumes get them when it is opened.
func TestDisksBecomeVolumes(t *testing.T) {
	c := open(t, 1000, 1<<20, compute.DefaultQuotas())
	ctx := t.Context()
	res, err := c.Run(ctx, c.who, c.input(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	i := res.Instances[0]
	before := c.volumes(t)[i.Disks[0].Volume]
	var b kv.Batch
	b.Delete(compute.VolumeRow(i.Account, i.Disks[0].Volume))
	if _, err := c.store.Commit(ctx, kv.Control, &b); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.AdoptDisks(ctx); err != nil {
			t.Fatal(err)
		}
		after, there := c.volumes(t)[i.Disks[0].Volume]
		if !there {
			t.Fatal("there is no volume")
		}
		before.Snapshot = "" // instances do not know it
		if *after.Volume != *before.Volume {
			t.Errorf("%+v, want %+v", after.Volume, before.Volume)
		}
	}
}
