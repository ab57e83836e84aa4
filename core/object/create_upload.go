package object

import (
	"context"
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// CreateUpload begins a multipart upload.
func (s *Service) CreateUpload(ctx context.Context, who iam.Principal, in *CreateUploadInput) (*Upload, error) {
	u, err := s.createUpload(ctx, &who, in)
	if err != nil {
		return nil, failed("object.CreateUpload", in.Key, err)
	}
	return u, nil
}

func (s *Service) createUpload(ctx context.Context, who *iam.Principal, in *CreateUploadInput) (*Upload, error) {
	b, err := s.enter(ctx, who, actPutObject, in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	if who.Anonymous && !s.cfg.Dialect.AnonymousUploads {
		return nil, errs.New(errs.Denied, iam.AccessDenied, "Anonymous users cannot initiate multipart uploads.  Please authenticate.").On(in.Key)
	}
	if len(in.Tags) > 0 {
		if err := s.allowNew(ctx, who, actPutObjectTagging, b, in.Key); err != nil {
			return nil, err
		}
	}
	class, err := s.checkNewObject(in.Key, in.Metadata, in.Tags, in.StorageClass)
	if err != nil {
		return nil, err
	}
	if err := s.checkNewLock(ctx, who, b, in.Key, in.Lock); err != nil {
		return nil, err
	}
	made, err := s.place(ctx, who, b, in.Key, &in.ACL)
	if err != nil {
		return nil, err
	}
	u := &upload{id: newInstance(s.now(), instance{})}
	u.Class = class
	u.Initiator, u.InitiatorID, u.InitiatorName = who.AccountID, who.CanonicalID, who.DisplayName
	u.Detail.describe(in.Headers, in.Metadata, in.Tags)
	u.Detail.setLock(in.Lock)
	u.Owner, u.Detail.ACL = made.owner, made.acl
	algorithm, typ, err := uploadChecksum(in.ChecksumAlgorithm, in.ChecksumType)
	if err != nil {
		return nil, err
	}
	u.Algorithm, u.Type, u.Asked = uint8(algorithm), uint8(typ), in.ChecksumAlgorithm != checksum.None
	env, err := s.sealFor(ctx, who, b, &in.Encryption)
	if err != nil {
		return nil, err
	}
	env.keep(&u.Detail)
	// Not a condition of the commit: what changes meanwhile overlaps the upload.
	tx := keyTx{s: s, ctx: ctx, b: b, key: in.Key, row: objectKey(b.ID, in.Key)}
	if err := tx.readCurrent(); err != nil {
		return nil, err
	}
	u.Over = tx.cur != nil && !tx.cur.is(flagMarker)
	data := encodeRecord(&u.uploadRecord)
	then := b.Encryption
	err = s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		if err := env.still(then, b.Encryption); err != nil {
			return err
		}
		batch.Put(uploadKey(b.ID, in.Key, u.id), data)
		batch.Add(counterKey(b.ID, cntUploads), 1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := s.outerUpload(ctx, b, in.Key, u)
	out.Encryption = env.info()
	return &out, nil
}

// uploadChecksum decides what checksum the object will have: the one that was asked, or CRC64NVME of the whole.
func uploadChecksum(a checksum.Algorithm, t checksum.Type) (checksum.Algorithm, checksum.Type, error) {
	if a == checksum.None {
		if t != checksum.NoType {
			return 0, 0, invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return defaultChecksum, checksum.FullObject, nil
	}
	typ, err := a.MultipartType(t)
	if err != nil {
		return 0, 0, invalidRequest("The %v checksum type cannot be used with the %s checksum algorithm.", t, strings.ToLower(a.String()))
	}
	return a, typ, nil
}
