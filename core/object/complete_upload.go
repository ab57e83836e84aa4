package object

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// CompleteUpload makes an object of uploaded parts. Only metadata is written: the blobs of the parts become the object's.
// A client that did not see the answer may send the request again and gets the same one.
func (s *Service) CompleteUpload(ctx context.Context, who iam.Principal, in *CompleteInput) (*PutResult, error) {
	res, err := s.completeUpload(ctx, &who, in)
	if err != nil {
		return nil, failed("object.CompleteUpload", in.Key, err)
	}
	return res, nil
}

func (s *Service) completeUpload(ctx context.Context, who *iam.Principal, in *CompleteInput) (*PutResult, error) {
	b, err := s.enter(ctx, who, actPutObject, in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	if s.cfg.Dialect.PartsInAnyOrder {
		in.Parts = inOrder(in.Parts)
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	id := newInstance(s.now(), instance{})
	var rec *record
	var state Versioning
	var again *PutResult
	err = s.change(ctx, b, in.Key, func(tx *keyTx) error {
		u, err := s.findUpload(ctx, tx.b, in.Key, in.UploadID)
		if err != nil {
			if errs.ReasonOf(err) == NoSuchUpload {
				if again, _ = s.completedBefore(ctx, tx.b, in); again != nil {
					return errNoChange
				}
			}
			return err
		}
		if len(in.Parts) == 0 {
			return invalidRequest("You must specify at least one part")
		}
		// Without a checksum to be made of the whole, completing needs no key, unless the dialect has it so.
		if in.Customer != nil || u.Asked || s.cfg.Dialect.CompletionNeedsCustomerKey {
			if err := u.admitCustomer(in.Customer); err != nil {
				return err
			}
		}
		if err := in.Conditions.checkWrite(in.Key, tx.cur); err != nil {
			return err
		}
		stored, epoch, err := s.uploadParts(ctx, tx.b, in.Key, u.id, 0, MaxParts)
		if err != nil {
			return err
		}
		tx.batch.IfRevision(epochKey(tx.b.ID, in.Key, u.id), epoch)
		rec, state = &record{cause: cause{eventComplete, who}}, tx.b.Versioning
		return tx.complete(in, u, stored, rec, id)
	})
	if err != nil {
		return nil, err
	}
	if again != nil {
		return again, nil
	}
	res := rec.result(state)
	res.Expires = b.settings.lifecycle.expiry(in.Key, rec)
	if s.cfg.Dialect.CompletionNeedsCustomerKey {
		res.Encryption = rec.detail.encryption(in.Customer)
	}
	return res, nil
}

// inOrder sorts a list of parts by their numbers; of those with one number the last stays.
func inOrder(parts []CompletePart) []CompletePart {
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b CompletePart) int { return cmp.Compare(a.Number, b.Number) })
	kept := sorted[:0]
	for i, p := range sorted {
		if i+1 == len(sorted) || sorted[i+1].Number != p.Number {
			kept = append(kept, p)
		}
	}
	return kept
}

// validate applies the rules that need no look at the upload.
func (in *CompleteInput) validate() error {
	if err := in.Conditions.validate(); err != nil {
		return err
	}
	if len(in.Parts) > MaxParts {
		return invalidArgument("The number of parts must be between 1 and %d, inclusive", MaxParts)
	}
	for i, p := range in.Parts {
		if err := checkPartNumber(p.Number); err != nil {
			return err
		}
		if i > 0 && p.Number <= in.Parts[i-1].Number {
			e := errs.New(errs.Invalid, InvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
			e.Detail = map[string]string{"UploadId": in.UploadID}
			return e
		}
	}
	return nil
}

// complete fills the batch that turns an upload into rec.
func (tx *keyTx) complete(in *CompleteInput, u *upload, stored []partRecord, rec *record, id instance) error {
	if err := in.checkMode(u); err != nil {
		return err
	}
	d := &tx.s.cfg.Dialect
	chosen, left, err := choose(d, in, u, stored)
	if err != nil {
		return err
	}
	if err := checkSizes(in, chosen, tx.s.cfg.MinPartSize); err != nil {
		return err
	}
	if !d.WriteConditionsByETag {
		if err := in.Conditions.checkSince(tx.key, tx.cur, u); err != nil {
			return err
		}
	}
	rec.flags = flagMultipart | flagManifest
	if u.Detail.Enc != 0 {
		rec.flags |= flagSealed
	}
	rec.class, rec.owner, rec.detail, rec.asked = u.Class, u.Owner, u.Detail, u.Detail.lock()
	rec.parts, rec.upload = len(chosen), u.id
	total := md5.New()
	for i := range chosen {
		total.Write(chosen[i].md5[:])
		rec.size += chosen[i].size
	}
	total.Sum(rec.md5[:0])
	if rec.sums, err = in.objectSums(d, u, chosen); err != nil {
		return err
	}

	var bytes int64
	for i := range stored {
		bytes += stored[i].size
	}
	tx.stamp(rec, id)
	tx.released = bytes
	tx.s.endUpload(&tx.batch, tx.b, tx.key, u, bytes)
	tx.s.tossRefs(&tx.batch, tx.now, left)
	tx.putBody(rec, nil, encodeManifest(chosen))
	tx.batch.Put(doneKey(tx.b.ID, tx.key, u.id), encodeRecord(&doneRecord{Instance: rec.instance[:], Parts: in.digest()}))
	return tx.write(rec)
}

// choose picks the parts that the client lists out of those stored; left are the blobs of the others.
func choose(d *dialect.Dialect, in *CompleteInput, u *upload, stored []partRecord) (chosen []part, left []blobref.Ref, err error) {
	chosen = make([]part, 0, len(in.Parts))
	i := 0
	for _, asked := range in.Parts {
		for i < len(stored) && stored[i].number < asked.Number {
			left = append(left, stored[i].pieces...)
			i++
		}
		if i == len(stored) || stored[i].number != asked.Number || !strings.EqualFold(bareETag(asked.ETag), hex.EncodeToString(stored[i].md5[:])) {
			return nil, nil, in.invalidPart(asked)
		}
		p := &stored[i].part
		for _, c := range asked.Checksums {
			if err := in.checkSum(u, p, asked, c); err != nil {
				return nil, nil, err
			}
		}
		if len(asked.Checksums) == 0 && u.Asked && u.typ() == checksum.Composite && !d.PartChecksumsOptional {
			return nil, nil, invalidRequest("The upload was created using a %s checksum. The complete request must include the checksum for each part. "+
				"It was missing for part %d in the request.", strings.ToLower(u.algorithm().String()), asked.Number)
		}
		chosen = append(chosen, *p)
		i++
	}
	for ; i < len(stored); i++ {
		left = append(left, stored[i].pieces...)
	}
	return chosen, left, nil
}

// checkSum holds a checksum that the client lists for a part against the part's.
func (in *CompleteInput) checkSum(u *upload, p *part, asked CompletePart, c Checksum) error {
	if u.Asked && c.Algorithm != u.algorithm() {
		return errs.New(errs.Invalid, BadDigest, "The %s you specified for part %d did not match what we received.",
			strings.ToLower(c.Algorithm.String()), asked.Number)
	}
	for _, s := range p.sums {
		if s.algorithm == c.Algorithm && checksum.Encode(s.digest) == c.Value {
			return nil
		}
	}
	return in.invalidPart(asked)
}

func (in *CompleteInput) invalidPart(asked CompletePart) error {
	e := errs.New(errs.Invalid, InvalidPart, "One or more of the specified parts could not be found.  "+
		"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	e.Detail = map[string]string{"PartNumber": itoa(asked.Number), "ETag": bareETag(asked.ETag), "UploadId": in.UploadID}
	return e
}

// checkSizes applies the rules for the sizes of parts and of the whole.
func checkSizes(in *CompleteInput, chosen []part, least int64) error {
	var size int64
	for i := range chosen {
		p := &chosen[i]
		if i < len(chosen)-1 && p.size < least {
			e := errs.New(errs.Invalid, EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
			e.Detail = map[string]string{"ProposedSize": itoa(p.size), "MinSizeAllowed": itoa(least),
				"PartNumber": itoa(p.number), "ETag": hex.EncodeToString(p.md5[:])}
			return e
		}
		size += p.size
	}
	switch {
	case size > MaxObjectSize:
		return tooLarge(MaxObjectSize)
	case in.ObjectSize != nil && *in.ObjectSize != size:
		return invalidRequest("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *in.ObjectSize, size)
	}
	return nil
}

// objectSums computes the checksum of the object from those of its parts, and holds the client's against it.
// There is none where completing needs no key of the customer's.
func (in *CompleteInput) objectSums(d *dialect.Dialect, u *upload, chosen []part) ([]sum, error) {
	if EncryptionMethod(u.Detail.Enc) == EncryptCustomer && !u.Asked {
		return nil, nil
	}
	parts := make([]checksum.Part, len(chosen))
	for i := range chosen {
		for _, s := range chosen[i].sums {
			if s.algorithm == u.algorithm() {
				parts[i] = checksum.Part{Sum: s.digest, Size: chosen[i].size}
			}
		}
	}
	v, err := checksum.OfParts(u.algorithm(), u.typ(), parts)
	if err != nil {
		return nil, fmt.Errorf("checksum of the parts: %w", err)
	}
	if c := in.Checksum; c != nil && c.Value != "" && !u.confirms(d, c, v) {
		return nil, errs.New(errs.Invalid, BadDigest, "The %s you specified did not match the calculated checksum.", strings.ToLower(v.Algorithm.String()))
	}
	return []sum{{algorithm: v.Algorithm, typ: v.Type, digest: v.Sum}}, nil
}

// checkMode refuses a type of checksum that is not the upload's. One that was begun without an algorithm has none at Amazon.
func (in *CompleteInput) checkMode(u *upload) error {
	if in.Checksum == nil || in.Checksum.Type == checksum.NoType || u.Asked && in.Checksum.Type == u.typ() {
		return nil
	}
	mode := "null"
	if u.Asked {
		mode = u.typ().String()
	}
	return invalidRequest("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", mode)
}

// confirms reports whether a checksum that the client sent is v, the object's, by the rules of Amazon's recorded answers (LocalStack's
// test_multipart_parts_checksum_exceptions_full_object and …_checksum_default): one of the whole counts only with its type named, and
// where no algorithm was asked for, other ones mean nothing. The number of parts may be left out of a composite value.
func (u *upload) confirms(d *dialect.Dialect, c *Checksum, v checksum.Value) bool {
	switch {
	case c.Algorithm != v.Algorithm:
		return !u.Asked
	case u.Asked && v.Type == checksum.FullObject && c.Type == checksum.NoType && !d.ChecksumTypeImplied:
		return false
	}
	return c.Value == v.String() || c.Value == checksum.Encode(v.Sum)
}

// digest names the list of parts, to tell a request that is sent again from another one.
func (in *CompleteInput) digest() []byte {
	h := sha256.New()
	for _, p := range in.Parts {
		fmt.Fprintf(h, "%d %s\n", p.Number, strings.ToLower(bareETag(p.ETag)))
	}
	return h.Sum(nil)
}

// completedBefore returns what the same request answered before, while the version it made exists; else nil.
func (s *Service) completedBefore(ctx context.Context, b *bucket, in *CompleteInput) (*PutResult, error) {
	id, ok := parseInstance(in.UploadID)
	if !ok {
		return nil, nil
	}
	v, err := s.kv.Get(ctx, b.shard, doneKey(b.ID, in.Key, id))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var done doneRecord
	if err := decodeRecord(v.Data, &done); err != nil {
		return nil, err
	}
	if !bytes.Equal(done.Parts, in.digest()) {
		return nil, nil
	}
	var made instance
	copy(made[:], done.Instance)
	f, err := s.find(ctx, b, in.Key, made.String())
	if err != nil {
		return nil, err
	}
	return f.result(b.Versioning), nil
}
