package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aureole-cloud/aureole/cmd/internal/adminapi"
	"github.com/aureole-cloud/aureole/hypervisor/tinyimage"
)

// image brings machine images into a running server.
func (p *program) image() *cobra.Command {
	c := &cobra.Command{
		Use:   "image",
		Short: "Machine images of a running server",
		Args:  args(0, ""),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	addRemoteFlags(c)
	c.AddCommand(p.imageImport(), p.imageTiny())
	return c
}

func (p *program) imageImport() *cobra.Command {
	var n adminapi.NewImage
	var kernel, initrd string
	c := &cobra.Command{
		Use:   "import FILE|URL|s3://BUCKET/KEY",
		Short: "Make a machine image of a disk image (qcow2, raw, vmdk, vhd) and print its id",
		Long: `Make a machine image of a disk image and print its id. The image belongs to the root account; --public lets others launch it.
Cloud images of the distributions work as they are: take the generic or ec2 flavour, in qcow2 or raw.`,
		Args: args(1, "FILE|URL|s3://BUCKET/KEY"),
		RunE: func(c *cobra.Command, a []string) error {
			if n.Name == "" {
				n.Name = imageName(a[0])
			}
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				return p.importImage(ctx, cl, n, a[0], kernel, initrd)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&n.Name, "name", "", "`name` of the image; the file's when not given")
	f.StringVar(&n.Description, "description", "", "`text` that describes it")
	f.StringVar(&n.Architecture, "arch", "x86_64", "`architecture`: x86_64 or arm64")
	f.StringVar(&n.BootMode, "boot-mode", "", "`mode`: legacy-bios or uefi")
	f.BoolVar(&n.Public, "public", false, "let all accounts launch it")
	f.StringVar(&n.Alias, "owner-alias", "", "`alias` of the owner; with amazon, queries for Amazon's images find it")
	f.StringVar(&kernel, "kernel", "", "`file` of a kernel that is booted instead of what the disk holds")
	f.StringVar(&initrd, "initrd", "", "`file` of its initrd")
	f.StringVar(&n.Cmdline, "cmdline", "", "`arguments` of the kernel")
	return c
}

// imageName is what an image is called after its file.
func imageName(source string) string {
	if u, err := url.Parse(source); err == nil && u.Path != "" {
		source = u.Path
	}
	return strings.TrimSuffix(path.Base(source), path.Ext(source))
}

func (p *program) importImage(ctx context.Context, cl *adminapi.Client, n adminapi.NewImage, source, kernel, initrd string) error {
	if location, ok := strings.CutPrefix(source, "s3://"); ok {
		if kernel != "" || initrd != "" {
			return errors.New("a kernel goes with a file or a URL, not with an object")
		}
		n.Location = location
		return p.addImage(ctx, cl, n)
	}
	disk, err := openImage(ctx, source)
	if err != nil {
		return err
	}
	defer disk.Close()
	parts := []adminapi.ImagePart{{Name: "disk", Body: disk}}
	for _, extra := range []struct{ name, file string }{{"kernel", kernel}, {"initrd", initrd}} {
		if extra.file == "" {
			continue
		}
		f, err := os.Open(extra.file)
		if err != nil {
			return err
		}
		defer f.Close()
		parts = append(parts, adminapi.ImagePart{Name: extra.name, Body: f})
	}
	return p.addImage(ctx, cl, n, parts...)
}

func (p *program) addImage(ctx context.Context, cl *adminapi.Client, n adminapi.NewImage, parts ...adminapi.ImagePart) error {
	img, err := cl.AddImage(ctx, n, parts...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, img.ID)
	return err
}

// openImage opens a file or what a URL leads to.
func openImage(ctx context.Context, source string) (io.ReadCloser, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return os.Open(source)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: %s", source, resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

func (p *program) imageTiny() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "tiny",
		Short: "Build a small Linux image from Debian packages, make it a public machine image, and print its id",
		Long: `Build a small Linux image from the packages of the Debian release that this runs on, and make it a public machine image
unless it is one already. It boots in seconds, knows ssh, user data and instance metadata, and suits tests and first steps.`,
		Args: args(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				cache, err := os.UserCacheDir()
				if err != nil {
					return fmt.Errorf("%w; name a folder by --dir", err)
				}
				dir = filepath.Join(cache, "aureole", "tinyimage")
			}
			return p.remote(c, func(ctx context.Context, cl *adminapi.Client) error {
				built, err := tinyimage.Build(ctx, tinyimage.Config{Dir: dir})
				if err != nil {
					return err
				}
				return p.addTiny(ctx, cl, built)
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "`folder` to build in, kept for the next time; in the user's cache when not given")
	return c
}

func (p *program) addTiny(ctx context.Context, cl *adminapi.Client, built *tinyimage.Image) error {
	var parts []adminapi.ImagePart
	for _, part := range []struct{ name, file string }{{"disk", built.Disk}, {"kernel", built.Kernel}, {"initrd", built.Initrd}} {
		f, err := os.Open(part.file)
		if err != nil {
			return err
		}
		defer f.Close()
		parts = append(parts, adminapi.ImagePart{Name: part.name, Body: f})
	}
	return p.addImage(ctx, cl, adminapi.NewImage{
		Name: "aureole-tiny-" + built.Version, Description: "Small Linux for tests and first steps: busybox, dropbear, IMDSv2, user data",
		Architecture: "x86_64", Cmdline: built.Cmdline, Public: true, Existing: true,
	}, parts...)
}
