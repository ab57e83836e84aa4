package clients

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func TestGoSDKBuckets(t *testing.T) {
	s := harness.ForClients(t, false)
	c := goClient(t, s)
	ctx := t.Context()

	t.Run("life", func(t *testing.T) {
		b := bucketName(t)
		_, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b})
		wantCode(t, err, "NotFound", 404)
		created := must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b}))
		if got := aws.ToString(created.Location); got != "/"+b {
			t.Errorf("Location = %q, want /%s", got, b)
		}
		if err := s3.NewBucketExistsWaiter(c).Wait(ctx, &s3.HeadBucketInput{Bucket: &b}, 10*time.Second); err != nil {
			t.Errorf("BucketExists waiter: %v", err)
		}
		head := must[*s3.HeadBucketOutput](t)(c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b}))
		if got := aws.ToString(head.BucketRegion); got != "us-east-1" {
			t.Errorf("HeadBucket region = %q", got)
		}
		loc := must[*s3.GetBucketLocationOutput](t)(c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &b}))
		if loc.LocationConstraint != "" {
			t.Errorf("LocationConstraint = %q, want none in the default region", loc.LocationConstraint)
		}
		put(t, c, b, "x", []byte("x"))
		_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b})
		wantCode(t, err, "BucketNotEmpty", 409)
		must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("x")}))
		must[*s3.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b}))
		if err := s3.NewBucketNotExistsWaiter(c).Wait(ctx, &s3.HeadBucketInput{Bucket: &b}, 10*time.Second); err != nil {
			t.Errorf("BucketNotExists waiter: %v", err)
		}
		_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b})
		wantCode(t, err, "NoSuchBucket", 404)
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("k")})
		wantCode(t, err, "NoSuchBucket", 404)
		_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b})
		wantCode(t, err, "NoSuchBucket", 404)
	})

	t.Run("names", func(t *testing.T) {
		for _, name := range []string{"ab", "Upper", "under_score", "-dash", "dash-", "dot..dot", "192.168.1.1",
			"xn--abc", "abc-s3alias", "sthree-abc", "has space"} {
			_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
			if err == nil {
				t.Errorf("bucket name %q was accepted", name)
				continue
			}
			wantCode(t, err, "InvalidBucketName", 400)
		}
		dotted := "with.dots." + bucketName(t)
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &dotted}))
		put(t, c, dotted, "k", []byte("v"))
	})

	t.Run("location", func(t *testing.T) {
		b := bucketName(t)
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b,
			CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}))
		loc := must[*s3.GetBucketLocationOutput](t)(c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &b}))
		if loc.LocationConstraint != "eu-west-1" {
			t.Errorf("LocationConstraint = %q, want eu-west-1", loc.LocationConstraint)
		}
	})

	t.Run("paging", func(t *testing.T) {
		prefix := "page-" + bucketName(t)[:8]
		var want []string
		for i := range 7 {
			b := fmt.Sprintf("%s-%d", prefix, i)
			want = append(want, b)
			must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b}))
		}
		var got []string
		pages := s3.NewListBucketsPaginator(c, &s3.ListBucketsInput{Prefix: &prefix, MaxBuckets: aws.Int32(3)})
		for n := 0; pages.HasMorePages(); n++ {
			page := must[*s3.ListBucketsOutput](t)(pages.NextPage(ctx))
			if len(page.Buckets) > 3 || n > 3 {
				t.Fatalf("page %d holds %d buckets, want at most 3", n, len(page.Buckets))
			}
			for _, b := range page.Buckets {
				got = append(got, aws.ToString(b.Name))
				if aws.ToString(b.BucketRegion) != "us-east-1" || b.CreationDate == nil || time.Since(*b.CreationDate) > time.Hour {
					t.Errorf("bucket %s: region %q, created %v", aws.ToString(b.Name), aws.ToString(b.BucketRegion), b.CreationDate)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("buckets = %v, want %v", got, want)
		}
	})

	t.Run("tagging", func(t *testing.T) {
		b := newBucket(t, c)
		_, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &b})
		wantCode(t, err, "NoSuchTagSet", 404)
		set := []types.Tag{{Key: aws.String("team"), Value: aws.String("storage é")}, {Key: aws.String("empty"), Value: aws.String("")}}
		must[*s3.PutBucketTaggingOutput](t)(c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &b, Tagging: &types.Tagging{TagSet: set}}))
		tags := must[*s3.GetBucketTaggingOutput](t)(c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &b}))
		if !sameTags(tags.TagSet, set) {
			t.Errorf("tags = %v", tagStrings(tags.TagSet))
		}
		must[*s3.DeleteBucketTaggingOutput](t)(c.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &b}))
		_, err = c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &b})
		wantCode(t, err, "NoSuchTagSet", 404)
	})

	t.Run("again", func(t *testing.T) {
		b := newBucket(t, c)
		put(t, c, b, "stays", []byte("here"))
		// Amazon answers 200 to the owner in us-east-1, where this server is, and 409 elsewhere.
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b}))
		wantBytes(t, "object after a second CreateBucket", get(t, c, b, "stays"), []byte("here"))
	})
}

func tagStrings(tags []types.Tag) []string {
	var list []string
	for _, tag := range tags {
		list = append(list, aws.ToString(tag.Key)+"="+aws.ToString(tag.Value))
	}
	slices.Sort(list)
	return list
}

func sameTags(a, b []types.Tag) bool { return slices.Equal(tagStrings(a), tagStrings(b)) }
