package object

import (
	"context"
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// piecesInRecord is how many blob references a record carries itself; a body of more has a manifest.
const piecesInRecord = 4

// inRecordLimit is up to how many bytes a body rides in the record itself: a read of it needs no second look-up, and the rows
// that listings read stay small.
const inRecordLimit = 128

// defaultChecksum is what S3 computes and keeps when the client names no algorithm.
const defaultChecksum = checksum.CRC64NVME

// Put stores an object. When it returns without an error the object is durable and every later read and listing sees
// it; after an error nothing of it can be seen, unless the error is of kind Canceled or Unavailable, when the outcome
// is open.
func (s *Service) Put(ctx context.Context, who iam.Principal, in *PutInput) (*PutResult, error) {
	res, err := s.put(ctx, &who, in)
	if err != nil {
		return nil, failed("object.Put", in.Key, err)
	}
	return res, nil
}

// MayPut reports whether who may put an object, as Put would: for front ends that are asked before there is a body.
func (s *Service) MayPut(ctx context.Context, who iam.Principal, bucket, key string) error {
	_, err := s.enter(ctx, &who, actPutObject, bucket, key)
	return failed("object.Put", key, err)
}

func (s *Service) put(ctx context.Context, who *iam.Principal, in *PutInput) (*PutResult, error) {
	b, err := s.enter(ctx, who, actPutObject, in.Bucket, in.Key)
	if err != nil {
		return nil, err
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
	if in.Size > MaxPutSize {
		return nil, tooLarge(MaxPutSize)
	}
	if err := s.checkNewLock(ctx, who, b, in.Key, in.Lock); err != nil {
		return nil, err
	}
	made, err := s.place(ctx, who, b, in.Key, &in.ACL)
	if err != nil {
		return nil, err
	}
	// Most refusals can be told before the body is read; the commit decides.
	if err := s.checkEarly(ctx, b, in.Key, in.Conditions); err != nil {
		return nil, err
	}

	env, err := s.sealFor(ctx, who, b, &in.Encryption)
	if err != nil {
		return nil, err
	}
	rec := &record{class: class, owner: made.owner, asked: in.Lock, cause: cause{eventPut, who}}
	if in.Form {
		rec.cause.event = eventPost
	}
	rec.detail.describe(in.Headers, in.Metadata, in.Tags)
	rec.detail.ACL = made.acl
	src := source{body: in.Body, size: in.Size, maxSize: in.MaxSize, md5: in.ContentMD5, sums: in.Checksums, inline: s.cfg.InlineLimit}
	if len(in.Checksums) == 0 {
		src.compute = defaultChecksums
	}
	return s.store(ctx, b, in.Key, rec, &src, env, in.Conditions)
}

var defaultChecksums = []checksum.Algorithm{defaultChecksum}

// store takes a body in, encrypts it by env and makes rec, completed by it, the current version of key.
func (s *Service) store(ctx context.Context, b *bucket, key string, rec *record, src *source, env *envelope, cond WriteConditions) (*PutResult, error) {
	if src.seal = env.sealing(instance{}); src.seal != nil {
		rec.flags |= flagSealed
		env.keep(&rec.detail)
		src.inline = min(src.inline, src.seal.payload())
	}
	id := newInstance(s.now(), instance{})
	pl := placer{bucket: b.ID, key: key, id: id}
	if src.size < 0 || src.size > int64(src.inline) {
		pl.owner = (&ownerNote{bucket: b.ID, key: key, writing: id}).encode()
		s.pending.begin(id)
		defer s.pending.end(id)
	}
	in, err := s.take(ctx, src, &pl)
	if err != nil {
		return nil, err
	}
	coverETag(env.method, &env.key, &in.md5)
	rec.size, rec.md5, rec.sums = in.size, in.md5, in.sums
	chunks := rec.keepBody(in)

	var state Versioning
	err = s.change(ctx, b, key, func(tx *keyTx) error {
		if err := env.still(b.Encryption, tx.b.Encryption); err != nil {
			return err
		}
		if err := cond.checkWrite(key, tx.cur); err != nil {
			return err
		}
		if rec.wish != nil {
			tx.stamp(rec, rec.wish.instance)
		} else {
			tx.stamp(rec, id)
		}
		tx.putBody(rec, in.inline, chunks)
		state = tx.b.Versioning
		return tx.write(rec)
	})
	if err != nil {
		s.dropUnlessOpen(ctx, err, in.pieces)
		return nil, err
	}
	res := rec.result(state)
	res.Expires = b.settings.lifecycle.expiry(key, rec)
	res.Encryption = env.info()
	return res, nil
}

// keepBody notes in the record where its body is, and returns the manifest when it needs one.
func (r *record) keepBody(in *intake) (chunks [][]byte) {
	r.flags &^= flagInRecord | flagInline | flagManifest
	r.detail.Blobs, r.detail.Body = nil, nil
	switch {
	case len(in.inline) > 0 && len(in.inline) <= inRecordLimit:
		r.flags |= flagInRecord
		r.detail.Body = in.inline
	case len(in.inline) > 0:
		r.flags |= flagInline
	case len(in.pieces) > piecesInRecord:
		r.flags |= flagManifest
		return encodeManifest([]part{{number: 1, size: in.size, md5: in.md5, pieces: in.pieces, layers: r.detail.layers()}})
	case len(in.pieces) > 0:
		r.detail.Blobs = packRefs(in.pieces)
	}
	return nil
}

// putBody adds the rows of r's body that are not in its record.
func (tx *keyTx) putBody(r *record, inline []byte, chunks [][]byte) {
	if r.is(flagInline) {
		tx.batch.Put(bodyKey(tx.b.ID, tx.key, r.instance), inline)
	}
	for i, c := range chunks {
		tx.batch.Put(chunkKey(tx.b.ID, tx.key, r.instance, uint32(i)), c)
	}
}

// dropUnlessOpen removes blobs after a failed commit, but not when the commit may have happened after all.
func (s *Service) dropUnlessOpen(ctx context.Context, err error, refs []blobref.Ref) {
	if outcomeKnown(err) {
		s.dropBlobs(ctx, refs)
	}
}

// result is what a writer is told.
func (r *record) result(state Versioning) *PutResult {
	res := &PutResult{ETag: r.etag(), Size: r.size, LastModified: r.modifiedTime(), Checksums: outerSums(r.sums, r.parts),
		Encryption: r.detail.encryption(nil)}
	if state != VersioningOff {
		res.VersionID = r.versionID(state)
	}
	return res
}

// checkNewObject applies the rules for what a new object is called and carries.
func (s *Service) checkNewObject(key string, meta []Meta, tags []Tag, class string) (uint8, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	if err := checkMetadata(meta); err != nil {
		return 0, err
	}
	if err := s.checkObjectTags(tags); err != nil {
		return 0, err
	}
	return parseStorageClass(class)
}

// validate refuses conditions that make no sense on a write.
func (c WriteConditions) validate() error {
	switch {
	case c.IfMatch != "" && c.IfNoneMatch != "":
		return invalidRequest("If-Match and If-None-Match must not be given together.")
	case c.IfMatchSize != nil || !c.IfMatchLastModified.IsZero():
		return invalidRequest("Size and time conditions are for deletes only.")
	case strings.ContainsAny(c.IfMatch+c.IfNoneMatch, ","):
		return invalidRequest("A condition of a write names one ETag.")
	}
	return nil
}

// checkEarly refuses conditions that are none, and holds the others against the present state without deciding anything.
func (s *Service) checkEarly(ctx context.Context, b *bucket, key string, cond WriteConditions) error {
	if !cond.any() {
		return nil
	}
	if err := cond.validate(); err != nil {
		return err
	}
	tx := keyTx{s: s, ctx: ctx, b: b, key: key, row: objectKey(b.ID, key)}
	if err := tx.readCurrent(); err != nil {
		return err
	}
	err := cond.checkWrite(key, tx.cur)
	if err != nil {
		if gone := s.stillThere(ctx, b); gone != nil {
			return gone
		}
	}
	return err
}
