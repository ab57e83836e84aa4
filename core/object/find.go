package object

import (
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// found is a version that a read or a change by version id is about.
type found struct {
	*record
	latest bool
}

// find reads the version of key with an outer version id; "" is the current one. Delete markers are found too.
func (s *Service) find(ctx context.Context, b *bucket, key, version string) (found, error) {
	var want instance
	if version != "" && version != nullVersion {
		var ok bool
		if want, ok = parseInstance(version); !ok {
			return found{}, badVersionID(version)
		}
	}
	row := objectKey(b.ID, key)
	for last := kv.Index(0); ; {
		v, err := s.kv.Get(ctx, b.shard, row)
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			return found{}, err
		}
		cur := s.newRecord()
		if err == nil {
			if err := cur.decode(v.Data); err != nil {
				return found{}, err
			}
			switch {
			case version == "", version == nullVersion && cur.is(flagNull), cur.instance == want:
				return found{cur, true}, nil
			}
		}
		if version != "" {
			id := want
			if version == nullVersion {
				id = cur.nullBelow
			}
			if !id.isZero() {
				r, _, _, err := s.readVersion(ctx, b, versionKey(b.ID, key, id))
				if err != nil {
					return found{}, err
				}
				if r != nil {
					return found{r, false}, nil
				}
			}
		}
		// Between the two reads a version may have moved up or down: absent is only what is absent twice.
		if version == "" || v.Revision == last {
			return found{}, s.absent(ctx, b, key, version)
		}
		last = v.Revision
	}
}

// newRecord is an empty record, in memory that reads gave back if there is some.
func (s *Service) newRecord() *record {
	if r, ok := s.records.Get().(*record); ok {
		return r
	}
	return new(record)
}

// release gives back the record of a version that a read is done with. What its fields refer to is not used again.
func (s *Service) release(f found) {
	*f.record = record{}
	s.records.Put(f.record)
}

// absent is the failure of a read that found nothing.
func (s *Service) absent(ctx context.Context, b *bucket, key, version string) error {
	if err := s.stillThere(ctx, b); err != nil {
		return err
	}
	if version == "" {
		return noSuchKey(key)
	}
	return noSuchVersion(key, version)
}

// findObject is find for what must be an object: a delete marker is the absence of one.
func (s *Service) findObject(ctx context.Context, b *bucket, key, version string) (found, error) {
	f, err := s.find(ctx, b, key, version)
	if err != nil || !f.is(flagMarker) {
		return f, err
	}
	var e *errs.E
	if version == "" {
		e = errs.New(errs.NotFound, MarkerNotFound, "The specified key does not exist.").On(key)
	} else {
		e = errs.New(errs.Invalid, MethodNotAllowed, "The specified method is not allowed against this resource.").On(key)
		e.Detail = map[string]string{"Allow": "DELETE", "LastModified": f.modifiedTime().Format(httpTime)}
	}
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	e.Detail["VersionId"] = f.versionID(b.Versioning)
	return found{}, e
}

// httpTime is the layout of times in Detail that front ends put into headers.
const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

func badVersionID(version string) error {
	e := errs.New(errs.Invalid, InvalidArgument, "Invalid version id specified")
	e.Detail = map[string]string{"ArgumentName": "versionId", "ArgumentValue": version}
	return e
}

// info is r as callers see it.
func (s *Service) info(ctx context.Context, b *bucket, key string, f found) Info {
	return Info{
		Bucket:       b.Name,
		Key:          key,
		VersionID:    f.versionID(b.Versioning),
		IsLatest:     f.latest,
		DeleteMarker: f.is(flagMarker),
		Size:         f.size,
		ETag:         f.etag(),
		LastModified: f.modifiedTime(),
		Owner:        s.ownerOf(ctx, b, f.owner),
		StorageClass: storageClassName(f.class),
		Headers:      f.detail.headers(),
		Metadata:     f.detail.metadata(),
		Tags:         outerTags(f.detail.Tags),
		Checksums:    outerSums(f.sums, f.parts),
		PartsCount:   f.parts,
		Replication:  ReplicationStatus(f.detail.Replication),
		Multipart:    f.is(flagMultipart),
		Encryption:   f.detail.encryption(nil),
	}
}
