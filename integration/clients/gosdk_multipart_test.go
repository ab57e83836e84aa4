package clients

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

const mib = 1 << 20

func TestGoSDKMultipart(t *testing.T) {
	s := harness.ForClients(t, false)
	c := goClient(t, s)
	ctx := t.Context()
	b := newBucket(t, c)

	create := func(t *testing.T, key string) *string {
		t.Helper()
		return must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &b, Key: &key, ContentType: aws.String("video/odd"), Metadata: map[string]string{"m": "1"}, Tagging: aws.String("up=load")})).UploadId
	}
	upload := func(t *testing.T, key string, id *string, n int32, body []byte) types.CompletedPart {
		t.Helper()
		out := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: id, PartNumber: &n, Body: bytes.NewReader(body)}))
		// Without an algorithm at creation, ETags alone name the parts; TestGoSDKChecksums has the other cases.
		return types.CompletedPart{PartNumber: &n, ETag: out.ETag}
	}
	complete := func(key string, id *string, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
		return c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: id,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	}

	t.Run("life", func(t *testing.T) {
		key := "mp/ünïcode key"
		p1, p2, p3 := harness.Bytes(1, 5*mib), harness.Bytes(2, 6*mib+1), harness.Bytes(3, 10)
		id := create(t, key)
		absent(t, c, b, key)
		// Out of order, with gaps in the numbers, and one part twice: the last one counts.
		c3 := upload(t, key, id, 900, p3)
		upload(t, key, id, 2, harness.Bytes(9, 100))
		c2 := upload(t, key, id, 2, p2)
		c1 := upload(t, key, id, 1, p1)

		list := must[*s3.ListPartsOutput](t)(c.ListParts(ctx, &s3.ListPartsInput{Bucket: &b, Key: &key, UploadId: id}))
		var got []string
		for _, p := range list.Parts {
			got = append(got, fmt.Sprint(*p.PartNumber, ":", *p.Size))
		}
		if want := []string{"1:5242880", "2:6291457", "900:10"}; !slices.Equal(got, want) {
			t.Errorf("parts = %v, want %v", got, want)
		}
		var paged []int32
		pages := s3.NewListPartsPaginator(c, &s3.ListPartsInput{Bucket: &b, Key: &key, UploadId: id, MaxParts: aws.Int32(2)})
		for pages.HasMorePages() {
			for _, p := range must[*s3.ListPartsOutput](t)(pages.NextPage(ctx)).Parts {
				paged = append(paged, *p.PartNumber)
			}
		}
		if !slices.Equal(paged, []int32{1, 2, 900}) {
			t.Errorf("paged parts = %v", paged)
		}

		out := must[*s3.CompleteMultipartUploadOutput](t)(complete(key, id, c1, c2, c3))
		h := md5.New()
		for _, p := range [][]byte{p1, p2, p3} {
			sum := md5.Sum(p)
			h.Write(sum[:])
		}
		etag := `"` + hex.EncodeToString(h.Sum(nil)) + `-3"`
		if aws.ToString(out.ETag) != etag {
			t.Errorf("ETag = %s, want %s", aws.ToString(out.ETag), etag)
		}
		whole := slices.Concat(p1, p2, p3)
		wantBytes(t, "object", get(t, c, b, key), whole)
		head := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key}))
		if aws.ToString(head.ContentType) != "video/odd" || head.Metadata["m"] != "1" || aws.ToString(head.ETag) != etag {
			t.Errorf("HeadObject: %q %v %s", aws.ToString(head.ContentType), head.Metadata, aws.ToString(head.ETag))
		}
		tags := must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b, Key: &key}))
		if got := tagStrings(tags.TagSet); !slices.Equal(got, []string{"up=load"}) {
			t.Errorf("tags = %v", got)
		}

		// Ranges over part borders, and single parts.
		r := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, Range: aws.String("bytes=5242875-11534340")}))
		wantBytes(t, "range over parts", readAll(t, r.Body), whole[5242875:11534341])
		one := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, PartNumber: aws.Int32(2)}))
		wantBytes(t, "part 2", readAll(t, one.Body), p2)
		if aws.ToInt32(one.PartsCount) != 3 {
			t.Errorf("PartsCount = %d, want 3", aws.ToInt32(one.PartsCount))
		}
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, PartNumber: aws.Int32(4)})
		wantCode(t, err, "InvalidPartNumber", 416)
		_, err = c.ListParts(ctx, &s3.ListPartsInput{Bucket: &b, Key: &key, UploadId: id})
		wantCode(t, err, "NoSuchUpload", 404)

		attrs := must[*s3.GetObjectAttributesOutput](t)(c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: &b, Key: &key,
			ObjectAttributes: []types.ObjectAttributes{"ETag", "ObjectSize", "ObjectParts", "StorageClass", "Checksum"}}))
		if aws.ToInt64(attrs.ObjectSize) != int64(len(whole)) || aws.ToString(attrs.ETag) != strings.Trim(etag, `"`) ||
			attrs.ObjectParts == nil || aws.ToInt32(attrs.ObjectParts.TotalPartsCount) != 3 {
			t.Errorf("GetObjectAttributes = %d %s %+v", aws.ToInt64(attrs.ObjectSize), aws.ToString(attrs.ETag), attrs.ObjectParts)
		}
	})

	t.Run("abort", func(t *testing.T) {
		key := "abort"
		put(t, c, b, key, []byte("old"))
		id := create(t, key)
		part := upload(t, key, id, 1, []byte("new"))
		must[*s3.AbortMultipartUploadOutput](t)(c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b, Key: &key, UploadId: id}))
		_, err := complete(key, id, part)
		wantCode(t, err, "NoSuchUpload", 404)
		_, err = c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
		wantCode(t, err, "NoSuchUpload", 404)
		_, err = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b, Key: &key, UploadId: aws.String("no-such-upload-id")})
		wantCode(t, err, "NoSuchUpload", 404)
		wantBytes(t, "object under an aborted upload", get(t, c, b, key), []byte("old"))
	})

	t.Run("refusals", func(t *testing.T) {
		key := "refuse"
		id := create(t, key)
		small, last := upload(t, key, id, 1, []byte("small")), upload(t, key, id, 2, []byte("last"))
		_, err := complete(key, id, small, last)
		wantCode(t, err, "EntityTooSmall", 400)
		_, err = complete(key, id, last, small)
		wantCode(t, err, "InvalidPartOrder", 400)
		_, err = complete(key, id, types.CompletedPart{PartNumber: aws.Int32(1), ETag: aws.String(`"00000000000000000000000000000000"`)})
		wantCode(t, err, "InvalidPart", 400)
		_, err = complete(key, id, types.CompletedPart{PartNumber: aws.Int32(5), ETag: small.ETag})
		wantCode(t, err, "InvalidPart", 400)
		_, err = complete(key, id)
		wantCode(t, err, "MalformedXML", 400)
		for _, n := range []int32{0, 10001, -1} {
			_, err = c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: id, PartNumber: &n, Body: strings.NewReader("x")})
			wantCode(t, err, "InvalidArgument", 400)
		}
		upload(t, key, id, 10000, []byte("highest"))
		absent(t, c, b, key)
		// After all these refusals the upload is still good.
		must[*s3.CompleteMultipartUploadOutput](t)(complete(key, id, small))
		wantBytes(t, "object", get(t, c, b, key), []byte("small"))
	})

	t.Run("copy parts", func(t *testing.T) {
		src, key := "copy-source", "from-parts"
		body := harness.Bytes(4, 12*mib)
		put(t, c, b, src, body)
		id := create(t, key)
		from := b + "/" + src
		var parts []types.CompletedPart
		for i, r := range []string{"bytes=0-5242879", "bytes=5242880-12582911"} {
			out := must[*s3.UploadPartCopyOutput](t)(c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &b, Key: &key, UploadId: id,
				PartNumber: aws.Int32(int32(i + 1)), CopySource: &from, CopySourceRange: &r}))
			parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: out.CopyPartResult.ETag})
		}
		_, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &b, Key: &key, UploadId: id, PartNumber: aws.Int32(3),
			CopySource: &from, CopySourceRange: aws.String("bytes=12582900-12582912")})
		if err == nil {
			t.Error("UploadPartCopy with a range past the end succeeded")
		} else if code := fmt.Sprint(err); !strings.Contains(code, "InvalidArgument") && !strings.Contains(code, "InvalidRange") {
			t.Errorf("UploadPartCopy past the end: %v", err)
		}
		must[*s3.CompleteMultipartUploadOutput](t)(complete(key, id, parts...))
		wantBytes(t, "object", get(t, c, b, key), body)
		must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &src}))
		wantBytes(t, "copy after its source is gone", get(t, c, b, key), body)
	})

	t.Run("list uploads", func(t *testing.T) {
		b := newBucket(t, c)
		var want []string
		for i := range 7 {
			key := fmt.Sprintf("dir%d/key%d", i%2, i)
			id := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key})).UploadId
			want = append(want, key+" "+*id)
		}
		twice := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("dir0/key0")})).UploadId
		want = append(want, "dir0/key0 "+*twice)
		slices.Sort(want)
		for _, size := range []int32{1, 2, 3, 1000} {
			var got []string
			pages := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{Bucket: &b, MaxUploads: &size})
			for n := 0; pages.HasMorePages() && n < 20; n++ {
				for _, u := range must[*s3.ListMultipartUploadsOutput](t)(pages.NextPage(ctx)).Uploads {
					got = append(got, *u.Key+" "+*u.UploadId)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: uploads\n%q, want\n%q", size, got, want)
			}
		}
		byPrefix := must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b, Prefix: aws.String("dir1/k")}))
		if len(byPrefix.Uploads) != 3 {
			t.Errorf("by prefix: %d uploads, want 3", len(byPrefix.Uploads))
		}
		dirs := must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b, Delimiter: aws.String("/")}))
		if len(dirs.Uploads) != 0 || len(dirs.CommonPrefixes) != 2 {
			t.Errorf("with delimiter: %d uploads, %d prefixes", len(dirs.Uploads), len(dirs.CommonPrefixes))
		}
		// A bucket with uploads under way can be deleted as in S3; what is left of them must not come back.
		for _, u := range must[*s3.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b})).Uploads {
			must[*s3.AbortMultipartUploadOutput](t)(c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b, Key: u.Key, UploadId: u.UploadId}))
		}
		must[*s3.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b}))
	})
}

// TestGoSDKManagers drives both generations of the transfer manager, which choose sizes, checksums and concurrency
// on their own.
func TestGoSDKManagers(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		c := goClient(t, s)
		ctx := t.Context()
		b := newBucket(t, c)
		for _, n := range []int{0, 1000, 5*mib + 1, 21*mib + 12345} {
			body := harness.Bytes(uint64(n), n)
			t.Run(fmt.Sprint("manager ", n), func(t *testing.T) {
				key := fmt.Sprint("manager/", n)
				// A plain reader: the manager cannot seek, as when a program streams.
				//lint:ignore SA1019 most programs still upload by the older manager
				must[*manager.UploadOutput](t)(manager.NewUploader(c).Upload(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: io.MultiReader(bytes.NewReader(body))}))
				buf := manager.NewWriteAtBuffer(make([]byte, 0, n))
				//lint:ignore SA1019 and download by it
				if _, err := manager.NewDownloader(c).Download(ctx, buf, &s3.GetObjectInput{Bucket: &b, Key: &key}); err != nil && n > 0 {
					t.Fatal(err)
				}
				wantBytes(t, key, buf.Bytes(), body)
			})
			t.Run(fmt.Sprint("transfermanager ", n), func(t *testing.T) {
				key := fmt.Sprint("transfermanager/", n)
				tm := transfermanager.New(c, func(o *transfermanager.Options) { o.PartSizeBytes = 5 * mib; o.MultipartUploadThreshold = 5 * mib })
				must[*transfermanager.UploadObjectOutput](t)(tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &b, Key: &key, Body: io.MultiReader(bytes.NewReader(body))}))
				wantBytes(t, key, get(t, c, b, key), body)
				out := must[*transfermanager.GetObjectOutput](t)(tm.GetObject(ctx, &transfermanager.GetObjectInput{Bucket: &b, Key: &key}))
				got, err := io.ReadAll(out.Body)
				if err != nil {
					t.Fatal(err)
				}
				wantBytes(t, key+" by the manager", got, body)
			})
		}
	})
}
