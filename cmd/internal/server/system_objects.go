package server

import (
	"context"
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
	return &systemObjects{objects}, nil
}

// Put implements compute.Objects.
func (s *systemObjects) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	_, err := s.objects.Put(ctx, system(), &object.PutInput{Bucket: systemBucket, Key: key, Body: body, Size: size})
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
