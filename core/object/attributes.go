package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Attributes describes an object and, when it was made from parts, a page of at most maxParts parts behind number
// partMarker. customer is the key of an object encrypted with SSE-C.
func (s *Service) Attributes(ctx context.Context, who iam.Principal, bucket, key, versionID string, maxParts, partMarker int, customer *CustomerKey) (*AttributesResult, error) {
	res, err := s.attributes(ctx, &who, bucket, key, versionID, maxParts, partMarker, customer)
	if err != nil {
		return nil, failed("object.Attributes", key, err)
	}
	return res, nil
}

func (s *Service) attributes(ctx context.Context, who *iam.Principal, bucketName, key, version string, max, marker int, customer *CustomerKey) (*AttributesResult, error) {
	b, err := s.enterFor(ctx, who, bucketName, ask{
		action: byVersion(version, actGetObject, actGetObjectVersion), key: key, version: version,
	})
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, who, byVersion(version, actGetObjectAttributes, actGetVersionAttributes), b, key); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if max < 0 || marker < 0 {
		return nil, invalidArgument("Argument max-parts and part-number-marker must be integers between 0 and 2147483647")
	}
	for moves := 0; ; moves++ {
		f, err := s.findObject(ctx, b, key, version)
		if err != nil {
			return nil, s.hideAbsence(ctx, who, b, key, err)
		}
		if err := s.admitReader(&f.detail, customer); err != nil {
			return nil, err
		}
		res := &AttributesResult{Info: s.info(ctx, b, key, f)}
		res.Encryption = f.detail.encryption(customer)
		if !f.is(flagMultipart) {
			return res, nil
		}
		err = s.partsPage(ctx, b, key, f.instance, min(max, MaxListKeys), marker, res)
		if err == nil || !isMoved(err) || moves == maxMoves || !s.moved(ctx, b, key, f) {
			return res, err
		}
	}
}

// partsPage reads a page of the parts of a finished object.
func (s *Service) partsPage(ctx context.Context, b *bucket, key string, id instance, max, marker int, res *AttributesResult) error {
	m, err := s.manifestOf(ctx, b, key, id)
	if err != nil || max == 0 {
		return err
	}
	return m.each(m.ordinalBehind(marker), func(_ int, _ int64, p *part) bool {
		if p.number <= marker {
			return true
		}
		if len(res.Parts) == max {
			res.Truncated = true
			return false
		}
		res.Parts = append(res.Parts, (&partRecord{part: *p}).outer())
		res.NextPart = p.number
		return true
	})
}

// UsageOf reports what a bucket holds.
func (s *Service) UsageOf(ctx context.Context, who iam.Principal, bucket string) (Usage, error) {
	b, err := s.enter(ctx, &who, actListBucket, bucket, "")
	if err != nil {
		return Usage{}, failed("object.UsageOf", bucket, err)
	}
	u, err := s.usage(ctx, b)
	return u, failed("object.UsageOf", bucket, err)
}

func (s *Service) usage(ctx context.Context, b *bucket) (Usage, error) {
	view, err := s.kv.View(ctx, b.shard)
	if err != nil {
		return Usage{}, err
	}
	defer view.Close()
	read := func(counter byte) int64 {
		v, gerr := view.Get(counterKey(b.ID, counter))
		if errors.Is(gerr, kv.ErrNotFound) {
			return 0
		}
		n := int64(0)
		if gerr == nil {
			n, gerr = kv.DecodeCounter(v.Data)
		}
		err = errors.Join(err, gerr)
		return n
	}
	u := Usage{
		Versions: read(cntVersions), Bytes: read(cntBytes),
		Uploads: read(cntUploads), UploadBytes: read(cntUploadBytes),
	}
	u.Objects = u.Versions - read(cntMarkers)
	return u, err
}
