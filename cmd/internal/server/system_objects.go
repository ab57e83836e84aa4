package server

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
)

// systemObjects is a bucket of the server's own, in an account that nobody can sign for. Machine images lie there, with the
// durability, checksums and repair of all objects.
type systemObjects struct {
	objects *object.Service
}

var _ compute.Objects = (*systemObjects)(nil)

const (
	systemAccount = "000000000000"
	systemBucket  = "aureole-images"
)

// system is who owns the bucket.
func system() iam.Principal {
	return iam.Principal{
		AccountID: systemAccount, CanonicalID: fmt.Sprintf("%064d", 0), DisplayName: "aureole", UserID: systemAccount,
		ARN: "arn:aws:iam::" + systemAccount + ":root", Root: true,
	}
}

// openSystemObjects makes the bucket when it is not there.
func openSystemObjects(ctx context.Context, objects *object.Service) (*systemObjects, error) {
	_, err := objects.CreateBucket(ctx, system(), object.CreateBucketInput{Name: systemBucket})
	if err != nil && errs.ReasonOf(err) != object.BucketOwned {
		return nil, fmt.Errorf("bucket of machine images: %w", err)
	}
	s := &systemObjects{objects}
	return s, s.dropUploads(ctx)
}

// dropUploads ends what a crash cut off: whoever stored it begins anew.
func (s *systemObjects) dropUploads(ctx context.Context) error {
	for {
		page, err := s.objects.ListUploads(ctx, system(), &object.ListUploadsInput{Bucket: systemBucket, Max: 1000})
		if err != nil {
			return fmt.Errorf("uploads of machine images: %w", err)
		}
		for _, u := range page.Uploads {
			if err := s.objects.AbortUpload(ctx, system(), systemBucket, u.Key, u.UploadID); err != nil {
				return fmt.Errorf("upload of a machine image that was cut off: %w", err)
			}
		}
		if !page.Truncated {
			return nil
		}
	}
}

// Objects larger than a part are stored in parts, of which an object has at most maxParts: one that is stored at once ends
// at 5 GiB, which images pass.
const (
	minPart  = 64 << 20
	maxParts = 10_000
)

// Put implements compute.Objects.
func (s *systemObjects) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	if size > minPart {
		return s.putParts(ctx, key, body, size)
	}
	_, err := s.objects.Put(ctx, system(), &object.PutInput{Bucket: systemBucket, Key: key, Body: body, Size: size})
	return err
}

// putParts stores an object part by part.
func (s *systemObjects) putParts(ctx context.Context, key string, body io.Reader, size int64) (err error) {
	up, err := s.objects.CreateUpload(ctx, system(), &object.CreateUploadInput{Bucket: systemBucket, Key: key})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// Also when ctx ended; what even that leaves goes at the next start.
			err = errors.Join(err, s.objects.AbortUpload(context.WithoutCancel(ctx), system(), systemBucket, key, up.UploadID))
		}
	}()
	part := max(minPart, (size+maxParts-1)/maxParts)
	done := object.CompleteInput{Bucket: systemBucket, Key: key, UploadID: up.UploadID, ObjectSize: &size}
	for left := size; left > 0; {
		n := min(part, left)
		number := len(done.Parts) + 1
		res, err := s.objects.UploadPart(ctx, system(), &object.PartInput{
			Bucket: systemBucket, Key: key, UploadID: up.UploadID, PartNumber: number, Body: io.LimitReader(body, n), Size: n,
		})
		if err != nil {
			return err
		}
		done.Parts = append(done.Parts, object.CompletePart{Number: number, ETag: res.ETag})
		left -= n
	}
	_, err = s.objects.CompleteUpload(ctx, system(), &done)
	return err
}

// Get implements compute.Objects and agent.Objects.
func (s *systemObjects) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	return s.Open(ctx, system(), systemBucket, key)
}

// Open implements compute.Objects.
func (s *systemObjects) Open(ctx context.Context, who iam.Principal, bucket, key string) (io.ReadCloser, int64, error) {
	res, err := s.objects.Get(ctx, who, &object.GetInput{Bucket: bucket, Key: key})
	if err != nil {
		return nil, 0, err
	}
	return res.Body, res.Size, nil
}

// Delete implements compute.Objects.
func (s *systemObjects) Delete(ctx context.Context, key string) error {
	_, err := s.objects.Delete(ctx, system(), &object.DeleteInput{Bucket: systemBucket, Key: key})
	return err
}
