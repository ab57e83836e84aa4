package clients

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// modelList is what a listing must give: entries and common prefixes in byte order.
func modelList(keys []string, prefix, delimiter, after string) []string {
	var out []string
	for _, k := range keys {
		if !strings.HasPrefix(k, prefix) || k <= after {
			continue
		}
		if delimiter != "" {
			if i := strings.Index(k[len(prefix):], delimiter); i >= 0 {
				p := k[:len(prefix)+i+len(delimiter)]
				if len(out) == 0 || out[len(out)-1] != p+" (prefix)" {
					out = append(out, p+" (prefix)")
				}
				continue
			}
		}
		out = append(out, k)
	}
	return out
}

func TestGoSDKListings(t *testing.T) {
	s := harness.ForClients(t, false)
	c := goClient(t, s)
	ctx := t.Context()
	b := newBucket(t, c)

	all := []string{"a", "a b", "a+b", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "a0", "b", "b//", "b//x", "b/x", "c\u00e9/1", "c\u00e9/2",
		"d%2F1", "d/1", "e\n1", "photos/2024/01/x.jpg", "photos/2024/02/y.jpg", "photos/2025/z.jpg", "z\U0001F600", "\uFFFD", "\U00010000"}
	for i := range 60 {
		all = append(all, fmt.Sprintf("many/%03d/leaf", i/3)+fmt.Sprint(i))
	}
	slices.Sort(all)
	var wg sync.WaitGroup
	limit := make(chan struct{}, 8)
	for _, key := range all {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: &key, Body: strings.NewReader("x")}); err != nil {
				t.Errorf("put %q: %v", key, err)
			}
		})
	}
	wg.Wait()

	queries := []struct{ prefix, delimiter string }{
		{"", ""}, {"a", ""}, {"a/", "/"}, {"", "/"}, {"many/", "/"}, {"many/0", "/"}, {"b", "/"}, {"b/", "/"}, {"b//", "/"},
		{"photos/", "/"}, {"photos/2024", "/"}, {"", "leaf"}, {"c\u00e9", "/"}, {"none", "/"}, {"a/b/1", "/"}, {"", "%"}, {"many/", "00"},
	}
	for _, q := range queries {
		for _, size := range []int32{1, 2, 7, 1000} {
			t.Run(fmt.Sprintf("v2 %q %q by %d", q.prefix, q.delimiter, size), func(t *testing.T) {
				want := modelList(all, q.prefix, q.delimiter, "")
				var got []string
				in := &s3.ListObjectsV2Input{Bucket: &b, Prefix: &q.prefix, Delimiter: &q.delimiter, MaxKeys: &size}
				if q.delimiter == "" {
					in.Delimiter = nil
				}
				pages := s3.NewListObjectsV2Paginator(c, in)
				for n := 0; pages.HasMorePages(); n++ {
					page := must[*s3.ListObjectsV2Output](t)(pages.NextPage(ctx))
					if k := int32(len(page.Contents) + len(page.CommonPrefixes)); k > size || k != aws.ToInt32(page.KeyCount) {
						t.Fatalf("page of %d entries, KeyCount %d, asked for %d", k, aws.ToInt32(page.KeyCount), size)
					}
					if n > len(all) {
						t.Fatal("the listing does not end")
					}
					got = append(got, pageEntries(page.Contents, page.CommonPrefixes)...)
				}
				if !slices.Equal(got, want) {
					t.Errorf("got\n%q, want\n%q", got, want)
				}
			})
			t.Run(fmt.Sprintf("v1 %q %q by %d", q.prefix, q.delimiter, size), func(t *testing.T) {
				want := modelList(all, q.prefix, q.delimiter, "")
				var got []string
				marker := ""
				for n := 0; ; n++ {
					in := &s3.ListObjectsInput{Bucket: &b, Prefix: &q.prefix, MaxKeys: &size, Marker: &marker}
					if q.delimiter != "" {
						in.Delimiter = &q.delimiter
					}
					page := must[*s3.ListObjectsOutput](t)(c.ListObjects(ctx, in))
					got = append(got, pageEntries(page.Contents, page.CommonPrefixes)...)
					if !aws.ToBool(page.IsTruncated) {
						break
					}
					if n > len(all) {
						t.Fatal("the listing does not end")
					}
					if q.delimiter != "" {
						if page.NextMarker == nil {
							t.Fatal("no NextMarker with a delimiter")
						}
						marker = *page.NextMarker
					} else {
						marker = aws.ToString(page.Contents[len(page.Contents)-1].Key)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("got\n%q, want\n%q", got, want)
				}
			})
		}
	}

	t.Run("start-after", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			after := all[rng.IntN(len(all))] + []string{"", "!", "/", "~"}[rng.IntN(4)]
			want := modelList(all, "", "", after)
			out := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b, StartAfter: &after}))
			if got := pageEntries(out.Contents, nil); !slices.Equal(got, want) {
				t.Errorf("after %q: got %q, want %q", after, got, want)
			}
		}
	})

	t.Run("details", func(t *testing.T) {
		out := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b, MaxKeys: aws.Int32(1), FetchOwner: aws.Bool(true)}))
		o := out.Contents[0]
		if aws.ToInt64(o.Size) != 1 || aws.ToString(o.ETag) != `"9dd4e461268c8034f5c8564e155c67a6"` || o.LastModified == nil ||
			o.StorageClass != "STANDARD" || o.Owner == nil || aws.ToString(o.Owner.ID) == "" {
			t.Errorf("entry = %+v owner %+v", o, o.Owner)
		}
		none := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b, MaxKeys: aws.Int32(0)}))
		if len(none.Contents) != 0 || aws.ToBool(none.IsTruncated) {
			t.Errorf("max-keys=0 gave %d keys, truncated %v", len(none.Contents), aws.ToBool(none.IsTruncated))
		}
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b, MaxKeys: aws.Int32(-1)})
		wantCode(t, err, "InvalidArgument", 400)
		_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b, ContinuationToken: aws.String("")})
		if err != nil { // an empty token is refused by Amazon
			wantCode(t, err, "InvalidArgument", 400)
		}
		enc := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b, Prefix: aws.String("e\n"), EncodingType: types.EncodingTypeUrl}))
		if len(enc.Contents) != 1 || aws.ToString(enc.Contents[0].Key) != "e%0A1" {
			t.Errorf("encoded listing = %q", pageEntries(enc.Contents, nil))
		}
	})
}

// pageEntries merges a page's keys and prefixes in byte order.
func pageEntries(contents []types.Object, prefixes []types.CommonPrefix) []string {
	var list []string
	for _, o := range contents {
		list = append(list, aws.ToString(o.Key))
	}
	for _, p := range prefixes {
		list = append(list, aws.ToString(p.Prefix)+" (prefix)")
	}
	slices.SortFunc(list, func(x, y string) int {
		return strings.Compare(strings.TrimSuffix(x, " (prefix)"), strings.TrimSuffix(y, " (prefix)"))
	})
	return list
}
