//go:build terraform

package ec2api

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// terraform is a folder with a configuration, and OpenTofu with Terraform's provider of AWS.
type terraform struct {
	t       *testing.T
	s       *harness.Server
	dir     string
	vars    map[string]any
	tool    string
	plugins string
}

func newTerraform(t *testing.T, s *harness.Server) *terraform {
	t.Helper()
	tf := &terraform{t: t, s: s, tool: harness.Tool(t, "tofu"), dir: t.TempDir(), vars: map[string]any{"endpoint": s.Endpoint}}
	tf.plugins = filepath.Dir(harness.Tool(t, "terraform-provider-aws"))
	tf.file("tofu.rc", fmt.Sprintf("provider_installation {\n  dev_overrides { \"hashicorp/aws\" = %q }\n  direct {}\n}\n", tf.plugins))
	tf.take("instance.tf")
	return tf
}

func (tf *terraform) file(name, text string) {
	tf.t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(text), 0o600); err != nil {
		tf.t.Fatal(err)
	}
}

// take copies the configuration into the folder.
func (tf *terraform) take(name string) {
	tf.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/terraform", name))
	if err != nil {
		tf.t.Fatal(err)
	}
	tf.file(name, string(text))
}

// try runs the tool; 2 is what a plan ends with that is not empty.
func (tf *terraform) try(args ...string) (string, error) {
	tf.t.Helper()
	vars, err := json.Marshal(tf.vars)
	if err != nil {
		tf.t.Fatal(err)
	}
	tf.file("terraform.tfvars.json", string(vars))
	env := append(tf.s.AWSEnv(), "TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "tofu.rc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	stdout, stderr, err := harness.Try(tf.t, harness.Command{Path: tf.tool, Args: args, Dir: tf.dir, Env: env, Timeout: 10 * time.Minute})
	return stdout + stderr, err
}

func (tf *terraform) run(args ...string) string {
	tf.t.Helper()
	out, err := tf.try(args...)
	if err != nil {
		tf.t.Fatalf("tofu %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// apply applies the configuration, wants so much to change, and then nothing more.
func (tf *terraform) apply(want string) {
	tf.t.Helper()
	if out := tf.run("apply", "-auto-approve", "-no-color", "-input=false", "-compact-warnings"); !strings.Contains(out, want) {
		tf.t.Errorf("apply: not %q:\n%s", want, out)
	}
	tf.settled()
}

// settled wants an empty plan.
func (tf *terraform) settled() {
	tf.t.Helper()
	if out, err := tf.try("plan", "-no-color", "-input=false", "-detailed-exitcode", "-compact-warnings"); err != nil {
		tf.t.Errorf("a plan is not empty: %v\n%s", err, out)
	}
}

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
	tf := newTerraform(t, s)
	tf.vars["image_name"] = "noth*"

	tf.apply("Apply complete! Resources: 6 added, 0 changed, 0 destroyed.")
	if got := strings.TrimSpace(tf.run("output", "-no-color", "-raw", "image")); got != image {
		t.Errorf("the image is %s, not %s", got, image)
	}
	first := strings.TrimSpace(tf.run("output", "-no-color", "-raw", "instance"))

	tf.vars["ports"], tf.vars["colour"] = []string{"22", "80"}, "blue" // one rule more, and other tags
	tf.apply("Apply complete! Resources: 1 added, 3 changed, 0 destroyed.")
	tf.vars["type"] = "t3.micro" // is stopped and started
	tf.apply("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.")
	if got := strings.TrimSpace(tf.run("output", "-no-color", "-raw", "instance")); got != first {
		t.Errorf("the instance is %s, not %s", got, first)
	}
	tf.vars["user_data"], tf.vars["ports"] = "#!/bin/sh\necho two\n", []string{"80"} // replaces the instance, takes a rule away
	tf.apply("Apply complete! Resources: 1 added, 0 changed, 2 destroyed.")

	// Imported, everything is as the configuration says, but for what it says that the provider cannot read.
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Index      any `json:"index_key"`
				Attributes struct{ ID string }
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(tf.dir, "terraform.tfstate"))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err == nil {
		err = os.Remove(filepath.Join(tf.dir, "terraform.tfstate"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var imports strings.Builder
	n := 0
	for _, r := range state.Resources {
		for _, i := range r.Instances {
			if r.Mode != "managed" {
				continue
			}
			index := ""
			if i.Index != nil {
				index = fmt.Sprintf("[%q]", i.Index)
			}
			fmt.Fprintf(&imports, "import {\n  to = %s.%s%s\n  id = %q\n}\n", r.Type, r.Name, index, i.Attributes.ID)
			n++
		}
	}
	tf.file("imports.tf", imports.String())
	tf.apply(fmt.Sprintf("Apply complete! Resources: %d imported, 0 added, 0 changed, 0 destroyed.", n))

	tf.run("destroy", "-auto-approve", "-no-color", "-input=false", "-compact-warnings")
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
