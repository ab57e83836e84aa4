package clients

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestMinioGo drives the client under restic, kopia, Thanos, Loki and mc: over plain HTTP it sends signed chunks
// without saying so in Content-Encoding.
func TestMinioGo(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		v4, v2 := credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), credentials.NewStaticV2(s.AccessKey, s.SecretKey, "")
		for _, mode := range []struct {
			name     string
			creds    *credentials.Credentials
			trailing bool
		}{{"sigv4", v4, false}, {"trailers", v4, true}, {"sigv2", v2, false}} {
			t.Run(mode.name, func(t *testing.T) {
				c, err := minio.New(s.Host, &minio.Options{Creds: mode.creds, TrailingHeaders: mode.trailing, Secure: s.CAFile != "", Transport: httpClient(t, s).Transport, BucketLookup: minio.BucketLookupPath})
				if err != nil {
					t.Fatal(err)
				}
				minioGo(t, s, c, mode.trailing)
			})
		}
	})
}

func minioGo(t *testing.T, s *harness.Server, c *minio.Client, trailing bool) {
	ctx := t.Context()
	b := bucketName(t)
	if err := c.MakeBucket(ctx, b, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if ok, err := c.BucketExists(ctx, b); err != nil || !ok {
		t.Fatalf("BucketExists = %v, %v", ok, err)
	}
	read := func(key string) []byte {
		t.Helper()
		o, err := c.GetObject(ctx, b, key, minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		got, err := io.ReadAll(o)
		if err != nil {
			t.Fatalf("read %q: %v", key, err)
		}
		return got
	}

	for _, n := range []int{0, 1, 65535, 65536, 65537, 200_000, 6 * mib} {
		body := harness.Bytes(uint64(n), n)
		ways := map[string]minio.PutObjectOptions{
			"default":      {},
			"md5":          {SendContentMd5: true},
			"no signature": {DisableContentSha256: true},
		}
		if trailing {
			ways = map[string]minio.PutObjectOptions{
				"crc32c":    {Checksum: minio.ChecksumCRC32C},
				"crc64nvme": {Checksum: minio.ChecksumCRC64NVME},
				"sha256":    {Checksum: minio.ChecksumSHA256},
			}
		}
		for how, opts := range ways {
			opts.UserMetadata = map[string]string{"How": how}
			key := fmt.Sprintf("put/%s/%d", how, n)
			if _, err := c.PutObject(ctx, b, key, bytes.NewReader(body), int64(n), opts); err != nil {
				t.Fatalf("PutObject %s: %v", key, err)
			}
			wantBytes(t, key, read(key), body)
			info, err := c.StatObject(ctx, b, key, minio.StatObjectOptions{})
			if err != nil || info.Size != int64(n) || info.UserMetadata["How"] != how {
				t.Errorf("StatObject %s: %+v, %v", key, info, err)
			}
		}
	}

	t.Run("multipart of unknown size", func(t *testing.T) {
		body := harness.Bytes(5, 17*mib+3)
		if _, err := c.PutObject(ctx, b, "unknown", io.MultiReader(bytes.NewReader(body)), -1, minio.PutObjectOptions{PartSize: 5 * mib}); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, "unknown size", read("unknown"), body)
		if _, err := c.PutObject(ctx, b, "one", bytes.NewReader([]byte("1")), 1, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.ComposeObject(ctx, minio.CopyDestOptions{Bucket: b, Object: "composed"},
			minio.CopySrcOptions{Bucket: b, Object: "unknown"}, minio.CopySrcOptions{Bucket: b, Object: "one"}); err != nil {
			t.Fatalf("ComposeObject: %v", err)
		}
		wantBytes(t, "composed", read("composed"), append(bytes.Clone(body), '1'))
	})

	t.Run("list and remove", func(t *testing.T) {
		n := 0
		for o := range c.ListObjects(ctx, b, minio.ListObjectsOptions{Prefix: "put/", Recursive: true, MaxKeys: 4}) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			n++
		}
		if n != 21 {
			t.Errorf("%d objects listed, want 21", n)
		}
		for o := range c.ListObjects(ctx, b, minio.ListObjectsOptions{Prefix: "put/", Recursive: true, UseV1: true, MaxKeys: 5}) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			n--
		}
		if n != 0 {
			t.Errorf("version 1 lists another number of objects: %d left", n)
		}
		objects := make(chan minio.ObjectInfo)
		go func() {
			defer close(objects)
			for o := range c.ListObjects(ctx, b, minio.ListObjectsOptions{Recursive: true}) {
				objects <- o
			}
		}()
		for e := range c.RemoveObjects(ctx, b, objects, minio.RemoveObjectsOptions{}) {
			t.Errorf("RemoveObjects %q: %v", e.ObjectName, e.Err)
		}
		if err := c.RemoveBucket(ctx, b); err != nil {
			t.Errorf("RemoveBucket: %v", err)
		}
	})

	t.Run("errors and presign", func(t *testing.T) {
		if err := c.MakeBucket(ctx, b, minio.MakeBucketOptions{}); err != nil {
			t.Fatal(err)
		}
		_, err := c.StatObject(ctx, b, "none", minio.StatObjectOptions{})
		if code := minio.ToErrorResponse(err).Code; code != "NoSuchKey" {
			t.Errorf("StatObject of nothing: %v", err)
		}
		u, err := c.PresignedPutObject(ctx, b, "pre signed", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, out, _ := fetch(t, httpClient(t, s), "PUT", u.String(), nil, []byte("body")); status != 200 {
			t.Errorf("presigned PUT: %d %.300s", status, out)
		}
		wantBytes(t, "presigned", read("pre signed"), []byte("body"))
	})
}
