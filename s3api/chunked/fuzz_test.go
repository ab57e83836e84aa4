package chunked_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/chunked"
	"github.com/aureole-cloud/aureole/s3api/chunked/chunkedtest"
)

// reference decodes an unsigned body the plain way: all in memory, no window, no limits but the protocol's.
func reference(body []byte, size int64) ([]byte, error) {
	bad := errors.New("bad")
	br := bufio.NewReader(bytes.NewReader(body))
	var out []byte
	for {
		line, err := br.ReadString('\n')
		if err != nil || !strings.HasSuffix(line, "\r\n") {
			return nil, bad
		}
		digits, _, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ";")
		if strings.Trim(digits, "0123456789abcdefABCDEF") != "" || len(digits) > 15 {
			return nil, bad
		}
		n, err := strconv.ParseInt(digits, 16, 64)
		if err != nil || n > size-int64(len(out)) {
			return nil, bad
		}
		if n == 0 {
			break
		}
		data := make([]byte, n+2)
		if _, err := io.ReadFull(br, data); err != nil || string(data[n:]) != "\r\n" {
			return nil, bad
		}
		out = append(out, data[:n]...)
	}
	rest, _ := io.ReadAll(br)
	for line := range strings.Lines(string(rest)) { // no trailers are announced: empty lines only
		if line != "\r\n" && line != "\n" {
			return nil, bad
		}
	}
	if int64(len(out)) != size {
		return nil, bad
	}
	return out, nil
}

func FuzzUnsigned(f *testing.F) {
	for _, s := range []string{"", "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "03\r\nabc\r\n0\r\n", "3\r\nabc\r\n0\r\n\n\n", "-1\r\n"} {
		f.Add([]byte(s), uint16(3), uint16(4))
	}
	f.Fuzz(func(t *testing.T, body []byte, size, step uint16) {
		if bytes.ContainsRune(body, '\r') && len(body) > 900 {
			return // lines beyond the limit: the reference has none
		}
		o := chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: -1, DecodedLength: int64(size)}
		want, wantErr := reference(body, int64(size))
		for _, src := range []io.Reader{bytes.NewReader(body), iotest.OneByteReader(bytes.NewReader(body)), iotest.DataErrReader(bytes.NewReader(body))} {
			got, _, err := decode(src, o, int(step)+1)
			if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
				t.Fatalf("%q size %d step %d: %q %v, reference %q %v", body, size, step, got, err, want, wantErr)
			}
			if err != nil && errs.KindOf(err) != errs.Invalid {
				t.Fatalf("%q: kind of %v", body, err)
			}
		}
	})
}

// FuzzSigned: what the writer makes is read back, and a body that differs in one byte is not accepted as other data.
func FuzzSigned(f *testing.F) {
	f.Add([]byte("hello world"), uint16(3), uint16(20), byte(1))
	f.Add([]byte{}, uint16(1), uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, size, at uint16, flip byte) {
		if len(data) > 1<<16 {
			return
		}
		b := chunkedtest.Body{Data: data, Chunks: []int{int(size) + 1}, Signature: seed(), Trailers: []chunkedtest.Trailer{{Name: "x-amz-checksum-sha1", Value: "abc"}}}
		body := b.Encode()
		o := chunked.Options{PayloadHash: sigv4.StreamingSignedTrailer, ContentLength: int64(len(body)), DecodedLength: int64(len(data)), Trailer: "x-amz-checksum-sha1", Signature: seed()}
		got, _, err := decode(bytes.NewReader(body), o, 1000)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%v", err)
		}
		body[int(at)%len(body)] ^= flip
		got, r, err := decode(bytes.NewReader(body), o, 1000)
		if err == nil {
			if v, _ := r.Trailer("x-amz-checksum-sha1"); !bytes.Equal(got, data) || v != "abc" {
				t.Fatalf("changed at %d and accepted as %q %q", at, got, v)
			}
		}
	})
}

// FuzzTrailers: no trailer section makes the reader panic, hang or report what was not announced.
func FuzzTrailers(f *testing.F) {
	f.Add([]byte("x-amz-checksum-crc32:AAAA\r\n\r\n"), "x-amz-checksum-crc32")
	f.Add([]byte("a:b\n\r\nc:d\r\n\r\n"), "a,c")
	f.Fuzz(func(t *testing.T, tail []byte, announced string) {
		body := append([]byte("0\r\n"), tail...)
		o := chunked.Options{PayloadHash: sigv4.StreamingUnsignedTrailer, ContentLength: -1, DecodedLength: 0, Trailer: announced}
		_, r, err := decode(bytes.NewReader(body), o, 10)
		if err != nil {
			return
		}
		for _, tr := range r.Trailers() {
			if !strings.Contains(strings.ToLower(announced), tr.Name) || strings.ContainsAny(tr.Value, "\n") {
				t.Fatalf("trailer %q", tr)
			}
		}
	})
}

// TestAllocations: what a body costs does not grow with its chunks.
func TestAllocations(t *testing.T) {
	data := random(1 << 20)
	buf := make([]byte, 256<<10)
	for _, m := range modes() {
		if strings.HasSuffix(m.name, "-lf") {
			continue
		}
		body, o := m.make(data, []int{8 << 10})
		n := testing.AllocsPerRun(5, func() {
			r, err := chunked.NewReader(bytes.NewReader(body), o)
			for err == nil {
				_, err = r.Read(buf)
			}
			if err != io.EOF {
				t.Fatal(err)
			}
		})
		if n > 40 {
			t.Errorf("%s: %v allocations for 128 chunks", m.name, n)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data := random(8 << 20)
	for _, m := range modes() {
		for _, chunk := range []int{8 << 10, 64 << 10, 1 << 20} {
			if (m.name == "hex" || m.name == "unsigned") && chunk != 64<<10 || strings.HasSuffix(m.name, "-lf") {
				continue
			}
			body, o := m.make(data, []int{chunk})
			b.Run(m.name+"/"+strconv.Itoa(chunk), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				buf := make([]byte, 256<<10)
				for b.Loop() {
					r, err := chunked.NewReader(bytes.NewReader(body), o)
					if err != nil {
						b.Fatal(err)
					}
					for err == nil {
						_, err = r.Read(buf)
					}
					if err != io.EOF {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
