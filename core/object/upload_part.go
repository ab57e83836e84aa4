package object

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// UploadPart stores one part; a part of the same number is replaced.
func (s *Service) UploadPart(ctx context.Context, who iam.Principal, in *PartInput) (*PutResult, error) {
	res, err := s.uploadPart(ctx, &who, in)
	if err != nil {
		return nil, failed("object.UploadPart", in.Key, err)
	}
	return res, nil
}

func (s *Service) uploadPart(ctx context.Context, who *iam.Principal, in *PartInput) (*PutResult, error) {
	b, err := s.enter(ctx, who, actPutObject, in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	if in.Size > MaxPutSize {
		return nil, tooLarge(MaxPutSize)
	}
	u, err := s.findUpload(ctx, b, in.Key, in.UploadID)
	if err != nil {
		return nil, err
	}
	if u.Asked {
		for _, spec := range in.Checksums {
			if spec.Algorithm != u.algorithm() {
				return nil, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
					strings.ToLower(u.algorithm().String()), strings.ToLower(spec.Algorithm.String()))
			}
		}
	}
	key, err := s.uploadKey(ctx, who, u, in.Customer)
	if err != nil {
		return nil, err
	}
	src := source{body: in.Body, size: in.Size, md5: in.ContentMD5, sums: in.Checksums, inline: -1}
	res, err := s.storePart(ctx, b, in.Key, u, in.PartNumber, &src, key)
	if err != nil {
		return nil, err
	}
	if in.Customer != nil {
		res.Encryption.CustomerMD5 = in.Customer.MD5()
	}
	if !u.Asked { // nobody asked for the checksum that is kept anyway
		res.Checksums = slices.DeleteFunc(res.Checksums, func(c Checksum) bool {
			return !slices.ContainsFunc(in.Checksums, func(spec ChecksumSpec) bool { return spec.Algorithm == c.Algorithm })
		})
	}
	return res, nil
}

// uploadKey opens the data key of an encrypted upload; nil when it is not encrypted.
func (s *Service) uploadKey(ctx context.Context, who *iam.Principal, u *upload, customer *CustomerKey) (*kms.DataKey, error) {
	if err := u.admitCustomer(customer); err != nil {
		return nil, err
	}
	if u.Detail.Enc == 0 {
		return nil, nil
	}
	k, err := s.dataKey(ctx, who, &u.Detail, customer)
	return &k, err
}

// admitCustomer holds the key that comes with a request about an upload against the one that it was begun with.
func (u *upload) admitCustomer(customer *CustomerKey) error {
	switch {
	case EncryptionMethod(u.Detail.Enc) != EncryptCustomer:
		switch {
		case customer == nil:
			return nil
		case u.Detail.Enc == uint8(EncryptNone):
			return invalidRequest("The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.")
		}
		return invalidRequest("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	case customer == nil:
		return invalidRequest("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	default:
		if _, err := openCustomer(&u.Detail, customer); err != nil {
			return invalidRequest("The provided encryption parameters did not match the ones used originally.")
		}
	}
	return nil
}

func checkPartNumber(n int) error {
	if n < 1 || n > MaxParts {
		return invalidArgument("Part number must be an integer between 1 and %d, inclusive", MaxParts)
	}
	return nil
}

// storePart takes a body in as a part, encrypted when there is a key. Its commit is conditioned on the upload and changes its epoch, so that a
// completion under way notices it.
func (s *Service) storePart(ctx context.Context, b *bucket, key string, u *upload, number int, src *source, sealKey *kms.DataKey) (*PutResult, error) {
	p := partRecord{writing: newInstance(s.now(), instance{})}
	if sealKey != nil {
		src.seal = newSealing(sealKey, p.writing, u.Detail.layers())
	}
	note := ownerNote{bucket: b.ID, key: key, writing: p.writing, upload: u.id, number: number}
	pl := placer{bucket: b.ID, key: key, id: p.writing, owner: note.encode()}
	s.pending.begin(p.writing)
	defer s.pending.end(p.writing)
	src.compute = []checksum.Algorithm{u.algorithm()}
	in, err := s.take(ctx, src, &pl)
	if err != nil {
		return nil, err
	}
	p.part = part{number: number, size: in.size, md5: in.md5, sums: in.sums, pieces: in.pieces}
	if sealKey != nil {
		coverETag(EncryptionMethod(u.Detail.Enc), sealKey, &p.md5)
		p.layers, p.salt = u.Detail.layers(), p.writing
	}
	p.modified = s.now().UnixMilli()
	data := p.encode()
	row := partKey(b.ID, key, u.id, number)
	done := settled
	err = s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		done(false) // of an attempt that failed
		done = settled
		if _, err := s.findUpload(ctx, b, key, u.id.String()); err != nil {
			return err
		}
		grown := p.size
		v, err := s.kv.Get(ctx, b.shard, row)
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			return err
		}
		if err == nil {
			var old partRecord
			if err := old.decode(v.Data); err != nil {
				return err
			}
			grown -= old.size
			s.tossPart(batch, &old)
		}
		batch.IfExists(uploadKey(b.ID, key, u.id))
		batch.IfRevision(row, v.Revision)
		batch.Put(row, data)
		batch.Put(epochKey(b.ID, key, u.id), p.writing[:])
		batch.Add(counterKey(b.ID, cntUploadBytes), grown)
		reserved, err := s.within(ctx, b, batch, growth{parts: grown})
		if err == nil {
			done = reserved
		}
		return err
	})
	done(err == nil || !outcomeKnown(err))
	if err != nil {
		s.dropUnlessOpen(ctx, err, in.pieces)
		return nil, err
	}
	out := p.outer()
	return &PutResult{ETag: out.ETag, Size: p.size, LastModified: out.LastModified, Checksums: out.Checksums,
		Encryption: u.Detail.encryption(nil)}, nil
}

// tossPart names the blobs of a part to the collector.
func (s *Service) tossPart(batch *kv.Batch, p *partRecord) {
	if len(p.pieces) > 0 {
		g := garbage{kind: garbageRefs, refs: p.pieces}
		batch.Put(garbageKey(s.now().Add(s.cfg.Grace), p.writing), g.encode())
	}
}

// AbortUpload gives an upload and its parts up.
func (s *Service) AbortUpload(ctx context.Context, who iam.Principal, bucket, key, uploadID string) error {
	return s.AbortUploadOf(ctx, who, bucket, key, uploadID, time.Time{})
}

// AbortUploadOf is AbortUpload of an upload that was begun in the second of initiated, unless that is zero.
func (s *Service) AbortUploadOf(ctx context.Context, who iam.Principal, bucket, key, uploadID string, initiated time.Time) error {
	return failed("object.AbortUpload", key, s.abortUpload(ctx, &who, bucket, key, uploadID, initiated))
}

func (s *Service) abortUpload(ctx context.Context, who *iam.Principal, bucketName, key, uploadID string, initiated time.Time) error {
	b, err := s.enter(ctx, who, actAbortUpload, bucketName, key)
	if err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	return s.dropUpload(ctx, b, key, uploadID, initiated)
}

// endUpload removes the rows of an upload whose parts have bytes in all.
func (s *Service) endUpload(batch *kv.Batch, b *bucket, key string, u *upload, bytes int64) {
	batch.IfRevision(uploadKey(b.ID, key, u.id), u.revision)
	batch.Delete(uploadKey(b.ID, key, u.id))
	batch.Delete(epochKey(b.ID, key, u.id))
	batch.DeleteRange(partKey(b.ID, key, u.id, 0), partsEnd(b.ID, key, u.id))
	batch.Add(counterKey(b.ID, cntUploads), -1)
	batch.Add(counterKey(b.ID, cntUploadBytes), -bytes)
}
