package clients

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// sizes straddle what servers treat differently: nothing, one byte, inline limits, checksum blocks, buffers.
var sizes = []int{0, 1, 100, 4 << 10, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 + 7, 9<<20 + 3}

// oddKeys are keys that some server, proxy or client has lost or changed.
var oddKeys = []string{
	"plain", "a/b", "a", "a/b/", "trailing/", "/leading", "//two", "a//b", "a///b//", ".", "..", "./x", "../x", "a/./b",
	"a/../b", "a/..", "~tilde", "sp ace", " leading space", "trailing space ", "plus+plus", "per%cent", "%2F", "%00x", "a%2Fb",
	"quest?ion", "ha#sh", "amp&er=eq", "semi;colon", "at@", "colon:", "comma,", "dollar$", "quote'\"", "back\\slash", "caret^",
	"pipe|", "brace{}", "bracket[]", "lt<gt>", "exclam!", "star*", "paren()", "back`tick", "tab\tinside", "newline\ninside",
	"ünïcödé", "日本語/キー", "emoji-😀", "combining-e\u0301", "nbsp\u00a0", "\u200bzero-width", "\U0010FFFFlast",
	"x-amz-meta", "index.html", "robots.txt", "favicon.ico", "healthz", "metrics", "services/compute", "con", "a.b.c",
	strings.Repeat("k", 1024), strings.Repeat("é", 512), strings.Repeat("d/", 512),
}

func TestGoSDKObjects(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		c := goClient(t, s)
		ctx := t.Context()
		b := newBucket(t, c)

		t.Run("sizes", func(t *testing.T) {
			for i, n := range sizes {
				key, body := fmt.Sprintf("size/%d", n), harness.Bytes(uint64(i), n)
				out := put(t, c, b, key, body)
				sum := md5.Sum(body)
				etag := `"` + hex.EncodeToString(sum[:]) + `"`
				if got := aws.ToString(out.ETag); got != etag {
					t.Errorf("%d bytes: ETag %s, want %s", n, got, etag)
				}
				wantBytes(t, key, get(t, c, b, key), body)
				head := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key}))
				if aws.ToInt64(head.ContentLength) != int64(n) || aws.ToString(head.ETag) != etag {
					t.Errorf("HeadObject %s: length %d, ETag %s", key, aws.ToInt64(head.ContentLength), aws.ToString(head.ETag))
				}
				if head.LastModified == nil || time.Since(*head.LastModified).Abs() > time.Hour {
					t.Errorf("HeadObject %s: LastModified %v", key, head.LastModified)
				}
			}
		})

		t.Run("odd keys", func(t *testing.T) {
			b := newBucket(t, c)
			for i, key := range oddKeys {
				put(t, c, b, key, fmt.Appendf(nil, "body %d", i))
			}
			for i, key := range oddKeys {
				wantBytes(t, fmt.Sprintf("%q", key), get(t, c, b, key), fmt.Appendf(nil, "body %d", i))
			}
			want := slices.Clone(oddKeys)
			slices.Sort(want)
			if got := keys(t, c, b, ""); !slices.Equal(got, want) {
				t.Errorf("listing differs:\n got %q\nwant %q", got, want)
			}
			for _, key := range oddKeys {
				must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: &key}))
				absent(t, c, b, key)
			}
			if left := keys(t, c, b, ""); len(left) > 0 {
				t.Errorf("left after deletes: %q", left)
			}
			long := strings.Repeat("k", 1025)
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &long, Body: strings.NewReader("x")})
			wantCode(t, err, "KeyTooLongError", 400)
		})

		t.Run("headers and metadata", func(t *testing.T) {
			key := "meta"
			meta := map[string]string{"simple": "value", "mixed-case": "Va Lue", "mtime": "1700000000.123"}
			expires := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
			must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &b, Key: &key, Body: strings.NewReader("hello"),
				ContentType: aws.String("text/x-odd; charset=utf-8"), CacheControl: aws.String("max-age=60, public"),
				ContentDisposition: aws.String(`attachment; filename="x y.txt"`), ContentEncoding: aws.String("gzip"),
				ContentLanguage: aws.String("de, en"), Expires: &expires, Metadata: meta,
				StorageClass: types.StorageClassStandard, Tagging: aws.String("a=1&b=two%20words"),
			}))
			check := func(what string, h *s3.HeadObjectOutput) {
				t.Helper()
				for _, f := range []struct{ name, got, want string }{
					{"Content-Type", aws.ToString(h.ContentType), "text/x-odd; charset=utf-8"},
					{"Cache-Control", aws.ToString(h.CacheControl), "max-age=60, public"},
					{"Content-Disposition", aws.ToString(h.ContentDisposition), `attachment; filename="x y.txt"`},
					{"Content-Encoding", aws.ToString(h.ContentEncoding), "gzip"},
					{"Content-Language", aws.ToString(h.ContentLanguage), "de, en"},
					{"Expires", aws.ToString(h.ExpiresString), "Mon, 03 Feb 2031 04:05:06 GMT"},
				} {
					if f.got != f.want {
						t.Errorf("%s: %s = %q, want %q", what, f.name, f.got, f.want)
					}
				}
				if !maps.Equal(h.Metadata, meta) {
					t.Errorf("%s: metadata %v, want %v", what, h.Metadata, meta)
				}
			}
			check("HeadObject", must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key})))
			g := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key}))
			readAll(t, g.Body)
			if aws.ToInt32(g.TagCount) != 2 {
				t.Errorf("TagCount = %d, want 2", aws.ToInt32(g.TagCount))
			}
			if !maps.Equal(g.Metadata, meta) {
				t.Errorf("GetObject metadata %v", g.Metadata)
			}
			over := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key,
				ResponseContentType: aws.String("a/b"), ResponseCacheControl: aws.String("no-store"),
				ResponseContentDisposition: aws.String("inline"), ResponseContentLanguage: aws.String("fr"),
				ResponseContentEncoding: aws.String("br"), ResponseExpires: &expires}))
			readAll(t, over.Body)
			if aws.ToString(over.ContentType) != "a/b" || aws.ToString(over.CacheControl) != "no-store" ||
				aws.ToString(over.ContentDisposition) != "inline" || aws.ToString(over.ContentLanguage) != "fr" ||
				aws.ToString(over.ContentEncoding) != "br" {
				t.Errorf("response overrides not honoured: %q %q %q %q %q", aws.ToString(over.ContentType), aws.ToString(over.CacheControl),
					aws.ToString(over.ContentDisposition), aws.ToString(over.ContentLanguage), aws.ToString(over.ContentEncoding))
			}
			big := map[string]string{"big": strings.Repeat("m", 2100)}
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("bigmeta"), Metadata: big})
			wantCode(t, err, "MetadataTooLarge", 400)
			absent(t, c, b, "bigmeta")
			if plain := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: aws.String("size/1")})); !strings.Contains(aws.ToString(plain.ContentType), "octet-stream") {
				t.Errorf("default Content-Type = %q", aws.ToString(plain.ContentType))
			}
		})

		t.Run("ranges", func(t *testing.T) {
			for _, n := range []int{10, 200_000} {
				key, body := fmt.Sprintf("range/%d", n), harness.Bytes(77, n)
				put(t, c, b, key, body)
				for _, r := range []struct {
					header      string
					first, last int
				}{
					{"bytes=0-0", 0, 0}, {"bytes=0-", 0, n - 1}, {"bytes=3-6", 3, 6}, {"bytes=-4", n - 4, n - 1},
					{"bytes=5-99999999", 5, n - 1}, {"bytes=-99999999", 0, n - 1}, {fmt.Sprintf("bytes=%d-", n-1), n - 1, n - 1},
				} {
					out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, Range: &r.header})
					if err != nil {
						t.Fatalf("Range %s of %d: %v", r.header, n, err)
					}
					wantBytes(t, r.header, readAll(t, out.Body), body[r.first:r.last+1])
					if want := fmt.Sprintf("bytes %d-%d/%d", r.first, r.last, n); aws.ToString(out.ContentRange) != want {
						t.Errorf("Content-Range = %q, want %q", aws.ToString(out.ContentRange), want)
					}
				}
				_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-", n))})
				wantCode(t, err, "InvalidRange", 416)
				for _, ignored := range []string{"bytes=0-1,3-4", "lines=1-2", "bytes=5-2", "garbage"} {
					out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, Range: &ignored})
					if err != nil {
						t.Errorf("Range %q: %v, want the whole object", ignored, err)
						continue
					}
					wantBytes(t, "Range "+ignored, readAll(t, out.Body), body)
				}
			}
		})

		t.Run("delete", func(t *testing.T) {
			put(t, c, b, "gone", []byte("x"))
			for range 2 { // deleting what is not there succeeds
				must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b, Key: aws.String("gone")}))
			}
			if err := s3.NewObjectNotExistsWaiter(c).Wait(ctx, &s3.HeadObjectInput{Bucket: &b, Key: aws.String("gone")}, 10*time.Second); err != nil {
				t.Error(err)
			}
			_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: aws.String("gone")})
			wantCode(t, err, "NoSuchKey", 404)

			var ids []types.ObjectIdentifier
			for i := range 1000 {
				key := fmt.Sprintf("many/%04d <&>\"'", i)
				if i%10 == 0 {
					put(t, c, b, key, []byte("x"))
				}
				ids = append(ids, types.ObjectIdentifier{Key: &key})
			}
			out := must[*s3.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: ids}}))
			if len(out.Deleted) != 1000 || len(out.Errors) != 0 {
				t.Errorf("DeleteObjects: %d deleted, %d errors", len(out.Deleted), len(out.Errors))
			}
			if left := keys(t, c, b, "many/"); len(left) != 0 {
				t.Errorf("left: %q", left)
			}
			put(t, c, b, "quiet", []byte("x"))
			out = must[*s3.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b,
				Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("quiet")}}, Quiet: aws.Bool(true)}}))
			if len(out.Deleted) != 0 {
				t.Errorf("quiet DeleteObjects named %d keys", len(out.Deleted))
			}
			absent(t, c, b, "quiet")
			_, err = c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b, Delete: &types.Delete{Objects: append(ids, types.ObjectIdentifier{Key: aws.String("one too many")})}})
			wantCode(t, err, "MalformedXML", 400)
		})

		t.Run("copy", func(t *testing.T) {
			other := newBucket(t, c)
			for _, n := range []int{5, 300_000} {
				src := fmt.Sprintf("copy src/%d+é", n)
				body := harness.Bytes(5, n)
				must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &src, Body: bytes.NewReader(body),
					ContentType: aws.String("text/plain"), Metadata: map[string]string{"k": "v"}, Tagging: aws.String("t=1")}))
				from := b + "/" + copyEscape(src)
				dst := "copied"
				out := must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &other, Key: &dst, CopySource: &from}))
				if aws.ToString(out.CopyObjectResult.ETag) == "" || out.CopyObjectResult.LastModified == nil {
					t.Errorf("CopyObjectResult = %+v", out.CopyObjectResult)
				}
				wantBytes(t, "copy", get(t, c, other, dst), body)
				head := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &other, Key: &dst}))
				if aws.ToString(head.ContentType) != "text/plain" || head.Metadata["k"] != "v" {
					t.Errorf("copy lost its headers: %q %v", aws.ToString(head.ContentType), head.Metadata)
				}
				tags := must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &other, Key: &dst}))
				if len(tags.TagSet) != 1 {
					t.Errorf("copy has tags %v", tagStrings(tags.TagSet))
				}
				// Onto itself: refused without a change, a way to change metadata with REPLACE.
				_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: &src, CopySource: &from})
				wantCode(t, err, "InvalidRequest", 400)
				must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: &src, CopySource: &from,
					MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"new": "1"}, ContentType: aws.String("a/c")}))
				head = must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &src}))
				if aws.ToString(head.ContentType) != "a/c" || !maps.Equal(head.Metadata, map[string]string{"new": "1"}) {
					t.Errorf("REPLACE: %q %v", aws.ToString(head.ContentType), head.Metadata)
				}
				wantBytes(t, "after REPLACE", get(t, c, b, src), body)
			}
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("d"), CopySource: aws.String(b + "/not-there")})
			wantCode(t, err, "NoSuchKey", 404)
		})

		t.Run("tagging", func(t *testing.T) {
			key := "tagged"
			put(t, c, b, key, []byte("x"))
			none := must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b, Key: &key}))
			if len(none.TagSet) != 0 {
				t.Errorf("tags = %v, want none", tagStrings(none.TagSet))
			}
			set := []types.Tag{{Key: aws.String("a+b"), Value: aws.String("c d/é")}, {Key: aws.String("k2"), Value: aws.String("")}}
			must[*s3.PutObjectTaggingOutput](t)(c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &b, Key: &key, Tagging: &types.Tagging{TagSet: set}}))
			got := must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b, Key: &key}))
			if !sameTags(got.TagSet, set) {
				t.Errorf("tags = %v", tagStrings(got.TagSet))
			}
			wantBytes(t, "body after tagging", get(t, c, b, key), []byte("x"))
			must[*s3.DeleteObjectTaggingOutput](t)(c.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: &b, Key: &key}))
			got = must[*s3.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b, Key: &key}))
			if len(got.TagSet) != 0 {
				t.Errorf("tags after delete = %v", tagStrings(got.TagSet))
			}
			var many []types.Tag
			for i := range 11 {
				many = append(many, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")})
			}
			_, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &b, Key: &key, Tagging: &types.Tagging{TagSet: many}})
			wantCode(t, err, "BadRequest", 400)
			_, err = c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: &b, Key: &key, Tagging: &types.Tagging{TagSet: []types.Tag{set[0], set[0]}}})
			wantCode(t, err, "InvalidTag", 400)
			_, err = c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b, Key: aws.String("none")})
			wantCode(t, err, "NoSuchKey", 404)
		})
	})
}

// copyEscape encodes a key for x-amz-copy-source.
func copyEscape(key string) string {
	r := strings.NewReplacer("%", "%25", "+", "%2B", " ", "%20", "é", "%C3%A9", "?", "%3F")
	return r.Replace(key)
}
