//go:build terraform

package ec2

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// Terraform's provider makes a real guest, which ssh reaches; opens a port of it while it runs; gives it another type, over which
// its disk is kept; and takes everything away.
func TestTerraform(t *testing.T) {
	c := guests(t)
	_, secret, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile("testdata/terraform/guest.tf")
	if err != nil {
		t.Fatal(err)
	}
	write("guest.tf", config)
	tool, plugins := harness.Tool(t, "tofu"), filepath.Dir(harness.Tool(t, "terraform-provider-aws"))
	write("tofu.rc", fmt.Appendf(nil, "provider_installation {\n  dev_overrides { \"hashicorp/aws\" = %q }\n  direct {}\n}\n", plugins))
	vars := map[string]any{"endpoint": c.Endpoint, "public_key": string(ssh.MarshalAuthorizedKey(key.PublicKey())), "image": c.image,
		"ports": []int{22}, "type": "t3.nano"}
	run := func(args ...string) string {
		t.Helper()
		text, err := json.Marshal(vars)
		if err != nil {
			t.Fatal(err)
		}
		write("terraform.tfvars.json", text)
		env := append(c.AWSEnv(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "tofu.rc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		stdout, stderr, err := harness.Try(t, harness.Command{Path: tool, Args: append(args, "-no-color"), Dir: dir, Env: env, Timeout: 10 * time.Minute})
		if err != nil {
			t.Fatalf("tofu %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
		}
		return strings.TrimSpace(stdout)
	}
	apply := func(want string) (id, address string) {
		t.Helper()
		if out := run("apply", "-auto-approve", "-input=false", "-compact-warnings"); !strings.Contains(out, want) {
			t.Errorf("apply: not %q:\n%s", want, out)
		}
		run("plan", "-input=false", "-detailed-exitcode", "-compact-warnings") // fails unless it is empty
		return run("output", "-raw", "instance"), run("output", "-raw", "address")
	}

	first, address := apply("3 added, 0 changed, 0 destroyed")
	if got := c.describe(t, first).State.Name; got != types.InstanceStateNameRunning {
		t.Errorf("applied, the instance is %s", got)
	}
	sh := c.ssh(t, address, key, boot)
	sh.do(t, "for n in $(seq 60); do wget -q -O - http://127.0.0.1:7000/ && break; sleep 1; done; echo kept >/root/data; sync")
	web := net.JoinHostPort(address, "7000")
	if reaches(web, within) {
		t.Error("a port that no rule opens is reached")
	}
	vars["ports"] = []int{22, 7000}
	if id, at := apply("0 added, 1 changed, 0 destroyed"); id != first || at != address {
		t.Errorf("with a port more the instance is %s at %s", id, at)
	}
	if !reaches(web, within) {
		t.Error("the opened port is not reached")
	}
	vars["type"] = "t3.micro"
	id, address := apply("0 added, 1 changed, 0 destroyed")
	if id != first {
		t.Errorf("with another type the instance is %s", id)
	}
	sh = c.ssh(t, address, key, boot)
	if got := sh.do(t, "cat /root/data; imds meta-data/instance-type"); got != "kept\nt3.micro" {
		t.Errorf("with another type: %q", got)
	}
	run("destroy", "-auto-approve", "-input=false", "-compact-warnings")
	if got := c.describe(t, first).State.Name; got != types.InstanceStateNameTerminated {
		t.Errorf("destroyed, the instance is %s", got)
	}
	c.noLeaks(t)
	if all, err := c.volumes(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after destroy there are the volumes %v, %v", all, err)
	}
}
