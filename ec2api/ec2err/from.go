package ec2err

import (
	"cmp"
	"errors"

	"github.com/aureole-cloud/aureole/core/errs"
)

// kindCodes is the code of a failure whose rule EC2 has no name for.
var kindCodes = map[errs.Kind]string{
	errs.Internal:        InternalError,
	errs.Corrupt:         InternalError,
	errs.Invalid:         InvalidParameterValue,
	errs.NotFound:        InvalidParameterValue,
	errs.Exists:          InvalidParameterValue,
	errs.TooLarge:        InvalidParameterValue,
	errs.Conflict:        "IncorrectState",
	errs.Precondition:    "IncorrectState",
	errs.Denied:          UnauthorizedOperation,
	errs.Unauthenticated: AuthFailure,
	errs.Limit:           ResourceLimitExceeded,
	errs.NoSpace:         "InsufficientInstanceCapacity",
	errs.Unavailable:     Unavailable,
	errs.NotImplemented:  UnsupportedOperation,
	errs.Canceled:        Unavailable,
}

// signatureCodes translates reasons of core/sigv4 and core/iam, which are S3's codes.
var signatureCodes = map[errs.Reason]string{
	"AccessDenied":                      UnauthorizedOperation,
	"AuthorizationHeaderMalformed":      IncompleteSignature,
	"AuthorizationQueryParametersError": IncompleteSignature,
	"InvalidAccessKeyId":                AuthFailure,
	"InvalidToken":                      AuthFailure,
	"ExpiredToken":                      RequestExpired,
	"InvalidArgument":                   IncompleteSignature,
	"InvalidRequest":                    IncompleteSignature,
	"MissingSecurityHeader":             MissingAuthenticationToken,
	"NotImplemented":                    UnsupportedOperation,
	"RequestTimeTooSkewed":              RequestExpired,
	"SignatureDoesNotMatch":             AuthFailure,
}

const (
	notValidated = "AWS was not able to validate the provided access credentials"
	notPermitted = "You are not authorized to perform this operation."
	internal     = "An internal error has occurred"
)

// From makes the answer to a failure of core.
func From(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var e *errs.E
	if !errors.As(err, &e) {
		if errs.KindOf(err) == errs.Canceled {
			return &Error{Code: Unavailable, Message: "The request was cancelled.", Status: StatusOf(Unavailable), Cause: err}
		}
		return &Error{Code: InternalError, Message: internal, Status: StatusOf(InternalError), Cause: err}
	}
	code, translated := signatureCodes[e.Reason]
	if !translated {
		code = cmp.Or(string(e.Reason), kindCodes[e.Kind], InternalError)
	}
	a := &Error{Code: code, Message: e.Msg, Status: StatusOf(code)}
	switch code {
	case InternalError:
		a.Message = internal
	case UnauthorizedOperation:
		a.Message = notPermitted
	case AuthFailure:
		a.Message = notValidated
		if e.Reason == "SignatureDoesNotMatch" {
			a.Message += ": the signature does not match; check the secret access key"
		}
	case RequestExpired:
		a.Message = cmp.Or(e.Msg, "Request has expired.")
	}
	a.Message = cmp.Or(a.Message, e.Kind.String())
	if a.Status >= 500 || e.Err != nil {
		a.Cause = err
	}
	return a
}
