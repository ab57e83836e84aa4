package badinput

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// ends wants the server to close the connection and to answer nothing more.
func ends(t testing.TB, br *bufio.Reader) {
	t.Helper()
	if b, err := br.ReadByte(); err == nil || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection goes on after its end: %q, %v", b, err)
	}
}

// brokenHeads sends what is no request of HTTP, or one whose framing is in doubt. Amazon answers what its front end cannot parse with 400
// BadRequest ("An error occurred when parsing the HTTP request."); where S3 has no words for it the answer is RFC 9112's. Each has one
// answer however the bytes arrive, and the connection ends with it.
func (u *suite) brokenHeads() {
	good := u.signedPut("framing", []byte("hello"))
	head := string(good.AppendHead(nil))
	with := func(field string) string { return strings.Replace(head, "Content-Length: 5", field, 1) }
	bad := refused(400, "BadRequest", "An error occurred when parsing the HTTP request.")
	coding := refused(501, "NotImplemented", "<Header>Transfer-Encoding</Header>")
	framed := u.signedPut("framing", []byte("5\r\nhello\r\n0\r\n\r\n"), wire.Field{Name: "x-amz-decoded-content-length", Value: "5"})
	framed.SHA256 = wire.UnsignedTrailer
	u.Signer().SignV4(framed, time.Now())
	framed.NoLength = true
	framed.Set("Transfer-Encoding", "chunked")
	chunks := string(framed.AppendHead(nil))

	for name, c := range map[string]struct {
		text string
		want want
	}{
		"two lengths":          {with("Content-Length: 5\r\nContent-Length: 6") + "hello", bad}, // RFC 9112, 6.3
		"a list of lengths":    {with("Content-Length: 5, 6") + "hello", bad},
		"length with a sign":   {with("Content-Length: +5") + "hello", bad},
		"length beyond 64 bit": {with("Content-Length: 99999999999999999999999") + "hello", bad},
		// RFC 9112, 6.1: the coding counts, and the connection must not go on. Amazon takes no bare chunks.
		"length and chunked":  {with("Content-Length: 5\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", coding},
		"chunked in HTTP/1.0": {strings.Replace(with("Transfer-Encoding: chunked"), "HTTP/1.1", "HTTP/1.0", 1) + "0\r\n\r\n", coding},
		"unknown coding":      {with("Transfer-Encoding: gzip") + "hello", coding}, // RFC 9112, 6.1: 501
		"chunked twice":       {with("Transfer-Encoding: chunked, chunked") + "0\r\n\r\n", coding},

		"chunk size":    {chunks + "zz\r\nhello\r\n0\r\n\r\n", refused(400, "IncompleteBody")},
		"chunk too big": {chunks + "fffffffffffffffff\r\nhello", refused(400, "IncompleteBody")},
		"chunk cut":     {chunks + "14\r\n5\r\nhel", refused(400, "IncompleteBody")},
		"chunk no CRLF": {chunks + "3\r\n5\r\nhello", refused(400, "IncompleteBody")},

		"header no colon":     {with("Content-Length: 5\r\nnonsense") + "hello", bad},
		"header no name":      {with("Content-Length: 5\r\n: nameless") + "hello", bad},
		"name of no token":    {with("Content-Length: 5\r\nX(Y: a") + "hello", bad},
		"space before colon":  {with("Content-Length : 5") + "hello", bad}, // RFC 9112, 5.1
		"NUL in header":       {with("Content-Length: 5\r\nX-N: a\x00b") + "hello", bad},
		"carriage return":     {with("Content-Length: 5\r\nX-N: a\rb") + "hello", bad},
		"no host":             {"GET / HTTP/1.1\r\n\r\n", bad}, // RFC 9112, 3.2
		"two hosts":           {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", bad},
		"no version":          {"GET /\r\n\r\n", bad},
		"spaces in line":      {"GET  /  HTTP/1.1\r\nHost: a\r\n\r\n", bad},
		"preface of HTTP/2":   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bad},
		"TLS on a plain port": {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", bad},
		"TLS without an end":  {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello", bad},
		"end in a name":       {"GET / HTTP/1.1\r\nHost: a\r\nX-A", bad},
		"end before the end":  {head[:len(head)-2], bad},
		"endless line":        {"GET /" + strings.Repeat("a", 1<<20), refused(400, "RequestHeaderSectionTooLarge")},
		"endless header":      {"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 1<<20), refused(400, "RequestHeaderSectionTooLarge")},
	} {
		for _, piece := range []int{1 << 20, 700, 7} {
			if len(c.text)/piece > 1000 {
				continue
			}
			u.Run(name, func(t *testing.T) {
				conn := u.dial(t)
				go func() {
					for rest := c.text; rest != ""; rest = rest[min(piece, len(rest)):] {
						if _, err := io.WriteString(conn, rest[:min(piece, len(rest))]); err != nil {
							return
						}
						if piece < 1<<20 {
							time.Sleep(100 * time.Microsecond) // to be read in pieces as well
						}
					}
					conn.CloseWrite()
				}()
				br := bufio.NewReader(conn)
				reply, err := wire.ReadReply(br, "PUT")
				if err != nil {
					t.Fatal(err)
				}
				c.want.check(t, reply)
				ends(t, br)
			})
		}
	}
}
