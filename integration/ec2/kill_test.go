package ec2

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

var (
	kills    = flag.Int("kills", 10, "how often TestKill kills the server, each time at another stage; above the number of stages some come again")
	killSeed = flag.Uint64("killseed", 0, "which stages those are; 0 takes others every time")
)

// stage is a point in an action at which the server is killed: a moment of a call to libvirt, or what can be seen on the host.
type stage struct {
	action string
	name   string
	proc   uint32
	when   moment
	seen   func(c *cloud) bool // instead of a call
}

// there tells whether a file is there, gone whether none is.
func there(pattern func(c *cloud) string) func(c *cloud) bool {
	return func(c *cloud) bool {
		found, err := filepath.Glob(pattern(c))
		return err == nil && len(found) > 0
	}
}

func gone(pattern func(c *cloud) string) func(c *cloud) bool {
	is := there(pattern)
	return func(c *cloud) bool { return !is(c) }
}

// both tells whether both volumes of the instance are there.
func both(pattern func(c *cloud) string) func(c *cloud) bool {
	return func(c *cloud) bool {
		found, err := filepath.Glob(pattern(c))
		return err == nil && len(found) == 2
	}
}

// then waits for two things, one after the other.
func then(first, second func(c *cloud) bool) func(c *cloud) bool {
	done := false
	return func(c *cloud) bool {
		done = done || first(c)
		return done && second(c)
	}
}

// stages are all points that are told apart, by action.
func stages() []stage {
	machines := func(sub ...string) func(c *cloud) string {
		return func(c *cloud) string { return filepath.Join(append([]string{c.Data[0], "machines"}, sub...)...) }
	}
	volumes := machines("volumes", "vol-*.qcow2")
	folder, network := machines("instances", "i-*"), func(c *cloud) string { return "/run/netns/" + c.prefix + "-*" }
	tap := func(c *cloud) string { return "/sys/class/net/" + c.prefix + "t*" } // while it is not in its namespace
	process := func(c *cloud) string { return "/run/libvirt/qemu/" + c.killed + ".pid" }
	var all []stage
	seen := func(action, name string, f func(c *cloud) bool) {
		all = append(all, stage{action: action, name: name, seen: f})
	}
	call := func(action, name string, proc uint32, moments ...moment) {
		for _, m := range moments {
			all = append(all, stage{action: action, name: []string{"before ", "during ", "after "}[m] + name, proc: proc, when: m})
		}
	}
	for _, action := range []string{"launch", "stop", "force", "start", "reboot", "terminate", "delete"} {
		seen(action, "answered", nil)
	}
	seen("launch", "image fetched in part", there(machines("images", "*.new")))
	seen("launch", "folder made", there(folder))
	seen("launch", "disk under way", there(machines("instances", "i-*", "*.new")))
	seen("launch", "root disk made", there(volumes))
	seen("launch", "second disk under way", then(there(volumes), there(machines("instances", "i-*", "*.new"))))
	seen("launch", "second disk made", both(volumes))
	for _, action := range []string{"launch", "start"} {
		seen(action, "network made", there(network))
		seen(action, "tap made", there(tap))
		call(action, "define", procDefine, before, during, after)
		call(action, "create", procCreate, before, during, after)
		seen(action, "tap moved", then(there(tap), gone(tap)))
		call(action, "resume", procResume, before, during, after)
	}
	call("stop", "shutdown", procShutdown, before, after)
	call("terminate", "shutdown", procShutdown, before, after)
	call("force", "destroy", procDestroy, before, during, after)
	call("reboot", "reboot", procReboot, before, during, after)
	for _, action := range []string{"force", "terminate"} {
		seen(action, "machine off", gone(process))
		seen(action, "network gone", gone(network))
		call(action, "undefine", procUndefine, before, during, after)
	}
	seen("terminate", "folder gone", gone(folder))
	seen("terminate", "volume gone", func(c *cloud) bool { return !both(volumes)(c) })
	seen("delete", "volume gone", gone(volumes))
	return all
}

// The server is killed at every stage of a launch, a stop, a start, a reboot or an end. Whatever was asked for happens after its
// restart, and nothing is left over.
func TestKill(t *testing.T) {
	libvirt := newIntercept(t)
	c := guests(t, "--libvirt-socket", libvirt.socket)
	all := stages()
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	rnd := rand.New(rand.NewPCG(1, seed))
	var todo []stage
	for len(todo) < *kills {
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		todo = append(todo, all[:min(len(all), *kills-len(todo))]...)
	}
	t.Logf("%d of %d stages, by the seed %d", len(todo), len(all), seed)

	take := func(action string) *stage {
		n := slices.IndexFunc(todo, func(s stage) bool { return s.action == action })
		if n < 0 {
			return nil
		}
		s := todo[n]
		todo = slices.Delete(todo, n, n+1)
		return &s
	}
	has := func(action string) bool {
		return slices.ContainsFunc(todo, func(s stage) bool { return s.action == action })
	}
	for len(todo) > 0 {
		if s := take("launch"); s != nil {
			if s.name == "image fetched in part" {
				c.emptyCache(t)
			}
			c.killAt(t, libvirt, s, types.InstanceStateNameRunning)
		} else {
			c.killed = ""
			c.act(t.Context(), t, "launch")
			c.await(t, c.killed, types.InstanceStateNameRunning, boot)
		}
		// What needs a guest that listens comes last.
		for _, action := range []string{"force", "start", "reboot", "stop"} {
			if action == "start" {
				if c.describe(t, c.killed).State.Name != types.InstanceStateNameStopped {
					if !has("start") {
						continue
					}
					c.act(t.Context(), t, "force")
					c.await(t, c.killed, types.InstanceStateNameStopped, boot)
				}
				if !has("start") {
					c.act(t.Context(), t, "start")
					c.await(t, c.killed, types.InstanceStateNameRunning, boot)
					continue
				}
			}
			want := types.InstanceStateNameRunning
			if action == "force" || action == "stop" {
				want = types.InstanceStateNameStopped
			}
			if s := take(action); s != nil {
				c.killAt(t, libvirt, s, want)
			}
		}
		if s := take("terminate"); s != nil {
			if c.describe(t, c.killed).State.Name == types.InstanceStateNameStopped {
				c.act(t.Context(), t, "start")
				c.await(t, c.killed, types.InstanceStateNameRunning, boot)
			}
			c.killAt(t, libvirt, s, types.InstanceStateNameTerminated)
		} else {
			c.act(t.Context(), t, "terminate")
			c.await(t, c.killed, types.InstanceStateNameTerminated, boot)
		}
		// One of its volumes is left.
		if s := take("delete"); s != nil {
			c.killAt(t, libvirt, s, "")
		} else {
			c.act(t.Context(), t, "delete")
			c.noVolumes(t)
		}
	}
}

// noVolumes waits until there are none.
func (c *cloud) noVolumes(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(boot); ; time.Sleep(50 * time.Millisecond) {
		all, err := c.volumes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("volumes are left: %v", all)
		}
	}
}

// emptyCache has images fetched again. No instance may be there.
func (c *cloud) emptyCache(t *testing.T) {
	t.Helper()
	c.noLeaks(t)
	c.Kill()
	cached, err := filepath.Glob(filepath.Join(c.Data[0], "machines", "images", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cached {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
}

// act does an action to the instance under test, which a launch makes. The SDK repeats a call that the kill cuts off; a
// launch has its client token, so that it is done once.
func (c *cloud) act(ctx context.Context, t *testing.T, action string) {
	t.Helper()
	patient := func(o *ec2.Options) { o.RetryMaxAttempts = 20 }
	ids := []string{c.killed}
	var err error
	switch action {
	case "launch":
		var out *ec2.RunInstancesOutput
		out, err = c.RunInstances(ctx, &ec2.RunInstancesInput{
			ImageId: &c.image, InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			BlockDeviceMappings: []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1), DeleteOnTermination: aws.Bool(false)}},
			},
		}, patient)
		if err == nil {
			c.killed = *out.Instances[0].InstanceId
		}
	case "stop", "force":
		_, err = c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids, Force: aws.Bool(action == "force")}, patient)
	case "start":
		_, err = c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}, patient)
	case "reboot":
		_, err = c.RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: ids}, patient)
	case "terminate":
		_, err = c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}, patient)
	case "delete":
		var all map[string]types.Volume
		if all, err = c.volumes(ctx); err == nil && len(all) != 1 {
			err = fmt.Errorf("the instance left %v", all)
		}
		for id := range all {
			_, err = c.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &id}, patient)
		}
		if code(err) == "InvalidVolume.NotFound" { // the call before the kill was carried out
			err = nil
		}
	}
	if err != nil {
		t.Errorf("%s: %v", action, err)
	}
}

// killAt does an action, kills the server when it gets to a stage, and starts it again.
func (c *cloud) killAt(t *testing.T, libvirt *intercept, s *stage, want types.InstanceStateName) {
	t.Helper()
	begin := time.Now()
	hit := make(chan struct{})
	kill := func() { _ = c.Signal(os.Kill); close(hit) }
	acted := make(chan struct{})
	go func() { c.act(t.Context(), t, s.action); close(acted) }()
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	switch {
	case s.proc != 0:
		libvirt.at(s.proc, s.when, kill)
		defer libvirt.disarm()
	case s.seen == nil:
		go func() { <-acted; kill() }()
	default:
		go func() {
			for !s.seen(c) {
				select {
				case <-watching.Done():
					return
				case <-time.After(200 * time.Microsecond):
				}
			}
			kill()
		}()
	}
	select {
	case <-hit:
	case <-time.After(boot):
		t.Errorf("%s never gets to: %s", s.action, s.name)
		c.Kill()
	}
	c.Kill() // waits for the end
	took := time.Since(begin)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-acted
	if s.action == "delete" {
		c.noVolumes(t)
	} else {
		c.await(t, c.killed, want, 2*boot)
	}
	c.noLeaks(t)
	t.Logf("%s, %s: killed after %v, as it should be after %v", s.action, s.name, took.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
}
