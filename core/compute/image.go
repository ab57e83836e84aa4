package compute

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// The states of an image.
const (
	ImagePending   = "pending"
	ImageAvailable = "available"
	ImageFailed    = "failed"
)

// visibleTo tells whether an account may see and launch the image.
func (img *Image) visibleTo(account string) bool {
	return img.Account == account || img.Public || slices.Contains(img.Shared, account)
}

func getImage(r reader, id string) (*Image, kv.Index, error) {
	v, err := r.Get(imageRow(id))
	if err != nil {
		return nil, 0, err
	}
	img := new(Image)
	return img, v.Revision, schema.Decode(v.Data, img)
}

// Images returns the images that an account may see, with the tags that it gave them.
func (s *Service) Images(ctx context.Context, account string) ([]*Image, map[string]tags.Set, error) {
	var all []*Image
	var tagged map[string]tags.Set
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		err := scan(v, rowImage, func(_ []byte, img *Image) error {
			if img.visibleTo(account) {
				all = append(all, img)
			}
			return nil
		})
		if err != nil {
			return err
		}
		tagged, err = tags.All(v, account, string(ids.Image)+"-")
		return err
	})
	return all, tagged, rows.Failed("compute.Images", err)
}

// Image returns an image that an account may see.
func (s *Service) Image(ctx context.Context, account, id string) (*Image, error) {
	var img *Image
	err := s.view(ctx, func(v kv.View) (err error) {
		img, _, err = getImage(v, id)
		return err
	})
	if errors.Is(err, kv.ErrNotFound) || err == nil && !img.visibleTo(account) {
		return nil, imageNotFound(id)
	}
	return img, rows.Failed("compute.Image", err)
}

// changeImage changes an image of an account.
func (s *Service) changeImage(ctx context.Context, op, account, id string, change func(v kv.View, b *kv.Batch, img *Image) error) error {
	return s.transact(ctx, op, func(v kv.View, b *kv.Batch) error {
		img, rev, err := getImage(v, id)
		if errors.Is(err, kv.ErrNotFound) || err == nil && !img.visibleTo(account) {
			return imageNotFound(id)
		}
		if err != nil {
			return err
		}
		if img.Account != account {
			return errs.New(errs.Denied, "AuthFailure", "Not authorized for image:%s", id).On(id)
		}
		b.IfRevision(imageRow(id), rev)
		return change(v, b, img)
	})
}

// Deregister takes an image away. Instances that were made from it go on, also through stop and start.
func (s *Service) Deregister(ctx context.Context, account, id string) error {
	return s.changeImage(ctx, "compute.Deregister", account, id, func(v kv.View, b *kv.Batch, img *Image) error {
		b.Delete(imageRow(id))
		b.Delete(nameRow(account, img.Name))
		b.Put(trashRow(id), schema.Encode(img))
		tags.Delete(b, account, id)
		return s.dropImports(v, b, id)
	})
}

// dropImports ends the work that makes an image which is taken away.
func (s *Service) dropImports(v kv.View, b *kv.Batch, image string) error {
	return scan(v, rowImport, func(row []byte, t *Import) error {
		if t.Image == image && t.Status == ImportActive {
			t.end(ImportDeleted, "The image was deregistered.", time.Now())
			b.Put(append([]byte(nil), row...), schema.Encode(t))
		}
		return nil
	})
}

// ImageChange is a ModifyImageAttribute; nil fields stay.
type ImageChange struct {
	Description *string
	IMDS        *string
	Public      *bool
	Share       []string // accounts that may launch it from now on
	Unshare     []string
}

// ModifyImage changes attributes of an image.
func (s *Service) ModifyImage(ctx context.Context, account, id string, c ImageChange) error {
	for _, a := range slices.Concat(c.Share, c.Unshare) {
		if len(a) != accountLen || strings.Trim(a, "0123456789") != "" {
			return errs.New(errs.Invalid, "InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for userId item type.", a)
		}
	}
	if c.IMDS != nil && *c.IMDS != "v2.0" {
		return invalidValue("Value (%s) for parameter imdsSupport is invalid. The only value is v2.0.", *c.IMDS)
	}
	if c.Description != nil && len(*c.Description) > maxDescription {
		return invalidValue("A description has at most %d characters.", maxDescription)
	}
	return s.changeImage(ctx, "compute.ModifyImage", account, id, func(_ kv.View, b *kv.Batch, img *Image) error {
		if c.Description != nil {
			img.Description = *c.Description
		}
		if c.IMDS != nil {
			img.IMDS = *c.IMDS
		}
		if c.Public != nil {
			img.Public = *c.Public
		}
		for _, a := range c.Share {
			if !slices.Contains(img.Shared, a) {
				img.Shared = append(img.Shared, a)
			}
		}
		img.Shared = slices.DeleteFunc(img.Shared, func(a string) bool { return slices.Contains(c.Unshare, a) })
		if len(img.Shared) > maxShared {
			return errs.New(errs.Limit, "LaunchPermissionLimitExceeded", "An image is shared with at most %d accounts.", maxShared)
		}
		b.Put(imageRow(id), schema.Encode(img))
		return nil
	})
}

// ResetLaunchPermission makes an image its owner's alone.
func (s *Service) ResetLaunchPermission(ctx context.Context, account, id string) error {
	return s.changeImage(ctx, "compute.ResetLaunchPermission", account, id, func(_ kv.View, b *kv.Batch, img *Image) error {
		img.Public, img.Shared = false, nil
		b.Put(imageRow(id), schema.Encode(img))
		return nil
	})
}

const (
	maxDescription = 255
	maxShared      = 1000
	minImageName   = 3
	maxImageName   = 128
)

// checkImageName applies EC2's rules for names of images.
func checkImageName(name string) error {
	const others = "()[] ./-'@_"
	ok := len(name) >= minImageName && len(name) <= maxImageName && utf8.ValidString(name)
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r))
	}
	if ok {
		return nil
	}
	return errs.New(errs.Invalid, ImageNameMalformed, "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, "+
		"'(', ')', '[', ']', ' ', '.', '/', '-', '\\'', '@' and '_'")
}

// addImage puts a new image into a batch.
func addImage(v kv.View, b *kv.Batch, img *Image) error {
	row := nameRow(img.Account, img.Name)
	held, err := v.Get(row)
	switch {
	case err == nil:
		return errs.New(errs.Exists, ImageNameDuplicate, "AMI name %s is already in use by AMI %s", img.Name, held.Data).On(img.Name)
	case !errors.Is(err, kv.ErrNotFound):
		return err
	}
	b.IfAbsent(row)
	b.Put(row, []byte(img.ID))
	b.IfAbsent(imageRow(img.ID))
	b.Put(imageRow(img.ID), schema.Encode(img))
	return nil
}

// takeOutTrash removes the bytes of deregistered images that no instance needs any more.
func (s *Service) takeOutTrash(ctx context.Context) error {
	var trash []*Image
	err := s.view(ctx, func(v kv.View) error {
		trash = nil
		err := scan(v, rowTrash, func(_ []byte, img *Image) error {
			trash = append(trash, img)
			return nil
		})
		if err != nil || len(trash) == 0 {
			return err
		}
		needed := map[string]bool{}
		err = scan(v, rowInstance, func(_ []byte, i *Instance) error {
			if i.State != Terminated {
				needed[i.Image] = true
			}
			return nil
		})
		err = errors.Join(err, scan(v, rowVolume, func(_ []byte, d *Volume) error {
			needed[d.Image] = true
			return nil
		}))
		trash = slices.DeleteFunc(trash, func(img *Image) bool { return needed[img.ID] })
		return err
	})
	if err != nil {
		return err
	}
	for _, img := range trash {
		for _, blob := range []Blob{img.Source.Disk, img.Source.Kernel, img.Source.Initrd} {
			if blob.Key == "" {
				continue
			}
			if err := s.cfg.Objects.Delete(ctx, blob.Key); err != nil {
				return err
			}
		}
		var b kv.Batch
		b.Delete(trashRow(img.ID))
		if _, err := s.kv.Commit(ctx, kv.Control, &b); err != nil {
			return err
		}
	}
	return nil
}

// AllImages returns the images of all accounts, for hosts that keep their files at hand.
func (s *Service) AllImages(ctx context.Context) ([]*Image, error) {
	var all []*Image
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		return scan(v, rowImage, func(_ []byte, img *Image) error {
			all = append(all, img)
			return nil
		})
	})
	return all, rows.Failed("compute.AllImages", err)
}
