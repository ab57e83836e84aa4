package clients

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// checksumCase ties an algorithm to its fields in the SDK's types and to an independent computation.
type checksumCase struct {
	alg        types.ChecksumAlgorithm
	sum        func([]byte) []byte
	full       bool // may be FULL_OBJECT in a multipart upload
	composite  bool
	goComputes bool // the Go SDK computes it by itself from ChecksumAlgorithm
}

func sumWith(h func() hash.Hash) func([]byte) []byte {
	return func(b []byte) []byte {
		x := h()
		x.Write(b)
		return x.Sum(nil)
	}
}

var checksumCases = []checksumCase{
	{"CRC32", func(b []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) }, true, true, true},
	{"CRC32C", func(b []byte) []byte {
		return binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}, true, true, true},
	{"CRC64NVME", func(b []byte) []byte { return binary.BigEndian.AppendUint64(nil, crc64nvme.Checksum(b)) }, true, false, true},
	{"SHA1", sumWith(sha1.New), false, true, true},
	{"SHA256", sumWith(sha256.New), false, true, true},
	{"SHA512", sumWith(sha512.New), false, true, false},
	{"MD5", sumWith(md5.New), false, true, false},
	{"XXHASH64", func(b []byte) []byte { return binary.BigEndian.AppendUint64(nil, xxhash.Sum64(b)) }, false, true, false},
	{"XXHASH3", func(b []byte) []byte { return binary.BigEndian.AppendUint64(nil, xxh3.Hash(b)) }, false, true, false},
	{"XXHASH128", func(b []byte) []byte { s := xxh3.Hash128(b).Bytes(); return s[:] }, false, true, false},
}

func (cc checksumCase) base64(b []byte) string { return base64.StdEncoding.EncodeToString(cc.sum(b)) }

// setPut gives the value itself in the field of its algorithm.
func (cc checksumCase) setPut(in *s3.PutObjectInput, v string) {
	*map[types.ChecksumAlgorithm]**string{
		"CRC32": &in.ChecksumCRC32, "CRC32C": &in.ChecksumCRC32C, "CRC64NVME": &in.ChecksumCRC64NVME, "SHA1": &in.ChecksumSHA1,
		"SHA256": &in.ChecksumSHA256, "SHA512": &in.ChecksumSHA512, "MD5": &in.ChecksumMD5, "XXHASH64": &in.ChecksumXXHASH64,
		"XXHASH3": &in.ChecksumXXHASH3, "XXHASH128": &in.ChecksumXXHASH128,
	}[cc.alg] = &v
}

func (cc checksumCase) ofHead(h *s3.HeadObjectOutput) string {
	return aws.ToString(map[types.ChecksumAlgorithm]*string{
		"CRC32": h.ChecksumCRC32, "CRC32C": h.ChecksumCRC32C, "CRC64NVME": h.ChecksumCRC64NVME, "SHA1": h.ChecksumSHA1,
		"SHA256": h.ChecksumSHA256, "SHA512": h.ChecksumSHA512, "MD5": h.ChecksumMD5, "XXHASH64": h.ChecksumXXHASH64,
		"XXHASH3": h.ChecksumXXHASH3, "XXHASH128": h.ChecksumXXHASH128,
	}[cc.alg])
}

func TestGoSDKChecksums(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		c := goClient(t, s)
		ctx := t.Context()
		b := newBucket(t, c)
		head := func(t *testing.T, key string) *s3.HeadObjectOutput {
			t.Helper()
			return must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b, Key: &key, ChecksumMode: types.ChecksumModeEnabled}))
		}

		for _, cc := range checksumCases {
			for _, n := range []int{11, 3*mib + 1} {
				body := harness.Bytes(uint64(n), n)
				t.Run(fmt.Sprint(cc.alg, " ", n), func(t *testing.T) {
					key := fmt.Sprint(cc.alg, "/", n)
					in := &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader(body)}
					if cc.goComputes {
						in.ChecksumAlgorithm = cc.alg // over TLS this becomes a trailer
					} else {
						cc.setPut(in, cc.base64(body))
					}
					must[*s3.PutObjectOutput](t)(c.PutObject(ctx, in))
					h := head(t, key)
					if got, want := cc.ofHead(h), cc.base64(body); got != want || h.ChecksumType != types.ChecksumTypeFullObject {
						t.Errorf("HeadObject says %q %s, want %q FULL_OBJECT", got, h.ChecksumType, want)
					}
					out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, ChecksumMode: types.ChecksumModeEnabled}))
					wantBytes(t, key, readAll(t, out.Body), body) // the SDK verifies what it knows while reading
					part := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b, Key: &key, Range: aws.String("bytes=1-5"), ChecksumMode: types.ChecksumModeEnabled}))
					wantBytes(t, "range", readAll(t, part.Body), body[1:6])
				})
			}
			t.Run(fmt.Sprint(cc.alg, " wrong"), func(t *testing.T) {
				key := fmt.Sprint(cc.alg, "/wrong")
				in := &s3.PutObjectInput{Bucket: &b, Key: &key, Body: bytes.NewReader([]byte("right"))}
				cc.setPut(in, cc.base64([]byte("wrong")))
				_, err := c.PutObject(ctx, in)
				wantCode(t, err, "BadDigest", 400)
				absent(t, c, b, key)
			})
		}

		t.Run("default", func(t *testing.T) {
			// Given no checksum at all, S3 computes CRC64NVME itself.
			bare := goClient(t, s, func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
			body := harness.Bytes(8, 70_000)
			put(t, bare, b, "bare", body)
			if h := head(t, "bare"); aws.ToString(h.ChecksumCRC64NVME) != checksumCases[2].base64(body) {
				t.Errorf("CRC64NVME = %q, want %q", aws.ToString(h.ChecksumCRC64NVME), checksumCases[2].base64(body))
			}
			put(t, c, b, "sdk default", body)
			if h := head(t, "sdk default"); aws.ToString(h.ChecksumCRC32) != checksumCases[0].base64(body) {
				t.Errorf("CRC32 = %q, want %q", aws.ToString(h.ChecksumCRC32), checksumCases[0].base64(body))
			}
		})

		t.Run("md5 header", func(t *testing.T) {
			sum := md5.Sum([]byte("hello"))
			good := base64.StdEncoding.EncodeToString(sum[:])
			must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("md5"), Body: bytes.NewReader([]byte("hello")), ContentMD5: &good}))
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("md5-bad"), Body: bytes.NewReader([]byte("hellx")), ContentMD5: &good})
			wantCode(t, err, "BadDigest", 400)
			_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &b, Key: aws.String("md5-bad"), Body: bytes.NewReader([]byte("hello")), ContentMD5: aws.String("not base64")})
			wantCode(t, err, "InvalidDigest", 400)
			absent(t, c, b, "md5-bad")
		})

		t.Run("multipart", func(t *testing.T) {
			p1, p2 := harness.Bytes(1, 5*mib), harness.Bytes(2, 77_777)
			whole := append(bytes.Clone(p1), p2...)
			for _, cc := range checksumCases {
				if !cc.goComputes {
					continue
				}
				for _, kind := range []types.ChecksumType{types.ChecksumTypeFullObject, types.ChecksumTypeComposite} {
					if kind == types.ChecksumTypeFullObject && !cc.full || kind == types.ChecksumTypeComposite && !cc.composite {
						key := "not-possible"
						_, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key, ChecksumAlgorithm: cc.alg, ChecksumType: kind})
						wantCode(t, err, "InvalidRequest", 400)
						continue
					}
					t.Run(fmt.Sprint(cc.alg, " ", kind), func(t *testing.T) {
						key := fmt.Sprint("mp/", cc.alg, "/", kind)
						up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key, ChecksumAlgorithm: cc.alg, ChecksumType: kind}))
						if up.ChecksumAlgorithm != cc.alg || up.ChecksumType != kind {
							t.Errorf("CreateMultipartUpload says %s %s", up.ChecksumAlgorithm, up.ChecksumType)
						}
						var done []types.CompletedPart
						for i, p := range [][]byte{p1, p2} {
							out := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(p), ChecksumAlgorithm: cc.alg}))
							part := types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
								ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256}
							if part.ChecksumCRC32 == nil && part.ChecksumCRC32C == nil && part.ChecksumCRC64NVME == nil && part.ChecksumSHA1 == nil && part.ChecksumSHA256 == nil {
								t.Error("UploadPart did not echo the checksum")
							}
							done = append(done, part)
						}
						must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId,
							ChecksumType: kind, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}))
						want := cc.base64(whole)
						if kind == types.ChecksumTypeComposite {
							want = base64.StdEncoding.EncodeToString(cc.sum(append(cc.sum(p1), cc.sum(p2)...))) + "-2"
						}
						h := head(t, key)
						if got := cc.ofHead(h); got != want || h.ChecksumType != kind {
							t.Errorf("HeadObject says %q %s, want %q %s", got, h.ChecksumType, want, kind)
						}
						wantBytes(t, key, get(t, c, b, key), whole)
						attrs := must[*s3.GetObjectAttributesOutput](t)(c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: &b, Key: &key,
							ObjectAttributes: []types.ObjectAttributes{"Checksum", "ObjectParts"}}))
						if attrs.Checksum == nil || attrs.Checksum.ChecksumType != kind {
							t.Errorf("GetObjectAttributes checksum = %+v", attrs.Checksum)
						}
					})
				}
			}
			t.Run("wrong at the end", func(t *testing.T) {
				key := "mp/wrong"
				up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key, ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT"}))
				out := must[*s3.UploadPartOutput](t)(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(p2), ChecksumAlgorithm: "CRC32"}))
				part := types.CompletedPart{PartNumber: aws.Int32(1), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}
				_, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId, ChecksumType: "FULL_OBJECT",
					ChecksumCRC32: aws.String(checksumCases[0].base64([]byte("other"))), MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{part}}})
				wantCode(t, err, "BadDigest", 400)
				_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId, MpuObjectSize: aws.Int64(1),
					MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{part}}})
				wantCode(t, err, "InvalidRequest", 400)
				absent(t, c, b, key)
			})
		})

		t.Run("copy", func(t *testing.T) {
			body := []byte("copied with another checksum")
			put(t, c, b, "cs", body)
			must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("cd"), CopySource: aws.String(b + "/cs"), ChecksumAlgorithm: "SHA256"}))
			if h := head(t, "cd"); aws.ToString(h.ChecksumSHA256) != checksumCases[4].base64(body) {
				t.Errorf("SHA256 of the copy = %q", aws.ToString(h.ChecksumSHA256))
			}
			must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b, Key: aws.String("ck"), CopySource: aws.String(b + "/cs")}))
			if h := head(t, "ck"); aws.ToString(h.ChecksumCRC32) != checksumCases[0].base64(body) {
				t.Errorf("CRC32 of the copy = %q, want the source's", aws.ToString(h.ChecksumCRC32))
			}
		})
	})
}
