package chunked_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/chunked"
	"github.com/aureole-cloud/aureole/s3api/chunked/chunkedtest"
)

func seed() *sigv4.Verified { return chunkedtest.Seed("secret", "20260101T000000Z", "us-east-1") }

// The two streaming examples of the S3 API reference: 65 KiB of 'a' in chunks of 64 KiB.
func TestDocumentedSignatures(t *testing.T) {
	example := func(seed string) *sigv4.Verified {
		v := &sigv4.Verified{Version: 4, Region: "us-east-1", Service: "s3", Date: "20130524", Timestamp: "20130524T000000Z", SeedSignature: seed}
		v.SigningKey = sigv4.DeriveKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", v.Date, v.Region, v.Service)
		return v
	}
	data := strings.Repeat("a", 65*1024)
	part1, part2 := data[:64<<10], data[64<<10:]
	plain := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + part1 + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + part2 + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	trailing := "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" + part1 + "\r\n" +
		"400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" + part2 + "\r\n" +
		"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\n\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
	for _, tc := range []struct {
		name, body string
		o          chunked.Options
	}{
		{"PAYLOAD", plain, chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: int64(len(plain)),
			Signature: example("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")}},
		{"TRAILER", trailing, chunked.Options{PayloadHash: sigv4.StreamingSignedTrailer, ContentLength: -1, Trailer: "x-amz-checksum-crc32c",
			Signature: example("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.o.DecodedLength = int64(len(data))
			r, err := chunked.NewReader(strings.NewReader(tc.body), tc.o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != data {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if v, _ := r.Trailer("x-amz-checksum-crc32c"); tc.o.Trailer != "" && v != "sOO8/Q==" {
				t.Errorf("trailers %v", r.Trailers())
			}
		})
	}
}

// mode is one form of body, well made.
type mode struct {
	name string
	make func(data []byte, chunks []int) ([]byte, chunked.Options)
}

func modes() []mode {
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	trailers := []chunkedtest.Trailer{{Name: "x-amz-checksum-crc32", Value: "AAAAAA=="}}
	return []mode{
		{"hex", func(data []byte, _ []int) ([]byte, chunked.Options) {
			return data, chunked.Options{PayloadHash: sum(data), ContentLength: int64(len(data)), DecodedLength: -1}
		}},
		{"unsigned", func(data []byte, _ []int) ([]byte, chunked.Options) {
			return data, chunked.Options{PayloadHash: sigv4.UnsignedPayload, ContentLength: int64(len(data)), DecodedLength: -1}
		}},
		{"unsigned-trailer", func(data []byte, chunks []int) ([]byte, chunked.Options) {
			b := chunkedtest.Body{Data: data, Chunks: chunks, Trailers: trailers}.Encode()
			return b, chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: -1, DecodedLength: int64(len(data)), Trailer: "x-amz-checksum-crc32"}
		}},
		{"unsigned-trailer-lf", func(data []byte, chunks []int) ([]byte, chunked.Options) {
			b := chunkedtest.Body{Data: data, Chunks: chunks, Trailers: trailers, LineEnd: "\n\r\n"}.Encode()
			return b, chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: int64(len(b)), DecodedLength: int64(len(data)), Trailer: " X-Amz-Checksum-CRC32 "}
		}},
		{"signed", func(data []byte, chunks []int) ([]byte, chunked.Options) {
			b := chunkedtest.Body{Data: data, Chunks: chunks, Signature: seed()}.Encode()
			return b, chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: int64(len(b)), DecodedLength: int64(len(data)), Signature: seed()}
		}},
		{"signed-trailer", func(data []byte, chunks []int) ([]byte, chunked.Options) {
			b := chunkedtest.Body{Data: data, Chunks: chunks, Signature: seed(), Trailers: trailers}.Encode()
			return b, chunked.Options{PayloadHash: sigv4.StreamingSignedTrailer, ContentLength: int64(len(b)), DecodedLength: int64(len(data)), Signature: seed(), Trailer: "x-amz-checksum-crc32"}
		}},
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func decode(body io.Reader, o chunked.Options, step int) ([]byte, *chunked.Reader, error) {
	r, err := chunked.NewReader(body, o)
	if err != nil {
		return nil, nil, err
	}
	var out []byte
	buf := make([]byte, step)
	for {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if err == io.EOF {
			return out, r, nil
		}
		if err != nil {
			return out, r, err
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range modes() {
		t.Run(m.name, func(t *testing.T) {
			for _, size := range []int{0, 1, 2, 100, 4095, 4096, 4097, 8192, 70_001} {
				for _, chunks := range [][]int{nil, {1 << 16}, {8192}, {1, 2, 3, 1000}, {4096}, {4095, 4097, 10_000}} {
					data := random(size)
					body, o := m.make(data, chunks)
					for _, step := range []int{1, 7, 4096, 5000, 1 << 20} {
						if (step == 1 || step == 7) && size > 5000 {
							continue // slow, and no other path than for the smaller ones
						}
						for kind, src := range map[string]io.Reader{
							"whole": bytes.NewReader(body), "half": iotest.HalfReader(bytes.NewReader(body)),
							"dataerr": iotest.DataErrReader(bytes.NewReader(body)), "byte": iotest.OneByteReader(bytes.NewReader(body)),
						} {
							if kind == "byte" && size > 5000 && step != 4096 {
								continue
							}
							got, r, err := decode(src, o, step)
							if err != nil || !bytes.Equal(got, data) {
								t.Fatalf("size %d chunks %v step %d %s: %d bytes, %v", size, chunks, step, kind, len(got), err)
							}
							if r.Size() != int64(size) {
								t.Errorf("Size %d, want %d", r.Size(), size)
							}
							if v, ok := r.Trailer("x-amz-checksum-crc32"); o.Trailer != "" && (!ok || v != "AAAAAA==") {
								t.Errorf("trailers %v", r.Trailers())
							}
						}
					}
				}
			}
		})
	}
}

// Whatever byte of a signed or hashed body is changed, cut off or added, the body is refused.
func TestEveryChangeIsSeen(t *testing.T) {
	data := random(300)
	for _, m := range modes() {
		t.Run(m.name, func(t *testing.T) {
			body, o := m.make(data, []int{100, 150})
			authentic := o.Signature != nil || len(o.PayloadHash) == 64
			for i := range body {
				changed := bytes.Clone(body)
				changed[i] ^= 1
				got, _, err := decode(bytes.NewReader(changed), o, 4096)
				if err == nil && authentic && !harmless(body, i) {
					t.Fatalf("byte %d changed from %q: accepted", i, body[i])
				}
				if err != nil && errs.KindOf(err) == errs.Internal {
					t.Fatalf("byte %d changed from %q: %v", i, body[i], err)
				}
				if len(got) > len(data) {
					t.Fatalf("byte %d changed: %d bytes of %d", i, len(got), len(data))
				}
				cut := body[:i]
				if _, _, err := decode(bytes.NewReader(cut), o, 4096); err == nil && len(bytes.TrimRight(cut, "\r\n")) != len(bytes.TrimRight(body, "\r\n")) {
					t.Fatalf("cut at %d: accepted", i)
				}
			}
			if _, _, err := decode(io.MultiReader(bytes.NewReader(body), strings.NewReader("x")), o, 4096); err == nil {
				t.Error("a byte more: accepted")
			}
		})
	}
}

// harmless tells whether flipping the lowest bit of body[i] leaves the meaning alone: the case of a
// trailer's name does not matter, nor do the line ends behind it. ("X" ^ 1 is no such change, but CR and LF
// are; a size's digits are signed by the data they delimit.)
func harmless(body []byte, i int) bool {
	tail := bytes.LastIndex(body, []byte("\r\n0;chunk-signature="))
	return tail > 0 && i > tail+100 && (body[i] == '\r' || body[i] == '\n')
}

func TestRefusals(t *testing.T) {
	unsigned := func(body, trailer string, size int64) (string, chunked.Options) {
		return body, chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: -1, DecodedLength: size, Trailer: trailer}
	}
	signedTrailer := func(b chunkedtest.Body, trailer string) (string, chunked.Options) {
		return string(b.Encode()), chunked.Options{PayloadHash: sigv4.StreamingSignedTrailer, ContentLength: -1, DecodedLength: int64(len(b.Data)),
			Trailer: trailer, Signature: seed()}
	}
	const crc = "x-amz-checksum-crc32"
	type made struct {
		body string
		o    chunked.Options
	}
	mk := func(body string, o chunked.Options) made { return made{body, o} }
	for _, tc := range []struct {
		name string
		made
		want errs.Reason
	}{
		{"no length at all", mk("", chunked.Options{ContentLength: -1, DecodedLength: -1}), chunked.MissingContentLength},
		{"framed without decoded length", mk("", chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: 10, DecodedLength: -1}), chunked.MissingContentLength},
		{"decoded longer than framed", mk("", chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: 10, DecodedLength: 11}), chunked.IncompleteBody},
		{"ecdsa", mk("", chunked.Options{PayloadHash: sigv4.StreamingECDSA, ContentLength: 10, DecodedLength: 1}), chunked.NotImplemented},
		{"ecdsa trailer", mk("", chunked.Options{PayloadHash: sigv4.StreamingECDSATrailer, ContentLength: 10, DecodedLength: 1}), chunked.NotImplemented},
		{"signed chunks, unsigned request", mk("", chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: 10, DecodedLength: 1}), chunked.InvalidRequest},
		{"unknown word", mk("", chunked.Options{PayloadHash: "STREAMING-FOO", ContentLength: 10, DecodedLength: 1}), chunked.InvalidRequest},
		{"short hash", mk("", chunked.Options{PayloadHash: "abcd", ContentLength: 10, DecodedLength: -1}), chunked.InvalidRequest},
		{"long hash", mk("", chunked.Options{PayloadHash: strings.Repeat("ab", 40), ContentLength: 10, DecodedLength: -1}), chunked.InvalidRequest},
		{"wrong hash", mk("abc", chunked.Options{PayloadHash: sigv4.EmptySHA256, ContentLength: 3, DecodedLength: -1}), chunked.SHA256Mismatch},
		{"short plain", mk("ab", chunked.Options{ContentLength: 3, DecodedLength: -1}), chunked.IncompleteBody},
		{"long plain", mk("abcd", chunked.Options{ContentLength: -1, DecodedLength: 3}), chunked.IncompleteBody},
		{"empty framed", mk(unsigned("", "", 0)), chunked.IncompleteBody},
		{"size not hex", mk(unsigned("xyz\r\n", "", 3)), chunked.IncompleteBody},
		{"negative size", mk(unsigned("-1\r\n", "", 3)), chunked.IncompleteBody},
		{"prefixed size", mk(unsigned("0x3\r\nabc\r\n0\r\n\r\n", "", 3)), chunked.IncompleteBody},
		{"no size", mk(unsigned("\r\n", "", 3)), chunked.IncompleteBody},
		{"huge size", mk(unsigned("ffffffffffffffffffff\r\n", "", 3)), chunked.IncompleteBody},
		{"size beyond the length", mk(unsigned("fffffff\r\n", "", 3)), chunked.IncompleteBody},
		{"long line", mk(unsigned("3;"+strings.Repeat("x", 9000)+"\r\nabc\r\n0\r\n\r\n", "", 3)), chunked.IncompleteBody},
		{"line without CR", mk(unsigned("3\nabc\r\n0\r\n\r\n", "", 3)), chunked.IncompleteBody},
		{"data without CRLF", mk(unsigned("3\r\nabcd\r\n0\r\n\r\n", "", 3)), chunked.IncompleteBody},
		{"too few bytes", mk(unsigned("3\r\nabc\r\n0\r\n\r\n", "", 4)), chunked.IncompleteBody},
		{"too many bytes", mk(unsigned("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "", 3)), chunked.IncompleteBody},
		{"ends in data", mk(unsigned("3\r\nab", "", 3)), chunked.IncompleteBody},
		{"ends before the last chunk", mk(unsigned("3\r\nabc\r\n", "", 3)), chunked.IncompleteBody},
		{"trailer missing", mk(unsigned("3\r\nabc\r\n0\r\n\r\n", crc, 3)), chunked.MalformedTrailer},
		{"trailer not announced", mk(unsigned("3\r\nabc\r\n0\r\n"+crc+":AAAAAA==\r\n\r\n", "", 3)), chunked.MalformedTrailer},
		{"another trailer", mk(unsigned("3\r\nabc\r\n0\r\n"+crc+"c:AAAAAA==\r\n\r\n", crc, 3)), chunked.MalformedTrailer},
		{"trailer twice", mk(unsigned("3\r\nabc\r\n0\r\n"+crc+":AAAAAA==\r\n"+crc+":AAAAAA==\r\n\r\n", crc, 3)), chunked.MalformedTrailer},
		{"trailer without colon", mk(unsigned("3\r\nabc\r\n0\r\nfoo\r\n\r\n", crc, 3)), chunked.MalformedTrailer},
		{"endless trailer", mk(unsigned("3\r\nabc\r\n0\r\n"+crc+":"+strings.Repeat("A", 20_000)+"\r\n\r\n", crc, 3)), chunked.MalformedTrailer},
		{"signature in an unsigned trailer", mk(unsigned("3\r\nabc\r\n0\r\nx-amz-trailer-signature:AA\r\n\r\n", "", 3)), chunked.MalformedTrailer},
		{"chunk unsigned", mk("3\r\nabc\r\n0\r\n\r\n", chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: -1, DecodedLength: 3, Signature: seed()}), chunked.IncompleteBody},
		{"wrong key", mk(string(chunkedtest.Body{Data: []byte("abc"), Signature: chunkedtest.Seed("other", "20260101T000000Z", "us-east-1")}.Encode()),
			chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: -1, DecodedLength: 3, Signature: seed()}), chunked.SignatureDoesNotMatch},
		{"trailer unsigned", mk(func() (string, chunked.Options) {
			body, o := signedTrailer(chunkedtest.Body{Data: []byte("abc"), Signature: seed()}, crc)
			return strings.TrimSuffix(body, "\r\n") + crc + ":AAAAAA==\r\n\r\n", o
		}()), chunked.MalformedTrailer},
		{"trailers behind chunks that end without", mk(func() (string, chunked.Options) {
			b := chunkedtest.Body{Data: []byte("abc"), Signature: seed(), Trailers: []chunkedtest.Trailer{{Name: crc, Value: "AAAAAA=="}}}
			return string(b.Encode()), chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: -1, DecodedLength: 3, Signature: seed()}
		}()), chunked.IncompleteBody},
		{"too many announced", mk(unsigned("", strings.Repeat("a,", 40), 0)), chunked.MalformedTrailer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, r, err := decode(strings.NewReader(tc.body), tc.o, 4096)
			if errs.ReasonOf(err) != tc.want {
				t.Fatalf("got %v, want %s", err, tc.want)
			}
			if r != nil {
				if _, again := r.Read(make([]byte, 1)); again != err {
					t.Errorf("the next Read says %v", again)
				}
				if r.Trailers() != nil {
					t.Error("trailers of a bad body")
				}
			}
		})
	}
}

// A chunk that is repeated, dropped or moved breaks the chain, although each is signed.
func TestChunksKeepTheirOrder(t *testing.T) {
	body := chunkedtest.Body{Data: []byte("aaabbbccc"), Chunks: []int{3}, Signature: seed()}.Encode()
	const size = len("3;chunk-signature=\r\n") + 64 + len("aaa\r\n")
	part := func(i int) []byte { return body[i*size : (i+1)*size] }
	last := body[3*size:]
	o := chunked.Options{PayloadHash: sigv4.StreamingSigned, ContentLength: -1, DecodedLength: 9, Signature: seed()}
	for name, parts := range map[string][][]byte{
		"moved": {part(1), part(0), part(2), last}, "repeated": {part(0), part(0), part(0), last}, "swapped": {part(0), part(2), part(1), last},
	} {
		if _, _, err := decode(bytes.NewReader(bytes.Join(parts, nil)), o, 64); errs.ReasonOf(err) != chunked.SignatureDoesNotMatch {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.DecodedLength = 6
	if _, _, err := decode(bytes.NewReader(bytes.Join([][]byte{part(0), part(1), last}, nil)), o, 64); errs.ReasonOf(err) != chunked.SignatureDoesNotMatch {
		t.Errorf("dropped: %v", err)
	}
}

func TestNoBody(t *testing.T) {
	for _, hash := range []string{"", sigv4.UnsignedPayload, sigv4.EmptySHA256} {
		if got, _, err := decode(nil, chunked.Options{PayloadHash: hash, ContentLength: 0, DecodedLength: -1}, 10); err != nil || len(got) != 0 {
			t.Errorf("%s: %q, %v", hash, got, err)
		}
	}
}

// An error of the connection is not blamed on the client's framing.
func TestSourceErrors(t *testing.T) {
	broken := errors.New("connection reset")
	for _, m := range modes() {
		body, o := m.make(random(10_000), []int{1000})
		for _, at := range []int{0, 5, 500, 1090, len(body) - 1} {
			src := io.MultiReader(bytes.NewReader(body[:min(at, len(body))]), iotest.ErrReader(broken))
			if _, _, err := decode(src, o, 4096); !errors.Is(err, broken) {
				t.Errorf("%s at %d: %v", m.name, at, err)
			}
		}
		if _, _, err := decode(silent{}, o, 10); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: silent source: %v", m.name, err)
		}
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }
