package compute

import (
	"context"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// The states of an import.
const (
	ImportActive    = "active"
	ImportDeleted   = "deleted"
	ImportCompleted = "completed"
)

// How far an import is, in percent, when its bytes were read, and when they are what machines run from.
const (
	ImportFetched   = 40
	ImportConverted = 70
)

// end notes how an import went.
func (t *Import) end(status, message string, now time.Time) {
	t.Status, t.Message, t.Ended = status, message, millis(now)
	if status == ImportCompleted {
		t.Progress = 100
	}
}

// Register makes an image from an object of S3: it is pending until its bytes were taken over.
func (s *Service) Register(ctx context.Context, who iam.Principal, sp ImageSpec, location string) (*Image, error) {
	if err := sp.check(); err != nil {
		return nil, err
	}
	bucket, key, err := splitLocation(location)
	if err != nil {
		return nil, err
	}
	size, err := s.readable(ctx, who, bucket, key)
	if err != nil {
		return nil, err
	}
	img := sp.image(who.AccountID, time.Now())
	img.Location = bucket + "/" + key
	task := &Import{
		ID: ids.New(ids.ImportImageTask), Account: who.AccountID, Image: img.ID, Bucket: bucket, Key: key, Size: size,
		Register: true, Status: ImportActive, Created: img.Created, Principal: who.AccessKeyID,
	}
	err = s.transact(ctx, "compute.Register", func(v kv.View, b *kv.Batch) error {
		b.Put(importRow(task.Account, task.ID), schema.Encode(task))
		tags.Put(b, who.AccountID, img.ID, sp.Tags)
		return addImage(v, b, img)
	})
	return img, err
}

// ImportInput is an ImportImage.
type ImportInput struct {
	Token        idem.Token
	Description  string
	Architecture string
	Platform     string
	BootMode     string
	Location     string // BUCKET/KEY
	Tags         tags.Set
}

// Import makes an image from an object of S3, and a task to follow it by.
func (s *Service) Import(ctx context.Context, who iam.Principal, in ImportInput) (*Import, error) {
	task := &Import{
		ID: ids.New(ids.ImportImageTask), Account: who.AccountID, Description: in.Description, Platform: in.Platform,
		Status: ImportActive, Created: millis(time.Now()), Principal: who.AccessKeyID,
	}
	sp := ImageSpec{Name: task.ID, Description: in.Description, Architecture: in.Architecture, BootMode: in.BootMode}
	if err := sp.check(); err != nil {
		return nil, err
	}
	var err error
	if task.Bucket, task.Key, err = splitLocation(in.Location); err != nil {
		return nil, err
	}
	if task.Size, err = s.readable(ctx, who, task.Bucket, task.Key); err != nil {
		return nil, err
	}
	img := sp.image(who.AccountID, time.Now())
	task.Architecture, task.Image = sp.Architecture, img.ID
	err = s.transact(ctx, "compute.Import", func(v kv.View, b *kv.Batch) error {
		made, seen, err := in.Token.Lookup(v)
		if err != nil {
			return err
		}
		if seen && len(made) == 1 {
			val, err := v.Get(importRow(who.AccountID, made[0]))
			if err != nil {
				return err
			}
			return schema.Decode(val.Data, task)
		}
		in.Token.Record(b, task.ID)
		b.Put(importRow(task.Account, task.ID), schema.Encode(task))
		tags.Put(b, who.AccountID, task.ID, in.Tags)
		return addImage(v, b, img)
	})
	return task, err
}

// readable tells the size of an object that who may read.
func (s *Service) readable(ctx context.Context, who iam.Principal, bucket, key string) (int64, error) {
	body, size, err := s.cfg.Objects.Open(ctx, who, bucket, key)
	if err != nil {
		if k := errs.KindOf(err); k == errs.NotFound || k == errs.Denied {
			return 0, &errs.E{Kind: errs.Invalid, Reason: "InvalidParameter", Resource: key, Err: err,
				Msg: "The object s3://" + bucket + "/" + key + " does not exist or may not be read."}
		}
		return 0, err
	}
	return size, body.Close()
}

// Imports returns the tasks of an account, with their tags.
func (s *Service) Imports(ctx context.Context, account string) ([]*Import, map[string]tags.Set, error) {
	var all []*Import
	var tagged map[string]tags.Set
	err := s.view(ctx, func(v kv.View) error {
		all = nil
		err := scan(v, rowImport+account, func(_ []byte, t *Import) error {
			if !t.Register {
				all = append(all, t)
			}
			return nil
		})
		if err != nil {
			return err
		}
		tagged, err = tags.All(v, account, string(ids.ImportImageTask)+"-")
		return err
	})
	return all, tagged, rows.Failed("compute.Imports", err)
}

// CancelImport ends a task that is not done yet.
func (s *Service) CancelImport(ctx context.Context, account, id, why string) (before, after string, err error) {
	err = s.transact(ctx, "compute.CancelImport", func(v kv.View, b *kv.Batch) error {
		val, err := v.Get(importRow(account, id))
		if errors.Is(err, kv.ErrNotFound) {
			return errs.New(errs.NotFound, ImportNotFound, "The import task ID '%s' does not exist", id).On(id)
		}
		t := new(Import)
		if err := errors.Join(err, schema.Decode(val.Data, t)); err != nil {
			return err
		}
		before = t.Status
		if t.Status != ImportActive {
			after = t.Status
			return nil
		}
		if why == "" {
			why = "The task was cancelled."
		}
		t.end(ImportDeleted, why, time.Now())
		after = t.Status
		b.IfRevision(importRow(account, id), val.Revision)
		b.Put(importRow(account, id), schema.Encode(t))
		return s.dropPending(v, b, t)
	})
	return before, after, err
}

// dropPending takes away the image of a task that came to nothing.
func (s *Service) dropPending(v kv.View, b *kv.Batch, t *Import) error {
	img, rev, err := getImage(v, t.Image)
	if err != nil {
		return ignoreAbsent(err)
	}
	b.IfRevision(imageRow(img.ID), rev)
	b.Delete(imageRow(img.ID))
	b.Delete(nameRow(img.Account, img.Name))
	img.Source.Disk.Key = img.ID + "/disk" // it may be half there
	b.Put(trashRow(img.ID), schema.Encode(img))
	tags.Delete(b, img.Account, img.ID)
	return nil
}
