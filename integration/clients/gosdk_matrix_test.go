package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// operations are inputs that would be carried out for the owner of the bucket, one for each operation on buckets and objects that is
// built. Bucket, and a key where none is here, are put in. What makes no sense without somebody else's service, and what is not built,
// is named in notAsked.
func operations(source, upload string) []any {
	id, prefix, until := aws.String("id"), aws.String("p"), aws.Time(time.Now().Add(time.Hour))
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	dest := aws.String("arn:aws:s3:::elsewhere")
	csv := &types.InputSerialization{CSV: &types.CSVInput{}}
	parts := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String("e")}}}
	return []any{
		&s3.DeleteBucketAnalyticsConfigurationInput{Id: id}, &s3.DeleteBucketCorsInput{}, &s3.DeleteBucketEncryptionInput{}, &s3.DeleteBucketInput{},
		&s3.DeleteBucketIntelligentTieringConfigurationInput{Id: id}, &s3.DeleteBucketInventoryConfigurationInput{Id: id}, &s3.DeleteBucketLifecycleInput{},
		&s3.DeleteBucketMetricsConfigurationInput{Id: id}, &s3.DeleteBucketOwnershipControlsInput{}, &s3.DeleteBucketPolicyInput{}, &s3.DeleteBucketReplicationInput{},
		&s3.DeleteBucketTaggingInput{}, &s3.DeleteBucketWebsiteInput{}, &s3.DeletePublicAccessBlockInput{},

		&s3.GetBucketAccelerateConfigurationInput{}, &s3.GetBucketAclInput{}, &s3.GetBucketAnalyticsConfigurationInput{Id: id}, &s3.GetBucketCorsInput{},
		&s3.GetBucketEncryptionInput{}, &s3.GetBucketIntelligentTieringConfigurationInput{Id: id}, &s3.GetBucketInventoryConfigurationInput{Id: id},
		&s3.GetBucketLifecycleConfigurationInput{}, &s3.GetBucketLocationInput{}, &s3.GetBucketLoggingInput{}, &s3.GetBucketMetricsConfigurationInput{Id: id},
		&s3.GetBucketNotificationConfigurationInput{}, &s3.GetBucketOwnershipControlsInput{}, &s3.GetBucketPolicyInput{}, &s3.GetBucketPolicyStatusInput{},
		&s3.GetBucketReplicationInput{}, &s3.GetBucketRequestPaymentInput{}, &s3.GetBucketTaggingInput{}, &s3.GetBucketVersioningInput{}, &s3.GetBucketWebsiteInput{},
		&s3.GetObjectLockConfigurationInput{}, &s3.GetPublicAccessBlockInput{}, &s3.HeadBucketInput{}, &s3.ListBucketAnalyticsConfigurationsInput{},
		&s3.ListBucketIntelligentTieringConfigurationsInput{}, &s3.ListBucketInventoryConfigurationsInput{}, &s3.ListBucketMetricsConfigurationsInput{},
		&s3.ListMultipartUploadsInput{}, &s3.ListObjectVersionsInput{}, &s3.ListObjectsInput{}, &s3.ListObjectsV2Input{},

		&s3.PutBucketAccelerateConfigurationInput{AccelerateConfiguration: &types.AccelerateConfiguration{Status: "Enabled"}},
		&s3.PutBucketAclInput{ACL: "private"},
		&s3.PutBucketAnalyticsConfigurationInput{Id: id, AnalyticsConfiguration: &types.AnalyticsConfiguration{Id: id, StorageClassAnalysis: &types.StorageClassAnalysis{}}},
		&s3.PutBucketCorsInput{CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}}}},
		&s3.PutBucketEncryptionInput{ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256"}}}}},
		&s3.PutBucketIntelligentTieringConfigurationInput{Id: id, IntelligentTieringConfiguration: &types.IntelligentTieringConfiguration{Id: id, Status: "Enabled",
			Tierings: []types.Tiering{{AccessTier: "ARCHIVE_ACCESS", Days: aws.Int32(90)}}}},
		&s3.PutBucketInventoryConfigurationInput{Id: id, InventoryConfiguration: &types.InventoryConfiguration{Id: id, IsEnabled: aws.Bool(true), IncludedObjectVersions: "All",
			Schedule: &types.InventorySchedule{Frequency: "Daily"}, Destination: &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{Bucket: dest, Format: "CSV"}}}},
		&s3.PutBucketLifecycleConfigurationInput{LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{Status: "Enabled",
			Filter: &types.LifecycleRuleFilter{Prefix: prefix}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}}}}},
		&s3.PutBucketLoggingInput{BucketLoggingStatus: &types.BucketLoggingStatus{}},
		&s3.PutBucketMetricsConfigurationInput{Id: id, MetricsConfiguration: &types.MetricsConfiguration{Id: id}},
		&s3.PutBucketNotificationConfigurationInput{NotificationConfiguration: &types.NotificationConfiguration{}},
		&s3.PutBucketOwnershipControlsInput{OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}},
		&s3.PutBucketPolicyInput{Policy: aws.String(`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObjectTagging","Resource":"arn:aws:s3:::BUCKET/*"}]}`)},
		&s3.PutBucketReplicationInput{ReplicationConfiguration: &types.ReplicationConfiguration{Role: aws.String("arn:aws:iam::123456789012:role/r"), Rules: []types.ReplicationRule{{Status: "Enabled",
			Priority: aws.Int32(1), Filter: &types.ReplicationRuleFilter{Prefix: prefix}, DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: "Disabled"}, Destination: &types.Destination{Bucket: dest}}}}},
		&s3.PutBucketRequestPaymentInput{RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: "Requester"}},
		&s3.PutBucketTaggingInput{Tagging: &types.Tagging{TagSet: tags}},
		&s3.PutBucketVersioningInput{VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}},
		&s3.PutBucketWebsiteInput{WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("i")}}},
		&s3.PutObjectLockConfigurationInput{ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: "Enabled"}},
		&s3.PutPublicAccessBlockInput{PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)}},

		&s3.AbortMultipartUploadInput{UploadId: &upload}, &s3.CompleteMultipartUploadInput{UploadId: &upload, MultipartUpload: parts}, &s3.CopyObjectInput{CopySource: &source},
		&s3.CreateMultipartUploadInput{}, &s3.DeleteObjectInput{}, &s3.DeleteObjectTaggingInput{}, &s3.GetObjectInput{}, &s3.GetObjectAclInput{},
		&s3.GetObjectAttributesInput{ObjectAttributes: []types.ObjectAttributes{"ETag"}}, &s3.GetObjectLegalHoldInput{}, &s3.GetObjectRetentionInput{}, &s3.GetObjectTaggingInput{},
		&s3.HeadObjectInput{}, &s3.ListPartsInput{UploadId: &upload}, &s3.PutObjectInput{Body: strings.NewReader("changed")}, &s3.PutObjectAclInput{ACL: "private"},
		&s3.PutObjectLegalHoldInput{LegalHold: &types.ObjectLockLegalHold{Status: "ON"}},
		&s3.PutObjectRetentionInput{Retention: &types.ObjectLockRetention{Mode: "GOVERNANCE", RetainUntilDate: until}}, &s3.PutObjectTaggingInput{Tagging: &types.Tagging{TagSet: tags}},
		&s3.RenameObjectInput{RenameSource: aws.String("k")}, &s3.RestoreObjectInput{RestoreRequest: &types.RestoreRequest{Days: aws.Int32(1)}},
		&s3.SelectObjectContentInput{Expression: aws.String("select * from S3Object"), ExpressionType: "SQL", InputSerialization: csv, OutputSerialization: &types.OutputSerialization{CSV: &types.CSVOutput{}}},
		&s3.UploadPartInput{UploadId: &upload, PartNumber: aws.Int32(1), Body: strings.NewReader("p")}, &s3.UploadPartCopyInput{UploadId: &upload, PartNumber: aws.Int32(2), CopySource: &source},
	}
}

// notAsked are the operations of the SDK that the matrix leaves out.
var notAsked = strings.Fields(`CreateBucket ListBuckets CreateSession ListDirectoryBuckets WriteGetObjectResponse GetObjectTorrent DeleteObjects
	GetBucketAbac PutBucketAbac DeleteObjectAnnotation GetObjectAnnotation ListObjectAnnotations PutObjectAnnotation UpdateObjectEncryption
	CreateBucketMetadataConfiguration CreateBucketMetadataTableConfiguration DeleteBucketMetadataConfiguration DeleteBucketMetadataTableConfiguration
	GetBucketMetadataConfiguration GetBucketMetadataTableConfiguration UpdateBucketMetadataAnnotationTableConfiguration
	UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration Options`)

// nameOf is the operation of an input.
func nameOf(in any) string { return strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input") }

// set gives a field of an input a value, if it has the field, and tells whether it has.
func set(in any, field, value string) bool {
	f := reflect.ValueOf(in).Elem().FieldByName(field)
	if f.IsValid() {
		f.Set(reflect.ValueOf(&value))
	}
	return f.IsValid()
}

// call carries an operation out, and returns the code and status of what it failed with: "" and 0 when it did not.
func call(ctx context.Context, c *s3.Client, in any) (code string, status int) {
	if body := reflect.ValueOf(in).Elem().FieldByName("Body"); body.IsValid() {
		_, _ = body.Interface().(io.Seeker).Seek(0, io.SeekStart)
	}
	out := reflect.ValueOf(c).MethodByName(nameOf(in)).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
	err, _ := out[1].Interface().(error)
	if err == nil {
		if body := out[0].Elem().FieldByName("Body"); body.IsValid() {
			_ = body.Interface().(io.Closer).Close()
		}
		return "", 0
	}
	var api smithy.APIError
	var resp *smithyhttp.ResponseError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	} else {
		code = err.Error()
	}
	if errors.As(err, &resp) {
		status = resp.HTTPStatusCode()
	}
	return code, status
}

// TestOperationsRefused asks for every operation without a right to it, in buckets and for keys that are not there, and for an owner
// that it is not: each has to answer as documented, and nothing may have changed.
func TestOperationsRefused(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := goClient(t, s), t.Context()
	const access, secret = "AKIAEVE0000000000001", "eve/secret+key0123456789abcdefABCDEF0000"
	must[string](t)(s.CLI("admin", "user", "create", "eve", "--access-key", access, "--secret-key", secret))
	stranger := goClient(t, s, func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider(access, secret, "") })
	nobody := goClient(t, s, func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	// Ward is of the owner's account, and nothing lets it do anything.
	const wardAccess, wardSecret = "AKIAWARD000000000001", "ward/secret+key0123456789abcdefABCDEF000"
	account := between(query(t, s, "sts", "Action=GetCallerIdentity&Version=2011-06-15").Body, "<Account>", "</Account>")
	must[string](t)(s.CLI("admin", "user", "create", "ward", "--account", account, "--access-key", wardAccess, "--secret-key", wardSecret))
	ward := goClient(t, s, func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(wardAccess, wardSecret, "")
	})

	b := newBucket(t, c)
	put(t, c, b, "k", []byte("as it was"))
	up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("k")}))
	// The stranger's own bucket has a source to copy from, so that it is the destination that refuses.
	theirs := newBucket(t, stranger)
	put(t, stranger, theirs, "source", []byte("x"))
	ops := operations(theirs+"/source", *up.UploadId)

	var asked []string
	for _, in := range ops {
		asked = append(asked, nameOf(in))
	}
	client := reflect.TypeOf(c)
	for i := range client.NumMethod() {
		if name := client.Method(i).Name; slices.Contains(asked, name) == slices.Contains(notAsked, name) {
			t.Errorf("%s is to be asked, or named in notAsked", name)
		}
	}

	refused := func(what string, c *s3.Client, bucket, key string, in any, code string, status int) {
		t.Helper()
		set(in, "Bucket", bucket)
		set(in, "Key", key)
		if strings.HasPrefix(nameOf(in), "Head") { // no body, no code
			code = map[int]string{403: "Forbidden", 404: "NotFound"}[status]
		}
		if got, gotStatus := call(ctx, c, in); got != code || gotStatus != status {
			t.Errorf("%s by %s: %d %s, want %d %s", nameOf(in), what, gotStatus, got, status, code)
		}
	}
	for _, in := range ops {
		refused("a stranger", stranger, b, "k", in, "AccessDenied", 403)
		refused("a user without policies", ward, b, "k", in, "AccessDenied", 403)
		if name := nameOf(in); name != "CopyObject" && name != "UploadPartCopy" { // of which nobody may read the source
			refused("nobody", nobody, b, "k", in, "AccessDenied", 403)
		}
	}
	for what, c := range map[string]*s3.Client{"a user without policies": ward, "nobody": nobody} {
		refused(what, c, bucketName(t), "", &s3.CreateBucketInput{}, "AccessDenied", 403)
		refused(what, c, "", "", &s3.ListBucketsInput{}, "AccessDenied", 403)
		refused(what, c, b, "", &s3.DeleteObjectsInput{Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("k")}}}}, "AccessDenied", 403)
	}
	wantBytes(t, "k", get(t, c, b, "k"), []byte("as it was"))
	if got := keys(t, c, b, ""); !slices.Equal(got, []string{"k"}) {
		t.Errorf("keys %q", got)
	}
	for _, in := range ops {
		if set(in, "ExpectedBucketOwner", "999999999999") {
			refused("another owner's", c, b, "k", in, "AccessDenied", 403)
			reflect.ValueOf(in).Elem().FieldByName("ExpectedBucketOwner").SetZero()
		} else if name := nameOf(in); name != "RenameObject" { // which has no such field
			t.Errorf("%s has no ExpectedBucketOwner", name)
		}
	}
	// Sources that the owner may read.
	ops = operations(b+"/k", *up.UploadId)
	for _, in := range ops {
		refused("its owner, in no bucket", c, "nothing-there-"+b, "k", in, "NoSuchBucket", 404)
	}
	wantBytes(t, "k", get(t, c, b, "k"), []byte("as it was"))
}

// TestOperationsWithoutObject asks for what is not there: a key, a version, an upload, a delete marker.
func TestOperationsWithoutObject(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := goClient(t, s), t.Context()
	locked := bucketName(t)
	must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &locked, ObjectLockEnabledForBucket: aws.Bool(true)}))
	plain := newBucket(t, c)
	must[*s3.PutBucketOwnershipControlsOutput](t)(c.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: &plain,
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}}))
	must[*s3.PutBucketOwnershipControlsOutput](t)(c.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: &locked,
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}}))
	put(t, c, locked, "k", []byte("x"))
	put(t, c, locked, "gone", []byte("x"))
	marker := *must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &locked, Key: aws.String("gone")})).VersionId
	absent := strings.Repeat("ab", 16) // of the form of a version id, and no version
	upload := strings.Repeat("cd", 16)

	for _, tc := range []struct{ what, bucket, key, version, code string }{
		{"no key", plain, "none", "", "NoSuchKey"},
		{"no key, with versions", locked, "none", "", "NoSuchKey"},
		{"a deleted key", locked, "gone", "", "NoSuchKey"},
		{"no version", locked, "k", absent, "NoSuchVersion"},
		{"a delete marker", locked, "gone", marker, "MethodNotAllowed"},
	} {
		for _, in := range operations(tc.bucket+"/k", upload) {
			name := nameOf(in)
			if !set(in, "Key", tc.key) || tc.version != "" && !set(in, "VersionId", tc.version) {
				continue
			}
			code, status := tc.code, map[string]int{"NoSuchKey": 404, "NoSuchVersion": 404, "MethodNotAllowed": 405}[tc.code]
			switch name {
			case "PutObject", "CreateMultipartUpload", "DeleteObject", "RenameObject": // which need none
				continue
			case "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts", "UploadPartCopy":
				code, status = "NoSuchUpload", 404
			case "CopyObject":
				if tc.bucket == locked {
					continue // whose source is there
				}
				code = "NoSuchKey"
			case "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging", "PutObjectAcl":
				if tc.key == "gone" { // a delete marker is no version that these work on
					code, status = "MethodNotAllowed", 405
				}
			case "GetObjectRetention", "GetObjectLegalHold", "PutObjectRetention", "PutObjectLegalHold":
				if tc.bucket == plain {
					code, status = "InvalidRequest", 400 // Bucket is missing Object Lock Configuration
				}
			}
			if strings.HasPrefix(name, "Head") {
				code = http.StatusText(status)
				code = strings.ReplaceAll(code, " ", "")
			}
			set(in, "Bucket", tc.bucket)
			if got, gotStatus := call(ctx, c, in); got != code || gotStatus != status {
				t.Errorf("%s of %s: %d %s, want %d %s", name, tc.what, gotStatus, got, status, code)
			}
		}
	}
}

// TestAnswersOfNothing asks for what no bucket here can have: the owner is told so, everybody else that it is none of theirs.
func TestAnswersOfNothing(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := goClient(t, s), t.Context()
	const access, secret = "AKIAEVE0000000000001", "eve/secret+key0123456789abcdefABCDEF0000"
	must[string](t)(s.CLI("admin", "user", "create", "eve", "--access-key", access, "--secret-key", secret))
	others := []*s3.Client{goClient(t, s, func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider(access, secret, "") }),
		goClient(t, s, func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })}
	b := newBucket(t, c)
	put(t, c, b, "k", []byte("x"))
	for _, tc := range []struct {
		in     any
		code   string
		status int
	}{
		{&s3.CreateSessionInput{}, "MethodNotAllowed", 405}, {&s3.GetObjectTorrentInput{}, "NoSuchKey", 404}, {&s3.GetBucketAbacInput{}, "", 0},
		{&s3.GetBucketMetadataConfigurationInput{}, "MetadataConfigurationNotFound", 404}, {&s3.DeleteBucketMetadataConfigurationInput{}, "", 0},
		{&s3.GetBucketMetadataTableConfigurationInput{}, "MetadataConfigurationNotFound", 404}, {&s3.DeleteBucketMetadataTableConfigurationInput{}, "", 0},
		{&s3.PutBucketAbacInput{AbacStatus: &types.AbacStatus{Status: "Disabled"}}, "", 0},
	} {
		set(tc.in, "Bucket", b)
		set(tc.in, "Key", "k")
		if code, status := call(ctx, c, tc.in); code != tc.code || status != tc.status {
			t.Errorf("%s: %d %s, want %d %s", nameOf(tc.in), status, code, tc.status, tc.code)
		}
		for _, other := range others {
			code, status := call(ctx, other, tc.in)
			if name := nameOf(tc.in); name == "CreateSession" { // there is nothing to be denied
				continue
			} else if code != "AccessDenied" || status != 403 {
				t.Errorf("%s by another: %d %s", name, status, code)
			}
		}
	}
}

// TestNotBuilt asks for what is not built: it has to say so, and must not be taken for something else.
func TestNotBuilt(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := goClient(t, s), t.Context()
	b := newBucket(t, c)
	put(t, c, b, "k", []byte("as it was"))
	name, off := aws.String("n"), &types.RecordExpiration{Expiration: "DISABLED"}
	for _, in := range []any{
		&s3.PutBucketAbacInput{AbacStatus: &types.AbacStatus{Status: "Enabled"}},
		&s3.PutObjectAnnotationInput{AnnotationName: name, AnnotationPayload: strings.NewReader("x")}, &s3.GetObjectAnnotationInput{AnnotationName: name},
		&s3.ListObjectAnnotationsInput{}, &s3.DeleteObjectAnnotationInput{AnnotationName: name},
		&s3.UpdateObjectEncryptionInput{ObjectEncryption: &types.ObjectEncryptionMemberSSEKMS{Value: types.SSEKMSEncryption{KMSKeyArn: name}}},
		&s3.CreateBucketMetadataConfigurationInput{MetadataConfiguration: &types.MetadataConfiguration{JournalTableConfiguration: &types.JournalTableConfiguration{RecordExpiration: off}}},
		&s3.CreateBucketMetadataTableConfigurationInput{MetadataTableConfiguration: &types.MetadataTableConfiguration{S3TablesDestination: &types.S3TablesDestination{TableBucketArn: name, TableName: name}}},
		&s3.UpdateBucketMetadataInventoryTableConfigurationInput{InventoryTableConfiguration: &types.InventoryTableConfigurationUpdates{ConfigurationState: "ENABLED"}},
		&s3.UpdateBucketMetadataJournalTableConfigurationInput{JournalTableConfiguration: &types.JournalTableConfigurationUpdates{RecordExpiration: off}},
		&s3.UpdateBucketMetadataAnnotationTableConfigurationInput{AnnotationTableConfiguration: &types.AnnotationTableConfigurationUpdates{ConfigurationState: "ENABLED"}},
	} {
		set(in, "Bucket", b)
		set(in, "Key", "k")
		if code, status := call(ctx, c, in); code != "NotImplemented" || status != 501 {
			t.Errorf("%s: %d %s", nameOf(in), status, code)
		}
	}
	wantBytes(t, "k", get(t, c, b, "k"), []byte("as it was"))
}

// TestChecksumsEverywhere stores bodies in every way there is, in a bucket with and one without versions, with each checksum, and has
// them verified on the way back.
func TestChecksumsEverywhere(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	c, ctx := goClient(t, s), t.Context()
	data := harness.Bytes(3, 70_000)
	algorithms := []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}
	sumOf := func(out any, a types.ChecksumAlgorithm) string {
		return aws.ToString(reflect.ValueOf(out).Elem().FieldByName("Checksum" + string(a)).Interface().(*string))
	}
	for _, versioned := range []bool{false, true} {
		b := newBucket(t, c)
		if versioned {
			must[*s3.PutBucketVersioningOutput](t)(c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))
		}
		for _, a := range algorithms {
			for _, e := range []types.ServerSideEncryption{"", "AES256", "aws:kms"} {
				where := fmt.Sprintf("%s, %q, versioned %t", a, e, versioned)
				var sum string
				check := func(how, key string, version *string) {
					t.Helper()
					out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, VersionId: version, ChecksumMode: "ENABLED"}))
					if got := readAll(t, out.Body); !bytes.Equal(got, data) {
						t.Errorf("%s, %s: %d bytes read", where, how, len(got))
					}
					if got := sumOf(out, a); got == "" || got != sum {
						t.Errorf("%s, %s: the checksum read is %q, written %q", where, how, got, sum)
					}
					if versioned != (aws.ToString(out.VersionId) != "") {
						t.Errorf("%s, %s: version %v", where, how, out.VersionId)
					}
				}
				one := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("k"), Body: bytes.NewReader(data), ChecksumAlgorithm: a, ServerSideEncryption: e}))
				sum = sumOf(one, a)
				check("put", "k", one.VersionId)
				copied := must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("copy"), CopySource: aws.String(b + "/k"), ServerSideEncryption: e}))
				if got := sumOf(copied.CopyObjectResult, a); got != sum {
					t.Errorf("%s: the copy's checksum is %q", where, got)
				}
				check("copied", "copy", copied.VersionId)

				up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: aws.String("parts"), ChecksumAlgorithm: a, ServerSideEncryption: e}))
				part := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: aws.String("parts"), UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(data), ChecksumAlgorithm: a}))
				if got := sumOf(part, a); got != sum {
					t.Errorf("%s: the part's checksum is %q", where, got)
				}
				wrong := types.CompletedPart{PartNumber: aws.Int32(1), ETag: part.ETag}
				reflect.ValueOf(&wrong).Elem().FieldByName("Checksum" + string(a)).Set(reflect.ValueOf(aws.String(strings.Repeat("A", len(sum)-1) + "=")))
				_, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: aws.String("parts"), UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{wrong}}})
				if code := apiCode(err); code != "InvalidPart" && code != "InvalidRequest" {
					t.Errorf("%s: a part with another checksum: %v", where, err)
				}
				right := types.CompletedPart{PartNumber: aws.Int32(1), ETag: part.ETag}
				reflect.ValueOf(&right).Elem().FieldByName("Checksum" + string(a)).Set(reflect.ValueOf(&sum))
				done := must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: aws.String("parts"), UploadId: up.UploadId,
					MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{right}}}))
				sum = sumOf(done, a)
				if composite := strings.HasSuffix(sum, "-1"); composite != (a != "CRC64NVME") {
					t.Errorf("%s: the upload's checksum is %q, %s", where, sum, done.ChecksumType)
				}
				check("parts", "parts", done.VersionId)

				// A body that is not what its checksum says leaves nothing.
				in := &s3.PutObjectInput{Bucket: &b, Key: aws.String("bad"), Body: bytes.NewReader(data[1:]), ServerSideEncryption: e}
				reflect.ValueOf(in).Elem().FieldByName("Checksum" + string(a)).Set(reflect.ValueOf(aws.String(sumOf(one, a))))
				_, err = c.PutObject(ctx, in)
				wantCode(t, err, "BadDigest", 400)
				absent(t, c, b, "bad")
			}
		}
	}
}

func apiCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
