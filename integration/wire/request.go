package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Payload hashes that are not the hash of a body.
const (
	UnsignedPayload  = "UNSIGNED-PAYLOAD"
	StreamingSigned  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	UnsignedTrailer  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	EmptySHA256      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Field is one header.
type Field struct{ Name, Value string }

// Request is a request as it will be written. Path and Query are written as they stand: whoever makes the request
// escapes them, rightly or wrongly.
type Request struct {
	Method  string
	Host    string
	Path    string
	Query   string // without the question mark
	Headers []Field
	Body    []byte
	SHA256  string // x-amz-content-sha256; "" is the hash of Body

	// NoLength leaves Content-Length out, for Transfer-Encoding: chunked or to see what happens without. Length
	// overrides the length of Body when it is not zero; -1 announces an empty body.
	NoLength bool
	Length   int64
	// NoHash leaves x-amz-content-sha256 out (SigV2, anonymous).
	NoHash bool
}

// Set replaces a header or adds it.
func (r *Request) Set(name, value string) {
	for i := range r.Headers {
		if equalFold(r.Headers[i].Name, name) {
			r.Headers[i].Value = value
			return
		}
	}
	r.Headers = append(r.Headers, Field{name, value})
}

// Get returns a header's value, "" when it is not there.
func (r *Request) Get(name string) string {
	for _, f := range r.Headers {
		if equalFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// PayloadHash is what x-amz-content-sha256 says.
func (r *Request) PayloadHash() string {
	if r.SHA256 != "" {
		return r.SHA256
	}
	return Hash(r.Body)
}

// Hash returns the hex SHA-256 of b.
func Hash(b []byte) string {
	if len(b) == 0 {
		return EmptySHA256
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// AppendHead appends the request line and all headers, ended by the empty line.
func (r *Request) AppendHead(b []byte) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Path...)
	if r.Query != "" {
		b = append(b, '?')
		b = append(b, r.Query...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, r.Host...)
	b = append(b, "\r\n"...)
	for _, f := range r.Headers {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	if !r.NoLength && (len(r.Body) > 0 || r.Length != 0 || r.Method == "PUT" || r.Method == "POST") {
		n := int64(len(r.Body))
		if r.Length != 0 {
			n = max(r.Length, 0)
		}
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, n, 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Escape percent-encodes a key or a query value as S3's canonical form does: unreserved bytes stay, and the slash
// stays when keepSlash is set.
func Escape(s string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = unreserved(s[i]) || keepSlash && s[i] == '/'
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		c := s[i]
		if unreserved(c) || keepSlash && c == '/' {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '.' || c == '~'
}
