package server

import (
	"context"

	"github.com/aureole-cloud/aureole/core/agent"
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/hypervisor/image"
)

// disks makes the files of instances' disks.
type disks struct{}

var _ agent.DiskMaker = disks{}

// CreateOverlay implements agent.DiskMaker.
func (disks) CreateOverlay(ctx context.Context, path, base, format string, size int64) error {
	return image.CreateOverlay(ctx, path, base, image.Format(format), size)
}

// CreateEmpty implements agent.DiskMaker.
func (disks) CreateEmpty(ctx context.Context, path string, size int64) error {
	return image.Create(ctx, path, image.QCOW2, size)
}

// inspector looks into the disk images that users bring.
type inspector struct{}

var _ compute.Inspector = inspector{}

// Inspect implements compute.Inspector.
func (inspector) Inspect(_ context.Context, path string) (string, int64, error) {
	info, err := image.Inspect(path)
	return string(info.Format), info.VirtualSize, err
}

// Convert implements compute.Inspector.
func (inspector) Convert(ctx context.Context, from, to string) (string, error) {
	info, err := image.Convert(ctx, from, to)
	return string(info.Format), err
}
