package badinput

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

const bucket = "bad-input"

// suite is a server with one bucket that must stay empty.
type suite struct {
	*testing.T
	server *harness.Server
	wire.Target
	goroutines int
}

func start(t *testing.T) *suite {
	t.Helper()
	s := harness.Start(t, harness.Options{})
	u := &suite{T: t, server: s, Target: wire.Target{Endpoint: s.Endpoint, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}}
	u.ok(&wire.Request{Method: "PUT", Path: "/" + bucket})
	u.ok(&wire.Request{Method: "GET", Path: "/" + bucket})
	u.goroutines = u.countGoroutines()
	return u
}

func (u *suite) countGoroutines() int {
	u.Helper()
	n, err := u.server.Goroutines()
	if err != nil {
		u.Fatal(err)
	}
	return n
}

// ok sends a good request.
func (u *suite) ok(r *wire.Request) *wire.Reply {
	u.Helper()
	reply, err := u.Do(r)
	if err != nil {
		u.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	if reply.Status/100 != 2 {
		u.Fatalf("%s %s?%s: %d %s", r.Method, r.Path, r.Query, reply.Status, reply.Body)
	}
	return reply
}

// unharmed checks that nothing was stored, that the goroutines are those of the beginning, and that memory stayed
// within bounds.
func (u *suite) unharmed() {
	u.Helper()
	list := u.ok(&wire.Request{Method: "GET", Path: "/" + bucket})
	if n := bytes.Count(list.Body, []byte("<Key>")); n != 0 {
		u.Errorf("%d objects were stored: %s", n, list.Body)
	}
	const slack = 8 // background work of the store comes and goes
	var n int
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if n = u.countGoroutines(); n <= u.goroutines+slack {
			break
		}
		if time.Now().After(deadline) {
			u.Errorf("%d goroutines, %d at the beginning", n, u.goroutines)
			break
		}
	}
	use, err := u.server.Usage()
	if err != nil {
		u.Fatal(err)
	}
	if limit := int64(200 << 20); use.PeakRSS > limit {
		u.Errorf("peak memory %d MiB, want less than %d", use.PeakRSS>>20, limit>>20)
	}
	if err := u.server.Damage(); err != nil {
		u.Error(err)
	}
}

// want is an expected refusal.
type want struct {
	status int
	code   string
	body   []string // what the document says besides
}

func refused(status int, code string, body ...string) want { return want{status, code, body} }

func (w want) String() string { return fmt.Sprint(w.status, " ", w.code) }

// check compares an answer.
func (w want) check(t testing.TB, r *wire.Reply) {
	t.Helper()
	if r.Status != w.status || r.Code() != w.code {
		t.Errorf("got %d %q, want %v; body %.300s", r.Status, r.Code(), w, r.Body)
		return
	}
	for _, text := range w.body {
		if !bytes.Contains(r.Body, []byte(text)) {
			t.Errorf("the error does not say %q: %s", text, r.Body)
		}
	}
	for _, name := range []string{"X-Amz-Request-Id", "X-Amz-Id-2", "Date", "Content-Type"} {
		if r.Header.Get(name) == "" {
			t.Errorf("the error has no %s header: %v", name, r.Header)
		}
	}
	if !bytes.Contains(r.Body, []byte("<RequestId>")) || !bytes.Contains(r.Body, []byte("<HostId>")) {
		t.Errorf("the error body lacks its ids: %s", r.Body)
	}
}
