package ec2

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

var kills = flag.Int("kills", 9, "how often TestKill kills the server")

// The server is killed at some moment of a launch, a stop, a start or an end, again and again. Whatever was asked for
// happens after its restart, and nothing is left over.
func TestKill(t *testing.T) {
	c := guests(t)
	rnd := rand.New(rand.NewPCG(1, uint64(*kills)))
	kill := func(longest time.Duration) {
		t.Helper()
		time.Sleep(time.Duration(rnd.Int64N(int64(longest))))
		c.Kill()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	const limit = 60 * time.Second
	for n := 0; n < *kills; {
		id := *c.run(t, nil)[0].InstanceId
		t.Logf("%d kills; %s", n, id)
		kill(1500 * time.Millisecond)
		n++
		c.await(t, id, types.InstanceStateNameRunning, limit)
		if n%3 == 1 {
			if _, err := c.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
				t.Fatal(err)
			}
			kill(2 * time.Second)
			c.await(t, id, types.InstanceStateNameStopped, limit)
			c.noLeaks(t)
			if _, err := c.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
				t.Fatal(err)
			}
			kill(1500 * time.Millisecond)
			c.await(t, id, types.InstanceStateNameRunning, limit)
			n += 2
		}
		c.noLeaks(t)
		if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		kill(2 * time.Second)
		n++
		c.await(t, id, types.InstanceStateNameTerminated, limit)
		c.noLeaks(t)
	}
}
