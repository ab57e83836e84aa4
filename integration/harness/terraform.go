package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Terraform is a folder with a configuration, and OpenTofu with Terraform's provider of AWS, which "make terraform" fetches.
type Terraform struct {
	Vars map[string]any // of the configuration; "endpoint" is set

	t    testing.TB
	s    *Server
	dir  string
	tool string
}

// NewTerraform makes a folder that holds copies of the configuration's files.
func NewTerraform(t testing.TB, s *Server, files ...string) *Terraform {
	t.Helper()
	tf := &Terraform{Vars: map[string]any{"endpoint": s.Endpoint}, t: t, s: s, tool: Tool(t, "tofu"), dir: t.TempDir()}
	plugins := filepath.Dir(Tool(t, "terraform-provider-aws"))
	tf.file("tofu.rc", fmt.Sprintf("provider_installation {\n  dev_overrides { \"hashicorp/aws\" = %q }\n  direct {}\n}\n", plugins))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tf.file(filepath.Base(name), string(text))
	}
	return tf
}

func (tf *Terraform) file(name, text string) {
	tf.t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(text), 0o600); err != nil {
		tf.t.Fatal(err)
	}
}

// try runs the tool; a plan that is not empty is an error too.
func (tf *Terraform) try(args ...string) (string, error) {
	tf.t.Helper()
	vars, err := json.Marshal(tf.Vars)
	if err != nil {
		tf.t.Fatal(err)
	}
	tf.file("terraform.tfvars.json", string(vars))
	env := append(tf.s.AWSEnv(), "TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "tofu.rc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	if args[0] != "state" {
		args = append(args, "-no-color")
	}
	stdout, stderr, err := Try(tf.t, Command{Path: tf.tool, Args: args, Dir: tf.dir, Env: env, Timeout: 10 * time.Minute})
	return stdout + stderr, err
}

func (tf *Terraform) run(args ...string) string {
	tf.t.Helper()
	out, err := tf.try(args...)
	if err != nil {
		tf.t.Fatalf("tofu %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Apply applies the configuration, wants so much to change, and then a plan that is empty.
func (tf *Terraform) Apply(want string) {
	tf.t.Helper()
	if out := tf.run("apply", "-auto-approve", "-input=false", "-compact-warnings"); !strings.Contains(out, want) {
		tf.t.Errorf("apply: not %q:\n%s", want, out)
	}
	if out, err := tf.try("plan", "-input=false", "-detailed-exitcode", "-compact-warnings"); err != nil {
		tf.t.Errorf("a plan is not empty: %v\n%s", err, out)
	}
}

// Output is an output of the configuration.
func (tf *Terraform) Output(name string) string {
	tf.t.Helper()
	return strings.TrimSpace(tf.run("output", "-raw", name))
}

// Import forgets the state, but for resources of types that the provider cannot import, and imports it anew. What has to
// change then is what the provider cannot read: rest says how much, as Apply's want does.
func (tf *Terraform) Import(rest string, except ...string) {
	tf.t.Helper()
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Index      any `json:"index_key"`
				Attributes struct{ ID, Bucket string }
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(tf.dir, "terraform.tfstate"))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		tf.t.Fatal(err)
	}
	forget := []string{"state", "rm"}
	var imports strings.Builder
	for _, r := range state.Resources {
		if r.Mode != "managed" || slices.Contains(except, r.Type) {
			continue
		}
		for _, i := range r.Instances {
			at, id := r.Type+"."+r.Name, i.Attributes.ID
			if i.Index != nil {
				at += fmt.Sprintf("[%q]", i.Index)
			}
			if r.Type == "aws_s3_object" { // is imported by another id than the one it gets
				id = i.Attributes.Bucket + "/" + id
			}
			forget = append(forget, at)
			fmt.Fprintf(&imports, "import {\n  to = %s\n  id = %q\n}\n", at, id)
		}
	}
	tf.run(forget...)
	tf.file("imports.tf", imports.String())
	tf.Apply(fmt.Sprintf("Apply complete! Resources: %d imported, %s.", len(forget)-2, rest))
}

// Destroy takes everything away.
func (tf *Terraform) Destroy() {
	tf.t.Helper()
	tf.run("destroy", "-auto-approve", "-input=false", "-compact-warnings")
}
