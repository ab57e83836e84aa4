package ec2

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// volumes are all that the account has, by id.
func (c *cloud) volumes(ctx context.Context) (map[string]types.Volume, error) {
	out, err := c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	if err != nil {
		return nil, err
	}
	all := map[string]types.Volume{}
	for _, v := range out.Volumes {
		all[*v.VolumeId] = v
	}
	return all, nil
}

// An instance gets the volumes that it is launched with: the guest finds each by its id, what it writes is there after a stop,
// and at the end those go that are to go. The others stay until they are deleted.
func TestVolumes(t *testing.T) {
	c := guests(t)
	key, group := c.keyAndGroup(t, "volumes")
	made := c.run(t, func(in *ec2.RunInstancesInput) {
		in.KeyName, in.SecurityGroupIds = aws.String("volumes"), []string{group}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(3), VolumeType: types.VolumeTypeGp3}},
			{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(2), DeleteOnTermination: aws.Bool(false)}},
			{DeviceName: aws.String("/dev/sdg"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8), VolumeType: types.VolumeTypeIo1, Iops: aws.Int32(200)}},
			{DeviceName: aws.String("/dev/sdh"), VirtualName: aws.String("ephemeral0")},
			{DeviceName: aws.String("/dev/sdi"), NoDevice: aws.String("")},
		}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{{Key: aws.String("use"), Value: aws.String("data")}}}}
	})
	id := *made[0].InstanceId
	i := c.await(t, id, types.InstanceStateNameRunning, boot)
	at := map[string]string{} // by device
	for _, m := range i.BlockDeviceMappings {
		at[*m.DeviceName] = *m.Ebs.VolumeId
		if m.Ebs.Status != types.AttachmentStatusAttached || m.Ebs.AttachTime == nil || *m.Ebs.DeleteOnTermination != (*m.DeviceName != "/dev/sdf") {
			t.Errorf("%s: %+v", *m.DeviceName, m.Ebs)
		}
	}
	if len(at) != 3 {
		t.Fatalf("the instance has %v", at)
	}
	all, err := c.volumes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for device, want := range map[string]string{"/dev/sda1": "3 gp3 3000 125", "/dev/sdf": "2 gp2 100 0", "/dev/sdg": "8 io1 200 0"} {
		v := all[at[device]]
		if got := fmt.Sprintf("%d %s %d %d", aws.ToInt32(v.Size), v.VolumeType, aws.ToInt32(v.Iops), aws.ToInt32(v.Throughput)); got != want {
			t.Errorf("%s is %s, want %s", device, got, want)
		}
		if v.State != types.VolumeStateInUse || len(v.Attachments) != 1 || *v.Attachments[0].InstanceId != id || *v.Attachments[0].Device != device ||
			len(v.Tags) != 1 || *v.AvailabilityZone != *i.Placement.AvailabilityZone {
			t.Errorf("%s: %+v", device, v)
		}
	}
	serial := func(device string) string { return strings.ReplaceAll(at[device], "-", "") }

	sh := c.ssh(t, aws.ToString(i.PublicIpAddress), key, boot)
	disk := "/dev/disk/by-id/virtio-" + serial("/dev/sdf")
	var disks []string
	for device, size := range map[string]int64{"/dev/sda1": 3 << 30, "/dev/sdf": 2 << 30, "/dev/sdg": 8 << 30} {
		disks = append(disks, fmt.Sprintf("virtio-%s %d", serial(device), size))
	}
	slices.Sort(disks)
	if got := sh.do(t, "for d in $(ls /dev/disk/by-id); do echo $d $(blockdev --getsize64 /dev/disk/by-id/$d); done | sort"); got != strings.Join(disks, "\n") {
		t.Errorf("the guest has the disks\n%s\nwant %v", got, disks)
	}
	if got := sh.do(t, "while [ $(df -m / | awk 'NR==2 {print $2}') -lt 2600 ]; do sleep 1; done; imds meta-data/block-device-mapping/ebs1"); got != "sdf" {
		t.Errorf("the metadata has the device %q", got)
	}
	sh.do(t, "mkfs.ext4 -q "+disk+" && mount -t ext4 "+disk+" /mnt && echo kept >/mnt/data && umount /mnt")
	if _, err := c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: aws.String(at["/dev/sdf"])}); code(err) != "VolumeInUse" {
		t.Errorf("deleting a volume in use: %v", err)
	}
	if _, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	c.await(t, id, types.InstanceStateNameStopped, boot)
	c.noLeaks(t)
	_, err = c.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id), BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{
		{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(false)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	i = c.await(t, id, types.InstanceStateNameRunning, boot)
	sh = c.ssh(t, aws.ToString(i.PublicIpAddress), key, boot)
	if got := sh.do(t, "cat /mnt/"+serial("/dev/sdf")+"/data"); got != "kept" {
		t.Errorf("after stop and start the volume has %q", got)
	}

	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	c.await(t, id, types.InstanceStateNameTerminated, boot)
	c.noLeaks(t)
	all, err = c.volumes(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("after the end there are %v, %v", all, err)
	}
	for _, device := range []string{"/dev/sda1", "/dev/sdf"} {
		v := all[at[device]]
		if v.State != types.VolumeStateAvailable || len(v.Attachments) != 0 || len(v.Tags) != 1 {
			t.Errorf("%s was left as %+v", device, v)
		}
		if _, err := c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}); err != nil {
			t.Error(err)
		}
		if err := ec2.NewVolumeDeletedWaiter(c.Client, func(o *ec2.VolumeDeletedWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second }).
			Wait(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{at[device]}}, time.Minute); err != nil {
			t.Error(err)
		}
		if _, err := c.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}); code(err) != "InvalidVolume.NotFound" {
			t.Errorf("deleting it again: %v", err)
		}
	}
	c.noLeaks(t)
}
