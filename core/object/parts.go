package object

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// partRecord is an uploaded part as its row keeps it: schema | writing | modified | part.
type partRecord struct {
	part
	writing  instance // the request that wrote it
	modified int64    // unix milliseconds
}

func (p *partRecord) encode() []byte {
	b := make([]byte, 0, 96+28*len(p.pieces))
	b = append(b, schema)
	b = append(b, p.writing[:]...)
	b = binary.AppendUvarint(b, uint64(max(p.modified, 0)))
	return appendPart(b, &p.part)
}

// decode reads the record; it keeps nothing of data.
func (p *partRecord) decode(data []byte) error {
	body, err := openRecord(bytes.Clone(data))
	if err != nil {
		return err
	}
	r := wireReader{rest: body}
	p.writing = r.instance()
	p.modified = r.size()
	r.part(&p.part)
	if r.err == nil && len(r.rest) != 0 {
		r.fail("odd part")
	}
	return r.err
}

func (p *partRecord) outer() Part {
	return Part{
		Number:       p.number,
		Size:         p.size,
		ETag:         (&record{md5: p.md5}).etag(),
		LastModified: time.UnixMilli(p.modified).UTC(),
		Checksums:    outerSums(p.sums, 0),
	}
}

// upload is an upload under way as operations see it.
type upload struct {
	uploadRecord
	id       instance
	revision kv.Index
}

func (u *upload) algorithm() checksum.Algorithm { return checksum.Algorithm(u.Algorithm) }

func (u *upload) typ() checksum.Type { return checksum.Type(u.Type) }

// outerUpload is u as callers see it. The checksum shows only if the client asked for one.
func (s *Service) outerUpload(ctx context.Context, b *bucket, key string, u *upload) Upload {
	out := Upload{
		Bucket:       b.Name,
		Key:          key,
		UploadID:     u.id.String(),
		Initiated:    u.id.time().UTC().Truncate(time.Millisecond),
		Owner:        s.ownerOf(ctx, b, u.Owner),
		Initiator:    Owner{AccountID: u.Initiator, CanonicalID: u.InitiatorID, DisplayName: u.InitiatorName},
		StorageClass: storageClassName(u.Class),
	}
	out.Aborts = b.settings.lifecycle.aborts(realDay, key, u.id.time())
	if u.Asked {
		out.ChecksumAlgorithm, out.ChecksumType = u.algorithm(), u.typ()
	}
	return out
}

// findUpload reads an upload under way.
func (s *Service) findUpload(ctx context.Context, b *bucket, key, uploadID string) (*upload, error) {
	id, ok := parseInstance(uploadID)
	if !ok {
		return nil, noSuchUpload(key, uploadID)
	}
	v, err := s.kv.Get(ctx, b.shard, uploadKey(b.ID, key, id))
	if errors.Is(err, kv.ErrNotFound) {
		if err := s.stillThere(ctx, b); err != nil {
			return nil, err
		}
		return nil, noSuchUpload(key, uploadID)
	} else if err != nil {
		return nil, err
	}
	u := &upload{id: id, revision: v.Revision}
	return u, decodeRecord(v.Data, &u.uploadRecord)
}

// uploadParts reads the parts of an upload from number first on, at most max, in order, and the revision of its epoch:
// the row that every part put changes. It is zero when there never was a part.
func (s *Service) uploadParts(ctx context.Context, b *bucket, key string, id instance, first, max int) ([]partRecord, kv.Index, error) {
	view, err := s.kv.View(ctx, b.shard)
	if err != nil {
		return nil, 0, err
	}
	defer view.Close()
	epoch, err := view.Get(epochKey(b.ID, key, id))
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return nil, 0, err
	}
	var parts []partRecord
	it := view.Scan(kv.ScanOptions{Lower: partKey(b.ID, key, id, first), Upper: partsEnd(b.ID, key, id)})
	err = nil
	for ok := it.First(); ok && len(parts) < max && err == nil; ok = it.Next() {
		var p partRecord
		if err = p.decode(it.Value()); err == nil {
			parts = append(parts, p)
		}
	}
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	return parts, epoch.Revision, err
}

// partsEnd sorts behind every part of an upload.
func partsEnd(b BucketID, key string, id instance) []byte {
	return append(instanceKey(famPart, b, key, id), 0xFF, 0xFF, 0xFF)
}

// commitIn commits what build makes, on the condition that the bucket is as it was; it is made again when not.
func (s *Service) commitIn(ctx context.Context, b *bucket, build func(b *bucket, batch *kv.Batch) error) error {
	for conflicts := 0; ; conflicts++ {
		var batch kv.Batch
		if err := build(b, &batch); err != nil {
			return err
		}
		batch.IfRevision(b.presence, b.revision)
		_, err := s.kv.Commit(ctx, b.shard, &batch)
		if !errors.Is(err, kv.ErrConditionFailed) || conflicts >= maxConflicts {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if b, err = s.refresh(ctx, b); err != nil {
			return err
		}
	}
}
