package clients

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestEverythingIsKept writes objects with all that can be said about one, in every way there is, into buckets with and without
// versions and locks, and reads it back.
func TestEverythingIsKept(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := goClient(t, s), t.Context()
	data := harness.Bytes(7, 100_000)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	expires := time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)
	metadata := map[string]string{"one": "1", "two": "a b"}
	const tags = "k=v%20w&x="

	for _, locked := range []bool{false, true} {
		b := bucketName(t)
		must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b, ObjectLockEnabledForBucket: &locked, ObjectOwnership: "ObjectWriter"}))
		in := s3.PutObjectInput{Bucket: &b, CacheControl: aws.String("max-age=5"), ContentDisposition: aws.String("inline"), ContentEncoding: aws.String("x-none"),
			ContentLanguage: aws.String("de"), ContentType: aws.String("text/x"), Expires: &expires, Metadata: metadata, Tagging: aws.String(tags), StorageClass: "STANDARD_IA",
			ServerSideEncryption: "AES256", ACL: "public-read", WebsiteRedirectLocation: aws.String("/elsewhere"), ChecksumAlgorithm: "SHA256"}
		if locked {
			in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus = "GOVERNANCE", &until, "ON"
		}
		ways := map[string]func(key string){
			"put": func(key string) {
				in := in
				in.Key, in.Body = &key, bytes.NewReader(data)
				must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &in))
			},
			"parts": func(key string) {
				up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key, CacheControl: in.CacheControl,
					ContentDisposition: in.ContentDisposition, ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, ContentType: in.ContentType, Expires: in.Expires, Metadata: in.Metadata,
					Tagging: in.Tagging, StorageClass: in.StorageClass, ServerSideEncryption: in.ServerSideEncryption, ACL: in.ACL, WebsiteRedirectLocation: in.WebsiteRedirectLocation,
					ChecksumAlgorithm: in.ChecksumAlgorithm, ObjectLockMode: in.ObjectLockMode, ObjectLockRetainUntilDate: in.ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus: in.ObjectLockLegalHoldStatus}))
				part := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(data), ChecksumAlgorithm: "SHA256"}))
				must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId,
					MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256}}}}))
			},
			"copy with all of its own": func(key string) {
				put(t, c, b, "source", data)
				must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: &key, CopySource: aws.String(b + "/source"), MetadataDirective: "REPLACE", TaggingDirective: "REPLACE",
					CacheControl: in.CacheControl, ContentDisposition: in.ContentDisposition, ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, ContentType: in.ContentType, Expires: in.Expires,
					Metadata: in.Metadata, Tagging: in.Tagging, StorageClass: in.StorageClass, ServerSideEncryption: in.ServerSideEncryption, ACL: in.ACL, WebsiteRedirectLocation: in.WebsiteRedirectLocation,
					ChecksumAlgorithm: in.ChecksumAlgorithm, ObjectLockMode: in.ObjectLockMode, ObjectLockRetainUntilDate: in.ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus: in.ObjectLockLegalHoldStatus}))
			},
			"form": func(key string) {
				fields := map[string]string{"key": key, "Cache-Control": *in.CacheControl, "Content-Disposition": *in.ContentDisposition, "Content-Encoding": *in.ContentEncoding, "Content-Language": *in.ContentLanguage,
					"Content-Type": *in.ContentType, "Expires": expires.Format(http.TimeFormat), "x-amz-meta-one": "1", "x-amz-meta-two": "a b", "x-amz-storage-class": "STANDARD_IA", "x-amz-server-side-encryption": "AES256",
					"acl": "public-read", "x-amz-website-redirect-location": "/elsewhere", "x-amz-checksum-algorithm": "SHA256",
					"tagging": "<Tagging><TagSet><Tag><Key>k</Key><Value>v w</Value></Tag><Tag><Key>x</Key><Value></Value></Tag></TagSet></Tagging>"}
				if locked {
					maps.Copy(fields, map[string]string{"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": until.Format(time.RFC3339), "x-amz-object-lock-legal-hold": "ON"})
				}
				postForm(t, s, b, fields, data)
			},
		}
		for way, write := range ways {
			key := strings.ReplaceAll(way, " ", "-")
			write(key)
			checkKept(t, c, fmt.Sprintf("%s, locked %t", way, locked), &in, key, data, way != "form")
			// A copy takes metadata and tags along, and nothing else.
			must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("copy"), CopySource: aws.String(b + "/" + key)}))
			copied := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: aws.String("copy")}))
			if !maps.Equal(copied.Metadata, metadata) || aws.ToString(copied.ContentType) != "text/x" || aws.ToString(copied.CacheControl) != "max-age=5" || aws.ToInt32(copied.TagCount) != 2 || copied.StorageClass != "" ||
				copied.ServerSideEncryption != "" || copied.WebsiteRedirectLocation != nil || copied.ObjectLockMode != "" || copied.ObjectLockLegalHoldStatus != "" {
				t.Errorf("%s, locked %t: the copy is %+v", way, locked, copied)
			}
		}
	}
}

// checkKept compares what is stored with what was asked for.
func checkKept(t *testing.T, c *s3.Client, what string, in *s3.PutObjectInput, key string, data []byte, sum bool) {
	t.Helper()
	ctx := t.Context()
	got := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: in.Bucket, Key: &key, ChecksumMode: "ENABLED"}))
	wantBytes(t, what, readAll(t, got.Body), data)
	type facts struct {
		cache, disposition, encoding, language, kind, expires, redirect, class, sse, mode, hold string
		until                                                                                   time.Time
		tags                                                                                    int32
	}
	have := facts{aws.ToString(got.CacheControl), aws.ToString(got.ContentDisposition), aws.ToString(got.ContentEncoding), aws.ToString(got.ContentLanguage), aws.ToString(got.ContentType), aws.ToString(got.ExpiresString),
		aws.ToString(got.WebsiteRedirectLocation), string(got.StorageClass), string(got.ServerSideEncryption), string(got.ObjectLockMode), string(got.ObjectLockLegalHoldStatus), aws.ToTime(got.ObjectLockRetainUntilDate), aws.ToInt32(got.TagCount)}
	want := facts{*in.CacheControl, *in.ContentDisposition, *in.ContentEncoding, *in.ContentLanguage, *in.ContentType, in.Expires.Format(http.TimeFormat), *in.WebsiteRedirectLocation, string(in.StorageClass), string(in.ServerSideEncryption),
		string(in.ObjectLockMode), string(in.ObjectLockLegalHoldStatus), aws.ToTime(in.ObjectLockRetainUntilDate), 2}
	if have != want || !maps.Equal(got.Metadata, in.Metadata) {
		t.Errorf("%s:\nstored %+v, %v\nwanted %+v, %v", what, have, got.Metadata, want, in.Metadata)
	}
	if sum && got.ChecksumSHA256 == nil {
		t.Errorf("%s: no SHA-256 is kept", what)
	}
	tagging := must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: in.Bucket, Key: &key}))
	if len(tagging.TagSet) != 2 || *tagging.TagSet[0].Value != "v w" || *tagging.TagSet[1].Key != "x" {
		t.Errorf("%s: tags %+v", what, tagging.TagSet)
	}
	acl := must[*s3.GetObjectAclOutput](t)(c.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: in.Bucket, Key: &key}))
	public := false
	for _, g := range acl.Grants {
		public = public || strings.HasSuffix(aws.ToString(g.Grantee.URI), "/AllUsers") && g.Permission == "READ"
	}
	if len(acl.Grants) != 2 || !public {
		t.Errorf("%s: grants %+v", what, acl.Grants)
	}
}

// postForm sends a browser's form whose policy names all of its fields.
func postForm(t *testing.T, s *harness.Server, bucket string, fields map[string]string, data []byte) {
	t.Helper()
	signer, now := &wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}, time.Now().UTC()
	fields = maps.Clone(fields)
	maps.Copy(fields, map[string]string{"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": signer.Credential(now), "x-amz-date": now.Format("20060102T150405Z")})
	conditions := []any{map[string]string{"bucket": bucket}}
	for name, value := range fields {
		conditions = append(conditions, map[string]string{name: value})
	}
	policy := must[[]byte](t)(json.Marshal(map[string]any{"expiration": now.Add(time.Minute).Format("2006-01-02T15:04:05.000Z"), "conditions": conditions}))
	fields["policy"] = base64.StdEncoding.EncodeToString(policy)
	fields["x-amz-signature"] = signer.String(fields["policy"], now)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := must[io.Writer](t)(w.CreateFormFile("file", "f")).Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	status, answer, _ := fetch(t, httpClient(t, s), "POST", s.Endpoint+"/"+bucket, http.Header{"Content-Type": {w.FormDataContentType()}}, body.Bytes())
	if status != http.StatusNoContent {
		t.Errorf("form: %d %s", status, answer)
	}
}
