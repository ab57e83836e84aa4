package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// Verify checks the signature that Parse found in r against secret. Errors are *Error.
func (v *Verifier) Verify(r *Request, a *Auth, secret string) (Verified, error) {
	if secret == "" { // a look-up that found nothing must not become a key that everybody knows
		return Verified{}, UnknownKey(strings.Clone(a.AccessKeyID))
	}
	switch a.Scheme {
	case V4Header, V4Presigned:
		return v.verifyV4(r, a, secret)
	case V4Post:
		return v.verifyPostV4(a, secret)
	case V2Header, V2Presigned:
		return v.verifyV2(r, a, secret)
	case V2Post:
		return v.verifyPostV2(a, secret)
	case V2Query:
		return v.verifyQueryV2(r, a, secret)
	}
	return Verified{}, refuse(AccessDenied, "Access Denied")
}

// verifyV4 rebuilds the canonical request, hashes it into the string to sign and signs that.
func (v *Verifier) verifyV4(r *Request, a *Auth, secret string) (Verified, error) {
	s := v.scratch.Get().(*scratch)
	defer v.scratch.Put(s)

	s.appendCanonical(v.cfg.Protocol, r, a, regular)
	if e := s.unsigned(v.cfg.Protocol, r, a); e != nil {
		return Verified{}, e
	}
	key, fresh := v.keys.get(keyID{a.AccessKeyID, a.date, a.Region, a.Service}, secret)
	used := regular
	if !s.matches(a, key) {
		var ok bool
		if used, ok = s.matchVariant(v.cfg.Protocol, r, a, key); !ok {
			s.appendCanonical(v.cfg.Protocol, r, a, regular)
			return Verified{}, mismatch(a, string(s.buf), string(s.appendToSign(nil, a)))
		}
	}
	if fresh {
		v.keys.put(key)
	}
	ok := Verified{
		AccessKeyID:   key.accessKeyID,
		Scheme:        a.Scheme,
		Version:       4,
		Presigned:     a.Scheme == V4Presigned,
		Region:        key.region,
		Service:       key.service,
		Date:          key.date,
		Timestamp:     strings.Clone(a.timestamp),
		Time:          a.time,
		Expires:       a.expires,
		SignedHeaders: strings.Clone(a.signedHeaders),
		SigningKey:    key.key,
		SeedSignature: strings.Clone(a.signature),
		PayloadHash:   ownHash(a.bodyHash),
	}
	if used&unsignedBody != 0 && isHex64(ok.PayloadHash) {
		// The hash was not part of the signature after all.
		ok.PayloadHash = UnsignedPayload
	}
	return ok, nil
}

// matches reports whether the canonical request in s.buf has the signature that was sent.
func (s *scratch) matches(a *Auth, key *keyEntry) bool {
	var stack [192]byte
	mac := HMAC(&key.key, s.appendToSign(stack[:0], a))
	var want [64]byte
	hex.Encode(want[:], mac[:])
	return subtle.ConstantTimeCompare(want[:], []byte(a.signature)) == 1
}

// matchVariant tries the deviations that could apply to this request.
func (s *scratch) matchVariant(p Protocol, r *Request, a *Auth, key *keyEntry) (variant, bool) {
	var possible variant
	if p == S3 && (strings.Contains(r.RawPath, "%2F") || strings.Contains(r.RawPath, "%2f")) {
		possible |= slashDecoded
	}
	if a.Scheme == V4Presigned && a.payloadHash != UnsignedPayload {
		possible |= unsignedBody
	}
	for i := range r.Headers {
		if s.used[i] && hasBlankRun(r.Headers[i].Value) {
			possible |= spacesKept
			break
		}
	}
	for v := regular + 1; v <= possible; v++ {
		if v&^possible != 0 {
			continue
		}
		s.appendCanonical(p, r, a, v)
		if s.matches(a, key) {
			return v, true
		}
	}
	return regular, false
}

// appendToSign writes the string to sign over the canonical request in s.buf.
func (s *scratch) appendToSign(b []byte, a *Auth) []byte {
	b = append(b, algorithmV4...)
	b = append(b, '\n')
	b = append(b, a.timestamp...)
	b = append(b, '\n')
	b = append(b, a.date...)
	b = append(b, '/')
	b = append(b, a.Region...)
	b = append(b, '/')
	b = append(b, a.Service...)
	b = append(b, "/aws4_request\n"...)
	sum := sha256.Sum256(s.buf)
	return hex.AppendEncode(b, sum[:])
}

// unsigned refuses a request whose Host or, for S3, any x-amz-* header is not signed: somebody on the way
// could have added it. It reads s.used, which appendCanonical filled.
func (s *scratch) unsigned(p Protocol, r *Request, a *Auth) *Error {
	var missing []string
	if !inList(a.signedHeaders, "host") {
		missing = append(missing, "host")
	}
	if p == S3 {
		for i := range r.Headers {
			if !s.used[i] && hasPrefixLower(r.Headers[i].Name, "x-amz-") && !harmless(r.Headers[i].Name, a.Scheme) {
				missing = append(missing, strings.ToLower(r.Headers[i].Name))
			}
		}
	}
	if missing == nil {
		return nil
	}
	return refuse(AccessDenied, "There were headers present in the request which were not signed").
		with("HeadersNotSigned", strings.Join(missing, ", "))
}

// harmless reports whether an unsigned x-amz-* header is let through: those that say nothing to the
// server, which proxies and browsers add, and on a presigned URL the hash of the body, which can
// only make the check of the body stricter.
func harmless(name string, scheme Scheme) bool {
	return equalLower(name, "x-amz-cf-id") || equalLower(name, "x-amz-user-agent") ||
		scheme == V4Presigned && (equalLower(name, "x-amz-content-sha256") || equalLower(name, "x-amz-date"))
}

// ownHash copies a payload hash out of the request, without allocating for the usual words.
func ownHash(s string) string {
	switch s {
	case UnsignedPayload:
		return UnsignedPayload
	case StreamingUnsignedTrailer:
		return StreamingUnsignedTrailer
	case StreamingSigned:
		return StreamingSigned
	case StreamingSignedTrailer:
		return StreamingSignedTrailer
	case EmptySHA256:
		return EmptySHA256
	}
	return strings.Clone(s)
}
