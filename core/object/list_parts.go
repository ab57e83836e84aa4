package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/iam"
)

// ListParts returns a page of the parts of an upload under way, by number.
func (s *Service) ListParts(ctx context.Context, who iam.Principal, in *ListPartsInput) (*ListPartsPage, error) {
	page, err := s.listParts(ctx, &who, in)
	if err != nil {
		return nil, failed("object.ListParts", in.Key, err)
	}
	return page, nil
}

func (s *Service) listParts(ctx context.Context, who *iam.Principal, in *ListPartsInput) (*ListPartsPage, error) {
	b, err := s.enter(ctx, who, actListParts, in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	if in.Max < 0 || in.After < 0 {
		return nil, invalidArgument("Argument max-parts and part-number-marker must be integers between 0 and 2147483647")
	}
	u, err := s.findUpload(ctx, b, in.Key, in.UploadID)
	if err != nil {
		return nil, err
	}
	page := &ListPartsPage{Upload: s.outerUpload(ctx, b, in.Key, u)}
	max := min(in.Max, MaxListKeys)
	if max == 0 || in.After >= MaxParts {
		return page, nil
	}
	parts, _, err := s.uploadParts(ctx, b, in.Key, u.id, in.After+1, max+1)
	if err != nil {
		return nil, err
	}
	if len(parts) > max {
		parts, page.Truncated = parts[:max], true
	}
	for i := range parts {
		out := parts[i].outer()
		if !u.Asked {
			out.Checksums = nil // the default that nobody asked for shows on the object only
		}
		page.Parts = append(page.Parts, out)
		page.Next = out.Number
	}
	return page, nil
}
