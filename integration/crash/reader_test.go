package crash

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// library is a set of objects that do not change while devices are hurt or moved.
type library struct {
	target wire.Target
	names  []string
	bodies map[string]content
}

// fill writes count objects, most of them large enough to be blobs, some of them made of parts.
func fill(t *testing.T, s *harness.Server, count int) *library {
	t.Helper()
	l := &library{target: targetOf(s), bodies: map[string]content{}}
	w := newWriter(0, 7, l.target)
	for i := range count {
		name := fmt.Sprintf("lib/%03d", i)
		c := content{exists: true, seed: uint64(1000 + i), size: []int{100, 20 << 10, 100 << 10, 700 << 10, 65536, 65537, 2 << 20}[i%7] + i}
		var err error
		if i%10 == 9 {
			w.rng = rand.New(rand.NewPCG(1, uint64(i)))
			w.keys[name] = &state{}
			c, err = w.multipart(name, c)
		} else {
			_, err = w.do(&wire.Request{Method: "PUT", Path: path(name), Body: c.bytes()}, 200)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.names = append(l.names, name)
		l.bodies[name] = c
	}
	w.client.Close()
	return l
}

// outcome counts what reads gave.
type outcome struct{ right, refused int }

// readAll reads every object, whole and by a range. Wrong bytes are an error whatever the status; a refusal is one
// only when tolerant is not set.
func (l *library) readAll(c *wire.Client, tolerant bool) (outcome, error) {
	var o outcome
	for i, name := range l.names {
		want := l.bodies[name].bytes()
		first, last := 0, len(want)-1
		r := &wire.Request{Method: "GET", Path: path(name)}
		if i%2 == 1 && len(want) > 10 {
			first, last = len(want)/3, len(want)*2/3
			r.Headers = []wire.Field{{Name: "Range", Value: fmt.Sprintf("bytes=%d-%d", first, last)}}
		}
		reply, err := c.Do(r)
		switch {
		case err != nil && tolerant:
			o.refused++ // cut off in the middle: the client sees fewer bytes than were announced
			continue
		case err != nil:
			return o, fmt.Errorf("GET %s: %w", name, err)
		case reply.Status/100 == 2 && bytes.Equal(reply.Body, want[first:last+1]):
			o.right++
		case reply.Status/100 == 2:
			return o, fmt.Errorf("GET %s: wrong bytes served: %d of %d", name, len(reply.Body), last+1-first)
		case tolerant && reply.Status >= 500:
			o.refused++
		default:
			return o, fmt.Errorf("GET %s: %d %s", name, reply.Status, reply.Body)
		}
	}
	return o, nil
}

// watch reads everything again and again until the returned function is called, which gives the first failure.
func (l *library) watch(readers int) (stop func() (passes int, err error)) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	passes := 0
	for range readers {
		wg.Go(func() {
			c := &wire.Client{Target: l.target}
			defer c.Close()
			for {
				select {
				case <-done:
					return
				default:
				}
				_, err := l.readAll(c, false)
				mu.Lock()
				passes++
				if err != nil && failed == nil {
					failed = err
				}
				stopNow := failed != nil
				mu.Unlock()
				if stopNow {
					return
				}
			}
		})
	}
	return func() (int, error) {
		close(done)
		wg.Wait()
		return passes, failed
	}
}
