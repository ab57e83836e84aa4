package ec2api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// fixture is an account with something of everything that EC2 has, another one with the like, and a user without permissions.
type fixture struct {
	t      *testing.T
	s      *harness.Server
	owner  *wire.Signer
	eve    *wire.Signer // of another account
	nobody *wire.Signer // a user of the owner's account
	names  map[string]string
	looks  []string // requests that see everything
}

const (
	quotaInstances = 6
	quotaVCPUs     = 12
)

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s := startTest(t, "--host-prefix", ownPrefix("t"),
		"--quota-instances", fmt.Sprint(quotaInstances), "--quota-vcpus", fmt.Sprint(quotaVCPUs))
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.owner = &wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region, Service: "ec2"}
	f.names["account"] = accountOf(t, f.owner, s)
	f.eve = f.user("eve")
	f.nobody = f.user("nobody", "--account", f.names["account"])
	f.image()
	f.object()
	f.mine()
	f.others()
	f.quiet()
	return f
}

// ownPrefix names the machines of this process in the daemon that all have in common.
func ownPrefix(first string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	pid := os.Getpid()
	return first + string(letters[pid%36]) + string(letters[pid/36%36])
}

// accountOf asks whose a key is.
func accountOf(t *testing.T, who *wire.Signer, s *harness.Server) string {
	t.Helper()
	r := post("Action=GetCallerIdentity&Version=2011-06-15")
	r.Host, r.NoHash = s.Host, true
	signer := *who
	signer.Service = "sts"
	signer.SignV4(r, time.Now())
	reply, err := wire.Target{Endpoint: s.Endpoint}.Send(r)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(reply.Body), "<Account>")
	account, _, _ := strings.Cut(rest, "<")
	return account
}

// user makes a user with keys.
func (f *fixture) user(name string, args ...string) *wire.Signer {
	f.t.Helper()
	access, secret := "AKIA"+strings.ToUpper(name)+"0000000000", name+"secretsecretsecretsecret0"
	args = append([]string{"admin", "user", "create", name, "--access-key", access, "--secret-key", secret}, args...)
	if out, err := f.s.CLI(args...); err != nil {
		f.t.Fatal(err, out)
	}
	return &wire.Signer{Access: access, Secret: secret, Region: f.s.Region, Service: "ec2"}
}

// image brings in an empty disk, for instances without guests.
func (f *fixture) image() {
	f.t.Helper()
	f.names["image"] = importEmpty(f.t, f.s)
}

// object puts a disk into S3 and imports it, in a task that ends.
func (f *fixture) object() {
	t, ctx := f.t, f.t.Context()
	t.Helper()
	store := s3.New(s3.Options{Region: f.s.Region, BaseEndpoint: aws.String(f.s.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(f.s.AccessKey, f.s.SecretKey, "")})
	if _, err := store.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("disks")}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("disks"), Key: aws.String("disk.raw"), Body: bytes.NewReader(make([]byte, 1<<20))}); err != nil {
		t.Fatal(err)
	}
	f.names["disk"] = "disks/disk.raw"
	c := root(f.s)
	f.names["task"] = *ok[ec2.ImportImageOutput](t)(c.ImportImage(ctx, &ec2.ImportImageInput{
		DiskContainers: []types.ImageDiskContainer{{Url: aws.String("s3://disks/disk.raw")}}})).ImportTaskId
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		task := ok[ec2.DescribeImportImageTasksOutput](t)(c.DescribeImportImageTasks(ctx, &ec2.DescribeImportImageTasksInput{ImportTaskIds: []string{f.names["task"]}})).ImportImageTasks[0]
		if *task.Status == "completed" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the import is %s: %s", *task.Status, aws.ToString(task.StatusMessage))
		}
	}
}

// mine makes the owner's things.
func (f *fixture) mine() {
	t, n := f.t, f.names
	t.Helper()
	c, ctx := client(f.s, f.owner.Access, f.owner.Secret), t.Context()
	n["key"] = *ok[ec2.CreateKeyPairOutput](t)(c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("there"), KeyType: types.KeyTypeEd25519})).KeyPairId
	for i, name := range []string{"vpc", "vpc2", "vpc3", "vpc4"} { // with the default one as many as the quota has
		n[name] = *ok[ec2.CreateVpcOutput](t)(c.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String(fmt.Sprintf("10.%d.0.0/16", 50+i))})).Vpc.VpcId
	}
	subnet := func(name, vpc, cidr string) {
		n[name] = *ok[ec2.CreateSubnetOutput](t)(c.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: aws.String(n[vpc]), CidrBlock: &cidr, AvailabilityZone: aws.String("us-east-1a")})).Subnet.SubnetId
	}
	subnet("subnet", "vpc", "10.50.1.0/24")
	subnet("subnet2", "vpc", "10.50.2.0/24")
	subnet("subnet3", "vpc2", "10.51.1.0/24")
	subnet("full", "vpc2", "10.51.2.0/28")
	n["cidrassoc"] = *ok[ec2.AssociateVpcCidrBlockOutput](t)(c.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{VpcId: aws.String(n["vpc2"]), CidrBlock: aws.String("10.61.0.0/16")})).CidrBlockAssociation.AssociationId
	group := func(name, vpc string) {
		n[name] = *ok[ec2.CreateSecurityGroupOutput](t)(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: aws.String(n[vpc]), GroupName: &name, Description: &name})).GroupId
	}
	group("sg", "vpc")
	group("sg2", "vpc")
	group("sg3", "vpc2")
	allow := func(sg string, p types.IpPermission) string {
		return *ok[ec2.AuthorizeSecurityGroupIngressOutput](t)(c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(n[sg]), IpPermissions: []types.IpPermission{p}})).SecurityGroupRules[0].SecurityGroupRuleId
	}
	tcp := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22)}
	open, of := tcp, tcp
	open.IpRanges = []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}
	of.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: aws.String(n["sg"])}}
	n["rule"] = allow("sg", open)
	allow("sg2", of)
	many := tcp
	for i := range 60 { // as many as the quota has
		many.IpRanges = append(many.IpRanges, types.IpRange{CidrIp: aws.String(fmt.Sprintf("10.0.%d.0/24", i))})
	}
	allow("sg3", many)

	for _, name := range []string{"igw", "igw2", "igw3", "igw4"} { // with the default VPC's as many as the quota has
		n[name] = *ok[ec2.CreateInternetGatewayOutput](t)(c.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	}
	ok[ec2.AttachInternetGatewayOutput](t)(c.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: aws.String(n["igw"]), VpcId: aws.String(n["vpc"])}))
	ok[ec2.AttachInternetGatewayOutput](t)(c.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: aws.String(n["igw2"]), VpcId: aws.String(n["vpc2"])}))
	for name, vpc := range map[string]string{"rtb": "vpc", "rtb2": "vpc", "rtb3": "vpc2"} {
		n[name] = *ok[ec2.CreateRouteTableOutput](t)(c.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: aws.String(n[vpc])})).RouteTable.RouteTableId
	}
	ok[ec2.CreateRouteOutput](t)(c.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: aws.String(n["rtb"]), DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: aws.String(n["igw"])}))
	n["rtbassoc"] = *ok[ec2.AssociateRouteTableOutput](t)(c.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: aws.String(n["rtb"]), SubnetId: aws.String(n["subnet"])})).AssociationId
	main := ok[ec2.DescribeRouteTablesOutput](t)(c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("vpc-id", n["vpc"]), filter("association.main", "true")}})).RouteTables[0]
	n["rtbmain"], n["rtbassocmain"] = *main.RouteTableId, *main.Associations[0].RouteTableAssociationId
	for _, name := range []string{"acl", "acl2"} {
		n[name] = *ok[ec2.CreateNetworkAclOutput](t)(c.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: aws.String(n["vpc"])})).NetworkAcl.NetworkAclId
	}
	for _, egress := range []bool{false, true} {
		ok[ec2.CreateNetworkAclEntryOutput](t)(c.CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{NetworkAclId: aws.String(n["acl"]), Egress: &egress, RuleNumber: aws.Int32(100),
			Protocol: aws.String("-1"), RuleAction: types.RuleActionAllow, CidrBlock: aws.String("0.0.0.0/0")}))
	}
	acl := ok[ec2.DescribeNetworkAclsOutput](t)(c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{filter("vpc-id", n["vpc"]), filter("default", "true")}})).NetworkAcls[0]
	n["acldefault"], n["aclassoc"] = *acl.NetworkAclId, *acl.Associations[0].NetworkAclAssociationId
	n["dopt"] = *ok[ec2.CreateDhcpOptionsOutput](t)(c.CreateDhcpOptions(ctx, &ec2.CreateDhcpOptionsInput{
		DhcpConfigurations: []types.NewDhcpConfiguration{{Key: aws.String("domain-name"), Values: []string{"example.com"}}}})).DhcpOptions.DhcpOptionsId
	n["dopt2"] = *ok[ec2.CreateDhcpOptionsOutput](t)(c.CreateDhcpOptions(ctx, &ec2.CreateDhcpOptionsInput{
		DhcpConfigurations: []types.NewDhcpConfiguration{{Key: aws.String("domain-name"), Values: []string{"example.net"}}}})).DhcpOptions.DhcpOptionsId
	ok[ec2.AssociateDhcpOptionsOutput](t)(c.AssociateDhcpOptions(ctx, &ec2.AssociateDhcpOptionsInput{DhcpOptionsId: aws.String(n["dopt"]), VpcId: aws.String(n["vpc3"])}))
	for _, name := range []string{"eni", "eni2"} {
		n[name] = *ok[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(n["subnet"]), Groups: []string{n["sg"]},
			PrivateIpAddresses:             []types.PrivateIpAddressSpecification{{PrivateIpAddress: aws.String(map[string]string{"eni": "10.50.1.10", "eni2": "10.50.1.20"}[name]), Primary: aws.Bool(true)}},
			SecondaryPrivateIpAddressCount: aws.Int32(1)})).NetworkInterface.NetworkInterfaceId
	}
	ok[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(n["full"]), SecondaryPrivateIpAddressCount: aws.Int32(10)}))
	for i := range 5 { // as many as the quota has
		a := ok[ec2.AllocateAddressOutput](t)(c.AllocateAddress(ctx, &ec2.AllocateAddressInput{}))
		n[fmt.Sprint("eipalloc", i)], n[fmt.Sprint("public", i)] = *a.AllocationId, *a.PublicIp
	}
	n["eipassoc"] = *ok[ec2.AssociateAddressOutput](t)(c.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: aws.String(n["eipalloc1"]), NetworkInterfaceId: aws.String(n["eni"])})).AssociationId
	for _, e := range ok[ec2.DescribeNetworkInterfacesOutput](t)(c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{n["eni"]}})).NetworkInterfaces[0].PrivateIpAddresses {
		if !*e.Primary {
			n["secondary"] = *e.PrivateIpAddress
		}
	}
	f.defaults(c, "")
	f.instances(c)
}

// defaults notes what an account begins with.
func (f *fixture) defaults(c *ec2.Client, prefix string) {
	t, n, ctx := f.t, f.names, f.t.Context()
	t.Helper()
	is := []types.Filter{filter("is-default", "true")}
	n[prefix+"vpcdefault"] = *ok[ec2.DescribeVpcsOutput](t)(c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: is})).Vpcs[0].VpcId
	in := []types.Filter{filter("vpc-id", n[prefix+"vpcdefault"])}
	n[prefix+"subnetdefault"] = *ok[ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: append(in, filter("availability-zone", "us-east-1a"))})).Subnets[0].SubnetId
	n[prefix+"sgdefault"] = *ok[ec2.DescribeSecurityGroupsOutput](t)(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: in})).SecurityGroups[0].GroupId
}

// instances makes one of each state.
func (f *fixture) instances(c *ec2.Client) {
	t, n, ctx := f.t, f.names, f.t.Context()
	t.Helper()
	all := map[string]types.InstanceStateName{"running": "running", "stopped": "stopped", "gone": "terminated", "kept": "running"}
	for name := range all {
		in := &ec2.RunInstancesInput{ImageId: aws.String(n["image"]), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			SubnetId: aws.String(n["subnet2"]), SecurityGroupIds: []string{n["sg"]}}
		if name == "kept" {
			in.InstanceType, in.ClientToken = types.InstanceTypeM5Large, aws.String("once")
			in.DisableApiTermination, in.DisableApiStop = aws.Bool(true), aws.Bool(true)
		}
		if name == "gone" { // and leaves a volume
			in.ClientToken = aws.String("ended")
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1), DeleteOnTermination: aws.Bool(false)}}}
		}
		n[name] = *ok[ec2.RunInstancesOutput](t)(c.RunInstances(ctx, in)).Instances[0].InstanceId
	}
	f.await(c, map[string]types.InstanceStateName{"running": "running", "stopped": "running", "gone": "running", "kept": "running"})
	ok[ec2.StopInstancesOutput](t)(c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{n["stopped"]}}))
	ok[ec2.TerminateInstancesOutput](t)(c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{n["gone"]}}))
	f.await(c, all)
	i := ok[ec2.DescribeInstancesOutput](t)(c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{n["running"]}})).Reservations[0].Instances[0]
	n["volume"], n["attached"], n["attachment"] = *i.BlockDeviceMappings[0].Ebs.VolumeId, *i.NetworkInterfaces[0].NetworkInterfaceId, *i.NetworkInterfaces[0].Attachment.AttachmentId
	n["free"] = *ok[ec2.DescribeVolumesOutput](t)(c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("status", "available")}})).Volumes[0].VolumeId
	t.Cleanup(func() { // libvirt's test driver keeps its machines in the daemon
		if f.s.Running() {
			f.endAll(c)
		}
	})
}

// await waits until instances are in their states.
func (f *fixture) await(c *ec2.Client, want map[string]types.InstanceStateName) {
	f.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for name, state := range want {
		for {
			i := ok[ec2.DescribeInstancesOutput](f.t)(c.DescribeInstances(f.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{f.names[name]}})).Reservations[0].Instances[0]
			if i.State.Name == state {
				break
			}
			if time.Now().After(deadline) {
				f.t.Fatalf("%s is %s, not %s", name, i.State.Name, state)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// endAll terminates the instances of an account.
func (f *fixture) endAll(c *ec2.Client) {
	ctx := context.WithoutCancel(f.t.Context()) // which is over in a cleanup
	out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("instance-state-name", "pending", "running", "stopping", "stopped")}})
	if err != nil {
		f.t.Error(err)
		return
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			off := &types.AttributeBooleanValue{Value: aws.Bool(false)}
			_, err0 := c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, DisableApiStop: off})
			_, err1 := c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: i.InstanceId, DisableApiTermination: off})
			_, err2 := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*i.InstanceId}})
			if err := errors.Join(err0, err1, err2); err != nil {
				f.t.Error(err)
			}
		}
	}
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("instance-state-name", "running", "stopping", "stopped", "shutting-down")}})
		if err == nil && len(out.Reservations) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.t.Error("instances are left")
}

// others makes things of the other account: the owner must not see them.
func (f *fixture) others() {
	t, n, ctx := f.t, f.names, f.t.Context()
	t.Helper()
	c := client(f.s, f.eve.Access, f.eve.Secret)
	f.defaults(c, "eve.")
	n["eve.vpc"], n["eve.subnet"], n["eve.sg"] = n["eve.vpcdefault"], n["eve.subnetdefault"], n["eve.sgdefault"]
	n["eve.key"] = *ok[ec2.CreateKeyPairOutput](t)(c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("hers"), KeyType: types.KeyTypeEd25519})).KeyPairId
	n["eve.rule"] = *ok[ec2.DescribeSecurityGroupRulesOutput](t)(c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", n["eve.sg"])}})).SecurityGroupRules[0].SecurityGroupRuleId
	n["eve.igw"] = *ok[ec2.CreateInternetGatewayOutput](t)(c.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	rtb := ok[ec2.DescribeRouteTablesOutput](t)(c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{})).RouteTables[0]
	n["eve.rtb"], n["eve.rtbassoc"] = *rtb.RouteTableId, *rtb.Associations[0].RouteTableAssociationId
	acl := ok[ec2.DescribeNetworkAclsOutput](t)(c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{})).NetworkAcls[0]
	n["eve.acl"], n["eve.aclassoc"] = *acl.NetworkAclId, *acl.Associations[0].NetworkAclAssociationId
	n["eve.dopt"] = *ok[ec2.CreateDhcpOptionsOutput](t)(c.CreateDhcpOptions(ctx, &ec2.CreateDhcpOptionsInput{
		DhcpConfigurations: []types.NewDhcpConfiguration{{Key: aws.String("domain-name"), Values: []string{"example.org"}}}})).DhcpOptions.DhcpOptionsId
	n["eve.eni"] = *ok[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(n["eve.subnet"])})).NetworkInterface.NetworkInterfaceId
	a := ok[ec2.AllocateAddressOutput](t)(c.AllocateAddress(ctx, &ec2.AllocateAddressInput{}))
	n["eve.eipalloc"], n["eve.public"] = *a.AllocationId, *a.PublicIp
	n["eve.eipassoc"] = *ok[ec2.AssociateAddressOutput](t)(c.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: a.AllocationId, NetworkInterfaceId: aws.String(n["eve.eni"])})).AssociationId
}

// quiet waits until nothing changes by itself any more, and notes what sees everything.
func (f *fixture) quiet() {
	t := f.t
	t.Helper()
	built, _ := actions(t)
	for _, a := range built {
		if strings.HasPrefix(a, "Describe") {
			if reply, _ := f.ask(t, f.owner, "Action="+a); reply.Status == 200 {
				f.looks = append(f.looks, "Action="+a)
			}
		}
	}
	for _, a := range []string{"enableDnsSupport", "enableDnsHostnames"} {
		f.looks = append(f.looks, f.fill(t, "Action=DescribeVpcAttribute&VpcId={vpc}&Attribute="+a))
	}
	for _, id := range []string{"{running}", "{stopped}", "{kept}"} {
		for _, a := range []string{"instanceType", "userData", "disableApiTermination", "disableApiStop", "instanceInitiatedShutdownBehavior", "ebsOptimized"} {
			f.looks = append(f.looks, f.fill(t, "Action=DescribeInstanceAttribute&InstanceId="+id+"&Attribute="+a))
		}
	}
	f.looks = append(f.looks, f.fill(t, "Action=DescribeImageAttribute&ImageId={image}&Attribute=launchPermission"),
		f.fill(t, "Action=DescribeInstanceCreditSpecifications&InstanceId.1={running}"), "Action=DescribeInstanceStatus&IncludeAllInstances=true")
	if len(f.looks) < 40 {
		t.Fatalf("only %d looks", len(f.looks))
	}
	deadline := time.Now().Add(time.Minute)
	for before := f.state(t); ; { // instances are checked for some seconds
		time.Sleep(time.Second)
		now := f.state(t)
		if now == before && !strings.Contains(now, "initializing") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still changing: %s", difference(before, now))
		}
		before = now
	}
}
