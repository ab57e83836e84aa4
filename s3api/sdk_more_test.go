package s3api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestSDKBuckets(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	for i := range 5 {
		f.bucket(fmt.Sprintf("bucket-%d", i))
	}
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("frankfurt"), CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: "eu-central-1", Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}}})
	must(t, err)
	tags, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String("frankfurt")})
	must(t, err)
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "team" {
		t.Errorf("tags: %+v", tags.TagSet)
	}
	loc, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("frankfurt")})
	must(t, err)
	if loc.LocationConstraint != "eu-central-1" {
		t.Errorf("location %q", loc.LocationConstraint)
	}
	loc, err = c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("bucket-1")})
	must(t, err)
	if loc.LocationConstraint != "" {
		t.Errorf("location of the default region %q, want none", loc.LocationConstraint)
	}
	head, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("frankfurt")})
	must(t, err)
	if aws.ToString(head.BucketRegion) != "eu-central-1" {
		t.Errorf("region %q", aws.ToString(head.BucketRegion))
	}
	if _, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("nobody")}); errorCode(err) != "NotFound" {
		t.Errorf("head of no bucket: %v", err)
	}

	var names []string
	p := s3.NewListBucketsPaginator(c, &s3.ListBucketsInput{MaxBuckets: aws.Int32(2), Prefix: aws.String("bucket-")})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		must(t, err)
		for _, b := range page.Buckets {
			names = append(names, *b.Name)
			if b.CreationDate == nil || aws.ToString(b.BucketRegion) != "us-east-1" {
				t.Errorf("bucket: %+v", b)
			}
		}
	}
	if len(names) != 5 {
		t.Errorf("buckets: %v", names)
	}
	page, err := c.ListBuckets(ctx, &s3.ListBucketsInput{BucketRegion: aws.String("eu-central-1")})
	must(t, err)
	if len(page.Buckets) != 1 || page.Owner == nil {
		t.Errorf("by region: %+v", page)
	}
	if a := f.do("GET", "/?bucket-region=eu%20central", ""); a.status != 400 || a.code() != "InvalidArgument" ||
		!strings.Contains(a.body, "<Message>Argument value eu central is not a valid AWS Region</Message><ArgumentName>bucket-region</ArgumentName>") {
		t.Errorf("by what is no region: %d %s", a.status, a.body)
	}
	_, err = c.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: aws.String("frankfurt")})
	must(t, err)
	if _, err = c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String("frankfurt")}); errorCode(err) != "NoSuchTagSet" {
		t.Errorf("tags after delete: %v", err)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("frankfurt")})
	must(t, err)
}

func TestSDKMultipart(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket, key := f.bucket("multi"), aws.String("big/object+1")
	for _, typ := range []types.ChecksumType{types.ChecksumTypeComposite, types.ChecksumTypeFullObject} {
		t.Run(string(typ), func(t *testing.T) {
			up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: key,
				ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c, ChecksumType: typ, ContentType: aws.String("x/y"),
				Metadata: map[string]string{"a": "b"}, Tagging: aws.String("k=v%20w")})
			must(t, err)
			if up.ChecksumAlgorithm != types.ChecksumAlgorithmCrc32c || up.ChecksumType != typ {
				t.Errorf("created with %v %v", up.ChecksumAlgorithm, up.ChecksumType)
			}
			var whole []byte
			var done []types.CompletedPart
			for n := int32(1); n <= 2; n++ {
				data := randomBytes(uint64(n), 5<<20)
				if n == 2 {
					data = data[:12345]
				}
				whole = append(whole, data...)
				part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, PartNumber: &n,
					Body: bytes.NewReader(data), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c})
				must(t, err)
				if part.ChecksumCRC32C == nil {
					t.Error("the part's checksum was not echoed")
				}
				done = append(done, types.CompletedPart{PartNumber: &n, ETag: part.ETag, ChecksumCRC32C: part.ChecksumCRC32C})
			}
			parts, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, MaxParts: aws.Int32(1)})
			must(t, err)
			if len(parts.Parts) != 1 || !aws.ToBool(parts.IsTruncated) || aws.ToString(parts.NextPartNumberMarker) != "1" ||
				aws.ToInt64(parts.Parts[0].Size) != 5<<20 || parts.ChecksumAlgorithm != types.ChecksumAlgorithmCrc32c {
				t.Errorf("ListParts: %+v", parts)
			}
			ups, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: aws.String("big/")})
			must(t, err)
			if len(ups.Uploads) != 1 || *ups.Uploads[0].UploadId != *up.UploadId {
				t.Errorf("ListMultipartUploads: %+v", ups.Uploads)
			}
			res, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: key, UploadId: up.UploadId,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: done}, MpuObjectSize: aws.Int64(int64(len(whole))), ChecksumType: typ})
			must(t, err)
			if !strings.HasSuffix(aws.ToString(res.ETag), `-2"`) || res.ChecksumType != typ || !strings.HasSuffix(*res.Location, "/multi/big%2Fobject%2B1") {
				t.Errorf("completed: %+v", res)
			}
			get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: key})
			must(t, err)
			got, err := io.ReadAll(get.Body) // the SDK verifies a full-object checksum here
			must(t, err)
			if !bytes.Equal(got, whole) || get.Metadata["a"] != "b" || aws.ToInt32(get.TagCount) != 1 || aws.ToString(get.ContentType) != "x/y" {
				t.Errorf("got %d bytes, %+v", len(got), get)
			}
			second, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: key, PartNumber: aws.Int32(2)})
			must(t, err)
			got, err = io.ReadAll(second.Body)
			must(t, err)
			if !bytes.Equal(got, whole[5<<20:]) || aws.ToInt32(second.PartsCount) != 2 {
				t.Errorf("part 2: %d bytes, %d parts", len(got), aws.ToInt32(second.PartsCount))
			}
			attr, err := c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: &bucket, Key: key, ObjectAttributes: []types.ObjectAttributes{
				"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}})
			must(t, err)
			if aws.ToInt64(attr.ObjectSize) != int64(len(whole)) || attr.ObjectParts == nil || aws.ToInt32(attr.ObjectParts.TotalPartsCount) != 2 ||
				attr.Checksum == nil || attr.Checksum.ChecksumType != typ {
				t.Errorf("attributes: %+v", attr)
			}
			if typ == types.ChecksumTypeComposite && len(attr.ObjectParts.Parts) != 2 {
				t.Errorf("attributes show %d parts", len(attr.ObjectParts.Parts))
			}
		})
	}
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: key})
	must(t, err)
	copied, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1),
		CopySource: aws.String("multi/big/object%2B1"), CopySourceRange: aws.String("bytes=0-99")})
	must(t, err)
	if copied.CopyPartResult == nil || aws.ToString(copied.CopyPartResult.ETag) == "" {
		t.Errorf("part copy: %+v", copied)
	}
	_, err = c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1),
		CopySource: aws.String("multi/big/object%2B1"), CopySourceRange: aws.String("bytes=0-99999999")})
	if errorCode(err) != "InvalidArgument" {
		t.Errorf("part copy beyond the end: %v", err)
	}
	_, err = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: key, UploadId: up.UploadId})
	must(t, err)
	if _, err = c.ListParts(ctx, &s3.ListPartsInput{Bucket: &bucket, Key: key, UploadId: up.UploadId}); errorCode(err) != "NoSuchUpload" {
		t.Errorf("parts of an aborted upload: %v", err)
	}
}

func TestSDKCopyTagDelete(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("copies")
	put := func(key, body string) {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body),
			Metadata: map[string]string{"m": "1"}, Tagging: aws.String("a=b"), ContentType: aws.String("a/b")})
		must(t, err)
	}
	src := "dir/söurce +%?&.txt"
	put(src, "content")
	_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("copy"), CopySource: aws.String("/copies/dir/s%C3%B6urce%20+%25%3F%26.txt")})
	must(t, err)
	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String("copy")})
	must(t, err)
	if head.Metadata["m"] != "1" || aws.ToString(head.ContentType) != "a/b" || aws.ToInt64(head.ContentLength) != 7 {
		t.Errorf("copied: %+v", head)
	}
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("copy"), CopySource: aws.String("copies/copy")})
	if errorCode(err) != "InvalidRequest" {
		t.Errorf("copy onto itself: %v", err)
	}
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("copy"), CopySource: aws.String("copies/copy"),
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"n": "2"}, TaggingDirective: types.TaggingDirectiveReplace, Tagging: aws.String("x=y")})
	must(t, err)
	tags, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: aws.String("copy")})
	must(t, err)
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "x" {
		t.Errorf("tags: %+v", tags.TagSet)
	}
	_, err = c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &bucket, Key: aws.String("copy"), Tagging: &types.Tagging{TagSet: []types.Tag{
		{Key: aws.String("k1"), Value: aws.String("v1")}, {Key: aws.String("k2"), Value: aws.String("")}}}})
	must(t, err)
	_, err = c.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: &bucket, Key: aws.String("copy")})
	must(t, err)
	tags, err = c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: aws.String("copy")})
	must(t, err)
	if len(tags.TagSet) != 0 {
		t.Errorf("tags after delete: %+v", tags.TagSet)
	}
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("c2"), CopySource: aws.String("copies/copy"), CopySourceIfMatch: aws.String(`"nope"`)})
	if errorCode(err) != "PreconditionFailed" {
		t.Errorf("conditional copy: %v", err)
	}

	// Conditional writes.
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("copy"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	if errorCode(err) != "PreconditionFailed" {
		t.Errorf("If-None-Match: %v", err)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("absent"), Body: strings.NewReader("x"), IfMatch: aws.String(`"x"`)})
	if errorCode(err) != "NoSuchKey" {
		t.Errorf("If-Match on nothing: %v", err)
	}
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("copy"), IfMatch: aws.String(`"x"`)})
	if errorCode(err) != "PreconditionFailed" {
		t.Errorf("conditional delete: %v", err)
	}

	put("one", "1")
	put("two", "2")
	res, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("one")}, {Key: aws.String("two"), ETag: aws.String("wrong")}, {Key: aws.String("never")}}}})
	must(t, err)
	if len(res.Deleted) != 2 || len(res.Errors) != 1 || *res.Errors[0].Key != "two" || *res.Errors[0].Code != "PreconditionFailed" {
		t.Errorf("DeleteObjects: %+v %+v", res.Deleted, res.Errors)
	}
	res, err = c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Quiet: aws.Bool(true), Objects: []types.ObjectIdentifier{{Key: aws.String("two")}}}})
	must(t, err)
	if len(res.Deleted) != 0 || len(res.Errors) != 0 {
		t.Errorf("quiet: %+v", res)
	}
}

func TestSDKPresigned(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("presigned")
	key := "a b/ü+&.txt"
	p := s3.NewPresignClient(c)
	put, err := p.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Metadata: map[string]string{"x": "y"}, ContentType: aws.String("q/r")},
		s3.WithPresignExpires(time.Minute))
	must(t, err)
	send := func(method, url string, body string, header http.Header) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(method, url, strings.NewReader(body))
		must(t, err)
		for name, v := range header {
			if name != "Host" && name != "Content-Length" {
				req.Header[name] = v
			}
		}
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp, string(got)
	}
	defer http.DefaultClient.CloseIdleConnections()
	if resp, body := send("PUT", put.URL, "presigned content", put.SignedHeader); resp.StatusCode != 200 {
		t.Fatalf("PUT: %d %s", resp.StatusCode, body)
	}
	get, err := p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ResponseContentDisposition: aws.String(`attachment; filename="ü.txt"`),
		ResponseContentType: aws.String("text/other")}, s3.WithPresignExpires(time.Minute))
	must(t, err)
	resp, body := send("GET", get.URL, "", nil)
	if resp.StatusCode != 200 || body != "presigned content" || resp.Header.Get("Content-Type") != "text/other" ||
		resp.Header.Get("Content-Disposition") != `attachment; filename="ü.txt"` || resp.Header.Get("x-amz-meta-x") != "y" {
		t.Errorf("GET: %d %q %v", resp.StatusCode, body, resp.Header)
	}
	resp, body = send("GET", strings.Replace(get.URL, "X-Amz-Expires=60", "X-Amz-Expires=61", 1), "", nil)
	if resp.StatusCode != 403 || element(body, "Code") != "SignatureDoesNotMatch" || element(body, "StringToSign") == "" {
		t.Errorf("tampered: %d %s", resp.StatusCode, body)
	}
}

func TestSDKVersionsOfUnversioned(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("versions")
	for _, k := range []string{"a/1", "a/2", "b", "c"} {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &k, Body: strings.NewReader(k)})
		must(t, err)
	}
	var keys []string
	p := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: aws.Int32(3)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		must(t, err)
		for _, v := range page.Versions {
			keys = append(keys, *v.Key)
			if aws.ToString(v.VersionId) != "null" || !aws.ToBool(v.IsLatest) {
				t.Errorf("version: %+v", v)
			}
		}
	}
	if strings.Join(keys, " ") != "a/1 a/2 b c" {
		t.Errorf("keys: %v", keys)
	}
	get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("b"), VersionId: aws.String("null")})
	must(t, err)
	if body, _ := io.ReadAll(get.Body); string(body) != "b" {
		t.Errorf("version null: %q", body)
	}
	_, err = c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("b"), VersionId: aws.String("null")}}}})
	must(t, err)
	if _, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String("b")}); errorCode(err) != "NotFound" {
		t.Errorf("after the delete: %v", err)
	}
}

func TestSDKDeleteThousand(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	bucket := f.bucket("thousand")
	var objects []types.ObjectIdentifier
	for i := range 1000 {
		objects = append(objects, types.ObjectIdentifier{Key: aws.String(fmt.Sprintf("%s-%d", strings.Repeat("&", 1010), i))})
	}
	for _, o := range objects[:20] {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: o.Key, Body: strings.NewReader("x")})
		must(t, err)
	}
	res, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: objects}})
	must(t, err)
	if len(res.Deleted) != 1000 || len(res.Errors) != 0 || *res.Deleted[999].Key != *objects[999].Key {
		t.Errorf("%d deleted, %d errors", len(res.Deleted), len(res.Errors))
	}
	list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
	must(t, err)
	if aws.ToInt32(list.KeyCount) != 0 {
		t.Errorf("%d are left", *list.KeyCount)
	}
}

// Recorded at Amazon: in us-east-1 making one's bucket again succeeds and keeps its tags, unless tags are given.
func TestSDKCreateBucketAgain(t *testing.T) {
	f := start(t)
	c := f.client()
	ctx := context.Background()
	create := func(tags ...types.Tag) (*s3.CreateBucketOutput, error) {
		return c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("again"), CreateBucketConfiguration: &types.CreateBucketConfiguration{Tags: tags}})
	}
	tag := types.Tag{Key: aws.String("tag1"), Value: aws.String("value1")}
	out, err := create(tag)
	must(t, err)
	if aws.ToString(out.BucketArn) != "arn:aws:s3:::again" {
		t.Errorf("%v", out)
	}
	for _, v := range []string{"value1", "value2"} {
		_, err = create(types.Tag{Key: aws.String("tag1"), Value: &v})
		wantAPI(t, err, "BucketAlreadyOwnedByYou")
	}
	_, err = create()
	must(t, err)
	tags, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String("again")})
	must(t, err)
	if len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "value1" {
		t.Errorf("%+v", tags.TagSet)
	}
	h, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("again")})
	must(t, err)
	if aws.ToString(h.BucketArn) != "arn:aws:s3:::again" {
		t.Errorf("%v", h)
	}
}
