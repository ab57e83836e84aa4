package s3api_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/s3api"
)

// A difference between dialects: one thing that is asked of a server, and what each answers to it.
type difference struct {
	field string // of dialect.Dialect, and name of the test
	ask   func(t *testing.T, f *fixture) string
	aws   string
	ceph  string
}

// compare asks all the differences of a server of each dialect.
func compare(t *testing.T, all []difference) {
	for _, name := range dialect.Names() {
		t.Run(name, func(t *testing.T) {
			d, err := dialect.Parse(name)
			must(t, err)
			f := start(t, func(c *s3api.Config) { c.Dialect = d })
			for _, x := range all {
				t.Run(x.field, func(t *testing.T) {
					want := x.aws
					if name == dialect.NameCeph {
						want = x.ceph
					}
					if got := x.ask(t, f); got != want {
						t.Errorf("got  %s\nwant %s", got, want)
					}
				})
			}
		})
	}
}

// outcome is the status and code of an answer: "200", "404 NoSuchBucket".
func outcome(err error) string {
	if err == nil {
		return "200"
	}
	var api smithy.APIError
	var resp *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &resp) {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.HTTPStatusCode(), api.ErrorCode())
}

func TestDialectBuckets(t *testing.T) {
	ctx := context.Background()
	compare(t, []difference{
		{"RecreateComparesACL", func(t *testing.T, f *fixture) string {
			b := f.listed("again", types.ObjectOwnershipObjectWriter)
			again := func(acl types.BucketCannedACL) string {
				_, err := f.client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b, ACL: acl, ObjectOwnership: "ObjectWriter"})
				made := outcome(err)
				out, err := f.client().GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
				must(t, err)
				return fmt.Sprintf("%s, %d grants", made, len(out.Grants))
			}
			return again("") + "; " + again("public-read") + "; " + again("private")
		}, "200, 1 grants; 200, 2 grants; 200, 1 grants",
			"200, 1 grants; 409 BucketAlreadyExists, 1 grants; 200, 1 grants"},
	})
}
