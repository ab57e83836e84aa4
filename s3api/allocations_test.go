package s3api_test

import (
	"bufio"
	"testing"
)

// TestAllocations bounds what a small request allocates from the first byte read to the last one written, with the little that this client
// does: every piece of memory is work for each of tens of thousands of requests a second.
func TestAllocations(t *testing.T) {
	f := start(t)
	f.events.off = true
	f.bucket("bkt")
	f.do("PUT", "/bkt/k", string(randomBytes(1, 4096)))
	for _, c := range []struct {
		method string
		body   int
		most   float64
	}{{"GET", 4096, 28}, {"HEAD", 0, 23}} {
		r := newRequest(c.method, "/bkt/k", "")
		r.sign(f.addr, testKeyID, testSecret)
		wire := []byte(r.wire())
		conn := f.dial()
		br := bufio.NewReaderSize(conn, 16<<10)
		most := c.most
		if raceEnabled {
			most *= 2 // pools forget
		}
		n := testing.AllocsPerRun(300, func() {
			if _, err := conn.Write(wire); err != nil {
				t.Fatal(err)
			}
			if err := readAnswer(br, c.method, c.body); err != nil {
				t.Fatal(err)
			}
		})
		conn.Close()
		t.Logf("%s: %v allocations", c.method, n)
		if n > most {
			t.Errorf("%s: %v allocations, want %v at most", c.method, n, most)
		}
	}
}
