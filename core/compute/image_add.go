package compute

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// ImageSpec says what image to make.
type ImageSpec struct {
	Name         string
	Description  string
	Architecture string // empty: x86_64
	RootName     string // empty: /dev/sda1
	BootMode     string
	IMDS         string
	ENA, SRIOV   bool
	SizeGiB      int // of the root disk; 0 is what the file needs
	Public       bool
	Alias        string // of the owner: amazon makes it one of what DescribeImages calls Amazon's
	Cmdline      string // with a kernel
	Tags         tags.Set
}

// check applies the rules and fills in defaults.
func (sp *ImageSpec) check() error {
	if err := checkImageName(sp.Name); err != nil {
		return err
	}
	switch sp.Architecture {
	case "":
		sp.Architecture = "x86_64"
	case "x86_64", "arm64":
	default:
		return invalidValue("Value (%s) for parameter architecture is invalid. It is x86_64 or arm64.", sp.Architecture)
	}
	if sp.RootName == "" {
		sp.RootName = "/dev/sda1"
	}
	switch sp.BootMode {
	case "", "legacy-bios", "uefi", "uefi-preferred":
	default:
		return invalidValue("Value (%s) for parameter bootMode is invalid.", sp.BootMode)
	}
	if sp.IMDS != "" && sp.IMDS != "v2.0" {
		return invalidValue("Value (%s) for parameter imdsSupport is invalid. The only value is v2.0.", sp.IMDS)
	}
	if len(sp.Description) > maxDescription {
		return invalidValue("A description has at most %d characters.", maxDescription)
	}
	if sp.SizeGiB < 0 || sp.SizeGiB > MaxDiskGiB {
		return errs.New(errs.Invalid, InvalidDeviceMapping, "Volume of %dGB is outside of 1 to %dGB", sp.SizeGiB, MaxDiskGiB)
	}
	return nil
}

func (sp *ImageSpec) image(account string, now time.Time) *Image {
	return &Image{
		ID: ids.New(ids.Image), Account: account, Name: sp.Name, Description: sp.Description, Architecture: sp.Architecture,
		State: ImagePending, Created: millis(now), RootName: sp.RootName, Snapshot: ids.New(ids.Snapshot), SizeGiB: sp.SizeGiB,
		BootMode: sp.BootMode, IMDS: sp.IMDS, ENA: sp.ENA, SRIOV: sp.SRIOV, Public: sp.Public, Alias: sp.Alias,
		Source: Source{Cmdline: sp.Cmdline, UEFI: sp.BootMode == "uefi"},
	}
}

// Part is one of the streams of an image: its disk, its kernel or its initrd.
type Part struct {
	Name string // disk, kernel or initrd
	Body io.Reader
}

// AddImage makes an image of streams, which next gives one after the other until io.EOF. A kernel, with an initrd, is booted
// directly; without a disk its machines find an empty root volume. The image is there when AddImage returns.
func (s *Service) AddImage(ctx context.Context, account string, sp ImageSpec, next func() (Part, error)) (*Image, error) {
	if err := sp.check(); err != nil {
		return nil, err
	}
	img := sp.image(account, time.Now())
	if err := s.nameIsFree(ctx, account, sp.Name); err != nil { // before the bytes are taken in; the commit decides
		return nil, err
	}
	err := s.takeParts(ctx, img, next)
	if err == nil {
		img.State, img.SizeGiB = ImageAvailable, max(img.SizeGiB, 1)
		err = s.transact(ctx, "compute.AddImage", func(v kv.View, b *kv.Batch) error {
			tags.Put(b, account, img.ID, sp.Tags)
			return addImage(v, b, img)
		})
	}
	if err == nil {
		return img, nil
	}
	if errors.Is(err, kv.ErrUnknownOutcome) {
		return nil, err
	}
	for _, blob := range []Blob{img.Source.Disk, img.Source.Kernel, img.Source.Initrd} {
		if blob.Key != "" {
			err = errors.Join(err, s.cfg.Objects.Delete(ctx, blob.Key))
		}
	}
	return nil, err
}

func (s *Service) takeParts(ctx context.Context, img *Image, next func() (Part, error)) error {
	src := &img.Source
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		to := map[string]*Blob{"disk": &src.Disk, "kernel": &src.Kernel, "initrd": &src.Initrd}[part.Name]
		switch {
		case to == nil || to.Key != "":
			return invalidValue("An image has one disk, one kernel and one initrd; '%s' is none of them or comes twice.", part.Name)
		case part.Name == "disk":
			err = s.takeDisk(ctx, img, part.Body, nil)
		default:
			*to, err = s.takeFile(ctx, img.ID, part)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case src.Disk.Key == "" && src.Kernel.Key == "":
		return errs.New(errs.Invalid, MissingParameter, "An image needs a disk or a kernel.")
	case src.Kernel.Key == "" && (src.Initrd.Key != "" || src.Cmdline != ""):
		return invalidCombination("An initrd and a command line need a kernel.")
	}
	return nil
}

func (s *Service) takeFile(ctx context.Context, id string, part Part) (b Blob, err error) {
	path, err := s.scratch(ctx, id+"."+part.Name, part.Body)
	defer func() { err = errors.Join(err, removeFile(path)) }()
	if err != nil {
		return b, err
	}
	return s.keep(ctx, id+"/"+part.Name, path)
}

// ImageNamed returns the image of an account by its name; nil when there is none.
func (s *Service) ImageNamed(ctx context.Context, account, name string) (img *Image, err error) {
	err = s.view(ctx, func(v kv.View) error {
		img = nil
		held, err := v.Get(nameRow(account, name))
		if err != nil {
			return ignoreAbsent(err)
		}
		img, _, err = getImage(v, string(held.Data))
		return err
	})
	return img, rows.Failed("compute.ImageNamed", err)
}

func (s *Service) nameIsFree(ctx context.Context, account, name string) error {
	return s.view(ctx, func(v kv.View) error {
		var b kv.Batch
		return addImage(v, &b, &Image{ID: "ami-", Account: account, Name: name})
	})
}

// maxRaw is the size up to which a raw disk is kept as it came. A larger one is mostly zeros, which qcow2 leaves out.
const maxRaw = 256 << 20

// takeDisk makes body the disk of an image: whatever format it has becomes one that machines run from.
func (s *Service) takeDisk(ctx context.Context, img *Image, body io.Reader, progress func(percent int)) (err error) {
	if s.cfg.Inspector == nil {
		return &errs.E{Kind: errs.Unavailable, Reason: Unavailable, Msg: "This server cannot look into disk images."}
	}
	if progress == nil {
		progress = func(int) {}
	}
	path, err := s.scratch(ctx, img.ID+".disk", body)
	defer func() { err = errors.Join(err, removeFile(path)) }()
	if err != nil {
		return err
	}
	progress(ImportFetched)
	format, virtual, err := s.cfg.Inspector.Inspect(ctx, path)
	if err != nil {
		return &errs.E{Kind: errs.Invalid, Reason: "InvalidDiskImage", Msg: "The disk image cannot be used: " + err.Error(), Err: err}
	}
	if format != "qcow2" && (format != "raw" || virtual > maxRaw) {
		converted := path + ".qcow2"
		defer func() { err = errors.Join(err, removeFile(converted)) }()
		if format, err = s.cfg.Inspector.Convert(ctx, path, converted); err != nil {
			return &errs.E{Kind: errs.Invalid, Reason: "InvalidDiskImage", Msg: "The disk image cannot be converted: " + err.Error(), Err: err}
		}
		path, converted = converted, path
	}
	progress(ImportConverted)
	const gib = 1 << 30
	need := int((virtual + gib - 1) / gib)
	if img.SizeGiB == 0 {
		img.SizeGiB = max(need, 1)
	}
	if img.SizeGiB < need {
		return errs.New(errs.Invalid, InvalidDeviceMapping, "Volume of size %dGB is smaller than the disk image, expect size >= %dGB", img.SizeGiB, need)
	}
	img.Source.Format = format
	img.Source.Disk, err = s.keep(ctx, img.ID+"/disk", path)
	return err
}

// scratch writes a stream to a file for a while. The path is returned also with an error.
func (s *Service) scratch(ctx context.Context, name string, body io.Reader) (string, error) {
	path := filepath.Join(s.cfg.Scratch, name)
	if err := os.MkdirAll(s.cfg.Scratch, 0o700); err != nil {
		return path, fmt.Errorf("compute: image under way: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return path, fmt.Errorf("compute: image under way: %w", err)
	}
	_, err = io.Copy(f, &ctxReader{ctx, body})
	return path, errors.Join(err, f.Close())
}

// keep stores a file in the system's bucket.
func (s *Service) keep(ctx context.Context, key, path string) (Blob, error) {
	f, err := os.Open(path)
	if err != nil {
		return Blob{}, err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, &ctxReader{ctx, f})
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = s.cfg.Objects.Put(ctx, key, f, size)
	}
	return Blob{Key: key, Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ctxReader ends a copy when its context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// splitLocation reads BUCKET/KEY or s3://BUCKET/KEY.
func splitLocation(s string) (bucket, key string, err error) {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(s, "s3://"), "/")
	if !ok || bucket == "" || key == "" {
		return "", "", invalidValue("The location '%s' is no S3 object: it must be BUCKET/KEY.", s)
	}
	return bucket, key, nil
}
