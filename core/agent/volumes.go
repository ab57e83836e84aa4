package agent

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
)

const diskSuffix = ".qcow2"

// isVolume tells whether a name on the host is that of a volume; it guards paths.
func isVolume(id string) bool { return strings.HasPrefix(id, "vol-") && !strings.ContainsAny(id, "/.") }

// formerPath is where the file of a volume was when it lay in its instance's folder.
func (a *Agent) formerPath(instance, volume string) string {
	return filepath.Join(a.dir(instance), volume+diskSuffix)
}

func (a *Agent) pathOf(volume string) string { return filepath.Join(a.volumesDir(), volume+diskSuffix) }

// volumePath is where the file of an instance's volume is, or is to be.
func (a *Agent) volumePath(instance, volume string) string {
	if former := a.formerPath(instance, volume); exists(former) {
		return former
	}
	return a.pathOf(volume)
}

// keepVolumes takes the volumes that outlive an instance out of its folder. Its machine is off.
func (a *Agent) keepVolumes(i *compute.Instance) error {
	for _, d := range i.Disks {
		if former := a.formerPath(i.ID, d.Volume); !d.Delete && exists(former) {
			if err := moveDurably(former, a.pathOf(d.Volume)); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeVolumes removes the volumes that go with an instance. Its machine is gone.
func (a *Agent) removeVolumes(i *compute.Instance) error {
	for _, d := range i.Disks {
		if d.Delete {
			if err := removeFile(a.pathOf(d.Volume)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropVolume removes a volume that is to go, or a file that is no volume's any more.
func (a *Agent) dropVolume(ctx context.Context, id string) error {
	volumes, err := a.cfg.Compute.VolumesOn(ctx, a.cfg.Host)
	if err != nil || volumes[id] != nil {
		return err
	}
	if err := removeFile(a.pathOf(id)); err != nil {
		return err
	}
	return a.cfg.Compute.VolumeGone(ctx, a.cfg.Host, id)
}
