package object

import (
	"bytes"
	"context"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// ListUploads returns a page of the uploads under way in a bucket, by key and then by age, the oldest first.
func (s *Service) ListUploads(ctx context.Context, who iam.Principal, in *ListUploadsInput) (*ListUploadsPage, error) {
	page, err := s.listUploads(ctx, &who, in)
	if err != nil {
		return nil, failed("object.ListUploads", in.Bucket, err)
	}
	return page, nil
}

func (s *Service) listUploads(ctx context.Context, who *iam.Principal, in *ListUploadsInput) (*ListUploadsPage, error) {
	b, err := s.enter(ctx, who, actListUploads, in.Bucket, "")
	if err != nil {
		return nil, err
	}
	if in.Max < 0 {
		return nil, invalidArgument("Argument max-uploads must be an integer between 0 and 2147483647")
	}
	view, err := s.kv.View(ctx, b.shard)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if _, err := view.Get(b.presence); err != nil {
		return nil, s.stillThere(ctx, b)
	}
	page := &ListUploadsPage{}
	max := min(in.Max, MaxListKeys)
	lower := uploadsFrom(b.ID, in)
	if max == 0 || lower == nil {
		return page, nil
	}
	prefix := keys.AppendStringPrefix(bucketPrefix(famUpload, b.ID), in.Prefix)
	if bytes.Compare(lower, prefix) < 0 {
		lower = prefix
	}
	it := view.Scan(kv.ScanOptions{Lower: lower, Upper: keys.PrefixEnd(prefix)})
	err = s.scanUploads(ctx, it, b, in, max, page)
	if cerr := it.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// uploadsFrom is the row that a page begins at: behind the marker's upload, or behind all uploads of the marker's key
// or of the common prefix it lies in. It is nil when nothing can follow.
func uploadsFrom(b BucketID, in *ListUploadsInput) []byte {
	if in.KeyMarker == "" {
		return bucketPrefix(famUpload, b)
	}
	if bytes.HasPrefix([]byte(in.KeyMarker), []byte(in.Prefix)) {
		if cp := rollUp([]byte(in.KeyMarker), []byte(in.Prefix), []byte(in.Delimiter)); cp != nil {
			return keys.PrefixEnd(keys.AppendStringPrefix(bucketPrefix(famUpload, b), string(cp)))
		}
	}
	if id, ok := parseInstance(in.UploadIDMarker); ok {
		return keys.Next(uploadKey(b, in.KeyMarker, id))
	}
	return append(keyPrefix(famUpload, b, in.KeyMarker, 0), endOfInstances...)
}

func (s *Service) scanUploads(ctx context.Context, it kv.Iterator, b *bucket, in *ListUploadsInput, max int, page *ListUploadsPage) error {
	prefix, delimiter := []byte(in.Prefix), []byte(in.Delimiter)
	var skip skipper
	for ok := it.First(); ok; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(page.Uploads)+len(page.CommonPrefixes) == max {
			page.Truncated = true
			return nil
		}
		_, key, id, _, err := decodeKeyed(it.Key())
		if err != nil {
			return err
		}
		if cp := rollUp([]byte(key), prefix, delimiter); cp != nil {
			page.CommonPrefixes = append(page.CommonPrefixes, string(cp))
			page.NextKeyMarker, page.NextUploadIDMarker = string(cp), ""
			ok = skip.past(it, keys.AppendStringPrefix(bucketPrefix(famUpload, b.ID), string(cp)))
			continue
		}
		u := upload{id: id}
		if err := decodeRecord(it.Value(), &u.uploadRecord); err != nil {
			return err
		}
		page.Uploads = append(page.Uploads, s.outerUpload(ctx, b, key, &u))
		page.NextKeyMarker, page.NextUploadIDMarker = key, id.String()
		ok = it.Next()
	}
	return nil
}
