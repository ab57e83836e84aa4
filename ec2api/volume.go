package ec2api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// notesVolumes is what all actions of volumes lack.
const notesVolumes = "only the disks that instances were launched with"

// volumes shows the disks of the account's instances as EC2's volumes. They come and go with their instances.
func (s *Server) volumes(ctx context.Context, c *Call) ([]model.Volume, error) {
	instances, err := s.cfg.Compute.Instances(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	tagged, err := s.volumeTags(ctx, c.Account())
	if err != nil {
		return nil, errs.Wrap("ec2api.volumes", errs.Internal, err)
	}
	var all []model.Volume
	for _, i := range instances {
		if i.State == compute.Terminated {
			continue
		}
		for n := range i.Disks {
			all = append(all, s.showVolume(i, &i.Disks[n], tagged[i.Disks[n].Volume]))
		}
	}
	return all, nil
}

func (s *Server) volumeTags(ctx context.Context, account string) (_ map[string]tags.Set, err error) {
	v, err := s.cfg.Tags.View(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return tags.All(v, account, string(ids.Volume)+"-")
}

// showVolume makes the answer's form of a disk. Performance is not limited here: what is told are the figures that a
// volume of its type begins with on AWS, which clients compare with their defaults.
func (s *Server) showVolume(i *compute.Instance, d *compute.Disk, set tags.Set) model.Volume {
	attached := time.UnixMilli(d.Attached).UTC()
	v := model.Volume{
		VolumeId: new(d.Volume), Size: new(d.SizeGiB), SnapshotId: new(""), AvailabilityZone: new(i.Zone), AvailabilityZoneId: new(s.network.ZoneID(i.Zone)), State: new(model.VolumeStateInUse),
		CreateTime: new(time.UnixMilli(i.Created).UTC()), VolumeType: new(orText(d.Type, "gp2")), Encrypted: new(false),
		MultiAttachEnabled: new(false), Operator: ownOperator(), Tags: renderTags(set),
		Attachments: []model.VolumeAttachment{{
			AttachTime: &attached, Device: new(d.Device), InstanceId: new(i.ID), State: new(model.VolumeAttachmentStateAttached),
			VolumeId: new(d.Volume), DeleteOnTermination: new(d.Delete), EbsCardIndex: new(0),
		}},
	}
	const gp3IOPS, gp3Throughput, perGiB, leastIOPS, mostIOPS = 3000, 125, 3, 100, 16000
	switch *v.VolumeType {
	case "gp3":
		v.Iops, v.Throughput = new(gp3IOPS), new(gp3Throughput)
	case "gp2":
		v.Iops = new(min(max(perGiB*d.SizeGiB, leastIOPS), mostIOPS))
	}
	return v
}

var volumeFilters = filter.Set[model.Volume]{
	Fields: map[string]func(*model.Volume) []string{
		"attachment.attach-time":           func(v *model.Volume) []string { return moment(v.Attachments[0].AttachTime) },
		"attachment.delete-on-termination": func(v *model.Volume) []string { return truth(v.Attachments[0].DeleteOnTermination) },
		"attachment.device":                func(v *model.Volume) []string { return word(v.Attachments[0].Device) },
		"attachment.instance-id":           func(v *model.Volume) []string { return word(v.Attachments[0].InstanceId) },
		"attachment.status":                func(v *model.Volume) []string { return word(v.Attachments[0].State) },
		"availability-zone":                func(v *model.Volume) []string { return word(v.AvailabilityZone) },
		"availability-zone-id":             func(v *model.Volume) []string { return word(v.AvailabilityZoneId) },
		"create-time":                      func(v *model.Volume) []string { return moment(v.CreateTime) },
		"encrypted":                        func(v *model.Volume) []string { return truth(v.Encrypted) },
		"fast-restored":                    func(*model.Volume) []string { return []string{"false"} },
		"multi-attach-enabled":             func(v *model.Volume) []string { return truth(v.MultiAttachEnabled) },
		"operator.managed":                 func(*model.Volume) []string { return []string{"false"} },
		"operator.principal":               nil,
		"size":                             func(v *model.Volume) []string { return []string{strconv.Itoa(model.Val(v.Size))} },
		"snapshot-id":                      nil,
		"status":                           func(v *model.Volume) []string { return word(v.State) },
		"volume-id":                        func(v *model.Volume) []string { return word(v.VolumeId) },
		"volume-type":                      func(v *model.Volume) []string { return word(v.VolumeType) },
	},
	Tags: func(v *model.Volume) map[string]string { return tagMap(v.Tags) },
}

func moment(t *time.Time) []string { return []string{t.UTC().Format(ec2xml.TimeFormat)} }
