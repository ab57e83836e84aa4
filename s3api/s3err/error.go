package s3err

import (
	"fmt"
	"net/http"
)

// Field is a further element of an error's body, or a header of its answer.
type Field struct{ Name, Value string }

// Error is an S3 error on its way to a client. Its With methods return changed copies.
type Error struct {
	Code    Code
	Status  int
	Message string
	Details []Field // elements behind Message, in order
	Headers []Field // headers of the answer
	Cause   error   // for the log only
}

// New is the error of code with its usual message.
func New(code Code) *Error {
	r, ok := table[code]
	if !ok {
		r = row{http.StatusInternalServerError, string(code)}
	}
	return &Error{Code: code, Status: r.status, Message: r.message}
}

// Newf is the error of code with a message of its own.
func Newf(code Code, format string, args ...any) *Error {
	e := New(code)
	e.Message = format
	if len(args) > 0 {
		e.Message = fmt.Sprintf(format, args...)
	}
	return e
}

// Argument is an InvalidArgument that names the argument and its value, as S3 does.
func Argument(name, value, message string) *Error {
	return Newf(InvalidArgument, "%s", message).With("ArgumentName", name).With("ArgumentValue", value)
}

// Header is a NotImplemented that names the header which asked for too much.
func Header(name string) *Error {
	return New(NotImplemented).With("Header", name)
}

// Error formats the error for logs.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// With adds an element to the body. A name that is there already keeps its first value.
func (e *Error) With(name, value string) *Error {
	for _, d := range e.Details {
		if d.Name == name {
			return e
		}
	}
	c := *e
	c.Details = append(c.Details[:len(c.Details):len(c.Details)], Field{name, value})
	return &c
}

// WithHeader adds a header to the answer.
func (e *Error) WithHeader(name, value string) *Error {
	c := *e
	c.Headers = append(c.Headers[:len(c.Headers):len(c.Headers)], Field{name, value})
	return &c
}

// WithCause keeps err for the log.
func (e *Error) WithCause(err error) *Error {
	c := *e
	c.Cause = err
	return &c
}

// WithStatus answers with another status than the code's usual one.
func (e *Error) WithStatus(status int) *Error {
	c := *e
	c.Status = status
	return &c
}
