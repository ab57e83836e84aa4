package ec2

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// libvirtd may come late, go, and come back: S3 and the guests do not notice, calls are refused only while there was never a
// libvirtd, and what happened while it was away shows within two seconds.
func TestDaemonAway(t *testing.T) {
	d := newDaemons(t)
	c := start(t, "libvirt", "--libvirt-socket", d.socket())
	c.virsh = d.uri()
	image := make(chan error, 1)
	go func() { image <- c.tiny() }() // takes no machines

	if got := c.readyz(t); len(got) != 1 || !strings.Contains(got[0], "libvirt") {
		t.Errorf("without libvirtd /readyz says %q", got)
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(c.Region), config.WithBaseEndpoint(c.Endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s3.NewFromConfig(cfg).ListBuckets(t.Context(), &s3.ListBucketsInput{}); err != nil {
		t.Errorf("S3 without libvirtd: %v", err)
	}
	if err := <-image; err != nil {
		t.Fatal(err)
	}
	once := func(o *ec2.Options) { o.RetryMaxAttempts = 1 }
	key, group := c.keyAndGroup(t, "away")
	launch := func(n int32) *ec2.RunInstancesInput {
		return &ec2.RunInstancesInput{ImageId: aws.String(c.image), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(n), MaxCount: aws.Int32(n),
			KeyName: aws.String("away"), SecurityGroupIds: []string{group}}
	}
	if _, err := c.RunInstances(t.Context(), launch(1), once); code(err) != "Unavailable" || !strings.Contains(err.Error(), d.socket()) {
		t.Errorf("a launch without libvirtd: %v", err)
	}
	if out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); err != nil || len(out.Reservations) != 0 {
		t.Errorf("describing without libvirtd: %v, %v", out, err)
	}

	d.up(t)
	t.Cleanup(func() {
		if d.libvirtd == nil {
			d.up(t)
		}
		c.clean(t)
	})
	for deadline := time.Now().Add(30 * time.Second); len(c.readyz(t)) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("libvirtd is up, /readyz says %q", c.readyz(t))
		}
	}
	made, err := c.RunInstances(t.Context(), launch(3))
	if err != nil {
		t.Fatal(err)
	}
	var id, at []string
	for _, i := range c.described(t, made.Instances) {
		id, at = append(id, *i.InstanceId), append(at, aws.ToString(i.PublicIpAddress))
	}
	stays, dies, leaves := id[0], id[1], id[2]
	sh, leaving := c.ssh(t, at[0], key, boot), c.ssh(t, at[2], key, boot)
	c.await(t, dies, types.InstanceStateNameRunning, boot)

	for round, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		d.down(t, sig)
		if got := c.describe(t, stays).State.Name; got != types.InstanceStateNameRunning {
			t.Errorf("without libvirtd the instance is %s", got)
		}
		// The server hears that the connection broke a moment after libvirtd has gone.
		for deadline := time.Now().Add(30 * time.Second); len(c.readyz(t)) != 1; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("without libvirtd /readyz says %q", c.readyz(t))
			}
		}
		if got := sh.do(t, "imds meta-data/instance-id"); got != stays {
			t.Errorf("without libvirtd the metadata service says %q", got)
		}
		late := ""
		if round == 0 {
			if err := syscall.Kill(d.guest(t, dies), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = leaving.try("poweroff") // its answer may not get through any more
			out, err := c.RunInstances(t.Context(), launch(1))
			if err != nil {
				t.Fatal(err)
			}
			late = *out.Instances[0].InstanceId
			time.Sleep(5 * time.Second) // the guest goes down, and the agent's tries have become rare
		}
		d.up(t)
		if round == 0 {
			// libvirt answers before it has looked at its guests; what it does not know yet nobody can show.
			d.wait(t, func() bool { return d.off(dies) && d.off(leaves) })
			if i := c.await(t, dies, types.InstanceStateNameStopped, seen); reasonOf(i) != "Server.InternalError" {
				t.Errorf("died meanwhile: %s", reasonOf(i))
			}
			if i := c.await(t, leaves, types.InstanceStateNameStopped, seen); reasonOf(i) != "Client.InstanceInitiatedShutdown" {
				t.Errorf("powered off meanwhile: %s", reasonOf(i))
			}
			c.await(t, late, types.InstanceStateNameRunning, boot)
		}
		sh.do(t, "true") // over the same connection
		if got := c.describe(t, stays).State.Name; got != types.InstanceStateNameRunning {
			t.Errorf("after libvirtd came back the instance is %s", got)
		}
		c.noLeaks(t)
	}
	// Events come again.
	d.wait(t, func() bool { return len(c.readyz(t)) == 0 })
	if err := syscall.Kill(d.guest(t, stays), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.wait(t, func() bool { return d.off(stays) })
	c.await(t, stays, types.InstanceStateNameStopped, seen)
	if got := c.readyz(t); len(got) > 0 {
		t.Errorf("/readyz says %q", got)
	}
}

// readyz is what the server says that is limited, when it is ready.
func (c *cloud) readyz(t *testing.T) []string {
	t.Helper()
	resp, err := http.Get(c.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var said struct {
		Ready  bool
		Limits []string
	}
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	if !said.Ready || resp.StatusCode != http.StatusOK {
		t.Fatalf("/readyz: %s %+v", resp.Status, said)
	}
	return said.Limits
}
