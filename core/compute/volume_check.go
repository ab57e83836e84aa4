package compute

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
)

// DiskRequest is one block device mapping.
type DiskRequest struct {
	Device     string
	SizeGiB    *int // nil: the image's
	Type       string
	IOPS       *int
	Throughput *int // MiB/s
	Snapshot   string
	Delete     *bool
	NoDevice   bool
	Virtual    string // ephemeralN, a disk of the host
}

// maxDisks is how many volumes an instance has: what a machine has places for.
const maxDisks = 26

// defaultVolumeType is EC2's when a mapping does not say.
const defaultVolumeType = "gp2"

// volumeType is what EBS asks of the volumes of a type, after EC2's documentation of EbsBlockDevice.
type volumeType struct {
	minGiB, maxGiB   int
	minIOPS, maxIOPS int // 0: they cannot be chosen
	perGiB           int // IOPS at most
	noRoot           bool
}

func typeOfVolume(name string) (volumeType, bool) {
	switch name {
	case "gp2":
		return volumeType{minGiB: 1, maxGiB: 16384}, true
	case "gp3":
		return volumeType{minGiB: 1, maxGiB: 65536, minIOPS: gp3IOPS, maxIOPS: 80000, perGiB: 500}, true
	case "io1":
		return volumeType{minGiB: 4, maxGiB: 16384, minIOPS: 100, maxIOPS: 64000, perGiB: 50}, true
	case "io2":
		return volumeType{minGiB: 4, maxGiB: 65536, minIOPS: 100, maxIOPS: 256000, perGiB: 1000}, true
	case "st1", "sc1":
		return volumeType{minGiB: 125, maxGiB: 16384, noRoot: true}, true
	case "standard":
		return volumeType{minGiB: 1, maxGiB: 1024}, true
	}
	return volumeType{}, false
}

// What a gp3 volume has when nothing is said, and the most that can be said.
const (
	gp3IOPS                   = 3000
	gp3Throughput             = 125
	gp3MostThroughput         = 2000
	gp3ThroughputPerIOPS      = 0.25
	gp2PerGiB                 = 3
	gp2LeastIOPS, gp2MostIOPS = 100, 16000
)

// deviceName is what EC2 lets a volume be mapped to on hardware virtual machines. The image's root device may have another.
var deviceName = regexp.MustCompile(`^(/dev/)?(sda1|sd[b-z]|xvd[a-z]|xvd[b-d][a-z])$`)

var ephemeral = regexp.MustCompile(`^ephemeral([0-9]|1[0-9]|2[0-3])$`)

func invalidMapping(msg string, args ...any) error {
	return errs.New(errs.Invalid, InvalidDeviceMapping, msg, args...)
}

// shortName is a device's name without the folder: what EC2 compares and shows.
func shortName(device string) string { return strings.TrimPrefix(device, "/dev/") }

// checkDisks applies the rules for block device mappings of a launch.
func checkDisks(img *Image, asked []DiskRequest) error {
	seen, named := map[string]bool{}, map[string]bool{}
	seen[shortName(img.RootName)] = true
	volumes := 1
	for n := range asked {
		r := &asked[n]
		root := r.Device == img.RootName
		name := shortName(r.Device)
		switch {
		case r.Device == "":
			return errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter BlockDeviceMapping.DeviceName")
		case !root && !deviceName.MatchString(r.Device):
			return invalidMapping("Invalid device name %s", r.Device)
		case named[r.Device], !root && seen[name]:
			return invalidMapping("The device '%s' is used in more than one block-device mapping", name)
		}
		named[r.Device], seen[name] = true, true
		switch {
		case r.NoDevice && root:
			return invalidMapping("The root device '%s' cannot be left out", r.Device)
		case r.NoDevice:
			continue // the image maps nothing there anyhow
		case r.Virtual != "" && (root || !ephemeral.MatchString(r.Virtual)):
			return invalidMapping("Invalid virtual name '%s' for the device %s", r.Virtual, r.Device)
		case r.Virtual != "":
			continue // there are none: EC2 leaves out what the instance type does not have
		}
		if !root {
			volumes++
		}
		if err := r.check(img, root); err != nil {
			return err
		}
	}
	if volumes > maxDisks {
		return errs.New(errs.Limit, AttachmentLimit, "An instance has at most %d volumes, not %d.", maxDisks, volumes)
	}
	return nil
}

// check applies the rules for one volume. The sentences are those that EC2 is on record with.
func (r *DiskRequest) check(img *Image, root bool) error {
	kind := cmp.Or(r.Type, defaultVolumeType)
	t, ok := typeOfVolume(kind)
	if !ok {
		return invalidValue("Value (%s) for parameter volumeType is invalid.", kind)
	}
	switch {
	case root && r.Snapshot != "" && r.Snapshot != img.Snapshot:
		return invalidMapping("snapshotId cannot be modified on root device")
	case !root && r.Snapshot != "":
		return unsupported("Volumes made from snapshots are not built yet.")
	case !root && r.SizeGiB == nil:
		return errs.New(errs.Invalid, MissingParameter, "The request must contain the parameter size or snapshotId")
	case root && r.SizeGiB != nil && *r.SizeGiB > 0 && *r.SizeGiB < img.SizeGiB:
		return invalidMapping("Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB", *r.SizeGiB, img.Snapshot, img.SizeGiB)
	}
	size := img.SizeGiB
	if r.SizeGiB != nil {
		size = *r.SizeGiB
	}
	switch {
	case size < t.minGiB:
		return invalidValue("The volume size is invalid for %s volumes: %d GiB. %s volumes must be at least %d GiB in size. "+
			"Please specify a volume size above the minimum limit", kind, size, kind, t.minGiB)
	case size > t.maxGiB:
		return invalidValue("Volume of %dGiB is too large for volume type %s; maximum is %dGiB", size, kind, t.maxGiB)
	case root && t.noRoot: // EC2 speaks of iops that nobody gave, see aws/aws-sdk#542
		return invalidCombination("The parameter iops is not supported for %s volumes.", kind)
	}
	return r.checkPerformance(kind, &t, size)
}

func (r *DiskRequest) checkPerformance(kind string, t *volumeType, size int) error {
	iops := gp3IOPS
	switch {
	case r.IOPS != nil && t.maxIOPS == 0:
		return invalidCombination("The parameter iops is not supported for %s volumes.", kind)
	case r.IOPS == nil && t.maxIOPS != 0 && kind != "gp3":
		return invalidCombination("The parameter iops must be specified for %s volumes.", kind)
	case r.IOPS != nil:
		iops = *r.IOPS
		switch {
		case iops < t.minIOPS:
			return invalidValue("Volume iops of %d is too low; minimum is %d.", iops, t.minIOPS)
		case iops > t.maxIOPS:
			return invalidValue("Volume iops of %d is too high; maximum is %d.", iops, t.maxIOPS)
		case iops > max(t.perGiB*size, t.baseline(kind)):
			return invalidValue("Iops to volume size ratio of %f is too high; maximum is %d", float64(iops)/float64(size), t.perGiB)
		}
	}
	if r.Throughput == nil {
		return nil
	}
	th := *r.Throughput
	switch {
	case kind != "gp3":
		return invalidCombination("The throughput parameter is not supported for %s volumes.", kind)
	case th < gp3Throughput:
		return invalidValue("Volume throughput of %d is too low; minimum is %d.", th, gp3Throughput)
	case th > gp3MostThroughput:
		return invalidValue("Volume throughput of %d is too high; maximum is %d.", th, gp3MostThroughput)
	case float64(th) > gp3ThroughputPerIOPS*float64(iops):
		return invalidValue("Throughput (MiBps) to iops ratio of %f is too high; maximum is %f MiBps per iops.", float64(th)/float64(iops), gp3ThroughputPerIOPS)
	}
	return nil
}

// baseline is what a volume has however small it is.
func (t *volumeType) baseline(kind string) int {
	if kind == "gp3" {
		return gp3IOPS
	}
	return 0
}

// attachDisks gives an instance its disks: the root disk of the image, changed as asked, and empty ones. It returns the volumes
// behind them, which checkDisks has passed.
func attachDisks(i *Instance, img *Image, asked []DiskRequest) []*Volume {
	root := DiskRequest{Device: img.RootName}
	rest := make([]*DiskRequest, 0, len(asked))
	for n := range asked {
		switch r := &asked[n]; {
		case r.Device == img.RootName:
			root = *r
		case !r.NoDevice && r.Virtual == "":
			rest = append(rest, r)
		}
	}
	var all []*Volume
	i.Disks = nil
	for n, r := range append([]*DiskRequest{&root}, rest...) {
		v := &Volume{ID: ids.New(ids.Volume), Account: i.Account, SizeGiB: img.SizeGiB, Type: cmp.Or(r.Type, defaultVolumeType), Created: i.Created, Instance: i.ID}
		if r.SizeGiB != nil {
			v.SizeGiB = *r.SizeGiB
		}
		v.perform(r)
		if n == 0 {
			v.Image, v.Snapshot, v.Base = img.ID, img.Snapshot, img.Source.Disk
		}
		goes := r.Delete == nil || *r.Delete
		i.Disks = append(i.Disks, Disk{Device: r.Device, Volume: v.ID, SizeGiB: v.SizeGiB, Type: v.Type, Delete: goes, Attached: i.Created})
		all = append(all, v)
	}
	return all
}

// perform notes what a volume can do. It is what clients compare with what they asked for; nothing is slowed down to it.
func (v *Volume) perform(r *DiskRequest) {
	if r.IOPS != nil {
		v.IOPS = *r.IOPS
	}
	switch v.Type {
	case "gp2":
		v.IOPS = min(max(gp2PerGiB*v.SizeGiB, gp2LeastIOPS), gp2MostIOPS)
	case "gp3":
		v.IOPS, v.Throughput = cmp.Or(v.IOPS, gp3IOPS), gp3Throughput
		if r.Throughput != nil {
			v.Throughput = *r.Throughput
		}
	}
}
