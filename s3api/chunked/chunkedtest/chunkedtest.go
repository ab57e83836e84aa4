// Package chunkedtest writes aws-chunked bodies as clients do, right and, where asked, wrong, for the tests of
// package chunked and of whole servers. It signs with core/sigv4 and is not meant for production.
package chunkedtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aureole-cloud/aureole/core/sigv4"
)

// Body describes an encoded body.
type Body struct {
	Data   []byte
	Chunks []int // sizes of the chunks; the last repeats until Data is used up. Empty: one chunk
	// Signature signs chunks and trailers when it is set; see Seed.
	Signature *sigv4.Verified
	Trailers  []Trailer
	// Trailing ends the body as the -TRAILER forms do, even without Trailers.
	Trailing bool
	// LineEnd ends a trailer; empty means CRLF. Some writers send "\n\r\n".
	LineEnd string
}

// Trailer is a header behind the body.
type Trailer struct{ Name, Value string }

// Seed makes the signature that a chain of chunks continues, for tests without a request.
func Seed(secret, timestamp, region string) *sigv4.Verified {
	v := &sigv4.Verified{Version: 4, Region: region, Service: "s3", Date: timestamp[:8], Timestamp: timestamp}
	v.SigningKey = sigv4.DeriveKey(secret, v.Date, v.Region, v.Service)
	v.SeedSignature = sign(v, "seed")
	return v
}

// Encode writes the body.
func (b Body) Encode() []byte {
	var out bytes.Buffer
	prev := ""
	if b.Signature != nil {
		prev = b.Signature.SeedSignature
	}
	chunk := func(data []byte) {
		fmt.Fprintf(&out, "%x", len(data))
		if b.Signature != nil {
			sum := sha256.Sum256(data)
			prev = sign(b.Signature, "AWS4-HMAC-SHA256-PAYLOAD\n"+b.Signature.Timestamp+"\n"+b.Signature.Scope()+"\n"+prev+"\n"+
				sigv4.EmptySHA256+"\n"+hex.EncodeToString(sum[:]))
			out.WriteString(";chunk-signature=" + prev)
		}
		out.WriteString("\r\n")
		if len(data) > 0 {
			out.Write(data)
			out.WriteString("\r\n")
		}
	}
	rest, sizes := b.Data, b.Chunks
	for len(rest) > 0 {
		n := len(rest)
		if len(sizes) > 0 {
			n = min(max(1, sizes[0]), n)
			if len(sizes) > 1 {
				sizes = sizes[1:]
			}
		}
		chunk(rest[:n])
		rest = rest[n:]
	}
	chunk(nil)
	end := b.LineEnd
	if end == "" {
		end = "\r\n"
	}
	canonical := ""
	for _, t := range b.Trailers {
		out.WriteString(t.Name + ":" + t.Value + end)
		canonical += t.Name + ":" + t.Value + "\n"
	}
	if b.Signature != nil && (b.Trailing || len(b.Trailers) > 0) {
		sum := sha256.Sum256([]byte(canonical))
		out.WriteString("x-amz-trailer-signature:" + sign(b.Signature, "AWS4-HMAC-SHA256-TRAILER\n"+b.Signature.Timestamp+"\n"+
			b.Signature.Scope()+"\n"+prev+"\n"+hex.EncodeToString(sum[:])) + "\r\n")
	}
	out.WriteString("\r\n")
	return out.Bytes()
}

func sign(v *sigv4.Verified, msg string) string {
	mac := sigv4.HMAC(&v.SigningKey, []byte(msg))
	return hex.EncodeToString(mac[:])
}
