package accesslog_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/accesslog"
)

// sink keeps what was delivered, by target.
type sink struct {
	mu   sync.Mutex
	got  map[string]string
	keys []string
}

func (s *sink) deliver(_ context.Context, to *object.Logging, key string, records []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		s.got = map[string]string{}
	}
	s.got[to.Target] += string(records)
	s.keys = append(s.keys, key)
	return nil
}

func (s *sink) of(target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[target]
}

func logTo(target string) *object.Logging { return &object.Logging{Target: target, Prefix: "p/"} }

func TestCloseDeliversWhatIsLeft(t *testing.T) {
	var s sink
	l := accesslog.New(accesslog.Config{Deliver: s.deliver, Interval: time.Hour})
	for _, r := range []string{"a\n", "b\n", "c\n"} {
		l.Add(logTo("one"), time.Now(), []byte(r))
	}
	l.Add(logTo("two"), time.Now(), []byte("d\n"))
	l.Close(context.Background())
	if s.of("one") != "a\nb\nc\n" || s.of("two") != "d\n" || len(s.keys) != 2 || !strings.HasPrefix(s.keys[0], "p/") {
		t.Errorf("%q %q", s.got, s.keys)
	}
	l.Add(logTo("one"), time.Now(), []byte("late\n"))
	l.Close(context.Background())
	if strings.Contains(s.of("one"), "late") {
		t.Error("a closed log took a record")
	}
}

// A stop in the middle of a delivery loses nothing, and keeps the order.
func TestCloseDuringDelivery(t *testing.T) {
	var s sink
	under, first := make(chan struct{}), true
	l := accesslog.New(accesslog.Config{Interval: time.Millisecond, Deliver: func(ctx context.Context, to *object.Logging, key string, records []byte) error {
		if first {
			first = false
			close(under)
			<-ctx.Done()
			return ctx.Err()
		}
		return s.deliver(ctx, to, key, records)
	}})
	l.Add(logTo("one"), time.Now(), []byte("a\n"))
	<-under
	l.Add(logTo("one"), time.Now(), []byte("b\n"))
	l.Close(context.Background())
	if got := s.of("one"); got != "a\nb\n" {
		t.Errorf("%q", got)
	}
}

func TestFullBatchGoesAtOnce(t *testing.T) {
	var s sink
	l := accesslog.New(accesslog.Config{Deliver: s.deliver, Interval: time.Hour, Batch: 8, Memory: 16})
	defer l.Close(context.Background())
	l.Add(logTo("small"), time.Now(), []byte("a\n"))
	l.Add(logTo("full"), time.Now(), []byte("12345678\n"))
	for deadline := time.Now().Add(10 * time.Second); s.of("full") == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a full batch waits")
		}
	}
	if s.of("small") != "" {
		t.Error("a batch that is not full was delivered early")
	}
	l.Add(logTo("small"), time.Now(), []byte(strings.Repeat("x", 20))) // beyond the memory
	l.Flush(context.Background())
	if got := s.of("small"); got != "a\n" {
		t.Errorf("%q", got)
	}
}
