package s3api

import (
	"net/http"
	"time"
)

const (
	// oneRead is what a Go client takes from a connection at once; a whole answer of that size is safe from what follows.
	oneRead = 3 << 10
	// leastAge is how long after a request with a body an answer that takes the client longer to read begins at the soonest.
	leastAge = 4 * time.Millisecond
)

// pace holds back the begin of a large answer, or of one whose size is not known yet (-1), to a request that has a body:
// DeleteObjects, a select, a completion that is answered before it has ended.
//
// The AWS SDK for Go v2 closes a request's body when the answer begins; if net/http has not finished its last look at the
// body by then, it is told EOF there, takes that for a failed write and closes the connection under the answer that is
// still being read: "use of closed network connection". No server of Amazon's is near enough to meet that race.
func (r *request) pace(size int) {
	if r.method == http.MethodGet || r.method == http.MethodHead || size >= 0 && size <= oneRead {
		return
	}
	if wait := leastAge - time.Since(r.start); wait > 0 {
		time.Sleep(wait)
	}
}
