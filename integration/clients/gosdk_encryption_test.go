package clients

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// customerKey is a key of SSE-C as the SDK wants it: raw, and its MD5 in base64.
func customerKey(seed uint64) (alg, key, sum *string) {
	k := harness.Bytes(seed, 32)
	digest := md5.Sum(k)
	return aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(k)), aws.String(base64.StdEncoding.EncodeToString(digest[:]))
}

func TestGoSDKEncryption(t *testing.T) {
	s := harness.ForClients(t, false)
	c := goClient(t, s)
	ctx := t.Context()
	b := newBucket(t, c)
	data := harness.Bytes(1, 300_000)
	read := func(t *testing.T, in *s3.GetObjectInput, want []byte) *s3.GetObjectOutput {
		t.Helper()
		in.ChecksumMode = types.ChecksumModeEnabled
		out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, in))
		defer out.Body.Close()
		if got := must[[]byte](t)(io.ReadAll(out.Body)); !bytes.Equal(got, want) {
			t.Errorf("%s reads otherwise: %d bytes", *in.Key, len(got))
		}
		return out
	}

	t.Run("SSE-S3", func(t *testing.T) {
		key := "s3"
		put := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(data),
			ServerSideEncryption: types.ServerSideEncryptionAes256, ChecksumAlgorithm: types.ChecksumAlgorithmSha256}))
		got := read(t, &s3.GetObjectInput{Bucket: &b, Key: &key}, data)
		if put.ServerSideEncryption != "AES256" || got.ServerSideEncryption != "AES256" || put.SSEKMSKeyId != nil {
			t.Errorf("put says %q, get %q", put.ServerSideEncryption, got.ServerSideEncryption)
		}
		if strings.Trim(*put.ETag, `"`) != hexMD5(data) {
			t.Errorf("ETag %s is not the MD5", *put.ETag)
		}
		part := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, Range: aws.String("bytes=65519-131050")}))
		defer part.Body.Close()
		if got := must[[]byte](t)(io.ReadAll(part.Body)); !bytes.Equal(got, data[65519:131051]) {
			t.Error("the range reads otherwise")
		}
		cp := must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("copy"), CopySource: aws.String(b + "/" + key)}))
		if cp.ServerSideEncryption != "" {
			t.Errorf("the copy says %q", cp.ServerSideEncryption)
		}
		// Onto itself, since the encryption changes.
		cp = must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: &key, CopySource: aws.String(b + "/" + key),
			ServerSideEncryption: types.ServerSideEncryptionAwsKms}))
		if cp.ServerSideEncryption != "aws:kms" {
			t.Errorf("the copy says %q", cp.ServerSideEncryption)
		}
		read(t, &s3.GetObjectInput{Bucket: &b, Key: &key}, data)
	})

	t.Run("SSE-KMS", func(t *testing.T) {
		out := must[string](t)(s.CLI("admin", "kms", "create-key", "--alias", "sdk"))
		var made struct{ ID, ARN string }
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatal(err)
		}
		context := base64.StdEncoding.EncodeToString([]byte(`{"department":"x"}`))
		for _, name := range []string{made.ID, made.ARN, "alias/sdk"} {
			for _, method := range []types.ServerSideEncryption{types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse} {
				key := "kms/" + name
				put := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(data),
					ServerSideEncryption: method, SSEKMSKeyId: &name, SSEKMSEncryptionContext: &context, BucketKeyEnabled: aws.Bool(method == "aws:kms")}))
				got := read(t, &s3.GetObjectInput{Bucket: &b, Key: &key}, data)
				for what, o := range map[string]struct {
					method types.ServerSideEncryption
					id     *string
					bucket *bool
				}{"put": {put.ServerSideEncryption, put.SSEKMSKeyId, put.BucketKeyEnabled}, "get": {got.ServerSideEncryption, got.SSEKMSKeyId, got.BucketKeyEnabled}} {
					if o.method != method || aws.ToString(o.id) != made.ARN || aws.ToBool(o.bucket) != (method == "aws:kms") {
						t.Errorf("%s says %s, %s, %t", what, o.method, aws.ToString(o.id), aws.ToBool(o.bucket))
					}
				}
				if strings.Trim(*put.ETag, `"`) == hexMD5(data) {
					t.Error("the ETag tells the MD5")
				}
			}
		}
		must[string](t)(s.CLI("admin", "kms", "rotate-key", "alias/sdk"))
		read(t, &s3.GetObjectInput{Bucket: &b, Key: aws.String("kms/alias/sdk")}, data)
		must[string](t)(s.CLI("admin", "kms", "disable-key", made.ID))
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: aws.String("kms/alias/sdk")})
		wantCode(t, err, "KMS.DisabledException", 400)
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("no"), ServerSideEncryption: "aws:kms", SSEKMSKeyId: aws.String("alias/none")})
		wantCode(t, err, "KMS.NotFoundException", 400)
	})

	t.Run("SSE-C", func(t *testing.T) {
		key := "customer"
		alg, k, sum := customerKey(7)
		_, k2, sum2 := customerKey(8)
		put := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(data),
			SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum}))
		if aws.ToString(put.SSECustomerAlgorithm) != "AES256" || aws.ToString(put.SSECustomerKeyMD5) != *sum || put.ServerSideEncryption != "" {
			t.Errorf("put = %+v", put)
		}
		got := read(t, &s3.GetObjectInput{Bucket: &b, Key: &key, SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum}, data)
		if aws.ToString(got.SSECustomerKeyMD5) != *sum {
			t.Errorf("get says %s", aws.ToString(got.SSECustomerKeyMD5))
		}
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key})
		wantCode(t, err, "InvalidRequest", 400)
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, SSECustomerAlgorithm: alg, SSECustomerKey: k2, SSECustomerKeyMD5: sum2})
		wantCode(t, err, "AccessDenied", 403)
		_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key})
		wantCode(t, err, "BadRequest", 400)
		_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key, SSECustomerAlgorithm: alg, SSECustomerKey: k2, SSECustomerKeyMD5: sum2})
		wantCode(t, err, "Forbidden", 403)
		attributes := &s3.GetObjectAttributesInput{Bucket: &b, Key: &key, ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize}}
		_, err = c.GetObjectAttributes(ctx, attributes)
		wantCode(t, err, "InvalidRequest", 400)
		attributes.SSECustomerAlgorithm, attributes.SSECustomerKey, attributes.SSECustomerKeyMD5 = alg, k, sum
		if out := must[*s3.GetObjectAttributesOutput](t)(c.GetObjectAttributes(ctx, attributes)); *out.ObjectSize != int64(len(data)) {
			t.Errorf("size %d", *out.ObjectSize)
		}
		cp := must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("customer2"), CopySource: aws.String(b + "/" + key),
			CopySourceSSECustomerAlgorithm: alg, CopySourceSSECustomerKey: k, CopySourceSSECustomerKeyMD5: sum,
			SSECustomerAlgorithm: alg, SSECustomerKey: k2, SSECustomerKeyMD5: sum2}))
		if aws.ToString(cp.SSECustomerKeyMD5) != *sum2 {
			t.Errorf("copy says %s", aws.ToString(cp.SSECustomerKeyMD5))
		}
		read(t, &s3.GetObjectInput{Bucket: &b, Key: aws.String("customer2"), SSECustomerAlgorithm: alg, SSECustomerKey: k2, SSECustomerKeyMD5: sum2}, data)
	})

	t.Run("multipart", func(t *testing.T) {
		key := "parts"
		alg, k, sum := customerKey(7)
		up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key,
			SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum}))
		p1, p2 := harness.Bytes(1, 5*mib+3), harness.Bytes(2, 100_000)
		var parts []types.CompletedPart
		for i, p := range [][]byte{p1, p2} {
			n := int32(i + 1)
			out := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: &n,
				Body: bytes.NewReader(p), SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum}))
			parts = append(parts, types.CompletedPart{PartNumber: &n, ETag: out.ETag})
		}
		n := int32(3)
		_, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: &n, Body: bytes.NewReader(p2)})
		wantCode(t, err, "InvalidRequest", 400)
		copied := must[*s3.UploadPartCopyOutput](t)(c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: &n,
			CopySource: aws.String(b + "/customer"), CopySourceSSECustomerAlgorithm: alg, CopySourceSSECustomerKey: k, CopySourceSSECustomerKeyMD5: sum,
			SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum, CopySourceRange: aws.String("bytes=1-70000")}))
		// The second part is the last that may be small.
		parts = append(parts[:1], types.CompletedPart{PartNumber: &n, ETag: copied.CopyPartResult.ETag})
		must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))
		read(t, &s3.GetObjectInput{Bucket: &b, Key: &key, SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum},
			append(bytes.Clone(p1), data[1:70001]...))
	})

	t.Run("bucket", func(t *testing.T) {
		b := newBucket(t, c)
		_, err := c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &b})
		wantCode(t, err, "ServerSideEncryptionConfigurationNotFoundError", 404)
		must[*s3.PutBucketEncryptionOutput](t)(c.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &b,
			ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms"}, BucketKeyEnabled: aws.Bool(true)}}}}))
		got := must[*s3.GetBucketEncryptionOutput](t)(c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &b}))
		rule := got.ServerSideEncryptionConfiguration.Rules[0]
		if rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != "aws:kms" || !*rule.BucketKeyEnabled {
			t.Errorf("rule = %+v", rule)
		}
		put := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("k"), Body: bytes.NewReader(data)}))
		if put.ServerSideEncryption != "aws:kms" || !aws.ToBool(put.BucketKeyEnabled) {
			t.Errorf("put says %s", put.ServerSideEncryption)
		}
		read(t, &s3.GetObjectInput{Bucket: &b, Key: aws.String("k")}, data)
		must[*s3.DeleteBucketEncryptionOutput](t)(c.DeleteBucketEncryption(ctx, &s3.DeleteBucketEncryptionInput{Bucket: &b}))
		put = must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("k")}))
		if put.ServerSideEncryption != "" {
			t.Errorf("put without default says %s", put.ServerSideEncryption)
		}
	})
}

// TestEncryptionByDefault: with the setting, what Amazon does: every object is encrypted and every bucket says so.
func TestEncryptionByDefault(t *testing.T) {
	s := harness.Start(t, harness.Options{Args: []string{"--default-encryption", "AES256", "--sse-c-tls-only"}})
	c := goClient(t, s)
	b := newBucket(t, c)
	ctx := t.Context()
	put := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("k"), Body: strings.NewReader("x")}))
	got := must[*s3.GetBucketEncryptionOutput](t)(c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &b}))
	if rule := got.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault; put.ServerSideEncryption != "AES256" || rule.SSEAlgorithm != "AES256" {
		t.Errorf("put says %s, bucket %s", put.ServerSideEncryption, rule.SSEAlgorithm)
	}
	alg, k, sum := customerKey(7)
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("c"), SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum},
		func(o *s3.Options) {})
	wantCode(t, err, "InvalidRequest", 400)
}

// filesBelow is everything in the data folders of a server and in its log, but for the file that is there to hold a secret.
func filesBelow(t *testing.T, s *harness.Server) []byte {
	t.Helper()
	all := must[[]byte](t)(os.ReadFile(s.LogFile))
	for _, dir := range s.Data {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == "credentials" { // the root's, for "aureole env"
				return err
			}
			data, err := os.ReadFile(path)
			all = append(all, data...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestEncryptedAtRest searches the data folder and the log of a server for what was stored encrypted, and for keys and secrets: right
// after a crash, when the store's log still has it all, and after everything was rewritten by compaction. (The server's own keys,
// which no client knows, are searched for by TestStoredBytesTellNothing in core/object.)
func TestEncryptedAtRest(t *testing.T) {
	s := harness.Start(t, harness.Options{Devices: 2, Args: []string{"--log-level", "debug", "--access-log", "all"}})
	c := goClient(t, s)
	ctx := t.Context()
	b := newBucket(t, c)
	alg, k, sum := customerKey(11)
	rawKey := harness.Bytes(11, 32)
	const userSecret = "user/secret+key0123456789abcdefABCDEF000"
	must[string](t)(s.CLI("admin", "user", "create", "resting", "--access-key", "AKIARESTING000000001", "--secret-key", userSecret))
	must[string](t)(s.CLI("admin", "target", "put", "hook", "--kind", "webhook", "--url", "http://127.0.0.1:1/", "--secret", "token-of-the-webhook"))
	type stored struct {
		key    string
		secret []byte // random, so that no compression of the store's hides it
		plain  bool
		sseC   bool
	}
	var all, parts []stored
	for i, size := range []int{0, 8_000, 300_000} { // in the record, in a row, in blobs
		for j, how := range []s3.PutObjectInput{{}, {ServerSideEncryption: "AES256"}, {ServerSideEncryption: "aws:kms"}, {ServerSideEncryption: "aws:kms:dsse"},
			{SSECustomerAlgorithm: alg, SSECustomerKey: k, SSECustomerKeyMD5: sum}} {
			o := stored{fmt.Sprint(i, "-", j), harness.Bytes(uint64(1000+10*i+j), 64), j == 0, j == 4}
			data := append(bytes.Clone(o.secret), harness.Bytes(uint64(j), size)...)
			how.Bucket, how.Key, how.Body = &b, &o.key, bytes.NewReader(data)
			must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &how))
			all = append(all, o)

			// A part of an upload that is left as it is.
			o = stored{o.key + "-part", harness.Bytes(uint64(2000+10*i+j), 64), j == 0, j == 4}
			up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &o.key,
				ServerSideEncryption: how.ServerSideEncryption, SSECustomerAlgorithm: how.SSECustomerAlgorithm, SSECustomerKey: how.SSECustomerKey, SSECustomerKeyMD5: how.SSECustomerKeyMD5}))
			data = append(bytes.Clone(o.secret), harness.Bytes(uint64(j), size)...)
			must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &o.key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(data),
				SSECustomerAlgorithm: how.SSECustomerAlgorithm, SSECustomerKey: how.SSECustomerKey, SSECustomerKeyMD5: how.SSECustomerKeyMD5}))
			parts = append(parts, o)
		}
	}
	must[string](t)(s.CLI("admin", "kms", "rotate-key", "aureole/s3"))
	must[string](t)(s.CLI("admin", "kms", "rotate-key", "alias/aws/s3"))

	search := func(when string) {
		t.Helper()
		files := filesBelow(t, s)
		for _, o := range append(slices.Clone(all), parts...) {
			if found := bytes.Contains(files, o.secret); found != o.plain {
				t.Errorf("%s: %s can be read in the files: %t, want %t", when, o.key, found, o.plain)
			}
		}
		for what, v := range map[string]string{"the key of SSE-C": string(rawKey), "that key in base64": *k, "that key in hex": hex.EncodeToString(rawKey), "its MD5": *sum,
			"the root's secret": s.SecretKey, "a user's secret": userSecret, "a webhook's token": "token-of-the-webhook"} {
			if bytes.Contains(files, []byte(v)) {
				t.Errorf("%s: %s is in the files", when, what)
			}
		}
	}
	read := func(when string) {
		t.Helper()
		for _, o := range all {
			in := &s3.GetObjectInput{Bucket: &b, Key: &o.key}
			if o.sseC {
				in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = alg, k, sum
			}
			out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, in))
			if got := readAll(t, out.Body); !bytes.HasPrefix(got, o.secret) {
				t.Errorf("%s: %s reads otherwise", when, o.key)
			}
		}
	}
	s.Kill()
	search("after a crash")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	read("after the rotation and a crash")
	// Half of what lies in the segments goes, so that they are written anew.
	for i := range 60 {
		put(t, c, b, fmt.Sprint("filler-", i), harness.Bytes(uint64(5000+i), 400_000))
	}
	for i := range 60 {
		must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String(fmt.Sprint("filler-", i))}))
	}
	must[string](t)(s.CLI("admin", "gc"))
	must[string](t)(s.CLI("admin", "compact"))
	read("after compaction")
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	search("after compaction and a stop")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	read("after a stop")
}

func hexMD5(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
