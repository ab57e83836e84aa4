package s3api_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// bench sends one signed request over and over on parallel connections. The signature is made once, so that the client
// costs little.
func bench(b *testing.B, f *fixture, r *rawRequest, wantBody int) {
	b.Helper()
	r.sign(f.addr, testKeyID, testSecret)
	wire := []byte(r.wire())
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := f.dial()
		defer c.Close()
		br := bufio.NewReaderSize(c, 16<<10)
		for pb.Next() {
			if _, err := c.Write(wire); err != nil {
				b.Error(err)
				return
			}
			if err := readAnswer(br, r.method, wantBody); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// readAnswer is a client that does the least.
func readAnswer(br *bufio.Reader, method string, wantBody int) error {
	status, err := br.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(status), "HTTP/1.1 20") {
		rest, _ := io.ReadAll(io.LimitReader(br, 2000))
		return fmt.Errorf("%s%s", status, rest)
	}
	length := 0
	for {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > 16 && string(line[:16]) == "Content-Length: " {
			for _, c := range line[16 : len(line)-2] {
				length = length*10 + int(c-'0')
			}
		}
	}
	if method == http.MethodHead {
		return nil
	}
	if wantBody >= 0 && length != wantBody {
		return fmt.Errorf("%d bytes, want %d", length, wantBody)
	}
	_, err = br.Discard(length)
	return err
}

func benchFixture(b *testing.B) *fixture {
	b.Helper()
	f := start(b)
	f.events.off = true
	f.bucket("bench")
	return f
}

func BenchmarkGet4K(b *testing.B) {
	f := benchFixture(b)
	f.do("PUT", "/bench/k", string(randomBytes(1, 4096)))
	bench(b, f, newRequest("GET", "/bench/k", ""), 4096)
}

func BenchmarkHead(b *testing.B) {
	f := benchFixture(b)
	f.do("PUT", "/bench/k", string(randomBytes(1, 4096)))
	bench(b, f, newRequest("HEAD", "/bench/k", ""), 0)
}

func BenchmarkPut4K(b *testing.B) {
	f := benchFixture(b)
	bench(b, f, newRequest("PUT", "/bench/k", string(randomBytes(1, 4096))), 0)
}

func BenchmarkGet64M(b *testing.B) {
	f := benchFixture(b)
	f.do("PUT", "/bench/k", string(randomBytes(1, 64<<20)))
	b.SetBytes(64 << 20)
	r := newRequest("GET", "/bench/k", "")
	r.sign(f.addr, testKeyID, testSecret)
	c := f.dial()
	br := bufio.NewReaderSize(c, 256<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(c, r.wire()); err != nil {
			b.Fatal(err)
		}
		if err := readAnswer(br, "GET", 64<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList1000(b *testing.B) {
	f := benchFixture(b)
	for i := range 1000 {
		f.do("PUT", fmt.Sprintf("/bench/some/prefix/key-%06d", i), "x")
	}
	bench(b, f, newRequest("GET", "/bench?list-type=2&encoding-type=url", ""), -1)
}

func BenchmarkPut64M(b *testing.B) {
	f := benchFixture(b)
	r := newRequest("PUT", "/bench/k", string(randomBytes(1, 64<<20)))
	r.payload = "UNSIGNED-PAYLOAD"
	r.sign(f.addr, testKeyID, testSecret)
	wire := r.wire()
	c := f.dial()
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(c, wire); err != nil {
			b.Fatal(err)
		}
		if err := readAnswer(c.br, "PUT", 0); err != nil {
			b.Fatal(err)
		}
	}
}
