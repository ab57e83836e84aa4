package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestOpenTofuBackend keeps the state of OpenTofu, which is Terraform's as well: written, versioned by workspaces, locked by a
// conditional write, and unlocked again.
func TestOpenTofuBackend(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		tofu := harness.Tool(t, "tofu")
		c := goClient(t, s)
		b := newBucket(t, c)
		dir := t.TempDir()
		// The provisioner holds the lock until the file appears.
		release := filepath.Join(dir, "release")
		if err := os.WriteFile(filepath.Join(dir, "main.tf"), fmt.Appendf(nil, `
terraform {
  backend "s3" {
    bucket                      = %q
    key                         = "net/terraform.tfstate"
    region                      = %q
    endpoints                   = { s3 = %q }
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
  }
}
variable "n" { type = number }
resource "terraform_data" "it" {
  input            = var.n
  triggers_replace = var.n
  provisioner "local-exec" {
    command = "touch started-${var.n}; while [ ! -e %s ]; do sleep 0.1; done"
  }
}
output "n" { value = terraform_data.it.output }
`, b, s.Region, s.Endpoint, release), 0o600); err != nil {
			t.Fatal(err)
		}
		env := append(without(without(s.AWSEnv(), "AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL_S3"), "PATH="+os.Getenv("PATH"), "HOME="+dir, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		command := func(args ...string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), tofu, args...)
			cmd.Dir, cmd.Env = dir, env
			return cmd
		}
		run := func(args ...string) string {
			t.Helper()
			out, err := command(args...).CombinedOutput()
			if err != nil {
				t.Fatalf("tofu %s: %v\n%s", strings.Join(args, " "), err, out)
			}
			return string(out)
		}
		run("init", "-no-color", "-input=false")

		first := command("apply", "-auto-approve", "-no-color", "-input=false", "-var", "n=1")
		var said strings.Builder
		first.Stdout, first.Stderr = &said, &said
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for {
			if _, err := os.Stat(filepath.Join(dir, "started-1")); err == nil {
				break
			}
			if time.Now().After(deadline) {
				_ = first.Process.Kill()
				_ = first.Wait()
				t.Fatalf("apply did not come to the resource:\n%s", said.String())
			}
			time.Sleep(50 * time.Millisecond)
		}
		// Without a lock it would wait like the first.
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		second := exec.CommandContext(ctx, tofu, "apply", "-auto-approve", "-no-color", "-input=false", "-var", "n=2")
		second.Dir, second.Env, second.WaitDelay = dir, env, time.Second
		out, err := second.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Error acquiring the state lock") {
			t.Errorf("a second apply while the first runs: %v\n%s", err, out)
		}
		if err := os.WriteFile(release, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := first.Wait(); err != nil {
			t.Fatalf("apply: %v\n%s", err, said.String())
		}
		if got := strings.TrimSpace(run("output", "-no-color", "n")); got != "1" {
			t.Errorf("output is %q, want 1", got)
		}
		run("apply", "-auto-approve", "-no-color", "-input=false", "-var", "n=3")
		if got := strings.TrimSpace(run("output", "-no-color", "n")); got != "3" {
			t.Errorf("output is %q, want 3", got)
		}
		run("workspace", "new", "-no-color", "other")
		if got := run("workspace", "list", "-no-color"); !strings.Contains(got, "default") || !strings.Contains(got, "* other") {
			t.Errorf("workspaces: %s", got)
		}
		for _, key := range keys(t, c, b, "") {
			if strings.HasSuffix(key, ".tflock") {
				t.Errorf("the lock %s is left", key)
			}
		}
		run("workspace", "select", "-no-color", "default")
		run("destroy", "-auto-approve", "-no-color", "-input=false", "-var", "n=3")
	})
}
