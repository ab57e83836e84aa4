package ec2

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// bucket makes a bucket of some files, and returns its client.
func (c *cloud) bucket(t *testing.T, name string, files map[string]string) *s3.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(c.Region), config.WithBaseEndpoint(c.Endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	cl := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := cl.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	for key, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cl.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: f})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return cl
}

// tinyDisk is the disk of the tiny image, with a boot loader of its own.
func (c *cloud) tinyDisk(t *testing.T) string {
	t.Helper()
	images, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{c.image}})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := harness.Cache()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "tiny", strings.TrimPrefix(*images.Images[0].Name, "aureole-"), "disk.raw")
}

func convert(t *testing.T, from, format string, args ...string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "disk."+format)
	out, err := exec.Command("qemu-img", append(append([]string{"convert", "-O", format}, args...), from, to)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

// Images come from objects of S3, by RegisterImage and ImportImage, and from files and URLs by the command. Guests boot from
// what became of them, and what is no disk image is refused with a reason.
func TestImages(t *testing.T) {
	c := guests(t)
	raw := c.tinyDisk(t)
	qcow2 := convert(t, raw, "qcow2")
	dir := t.TempDir()
	garbage, chained := filepath.Join(dir, "garbage"), filepath.Join(dir, "chained")
	if err := os.WriteFile(garbage, []byte("KDMV no disk at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", chained, "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	store := c.bucket(t, "disks", map[string]string{
		"tiny.raw": raw, "tiny.qcow2": qcow2, "tiny.vmdk": convert(t, raw, "vmdk", "-o", "subformat=streamOptimized"), "garbage": garbage, "chained": chained,
	})
	imported := c.importTask(t, &types.UserBucket{S3Bucket: aws.String("disks"), S3Key: aws.String("tiny.raw")})
	vmdk := c.importTask(t, &types.UserBucket{S3Bucket: aws.String("disks"), S3Key: aws.String("tiny.vmdk")})
	bad := map[string]string{
		c.importTask(t, &types.UserBucket{S3Bucket: aws.String("disks"), S3Key: aws.String("garbage")}): "disk image",
		c.importTask(t, &types.UserBucket{S3Bucket: aws.String("disks"), S3Key: aws.String("chained")}): "another file",
	}
	registered, err := c.RegisterImage(t.Context(), &ec2.RegisterImageInput{
		Name: aws.String("registered"), ImageLocation: aws.String("disks/tiny.qcow2"), Architecture: types.ArchitectureValuesX8664,
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(2)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: registered.ImageId, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}); err != nil && code(err) != "InvalidAMIID.Unavailable" {
		t.Errorf("a launch from an image that may not be there yet: %v", err)
	}

	done := c.awaitImport(t, imported, "completed")
	if aws.ToString(done.Progress) != "" || aws.ToString(done.SnapshotDetails[0].Format) != "RAW" || done.ImageId == nil {
		t.Errorf("the task shows progress %q, format %q, image %q", aws.ToString(done.Progress), aws.ToString(done.SnapshotDetails[0].Format), aws.ToString(done.ImageId))
	}
	c.awaitImport(t, vmdk, "completed")
	for task, want := range bad {
		failed := c.awaitImport(t, task, "deleted")
		if msg := aws.ToString(failed.StatusMessage); !strings.HasPrefix(msg, "ClientError: ") || !strings.Contains(msg, want) || failed.ImageId != nil {
			t.Errorf("a bad disk: %q, image %q", msg, aws.ToString(failed.ImageId))
		}
	}
	for name, in := range map[string]*ec2.ImportImageInput{
		"InvalidParameter":      {DiskContainers: []types.ImageDiskContainer{{UserBucket: &types.UserBucket{S3Bucket: aws.String("disks"), S3Key: aws.String("absent")}}}},
		"InvalidParameterValue": {},
		"UnsupportedOperation":  {DiskContainers: []types.ImageDiskContainer{{Url: aws.String("https://example.com/disk")}}},
	} {
		if _, err := c.ImportImage(t.Context(), in); code(err) != name {
			t.Errorf("%v, want %s", err, name)
		}
	}

	// What was read is a copy: the objects may go. Nobody else may launch it.
	if _, err := store.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("disks"), Key: aws.String("tiny.raw")}); err != nil {
		t.Fatal(err)
	}
	if err := ec2.NewImageAvailableWaiter(c.Client, func(o *ec2.ImageAvailableWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second }).
		Wait(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*registered.ImageId}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	key, group := c.keyAndGroup(t, "images")
	var at []string
	for _, image := range []string{*done.ImageId, *registered.ImageId} {
		i := c.run(t, func(in *ec2.RunInstancesInput) {
			in.ImageId, in.KeyName, in.SecurityGroupIds = aws.String(image), aws.String("images"), []string{group}
		})[0]
		at = append(at, aws.ToString(i.PublicIpAddress))
	}

	// The command takes files, URLs and objects; a large raw disk is kept without its zeros, and in parts.
	large := filepath.Join(dir, "large.raw")
	c.writeLarge(t, large)
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(qcow2))))
	defer web.Close()
	for source, size := range map[string]int32{large: 6, web.URL + "/disk.qcow2": 1, "s3://disks/tiny.qcow2": 1} {
		out, err := c.CLI("image", "import", source, "--name", "by command "+filepath.Base(source))
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if err := ec2.NewImageAvailableWaiter(c.Client, func(o *ec2.ImageAvailableWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second }).
			Wait(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{strings.TrimSpace(out)}}, time.Minute); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		img, err := c.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{strings.TrimSpace(out)}})
		if err != nil || len(img.Images) != 1 || *img.Images[0].BlockDeviceMappings[0].Ebs.VolumeSize != size {
			t.Errorf("%s: %+v, %v", source, img, err)
		}
		if source == large {
			c.largeIsWhole(t, strings.TrimSpace(out))
		}
	}
	for _, address := range at {
		c.ssh(t, address, key, boot).do(t, "true")
	}
	c.endAll(t)
}

// importTask begins an import.
func (c *cloud) importTask(t *testing.T, from *types.UserBucket) string {
	t.Helper()
	out, err := c.ImportImage(t.Context(), &ec2.ImportImageInput{Description: aws.String("a test"), DiskContainers: []types.ImageDiskContainer{{UserBucket: from}}})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.Status) != "active" || aws.ToString(out.StatusMessage) != "pending" || aws.ToString(out.Progress) == "" {
		t.Errorf("a new task: %s, %s, %q", aws.ToString(out.Status), aws.ToString(out.StatusMessage), aws.ToString(out.Progress))
	}
	return *out.ImportTaskId
}

// awaitImport follows a task to its end.
func (c *cloud) awaitImport(t *testing.T, task, want string) types.ImportImageTask {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := c.DescribeImportImageTasks(t.Context(), &ec2.DescribeImportImageTasksInput{ImportTaskIds: []string{task}})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.ImportImageTasks[0]; aws.ToString(got.Status) == want {
			return got
		} else if aws.ToString(got.Status) != "active" || time.Now().After(deadline) {
			t.Fatalf("task %s is %s (%s), want %s", task, aws.ToString(got.Status), aws.ToString(got.StatusMessage), want)
		}
	}
}

const largeSize, largeEnd = 6<<30 - 4096, 96 << 20

// writeLarge makes a raw disk of 6 GiB, of which only the beginning is not zero.
func (c *cloud) writeLarge(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	for n := 0; n < largeEnd; n += 1 << 20 {
		block := make([]byte, 0, 1<<20)
		for len(block) < 1<<20 {
			sum = sha256.Sum256(sum[:])
			block = append(block, sum[:]...)
		}
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(largeSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// largeIsWhole launches a machine from the large image, which has nothing to boot, and compares what its disk lies on.
func (c *cloud) largeIsWhole(t *testing.T, image string) {
	t.Helper()
	id := *c.run(t, func(in *ec2.RunInstancesInput) { in.ImageId = aws.String(image) })[0].InstanceId
	c.await(t, id, types.InstanceStateNameRunning, boot)
	bases, err := filepath.Glob(filepath.Join(c.Data[0], "machines", "images", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range bases {
		out, err := exec.Command("qemu-img", "info", "-U", "--output=json", base).Output()
		if err != nil || !bytes.Contains(out, []byte("6442446848")) {
			continue
		}
		if st, err := os.Stat(base); err != nil || st.Size() > largeEnd+16<<20 {
			t.Errorf("the base of the large disk: %v, %v", st, err)
		}
		original := filepath.Join(t.TempDir(), "again")
		c.writeLarge(t, original)
		if out, err := exec.Command("qemu-img", "compare", "-U", "-f", "raw", "-F", "qcow2", original, base).CombinedOutput(); err != nil {
			t.Errorf("the large disk is another: %v: %s", err, out)
		}
		return
	}
	t.Errorf("none of %v is the large disk", bases)
}
