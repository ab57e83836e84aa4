// Package sigv4 verifies the request signatures of S3, EC2, IAM and STS clients: Signature Version 4 in
// the Authorization header, in a presigned URL and on a POST policy, and Version 2 in the same three places
// and in the Query API of old EC2 tools.
//
// Verification has two phases, because the secret lives elsewhere:
//
//	auth, err := v.Parse(&req)              // who claims to have signed, and is the claim well formed and in time?
//	cred, err := lookup(auth.AccessKeyID)   // the caller's: which secret belongs to that key?
//	ok, err := v.Verify(&req, &auth, secret)
//
// # Guarantees
//
//   - The request is judged as it was sent: the raw path and query, never a cleaned or decoded form of them.
//   - For S3 every x-amz-* header that was sent must be signed, so that nobody between the client and the
//     server can add one. The headers named in [Request.Headers] are exactly those that were checked: a front
//     end must take header values from nowhere else.
//   - Signatures are compared in constant time, secrets never appear in errors.
//   - Nothing of the Request is kept: strings in Verified are copies, those in Auth alias the Request.
//   - A Verifier is safe for concurrent use; its memory is bounded by Config.
//
// # What it does not do
//
// It opens no socket, reads no body and knows no user. That the body has the hash which was signed
// ([Verified.PayloadHash]) is checked by whoever reads it, and a session token ([Auth.SecurityToken]) by
// whoever issued it.
package sigv4

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Values of x-amz-content-sha256 that are not a hash.
const (
	UnsignedPayload          = "UNSIGNED-PAYLOAD"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	StreamingSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingECDSA           = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
	StreamingECDSATrailer    = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"

	// EmptySHA256 is the hash of an empty body.
	EmptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

const (
	// MaxSkew is how far a client's clock may be off.
	MaxSkew = 15 * time.Minute
	// MaxExpires is the longest life of a presigned V4 URL.
	MaxExpires = 7 * 24 * time.Hour

	algorithmV4  = "AWS4-HMAC-SHA256"
	algorithmV4a = "AWS4-ECDSA-P256-SHA256"
	terminal     = "aws4_request"
	timeFormat   = "20060102T150405Z"
	dateFormat   = "20060102"
)

// Field is one header field as it was sent. A repeated header is several fields.
type Field struct{ Name, Value string }

// Request is what a signature covers. Its strings may alias a buffer that is reused after the call.
type Request struct {
	Method   string
	RawPath  string // as sent: undecoded, uncleaned, without the query
	RawQuery string // as sent, without the question mark
	Host     string // the Host header as sent, with its port
	Headers  []Field
	Now      time.Time

	// HostBucket is the bucket that a virtual-host style request names in Host; Version 2 signs it.
	HostBucket string
	// Form is the raw body of a form POST; signatures of the Query API may be in it (Query protocol only).
	Form string
	// BodySHA256 is the hex SHA-256 of the body, for the Query protocol, whose clients do not send it.
	BodySHA256 string
}

// header returns the value of the named header (lower case), joined by commas when repeated.
func (r *Request) header(lower string) (value string, ok bool) {
	for i := range r.Headers {
		if !equalLower(r.Headers[i].Name, lower) {
			continue
		}
		if !ok {
			value, ok = r.Headers[i].Value, true
			continue
		}
		value += "," + r.Headers[i].Value
	}
	return value, ok
}

// Protocol chooses between S3's rules of canonicalisation and those of all other services.
type Protocol uint8

// The protocols.
const (
	S3    Protocol = iota // paths encoded once and never normalised; x-amz-content-sha256 required
	Query                 // paths normalised and encoded twice; form parameters may carry the signature
)

// Scheme is the way a request was signed.
type Scheme uint8

// The schemes.
const (
	Anonymous Scheme = iota // not signed at all
	V4Header
	V4Presigned
	V4Post
	V2Header
	V2Presigned
	V2Post
	V2Query // the Query API's SignatureVersion=2
)

var schemeNames = [...]string{"anonymous", "v4-header", "v4-presigned", "v4-post", "v2-header", "v2-presigned", "v2-post", "v2-query"}

// String names the scheme, for logs and metrics.
func (s Scheme) String() string {
	if int(s) < len(schemeNames) {
		return schemeNames[s]
	}
	return fmt.Sprintf("Scheme(%d)", uint8(s))
}

// Config sets the rules of a Verifier.
type Config struct {
	Protocol Protocol
	// Region is this server's. With StrictRegion other regions in a scope are refused, else any is taken.
	Region       string
	StrictRegion bool
	// DisableV2 refuses Version 2 signatures, which cover neither all headers nor the body.
	DisableV2 bool
	// DenyOddExpires refuses an X-Amz-Expires that is no number from a second to a week as access that is denied, not as a
	// parameter that is wrong.
	DenyOddExpires bool
	// CacheSize bounds the signing keys that are kept; 0 means 4,096.
	CacheSize int
}

// Validate reports what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.Protocol > Query:
		return fmt.Errorf("sigv4: protocol %d", c.Protocol)
	case c.StrictRegion && c.Region == "":
		return errors.New("sigv4: StrictRegion without Region")
	case c.CacheSize < 0:
		return fmt.Errorf("sigv4: cache size %d", c.CacheSize)
	}
	return nil
}

// Verifier checks signatures. Make it with New.
type Verifier struct {
	cfg     Config
	keys    *keyCache
	scratch sync.Pool // *scratch
}

// New returns a Verifier.
func New(cfg Config) (*Verifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = 4096
	}
	v := &Verifier{cfg: cfg, keys: newKeyCache(cfg.CacheSize)}
	v.scratch.New = func() any { return &scratch{buf: make([]byte, 0, 2048)} }
	return v, nil
}

// Auth is what a request claims about its signature, checked for form and time but not yet verified.
// Its strings alias the Request.
type Auth struct {
	Scheme        Scheme
	AccessKeyID   string
	SecurityToken string // the session token that came with temporary credentials, else empty
	Region        string // of the V4 scope
	Service       string // of the V4 scope

	date          string    // of the V4 scope: 20130524
	timestamp     string    // 20130524T000000Z
	time          time.Time // the same, or V2's Date
	expires       time.Time // when a presigned request ends
	signedHeaders string    // host;x-amz-date
	signature     string    // as sent
	payloadHash   string    // what the canonical request contains
	bodyHash      string    // how the body is to be read; see Verified.PayloadHash
	policy        string    // the base64 policy of a POST
	hash          hashName  // of a V2Query signature
}

// Signed reports whether the request carries a signature at all.
func (a *Auth) Signed() bool { return a.Scheme != Anonymous }

// Verified is a signature that was found good.
type Verified struct {
	AccessKeyID string
	Scheme      Scheme
	Version     int  // 2 or 4
	Presigned   bool // by URL
	Region      string
	Service     string
	Date        string    // of the scope: 20130524
	Timestamp   string    // of the request: 20130524T000000Z; part of every chunk's string to sign
	Time        time.Time // when it was signed; zero for V2Presigned
	Expires     time.Time // when a presigned URL ends, else zero
	// SignedHeaders is the list as sent: host;x-amz-date. Empty for V2.
	SignedHeaders string
	// SigningKey and SeedSignature start the chain of signatures of a streamed body.
	SigningKey    [32]byte
	SeedSignature string // hex; base64 for V2
	// PayloadHash says how the body must be read: a hex SHA-256 or one of the constants above.
	// UnsignedPayload for V2 and for presigned URLs that do not say otherwise.
	PayloadHash string
}

// Scope is the credential scope without the key: 20130524/us-east-1/s3/aws4_request.
func (v *Verified) Scope() string {
	return v.Date + "/" + v.Region + "/" + v.Service + "/" + terminal
}

// Signed reports whether the named header (lower case) was covered by a V4 signature.
func (v *Verified) Signed(lower string) bool { return inList(v.SignedHeaders, lower) }

// inList looks for a name in a;b;c.
func inList(list, name string) bool {
	for len(list) > 0 {
		var item string
		item, list, _ = strings.Cut(list, ";")
		if item == name {
			return true
		}
	}
	return false
}

// equalLower compares a name with a lower-case ASCII one, ignoring the case of the first.
func equalLower(name, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func hasPrefixLower(name, lower string) bool {
	return len(name) >= len(lower) && equalLower(name[:len(lower)], lower)
}
