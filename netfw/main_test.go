package netfw_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestMain runs the tests in a network namespace of their own, with a folder of named namespaces of their own: they can do to
// "the host" what they like, meet no other run on the machine, and nothing of theirs outlives the process.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		if err := playRole(role); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	if inOwnNamespace() {
		if err := becomeHost(); err != nil {
			fmt.Fprintln(os.Stderr, "set up the host of the tests:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "the tests make network namespaces, for which they need root:", err)
		os.Exit(1)
	}
}

// inOwnNamespace tells whether the parent has another network.
func inOwnNamespace() bool {
	mine, err := os.Readlink("/proc/self/ns/net")
	parents, perr := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", os.Getppid()))
	return err == nil && perr == nil && mine != parents
}

// The host of the tests, and an outside that it is connected to.
const (
	hostAddr    = "198.51.100.1"
	outsideAddr = "198.51.100.2"
)

func becomeHost() error {
	if err := os.MkdirAll("/run/netns", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run/netns", "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
