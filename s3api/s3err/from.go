package s3err

import (
	"errors"
	"net/http"
	"sort"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/sigv4"
)

// byReason are the reasons of core whose code has another name. All others carry the name of their code.
var byReason = map[errs.Reason]Code{
	object.MarkerNotFound: NoSuchKey,
	object.PolicyOfOthers: MethodNotAllowed,
}

// byKind is what an error says that brings no reason, or one that S3 has no code for.
var byKind = map[errs.Kind]Code{
	errs.Internal:         InternalError,
	errs.Invalid:          InvalidRequest,
	errs.NotFound:         NoSuchKey,
	errs.Exists:           BucketAlreadyExists,
	errs.Conflict:         OperationAborted,
	errs.Precondition:     PreconditionFailed,
	errs.NotModified:      NotModified,
	errs.Denied:           AccessDenied,
	errs.Unauthenticated:  AccessDenied,
	errs.TooLarge:         EntityTooLarge,
	errs.Limit:            SlowDown,
	errs.RangeUnsatisfied: InvalidRange,
	errs.Unavailable:      ServiceUnavailable,
	errs.NoSpace:          ServiceUnavailable,
	errs.NotImplemented:   NotImplemented,
	errs.Corrupt:          InternalError,
	errs.Canceled:         RequestTimeout,
}

// From translates any error of the layers below into what the client is told.
func From(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var sig *sigv4.Error
	if errors.As(err, &sig) {
		return fromSignature(sig)
	}
	var e *errs.E
	if !errors.As(err, &e) {
		return New(byKind[errs.KindOf(err)]).WithCause(err)
	}
	code, named := codeOf(e)
	out := New(code)
	if e.Msg != "" && out.Status < http.StatusInternalServerError {
		out.Message = e.Msg
	}
	switch {
	case e.Kind != errs.NotImplemented:
	case !named:
		out.Message = "This functionality is not implemented"
	case e.Msg != "":
		out.Message = e.Msg
	}
	if out.Status >= http.StatusInternalServerError {
		out.Cause = err
	}
	if e.Kind == errs.NoSpace {
		out.Message = "There is no space left to store this. Deletes and reads go on."
	}
	switch e.Kind {
	case errs.Denied, errs.NotModified: // facts for the log and for headers
		return out
	}
	return out.details(e)
}

// Detail is a named fact of a failure of core, or empty.
func Detail(err error, name string) string {
	var e *errs.E
	if errors.As(err, &e) {
		return e.Detail[name]
	}
	return ""
}

// Resource is what a failure of core is about, or empty.
func Resource(err error) string {
	var e *errs.E
	if errors.As(err, &e) {
		return e.Resource
	}
	return ""
}

func codeOf(e *errs.E) (code Code, named bool) {
	if c, ok := byReason[e.Reason]; ok {
		return c, true
	}
	if c := Code(e.Reason); c != "" {
		if _, ok := table[c]; ok {
			return c, true
		}
	}
	// The kind decides; a front end further up may know better what was not found.
	return byKind[e.Kind], false
}

// details turns the named facts of a failure into elements, or, when the name is of lower case, into headers.
func (e *Error) details(from *errs.E) *Error {
	names := make([]string, 0, len(from.Detail))
	for n := range from.Detail {
		names = append(names, n)
	}
	sort.Strings(names)
	out := e
	for _, n := range names {
		if n == strings.ToLower(n) {
			out = out.WithHeader(n, from.Detail[n])
		} else {
			out = out.With(n, from.Detail[n])
		}
	}
	return out
}

func fromSignature(sig *sigv4.Error) *Error {
	code := Code(sig.Reason)
	if _, ok := table[code]; !ok {
		code = AccessDenied
	}
	e := Newf(code, "%s", sig.Message)
	for _, d := range sig.Details {
		e = e.With(d.Name, d.Value)
	}
	return e
}
