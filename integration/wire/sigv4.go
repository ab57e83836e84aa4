package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signer signs with one key pair for one region. It is not safe for concurrent use: every client has its own, with
// its own buffers.
type Signer struct {
	Access, Secret, Region string
	Service                string // "" is s3

	day   string
	key   []byte
	mac   hash.Hash // keyed with key, reset before each use
	canon []byte
	names []signedHeader
}

type signedHeader struct{ name, value string }

const stamp = "20060102T150405Z"

// unsignedHeaders are written but not signed: hops may change them, or they carry the signature.
var unsignedHeaders = []string{"authorization", "connection", "content-length", "expect", "transfer-encoding", "user-agent", "te"}

// SignV4 adds x-amz-date, x-amz-content-sha256 and Authorization to r. It returns the signature, the seed of a
// chunked body.
func (s *Signer) SignV4(r *Request, now time.Time) string {
	date := now.UTC().Format(stamp)
	hash := r.PayloadHash()
	r.Set("X-Amz-Date", date)
	if !r.NoHash {
		r.Set("X-Amz-Content-Sha256", hash)
	}
	signed := s.canonical(r, r.Query, hash, false)
	sig := s.sign(date)
	var b strings.Builder
	b.Grow(256)
	b.WriteString("AWS4-HMAC-SHA256 Credential=")
	b.WriteString(s.Access)
	b.WriteByte('/')
	b.WriteString(s.scope(date))
	b.WriteString(", SignedHeaders=")
	b.WriteString(signed)
	b.WriteString(", Signature=")
	b.WriteString(sig)
	r.Set("Authorization", b.String())
	return sig
}

// PresignV4 puts the signature into the query, good for expires from now on. Headers of r are signed and must be
// sent; the payload is unsigned.
func (s *Signer) PresignV4(r *Request, now time.Time, expires time.Duration) {
	date := now.UTC().Format(stamp)
	names := []string{"host"}
	for _, f := range r.Headers {
		names = append(names, strings.ToLower(f.Name))
	}
	slices.Sort(names)
	q := r.Query
	if q != "" {
		q += "&"
	}
	q += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + Escape(s.Access+"/"+s.scope(date), false) +
		"&X-Amz-Date=" + date + "&X-Amz-Expires=" + strconv.Itoa(int(expires.Seconds())) +
		"&X-Amz-SignedHeaders=" + Escape(strings.Join(names, ";"), false)
	r.NoHash = true
	s.canonical(r, q, UnsignedPayload, true)
	r.Query = q + "&X-Amz-Signature=" + s.sign(date)
}

// canonical builds the canonical request in s.canon and returns the list of signed headers.
func (s *Signer) canonical(r *Request, query, payload string, presign bool) string {
	b := s.canon[:0]
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, r.Path...)
	b = append(b, '\n')
	b = appendCanonicalQuery(b, query)
	b = append(b, '\n')

	s.names = append(s.names[:0], signedHeader{"host", r.Host})
	for _, f := range r.Headers {
		name := lowerName(f.Name)
		if !presign && slices.Contains(unsignedHeaders, name) {
			continue
		}
		s.names = append(s.names, signedHeader{name, f.Value})
	}
	slices.SortStableFunc(s.names, func(a, b signedHeader) int { return strings.Compare(a.name, b.name) })
	var list strings.Builder
	list.Grow(96)
	for i, h := range s.names {
		if i > 0 && s.names[i-1].name == h.name { // repeated: joined by a comma
			b = append(b[:len(b)-1], ',')
		} else {
			b = append(b, h.name...)
			b = append(b, ':')
			if i > 0 {
				list.WriteByte(';')
			}
			list.WriteString(h.name)
		}
		b = appendTrimmed(b, h.value)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, list.String()...)
	b = append(b, '\n')
	s.canon = append(b, payload...)
	return list.String()
}

// lowerName avoids the allocation of strings.ToLower for the names the load generator sends.
func lowerName(name string) string {
	switch name {
	case "X-Amz-Date":
		return "x-amz-date"
	case "X-Amz-Content-Sha256":
		return "x-amz-content-sha256"
	case "Authorization":
		return "authorization"
	case "Range":
		return "range"
	}
	return strings.ToLower(name)
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	space := false
	for i := range len(v) {
		if v[i] == ' ' {
			space = true
			continue
		}
		if space {
			b = append(b, ' ')
			space = false
		}
		b = append(b, v[i])
	}
	return b
}

func appendCanonicalQuery(b []byte, query string) []byte {
	if query == "" {
		return b
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if !strings.Contains(p, "=") {
			parts[i] = p + "="
		}
	}
	slices.SortFunc(parts, func(x, y string) int {
		nx, vx, _ := strings.Cut(x, "=")
		ny, vy, _ := strings.Cut(y, "=")
		if c := strings.Compare(nx, ny); c != 0 {
			return c
		}
		return strings.Compare(vx, vy)
	})
	for i, p := range parts {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p...)
	}
	return b
}

func (s *Signer) service() string {
	if s.Service != "" {
		return s.Service
	}
	return "s3"
}

func (s *Signer) scope(date string) string {
	return date[:8] + "/" + s.Region + "/" + s.service() + "/aws4_request"
}

func (s *Signer) prepare(date string) {
	if s.day == date[:8] && s.mac != nil {
		return
	}
	k := hmacSHA256([]byte("AWS4"+s.Secret), date[:8])
	k = hmacSHA256(k, s.Region)
	k = hmacSHA256(k, s.service())
	s.key = hmacSHA256(k, "aws4_request")
	s.mac = hmac.New(sha256.New, s.key)
	s.day = date[:8]
}

// sign signs the canonical request in s.canon.
func (s *Signer) sign(date string) string {
	s.prepare(date)
	sum := sha256.Sum256(s.canon)
	b := s.canon[:0]
	b = append(b, "AWS4-HMAC-SHA256\n"...)
	b = append(b, date...)
	b = append(b, '\n')
	b = append(b, s.scope(date)...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, sum[:])
	s.canon = b
	return s.macHex(b)
}

func (s *Signer) macHex(b []byte) string {
	s.mac.Reset()
	s.mac.Write(b)
	var sum [sha256.Size]byte
	return hex.EncodeToString(s.mac.Sum(sum[:0]))
}

// String signs an arbitrary string with the key of date: the signature of a POST policy.
func (s *Signer) String(text string, now time.Time) string {
	s.prepare(now.UTC().Format(stamp))
	return s.macHex([]byte(text))
}

// Credential is the credential scope with the access key, as a POST form carries it.
func (s *Signer) Credential(now time.Time) string {
	return s.Access + "/" + s.scope(now.UTC().Format(stamp))
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
