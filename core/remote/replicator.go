package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
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

// abortTime is how long to try to give an upload up that failed.
const abortTime = 30 * time.Second

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
	switch o.Encryption.Method {
	case object.EncryptKMS:
		if options.ServerSideEncryption, err = encrypt.NewSSEKMS(o.Encryption.KeyID, nil); err != nil {
			return fmt.Errorf("%w: %w", object.ErrRefused, err)
		}
	case object.EncryptKMSTwice:
		return fmt.Errorf("%w: in two layers nothing can be encrypted elsewhere", object.ErrRefused)
	}
	for _, m := range o.Metadata {
		options.UserMetadata[m.Name] = m.Value
	}
	for _, t := range o.Tags {
		options.UserTags[t.Key] = t.Value
	}
	if len(o.Parts) > 0 {
		return refusal(putParts(ctx, minio.Core{Client: c}, bucket, o, options))
	}
	if o.Size > partSize {
		options.PartSize = uint64(max(partSize, (o.Size/object.MaxParts + 1)))
	}
	_, err = c.PutObject(ctx, bucket, o.Key, o.Body, o.Size, options)
	return refusal(err)
}

// putParts stores an object in the parts that it was uploaded in, so that it gets the ETag of the original where neither is encrypted
// with keys of a key service.
func putParts(ctx context.Context, c minio.Core, bucket string, o *object.Replica, options minio.PutObjectOptions) (err error) {
	id, err := c.NewMultipartUpload(ctx, bucket, o.Key, options)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // it is tried again from the beginning
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
			defer cancel()
			_ = c.AbortMultipartUpload(ctx, bucket, o.Key, id)
		}
	}()
	parts := make([]minio.CompletePart, len(o.Parts))
	for i, size := range o.Parts {
		p, err := c.PutObjectPart(ctx, bucket, o.Key, id, i+1, io.LimitReader(o.Body, size), size, minio.PutObjectPartOptions{})
		if err != nil {
			return err
		}
		parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: p.ETag}
	}
	_, err = c.CompleteMultipartUpload(ctx, bucket, o.Key, id, parts, minio.PutObjectOptions{})
	return err
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
