package ec2

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"golang.org/x/crypto/ssh"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// cloud is a server with instances, and a client of it.
type cloud struct {
	*harness.Server
	*ec2.Client
	prefix string
	image  string
	virsh  string // what virsh connects to
	killed string // the instance that TestKill works on
}

// start runs a server; its names on the host and its public addresses are its own.
func start(t *testing.T, hypervisor string, args ...string) *cloud {
	t.Helper()
	return startBy(t, nil, hypervisor, args...)
}

// startBy starts a server by way of a launcher.
func startBy(t *testing.T, launcher []string, hypervisor string, args ...string) *cloud {
	t.Helper()
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	pid := os.Getpid()
	c := &cloud{virsh: "qemu:///system", prefix: "t" + string(letters[pid%36]) + string(letters[pid/36%36])}
	pool := fmt.Sprintf("100.%d.%d.0/20", 80+pid/16%40, pid%16*16)
	c.Server = harness.Start(t, harness.Options{
		Launcher: launcher,
		Args:     append([]string{"--hypervisor", hypervisor, "--host-prefix", c.prefix, "--public-addresses", pool}, args...),
	})
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(c.Region), config.WithBaseEndpoint(c.Endpoint), config.WithLogger(logging.Nop{}),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	c.Client = ec2.NewFromConfig(cfg)
	return c
}

// guests is a server with real guests and their image. When the test ends nothing may be left of its instances.
func guests(t *testing.T, args ...string) *cloud {
	t.Helper()
	c := start(t, "libvirt", args...)
	if err := c.tiny(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.clean(t) })
	return c
}

// clean ends what a test left, and sees that nothing stays. When even that fails the host is cleaned by hand: machines outlive
// tests as they outlive servers.
func (c *cloud) clean(t *testing.T) {
	if !c.Running() {
		if err := c.Start(); err != nil {
			t.Errorf("a server to clean up with: %v", err)
			c.raze(t)
			return
		}
	}
	c.endAll(t)
	c.noLeaks(t)
	if t.Failed() {
		if left, err := c.leaks(); err != nil || len(left) > 0 {
			c.Kill()
			c.raze(t)
		}
	}
}

// raze removes from the host all that has this server's names.
func (c *cloud) raze(t *testing.T) {
	var commands [][]string
	for _, name := range c.machines() {
		commands = append(commands, []string{"virsh", "-c", c.virsh, "destroy", name}, []string{"virsh", "-c", c.virsh, "undefine", "--nvram", name})
	}
	for _, ns := range withPrefix(list("ip", "netns", "list"), c.prefix+"-") {
		commands = append(commands, []string{"ip", "netns", "delete", ns})
	}
	for _, l := range list("ip", "-o", "link") {
		for _, tap := range tapNames(l, c.prefix) {
			commands = append(commands, []string{"ip", "link", "delete", tap})
		}
	}
	for _, l := range list("nft", "list", "tables") {
		if f := strings.Fields(l); len(f) == 3 && strings.HasPrefix(f[2], "aureole_"+c.prefix) {
			commands = append(commands, []string{"nft", "delete", "table", f[1], f[2]})
		}
	}
	for _, args := range commands {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		t.Logf("%s: %v %s", strings.Join(args, " "), err, out)
	}
}

// tiny brings in the tiny image.
func (c *cloud) tiny() error {
	cache, err := harness.Cache()
	if err != nil {
		return err
	}
	out, err := c.CLI("image", "tiny", "--dir", filepath.Join(cache, "tiny"))
	c.image = strings.TrimSpace(out)
	return err
}

// run makes instances of the smallest type. They are described once more: the answer of a launch has no public addresses.
func (c *cloud) run(t *testing.T, change func(*ec2.RunInstancesInput)) []types.Instance {
	t.Helper()
	in := &ec2.RunInstancesInput{ImageId: aws.String(c.image), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	if change != nil {
		change(in)
	}
	out, err := c.RunInstances(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c.described(t, out.Instances)
}

// described are instances as they are now, in their order.
func (c *cloud) described(t *testing.T, launched []types.Instance) []types.Instance {
	t.Helper()
	out := make([]types.Instance, len(launched))
	for n := range launched {
		out[n] = c.describe(t, *launched[n].InstanceId)
	}
	return out
}

// describe returns an instance as it is now.
func (c *cloud) describe(t *testing.T, id string) types.Instance {
	t.Helper()
	out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

// await waits until an instance is in a state, and returns it.
func (c *cloud) await(t *testing.T, id string, state types.InstanceStateName, limit time.Duration) types.Instance {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		i := c.describe(t, id)
		if i.State.Name == state {
			return i
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v %s is %s (%s), not %s", limit, id, i.State.Name, reasonOf(i), state)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func reasonOf(i types.Instance) string {
	if i.StateReason == nil {
		return ""
	}
	return aws.ToString(i.StateReason.Code)
}

// endAll terminates what a test left running.
func (c *cloud) endAll(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Error(err)
		return
	}
	var ids []string
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if i.State.Name != types.InstanceStateNameTerminated {
				ids = append(ids, *i.InstanceId)
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	if _, err := c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
		t.Error(err)
		return
	}
	err = ec2.NewInstanceTerminatedWaiter(c.Client, func(o *ec2.InstanceTerminatedWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second }).
		Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, 2*time.Minute)
	if err != nil {
		t.Error(err)
	}
}

// consoleOf is how the console of the instance at an address ends, and what its state is.
func (c *cloud) consoleOf(t *testing.T, address string) string {
	out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("ip-address"), Values: []string{address}}}})
	if err != nil || len(out.Reservations) == 0 {
		return fmt.Sprintf("no instance has this address (any more): %v", err)
	}
	i := out.Reservations[0].Instances[0]
	console, err := c.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: i.InstanceId, Latest: aws.Bool(true)})
	if err != nil {
		return err.Error()
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(console.Output))
	return fmt.Sprintf("%s is %s (%s); console: %v\n%s", *i.InstanceId, i.State.Name, reasonOf(i), err, text[max(0, len(text)-2000):])
}

// shell is a guest that lets a key in.
type shell struct{ client *ssh.Client }

// ssh waits until a guest lets the key in.
func (c *cloud) ssh(t *testing.T, address string, key ssh.Signer, limit time.Duration) *shell {
	t.Helper()
	deadline := time.Now().Add(limit)
	conf := &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // a new guest's key is unknown
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, Timeout: 2 * time.Second,
	}
	for {
		client, err := ssh.Dial("tcp", net.JoinHostPort(address, "22"), conf)
		if err == nil {
			t.Cleanup(func() { client.Close() })
			return &shell{client}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no ssh to %s after %v: %v\n%s", address, limit, err, c.consoleOf(t, address))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// do runs a command in the guest and returns what it said.
func (s *shell) do(t *testing.T, command string) string {
	t.Helper()
	session, err := s.client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	out, err := session.CombinedOutput(command)
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// code is the error code of an answer.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}
