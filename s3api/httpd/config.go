package httpd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Config says what a Server answers and what it bears.
type Config struct {
	// Handler answers every request that could be parsed.
	Handler fiber.Handler

	// Expect decides on a request with "Expect: 100-continue" before its body is asked for: fasthttp.StatusContinue
	// goes on to Handler, any other status is final and Expect has filled in the answer. Nil accepts all.
	Expect func(*fasthttp.RequestCtx) int

	// Broken fills in the answer to a request that could not be read or parsed.
	Broken func(*fasthttp.RequestCtx, Fault)

	// Busy is the complete answer, status line and all, that a connection beyond MaxConns gets before it is closed.
	Busy []byte

	ServerName string // of the Server header
	Limits     Limits
	Logger     *slog.Logger
}

// Limits bound what clients can take.
type Limits struct {
	MaxConns       int           // open connections at one time
	MaxHeaderBytes int           // request line and header section; also the read buffer of each connection
	WriteBuffer    int           // write buffer of each connection
	HeaderTimeout  time.Duration // from the first byte of a request to the end of its header section
	KeepAlive      time.Duration // between requests of a connection
	BodyIdle       time.Duration // in which at least MinProgress bytes of a body must arrive
	WriteIdle      time.Duration // in which at least one byte of an answer must be taken
	MinProgress    int           // bytes that count as progress of a body
	LingerBytes    int           // unread input drained before a close
	LingerTime     time.Duration // and the time that may take
}

// DefaultLimits suit a server on an open network.
func DefaultLimits() Limits {
	return Limits{
		MaxConns:       16384,
		MaxHeaderBytes: 16 << 10,
		WriteBuffer:    8 << 10,
		HeaderTimeout:  30 * time.Second,
		KeepAlive:      90 * time.Second,
		BodyIdle:       30 * time.Second,
		WriteIdle:      60 * time.Second,
		MinProgress:    1 << 10,
		LingerBytes:    16 << 20, // a part of the usual size, whose sender would see a reset instead of the answer
		LingerTime:     2 * time.Second,
	}
}

func (l *Limits) withDefaults() {
	d := DefaultLimits()
	setInt := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	setTime := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	setInt(&l.MaxConns, d.MaxConns)
	setInt(&l.MaxHeaderBytes, d.MaxHeaderBytes)
	setInt(&l.WriteBuffer, d.WriteBuffer)
	setInt(&l.MinProgress, d.MinProgress)
	setInt(&l.LingerBytes, d.LingerBytes)
	setTime(&l.HeaderTimeout, d.HeaderTimeout)
	setTime(&l.KeepAlive, d.KeepAlive)
	setTime(&l.BodyIdle, d.BodyIdle)
	setTime(&l.WriteIdle, d.WriteIdle)
	setTime(&l.LingerTime, d.LingerTime)
}

// Validate reports the first setting that cannot work.
func (l Limits) Validate() error {
	switch {
	case l.MaxConns < 1:
		return fmt.Errorf("httpd: MaxConns %d: need at least 1", l.MaxConns)
	case l.MaxHeaderBytes < 4<<10:
		return fmt.Errorf("httpd: MaxHeaderBytes %d: need at least 4096", l.MaxHeaderBytes)
	case l.WriteBuffer < 1<<10:
		return fmt.Errorf("httpd: WriteBuffer %d: need at least 1024", l.WriteBuffer)
	case l.HeaderTimeout < 0, l.KeepAlive < 0, l.BodyIdle < 0, l.WriteIdle < 0, l.LingerTime < 0:
		return errors.New("httpd: negative timeout")
	}
	return nil
}

// Fault is why a request could not be read.
type Fault uint8

// The faults.
const (
	Malformed         Fault = iota // request line, header or framing
	HeadersTooLarge                // more than MaxHeaderBytes
	TimedOut                       // the client was too slow
	Truncated                      // the client went away within the body
	BadTransferCoding              // a transfer coding other than chunked
	BodyTooLarge                   // a declared length beyond any object
	Disconnected                   // the connection failed; nobody will read the answer
)

// Listener pairs with Server.ServeTLS: TLS runs above the deadlines, so that they see the bytes of the wire.
func serverTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{"http/1.1"}
	return c
}
