package ec2

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// seen is how soon the API shows what happened to a guest.
const seen = 2 * time.Second

// A guest that ends by itself, or is ended by somebody else, shows within two seconds, with the reason; and it can be
// started again.
func TestEnds(t *testing.T) {
	c := guests(t)
	key, group := c.keyAndGroup(t, "ends")
	with := func(behavior types.ShutdownBehavior) (string, string) {
		i := c.run(t, func(in *ec2.RunInstancesInput) {
			in.KeyName, in.SecurityGroupIds, in.InstanceInitiatedShutdownBehavior = aws.String("ends"), []string{group}, behavior
		})[0]
		return *i.InstanceId, aws.ToString(i.PublicIpAddress)
	}
	stops, stopsAt := with(types.ShutdownBehaviorStop)
	ends, endsAt := with(types.ShutdownBehaviorTerminate)
	stopsShell, endsShell := c.ssh(t, stopsAt, key, boot), c.ssh(t, endsAt, key, boot)

	// A kernel that panics is the guest's affair, as it is with EC2: the instance runs, and this one restarts itself.
	before := endsShell.do(t, "grep btime /proc/stat")
	_ = endsShell.try("(sleep 0.2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 </dev/null &")
	for deadline := time.Now().Add(boot); ; {
		endsShell = c.ssh(t, endsAt, key, boot)
		// The kernel that is about to panic may still let somebody in, and then says nothing more.
		if now := endsShell.try("grep btime /proc/stat"); strings.HasPrefix(now, "btime ") && now != before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the guest does not panic")
		}
		time.Sleep(500 * time.Millisecond)
	}
	if i := c.describe(t, ends); i.State.Name != types.InstanceStateNameRunning || i.StateReason != nil {
		t.Errorf("after a panic the instance is %s (%s)", i.State.Name, reasonOf(i))
	}

	powerOff := func(s *shell, id string) {
		_ = s.try("poweroff") // its answer may not get through any more
		for deadline := time.Now().Add(boot); contains(list("virsh", "list", "--name"), id); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not power off", id)
			}
		}
	}
	powerOff(stopsShell, stops)
	if i := c.await(t, stops, types.InstanceStateNameStopped, seen); reasonOf(i) != "Client.InstanceInitiatedShutdown" ||
		!strings.Contains(aws.ToString(i.StateTransitionReason), "Client.InstanceInitiatedShutdown") {
		t.Errorf("powered off: %s, %q", reasonOf(i), aws.ToString(i.StateTransitionReason))
	}
	powerOff(endsShell, ends)
	if i := c.await(t, ends, types.InstanceStateNameTerminated, seen); reasonOf(i) != "Client.InstanceInitiatedShutdown" {
		t.Errorf("powered off for good: %s", reasonOf(i))
	}

	again := func() {
		t.Helper()
		if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{stops}}); err != nil {
			t.Fatal(err)
		}
		c.await(t, stops, types.InstanceStateNameRunning, 30*time.Second)
	}
	again()
	if out, err := exec.Command("virsh", "destroy", stops).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if i := c.await(t, stops, types.InstanceStateNameStopped, seen); reasonOf(i) != "Server.InternalError" || !strings.Contains(*i.StateReason.Message, "destroyed") {
		t.Errorf("destroyed from outside: %s", aws.ToString(i.StateReason.Message))
	}
	again()
	pid, err := strconv.Atoi(strings.Join(list("pgrep", "-f", "guest="+stops+","), ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the emulator does not die")
		}
	}
	if i := c.await(t, stops, types.InstanceStateNameStopped, seen); reasonOf(i) != "Server.InternalError" {
		t.Errorf("crashed: %s", aws.ToString(i.StateReason.Message))
	}
	c.noLeaks(t)
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}
