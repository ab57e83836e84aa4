package sigv4

import (
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"
)

// PostForm gives the fields of a browser-based upload that came before the file. Names are lower case.
type PostForm func(name string) string

// ParsePost finds the signature of a form upload: the x-amz-* fields of Version 4, or AWSAccessKeyId and
// signature of Version 2. A form without a policy is Anonymous. That the policy document allows the form is
// for the caller to check, after Verify: the signature covers the policy, and the policy covers the form.
func (v *Verifier) ParsePost(form PostForm, now time.Time) (Auth, error) {
	a := Auth{policy: form("policy"), bodyHash: UnsignedPayload, SecurityToken: form("x-amz-security-token")}
	signedV4 := form("x-amz-signature") != "" || form("x-amz-credential") != "" || form("x-amz-algorithm") != ""
	signedV2 := form("awsaccesskeyid") != "" || form("signature") != ""
	var e *Error
	switch {
	case signedV4 && signedV2:
		e = severalMechanisms()
	case signedV4:
		e = v.parsePostV4(&a, form, now)
	case signedV2:
		e = v.parsePostV2(&a, form)
	case a.policy == "":
		return Auth{}, nil
	default:
		e = refuse(AccessDenied, "Access Denied")
	}
	if e != nil {
		return Auth{}, e
	}
	return a, nil
}

func missingField(name string) *Error {
	return refuse(InvalidArgument, "Bucket POST must contain a field named '%s'.  If it is specified, please check the order of the fields.", name).
		with("ArgumentName", name).with("ArgumentValue", "")
}

func (v *Verifier) parsePostV4(a *Auth, form PostForm, now time.Time) *Error {
	a.Scheme = V4Post
	for _, name := range [...]string{"policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"} {
		if form(strings.ToLower(name)) == "" {
			return missingField(name)
		}
	}
	switch algorithm := form("x-amz-algorithm"); algorithm {
	case algorithmV4:
	case algorithmV4a:
		return unsupportedV4a()
	default:
		return refuse(InvalidArgument, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"").
			with("ArgumentName", "x-amz-algorithm").with("ArgumentValue", clip(algorithm))
	}
	if e := v.parseCredential(a, form("x-amz-credential")); e != nil {
		e.Reason = InvalidArgument
		return e.with("ArgumentName", "x-amz-credential").with("ArgumentValue", clip(form("x-amz-credential")))
	}
	a.signature, a.timestamp = form("x-amz-signature"), form("x-amz-date")
	t, ok := parseDate(a.timestamp)
	if !ok {
		return noDate()
	}
	a.time = t
	if a.date != t.Format(dateFormat) {
		return refuse(InvalidArgument, "Invalid credential date %q. This date is not the same as X-Amz-Date: %q.",
			clip(a.date), t.Format(dateFormat))
	}
	// A form may be prepared days ahead; the policy says how long it is good. But not from the future.
	if t.Sub(now) > MaxSkew {
		return refuse(AccessDenied, "Request is not valid yet").with("ServerTime", now.UTC().Format(time.RFC3339))
	}
	return nil
}

func (v *Verifier) parsePostV2(a *Auth, form PostForm) *Error {
	if e := v.refuseV2(); e != nil {
		return e
	}
	a.Scheme = V2Post
	a.AccessKeyID, a.signature = form("awsaccesskeyid"), form("signature")
	switch {
	case a.AccessKeyID == "" || len(a.AccessKeyID) > 256:
		return missingField("AWSAccessKeyId")
	case a.signature == "":
		return missingField("Signature")
	case a.policy == "":
		return missingField("policy")
	}
	return nil
}

func (v *Verifier) verifyPostV4(a *Auth, secret string) (Verified, error) {
	key, fresh := v.keys.get(keyID{a.AccessKeyID, a.date, a.Region, a.Service}, secret)
	mac := HMAC(&key.key, []byte(a.policy))
	var want [64]byte
	hex.Encode(want[:], mac[:])
	if subtle.ConstantTimeCompare(want[:], []byte(a.signature)) != 1 {
		return Verified{}, mismatch(a, "", a.policy)
	}
	if fresh {
		v.keys.put(key)
	}
	return Verified{
		AccessKeyID: key.accessKeyID, Scheme: V4Post, Version: 4, Region: key.region, Service: key.service, Date: key.date,
		Timestamp: strings.Clone(a.timestamp), Time: a.time, SigningKey: key.key,
		SeedSignature: strings.Clone(a.signature), PayloadHash: UnsignedPayload,
	}, nil
}

func (v *Verifier) verifyPostV2(a *Auth, secret string) (Verified, error) {
	if !v2Matches(hmacSHA1, secret, a.policy, a.signature) {
		return Verified{}, mismatch(a, "", a.policy)
	}
	return verifiedV2(a), nil
}
