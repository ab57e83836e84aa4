//go:build terraform

package ec2api

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestTerraform applies a configuration of an instance with its key pair, group and rules, changes it in each way that a
// configuration changes, imports what there is into a new state, and destroys it. Every plan in between is empty. The provider
// comes from its registry, which is none of packages; hence the build tag, and "make terraform".
func TestTerraform(t *testing.T) {
	s := startTest(t, "--host-prefix", ownPrefix("f"))
	image := importEmpty(t, s)
	c := root(s)
	f := &fixture{t: t, s: s}
	t.Cleanup(func() {
		if s.Running() {
			f.endAll(c)
		}
	})
	before := everything(t, c)
	tf := harness.NewTerraform(t, s, "testdata/terraform/instance.tf")
	tf.Vars["image_name"] = "noth*"

	tf.Apply("Apply complete! Resources: 6 added, 0 changed, 0 destroyed.")
	if got := tf.Output("image"); got != image {
		t.Errorf("the image is %s, not %s", got, image)
	}
	first := tf.Output("instance")

	tf.Vars["ports"], tf.Vars["colour"] = []string{"22", "80"}, "blue" // one rule more, and other tags
	tf.Apply("Apply complete! Resources: 1 added, 3 changed, 0 destroyed.")
	tf.Vars["type"] = "t3.micro" // is stopped and started
	tf.Apply("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.")
	if got := tf.Output("instance"); got != first {
		t.Errorf("the instance is %s, not %s", got, first)
	}
	tf.Vars["user_data"], tf.Vars["ports"] = "#!/bin/sh\necho two\n", []string{"80"} // replaces the instance, takes a rule away
	tf.Apply("Apply complete! Resources: 1 added, 0 changed, 2 destroyed.")

	tf.Import("0 added, 0 changed, 0 destroyed")

	tf.Destroy()
	if after := everything(t, c); !slices.Equal(before, after) {
		t.Errorf("left after destroy: %q, before: %q", after, before)
	}
}

// everything are the ids of what a configuration could leave behind.
func everything(t *testing.T, c *ec2.Client) []string {
	t.Helper()
	var out []string
	ctx := t.Context()
	for _, g := range ok[ec2.DescribeSecurityGroupsOutput](t)(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})).SecurityGroups {
		out = append(out, *g.GroupId)
	}
	for _, r := range ok[ec2.DescribeSecurityGroupRulesOutput](t)(c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{})).SecurityGroupRules {
		out = append(out, *r.SecurityGroupRuleId)
	}
	for _, k := range ok[ec2.DescribeKeyPairsOutput](t)(c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{})).KeyPairs {
		out = append(out, *k.KeyPairId)
	}
	for _, n := range ok[ec2.DescribeNetworkInterfacesOutput](t)(c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{})).NetworkInterfaces {
		out = append(out, *n.NetworkInterfaceId)
	}
	for _, v := range ok[ec2.DescribeVolumesOutput](t)(c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})).Volumes {
		out = append(out, *v.VolumeId)
	}
	for _, r := range ok[ec2.DescribeInstancesOutput](t)(c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})).Reservations {
		for _, i := range r.Instances {
			if i.State.Name != types.InstanceStateNameTerminated {
				out = append(out, *i.InstanceId)
			}
		}
	}
	slices.Sort(out)
	return out
}
