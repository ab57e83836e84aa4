package s3api_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	var k [32]byte
	k[0], k[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(k).Read(b)
	return b
}

func TestSDKObjectLife(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("life")
	for _, size := range []int{0, 1, 4096, 16 << 10, 16<<10 + 1, 200_000, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			key := fmt.Sprintf("dir/%d", size)
			data := randomBytes(uint64(size), size)
			put, err := c.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), ContentType: aws.String("text/x-test"),
				Metadata: map[string]string{"Mixed-Case": "value", "german": "Grüße"}, CacheControl: aws.String("no-cache"),
			})
			must(t, err)
			sum := md5.Sum(data)
			etag := `"` + hex.EncodeToString(sum[:]) + `"`
			if aws.ToString(put.ETag) != etag {
				t.Errorf("ETag %s, want %s", aws.ToString(put.ETag), etag)
			}
			if aws.ToString(put.ChecksumCRC32) == "" {
				t.Error("no CRC32 in the answer to a put with CRC32")
			}
			get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
			must(t, err)
			got, err := io.ReadAll(get.Body)
			must(t, err)
			must(t, get.Body.Close())
			if !bytes.Equal(got, data) {
				t.Error("the body came back different")
			}
			if aws.ToString(get.ETag) != etag || aws.ToString(get.ContentType) != "text/x-test" || aws.ToInt64(get.ContentLength) != int64(size) ||
				aws.ToString(get.CacheControl) != "no-cache" || get.Metadata["mixed-case"] != "value" ||
				aws.ToString(get.ChecksumCRC32) != aws.ToString(put.ChecksumCRC32) || get.ChecksumType != types.ChecksumTypeFullObject {
				t.Errorf("headers: %+v", get)
			}
			if m := get.Metadata["german"]; m != "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=" {
				t.Errorf("metadata that is not ASCII: %q", m)
			}
			head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
			must(t, err)
			if aws.ToInt64(head.ContentLength) != int64(size) || aws.ToString(head.ETag) != etag || head.ChecksumCRC32 != nil {
				t.Errorf("head: %+v", head)
			}
			if size > 100 {
				part, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, Range: aws.String("bytes=10-99")})
				must(t, err)
				got, err := io.ReadAll(part.Body)
				must(t, err)
				if !bytes.Equal(got, data[10:100]) || aws.ToString(part.ContentRange) != fmt.Sprintf("bytes 10-99/%d", size) {
					t.Errorf("range: %d bytes, %s", len(got), aws.ToString(part.ContentRange))
				}
			}
			_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
			must(t, err)
			_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
			if errorCode(err) != "NoSuchKey" {
				t.Errorf("get after delete: %v", err)
			}
		})
	}
}

func TestSDKListing(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("listing")
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("a/%02d", i))
	}
	want = append(want, "b c/+&%<>\"'", "b c/ünï", "z")
	for _, k := range want {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &k, Body: strings.NewReader("x")})
		must(t, err)
	}
	for _, encoding := range []types.EncodingType{"", types.EncodingTypeUrl} {
		var got []string
		p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(7), EncodingType: encoding, FetchOwner: aws.Bool(true)})
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			must(t, err)
			for _, o := range page.Contents {
				key := aws.ToString(o.Key)
				if encoding == types.EncodingTypeUrl {
					key = urlDecode(t, key)
				}
				got = append(got, key)
				if aws.ToInt64(o.Size) != 1 || o.Owner == nil || o.StorageClass != "STANDARD" || aws.ToString(o.ETag) == "" || o.LastModified == nil {
					t.Errorf("entry: %+v", o)
				}
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("encoding %q: got %q", encoding, got)
		}
	}
	page, err := c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: &bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	must(t, err)
	if len(page.CommonPrefixes) != 2 || !aws.ToBool(page.IsTruncated) || aws.ToString(page.NextMarker) != "b c/" {
		t.Errorf("delimiter: %+v", page)
	}
	page, err = c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: &bucket, Delimiter: aws.String("/"), Marker: page.NextMarker})
	must(t, err)
	if len(page.CommonPrefixes) != 0 || len(page.Contents) != 1 || aws.ToString(page.Contents[0].Key) != "z" {
		t.Errorf("second page: %+v", page)
	}
}
