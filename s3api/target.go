package s3api

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// target is what a request is about, by its Host and its raw path.
type target struct {
	bucket     string // "" on the service itself
	key        string // decoded once, not cleaned
	rawPath    string // as sent, without the query
	hostBucket string // the bucket when it came in Host
	control    bool   // S3 Control: no bucket, the path is its own
	account    bool   // S3 Control: the public access block of the account
}

// level is how much of a target is named.
type level uint8

const (
	onService level = iota
	onBucket
	onObject
	onControl
	onAccount
	levels
)

func (t *target) level() level {
	switch {
	case t.account:
		return onAccount
	case t.control:
		return onControl
	case t.bucket == "":
		return onService
	case t.key == "":
		return onBucket
	}
	return onObject
}

// splitURI divides a request target into path and query. The absolute form that proxies send loses its scheme and authority.
func splitURI(uri string) (path, query string) {
	if !strings.HasPrefix(uri, "/") {
		if _, rest, ok := strings.Cut(uri, "://"); ok {
			uri = "/"
			if i := strings.IndexAny(rest, "/?"); i >= 0 {
				uri = rest[i:]
				if uri[0] == '?' {
					uri = "/" + uri
				}
			}
		}
	}
	path, query, _ = strings.Cut(uri, "?")
	return path, query
}

// parseTarget finds bucket and key. With a host below one of domains the bucket is the part in front (it may contain dots),
// else it is the first segment of the path.
func parseTarget(host, path string, domains []string) (target, error) {
	t := target{rawPath: path}
	rest := strings.TrimPrefix(path, "/")
	t.hostBucket = bucketOfHost(host, domains)
	if t.hostBucket != "" {
		t.bucket = t.hostBucket
	} else {
		var bucket string
		bucket, rest, _ = strings.Cut(rest, "/")
		t.bucket = unescape(bucket, false)
	}
	t.key = unescape(rest, false)
	switch {
	case t.bucket == "" && t.key != "", !wellEscaped(path):
		return t, s3err.New(s3err.InvalidURI).With("URI", path)
	case !validKeyText(t.key), !validKeyText(t.bucket):
		return t, s3err.New(s3err.InvalidURI).With("URI", strings.ToValidUTF8(path, "\uFFFD"))
	}
	return t, nil
}

// withoutTenant is the name of a bucket that is said to be of no tenant, by a colon in front, as all are here.
func withoutTenant(bucket string) string {
	if name, named := strings.CutPrefix(bucket, ":"); named && name != "" {
		return name
	}
	return bucket
}

// bucketOfHost is the bucket in a virtual-host style Host header, or empty for path style. A host that is an address or
// one of the domains itself names no bucket; neither does a host that is below none of them.
func bucketOfHost(host string, domains []string) string {
	if len(domains) == 0 {
		return ""
	}
	name := hostname(host)
	if name == "" || isAddress(name) {
		return ""
	}
	for _, d := range domains {
		if strings.EqualFold(name, d) {
			return "" // the domain itself, which may lie below another one
		}
	}
	for _, d := range domains {
		if len(name) > len(d)+1 && name[len(name)-len(d)-1] == '.' && strings.EqualFold(name[len(name)-len(d):], d) {
			return strings.ToLower(name[:len(name)-len(d)-1])
		}
	}
	return ""
}

// hostname is host without its port and without the brackets of an IPv6 literal.
func hostname(host string) string {
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end > 0 {
			return host[1:end]
		}
		return ""
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		host = host[:i]
	}
	return strings.TrimSuffix(host, ".")
}

func isAddress(name string) bool {
	if c := name[len(name)-1]; c > '9' && strings.IndexByte(name, ':') < 0 {
		return false // the last label of a name of letters
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// cleanDomains brings configured domains to the form that bucketOfHost compares with, longest first, so that
// "s3.example.org" is tried before "example.org".
func cleanDomains(domains []string) []string {
	out := make([]string, 0, len(domains))
	for _, d := range domains {
		d = strings.ToLower(strings.Trim(hostname(strings.TrimSpace(d)), "."))
		if d != "" {
			out = append(out, d)
		}
	}
	for i := range out { // a handful: insertion sort by length
		for j := i; j > 0 && len(out[j]) > len(out[j-1]); j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// wellEscaped reports whether every percent sign begins an escape.
func wellEscaped(path string) bool {
	for i := strings.IndexByte(path, '%'); i >= 0 && i < len(path); i++ {
		if path[i] == '%' && (i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2])) {
			return false
		}
	}
	return true
}

// validKeyText reports whether s can be the text of a key: UTF-8 without NUL.
func validKeyText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// appendPathEscaped writes a key as a path: everything but unreserved characters and slashes is percent-encoded.
func appendPathEscaped(b []byte, key string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(key) {
		c := key[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return b
}
