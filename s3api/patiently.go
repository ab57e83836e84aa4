package s3api

import (
	"bytes"
	"io"
	"time"

	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// outcome is how a slow operation ended.
type outcome struct {
	resp *response
	err  error
}

// patiently runs an operation that may take longer than clients and proxies wait for a first byte. When it ends within
// Limits.Patience the answer is as usual. Otherwise 200 is sent with white space that keeps the connection alive, and the
// result, or the error, is the document that follows; SDKs look into the body of these operations for that reason.
//
// f runs on another goroutine: it may use the strings of the request but not fasthttp's context, and it makes its own
// response. A client that goes away does not stop it.
func (r *request) patiently(f func() (*response, error)) (*response, error) {
	ended := make(chan outcome, 1)
	r.srv.slow.Add(1)
	go func() {
		defer r.srv.slow.Done()
		var o outcome
		func() {
			defer r.srv.recovered(r, &o.err)
			o.resp, o.err = f()
		}()
		ended <- o
	}()
	patience := time.NewTimer(r.srv.cfg.Limits.Patience)
	defer patience.Stop()
	select {
	case o := <-ended:
		return o.resp, o.err
	case <-patience.C:
	}
	resp := r.ok()
	resp.slow = &slowBody{r: r, ended: ended, rest: []byte(s3xml.Header), beat: time.NewTicker(r.srv.cfg.Limits.Heartbeat)}
	return resp, nil
}

// slowBody is the body of an answer that is begun before its content is known.
type slowBody struct {
	r     *request
	ended chan outcome
	beat  *time.Ticker
	rest  []byte
	last  bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.last {
			return 0, io.EOF
		}
		select {
		case o := <-b.ended:
			b.last = true
			if o.err != nil {
				b.r.failure = b.r.explain(o.err)
				b.rest = b.r.failure.AppendElement(nil, b.r.id, b.r.srv.ids.hostID)
			} else {
				b.rest = bytes.TrimPrefix(o.resp.xml, []byte(s3xml.Header))
			}
		case <-b.beat.C:
			b.rest = []byte{' '}
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *slowBody) Close() error {
	b.beat.Stop()
	return nil
}
