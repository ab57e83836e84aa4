package sigv4

import (
	"bytes"
	"slices"
	"strings"
)

// scratch is the working memory of one verification.
type scratch struct {
	buf    []byte  // the canonical request
	enc    []byte  // encoded query parameters
	params []param // where they lie in enc
	used   []bool  // which of Request.Headers were signed
}

// param is an encoded name and value: enc[name:value] and enc[value:end].
type param struct{ name, value, end int }

// variant is a set of deviations from the canonical form that clients in the field are known to sign with.
// Each describes the very same request, so accepting it gives nobody anything; they are tried only
// after the regular form did not match.
type variant uint8

const (
	slashDecoded variant = 1 << iota // %2F in the path signed as a slash
	spacesKept                       // runs of spaces in header values signed as sent
	unsignedBody                     // a presigned URL signed with UNSIGNED-PAYLOAD although a hash is sent
	noEqualSign                      // V2: "delete=" signed as "delete"
	dateAndAmz                       // V2: Date signed although x-amz-date is sent
	hostSansPort                     // V2 Query API: Host signed without its port
	bucketSlash                      // V2: "/bucket" signed as "/bucket/", as botocore always does
	regular      variant = 0
)

// unreserved marks the bytes that S3 leaves bare in paths and queries.
var unreserved = func() (t [256]bool) {
	for c := range 256 {
		b := byte(c)
		t[c] = b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || strings.IndexByte("-_.~", b) >= 0
	}
	return t
}()

const upperHex = "0123456789ABCDEF"

func appendEscaped(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escapeAt decodes the escape sequence at s[i], if there is a whole one.
func escapeAt(s string, i int) (c byte, ok bool) {
	if s[i] != '%' || i+2 >= len(s) {
		return 0, false
	}
	hi, ok1 := unhex(s[i+1])
	lo, ok2 := unhex(s[i+2])
	return hi<<4 | lo, ok1 && ok2
}

// appendPathS3 writes the canonical form of a path by S3's rules: every byte that is not unreserved is
// escaped with upper-case digits, nothing else changes. "//", "." and ".." stay, a plus is a plus. An
// escaped slash stays escaped unless v says slashDecoded.
func appendPathS3(dst []byte, path string, v variant) []byte {
	if path == "" {
		return append(dst, '/')
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		if d, ok := escapeAt(path, i); ok {
			i += 2
			if unreserved[d] || d == '/' && v&slashDecoded != 0 {
				dst = append(dst, d)
			} else {
				dst = appendEscaped(dst, d)
			}
			continue
		}
		if unreserved[c] || c == '/' {
			dst = append(dst, c)
		} else {
			dst = appendEscaped(dst, c)
		}
	}
	return dst
}

// appendPathTwice writes the canonical form of a path for all services but S3: dot segments and repeated
// slashes are removed, and what was sent (which is encoded once already) is encoded again.
func appendPathTwice(dst []byte, path string) []byte {
	start := len(dst)
	dst = append(dst, '/')
	rest := path
	for rest != "" {
		var seg string
		seg, rest, _ = strings.Cut(rest, "/")
		switch seg {
		case "", ".":
		case "..":
			// Drop the last segment: the root slash stays.
			end := bytes.LastIndexByte(dst[start:len(dst)-1], '/')
			dst = dst[:start+max(end, 0)+1]
		default:
			for i := range len(seg) {
				if c := seg[i]; unreserved[c] {
					dst = append(dst, c)
				} else {
					dst = appendEscaped(dst, c)
				}
			}
			dst = append(dst, '/')
		}
	}
	if n := len(dst); n > start+1 && !strings.HasSuffix(path, "/") && !strings.HasSuffix(path, "/.") && !strings.HasSuffix(path, "/..") {
		dst = dst[:n-1]
	}
	return dst
}

// appendParam writes a query name or value: decoded (a plus is a space) and encoded again by S3's rules.
func appendParam(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case unreserved[c]:
			dst = append(dst, c)
			continue
		case c == '+':
			c = ' '
		default:
			if d, ok := escapeAt(s, i); ok {
				c = d
				i += 2
			}
		}
		if unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = appendEscaped(dst, c)
		}
	}
	return dst
}

// addParams encodes the parameters of a raw query, or form, into s.params, leaving out the one named skip.
func (s *scratch) addParams(raw, skip string) {
	for raw != "" {
		var item string
		item, raw, _ = strings.Cut(raw, "&")
		if item == "" {
			continue
		}
		name, value, _ := strings.Cut(item, "=")
		var p param
		p.name = len(s.enc)
		s.enc = appendParam(s.enc, name)
		p.value = len(s.enc)
		if skip != "" && string(s.enc[p.name:p.value]) == skip {
			s.enc = s.enc[:p.name]
			continue
		}
		s.enc = appendParam(s.enc, value)
		p.end = len(s.enc)
		s.params = append(s.params, p)
	}
}

// appendParams sorts the collected parameters and writes them as name=value&…
func (s *scratch) appendParams(dst []byte) []byte {
	enc := s.enc
	slices.SortFunc(s.params, func(a, b param) int {
		if c := bytes.Compare(enc[a.name:a.value], enc[b.name:b.value]); c != 0 {
			return c
		}
		return bytes.Compare(enc[a.value:a.end], enc[b.value:b.end])
	})
	for i, p := range s.params {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, enc[p.name:p.value]...)
		dst = append(dst, '=')
		dst = append(dst, enc[p.value:p.end]...)
	}
	return dst
}

// appendHeaderValue writes a header value trimmed and with runs of blanks as one space.
func appendHeaderValue(dst []byte, value string, v variant) []byte {
	value = strings.Trim(value, " \t")
	if v&spacesKept != 0 || !hasBlankRun(value) {
		return append(dst, value...)
	}
	blank := false
	for i := range len(value) {
		c := value[i]
		if c == ' ' || c == '\t' {
			blank = true
			continue
		}
		if blank {
			dst = append(dst, ' ')
			blank = false
		}
		dst = append(dst, c)
	}
	return dst
}

// hasBlankRun reports whether value contains two blanks in a row, or a tab.
func hasBlankRun(value string) bool {
	return strings.Contains(value, "  ") || strings.IndexByte(value, '\t') >= 0
}

// appendCanonical writes the V4 canonical request. It notes in s.used which fields were signed.
func (s *scratch) appendCanonical(p Protocol, r *Request, a *Auth, v variant) {
	b := append(s.buf[:0], r.Method...)
	b = append(b, '\n')
	if p == S3 {
		b = appendPathS3(b, r.RawPath, v)
	} else {
		b = appendPathTwice(b, r.RawPath)
	}
	b = append(b, '\n')
	if r.RawQuery != "" {
		s.enc, s.params = s.enc[:0], s.params[:0]
		skip := ""
		if a.Scheme == V4Presigned {
			skip = "X-Amz-Signature"
		}
		s.addParams(r.RawQuery, skip)
		b = s.appendParams(b)
	}
	b = append(b, '\n')

	if cap(s.used) < len(r.Headers) {
		s.used = make([]bool, len(r.Headers))
	}
	s.used = s.used[:len(r.Headers)]
	clear(s.used)
	for list := a.signedHeaders; list != ""; {
		var name string
		name, list, _ = strings.Cut(list, ";")
		b = append(b, name...)
		b = append(b, ':')
		if name == "host" {
			b = appendHeaderValue(b, r.Host, v)
		} else {
			b = s.appendHeader(b, r, name, v)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, a.signedHeaders...)
	b = append(b, '\n')
	if v&unsignedBody != 0 {
		b = append(b, UnsignedPayload...)
	} else {
		b = append(b, a.payloadHash...)
	}
	s.buf = b
}

// appendHeader writes all values of the named header (lower case), joined by commas.
func (s *scratch) appendHeader(b []byte, r *Request, name string, v variant) []byte {
	first := true
	for i := range r.Headers {
		if !equalLower(r.Headers[i].Name, name) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		b = appendHeaderValue(b, r.Headers[i].Value, v)
		first = false
		if i < len(s.used) {
			s.used[i] = true
		}
	}
	return b
}
