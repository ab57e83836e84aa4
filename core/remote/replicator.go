package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// Replicator writes replicas to S3 endpoints.
type Replicator struct {
	targets   *Targets
	transport *http.Transport
}

var _ object.Replicator = (*Replicator)(nil)

// NewReplicator writes to the targets of kind S3.
func NewReplicator(targets *Targets) *Replicator {
	return &Replicator{targets, &http.Transport{
		MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute,
		DisableCompression: true,
	}}
}

// Close ends idle connections; those in use end with their requests.
func (r *Replicator) Close() { r.transport.CloseIdleConnections() }

// Knows reports whether there is a target of kind S3 of that name.
func (r *Replicator) Knows(ctx context.Context, name string) (bool, error) {
	t, err := r.targets.Get(ctx, name)
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return err == nil && t.Kind == S3, err
}

// client is a client for a target, and its bucket.
func (r *Replicator) client(ctx context.Context, name string) (*minio.Client, string, error) {
	t, err := r.targets.Get(ctx, name)
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, "", err
	}
	region, bucket := t.Region, t.Bucket
	if region == "" {
		region = "us-east-1"
	}
	if bucket == "" {
		bucket = t.Name
	}
	c, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(t.AccessKey, t.Secret.Reveal(), ""), Secure: u.Scheme == "https", Region: region,
		Transport: r.transport, BucketLookup: minio.BucketLookupAuto, MaxRetries: 1,
	})
	return c, bucket, err
}

// partSize is the memory that writing a large replica takes; 10,000 parts of it are more than an object may have.
const partSize = 64 << 20

// PutReplica stores an object.
func (r *Replicator) PutReplica(ctx context.Context, name string, o *object.Replica) error {
	c, bucket, err := r.client(ctx, name)
	if err != nil {
		return err
	}
	options := minio.PutObjectOptions{
		UserMetadata: map[string]string{}, UserTags: map[string]string{}, ContentType: o.Headers.ContentType, ContentEncoding: o.Headers.ContentEncoding,
		ContentDisposition: o.Headers.ContentDisposition, ContentLanguage: o.Headers.ContentLanguage, CacheControl: o.Headers.CacheControl,
		WebsiteRedirectLocation: o.Headers.WebsiteRedirect, StorageClass: o.StorageClass, DisableContentSha256: false, NumThreads: 1,
	}
	if t, err := http.ParseTime(o.Headers.Expires); err == nil {
		options.Expires = t
	}
	for _, m := range o.Metadata {
		options.UserMetadata[m.Name] = m.Value
	}
	for _, t := range o.Tags {
		options.UserTags[t.Key] = t.Value
	}
	if o.Size > partSize {
		options.PartSize = uint64(max(partSize, (o.Size/object.MaxParts + 1)))
	}
	_, err = c.PutObject(ctx, bucket, o.Key, o.Body, o.Size, options)
	return refusal(err)
}

// TagReplica replaces the tags of an object.
func (r *Replicator) TagReplica(ctx context.Context, name, key string, list []object.Tag) error {
	c, bucket, err := r.client(ctx, name)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return refusal(c.RemoveObjectTagging(ctx, bucket, key, minio.RemoveObjectTaggingOptions{}))
	}
	set := map[string]string{}
	for _, t := range list {
		set[t.Key] = t.Value
	}
	t, err := tags.NewTags(set, true)
	if err != nil {
		return fmt.Errorf("%w: %w", object.ErrRefused, err)
	}
	return refusal(c.PutObjectTagging(ctx, bucket, key, t, minio.PutObjectTaggingOptions{}))
}

// DeleteReplica makes a delete marker, or deletes the object where there are none.
func (r *Replicator) DeleteReplica(ctx context.Context, name, key string) error {
	c, bucket, err := r.client(ctx, name)
	if err != nil {
		return err
	}
	return refusal(c.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}))
}

// refusal tells answers that stay the same from failures that may pass.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		switch s := answer.StatusCode; {
		case s == http.StatusRequestTimeout, s == http.StatusConflict, s == http.StatusTooManyRequests, strings.Contains(answer.Code, "Timeout"),
			answer.Code == "SlowDown", answer.Code == "RequestTimeTooSkewed":
		case s >= 400 && s < 500:
			return fmt.Errorf("%w: %s: %s", object.ErrRefused, answer.Code, answer.Message)
		}
	}
	return err
}
