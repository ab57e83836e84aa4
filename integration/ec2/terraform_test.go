//go:build terraform

package ec2

import (
	"crypto/ed25519"
	"net"
	"testing"

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
	tf := harness.NewTerraform(t, c.Server, "testdata/terraform/guest.tf")
	tf.Vars["public_key"], tf.Vars["image"] = string(ssh.MarshalAuthorizedKey(key.PublicKey())), c.image
	tf.Vars["ports"], tf.Vars["type"] = []int{22}, "t3.nano"
	apply := func(want string) (id, address string) {
		t.Helper()
		tf.Apply(want)
		return tf.Output("instance"), tf.Output("address")
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
	tf.Vars["ports"] = []int{22, 7000}
	if id, at := apply("0 added, 1 changed, 0 destroyed"); id != first || at != address {
		t.Errorf("with a port more the instance is %s at %s", id, at)
	}
	if !reaches(web, within) {
		t.Error("the opened port is not reached")
	}
	tf.Vars["type"] = "t3.micro"
	id, address := apply("0 added, 1 changed, 0 destroyed")
	if id != first {
		t.Errorf("with another type the instance is %s", id)
	}
	sh = c.ssh(t, address, key, boot)
	if got := sh.do(t, "cat /root/data; imds meta-data/instance-type"); got != "kept\nt3.micro" {
		t.Errorf("with another type: %q", got)
	}
	tf.Destroy()
	if got := c.describe(t, first).State.Name; got != types.InstanceStateNameTerminated {
		t.Errorf("destroyed, the instance is %s", got)
	}
	c.noLeaks(t)
	if all, err := c.volumes(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after destroy there are the volumes %v, %v", all, err)
	}
}
