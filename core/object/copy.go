package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Copy copies an object, or gives it other metadata when it is copied onto itself.
func (s *Service) Copy(ctx context.Context, who iam.Principal, in *CopyInput) (*CopyResult, error) {
	res, err := s.copy(ctx, &who, in)
	if err != nil {
		return nil, failed("object.Copy", in.Key, err)
	}
	return res, nil
}

func (s *Service) copy(ctx context.Context, who *iam.Principal, in *CopyInput) (*CopyResult, error) {
	b, err := s.enter(ctx, who, actPutObject, in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	class, err := s.checkNewObject(in.Key, in.Metadata, in.Tags, in.StorageClass)
	if err != nil {
		return nil, err
	}
	switch {
	case in.SrcRange.Kind != RangeNone:
		return nil, invalidRequest("A copy source range is for UploadPartCopy only.")
	case in.illegalOntoItself() && b.Encryption.Method == EncryptNone:
		return nil, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing " +
			"the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if err := s.checkNewLock(ctx, who, b, in.Key, in.Lock); err != nil {
		return nil, err
	}
	made, err := s.place(ctx, who, b, in.Key, &in.ACL)
	if err != nil {
		return nil, err
	}
	if err := s.checkEarly(ctx, b, in.Key, in.Conditions); err != nil {
		return nil, err
	}
	src, err := s.openSource(ctx, who, in)
	if err != nil {
		return nil, err
	}
	defer src.body.Close()
	if in.ReplaceTags && len(in.Tags) > 0 || !in.ReplaceTags && len(src.f.detail.Tags) > 0 {
		if err := s.allowNew(ctx, who, actPutObjectTagging, b, in.Key); err != nil {
			return nil, err
		}
	}

	env, err := s.sealFor(ctx, who, b, &in.Encryption)
	if err != nil {
		return nil, err
	}
	rec := &record{class: class, owner: made.owner, asked: in.Lock, cause: cause{eventCopy, who}}
	headers, meta, tags := in.Headers, in.Metadata, in.Tags
	if !in.ReplaceMetadata {
		headers, meta = src.f.detail.headers(), src.f.detail.metadata()
		headers.WebsiteRedirect = in.Headers.WebsiteRedirect // belongs to a name, not to content
	}
	if !in.ReplaceTags {
		tags = outerTags(src.f.detail.Tags)
	}
	rec.detail.describe(headers, meta, tags)
	rec.detail.ACL = made.acl
	body := source{body: src.body, size: src.length, inline: s.cfg.InlineLimit, compute: src.algorithms(in.ChecksumAlgorithm)}
	res, err := s.store(ctx, b, in.Key, rec, &body, env, in.Conditions)
	if err != nil {
		return nil, err
	}
	return &CopyResult{PutResult: *res, SrcVersionID: src.version, SrcSize: src.f.size}, nil
}

// illegalOntoItself reports whether the copy would change nothing. Making an old version the current one changes much. Where a
// bucket has an encryption of its own Amazon takes every copy, as it may bring that about; what the server's default is does not
// count, at Amazon neither.
func (in *CopyInput) illegalOntoItself() bool {
	return in.SrcBucket == in.Bucket && in.SrcKey == in.Key && in.SrcVersionID == "" &&
		!in.ReplaceMetadata && in.StorageClass == "" && in.Headers.WebsiteRedirect == "" && in.Encryption == (Encryption{})
}

// copySource is an opened source of a copy.
type copySource struct {
	f       found
	body    Body
	length  int64
	version string
}

// algorithms lists the checksums that the copy gets: the one asked for, else those of the source, else the default.
func (src *copySource) algorithms(asked checksum.Algorithm) []checksum.Algorithm {
	switch {
	case asked != checksum.None:
		return []checksum.Algorithm{asked}
	case len(src.f.sums) == 0:
		return defaultChecksums
	}
	return algorithmsOf(src.f.sums)
}

// openSource finds the source of a copy, authorizes reading it, checks its conditions and opens its body.
func (s *Service) openSource(ctx context.Context, who *iam.Principal, in *CopyInput) (*copySource, error) {
	if in.ChecksumAlgorithm != checksum.None && !in.ChecksumAlgorithm.Valid() {
		return nil, invalidRequest("Checksum algorithm provided is unsupported.")
	}
	b, err := s.enterFor(ctx, who, in.SrcBucket, ask{
		action: byVersion(in.SrcVersionID, actGetObject, actGetObjectVersion), key: in.SrcKey, version: in.SrcVersionID,
	})
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.SrcKey); err != nil {
		return nil, err
	}
	get := &GetInput{Bucket: in.SrcBucket, Key: in.SrcKey, VersionID: in.SrcVersionID, Range: in.SrcRange, Customer: in.SrcCustomer}
	src := &copySource{}
	for moves := 0; ; moves++ {
		if src.f, err = s.findObject(ctx, b, in.SrcKey, in.SrcVersionID); err != nil {
			if errs.ReasonOf(err) == MethodNotAllowed {
				return nil, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
			}
			if errs.ReasonOf(err) == MarkerNotFound {
				err = noSuchKey(in.SrcKey)
			}
			return nil, s.hideAbsence(ctx, who, b, in.SrcKey, err)
		}
		if err := s.admitReader(&src.f.detail, in.SrcCustomer); err != nil {
			return nil, err
		}
		if err := in.SrcConditions.checkSource(onCopySource, src.f.record, s.now()); err != nil {
			return nil, err
		}
		if archived(src.f.class) && !in.forReplica && !src.f.detail.restore(s.now()).readable() {
			return nil, archivedState(src.f.class, "Operation is not valid for the source object's storage class")
		}
		if !in.forReplica {
			if err := in.checkSourceRange(&s.cfg.Dialect, src.f.size); err != nil {
				return nil, err
			}
		}
		res := &GetResult{Length: src.f.size}
		err = s.open(ctx, who, b, get, src.f, res, true)
		if err == nil {
			src.body, src.length = res.Body, res.Length
			break
		}
		if kind := kindOf(err); kind != errs.Corrupt && !isMoved(err) || moves == maxMoves || !s.moved(ctx, b, in.SrcKey, src.f) {
			return nil, err
		}
	}
	if len(src.f.detail.Tags) > 0 && !in.ReplaceTags && in.UploadID == "" {
		if err := s.allow(ctx, who, byVersion(in.SrcVersionID, actGetObjectTagging, actGetVersionTagging), b, in.SrcKey); err != nil {
			src.body.Close()
			return nil, err
		}
	}
	src.version = src.f.versionID(b.Versioning)
	return src, nil
}

// checkSourceRange applies the rules for what may be copied at once.
func (in *CopyInput) checkSourceRange(d *dialect.Dialect, size int64) error {
	n := size
	if in.SrcRange.Kind != RangeNone {
		off, length, ok := in.SrcRange.resolve(size)
		switch {
		case ok && in.SrcRange.Kind == RangeFromTo && in.SrcRange.Last < size && off >= 0:
		case d.CopyRangeUnsatisfied:
			return errs.New(errs.RangeUnsatisfied, InvalidRange, "The requested range is not satisfiable")
		case !ok:
			return invalidRequest("The specified copy range is invalid for the source object size")
		default:
			e := errs.New(errs.Invalid, InvalidRange, "")
			e.Detail = map[string]string{"ActualObjectSize": itoa(size)}
			return e
		}
		n = length
	}
	if n > MaxPutSize {
		return invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(MaxPutSize))
	}
	return nil
}

// UploadPartCopy stores one part from an object or a range of it; in.UploadID and in.PartNumber name the part.
func (s *Service) UploadPartCopy(ctx context.Context, who iam.Principal, in *CopyInput) (*CopyResult, error) {
	res, err := s.uploadPartCopy(ctx, &who, in)
	if err != nil {
		return nil, failed("object.UploadPartCopy", in.Key, err)
	}
	return res, nil
}

func (s *Service) uploadPartCopy(ctx context.Context, who *iam.Principal, in *CopyInput) (*CopyResult, error) {
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
	u, err := s.findUpload(ctx, b, in.Key, in.UploadID)
	if err != nil {
		return nil, err
	}
	key, err := s.uploadKey(ctx, who, u, in.Encryption.Customer)
	if err != nil {
		return nil, err
	}
	src, err := s.openSource(ctx, who, in)
	if err != nil {
		return nil, err
	}
	defer src.body.Close()
	body := source{body: src.body, size: src.length, inline: -1}
	res, err := s.storePart(ctx, b, in.Key, u, in.PartNumber, &body, key)
	if err != nil {
		return nil, err
	}
	if in.Encryption.Customer != nil {
		res.Encryption.CustomerMD5 = in.Encryption.Customer.MD5()
	}
	if !u.Asked { // nobody asked for the checksum that is kept anyway
		res.Checksums = nil
	}
	return &CopyResult{PutResult: *res, SrcVersionID: src.version, SrcSize: src.f.size}, nil
}
