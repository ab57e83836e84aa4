package ec2

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What a server says of instances after each change of whatever shows in that is what it says when it is started anew, which is
// made from the store alone. Between changes it says the same again and again.
func TestDescriptionsFollowChanges(t *testing.T) {
	start(t, "test") // the test driver keeps its machines as long as somebody is connected
	c := start(t, "test")
	c.emptyImage(t)
	instances := c.run(t, func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = aws.Int32(2), aws.Int32(2) })
	ids := []string{*instances[0].InstanceId, *instances[1].InstanceId}
	for _, id := range ids {
		c.await(t, id, types.InstanceStateNameRunning, time.Minute)
	}
	one := c.describe(t, ids[0])
	card := one.NetworkInterfaces[0].NetworkInterfaceId
	group, err := c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("other"), Description: aws.String("other")})
	if err != nil {
		t.Fatal(err)
	}
	address, err := c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{})
	if err != nil {
		t.Fatal(err)
	}
	tag := []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
	ctx := t.Context()
	no := &types.AttributeBooleanValue{Value: aws.Bool(false)}
	changes := []struct {
		what string
		do   func() error
	}{
		{"a tag", func() error {
			_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids[:1], Tags: tag})
			return err
		}},
		{"another value of it", func() error {
			_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids[:1], Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("w")}}})
			return err
		}},
		{"no tag", func() error {
			_, err := c.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: ids[:1], Tags: []types.Tag{{Key: aws.String("k")}}})
			return err
		}},
		{"groups", func() error {
			_, err := c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &ids[0], Groups: []string{*group.GroupId}})
			return err
		}},
		{"the description of an interface", func() error {
			_, err := c.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: card,
				Description: &types.AttributeValue{Value: aws.String("first")}})
			return err
		}},
		{"no check of the source", func() error {
			_, err := c.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: card, SourceDestCheck: no})
			return err
		}},
		{"a second address", func() error {
			_, err := c.AssignPrivateIpAddresses(ctx, &ec2.AssignPrivateIpAddressesInput{NetworkInterfaceId: card, SecondaryPrivateIpAddressCount: aws.Int32(1)})
			return err
		}},
		{"an elastic address", func() error {
			_, err := c.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: address.AllocationId, InstanceId: &ids[0]})
			return err
		}},
		{"no names in the VPC", func() error {
			_, err := c.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: one.VpcId, EnableDnsHostnames: no})
			return err
		}},
		{"metadata options", func() error {
			_, err := c.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: &ids[0], HttpPutResponseHopLimit: aws.Int32(7)})
			return err
		}},
		{"monitoring", func() error {
			_, err := c.MonitorInstances(ctx, &ec2.MonitorInstancesInput{InstanceIds: ids[:1]})
			return err
		}},
		{"a stop", func() error {
			_, err := c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids[:1]})
			c.await(t, ids[0], types.InstanceStateNameStopped, time.Minute)
			return err
		}},
		{"a type", func() error {
			_, err := c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &ids[0],
				InstanceType: &types.AttributeValue{Value: aws.String("t3.micro")}})
			return err
		}},
		{"a start", func() error {
			_, err := c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids[:1]})
			c.await(t, ids[0], types.InstanceStateNameRunning, time.Minute)
			return err
		}},
		{"an end", func() error {
			_, err := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids[:1]})
			c.await(t, ids[0], types.InstanceStateNameTerminated, time.Minute)
			return err
		}},
	}
	all := func() []types.Reservation {
		t.Helper()
		out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
		if err != nil {
			t.Fatal(err)
		}
		return out.Reservations
	}
	before := all()
	for _, change := range changes {
		if again := all(); !reflect.DeepEqual(before, again) {
			t.Errorf("before %s, nothing having changed:\n%s\n%s", change.what, dump(before), dump(again))
		}
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.what, err)
		}
		after := all()
		if reflect.DeepEqual(before, after) {
			t.Errorf("%s does not show", change.what)
		}
		c.Kill()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		before = all()
		if !reflect.DeepEqual(before, after) {
			t.Errorf("after %s the server says\n%s\nand when it is started again\n%s", change.what, dump(after), dump(before))
		}
	}
	c.endAll(t)
}

func dump(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
