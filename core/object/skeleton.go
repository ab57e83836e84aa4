package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

var errNotBuilt = errs.New(errs.NotImplemented, "", "not built yet")

// HeadBucket describes a bucket.
func (s *Service) HeadBucket(ctx context.Context, who iam.Principal, name string) (Bucket, error) {
	return Bucket{}, errNotBuilt
}

// CreateBucket makes a bucket.
func (s *Service) CreateBucket(ctx context.Context, who iam.Principal, in CreateBucketInput) (Bucket, error) {
	return Bucket{}, errNotBuilt
}

// DeleteBucket removes an empty bucket.
func (s *Service) DeleteBucket(ctx context.Context, who iam.Principal, name string) error {
	return errNotBuilt
}

// ListBuckets returns a page of the caller's buckets.
func (s *Service) ListBuckets(ctx context.Context, who iam.Principal, in ListBucketsInput) (*ListBucketsPage, error) {
	return nil, errNotBuilt
}

// BucketTagging returns the tags of a bucket; NoSuchTagSet when it has none.
func (s *Service) BucketTagging(ctx context.Context, who iam.Principal, bucket string) ([]Tag, error) {
	return nil, errNotBuilt
}

// PutBucketTagging replaces the tags of a bucket.
func (s *Service) PutBucketTagging(ctx context.Context, who iam.Principal, bucket string, tags []Tag) error {
	return errNotBuilt
}

// DeleteBucketTagging removes the tags of a bucket.
func (s *Service) DeleteBucketTagging(ctx context.Context, who iam.Principal, bucket string) error {
	return errNotBuilt
}

// Put stores an object.
func (s *Service) Put(ctx context.Context, who iam.Principal, in *PutInput) (*PutResult, error) {
	return nil, errNotBuilt
}

// Get opens an object. The caller closes the result's Body.
func (s *Service) Get(ctx context.Context, who iam.Principal, in *GetInput) (*GetResult, error) {
	return nil, errNotBuilt
}

// Head describes an object.
func (s *Service) Head(ctx context.Context, who iam.Principal, in *GetInput) (*GetResult, error) {
	return nil, errNotBuilt
}

// Delete removes an object or a version, or makes a delete marker.
func (s *Service) Delete(ctx context.Context, who iam.Principal, in *DeleteInput) (*DeleteResult, error) {
	return nil, errNotBuilt
}

// Copy copies an object.
func (s *Service) Copy(ctx context.Context, who iam.Principal, in *CopyInput) (*CopyResult, error) {
	return nil, errNotBuilt
}

// List returns a page of the current objects of a bucket.
func (s *Service) List(ctx context.Context, who iam.Principal, in *ListInput) (*ListPage, error) {
	return nil, errNotBuilt
}

// Tagging returns the tags of an object and the version they belong to.
func (s *Service) Tagging(ctx context.Context, who iam.Principal, bucket, key, versionID string) ([]Tag, string, error) {
	return nil, "", errNotBuilt
}

// PutTagging replaces the tags of an object and returns the version they belong to.
func (s *Service) PutTagging(ctx context.Context, who iam.Principal, bucket, key, versionID string, tags []Tag) (string, error) {
	return "", errNotBuilt
}

// DeleteTagging removes the tags of an object and returns the version they belonged to.
func (s *Service) DeleteTagging(ctx context.Context, who iam.Principal, bucket, key, versionID string) (string, error) {
	return "", errNotBuilt
}

// CreateUpload begins a multipart upload.
func (s *Service) CreateUpload(ctx context.Context, who iam.Principal, in *CreateUploadInput) (*Upload, error) {
	return nil, errNotBuilt
}

// UploadPart stores one part.
func (s *Service) UploadPart(ctx context.Context, who iam.Principal, in *PartInput) (*PutResult, error) {
	return nil, errNotBuilt
}

// UploadPartCopy stores one part from an object; in.UploadID and in.PartNumber name it.
func (s *Service) UploadPartCopy(ctx context.Context, who iam.Principal, in *CopyInput) (*CopyResult, error) {
	return nil, errNotBuilt
}

// CompleteUpload makes an object of uploaded parts. It may be sent again.
func (s *Service) CompleteUpload(ctx context.Context, who iam.Principal, in *CompleteInput) (*PutResult, error) {
	return nil, errNotBuilt
}

// AbortUpload gives an upload and its parts up.
func (s *Service) AbortUpload(ctx context.Context, who iam.Principal, bucket, key, uploadID string) error {
	return errNotBuilt
}

// ListParts returns a page of the parts of an upload.
func (s *Service) ListParts(ctx context.Context, who iam.Principal, in *ListPartsInput) (*ListPartsPage, error) {
	return nil, errNotBuilt
}

// ListUploads returns a page of the uploads of a bucket.
func (s *Service) ListUploads(ctx context.Context, who iam.Principal, in *ListUploadsInput) (*ListUploadsPage, error) {
	return nil, errNotBuilt
}

// Attributes describes an object and a page of its parts.
func (s *Service) Attributes(ctx context.Context, who iam.Principal, bucket, key, versionID string, maxParts, partMarker int) (*AttributesResult, error) {
	return nil, errNotBuilt
}

// UsageOf reports what a bucket holds.
func (s *Service) UsageOf(ctx context.Context, who iam.Principal, bucket string) (Usage, error) {
	return Usage{}, errNotBuilt
}
