package ec2

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemons are a libvirtd and a virtlogd of a test's own, which it may take away: those of the machine belong to all tests.
// Their folders lie over the machine's in a mount namespace, so the daemons know nothing of it and need no settings.
type daemons struct {
	dir      string
	libvirtd *exec.Cmd
	virtlogd *exec.Cmd
}

func newDaemons(t *testing.T) *daemons {
	t.Helper()
	dir, err := os.MkdirTemp("", "lv") // the name of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	d := &daemons{dir: dir}
	t.Cleanup(func() { d.end(t) })
	for _, sub := range []string{"run", "lib", "etc", "log"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, conf := range map[string]string{
		"libvirtd.conf": "auth_unix_rw = \"none\"\nunix_sock_rw_perms = \"0700\"\n", "virtlogd.conf": "", "qemu.conf": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(conf), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d.virtlogd = d.run(t, "virtlogd", "-p", "/run/libvirt/virtlogd.pid")
	d.wait(t, func() bool { return isThere(filepath.Join(dir, "run", "virtlogd-sock")) })
	return d
}

// socket is where libvirtd listens when it is up.
func (d *daemons) socket() string { return filepath.Join(d.dir, "run", "libvirt-sock") }

// uri is how virsh reaches it.
func (d *daemons) uri() string { return "qemu+unix:///system?socket=" + d.socket() }

// run runs a daemon in the namespace.
func (d *daemons) run(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	const enter = `mount --bind $0/run /run/libvirt && mount --bind $0/lib /var/lib/libvirt && mount --bind $0/etc /etc/libvirt &&
mount --bind $0/log /var/log/libvirt && exec "$@"`
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c", enter, d.dir, name}, args...)...)
	log, err := os.OpenFile(filepath.Join(d.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// up starts libvirtd and returns when it answers.
func (d *daemons) up(t *testing.T) {
	t.Helper()
	d.libvirtd = d.run(t, "libvirtd", "-p", "/run/libvirt/libvirtd.pid")
	d.wait(t, func() bool { return exec.Command("virsh", "-c", d.uri(), "version").Run() == nil })
}

// down ends libvirtd. The guests run on.
func (d *daemons) down(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := d.libvirtd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	_ = d.libvirtd.Wait() // how it ended was asked for
	d.libvirtd = nil
}

func (d *daemons) wait(t *testing.T, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the test's own libvirt does not come up")
		}
	}
}

// off tells whether libvirtd knows that a machine does not run.
func (d *daemons) off(id string) bool {
	return !contains(list("virsh", "-c", d.uri(), "list", "--name"), id)
}

// guest is the process of a machine.
func (d *daemons) guest(t *testing.T, id string) int {
	t.Helper()
	pid, err := readPID(filepath.Join(d.dir, "run", "qemu", id+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func readPID(name string) (int, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// end ends the daemons and every guest that a failed test left.
func (d *daemons) end(t *testing.T) {
	for _, cmd := range []*exec.Cmd{d.libvirtd, d.virtlogd} {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	pids, _ := filepath.Glob(filepath.Join(d.dir, "run", "qemu", "i-*.pid"))
	for _, name := range pids {
		if pid, err := readPID(name); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Errorf("a guest was left: %s", filepath.Base(name))
		}
	}
	if t.Failed() {
		for _, name := range []string{"libvirtd.log", "virtlogd.log"} {
			if text, err := os.ReadFile(filepath.Join(d.dir, name)); err == nil && len(text) > 0 {
				t.Logf("%s:\n%.4000s", name, text)
			}
		}
	}
	if err := os.RemoveAll(d.dir); err != nil {
		t.Error(err)
	}
}

func isThere(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, os.ErrNotExist)
}
