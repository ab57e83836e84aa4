package badinput

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

func (u *suite) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	conn, err := u.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	return conn.(*net.TCPConn)
}

func (u *suite) signedPut(key string, body []byte, headers ...wire.Field) *wire.Request {
	r := &wire.Request{Method: "PUT", Host: u.Host(), Path: "/" + bucket + "/" + key, Body: body, Headers: headers}
	u.Signer().SignV4(r, time.Now())
	return r
}

// TestFraming breaks HTTP itself.
func TestFraming(t *testing.T) {
	u := start(t)
	for _, size := range []int{100, 500_000} {
		t.Run(fmt.Sprintf("body cut short of %d", size), func(t *testing.T) {
			r := u.signedPut("short", harness.Bytes(1, size))
			conn := u.dial(t)
			conn.Write(r.AppendHead(nil))
			conn.Write(r.Body[:size/2])
			conn.CloseWrite()
			reply, err := wire.ReadReply(bufio.NewReader(conn), "PUT")
			if err != nil {
				t.Fatal(err)
			}
			refused(400, "IncompleteBody").check(t, reply)
			if !reply.Closed {
				t.Error("the connection stays open")
			}
		})
		t.Run(fmt.Sprintf("connection dropped in %d", size), func(t *testing.T) {
			r := u.signedPut("dropped", harness.Bytes(1, size))
			conn := u.dial(t)
			conn.Write(r.AppendHead(nil))
			conn.Write(r.Body[:size/2])
			conn.SetLinger(0) // a reset
			conn.Close()
		})
	}
	t.Run("body longer than declared", func(t *testing.T) {
		r := u.signedPut("long", []byte("12345"))
		conn := u.dial(t)
		conn.Write(append(r.AppendHead(nil), "12345 and more that was not declared\r\n\r\n"...))
		br := bufio.NewReader(conn)
		reply, err := wire.ReadReply(br, "PUT")
		if err != nil {
			t.Fatal(err)
		}
		// The five bytes are a good request; the rest is a bad one.
		if reply.Status != 200 {
			t.Fatalf("%d %s", reply.Status, reply.Body)
		}
		if reply, err = wire.ReadReply(br, "GET"); err != nil {
			t.Fatal(err)
		}
		refused(400, "BadRequest").check(t, reply)
		ends(t, br)
		got := u.ok(&wire.Request{Method: "GET", Path: "/" + bucket + "/long"})
		if string(got.Body) != "12345" {
			t.Errorf("stored %q", got.Body)
		}
		u.ok(&wire.Request{Method: "DELETE", Path: "/" + bucket + "/long"})
	})
	t.Run("an early error does not spoil the next request", func(t *testing.T) {
		// The refused body looks like a request. It must never be served as one.
		inner := &wire.Request{Method: "PUT", Host: u.Host(), Path: "/" + bucket + "/smuggled", Body: []byte("x")}
		u.Signer().SignV4(inner, time.Now())
		body := append(inner.AppendHead(nil), inner.Body...)
		r := u.signedPut("refused", body)
		r.Set("Authorization", strings.Replace(r.Get("Authorization"), u.Access, "AKIANOBODY", 1))
		conn := u.dial(t)
		conn.Write(append(r.AppendHead(nil), body...))
		br := bufio.NewReader(conn)
		reply, err := wire.ReadReply(br, "PUT")
		if err != nil {
			t.Fatal(err)
		}
		refused(403, "InvalidAccessKeyId").check(t, reply)
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		if second, err := wire.ReadReply(br, "PUT"); err == nil {
			t.Errorf("the refused body was answered: %d %s", second.Status, second.Body)
		}
	})
	u.brokenHeads()
	t.Run("expect continue", func(t *testing.T) {
		for _, good := range []bool{true, false} {
			r := u.signedPut("expect", []byte("hello"), wire.Field{Name: "Expect", Value: "100-continue"})
			if !good {
				r.Set("Authorization", strings.Replace(r.Get("Authorization"), u.Access, "AKIANOBODY", 1))
			}
			conn := u.dial(t)
			conn.Write(r.AppendHead(nil))
			br := bufio.NewReader(conn)
			line, err := br.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if !good {
				if !strings.Contains(line, " 403 ") {
					t.Errorf("a bad signature is answered by %q before the body", line)
				}
				continue
			}
			if !strings.Contains(line, " 100 ") {
				t.Fatalf("a good request is answered by %q before the body", line)
			}
			br.ReadString('\n')
			conn.Write(r.Body)
			if reply, err := wire.ReadReply(br, "PUT"); err != nil || reply.Status != 200 {
				t.Errorf("after continue: %v %v", reply, err)
			}
			u.ok(&wire.Request{Method: "DELETE", Path: "/" + bucket + "/expect"})
		}
	})
	u.unharmed()
}

// TestSlowClients holds connections open in every state a client can leave them in. The server must keep serving
// others, give up on those that do not move, and finish those that move slowly.
func TestSlowClients(t *testing.T) {
	u := start(t)
	big := harness.Bytes(9, 32<<20)
	u.ok(&wire.Request{Method: "PUT", Path: "/" + bucket + "/big", Body: big})

	const each = 40
	var conns []*net.TCPConn
	hold := func(start func(conn *net.TCPConn, i int)) {
		for i := range each {
			conn := u.dial(t)
			start(conn, i)
			conns = append(conns, conn)
		}
	}
	hold(func(conn *net.TCPConn, _ int) {
		io.WriteString(conn, "PUT /"+bucket+"/slow HTTP/1.1\r\nHost: x\r\nX-A: ")
	})
	hold(func(conn *net.TCPConn, i int) {
		r := u.signedPut(fmt.Sprint("slow-body-", i), harness.Bytes(1, 1<<20))
		conn.Write(r.AppendHead(nil))
		conn.Write(r.Body[:1000])
	})
	hold(func(conn *net.TCPConn, _ int) { // asks for 32 MiB and does not read them
		_ = conn.SetReadBuffer(4096)
		r := &wire.Request{Method: "GET", Host: u.Host(), Path: "/" + bucket + "/big"}
		u.Signer().SignV4(r, time.Now())
		conn.Write(r.AppendHead(nil))
	})

	slow := make(chan error, 1)
	go func() { // slow, but alive
		body := harness.Bytes(3, 200_000)
		r := u.signedPut("alive", body)
		conn, err := u.Dial()
		if err != nil {
			slow <- err
			return
		}
		defer conn.Close()
		conn.Write(r.AppendHead(nil))
		for rest := body; len(rest) > 0; rest = rest[min(10_000, len(rest)):] {
			if _, err := conn.Write(rest[:min(10_000, len(rest))]); err != nil {
				slow <- err
				return
			}
			time.Sleep(150 * time.Millisecond)
		}
		reply, err := wire.ReadReply(bufio.NewReader(conn), "PUT")
		if err == nil && reply.Status != 200 {
			err = fmt.Errorf("%d %s", reply.Status, reply.Body)
		}
		slow <- err
	}()

	begin := time.Now()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for k := range 10 {
				key := fmt.Sprintf("/%s/live-%d-%d", bucket, i, k)
				for _, r := range []*wire.Request{{Method: "PUT", Path: key, Body: []byte("x")}, {Method: "GET", Path: key}, {Method: "DELETE", Path: key}} {
					reply, err := u.Do(r)
					if err != nil || reply.Status/100 != 2 {
						t.Errorf("%s while others are slow: %v %v", r.Method, reply, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("480 small requests took %v beside slow clients", took)
	}
	if err := <-slow; err != nil {
		t.Errorf("a slow but living upload failed: %v", err)
	}
	use, err := u.server.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(250 << 20); use.RSS > limit {
		t.Errorf("memory with %d stuck connections is %d MiB, want less than %d", len(conns), use.RSS>>20, limit>>20)
	}
	// Those that stopped within a header or a body are told so when their time is over, and let go.
	for i, conn := range conns[:2*each] {
		_ = conn.SetDeadline(time.Now().Add(90 * time.Second))
		br := bufio.NewReader(conn)
		reply, err := wire.ReadReply(br, "PUT")
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		refused(400, "RequestTimeout").check(t, reply)
		ends(t, br)
	}
	for _, conn := range conns {
		conn.SetLinger(0)
		conn.Close()
	}
	got := u.ok(&wire.Request{Method: "GET", Path: "/" + bucket + "/big"})
	if !bytes.Equal(got.Body, big) {
		t.Error("the large object changed")
	}
	for _, key := range []string{"alive", "big"} {
		u.ok(&wire.Request{Method: "DELETE", Path: "/" + bucket + "/" + key})
	}
	use, err = u.server.Usage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("peak memory %d MiB", use.PeakRSS>>20)
	u.unharmed()
}
