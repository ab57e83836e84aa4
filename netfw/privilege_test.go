package netfw_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/netfw"
	"github.com/aureole-cloud/aureole/netfw/link"
)

// playPlain does all that a server does for a guest.
func playPlain(ctx context.Context) error {
	h, err := netfw.Open(ctx, netfw.Config{})
	if errors.Is(err, netfw.ErrPrivilege) {
		fmt.Println("ErrPrivilege")
	}
	if err != nil {
		return err
	}
	n := netfw.Network{ID: "vpc-b7", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}, Subnets: []netfw.Subnet{{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/24")}},
		Groups: []netfw.Group{openGroup("sg-1")}, Interfaces: []netfw.Interface{{ID: "eni-b7", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 7}, Subnet: "subnet-1", Groups: []string{"sg-1"},
			Addresses: []netfw.Address{{IP: netip.MustParseAddr("10.0.0.7"), Public: netip.MustParseAddr("203.0.113.7")}}}}}
	if err := h.Apply(ctx, n); err != nil {
		return err
	}
	if _, err := h.PrepareTap(ctx, n.ID, "eni-b7"); err != nil {
		return err
	}
	if err := h.Plug(ctx, n.ID, "eni-b7"); err != nil {
		return err
	}
	if err := h.Remove(ctx, n.ID); err != nil {
		return err
	}
	_, err = h.Sweep(ctx)
	return err
}

// A process without the privileges is told which it lacks, and has changed nothing. With those that are asked for, and no others,
// everything works.
func TestPrivileges(t *testing.T) {
	const nobody = 65534
	all := []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN, unix.CAP_NET_BIND_SERVICE}
	closed := []string{"write in " + link.Dir + ": permission denied"}
	if st, err := os.Stat("/dev/net/tun"); err != nil || st.Mode()&0o006 != 0o006 { // it is for all on some machines
		closed = append(closed, "open /dev/net/tun: permission denied")
	}
	for _, test := range []struct {
		name  string
		uid   uint32
		caps  []uintptr
		lacks []string // all of it; none: everything works
	}{
		{"root", 0, nil, nil},
		{"the capabilities and the folder", nobody, append([]uintptr{unix.CAP_DAC_OVERRIDE}, all...), nil},
		{"the capabilities without the folder", nobody, all, closed},
		{"no CAP_NET_ADMIN", nobody, append([]uintptr{unix.CAP_DAC_OVERRIDE}, all[1:]...), []string{"it lacks CAP_NET_ADMIN"}},
		{"no CAP_SYS_ADMIN", nobody, []uintptr{unix.CAP_DAC_OVERRIDE, all[0], all[2]}, []string{"it lacks CAP_SYS_ADMIN"}},
		{"no CAP_NET_BIND_SERVICE", nobody, []uintptr{unix.CAP_DAC_OVERRIDE, all[0], all[1]}, []string{"it lacks CAP_NET_BIND_SERVICE"}},
		{"nothing", nobody, nil, append([]string{"it lacks CAP_NET_ADMIN", "it lacks CAP_NET_BIND_SERVICE", "it lacks CAP_SYS_ADMIN"}, closed...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, err := snapshot()
			must(t, err)
			cmd := exec.Command("/proc/self/exe") // the file itself lies where others may not look
			cmd.Env = append(os.Environ(), roleVar+"="+rolePlain)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: test.uid, Gid: test.uid}, AmbientCaps: test.caps, Pdeathsig: syscall.SIGKILL}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err = cmd.Run()
			if (err == nil) != (test.lacks == nil) {
				t.Fatalf("%v: %s", err, &out)
			}
			if test.lacks != nil {
				want := "ErrPrivilege\n" + rolePlain + ": " + netfw.ErrPrivilege.Error() + ": " + strings.Join(test.lacks, ", ") + "; run it as root\n"
				if out.String() != want {
					t.Errorf("it says %q, not %q", &out, want)
				}
			}
			after, err := snapshot()
			must(t, err)
			if d := differ(after, before); d != "" {
				t.Errorf("it changed\n%s", d)
			}
		})
	}
}
