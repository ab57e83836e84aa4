package s3api

import (
	"net"
	"time"
)

// Event is one request that has been answered.
type Event struct {
	Operation string // of the operation table: "PutObject"; "Unknown" when no operation was found
	RequestID string
	Method    string
	Bucket    string
	Key       string
	Remote    net.Addr
	UserAgent string
	AccessKey string // of a verified signature, else empty
	Account   string
	Scheme    string // how it was signed
	Status    int
	Code      string // of the S3 error, else empty
	BytesIn   int64  // of the body as decoded
	BytesOut  int64
	Start     time.Time
	Duration  time.Duration
	Cut       bool  // the server failed when the status was out already: the answer ended early
	Err       error // the cause of a failure that is the server's, or of a client's leaving in the middle of an answer
}

// Observer is told about every request, once, when its answer is complete or has been given up. It is called on the
// connection's goroutine and must not block; the Event is only good during the call.
type Observer interface {
	Observe(*Event)
}

type noObserver struct{}

func (noObserver) Observe(*Event) {}

// finish tells the observer, once.
func (r *request) finish() {
	if r.done {
		return
	}
	r.done = true
	defer r.vacate()
	e := &r.rented().event
	*e = Event{
		Operation: r.op.name,
		RequestID: r.id,
		Method:    r.method,
		Bucket:    r.bucket,
		Key:       r.key,
		Remote:    r.fctx.RemoteAddr(),
		UserAgent: r.header("User-Agent"),
		AccessKey: r.verified.AccessKeyID,
		Account:   r.who.AccountID,
		Scheme:    r.auth.Scheme.String(),
		Status:    r.fctx.Response.StatusCode(),
		BytesIn:   r.bytesIn,
		BytesOut:  r.bytesOut,
		Start:     r.start,
		Duration:  time.Since(r.start),
		Cut:       r.cut,
		Err:       r.left,
	}
	if r.failure != nil {
		e.Code = string(r.failure.Code)
		e.Err = r.failure.Cause
	}
	r.srv.observer.Observe(e)
	r.logAccess()
}
