package object

import (
	"bytes"
	"context"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// NamedKind is a kind of configuration of which a bucket may have many, each with an id. They are kept for their readers:
// nothing in the store acts on them.
type NamedKind uint8

// The kinds. Their numbers are stored.
const (
	NamedAnalytics NamedKind = 1
	NamedInventory NamedKind = 2
	NamedMetrics   NamedKind = 3
	NamedTiering   NamedKind = 4
)

// Limits of named configurations, from the Amazon S3 API reference.
const (
	MaxNamed     = 1000 // of one kind in a bucket
	MaxNamedID   = 64   // bytes
	MaxNamedPage = 100  // of one page of a list
	maxNamed     = 64 << 10
)

// actions are those that reading and changing a kind needs.
func (k NamedKind) actions() (get, put string) {
	switch k {
	case NamedAnalytics:
		return "s3:GetAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"
	case NamedInventory:
		return "s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration"
	case NamedMetrics:
		return "s3:GetMetricsConfiguration", "s3:PutMetricsConfiguration"
	}
	return "s3:GetIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"
}

func namedPrefix(name string, k NamedKind) []byte {
	return append(keys.AppendString([]byte(ctlNamed), name), byte(k))
}

func namedKey(name string, k NamedKind, id string) []byte { return append(namedPrefix(name, k), id...) }

func noSuchConfiguration() error {
	return errs.New(errs.NotFound, NoSuchConfiguration, "The specified configuration does not exist.")
}

// checkNamedID applies the rules for ids.
func checkNamedID(id string) error {
	ok := id != "" && len(id) <= MaxNamedID
	for i := range len(id) {
		c := id[i]
		ok = ok && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	if !ok {
		return argument("id", id, "The configuration id must be 1 to %d letters, digits, dots, hyphens or underscores", MaxNamedID)
	}
	return nil
}

// Named returns a configuration.
func (s *Service) Named(ctx context.Context, who iam.Principal, bucket string, k NamedKind, id string) ([]byte, error) {
	get, _ := k.actions()
	b, err := s.enter(ctx, &who, get, bucket, "")
	if err != nil {
		return nil, failed("object.Named", bucket, err)
	}
	data, err := s.readNamedConfig(ctx, b, k, id)
	return data, failed("object.Named", bucket, err)
}

func (s *Service) readNamedConfig(ctx context.Context, b *bucket, k NamedKind, id string) ([]byte, error) {
	v, err := s.kv.Get(ctx, kv.Control, namedKey(b.Name, k, id))
	if errors.Is(err, kv.ErrNotFound) {
		if err := s.stillThere(ctx, b); err != nil {
			return nil, err
		}
		return nil, noSuchConfiguration()
	} else if err != nil {
		return nil, err
	}
	owner, data, err := decodeSetting(v.Data)
	if err == nil && owner != b.ID {
		err = noSuchConfiguration()
	}
	return data, err
}

// PutNamed gives a bucket a configuration in place of one of the same id.
func (s *Service) PutNamed(ctx context.Context, who iam.Principal, bucket string, k NamedKind, id string, data []byte) error {
	_, put := k.actions()
	b, err := s.enter(ctx, &who, put, bucket, "")
	if err == nil {
		err = checkNamedID(id)
	}
	if err == nil && len(data) > maxNamed {
		err = invalidArgument("The configuration is larger than %d bytes", maxNamed)
	}
	if err == nil {
		err = s.writeNamed(ctx, b, k, id, encodeSetting(b.ID, data))
	}
	return failed("object.PutNamed", bucket, err)
}

// DeleteNamed removes a configuration, which must be there.
func (s *Service) DeleteNamed(ctx context.Context, who iam.Principal, bucket string, k NamedKind, id string) error {
	_, put := k.actions()
	b, err := s.enter(ctx, &who, put, bucket, "")
	if err == nil {
		_, err = s.readNamedConfig(ctx, b, k, id)
	}
	if err == nil {
		err = s.writeNamed(ctx, b, k, id, nil)
	}
	return failed("object.DeleteNamed", bucket, err)
}

// writeNamed puts or, without a row, deletes a configuration while the bucket is there.
func (s *Service) writeNamed(ctx context.Context, b *bucket, k NamedKind, id string, row []byte) error {
	for {
		_, rev, err := s.reread(ctx, b)
		if err != nil {
			return err
		}
		var batch kv.Batch
		batch.IfRevision(nameKey(b.Name), rev.name)
		if row == nil {
			batch.Delete(namedKey(b.Name, k, id))
		} else {
			if err := s.roomForNamed(ctx, b, k, id); err != nil {
				return err
			}
			batch.Put(namedKey(b.Name, k, id), row)
		}
		if _, err = s.kv.Commit(ctx, kv.Control, &batch); !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
}

// roomForNamed refuses a further configuration when there are as many as there may be.
func (s *Service) roomForNamed(ctx context.Context, b *bucket, k NamedKind, id string) error {
	page, err := s.scanNamed(ctx, b, k, "", MaxNamed)
	if err != nil || len(page.IDs) < MaxNamed {
		return err
	}
	for _, have := range page.IDs {
		if have == id {
			return nil
		}
	}
	return errs.New(errs.Limit, TooManyConfigurations, "You are attempting to create a new configuration but have already reached the %d-configuration limit.", MaxNamed)
}

// NamedPage is a page of the configurations of a kind, by id.
type NamedPage struct {
	IDs  []string
	Docs [][]byte
	Next string // the page after this one comes after this id; "" at the end
}

// ListNamed returns the configurations of a kind that come after an id.
func (s *Service) ListNamed(ctx context.Context, who iam.Principal, bucket string, k NamedKind, after string) (*NamedPage, error) {
	get, _ := k.actions()
	b, err := s.enter(ctx, &who, get, bucket, "")
	if err != nil {
		return nil, failed("object.ListNamed", bucket, err)
	}
	page, err := s.scanNamed(ctx, b, k, after, MaxNamedPage)
	if err == nil && len(page.IDs) == 0 {
		err = s.stillThere(ctx, b)
	}
	if err != nil {
		return nil, failed("object.ListNamed", bucket, err)
	}
	return page, nil
}

func (s *Service) scanNamed(ctx context.Context, b *bucket, k NamedKind, after string, max int) (*NamedPage, error) {
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	prefix := namedPrefix(b.Name, k)
	lower := prefix
	if after != "" {
		lower = keys.Next(namedKey(b.Name, k, after))
	}
	page := &NamedPage{}
	it := view.Scan(kv.ScanOptions{Lower: lower, Upper: keys.PrefixEnd(prefix)})
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var owner BucketID
		var data []byte
		if owner, data, err = decodeSetting(it.Value()); err != nil || owner != b.ID {
			continue
		}
		if len(page.IDs) == max {
			page.Next = page.IDs[max-1]
			break
		}
		page.IDs = append(page.IDs, string(it.Key()[len(prefix):]))
		page.Docs = append(page.Docs, bytes.Clone(data))
	}
	return page, errors.Join(err, it.Close())
}
