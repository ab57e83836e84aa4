package tinyimage_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/aureole-cloud/aureole/hypervisor/tinyimage"
)

// TestBuild makes the image, or takes that of an earlier run, and looks at what every reader of it expects. That it boots is
// shown by the tests of the libvirt driver and of the whole system.
func TestBuild(t *testing.T) {
	t.Parallel()
	dir := "../../.cache/tinyimage"
	if d := os.Getenv("AUREOLE_TEST_CACHE"); d != "" {
		dir = d + "/tinyimage"
	}
	img, err := tinyimage.Build(t.Context(), tinyimage.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	disk, err := os.ReadFile(img.Disk)
	if err != nil {
		t.Fatal(err)
	}
	if len(disk) > 96<<20 || len(disk)%(1<<20) != 0 {
		t.Errorf("the disk has %d bytes", len(disk))
	}
	if disk[510] != 0x55 || disk[511] != 0xaa {
		t.Error("the disk has no boot sector")
	}
	root := 25 << 20
	if magic := disk[root+1024+56:][:2]; !bytes.Equal(magic, []byte{0x53, 0xef}) {
		t.Errorf("the root partition has the magic %x, not that of ext4", magic)
	}
	initrd, err := os.ReadFile(img.Initrd)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(initrd, []byte("070701")) || len(initrd)%4 != 0 {
		t.Error("the initial file system is no cpio archive")
	}
	kernel, err := os.ReadFile(img.Kernel)
	if err != nil {
		t.Fatal(err)
	}
	if len(kernel) < 1<<20 || !bytes.Contains(kernel[:1024], []byte("HdrS")) {
		t.Error("no kernel with a boot header")
	}
	again, err := tinyimage.Build(t.Context(), tinyimage.Config{Dir: dir})
	if err != nil || *again != *img {
		t.Errorf("building again: %+v, %v, want %+v", again, err, img)
	}
}
