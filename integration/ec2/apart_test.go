package ec2

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// vpc makes a VPC whose instances are reached from outside, with one subnet, and a group that lets everything in.
func (c *cloud) vpc(t *testing.T, cidr, subnet string) (subnetID, group string) {
	t.Helper()
	made, err := c.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: &cidr})
	if err != nil {
		t.Fatal(err)
	}
	vpc := made.Vpc.VpcId
	net, err := c.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: &subnet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ModifySubnetAttribute(t.Context(), &ec2.ModifySubnetAttributeInput{SubnetId: net.Subnet.SubnetId,
		MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}}); err != nil {
		t.Fatal(err)
	}
	gw, err := c.CreateInternetGateway(t.Context(), &ec2.CreateInternetGatewayInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AttachInternetGateway(t.Context(), &ec2.AttachInternetGatewayInput{VpcId: vpc, InternetGatewayId: gw.InternetGateway.InternetGatewayId}); err != nil {
		t.Fatal(err)
	}
	tables, err := c.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{*vpc}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateRoute(t.Context(), &ec2.CreateRouteInput{RouteTableId: tables.RouteTables[0].RouteTableId,
		DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: gw.InternetGateway.InternetGatewayId}); err != nil {
		t.Fatal(err)
	}
	g, err := c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{VpcId: vpc, GroupName: aws.String("open"), Description: aws.String("all")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: g.GroupId, IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}}); err != nil {
		t.Fatal(err)
	}
	return *net.Subnet.SubnetId, *g.GroupId
}

// Two VPCs of the same addresses: each guest is who it is in its own, and sees nothing of the other.
func TestApart(t *testing.T) {
	c := guests(t)
	key, _ := c.keyAndGroup(t, "apart")
	web := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nmkdir -p /root/www\nimds meta-data/instance-id >/root/www/index.html\nhttpd -p 7000 -h /root/www\n"))
	launch := func(subnet, group, address string) types.Instance {
		return c.run(t, func(in *ec2.RunInstancesInput) {
			in.KeyName, in.SubnetId, in.SecurityGroupIds = aws.String("apart"), &subnet, []string{group}
			in.PrivateIpAddress, in.UserData = &address, &web
		})[0]
	}
	oneNet, oneGroup := c.vpc(t, "10.9.0.0/16", "10.9.1.0/24")
	twoNet, twoGroup := c.vpc(t, "10.9.0.0/16", "10.9.1.0/24")
	one, two := launch(oneNet, oneGroup, "10.9.1.10"), launch(twoNet, twoGroup, "10.9.1.10")
	peer := launch(oneNet, oneGroup, "10.9.1.20")

	in := func(i types.Instance) *shell { return c.ssh(t, aws.ToString(i.PublicIpAddress), key, boot) }
	oneShell, twoShell := in(one), in(two)
	for _, g := range []struct {
		sh *shell
		i  types.Instance
	}{{oneShell, one}, {twoShell, two}} {
		if got := g.sh.do(t, "imds meta-data/instance-id"); got != *g.i.InstanceId {
			t.Errorf("the metadata service of %s says %s", *g.i.InstanceId, got)
		}
	}
	const fetch = "wget -q -O - http://10.9.1.20:7000/"
	if got := oneShell.try("for n in $(seq 60); do timeout 2 " + fetch + " && break; sleep 1; done"); got != *peer.InstanceId {
		t.Errorf("within a VPC the peer says %q, want %s", got, *peer.InstanceId)
	}
	if got := twoShell.try("timeout 3 " + fetch); got != "" {
		t.Errorf("from the other VPC its peer is reached: %q", got)
	}
	if got := twoShell.try("ping -c 2 -W 1 10.9.1.20"); !strings.Contains(got, "100% packet loss") {
		t.Errorf("from the other VPC its peer answers: %s", got)
	}
	c.noLeaks(t)
}

// Ten instances in one call: all or none, each itself.
func TestTen(t *testing.T) {
	const n = 10
	c := guests(t)
	made := c.run(t, func(in *ec2.RunInstancesInput) {
		in.MinCount, in.MaxCount, in.InstanceType = aws.Int32(n), aws.Int32(n), types.InstanceTypeT3Nano
	})
	if len(made) != n {
		t.Fatalf("%d instances", len(made))
	}
	addresses, reservation := map[string]bool{}, ""
	for index, i := range made {
		now := c.await(t, *i.InstanceId, types.InstanceStateNameRunning, 2*boot)
		addresses[aws.ToString(now.PrivateIpAddress)] = true
		out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{*i.InstanceId}})
		if err != nil {
			t.Fatal(err)
		}
		id := aws.ToString(out.Reservations[0].ReservationId)
		if aws.ToInt32(now.AmiLaunchIndex) != int32(index) || reservation != "" && reservation != id {
			t.Errorf("%s has the index %d in the reservation %s", *i.InstanceId, aws.ToInt32(now.AmiLaunchIndex), id)
		}
		reservation = id
	}
	if len(addresses) != n {
		t.Errorf("%d addresses", len(addresses))
	}
	// Each has come up and knows who it is.
	for _, i := range made {
		ready := "aureole-tiny: ready " + *i.InstanceId
		for deadline := time.Now().Add(3 * boot); ; time.Sleep(time.Second) {
			console, err := c.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: i.InstanceId, Latest: aws.Bool(true)})
			if err != nil {
				t.Fatal(err)
			}
			text, err := base64.StdEncoding.DecodeString(aws.ToString(console.Output))
			if err == nil && strings.Contains(string(text), ready) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s did not come up: %v\n%.2000s", *i.InstanceId, err, text)
			}
		}
	}
	c.noLeaks(t)
}
