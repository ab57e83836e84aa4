package cloudinit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// packages of the guest, besides what every Debian has. The kernel is not among them: the guest boots that of the tiny
// image, which is Debian's cloud kernel, and saves a minute of making an initrd.
// python3-cffi-backend is named because debootstrap does not see that others need it under another name.
const packages = "systemd-sysv,udev,dbus,ifupdown,isc-dhcp-client,iproute2,cloud-init,python3-cffi-backend,openssh-server"

// version of the image's recipe: another one makes another image.
const version = "2"

// patience is how long the guest may take: 80 s on a quiet machine without KVM, several times that on one that runs
// all other tests too.
const patience = 8 * time.Minute

const (
	rootStart = 2 << 20
	rootSize  = 1000 << 20
)

// TestDebian shows that the Ec2 datasource of an unmodified cloud-init works.
func TestDebian(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cache, err := harness.Cache()
	if err != nil {
		t.Fatal(err)
	}
	disk, err := debian(ctx, filepath.Join(cache, "debian"))
	if err != nil {
		t.Fatal(err)
	}
	pid := os.Getpid()
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	s := harness.Start(t, harness.Options{Args: []string{
		"--hypervisor", "libvirt", "--host-prefix", "d" + string(letters[pid%36]) + string(letters[pid/36%36]),
		"--public-addresses", fmt.Sprintf("100.%d.%d.0/20", 64+pid/16%16, pid%16*16),
	}})
	aws := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(harness.Run(t, harness.Command{
			Path: harness.Tool(t, "aws1"), Env: s.AWSEnv(), Args: append([]string{"--output", "text", "ec2"}, args...),
		}))
	}
	if _, err := s.CLI("image", "tiny", "--dir", filepath.Join(cache, "tinyimage")); err != nil {
		t.Fatal(err)
	}
	tiny := filepath.Join(cache, "tinyimage", strings.TrimPrefix(aws("describe-images", "--query", "Images[0].Name"), "aureole-"))
	out, err := s.CLI("image", "import", disk, "--name", "debian", "--kernel", filepath.Join(tiny, "vmlinuz"), "--initrd", filepath.Join(tiny, "initrd"),
		"--cmdline", "console=ttyS0 quiet no_timer_check maxcpus=1 net.ifnames=0")
	if err != nil {
		t.Fatal(err)
	}
	ami := strings.TrimSpace(out)
	aws("create-key-pair", "--key-name", "theirs", "--key-type", "ed25519", "--query", "KeyName")
	userData := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(userData, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	id := aws("run-instances", "--image-id", ami, "--instance-type", "t3.micro", "--key-name", "theirs", "--user-data", "file://"+userData,
		"--query", "Instances[0].InstanceId")
	defer func() {
		aws("terminate-instances", "--instance-ids", id)
		aws("wait", "instance-terminated", "--instance-ids", id)
	}()

	console := ""
	for {
		console = aws("get-console-output", "--instance-id", id, "--latest", "--query", "Output")
		if strings.Contains(console, " finished at ") && strings.Contains(console, "RESULT end") {
			break
		}
		if time.Since(begin) > patience {
			t.Fatalf("cloud-init has not finished after %v:\n%s", patience, console)
		}
		time.Sleep(2 * time.Second)
	}
	t.Logf("cloud-init finished %v after the launch", time.Since(begin).Round(time.Second))
	address := aws("describe-instances", "--instance-ids", id, "--query", "Reservations[0].Instances[0].[PrivateIpAddress,PrivateDnsName]")
	ip, name, _ := strings.Cut(address, "\t")
	for _, want := range []string{
		"RESULT cloud=aws",
		"RESULT datasource=DataSourceEc2Local",
		"RESULT instance-id=" + id,
		"RESULT hostname=" + strings.Split(name, ".")[0],
		"RESULT address=" + ip,
		"RESULT keys=1 theirs",
		"RESULT errors=0",
		"Datasource DataSourceEc2Local.",
	} {
		if !strings.Contains(console, want) {
			t.Errorf("the console lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("console:\n%s", console)
	}
}

// script is the user data. It tells what cloud-init knows at the console.
const script = `#!/bin/sh
{
	echo "RESULT cloud=$(cat /run/cloud-init/cloud-id)"
	echo "RESULT datasource=$(cut -d: -f1 /var/lib/cloud/instance/datasource)"
	echo "RESULT instance-id=$(cat /var/lib/cloud/data/instance-id)"
	echo "RESULT hostname=$(hostname)"
	echo "RESULT address=$(ip -4 -o addr show dev eth0 | awk '{sub("/.*", "", $4); print $4}')"
	echo "RESULT keys=$(wc -l </home/debian/.ssh/authorized_keys) $(awk '{print $NF}' /home/debian/.ssh/authorized_keys)"
	# This small guest has no package locales, for which cloud-init's module of the name looks.
	echo "RESULT errors=$(grep -e WARNING -e ERROR /var/log/cloud-init.log | grep -v -c locale)"
	grep -e WARNING -e ERROR /var/log/cloud-init.log
	echo "RESULT end"
} >/dev/console 2>&1
`

// debian makes the guest's disk, or finds that of an earlier run: a small first partition, for the initrd of the tiny image
// takes the second for the root file system, and Debian on that.
func debian(ctx context.Context, dir string) (string, error) {
	disk := filepath.Join(dir, "debian-"+version+".raw")
	if _, err := os.Stat(disk); err == nil {
		return disk, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, "build-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	root := filepath.Join(work, "root")
	release, err := codename()
	if err != nil {
		return "", err
	}
	if err := run(ctx, "debootstrap", "--variant=minbase", "--include="+packages, release, root); err != nil {
		return "", err
	}
	for _, unused := range []string{"usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"} {
		if err := os.RemoveAll(filepath.Join(root, unused)); err != nil {
			return "", err
		}
	}
	// Each machine makes its own; and a name from the host is none of the guest's.
	for _, own := range []string{"etc/machine-id", "etc/hostname", "etc/resolv.conf"} {
		if err := os.Remove(filepath.Join(root, own)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	// Empty: to be made at each boot. Without the file systemd would enable all it has, and wait two minutes for a network
	// that cloud-init gave to ifupdown.
	if err := os.WriteFile(filepath.Join(root, "etc/machine-id"), nil, 0o444); err != nil {
		return "", err
	}
	raw := filepath.Join(work, "disk.raw")
	f, err := os.Create(raw)
	if err != nil {
		return "", err
	}
	defer f.Close()
	mbr := make([]byte, 512)
	for i, p := range []struct{ start, size uint32 }{{1 << 20, 1 << 20}, {rootStart, rootSize}} {
		e := mbr[446+16*i:]
		e[4] = 0x83
		binary.LittleEndian.PutUint32(e[8:], p.start/512)
		binary.LittleEndian.PutUint32(e[12:], p.size/512)
	}
	mbr[510], mbr[511] = 0x55, 0xaa
	if _, err := f.WriteAt(mbr, 0); err != nil {
		return "", err
	}
	if err := f.Truncate(rootStart + rootSize); err != nil {
		return "", err
	}
	if err := run(ctx, "mke2fs", "-q", "-t", "ext4", "-L", "debian", "-E", fmt.Sprintf("offset=%d,lazy_itable_init=0", rootStart), "-d", root,
		raw, fmt.Sprintf("%dK", rootSize>>10)); err != nil {
		return "", err
	}
	return disk, os.Rename(raw, disk)
}

// codename is the release of this machine, whose kernel the guest boots.
func codename() (string, error) {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"`), nil
		}
	}
	return "", errors.New("/etc/os-release: no VERSION_CODENAME")
}

func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		if len(out) > 2000 {
			out = out[len(out)-2000:]
		}
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}
