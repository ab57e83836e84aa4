package ec2api

import (
	"net"
	"time"
)

// Event is one request that has been answered.
type Event struct {
	Action    string // of the model; "Unknown" for any other
	RequestID string
	Method    string
	Remote    net.Addr
	UserAgent string
	AccessKey string // of a verified signature, else empty
	Account   string
	Scheme    string // how it was signed
	Status    int
	Code      string // of the error, else empty
	BytesIn   int64
	BytesOut  int64
	Start     time.Time
	Duration  time.Duration
	Err       error // the cause of a failure that is the server's
}

// Observer is told about every request, once, when its answer is complete. It must not block.
type Observer interface {
	Observe(*Event)
}

type noObserver struct{}

func (noObserver) Observe(*Event) {}
