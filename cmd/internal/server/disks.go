package server

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
)

// disks makes the files of instances' disks.
type disks struct{}

// CreateOverlay implements agent.DiskMaker.
func (disks) CreateOverlay(ctx context.Context, path, base, format string, size int64) error {
	out, err := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", format, path, fmt.Sprint(size)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// CreateEmpty implements agent.DiskMaker.
func (disks) CreateEmpty(ctx context.Context, path string, size int64) error {
	out, err := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", path, fmt.Sprint(size)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// inspector looks into disk images.
type inspector struct{}

// Inspect implements compute.Inspector.
func (inspector) Inspect(ctx context.Context, path string) (string, int64, error) {
	out, err := exec.CommandContext(ctx, "qemu-img", "info", "--output=json", path).Output()
	if err != nil {
		return "", 0, err
	}
	var v struct {
		Format  string `json:"format"`
		Virtual int64  `json:"virtual-size"`
	}
	return v.Format, v.Virtual, json.Unmarshal(out, &v)
}

// Convert implements compute.Inspector.
func (inspector) Convert(ctx context.Context, from, to string) (string, error) {
	return "qcow2", exec.CommandContext(ctx, "qemu-img", "convert", "-O", "qcow2", from, to).Run()
}
