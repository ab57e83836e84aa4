// Package ec2err is the errors of the EC2 API: codes, sentences, statuses and the document that carries them.
//
// EC2's model declares no errors: the codes are the contract, and clients compare them letter by letter. Core speaks of
// failures as errs.E, whose Reason is EC2's code where EC2 has one; [From] makes the answer of it, and this is the only place
// where codes get their status.
package ec2err

import (
	"fmt"
	"net/url"
	"strings"
)

// Error is an answer that is no success.
type Error struct {
	Code    string
	Message string
	Status  int
	Cause   error // for the log, never for the client
}

// Error formats the failure for logs.
func (e *Error) Error() string {
	s := "ec2: " + e.Code + ": " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a code; its status is the code's.
func New(code, format string, args ...any) *Error {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, Message: format, Status: StatusOf(code)}
}

// Missing is the error of a required parameter that is not there.
func Missing(param string) *Error {
	return New(MissingParameter, "The request must contain the parameter %s", param)
}

// Value is the error of a parameter whose value cannot be.
func Value(param, value string) *Error {
	return New(InvalidParameterValue, "Value (%s) for parameter %s is invalid.", Clip(value), Name(param))
}

// Low and High are the errors of a number out of bounds. EC2 names the bound itself, which is allowed: "Value ( 1 ) for
// parameter maxResults is invalid. Expecting a value greater than 5."
func Low(param string, value, least int) *Error {
	return New(InvalidParameterValue, "Value ( %d ) for parameter %s is invalid. Expecting a value greater than %d.", value, Name(param), least)
}

// High is Low at the other end.
func High(param string, value, most int) *Error {
	return New(InvalidParameterValue, "Value ( %d ) for parameter %s is invalid. Expecting a value less than %d.", value, Name(param), most)
}

// Name is how EC2 writes a parameter that has a wrong value: the first letter is small.
func Name(param string) string {
	if param == "" {
		return ""
	}
	return strings.ToLower(param[:1]) + param[1:]
}

// Combination is the error of parameters that exclude each other.
func Combination(format string, args ...any) *Error {
	return New(InvalidParameterCombination, format, args...)
}

// Unsupported is the error of what EC2 can do and this server cannot.
func Unsupported(format string, args ...any) *Error {
	return New(UnsupportedOperation, format, args...)
}

// Clip shortens a client's text for a message, and makes it printable.
func Clip(s string) string {
	const most = 256
	if len(s) > most {
		s = s[:most] + "..."
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return url.PathEscape(s)
		}
	}
	return s
}
