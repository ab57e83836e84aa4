package ec2

import (
	"context"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// emptyImage is an image for instances without guests.
func (c *cloud) emptyImage(t *testing.T) {
	t.Helper()
	disk := t.TempDir() + "/disk.raw"
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := c.CLI("image", "import", disk, "--name", "nothing")
	if err != nil {
		t.Fatal(err)
	}
	c.image = strings.TrimSpace(out)
}

// What cannot be is refused with EC2's code, and nothing changes.
func TestRefusals(t *testing.T) {
	c := start(t, "test", "--quota-instances", "6", "--quota-vcpus", "8")
	c.emptyImage(t)
	ctx := t.Context()
	running := *c.run(t, nil)[0].InstanceId
	c.await(t, running, types.InstanceStateNameRunning, time.Minute)
	stopped := *c.run(t, nil)[0].InstanceId
	c.await(t, stopped, types.InstanceStateNameRunning, time.Minute)
	if _, err := c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{stopped}}); err != nil {
		t.Fatal(err)
	}
	c.await(t, stopped, types.InstanceStateNameStopped, time.Minute)
	gone := *c.run(t, nil)[0].InstanceId
	if _, err := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{gone}}); err != nil {
		t.Fatal(err)
	}
	c.await(t, gone, types.InstanceStateNameTerminated, time.Minute)
	kept := *c.run(t, func(in *ec2.RunInstancesInput) {
		in.DisableApiTermination, in.DisableApiStop, in.ClientToken = aws.Bool(true), aws.Bool(true), aws.String("once")
	})[0].InstanceId
	c.await(t, kept, types.InstanceStateNameRunning, time.Minute)
	taken := aws.ToString(c.describe(t, running).PrivateIpAddress)
	before := c.snapshot(t)

	run := func(change func(*ec2.RunInstancesInput)) func(context.Context) error {
		return func(ctx context.Context) error {
			in := &ec2.RunInstancesInput{ImageId: aws.String(c.image), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
			change(in)
			_, err := c.RunInstances(ctx, in)
			return err
		}
	}
	ebs := func(e *types.EbsBlockDevice) func(context.Context) error {
		return run(func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: e}}
		})
	}
	const absent = "i-0123456789abcdef0"
	for _, tc := range []struct {
		name string
		call func(context.Context) error
		want string
	}{
		{"no image", run(func(in *ec2.RunInstancesInput) { in.ImageId = nil }), "MissingParameter"},
		{"malformed image", run(func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-xyz") }), "InvalidAMIID.Malformed"},
		{"absent image", run(func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-0123456789abcdef0") }), "InvalidAMIID.NotFound"},
		{"unknown type", run(func(in *ec2.RunInstancesInput) { in.InstanceType = "t9.huge" }), "InvalidParameterValue"},
		{"type of another architecture", run(func(in *ec2.RunInstancesInput) { in.InstanceType = "t4g.micro" }), "InvalidParameterValue"},
		{"none", run(func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(0) }), "InvalidParameterValue"},
		{"more at least than at most", run(func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(2) }), "InvalidParameterValue"},
		{"over the quota of instances", run(func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = aws.Int32(5), aws.Int32(5) }), "InstanceLimitExceeded"},
		{"over the quota of vCPUs", run(func(in *ec2.RunInstancesInput) { in.InstanceType = "m5.2xlarge" }), "VcpuLimitExceeded"},
		{"absent key", run(func(in *ec2.RunInstancesInput) { in.KeyName = aws.String("nope") }), "InvalidKeyPair.NotFound"},
		{"absent subnet", run(func(in *ec2.RunInstancesInput) { in.SubnetId = aws.String("subnet-0123456789abcdef0") }), "InvalidSubnetID.NotFound"},
		{"absent group", run(func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-0123456789abcdef0"} }), "InvalidGroup.NotFound"},
		{"absent group by name", run(func(in *ec2.RunInstancesInput) { in.SecurityGroups = []string{"nope"} }), "InvalidGroup.NotFound"},
		{"bad zone", run(func(in *ec2.RunInstancesInput) {
			in.Placement = &types.Placement{AvailabilityZone: aws.String("mars-1a")}
		}), "InvalidParameterValue"},
		{"address in use", run(func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String(taken) }), "InvalidIPAddress.InUse"},
		{"address outside", run(func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String("10.9.9.9") }), "InvalidParameterValue"},
		{"no address", run(func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String("one") }), "InvalidParameterValue"},
		{"user data that is no base64", run(func(in *ec2.RunInstancesInput) { in.UserData = aws.String("###") }), "InvalidUserData.Malformed"},
		{"too much user data", run(func(in *ec2.RunInstancesInput) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16<<10+1)))
		}), "InvalidParameterValue"},
		{"interfaces and a subnet", run(func(in *ec2.RunInstancesInput) {
			in.SubnetId = aws.String("subnet-0123456789abcdef0")
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0)}}
		}), "InvalidParameterCombination"},
		{"no interface 0", run(func(in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(1)}}
		}), "InvalidParameterValue"},
		{"metadata options", run(func(in *ec2.RunInstancesInput) {
			in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpPutResponseHopLimit: aws.Int32(65)}
		}), "InvalidParameterValue"},
		{"a disk that is too large", ebs(&types.EbsBlockDevice{VolumeSize: aws.Int32(99999)}), "InvalidParameterValue"},
		{"an encrypted disk", ebs(&types.EbsBlockDevice{Encrypted: aws.Bool(true)}), "UnsupportedOperation"},
		{"a spot instance", run(func(in *ec2.RunInstancesInput) {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
		}), "UnsupportedOperation"},
		{"a dedicated host", run(func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{Tenancy: types.TenancyDedicated} }), "UnsupportedOperation"},
		{"tags of a reserved name", run(func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}}
		}), "InvalidParameterValue"},
		{"the token of another call", run(func(in *ec2.RunInstancesInput) { in.ClientToken = aws.String("once") }), "IdempotentParameterMismatch"},
		{"dry run", run(func(in *ec2.RunInstancesInput) { in.DryRun = aws.Bool(true) }), "DryRunOperation"},

		{"start the absent", c.starting(absent), "InvalidInstanceID.NotFound"},
		{"start the malformed", c.starting("i-1"), "InvalidInstanceID.Malformed"},
		{"start one that is gone", c.starting(gone), "IncorrectInstanceState"},
		{"start one, one absent", c.starting(stopped, absent), "InvalidInstanceID.NotFound"},
		{"stop one that is gone", c.stopping(gone), "IncorrectInstanceState"},
		{"stop one that is kept", c.stopping(kept), "OperationNotPermitted"},
		{"reboot the stopped", c.rebooting(stopped), "IncorrectInstanceState"},
		{"terminate one that is kept, and another", c.terminating(running, kept), "OperationNotPermitted"},
		{"describe the absent", func(ctx context.Context) error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{running, absent}})
			return err
		}, "InvalidInstanceID.NotFound"},
		{"page and ids", func(ctx context.Context) error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{running}, MaxResults: aws.Int32(5)})
			return err
		}, "InvalidParameterCombination"},
		{"unknown filter", func(ctx context.Context) error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"red"}}}})
			return err
		}, "InvalidParameterValue"},
		{"another type while it runs", c.modifying(&ec2.ModifyInstanceAttributeInput{InstanceId: &running, InstanceType: &types.AttributeValue{Value: aws.String("t3.micro")}}), "IncorrectInstanceState"},
		{"an unknown type", c.modifying(&ec2.ModifyInstanceAttributeInput{InstanceId: &stopped, InstanceType: &types.AttributeValue{Value: aws.String("t9.huge")}}), "InvalidInstanceAttributeValue"},
		{"two attributes", c.modifying(&ec2.ModifyInstanceAttributeInput{InstanceId: &stopped, DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
			DisableApiTermination: &types.AttributeBooleanValue{Value: aws.Bool(true)}}), "InvalidParameterCombination"},
		{"no attribute", c.modifying(&ec2.ModifyInstanceAttributeInput{InstanceId: &stopped}), "InvalidParameterCombination"},
		{"deregister the absent", func(ctx context.Context) error {
			_, err := c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: aws.String("ami-0123456789abcdef0")})
			return err
		}, "InvalidAMIID.NotFound"},
		{"register a name again", func(ctx context.Context) error {
			_, err := c.RegisterImage(ctx, &ec2.RegisterImageInput{Name: aws.String("a"), ImageLocation: aws.String("b/k")})
			return err
		}, "InvalidAMIName.Malformed"},
		{"register nothing", func(ctx context.Context) error {
			_, err := c.RegisterImage(ctx, &ec2.RegisterImageInput{Name: aws.String("image"), ImageLocation: aws.String("no-such-bucket/key")})
			return err
		}, "InvalidParameter"},
		{"share with nobody", func(ctx context.Context) error {
			_, err := c.ModifyImageAttribute(ctx, &ec2.ModifyImageAttributeInput{ImageId: &c.image, LaunchPermission: &types.LaunchPermissionModifications{
				Add: []types.LaunchPermission{{UserId: aws.String("me")}}}})
			return err
		}, "InvalidAMIAttributeItemValue"},
		{"console of the absent", func(ctx context.Context) error {
			_, err := c.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(absent)})
			return err
		}, "InvalidInstanceID.NotFound"},
	} {
		if got := code(tc.call(ctx)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	if after := c.snapshot(t); after != before {
		t.Errorf("refused calls changed something:\n%s\n%s", before, after)
	}
	// What is already so succeeds and changes nothing.
	for name, call := range map[string]func(context.Context) error{
		"start the running": c.starting(running), "stop the stopped": c.stopping(stopped), "terminate what is gone": c.terminating(gone),
	} {
		if err := call(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := c.snapshot(t); after != before {
		t.Errorf("calls that ask for what is so changed something:\n%s\n%s", before, after)
	}
	off := &types.AttributeBooleanValue{Value: aws.Bool(false)}
	if err := c.modifying(&ec2.ModifyInstanceAttributeInput{InstanceId: &kept, DisableApiTermination: off})(ctx); err != nil {
		t.Error(err)
	}
	if code := code(c.terminating(kept)(ctx)); code != "OperationNotPermitted" {
		t.Errorf("the end of an instance that is protected from stops: %q", code)
	}
	if err := c.modifying(&ec2.ModifyInstanceAttributeInput{InstanceId: &kept, DisableApiStop: off})(ctx); err != nil {
		t.Error(err)
	}
	c.endAll(t)
}

func (c *cloud) starting(ids ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids})
		return err
	}
}

func (c *cloud) stopping(ids ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids})
		return err
	}
}

func (c *cloud) rebooting(ids ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: ids})
		return err
	}
}

func (c *cloud) terminating(ids ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids})
		return err
	}
}

func (c *cloud) modifying(in *ec2.ModifyInstanceAttributeInput) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.ModifyInstanceAttribute(ctx, in)
		return err
	}
}

// snapshot is all instances and interfaces with what matters of them.
func (c *cloud) snapshot(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			b.WriteString(*i.InstanceId + " " + string(i.State.Name) + " " + string(i.InstanceType) + " " + aws.ToString(i.PrivateIpAddress) + "\n")
		}
	}
	nets, err := c.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range nets.NetworkInterfaces {
		b.WriteString(*e.NetworkInterfaceId + " " + aws.ToString(e.PrivateIpAddress) + "\n")
	}
	return b.String()
}
