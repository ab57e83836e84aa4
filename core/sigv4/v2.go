package sigv4

import (
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseHeaderV2 reads "AWS key:signature".
func (v *Verifier) parseHeaderV2(r *Request, a *Auth, rest string) *Error {
	if e := v.refuseV2(); e != nil {
		return e
	}
	a.Scheme = V2Header
	key, sig, ok := strings.Cut(strings.Trim(rest, " \t"), ":")
	if !ok || key == "" || sig == "" || len(key) > 256 {
		return refuse(InvalidArgument, "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature").
			with("ArgumentName", "Authorization").with("ArgumentValue", clip("AWS "+rest))
	}
	a.AccessKeyID, a.signature = key, sig
	t, sent, ok := requestTime(r)
	if !ok {
		return noDate()
	}
	a.time = t
	if tooSkewed(t, r.Now) {
		return skewed(clip(sent), r.Now)
	}
	a.SecurityToken, _ = r.header("x-amz-security-token")
	return v.bodyOfV2(r, a)
}

// parsePresignedV2 reads AWSAccessKeyId, Expires and Signature.
func (v *Verifier) parsePresignedV2(r *Request, a *Auth) *Error {
	if e := v.refuseV2(); e != nil {
		return e
	}
	a.Scheme = V2Presigned
	var expires string
	a.AccessKeyID, _ = paramValue(r.RawQuery, "AWSAccessKeyId")
	a.signature, _ = paramValue(r.RawQuery, "Signature")
	expires, _ = paramValue(r.RawQuery, "Expires")
	if a.AccessKeyID == "" || a.signature == "" || expires == "" || len(a.AccessKeyID) > 256 {
		return refuse(AccessDenied, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
	}
	a.timestamp = expires
	seconds, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return refuse(AccessDenied, "Invalid date (should be seconds since epoch): %s", clip(expires))
	}
	a.expires = time.Unix(seconds, 0).UTC()
	if r.Now.After(a.expires) {
		return expired(a.expires, r.Now, "")
	}
	a.SecurityToken, _ = paramValue(r.RawQuery, "x-amz-security-token")
	if a.SecurityToken == "" {
		a.SecurityToken, _ = r.header("x-amz-security-token")
	}
	return v.bodyOfV2(r, a)
}

// bodyOfV2 decides how the body is read: V2 does not sign it, but clients may frame it all the same.
func (v *Verifier) bodyOfV2(r *Request, a *Auth) *Error {
	a.bodyHash = UnsignedPayload
	hash, ok := r.header("x-amz-content-sha256")
	if !ok {
		return nil
	}
	if e := checkPayloadHash(hash); e != nil {
		return e
	}
	if hash == StreamingSigned || hash == StreamingSignedTrailer {
		return refuse(InvalidArgument, "x-amz-content-sha256 names chunk signatures, which need signature version 4")
	}
	a.bodyHash = hash
	return nil
}

// verifyV2 signs S3's Version 2 string to sign with HMAC-SHA1.
func (v *Verifier) verifyV2(r *Request, a *Auth, secret string) (Verified, error) {
	var possible variant
	if strings.Contains(r.RawQuery+"&", "=&") {
		possible |= noEqualSign
	}
	if _, both := r.header("x-amz-date"); both && a.Scheme == V2Header {
		if d, _ := r.header("date"); d != "" {
			possible |= dateAndAmz
		}
	}
	if strings.Contains(r.RawPath, "%2F") || strings.Contains(r.RawPath, "%2f") {
		possible |= slashDecoded
	}
	if bucketOnly(r) {
		possible |= bucketSlash
	}
	for va := regular; va <= possible; va++ {
		if va&^possible == 0 && v2Matches(hmacSHA1, secret, stringToSignV2(r, a, va), a.signature) {
			return verifiedV2(a), nil
		}
	}
	return Verified{}, mismatch(a, "", stringToSignV2(r, a, regular))
}

func v2Matches(h hashName, secret, toSign, signature string) bool {
	want := base64.StdEncoding.EncodeToString(h.sum(secret, toSign))
	return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1
}

func verifiedV2(a *Auth) Verified {
	return Verified{
		AccessKeyID:   strings.Clone(a.AccessKeyID),
		Scheme:        a.Scheme,
		Version:       2,
		Presigned:     a.Scheme == V2Presigned,
		Time:          a.time,
		Expires:       a.expires,
		SeedSignature: strings.Clone(a.signature),
		PayloadHash:   ownHash(a.bodyHash),
	}
}

// stringToSignV2 is S3's: method, three standard headers, the x-amz-* headers and the resource.
func stringToSignV2(r *Request, a *Auth, v variant) string {
	var b []byte
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, standardHeaderV2(r, a, "content-md5")...)
	b = append(b, '\n')
	b = append(b, standardHeaderV2(r, a, "content-type")...)
	b = append(b, '\n')
	if a.Scheme == V2Presigned {
		b = append(b, a.timestamp...)
	} else if _, amz := r.header("x-amz-date"); !amz || v&dateAndAmz != 0 {
		date, _ := r.header("date")
		b = append(b, strings.Trim(date, " \t")...)
	}
	b = append(b, '\n')
	b = appendAmzHeadersV2(b, r, a)
	return string(appendResourceV2(b, r, v))
}

// standardHeaderV2 returns a header, or in a presigned URL the parameter that botocore puts in its place.
func standardHeaderV2(r *Request, a *Auth, lower string) string {
	value, ok := r.header(lower)
	if !ok && a.Scheme == V2Presigned {
		value, _ = paramValue(r.RawQuery, lower)
	}
	return strings.Trim(value, " \t")
}

// appendAmzHeadersV2 writes the x-amz-* headers sorted, one a line. A presigned URL may carry them as
// parameters instead; those are signed as if they were headers.
func appendAmzHeadersV2(b []byte, r *Request, a *Auth) []byte {
	var amz []Field
	add := func(name, value string) {
		name = strings.ToLower(name)
		for i := range amz {
			if amz[i].Name == name {
				amz[i].Value += "," + strings.Trim(value, " \t")
				return
			}
		}
		amz = append(amz, Field{name, strings.Trim(value, " \t")})
	}
	for _, f := range r.Headers {
		if hasPrefixLower(f.Name, "x-amz-") {
			add(f.Name, f.Value)
		}
	}
	if a.Scheme == V2Presigned {
		for raw := r.RawQuery; raw != ""; {
			var name, value string
			name, value, raw = nextParam(raw)
			if name = decode(name); hasPrefixLower(name, "x-amz-") {
				add(name, decode(value))
			}
		}
	}
	slices.SortFunc(amz, func(x, y Field) int { return strings.Compare(x.Name, y.Name) })
	for _, f := range amz {
		b = append(b, f.Name...)
		b = append(b, ':')
		b = append(b, f.Value...)
		b = append(b, '\n')
	}
	return b
}

// appendResourceV2 writes the bucket (of a virtual host), the path as sent and the sub-resources, sorted.
func appendResourceV2(b []byte, r *Request, v variant) []byte {
	if r.HostBucket != "" {
		b = append(b, '/')
		b = append(b, r.HostBucket...)
	}
	path := r.RawPath
	if path == "" {
		path = "/"
	}
	if v&slashDecoded != 0 {
		path = strings.NewReplacer("%2F", "/", "%2f", "/").Replace(path)
	}
	b = append(b, path...)
	if v&bucketSlash != 0 {
		b = append(b, '/')
	}

	type sub struct {
		name, value string
		bare        bool
	}
	var subs []sub
	for raw := r.RawQuery; raw != ""; {
		var item string
		item, raw, _ = strings.Cut(raw, "&")
		name, value, found := strings.Cut(item, "=")
		if subResourceV2(name) {
			bare := !found || value == "" && v&noEqualSign != 0
			subs = append(subs, sub{name, decode(value), bare})
		}
	}
	slices.SortStableFunc(subs, func(x, y sub) int { return strings.Compare(x.name, y.name) })
	for i, s := range subs {
		if i == 0 {
			b = append(b, '?')
		} else {
			b = append(b, '&')
		}
		b = append(b, s.name...)
		if !s.bare {
			b = append(b, '=')
			b = append(b, s.value...)
		}
	}
	return b
}

// bucketOnly reports whether the path names a bucket and nothing else, without the slash that some clients sign.
func bucketOnly(r *Request) bool {
	return r.HostBucket == "" && len(r.RawPath) > 1 && strings.LastIndexByte(r.RawPath, '/') == 0
}

// subResourceV2 reports whether Version 2 signs the parameter: the list that S3 and botocore share.
func subResourceV2(name string) bool {
	switch name {
	case "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
		"logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
		"response-cache-control", "response-content-disposition", "response-content-encoding",
		"response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
		"storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website":
		return true
	}
	return false
}
