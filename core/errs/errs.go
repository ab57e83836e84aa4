// Package errs is the vocabulary of failure that core speaks: what was tried (Op), what class of
// failure it was (Kind), which rule said so (Reason) and on what (Resource).
//
// It knows no protocol: the front ends translate Kind and Reason into their own codes and statuses,
// and they are the only place that does. Lower layers (storage, hypervisor, netfw) export their own
// sentinels; core wraps them here.
package errs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind is the class of a failure: it decides the status of the answer and whether a retry can help.
type Kind uint8

// The kinds.
const (
	Internal         Kind = iota // a bug or a broken invariant
	Invalid                      // the request is wrong and will stay wrong
	NotFound                     // what was named does not exist
	Exists                       // what should be made exists already
	Conflict                     // the state of the thing forbids it now, or a concurrent change won
	Precondition                 // a condition the caller set does not hold
	NotModified                  // a condition of a read says the caller's copy is current
	Denied                       // the principal may not
	Unauthenticated              // no principal could be established
	TooLarge                     // beyond a limit of size
	Limit                        // beyond a limit of count or a quota
	RangeUnsatisfied             // the asked range lies outside
	Unavailable                  // cannot now, may later: overload, no quorum, shutting down
	NoSpace                      // the devices are full
	NotImplemented               // known, but not built
	Corrupt                      // stored bytes do not match their checksum on any replica
	Canceled                     // the caller went away or the deadline passed
)

var kindNames = [...]string{"internal", "invalid", "not found", "exists", "conflict", "precondition failed", "not modified",
	"denied", "unauthenticated", "too large", "limit exceeded", "range not satisfiable", "unavailable", "no space",
	"not implemented", "corrupt", "canceled"}

// String names the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", k)
}

// Reason names the rule that failed, finer than Kind. Domains define constants of it ("NoSuchUpload");
// the empty reason leaves the choice of code to the kind.
type Reason string

// E is a failure.
type E struct {
	Op       string // what was tried: "object.Put"
	Kind     Kind
	Reason   Reason
	Resource string            // what it was about: bucket, key, instance id
	Msg      string            // a sentence for the person who sent the request; may be empty
	Detail   map[string]string // further named facts a protocol may show (the expected region, the actual size)
	Err      error             // the cause, never shown to clients
}

// Error formats the failure for logs.
func (e *E) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Kind.String())
	if e.Reason != "" {
		b.WriteString(" (" + string(e.Reason) + ")")
	}
	if e.Resource != "" {
		b.WriteString(" " + e.Resource)
	}
	if e.Msg != "" {
		b.WriteString(": " + e.Msg)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *E) Unwrap() error { return e.Err }

// New makes a failure of kind k by rule r with a message for the client.
func New(k Kind, r Reason, msg string, args ...any) *E {
	if len(args) > 0 {
		msg = fmt.Sprintf(msg, args...)
	}
	return &E{Kind: k, Reason: r, Msg: msg}
}

// Wrap gives err the kind k, unless it is an E already or the caller went away.
func Wrap(op string, k Kind, err error) error {
	if err == nil {
		return nil
	}
	var e *E
	if errors.As(err, &e) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		k = Canceled
	}
	return &E{Op: op, Kind: k, Err: err}
}

// On returns a copy of e about resource.
func (e *E) On(resource string) *E {
	c := *e
	c.Resource = resource
	return &c
}

// KindOf is the kind of err: Internal for an error that is no E, Canceled for a context's.
func KindOf(err error) Kind {
	var e *E
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	}
	return Internal
}

// ReasonOf is the reason of err, or empty.
func ReasonOf(err error) Reason {
	var e *E
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
