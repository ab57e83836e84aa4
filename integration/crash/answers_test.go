package crash

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// answer is what came of a GET: it may end before the length that was announced.
type answer struct {
	status    int
	announced int64
	body      []byte
	err       error
}

// get asks for an object, or a range of it, and reads as much as comes.
func get(t *testing.T, target wire.Target, name, ranged string) answer {
	t.Helper()
	conn, resp, err := open(t, target, name, ranged)
	if err != nil {
		conn.Close()
		return answer{err: err}
	}
	defer conn.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.ContentLength, body, err}
}

// open sends a GET and reads no more than the head of the answer. Little of the body is on its way then.
func open(t *testing.T, target wire.Target, name, ranged string) (net.Conn, *http.Response, error) {
	t.Helper()
	conn, err := target.Dial()
	if err != nil {
		t.Fatal(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(64 << 10)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	r := &wire.Request{Method: "GET", Path: path(name), Host: target.Host()}
	if ranged != "" {
		r.Headers = []wire.Field{{Name: "Range", Value: ranged}}
	}
	target.Signer().SignV4(r, time.Now())
	if _, err := conn.Write(r.AppendHead(nil)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "GET"})
	return conn, resp, err
}

func put(t *testing.T, target wire.Target, name string, body []byte) {
	t.Helper()
	reply, err := target.DoLarge(&wire.Request{Method: "PUT", Path: path(name), Body: body})
	if err != nil || reply.Status != 200 {
		t.Fatalf("PUT %s: %v %v", name, reply, err)
	}
}

func remove(t *testing.T, target wire.Target, name string) {
	t.Helper()
	reply, err := target.Do(&wire.Request{Method: "DELETE", Path: path(name)})
	if err != nil || reply.Status != 204 {
		t.Fatalf("DELETE %s: %v %v", name, reply, err)
	}
}

// eachScheme runs f over HTTP and over TLS, where bodies take different ways to the socket.
func eachScheme(t *testing.T, f func(t *testing.T, o harness.Options)) {
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %t", tls), func(t *testing.T) { f(t, harness.Options{TLS: tls}) })
	}
}

// TestRangesBesideDamage reads random ranges of large objects while bits flip on one of three devices.
func TestRangesBesideDamage(t *testing.T) {
	eachScheme(t, func(t *testing.T, o harness.Options) {
		o.Devices = 3
		s := harness.Start(t, o)
		makeBucket(t, s)
		target := targetOf(s)
		bodies := map[string][]byte{}
		w := newWriter(0, 5, target)
		for i := range 12 {
			name := fmt.Sprintf("large/%d", i)
			c := content{exists: true, seed: uint64(i), size: []int{70_000, 1<<20 + 1, 5<<20 + 777, 300_000}[i%4] + i}
			if i%3 == 2 {
				w.keys[name] = &state{}
				var err error
				if c, err = w.multipart(name, c); err != nil {
					t.Fatal(err)
				}
			} else {
				put(t, target, name, c.bytes())
			}
			bodies[name] = c.bytes()
		}
		w.client.Close()
		for round := range 4 {
			for _, f := range segments(t, s.Data[round%3]) {
				flip(t, f, 30<<10)
			}
			var wg sync.WaitGroup
			for k := range 4 {
				wg.Go(func() { randomRanges(t, target, bodies, rand.New(rand.NewPCG(uint64(round), uint64(k)))) })
			}
			wg.Wait()
			if _, err := s.Scrub(); err != nil { // the next round hurts another device
				t.Fatal(err)
			}
		}
		if n, _, err := s.SumMetric("aureole_device_corrupt_total"); err != nil || n == 0 {
			t.Errorf("%v damaged blocks were met, %v: the test saw none", n, err)
		}
	})
}

func randomRanges(t *testing.T, target wire.Target, bodies map[string][]byte, rng *rand.Rand) {
	c := &wire.Client{Target: target}
	defer c.Close()
	for name, want := range bodies {
		for range 5 {
			first := rng.IntN(len(want))
			last := first + rng.IntN(len(want)-first)
			ranged := fmt.Sprintf("bytes=%d-%d", first, last)
			switch rng.IntN(5) {
			case 0:
				ranged, last = fmt.Sprintf("bytes=%d-", first), len(want)-1
			case 1:
				ranged, last = fmt.Sprintf("bytes=-%d", len(want)-first), len(want)-1
			}
			reply, err := c.Do(&wire.Request{Method: "GET", Path: path(name), Headers: []wire.Field{{Name: "Range", Value: ranged}}})
			if err != nil || reply.Status != 206 || !bytes.Equal(reply.Body, want[first:last+1]) {
				t.Errorf("%s %s: %v, %v", name, ranged, reply, err)
				return
			}
		}
	}
}

// TestDamageBreaksTheAnswer: without another copy an answer ends at the damaged block, before its announced length, and says so in
// the log. What lies beside the damage can be had.
func TestDamageBreaksTheAnswer(t *testing.T) {
	eachScheme(t, func(t *testing.T, o harness.Options) {
		o.Args = []string{"--access-log", "errors"}
		s := harness.Start(t, o)
		makeBucket(t, s)
		target := targetOf(s)
		const size, bad = 5 << 20, 3 << 20 // bad begins a block
		body := harness.Bytes(1, size)
		put(t, target, "hurt", body)
		hurt := 0
		for _, f := range segments(t, s.Data[0]) {
			hurt += flipContent(t, f, body[bad+1000:bad+1064])
		}
		if hurt != 1 {
			t.Fatalf("the block was found %d times", hurt)
		}
		a := get(t, target, "hurt", "")
		if a.status != 200 || a.announced != size || len(a.body) != bad || !bytes.Equal(a.body, body[:bad]) || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("the whole: status %d, %d of %d bytes, right %t, %v", a.status, len(a.body), a.announced, bytes.HasPrefix(body, a.body), a.err)
		}
		for _, r := range []struct{ first, last, want int }{
			{0, bad - 1, bad}, {bad + 64<<10, size - 1, size - bad - 64<<10}, // beside
			{bad - 100_000, size - 1, 100_000}, // into it
		} {
			a := get(t, target, "hurt", fmt.Sprintf("bytes=%d-%d", r.first, r.last))
			whole := r.want == r.last-r.first+1
			if !bytes.Equal(a.body, body[r.first:r.first+r.want]) || whole != (a.err == nil) || whole && a.status != 206 {
				t.Errorf("%d to %d: status %d, %d bytes, want %d, %v", r.first, r.last, a.status, len(a.body), r.want, a.err)
			}
		}
		// What begins in the damage has no answer that could be cut: it is an error of S3 like any other.
		for _, ranged := range []string{fmt.Sprintf("bytes=%d-%d", bad+5, bad+10), fmt.Sprintf("bytes=%d-", bad+5)} {
			reply, err := target.Do(&wire.Request{Method: "GET", Path: path("hurt"), Headers: []wire.Field{{Name: "Range", Value: ranged}}})
			if err != nil || reply.Status != 500 || reply.Code() != "InternalError" || reply.Closed || reply.Header.Get("Content-Range") != "" {
				t.Errorf("%s: %v, %v", ranged, reply, err)
			}
		}
		// The log comes after the answer.
		want := regexp.MustCompile(fmt.Sprintf(`level=ERROR msg=request .*status=200 .*out=%d .*key=hurt .*cut=true .*corrupt`, bad))
		within(t, 60*time.Second, "the log tells of the damage and of the bytes sent", func() (bool, any) {
			log := s.LogTail(1 << 20)
			return want.MatchString(log), log
		})
	})
}

// flipContent changes a bit wherever a file holds some bytes.
func flipContent(t *testing.T, file string, some []byte) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n := bytes.Count(data, some)
	if n == 0 {
		return 0
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := bytes.Index(data, some)
	if _, err := f.WriteAt([]byte{data[at] ^ 4}, int64(at)); err != nil {
		t.Fatal(err)
	}
	return n
}

// within waits until ok; what it saw last is shown when it never is.
func within(t *testing.T, limit time.Duration, what string, ok func() (bool, any)) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		done, seen := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("not so: %s: %v", what, seen)
			return
		}
	}
}

// blobsOf counts the blobs of all devices.
func blobsOf(t *testing.T, s *harness.Server) (n int64) {
	t.Helper()
	r, err := s.Ring()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Devices {
		n += d.Blobs
	}
	return n
}

// collected runs the collector and waits until so many blobs are left.
func collected(t *testing.T, s *harness.Server, want int64) {
	t.Helper()
	within(t, 60*time.Second, fmt.Sprintf("%d blobs are left", want), func() (bool, any) {
		if _, err := s.CLI("admin", "gc"); err != nil {
			t.Fatal(err)
		}
		n := blobsOf(t, s)
		return n == want, n
	})
}

// TestReadersOutliveTheirObject: an object is deleted, its bytes are collected, and the segment that it lay in is compacted
// away, each while a slow client is in the middle of reading it.
func TestReadersOutliveTheirObject(t *testing.T) {
	s := harness.Start(t, harness.Options{Args: []string{"--delete-grace", "1ms"}})
	makeBucket(t, s)
	target := targetOf(s)
	body := harness.Bytes(1, 24<<20)
	put(t, target, "kept", body)
	for i := range 4 {
		put(t, target, fmt.Sprint("neighbour/", i), harness.Bytes(uint64(i), 24<<20))
	}
	finish := func(when string, conn net.Conn, resp *http.Response, head []byte) {
		t.Helper()
		defer conn.Close()
		rest, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(append(head, rest...), body) {
			t.Errorf("%s: %d bytes of %d, %v", when, len(head)+len(rest), len(body), err)
		}
	}
	begin := func() (net.Conn, *http.Response, []byte) {
		t.Helper()
		conn, resp, err := open(t, target, "kept", "")
		head := make([]byte, 1<<20)
		if err == nil {
			_, err = io.ReadFull(resp.Body, head)
		}
		if err != nil {
			t.Fatal(err)
		}
		return conn, resp, head
	}

	conn, resp, head := begin()
	for i := range 4 {
		remove(t, target, fmt.Sprint("neighbour/", i))
	}
	collected(t, s, 1)
	before := segments(t, s.Data[0])
	if _, err := s.CLI("admin", "compact"); err != nil {
		t.Fatal(err)
	}
	if after := segments(t, s.Data[0]); slices.Equal(after, before) {
		t.Errorf("no segment went away: %s", after)
	}
	finish("compacted meanwhile", conn, resp, head)

	conn, resp, head = begin()
	remove(t, target, "kept")
	for range 3 {
		if _, err := s.CLI("admin", "gc"); err != nil {
			t.Fatal(err)
		}
	}
	if n := blobsOf(t, s); n != 1 {
		t.Errorf("%d blobs while an object is being read that was deleted", n)
	}
	finish("deleted meanwhile", conn, resp, head)
	collected(t, s, 0)
}

// TestLeftAnswersLeakNothing: clients that leave in the middle of an answer take their connection, their goroutine and their hold
// on the object with them.
func TestLeftAnswersLeakNothing(t *testing.T) {
	eachScheme(t, func(t *testing.T, o harness.Options) {
		o.Args = []string{"--delete-grace", "1ms"}
		s := harness.Start(t, o)
		makeBucket(t, s)
		target := targetOf(s)
		put(t, target, "big", harness.Bytes(1, 32<<20))
		if a := get(t, target, "big", ""); a.err != nil {
			t.Fatal(a.err)
		}
		files, goroutines := usedBy(t, s)
		for i := range 60 {
			conn, resp, err := open(t, target, "big", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, resp.Body, int64(i)*100_000); err != nil {
				t.Fatal(err)
			}
			if tcp, ok := conn.(*net.TCPConn); ok && i%2 == 0 {
				_ = tcp.SetLinger(0) // a reset rather than an end
			}
			conn.Close()
		}
		const slack = 8 // background work of the store comes and goes
		within(t, 60*time.Second, fmt.Sprintf("%d open files and %d goroutines, as before", files, goroutines), func() (bool, any) {
			f, g := usedBy(t, s)
			return f <= files+slack && g <= goroutines+slack, []int{f, g}
		})
		remove(t, target, "big")
		collected(t, s, 0)
	})
}

// usedBy counts the open files and the goroutines of the server.
func usedBy(t *testing.T, s *harness.Server) (files, goroutines int) {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err == nil {
		goroutines, err = s.Goroutines()
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(list), goroutines
}
