package s3api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rawRequest is a request under a test's full control; sign is an independent, minimal Signature Version 4.
type rawRequest struct {
	method, target, body string
	header               []string // "Name: value"
	payload              string   // x-amz-content-sha256; "" hashes the body
	noLength             bool
}

func newRequest(method, target, body string, header ...string) *rawRequest {
	return &rawRequest{method: method, target: target, body: body, header: slices.Clone(header)}
}

func (r *rawRequest) wire() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, h := range r.header {
		b.WriteString(h + "\r\n")
	}
	if !r.noLength && (r.body != "" || r.method == "PUT" || r.method == "POST") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	return b.String() + "\r\n" + r.body
}

func (r *rawRequest) sign(host, keyID, secret string) {
	if r.payload == "" {
		r.payload = sha(r.body)
	}
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	r.header = append(r.header, "x-amz-date: "+stamp, "x-amz-content-sha256: "+r.payload)
	if !slices.ContainsFunc(r.header, func(h string) bool { return strings.HasPrefix(h, "Host: ") }) {
		r.header = append(r.header, "Host: "+host)
	}

	values := map[string]string{}
	for _, h := range r.header {
		name, value, _ := strings.Cut(h, ":")
		name = strings.ToLower(name)
		value = strings.Join(strings.Fields(value), " ")
		if old, ok := values[name]; ok {
			value = old + "," + value
		}
		values[name] = value
	}
	var names []string
	for name := range values {
		if name == "host" || strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	path, query, _ := strings.Cut(r.target, "?")
	var params []string
	for _, p := range strings.Split(query, "&") {
		if p == "" {
			continue
		}
		if !strings.Contains(p, "=") {
			p += "="
		}
		params = append(params, p)
	}
	slices.Sort(params)
	canonical := r.method + "\n" + path + "\n" + strings.Join(params, "&") + "\n"
	for _, name := range names {
		canonical += name + ":" + values[name] + "\n"
	}
	signed := strings.Join(names, ";")
	canonical += "\n" + signed + "\n" + r.payload
	scope := day + "/us-east-1/s3/aws4_request"
	toSign := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + sha(canonical)
	key := mac(mac(mac(mac([]byte("AWS4"+secret), day), "us-east-1"), "s3"), "aws4_request")
	r.header = append(r.header, fmt.Sprintf("Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		keyID, scope, signed, hex.EncodeToString(mac(key, toSign))))
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
