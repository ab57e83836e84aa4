package ec2api

import (
	"context"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// volumes shows the account's volumes.
func (s *Server) volumes(ctx context.Context, c *Call) ([]model.Volume, error) {
	all, err := s.cfg.Compute.Volumes(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	out := make([]model.Volume, 0, len(all))
	for n := range all {
		out = append(out, s.showVolume(&all[n]))
	}
	return out, nil
}

// showVolume makes the answer's form of a volume.
func (s *Server) showVolume(v *compute.VolumeShown) model.Volume {
	out := model.Volume{
		VolumeId: new(v.ID), Size: new(v.SizeGiB), SnapshotId: new(v.Snapshot), AvailabilityZone: new(v.Zone),
		AvailabilityZoneId: new(s.network.ZoneID(v.Zone)), State: new(model.VolumeStateAvailable), Operator: ownOperator(),
		CreateTime: new(compute.Time(v.Created)), VolumeType: new(v.Type), Encrypted: new(false), MultiAttachEnabled: new(false),
		Tags: renderTags(v.Tags), Attachments: []model.VolumeAttachment{},
	}
	if v.IOPS != 0 {
		out.Iops = new(v.IOPS)
	}
	if v.Throughput != 0 {
		out.Throughput = new(v.Throughput)
	}
	if v.Deleting {
		out.State = new(model.VolumeStateDeleting)
	}
	if d := v.Disk; d != nil {
		out.State = new(model.VolumeStateInUse)
		out.Attachments = []model.VolumeAttachment{{
			AttachTime: new(compute.Time(d.Attached)), Device: new(d.Device), InstanceId: new(v.Instance),
			State: new(model.VolumeAttachmentStateAttached), VolumeId: new(v.ID), DeleteOnTermination: new(d.Delete), EbsCardIndex: new(0),
		}}
	}
	return out
}

// ofAttachment is a filter's field of how an instance has a volume.
func ofAttachment(f func(*model.VolumeAttachment) []string) func(*model.Volume) []string {
	return func(v *model.Volume) (all []string) {
		for n := range v.Attachments {
			all = append(all, f(&v.Attachments[n])...)
		}
		return all
	}
}

var volumeFilters = filter.Set[model.Volume]{
	Fields: map[string]func(*model.Volume) []string{
		"attachment.attach-time":           ofAttachment(func(a *model.VolumeAttachment) []string { return moment(a.AttachTime) }),
		"attachment.delete-on-termination": ofAttachment(func(a *model.VolumeAttachment) []string { return truth(a.DeleteOnTermination) }),
		"attachment.device":                ofAttachment(func(a *model.VolumeAttachment) []string { return word(a.Device) }),
		"attachment.instance-id":           ofAttachment(func(a *model.VolumeAttachment) []string { return word(a.InstanceId) }),
		"attachment.status":                ofAttachment(func(a *model.VolumeAttachment) []string { return word(a.State) }),
		"availability-zone":                func(v *model.Volume) []string { return word(v.AvailabilityZone) },
		"availability-zone-id":             func(v *model.Volume) []string { return word(v.AvailabilityZoneId) },
		"create-time":                      func(v *model.Volume) []string { return moment(v.CreateTime) },
		"encrypted":                        func(v *model.Volume) []string { return truth(v.Encrypted) },
		"fast-restored":                    func(*model.Volume) []string { return []string{"false"} },
		"multi-attach-enabled":             func(v *model.Volume) []string { return truth(v.MultiAttachEnabled) },
		"operator.managed":                 func(*model.Volume) []string { return []string{"false"} },
		"operator.principal":               nil,
		"size":                             func(v *model.Volume) []string { return []string{strconv.Itoa(model.Val(v.Size))} },
		"snapshot-id":                      func(v *model.Volume) []string { return word(v.SnapshotId) },
		"status":                           func(v *model.Volume) []string { return word(v.State) },
		"volume-id":                        func(v *model.Volume) []string { return word(v.VolumeId) },
		"volume-type":                      func(v *model.Volume) []string { return word(v.VolumeType) },
	},
	Tags: func(v *model.Volume) map[string]string { return tagMap(v.Tags) },
}

func moment(t *time.Time) []string { return []string{t.UTC().Format(ec2xml.TimeFormat)} }
