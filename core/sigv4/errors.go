package sigv4

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// Reason is why a request was refused. The values are the codes that S3 uses; other front ends translate.
type Reason = errs.Reason

// The reasons.
const (
	AccessDenied                      Reason = "AccessDenied"
	AuthorizationHeaderMalformed      Reason = "AuthorizationHeaderMalformed"
	AuthorizationQueryParametersError Reason = "AuthorizationQueryParametersError"
	InvalidAccessKeyID                Reason = "InvalidAccessKeyId" // the caller's: the key is unknown
	InvalidArgument                   Reason = "InvalidArgument"
	InvalidRequest                    Reason = "InvalidRequest"
	InvalidToken                      Reason = "InvalidToken" // the caller's: the session token is unknown
	MissingSecurityHeader             Reason = "MissingSecurityHeader"
	NotImplemented                    Reason = "NotImplemented"
	RequestTimeTooSkewed              Reason = "RequestTimeTooSkewed"
	SignatureDoesNotMatch             Reason = "SignatureDoesNotMatch"
)

// Error is a refusal. Details are the further elements of S3's error body, in S3's order.
type Error struct {
	Reason  Reason
	Message string
	Details []Field
}

// Error formats the refusal for logs, without the details.
func (e *Error) Error() string { return "sigv4: " + string(e.Reason) + ": " + e.Message }

// Detail returns the named detail, or empty.
func (e *Error) Detail(name string) string {
	for _, d := range e.Details {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// Kind is the class of the refusal in core's vocabulary.
func (e *Error) Kind() errs.Kind {
	switch e.Reason {
	case AccessDenied, RequestTimeTooSkewed, SignatureDoesNotMatch, InvalidAccessKeyID:
		return errs.Unauthenticated
	case NotImplemented:
		return errs.NotImplemented
	}
	return errs.Invalid
}

// As makes the refusal readable as an *errs.E too, so that errs.KindOf and errs.ReasonOf work on it.
func (e *Error) As(target any) bool {
	t, ok := target.(**errs.E)
	if !ok {
		return false
	}
	d := make(map[string]string, len(e.Details))
	for _, f := range e.Details {
		d[f.Name] = f.Value
	}
	*t = &errs.E{Op: "sigv4.Verify", Kind: e.Kind(), Reason: e.Reason, Msg: e.Message, Detail: d}
	return true
}

// UnknownKey is the refusal of a key id that the caller does not know.
func UnknownKey(accessKeyID string) *Error {
	return &Error{
		Reason:  InvalidAccessKeyID,
		Message: "The AWS Access Key Id you provided does not exist in our records.",
		Details: []Field{{"AWSAccessKeyId", accessKeyID}},
	}
}

func refuse(r Reason, format string, args ...any) *Error {
	return &Error{Reason: r, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) with(name, value string) *Error {
	e.Details = append(e.Details, Field{name, value})
	return e
}

func malformedHeader(format string, args ...any) *Error {
	return refuse(AuthorizationHeaderMalformed, "The authorization header is malformed; "+format, args...)
}

func badQuery(format string, args ...any) *Error {
	return refuse(AuthorizationQueryParametersError, format, args...)
}

func noDate() *Error {
	return refuse(AccessDenied, "AWS authentication requires a valid Date or x-amz-date header")
}

func skewed(sent string, now time.Time) *Error {
	return refuse(RequestTimeTooSkewed, "The difference between the request time and the current time is too large.").
		with("RequestTime", sent).
		with("ServerTime", now.UTC().Format(time.RFC3339)).
		with("MaxAllowedSkewMilliseconds", strconv.FormatInt(MaxSkew.Milliseconds(), 10))
}

func expired(ends, now time.Time, seconds string) *Error {
	e := refuse(AccessDenied, "Request has expired")
	if seconds != "" {
		e.with("X-Amz-Expires", seconds)
	}
	return e.with("Expires", ends.UTC().Format(time.RFC3339)).with("ServerTime", now.UTC().Format(time.RFC3339))
}

func severalMechanisms() *Error {
	return refuse(InvalidArgument, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "+
		"Signature query string parameter or the Authorization header should be specified")
}

// mismatch is the refusal of a wrong signature. It repeats what the server signed, so that the author of
// a client can compare; all of it came from the request.
func mismatch(a *Auth, canonical, toSign string) *Error {
	e := refuse(SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. "+
		"Check your key and signing method.").
		with("AWSAccessKeyId", a.AccessKeyID).
		with("StringToSign", toSign).
		with("SignatureProvided", a.signature).
		with("StringToSignBytes", spacedHex(toSign))
	if canonical != "" {
		e.with("CanonicalRequest", canonical).with("CanonicalRequestBytes", spacedHex(canonical))
	}
	for i := range e.Details {
		e.Details[i].Value = string([]byte(e.Details[i].Value)) // it may alias the request
	}
	return e
}

func spacedHex(s string) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 3*len(s))
	for i := range len(s) {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, digits[s[i]>>4], digits[s[i]&15])
	}
	return string(b)
}
