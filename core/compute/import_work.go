package compute

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// runImports does the imports that are active, one after the other: they are bound by the disk. What a crash cut off is
// found here again and begins anew.
func (s *Service) runImports(ctx context.Context) error {
	for {
		var next *Import
		err := s.view(ctx, func(v kv.View) error {
			next = nil
			return scan(v, rowImport, func(_ []byte, t *Import) error {
				if t.Status == ImportActive && (next == nil || t.Created < next.Created) {
					next = t
				}
				return nil
			})
		})
		if err != nil || next == nil {
			return err
		}
		if err := s.runImport(ctx, next); err != nil {
			return err
		}
	}
}

// runImport does one import. It returns an error only for what is not the import's fault.
func (s *Service) runImport(ctx context.Context, t *Import) error {
	img, err := s.fetchImport(ctx, t)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch k := errs.KindOf(err); {
	case err == nil:
	case k == errs.Unavailable || k == errs.Canceled || k == errs.NoSpace:
		return err
	}
	failure := err
	return s.transact(ctx, "compute.runImport", func(v kv.View, b *kv.Batch) error {
		row := importRow(t.Account, t.ID)
		val, err := v.Get(row)
		if err != nil {
			return ignoreAbsent(err)
		}
		now := new(Import)
		if err := schema.Decode(val.Data, now); err != nil {
			return err
		}
		if now.Status != ImportActive { // cancelled meanwhile
			return nil
		}
		b.IfRevision(row, val.Revision)
		if failure != nil {
			return s.failImport(v, b, now, failure)
		}
		now.end(ImportCompleted, "", time.Now())
		now.Format = img.Source.Format
		b.Put(row, schema.Encode(now))
		present, rev, err := getImage(v, img.ID)
		if err != nil {
			return err
		}
		present.State, present.SizeGiB, present.Source = ImageAvailable, img.SizeGiB, img.Source
		b.IfRevision(imageRow(img.ID), rev)
		b.Put(imageRow(img.ID), schema.Encode(present))
		return nil
	})
}

// failImport notes a failure: a registered image stays as failed, an imported one never was.
func (s *Service) failImport(v kv.View, b *kv.Batch, t *Import, failure error) error {
	s.log.Warn("an image cannot be imported", "task", t.ID, "image", t.Image, "error", failure)
	msg := "ClientError: the image cannot be read."
	var e *errs.E
	if errors.As(failure, &e) && e.Msg != "" {
		msg = "ClientError: " + e.Msg
	}
	t.end(ImportDeleted, msg, time.Now())
	b.Put(importRow(t.Account, t.ID), schema.Encode(t))
	if !t.Register {
		return s.dropPending(v, b, t)
	}
	img, rev, err := getImage(v, t.Image)
	if err != nil {
		return ignoreAbsent(err)
	}
	img.State, img.Reason = ImageFailed, Reason{Code: "Client.ImportFailed", Message: msg}
	b.IfRevision(imageRow(img.ID), rev)
	b.Put(imageRow(img.ID), schema.Encode(img))
	return nil
}

// fetchImport takes the bytes over and returns the image as it will be.
func (s *Service) fetchImport(ctx context.Context, t *Import) (*Image, error) {
	var img *Image
	err := s.view(ctx, func(v kv.View) (err error) {
		img, _, err = getImage(v, t.Image)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The rights of now count, not those of when it was asked.
	cred, err := s.cfg.IAM.Secret(ctx, t.Principal)
	if err != nil {
		return nil, err
	}
	body, size, err := s.cfg.Objects.Open(ctx, cred.Principal, t.Bucket, t.Key)
	if err != nil {
		return nil, err
	}
	progress := func(percent int) { s.setProgress(ctx, t, percent) }
	err = s.takeDisk(ctx, img, &meter{r: body, size: size, every: meterStep, tell: progress}, progress)
	return img, errors.Join(err, body.Close())
}

// meterStep is after how many bytes a reader tells how far it is.
const meterStep = 64 << 20

// meter tells how much of the reading is done, as a part of the whole import.
type meter struct {
	r                       io.Reader
	size, read, told, every int64
	tell                    func(percent int)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.read += int64(n); m.read-m.told >= m.every && m.size > 0 {
		m.told = m.read
		m.tell(int(ImportFetched * m.read / m.size))
	}
	return n, err
}

// setProgress shows how far an import is. It is only for people, so a failure does not matter.
func (s *Service) setProgress(ctx context.Context, t *Import, percent int) {
	err := s.transact(ctx, "compute.setProgress", func(v kv.View, b *kv.Batch) error {
		row := importRow(t.Account, t.ID)
		val, err := v.Get(row)
		if err != nil {
			return ignoreAbsent(err)
		}
		now := new(Import)
		if err := schema.Decode(val.Data, now); err != nil || now.Status != ImportActive {
			return err
		}
		now.Progress = percent
		b.IfRevision(row, val.Revision)
		b.Put(row, schema.Encode(now))
		return nil
	})
	if err != nil {
		s.log.Debug("progress of an import is not shown", "task", t.ID, "error", err)
	}
}
