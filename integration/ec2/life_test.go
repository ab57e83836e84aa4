package ec2

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"
)

// boot is how long a guest may take to be reachable on a machine that emulates it and does other things too.
const boot = 90 * time.Second

// keyAndGroup makes a key pair and a group that lets ssh in.
func (c *cloud) keyAndGroup(t *testing.T, name string) (key ssh.Signer, group string) {
	t.Helper()
	pair, err := c.CreateKeyPair(t.Context(), &ec2.CreateKeyPairInput{KeyName: aws.String(name), KeyType: types.KeyTypeEd25519})
	if err != nil {
		t.Fatal(err)
	}
	if key, err = ssh.ParsePrivateKey([]byte(*pair.KeyMaterial)); err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String(name), Description: aws.String("ssh")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: made.GroupId, IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return key, *made.GroupId
}

// The life of an instance, as a user sees it: from its key to its end.
func TestLife(t *testing.T) {
	c := guests(t)
	key, group := c.keyAndGroup(t, "life")
	userData := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho made-by-user-data > /root/proof\n"))
	made := c.run(t, func(in *ec2.RunInstancesInput) {
		in.KeyName, in.SecurityGroupIds, in.UserData = aws.String("life"), []string{group}, aws.String(userData)
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("first")}}}}
	})
	id := *made[0].InstanceId
	if err := ec2.NewInstanceRunningWaiter(c.Client, func(o *ec2.InstanceRunningWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second }).
		Wait(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	i := c.describe(t, id)
	private, public := aws.ToString(i.PrivateIpAddress), aws.ToString(i.PublicIpAddress)
	sh := c.ssh(t, public, key, boot)
	// User data runs after the guest lets people in.
	if got := sh.do(t, "for n in $(seq 60); do [ -s /root/proof ] && break; sleep 1; done; cat /root/proof"); got != "made-by-user-data" {
		t.Errorf("user data left %q", got)
	}
	if got := sh.do(t, "ip -4 addr show"); !strings.Contains(got, private+"/") {
		t.Errorf("the guest has not got %s:\n%s", private, got)
	}
	sh.do(t, "echo kept > /root/data; sync")

	console, err := c.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: aws.String(id), Latest: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := base64.StdEncoding.DecodeString(aws.ToString(console.Output)); err != nil || !strings.Contains(string(out), id) {
		t.Errorf("the console does not name the instance: %v\n%.2000s", err, out)
	}

	if _, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	i = c.await(t, id, types.InstanceStateNameStopped, 30*time.Second)
	if reasonOf(i) != "Client.UserInitiatedShutdown" || aws.ToString(i.PublicIpAddress) != "" || aws.ToString(i.PrivateIpAddress) != private {
		t.Errorf("stopped: reason %s, public %s, private %s", reasonOf(i), aws.ToString(i.PublicIpAddress), aws.ToString(i.PrivateIpAddress))
	}
	c.noLeaks(t)
	if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	i = c.await(t, id, types.InstanceStateNameRunning, 30*time.Second)
	if got := aws.ToString(i.PrivateIpAddress); got != private {
		t.Errorf("started with %s, had %s", got, private)
	}
	public = aws.ToString(i.PublicIpAddress)
	sh = c.ssh(t, public, key, boot)
	if got := sh.do(t, "cat /root/data"); got != "kept" {
		t.Errorf("after stop and start the disk has %q", got)
	}

	before := sh.do(t, "grep btime /proc/stat")
	if _, err := c.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(boot); ; {
		// A guest on its way down may still let somebody in, and then leave the command unanswered.
		if now := c.ssh(t, public, key, boot).try("grep btime /proc/stat"); strings.HasPrefix(now, "btime ") && now != before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the guest did not restart")
		}
		time.Sleep(500 * time.Millisecond)
	}
	if i = c.describe(t, id); i.State.Name != types.InstanceStateNameRunning {
		t.Errorf("after a reboot the instance is %s", i.State.Name)
	}

	// The server may go and come: the guest does not notice.
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	sh = c.ssh(t, public, key, boot)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	sh.do(t, "true")
	if i = c.describe(t, id); i.State.Name != types.InstanceStateNameRunning {
		t.Errorf("after a restart of the server the instance is %s", i.State.Name)
	}
	c.noLeaks(t)

	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	i = c.await(t, id, types.InstanceStateNameTerminated, 30*time.Second)
	if reasonOf(i) != "Client.UserInitiatedShutdown" {
		t.Errorf("terminated because of %s", reasonOf(i))
	}
	console, err = c.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: aws.String(id)})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := base64.StdEncoding.DecodeString(aws.ToString(console.Output)); err != nil || !strings.Contains(string(out), id) {
		t.Errorf("after the end the console does not name the instance: %v\n%.2000s", err, out)
	}
	c.noLeaks(t)
}
