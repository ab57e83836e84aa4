package ec2

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// noLeaks compares the host with the store: once nothing is under way, everything on the host belongs to an instance that
// needs it, and every address in use to one that has it.
func (c *cloud) noLeaks(t *testing.T) {
	t.Helper()
	const limit = 20 * time.Second
	deadline := time.Now().Add(limit)
	for {
		left, err := c.leaks()
		if err == nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("left over after %v: %s (%v)", limit, strings.Join(left, ", "), err)
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (c *cloud) leaks() (left []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	if err != nil {
		return nil, err
	}
	exists, up := map[string]bool{}, map[string]bool{} // instances; those with a machine
	visible := map[string]bool{}
	taps, networks := map[string]bool{}, map[string]bool{}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			visible[*i.InstanceId+".log"] = true
			switch i.State.Name {
			case types.InstanceStateNameTerminated:
				continue
			case types.InstanceStateNamePending, types.InstanceStateNameStopping, types.InstanceStateNameShuttingDown:
				left = append(left, fmt.Sprintf("instance %s that is still %s", *i.InstanceId, i.State.Name))
			}
			exists[*i.InstanceId] = true
			if i.State.Name != types.InstanceStateNameRunning {
				continue
			}
			up[*i.InstanceId] = true
			for _, e := range i.NetworkInterfaces {
				id := *e.NetworkInterfaceId
				taps[(c.prefix + "t" + id[len(id)-(14-len(c.prefix)):])] = true
			}
			networks[c.prefix+"-"+strings.TrimPrefix(aws.ToString(i.VpcId), "vpc-")] = true
		}
	}
	add := func(kind string, have []string, wanted map[string]bool) {
		seen := map[string]bool{}
		for _, name := range have {
			seen[name] = true
			if !wanted[name] {
				left = append(left, kind+" "+name)
			}
		}
		for name := range wanted {
			if !seen[name] {
				left = append(left, "no "+kind+" "+name)
			}
		}
	}
	add("machine", c.machines(), up)
	namespaces := withPrefix(list("ip", "netns", "list"), c.prefix+"-")
	add("namespace", namespaces, networks)
	var links []string
	for _, l := range list("ip", "-o", "link") {
		links = append(links, tapNames(l, c.prefix)...)
	}
	for _, ns := range namespaces {
		for _, l := range list("ip", "-n", ns, "-o", "link") {
			links = append(links, tapNames(l, c.prefix)...)
		}
	}
	add("tap", links, taps)
	if len(networks) == 0 {
		add("table", withPrefix(fields(list("nft", "list", "tables"), 2), "aureole_"+c.prefix), nil)
	}
	folder := filepath.Join(c.Data[0], "machines", "instances")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return left, err
	}
	var folders []string
	for _, e := range entries {
		folders = append(folders, e.Name())
	}
	add("folder", folders, exists)
	consoles, err := os.ReadDir(filepath.Join(c.Data[0], "machines", "consoles"))
	if err != nil {
		return left, err
	}
	for _, f := range consoles { // of those that ended and are still shown
		if id := strings.TrimSuffix(f.Name(), ".log"); !visible[f.Name()] || exists[id] {
			left = append(left, "console "+f.Name())
		}
	}
	volumes, err := c.volumes(ctx)
	if err != nil {
		return left, err
	}
	wanted := map[string]bool{}
	for id, v := range volumes {
		wanted[id+".qcow2"] = true
		for _, a := range v.Attachments {
			if !exists[*a.InstanceId] {
				left = append(left, "volume "+id+" of the instance "+*a.InstanceId)
			}
		}
		if v.State == types.VolumeStateDeleting {
			left = append(left, "volume "+id+" that is still deleting")
		}
	}
	files, err := os.ReadDir(filepath.Join(c.Data[0], "machines", "volumes"))
	if err != nil {
		return left, err
	}
	var have []string
	for _, f := range files {
		have = append(have, f.Name())
	}
	add("file of a volume", have, wanted)
	for _, pattern := range []string{"machines/images/*.new", "machines/instances/*/*.new", "machines/instances/*/.*", "machines/instances/*/*.qcow2", "scratch/*"} {
		halves, err := filepath.Glob(filepath.Join(c.Data[0], pattern))
		if err != nil {
			return left, err
		}
		add("file under way", halves, nil)
	}
	return append(left, c.leakedAddresses(ctx, exists)...), nil
}

// leakedAddresses are interfaces of instances that are no more.
func (c *cloud) leakedAddresses(ctx context.Context, exists map[string]bool) (left []string) {
	out, err := c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{})
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range out.NetworkInterfaces {
		if e.Attachment == nil || !exists[aws.ToString(e.Attachment.InstanceId)] {
			left = append(left, "interface "+*e.NetworkInterfaceId+" with "+aws.ToString(e.PrivateIpAddress))
		}
	}
	return left
}

// machines are the libvirt domains whose disks lie in this server's folder.
func (c *cloud) machines() (names []string) {
	for _, name := range list("virsh", "-c", c.virsh, "list", "--all", "--name") {
		if !strings.HasPrefix(name, "i-") {
			continue
		}
		if xml := strings.Join(list("virsh", "-c", c.virsh, "dumpxml", name), "\n"); strings.Contains(xml, c.Data[0]+"/") {
			names = append(names, name)
		}
	}
	return names
}

// list runs a program and returns the lines it prints.
func list(name string, args ...string) (lines []string) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return nil // what was just there may be gone now
	}
	for l := range strings.Lines(string(out)) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

func fields(lines []string, n int) (out []string) {
	for _, l := range lines {
		if f := strings.Fields(l); len(f) > n {
			out = append(out, f[n])
		}
	}
	return out
}

func withPrefix(lines []string, prefix string) (out []string) {
	for _, l := range fields(lines, 0) {
		if strings.HasPrefix(l, prefix) {
			out = append(out, l)
		}
	}
	return out
}

func tapNames(line, prefix string) []string {
	f := strings.Fields(line)
	if len(f) > 1 {
		name, _, _ := strings.Cut(strings.TrimSuffix(f[1], ":"), "@")
		if strings.HasPrefix(name, prefix+"t") && len(name) == 15 {
			return []string{name}
		}
	}
	return nil
}
