package ec2

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// stopwatch takes the time from sending a request to having read all of its answer. What a call of the SDK takes beyond that
// is the SDK's own: signing and decoding.
type stopwatch struct {
	client http.Client
	took   time.Duration
	size   int
}

func (w *stopwatch) Do(r *http.Request) (*http.Response, error) {
	begin := time.Now()
	res, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err = joinClose(err, res.Body); err != nil {
		return nil, err
	}
	w.took += time.Since(begin)
	w.size += len(body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

func joinClose(err error, c io.Closer) error {
	if cerr := c.Close(); err == nil {
		err = cerr
	}
	return err
}

// series is how long calls of one kind took, the whole and the server's share.
type series struct{ whole, server []time.Duration }

func (s *series) String() string {
	return fmt.Sprintf("call p50 %v p99 %v, of it the server p50 %v p99 %v",
		quantile(s.whole, 50), quantile(s.whole, 99), quantile(s.server, 50), quantile(s.server, 99))
}

func quantile(d []time.Duration, percent int) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[min(len(d)*percent/100, len(d)-1)].Round(10 * time.Microsecond)
}

// question asks something of the cloud and tells how many answers there were.
type question func(context.Context, *ec2.Client) (int, error)

// ask asks a question n times and reports how long that took. Every answer must have want items.
func (c *cloud) ask(t *testing.T, what string, n, want int, q question) {
	t.Helper()
	watch := &stopwatch{}
	client := ec2.New(c.Client.Options(), func(o *ec2.Options) { o.HTTPClient = watch })
	var s series
	before, err := c.Usage()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		watch.took, watch.size = 0, 0
		begin := time.Now()
		got, err := q(t.Context(), client)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		s.whole, s.server = append(s.whole, time.Since(begin)), append(s.server, watch.took)
		if got != want {
			t.Fatalf("%s: %d items, want %d", what, got, want)
		}
	}
	after, err := c.Usage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%-44s %s; server CPU %v, %d KiB", what, &s, ((after.CPU - before.CPU) / time.Duration(n)).Round(10*time.Microsecond), watch.size>>10)
}

func instancesIn(rs []types.Reservation) (n int) {
	for _, r := range rs {
		n += len(r.Instances)
	}
	return n
}

// describeAll asks every question whose answer grows with the number of instances. batch is how many there are with one value
// of the tag batch, ids are some of them, total is all.
func (c *cloud) describeAll(t *testing.T, n, total, batch int, id string) {
	filter := func(name, value string) []types.Filter {
		return []types.Filter{{Name: aws.String(name), Values: []string{value}}}
	}
	instances := func(in ec2.DescribeInstancesInput) question {
		return func(ctx context.Context, cl *ec2.Client) (int, error) {
			out, err := cl.DescribeInstances(ctx, &in)
			if err != nil {
				return 0, err
			}
			return instancesIn(out.Reservations), nil
		}
	}
	c.ask(t, "DescribeInstances, all", n, total, instances(ec2.DescribeInstancesInput{}))
	c.ask(t, "DescribeInstances, one id", n, 1, instances(ec2.DescribeInstancesInput{InstanceIds: []string{id}}))
	c.ask(t, "DescribeInstances, one by a tag", n, batch, instances(ec2.DescribeInstancesInput{Filters: filter("tag:batch", "0")}))
	c.ask(t, "DescribeInstances, none by an attribute", n, 0, instances(ec2.DescribeInstancesInput{Filters: filter("private-ip-address", "10.9.9.9")}))
	c.ask(t, "DescribeInstances, by instance-id filter", n, 1, instances(ec2.DescribeInstancesInput{Filters: filter("instance-id", id)}))
	c.ask(t, "DescribeInstances, all by their group", n, total, instances(ec2.DescribeInstancesInput{Filters: filter("instance.group-name", "default")}))
	token, page := "", min(100, total)
	c.ask(t, "DescribeInstances, a page of 100", n, page, func(ctx context.Context, cl *ec2.Client) (int, error) {
		in := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(100)}
		if token != "" {
			in.NextToken = &token
		}
		out, err := cl.DescribeInstances(ctx, in)
		if err != nil {
			return 0, err
		}
		got := instancesIn(out.Reservations)
		if token = aws.ToString(out.NextToken); token == "" && total > 100 && total%100 != 0 {
			return page, nil // the last page is shorter
		}
		return got, nil
	})
	c.ask(t, "DescribeInstanceStatus, all", n, total, func(ctx context.Context, cl *ec2.Client) (int, error) {
		out, err := cl.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{})
		if err != nil {
			return 0, err
		}
		return len(out.InstanceStatuses), nil
	})
	c.ask(t, "DescribeNetworkInterfaces, all", n, total, func(ctx context.Context, cl *ec2.Client) (int, error) {
		out, err := cl.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{})
		if err != nil {
			return 0, err
		}
		return len(out.NetworkInterfaces), nil
	})
	c.ask(t, "DescribeNetworkInterfaces, of one instance", n, 1, func(ctx context.Context, cl *ec2.Client) (int, error) {
		out, err := cl.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: filter("attachment.instance-id", id)})
		if err != nil {
			return 0, err
		}
		return len(out.NetworkInterfaces), nil
	})
	groups := min(total, 2000)  // a VPC may have 2,500
	for k := range groups - 1 { // beside the default one
		if _, err := c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
			GroupName: aws.String(fmt.Sprintf("scale-%d", k)), Description: aws.String("scale"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	c.ask(t, "DescribeSecurityGroups, all", n, groups, func(ctx context.Context, cl *ec2.Client) (int, error) {
		out, err := cl.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
		if err != nil {
			return 0, err
		}
		return len(out.SecurityGroups), nil
	})
}

// launchOnes launches single instances beside those that are there, and reports how long until each was accepted and running.
func (c *cloud) launchOnes(t *testing.T, n int) {
	t.Helper()
	watch := &stopwatch{}
	client := ec2.New(c.Client.Options(), func(o *ec2.Options) { o.HTTPClient = watch })
	var accepted series
	var running []time.Duration
	var ids []string
	for range n {
		watch.took = 0
		begin := time.Now()
		out, err := client.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(c.image), InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
		if err != nil {
			t.Fatal(err)
		}
		accepted.whole, accepted.server = append(accepted.whole, time.Since(begin)), append(accepted.server, watch.took)
		id := aws.ToString(out.Instances[0].InstanceId)
		ids = append(ids, id)
		for c.describe(t, id).State.Name != types.InstanceStateNameRunning {
			if time.Since(begin) > time.Minute {
				t.Fatalf("%s does not run after a minute", id)
			}
			time.Sleep(time.Millisecond)
		}
		running = append(running, time.Since(begin))
	}
	t.Logf("%-44s %s; running after p50 %v p99 %v", "RunInstances, one at a time", &accepted, quantile(running, 50), quantile(running, 99))
	if _, err := c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		c.await(t, id, types.InstanceStateNameTerminated, time.Minute)
	}
}
