package ec2

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

var (
	instances = flag.Int("instances", 60, "how many instances TestManyInstances launches")
	questions = flag.Int("questions", 5, "how often TestManyInstances asks each question")
)

// Instances without guests, by libvirt's test driver: they go through everything but the guest itself.
func TestManyInstances(t *testing.T) {
	c := start(t, "test", "--public-addresses", "100.64.0.0/16") // for more than the 4,000 of other tests; nothing is on the wire
	c.emptyImage(t)

	const each, workers = 20, 4
	calls := (*instances + each - 1) / each
	zones, err := c.DescribeAvailabilityZones(t.Context(), &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var work sync.WaitGroup
	next := make(chan int)
	for range workers {
		work.Go(func() {
			for n := range next {
				zone := zones.AvailabilityZones[n%len(zones.AvailabilityZones)].ZoneName // the subnet of one has 4,091 addresses
				in := &ec2.RunInstancesInput{
					Placement: &types.Placement{AvailabilityZone: zone},
					ImageId:   aws.String(c.image), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(each), MaxCount: aws.Int32(each),
					TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
						Tags: []types.Tag{{Key: aws.String("batch"), Value: aws.String(fmt.Sprint(n))}}}},
				}
				if _, err := c.RunInstances(t.Context(), in); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range calls {
		next <- n
	}
	close(next)
	work.Wait()
	accepted := time.Since(begin)
	total := calls * each
	c.awaitRunning(t, total)
	running := time.Since(begin)

	all, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	id, addresses := "", map[string]bool{}
	for _, r := range all.Reservations {
		for _, i := range r.Instances {
			id, addresses[aws.ToString(i.PrivateIpAddress)] = aws.ToString(i.InstanceId), true
		}
	}
	if len(addresses) != total {
		t.Fatalf("the instances have %d addresses, want %d", len(addresses), total)
	}
	before := rss(c.PID())
	c.rest(t)
	c.describeAll(t, *questions, total, each, id)
	c.launchOnes(t, max(1, *questions/2))
	memory := rss(c.PID())

	begin = time.Now()
	c.endAll(t)
	t.Logf("%d instances: accepted %.0f/s, running %.0f/s, memory of the server %d MiB, %d MiB after all questions, terminated %.0f/s",
		total, float64(total)/accepted.Seconds(), float64(total)/running.Seconds(), before>>20, memory>>20, float64(total)/time.Since(begin).Seconds())
}

// rest reports what the server does while nobody asks it anything.
func (c *cloud) rest(t *testing.T) {
	t.Helper()
	pause := min(10*time.Second, time.Duration(*questions)*200*time.Millisecond)
	before, err := c.Usage()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(pause)
	after, err := c.Usage()
	if err != nil {
		t.Fatal(err)
	}
	goroutines, err := c.Goroutines()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("at rest for %v: server CPU %v, %d goroutines", pause, after.CPU-before.CPU, goroutines)
}

// awaitRunning waits until so many instances run. It asks for a few that are pending, so that asking costs little.
func (c *cloud) awaitRunning(t *testing.T, n int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for {
		out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
			MaxResults: aws.Int32(5), Filters: []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"pending"}}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Reservations) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still pending", *out.Reservations[0].Instances[0].InstanceId)
		}
		time.Sleep(20 * time.Millisecond)
	}
	all, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"running"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if have := instancesIn(all.Reservations); have != n {
		t.Fatalf("%d of %d instances are running", have, n)
	}
}

// rss is the memory that a process holds.
func rss(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kib int64
	fmt.Sscan(rest, &kib)
	return kib << 10
}

// A server that is killed and started again finds many instances as they are, answers for them at once, and uses little for that.
func TestRestartOfMany(t *testing.T) {
	start(t, "test") // the test driver keeps its machines as long as somebody is connected
	c := start(t, "test")
	c.emptyImage(t)
	for left := *instances; left > 0; left -= 100 {
		n := aws.Int32(int32(min(left, 100)))
		if _, err := c.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(c.image), InstanceType: types.InstanceTypeT3Nano, MinCount: n, MaxCount: n}); err != nil {
			t.Fatal(err)
		}
	}
	c.awaitRunning(t, *instances)
	all := func() []types.Reservation {
		t.Helper()
		out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		if err != nil {
			t.Fatal(err)
		}
		return out.Reservations
	}
	before := all()
	c.Kill()
	begin := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ready := time.Since(begin)
	if !reflect.DeepEqual(before, all()) {
		t.Error("instances are described otherwise than before the restart")
	}
	one := c.run(t, nil)[0]
	c.await(t, *one.InstanceId, types.InstanceStateNameRunning, time.Minute)
	launched := time.Since(begin)
	time.Sleep(time.Second) // for what is done of instances that were found
	if !reflect.DeepEqual(before, slices.DeleteFunc(all(), func(r types.Reservation) bool { return *r.Instances[0].InstanceId == *one.InstanceId })) {
		t.Error("instances are described otherwise when the agent has looked at them")
	}
	used, err := c.Usage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instances after kill -9: ready after %v, the next one runs after %v; server CPU %v, peak memory %d MiB",
		*instances, ready, launched, used.CPU, used.PeakRSS>>20)
	c.endAll(t)
}
