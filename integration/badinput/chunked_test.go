package badinput

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestChunked breaks aws-chunked bodies in every form, small ones that are kept inline and large ones.
func TestChunked(t *testing.T) {
	u := start(t)
	crc := func(b []byte) *wire.Field {
		return &wire.Field{Name: "x-amz-checksum-crc32", Value: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))}
	}
	last := func(frames [][]byte) []byte { return frames[len(frames)-1] }
	replace := func(old, with string) func([][]byte) [][]byte {
		return func(frames [][]byte) [][]byte {
			for i := range frames {
				frames[i] = bytes.Replace(frames[i], []byte(old), []byte(with), 1)
			}
			return frames
		}
	}

	// Which code Amazon gives to which fault is recorded by the integration tests of versitygw (signed_streaming_payload.go,
	// unsigned_streaming_payload_trailer.go): what is wrong with the framing is an incomplete body.
	cases := []struct {
		name    string
		forms   string // which of s(igned), t(railer signed), u(nsigned trailer)
		tamper  func(frames [][]byte) [][]byte
		trailer func(body []byte) *wire.Field
		want    want
	}{
		{name: "payload changed", forms: "st", tamper: func(f [][]byte) [][]byte { f[0][len(f[0])-3] ^= 1; return f }, want: refused(403, "SignatureDoesNotMatch")},
		{name: "payload changed", forms: "u", tamper: func(f [][]byte) [][]byte { f[0][len(f[0])-3] ^= 1; return f }, want: refused(400, "BadDigest")},
		{name: "chunk signature", forms: "st", tamper: replace("chunk-signature=", "chunk-signature=0"), want: refused(400, "IncompleteBody")},
		{name: "no chunk signature", forms: "st", tamper: replace(";chunk-signature=", ";x="), want: refused(400, "IncompleteBody")},
		{name: "chunks swapped", forms: "st", tamper: func(f [][]byte) [][]byte { f[0], f[1] = f[1], f[0]; return f }, want: refused(403, "SignatureDoesNotMatch")},
		{name: "chunk in place of another", forms: "st", tamper: func(f [][]byte) [][]byte { f[1] = f[0]; return f }, want: refused(403, "SignatureDoesNotMatch")},
		{name: "chunk left out", forms: "u", tamper: func(f [][]byte) [][]byte { return f[1:] }, want: refused(400, "IncompleteBody")},
		{name: "last chunk left out", forms: "stu", tamper: func(f [][]byte) [][]byte { return f[:len(f)-1] }, want: refused(400, "IncompleteBody")},
		{name: "cut in a chunk", forms: "stu", tamper: func(f [][]byte) [][]byte { return [][]byte{f[0][:len(f[0])/2]} }, want: refused(400, "IncompleteBody")},
		{name: "not hexadecimal", forms: "stu", tamper: func(f [][]byte) [][]byte { f[0][0] = 'x'; return f }, want: refused(400, "IncompleteBody")},
		{name: "huge chunk", forms: "u", tamper: func(f [][]byte) [][]byte { return append([][]byte{[]byte("ffffffffffffffff\r\n")}, f...) }, want: refused(400, "IncompleteBody")},
		{name: "endless chunk head", forms: "u", tamper: func(f [][]byte) [][]byte { return append([][]byte{bytes.Repeat([]byte("0"), 1<<20)}, f...) }, want: refused(400, "IncompleteBody")},
		{name: "no CRLF after data", forms: "u", tamper: func(f [][]byte) [][]byte { f[0] = append(f[0][:len(f[0])-2], 'x', 'x'); return f }, want: refused(400, "IncompleteBody")},
		{name: "trailer wrong", forms: "tu", trailer: func([]byte) *wire.Field { return crc([]byte("other")) }, want: refused(400, "BadDigest")},
		{name: "trailer not base64", forms: "tu", trailer: func([]byte) *wire.Field { return &wire.Field{Name: "x-amz-checksum-crc32", Value: "***"} }, want: refused(400, "InvalidRequest", "Value for x-amz-checksum-crc32 trailing header is invalid.")},
		{name: "trailer missing", forms: "u", tamper: func(f [][]byte) [][]byte { f[len(f)-1] = []byte("0\r\n\r\n"); return f }, want: refused(400, "MalformedTrailerError")},
		{name: "trailer of another name", forms: "u", tamper: replace("x-amz-checksum-crc32:", "x-amz-checksum-crc32c:"), want: refused(400, "MalformedTrailerError")},
		{name: "trailer endless", forms: "u", tamper: func(f [][]byte) [][]byte {
			f[len(f)-1] = append([]byte("0\r\nx-amz-checksum-crc32:"), bytes.Repeat([]byte("A"), 1<<20)...)
			return f
		}, want: refused(400, "MalformedTrailerError")},
		{name: "trailer signature", forms: "t", tamper: func(f [][]byte) [][]byte { l := last(f); l[len(l)-6] ^= 1; return f }, want: refused(403, "SignatureDoesNotMatch")},
		{name: "trailer changed", forms: "t", tamper: func(f [][]byte) [][]byte {
			l := last(f)
			i := bytes.Index(l, []byte("crc32:")) + 6
			copy(l[i:], "AAAAAA")
			return f
		}, want: refused(403, "SignatureDoesNotMatch")},
	}
	forms := map[byte]string{'s': wire.StreamingSigned, 't': wire.StreamingTrailer, 'u': wire.UnsignedTrailer}
	for _, size := range []int{1000, 400_000} {
		body := harness.Bytes(uint64(size), size)
		for _, tc := range cases {
			for _, form := range []byte(tc.forms) {
				t.Run(fmt.Sprintf("%s %c %d", tc.name, form, size), func(t *testing.T) {
					r := &wire.Request{Method: "PUT", Host: u.Host(), Path: "/" + bucket + "/chunked", SHA256: forms[form]}
					ch := wire.Chunked{Payload: body, Size: max(8192, size/3), Tamper: tc.tamper}
					if size < 8192 {
						ch.Size = size/3 + 1
					}
					if form != 's' {
						ch.Trailer = crc(body)
						if tc.trailer != nil {
							ch.Trailer = tc.trailer(body)
						}
					}
					u.Signer().SignChunked(r, ch, time.Now())
					reply, err := u.Send(r)
					if err != nil {
						t.Fatal(err)
					}
					tc.want.check(t, reply)
				})
			}
		}
		// Lengths that do not fit the chunks.
		for _, lie := range []int{-1, 1, 5000} {
			t.Run(fmt.Sprintf("decoded length %+d of %d", lie, size), func(t *testing.T) {
				r := &wire.Request{Method: "PUT", Host: u.Host(), Path: "/" + bucket + "/chunked", SHA256: wire.UnsignedTrailer}
				u.Signer().SignChunked(r, wire.Chunked{Payload: body, Trailer: crc(body)}, time.Now())
				framed := r.Body
				r.Headers = []wire.Field{{Name: "X-Amz-Decoded-Content-Length", Value: fmt.Sprint(size + lie)}, {Name: "X-Amz-Trailer", Value: "x-amz-checksum-crc32"}}
				u.Signer().SignV4(r, time.Now())
				r.Body = framed
				reply, err := u.Send(r)
				if err != nil {
					t.Fatal(err)
				}
				refused(400, "IncompleteBody").check(t, reply)
			})
		}
	}
	for _, form := range []byte("stu") {
		t.Run(fmt.Sprintf("no decoded length %c", form), func(t *testing.T) {
			r := &wire.Request{Method: "PUT", Host: u.Host(), Path: "/" + bucket + "/chunked", SHA256: forms[form], Body: []byte("0\r\n\r\n")}
			u.Signer().SignV4(r, time.Now())
			reply, err := u.Send(r)
			if err != nil {
				t.Fatal(err)
			}
			refused(411, "MissingContentLength").check(t, reply)
		})
	}
	u.unharmed()

	// The same requests, unbroken, are good: what was refused was refused for its fault.
	for _, form := range []byte("stu") {
		for _, size := range []int{0, 1, 1000, 400_000} {
			t.Run(fmt.Sprintf("good %c %d", form, size), func(t *testing.T) {
				body := harness.Bytes(uint64(size), size)
				r := &wire.Request{Method: "PUT", Host: u.Host(), Path: "/" + bucket + "/good", SHA256: forms[form]}
				ch := wire.Chunked{Payload: body, Size: 8192}
				if form != 's' {
					ch.Trailer = crc(body)
				}
				u.Signer().SignChunked(r, ch, time.Now())
				reply, err := u.Send(r)
				if err != nil {
					t.Fatal(err)
				}
				if reply.Status != 200 {
					t.Fatalf("%d %s", reply.Status, reply.Body)
				}
				got := u.ok(&wire.Request{Method: "GET", Path: "/" + bucket + "/good"})
				if !bytes.Equal(got.Body, body) {
					t.Errorf("%d bytes came back of %d", len(got.Body), size)
				}
			})
		}
	}
}
