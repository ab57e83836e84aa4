package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// errMoved: a row or blob of a version is gone; the version was superseded between two reads.
var errMoved = errors.New("object: the version changed while it was read")

// maxMoves is how often a read starts again because the object was overwritten under it.
const maxMoves = 100

// Get opens an object. The caller closes the result's Body, on every path; until then what it reads is kept.
func (s *Service) Get(ctx context.Context, who iam.Principal, in *GetInput) (*GetResult, error) {
	res, err := s.get(ctx, &who, in, true)
	if err != nil {
		return nil, failed("object.Get", in.Key, err)
	}
	return res, nil
}

// Head describes an object, or the part or range of it that is asked.
func (s *Service) Head(ctx context.Context, who iam.Principal, in *GetInput) (*GetResult, error) {
	res, err := s.get(ctx, &who, in, false)
	if err != nil {
		return nil, failed("object.Head", in.Key, err)
	}
	return res, nil
}

func (s *Service) get(ctx context.Context, who *iam.Principal, in *GetInput, withBody bool) (*GetResult, error) {
	action := actGetObject
	if in.VersionID != "" {
		action = actGetObjectVersion
	}
	b, err := s.enterFor(ctx, who, in.Bucket, ask{action: action, key: in.Key, version: in.VersionID})
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	for moves := 0; ; moves++ {
		f, err := s.findObject(ctx, b, in.Key, in.VersionID)
		if err != nil {
			return nil, s.hideAbsence(ctx, who, b, in.Key, err)
		}
		if err := s.admitReader(&f.detail, in.Customer); err != nil {
			return nil, s.absentPart(ctx, b, in, f, err)
		}
		if err := in.Conditions.check(f.record, s.now()); err != nil {
			return nil, err
		}
		res := &GetResult{Info: s.info(ctx, b, in.Key, f), Length: f.size}
		if f.detail.LockMode != 0 || f.detail.Hold != 0 {
			res.Lock = s.shownLock(ctx, who, b, in.Key, f.record)
		}
		if in.VersionID == "" {
			res.Expires = b.settings.lifecycle.expiry(in.Key, f.record)
		}
		if archived(f.class) {
			res.Restore = f.detail.restore(s.now())
			if withBody && !res.Restore.readable() {
				return nil, archivedState(f.class, "The operation is not valid for the object's storage class")
			}
		}
		if in.Customer != nil {
			res.Encryption = f.detail.encryption(in.Customer)
		}
		err = s.open(ctx, who, b, in, f, res, withBody)
		switch {
		case err == nil:
			if !f.is(flagSealed) { // whose body knows its record
				s.release(f)
			}
			return res, nil
		case !isMoved(err):
			return nil, err
		}
		if moves == maxMoves || !s.moved(ctx, b, in.Key, f) {
			return nil, &errs.E{Kind: errs.Corrupt, Msg: "A part of the object is missing.", Err: err}
		}
	}
}

// moved reports whether f is no longer where it was found.
func (s *Service) moved(ctx context.Context, b *bucket, key string, f found) bool {
	g, err := s.find(ctx, b, key, f.versionID(b.Versioning))
	return err != nil || g.instance != f.instance
}

// open resolves what part of the body is asked and opens it.
func (s *Service) open(ctx context.Context, who *iam.Principal, b *bucket, in *GetInput, f found, res *GetResult, withBody bool) error {
	var m *manifest
	if f.is(flagManifest) && (withBody || in.PartNumber != 0) {
		var err error
		if m, err = s.manifestOf(ctx, b, in.Key, f.instance); err != nil {
			return err
		}
	}
	if err := f.slice(&s.cfg.Dialect, in, m, res); err != nil {
		return err
	}
	if !withBody {
		return nil
	}
	var data *kms.DataKey
	if f.is(flagSealed) {
		k, err := s.dataKey(ctx, who, &f.detail, in.Customer)
		if err != nil {
			return err
		}
		data = &k
	}
	var err error
	res.Body, err = s.openBody(ctx, b, in.Key, f.record, m, data, res.Offset, res.Length)
	return err
}

// slice works out the offset and length that a range or part number asks for.
func (r *record) slice(d *dialect.Dialect, in *GetInput, m *manifest, res *GetResult) error {
	switch {
	case in.PartNumber != 0 && in.Range.Kind != RangeNone:
		return invalidRequest("Cannot specify both Range header and partNumber query parameter")
	case in.PartNumber < 0 || in.PartNumber > MaxParts:
		return invalidArgument("Part number must be an integer between 1 and %d, inclusive", MaxParts)
	case in.PartNumber != 0:
		return r.slicePart(d, in.PartNumber, m, res)
	case in.Range.Kind != RangeNone:
		off, n, ok := in.Range.resolve(r.size)
		if !ok {
			e := errs.New(errs.RangeUnsatisfied, InvalidRange, "The requested range is not satisfiable")
			e.Detail = map[string]string{"ActualObjectSize": itoa(r.size)}
			return e
		}
		res.Offset, res.Length, res.Partial = off, n, true
		if n != r.size {
			res.Checksums = nil // they are of the whole, and clients would hold them against the range
		}
	}
	return nil
}

// absentPart is the refusal of a reader that lacks the key: where an absent part is told first it is that, else refusal.
func (s *Service) absentPart(ctx context.Context, b *bucket, in *GetInput, f found, refusal error) error {
	if s.cfg.Dialect.AbsentPartInvalid && in.PartNumber != 0 {
		if err := s.open(ctx, nil, b, in, f, &GetResult{}, false); errs.ReasonOf(err) == InvalidPart {
			return err
		}
	}
	return refusal
}

func (r *record) absentPart(d *dialect.Dialect, number int) error {
	if d.AbsentPartInvalid {
		return errs.New(errs.Invalid, InvalidPart, "One or more of the specified parts could not be found.")
	}
	e := errs.New(errs.RangeUnsatisfied, InvalidPartNumber, "The requested partnumber is not satisfiable")
	e.Detail = map[string]string{"PartNumberRequested": itoa(number), "ActualPartCount": itoa(max(r.parts, 1))}
	return e
}

func (r *record) slicePart(d *dialect.Dialect, number int, m *manifest, res *GetResult) error {
	if !r.is(flagMultipart) || m == nil {
		if number != 1 {
			return r.absentPart(d, number)
		}
		res.Partial = r.size > 0
		return nil
	}
	p, off, ok, err := m.find(number)
	if err != nil {
		return err
	}
	if !ok {
		return r.absentPart(d, number)
	}
	res.Offset, res.Length, res.Partial = off, p.size, r.size > 0
	switch {
	case len(r.sums) > 0 && r.sums[0].typ != checksum.Composite && !d.PartsKeepChecksums:
		if p.size != r.size { // else the checksum of the whole is the part's
			res.Checksums = nil
		}
	case len(r.sums) > 0:
		res.Checksums = outerSums(p.sums, 0)
		for i := range res.Checksums { // of the part, and how the object's is made of it
			res.Checksums[i].Type = r.sums[0].typ
		}
	}
	return nil
}

// resolve holds the range against a size; ok is false when nothing of it lies inside.
func (r Range) resolve(size int64) (off, n int64, ok bool) {
	switch r.Kind {
	case RangeFrom:
		return r.First, size - r.First, r.First >= 0 && r.First < size
	case RangeFromTo:
		last := min(r.Last, size-1)
		return r.First, last - r.First + 1, r.First >= 0 && r.First < size && r.Last >= r.First
	case RangeSuffix:
		n = min(r.Last, size)
		return size - n, n, n > 0
	}
	return 0, size, true
}

// manifestOf opens the manifest of a version.
func (s *Service) manifestOf(ctx context.Context, b *bucket, key string, id instance) (*manifest, error) {
	return openManifest(func(chunk uint32) ([]byte, error) {
		v, err := s.kv.Get(ctx, b.shard, chunkKey(b.ID, key, id, chunk))
		if errors.Is(err, kv.ErrNotFound) {
			return nil, errMoved
		}
		return v.Data, err
	})
}
