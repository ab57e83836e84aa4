package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestKillKeepsNotifications kills the server under writers whose bucket tells a webhook of each object, which refuses every
// tenth message: whatever was acknowledged is told at least once.
func TestKillKeepsNotifications(t *testing.T) {
	const rounds, writers = 3, 4
	var heard sync.Map
	var calls atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%10 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var m struct {
			Records []struct {
				S3 struct{ Object struct{ Key string } }
			}
		}
		data, _ := io.ReadAll(r.Body)
		if json.Unmarshal(data, &m) == nil {
			for _, e := range m.Records {
				heard.Store(e.S3.Object.Key, true)
			}
		}
	}))
	defer hook.Close()
	s := harness.Start(t, harness.Options{})
	makeBucket(t, s)
	if _, err := s.CLI("admin", "target", "put", "hook", "--kind", "webhook", "--url", hook.URL); err != nil {
		t.Fatal(err)
	}
	put := func(target wire.Target, query, key, body string) bool {
		path := "/" + bucket
		if key != "" {
			path += "/" + key
		}
		reply, err := target.Do(&wire.Request{Method: "PUT", Path: path, Query: query, Body: []byte(body)})
		return err == nil && reply.Status == 200
	}
	if !put(targetOf(s), "notification=", "", `<NotificationConfiguration><QueueConfiguration><Id>q</Id><Queue>arn:aureole:webhook:::hook</Queue>`+
		`<Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>`) {
		t.Fatal("the bucket takes no notifications")
	}
	var acknowledged []string
	for round := range rounds {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := 0; ; i++ {
					key := fmt.Sprintf("r%d-w%d-%04d", round, w, i)
					if !put(targetOf(s), "", key, "x") {
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, key)
					mu.Unlock()
				}
			})
		}
		time.Sleep(150 * time.Millisecond)
		s.Kill()
		wg.Wait()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		missing := 0
		for _, key := range acknowledged {
			if _, ok := heard.Load(key); !ok {
				missing++
			}
		}
		if missing == 0 {
			t.Logf("%d objects, %d calls", len(acknowledged), calls.Load())
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d objects were never told of", missing, len(acknowledged))
		}
	}
}
