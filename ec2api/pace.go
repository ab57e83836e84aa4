package ec2api

import (
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// oneRead is what a Go client takes from a connection at once; a whole answer of that size is safe from what follows.
	oneRead = 3 << 10
	// leastAge is how long after a request a larger answer is sent at the soonest.
	leastAge = 4 * time.Millisecond
	// packable is the size up to which an answer, compressed, has a chance to fit into one read.
	packable = 48 << 10
)

// pack compresses an answer that is so small afterwards that it needs no pacing, for clients that take that, which the AWS SDK
// for Go does: a description of five instances is 2.3 KiB then, and is not held back. EC2 too says that its answers vary by
// Accept-Encoding.
func (r *request) pack() {
	res := &r.fctx.Response
	body := res.Body()
	if len(body) <= oneRead {
		return
	}
	res.Header.Set("Vary", "accept-encoding")
	if len(body) > packable || !r.fctx.Request.Header.HasAcceptEncoding("gzip") {
		return
	}
	packed := fasthttp.AppendGzipBytesLevel(nil, body, fasthttp.CompressBestSpeed)
	if len(packed) > oneRead {
		return
	}
	res.SetBodyRaw(packed)
	res.Header.SetContentEncoding("gzip")
}

// pace holds back a large answer to a form for a moment. The AWS SDK for Go v2 closes a request's body when the answer
// begins; if net/http has not finished its last look at the body by then, it is told EOF there (smithy-go's safeReadCloser
// in its WriteTo), takes that for a failed write and closes the connection under the answer that is still being read:
// "use of closed network connection". No server of Amazon's is near enough to meet that race; on one machine every third
// large answer was lost to it. Waiting costs no CPU.
func (r *request) pace() {
	if !r.fctx.IsPost() || len(r.fctx.Response.Body()) <= oneRead {
		return
	}
	if wait := leastAge - time.Since(r.start); wait > 0 {
		time.Sleep(wait)
	}
}
