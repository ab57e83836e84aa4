package crash

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/aureole-cloud/aureole/integration/wire"
)

const bucket = "crash"

// writer changes its own keys in random ways and keeps account of what must be there.
type writer struct {
	id     int
	rng    *rand.Rand
	client *wire.Client
	keys   map[string]*state
	names  []string
	ops    int
}

func newWriter(id int, seed uint64, t wire.Target) *writer {
	w := &writer{id: id, rng: rand.New(rand.NewPCG(seed, uint64(id))), client: &wire.Client{Target: t}, keys: map[string]*state{}}
	for i := range 10 {
		name := fmt.Sprintf("w%02d/%s%d", id, []string{"", "deep/er/", "sp ace+"}[i%3], i)
		w.names = append(w.names, name)
		w.keys[name] = &state{}
	}
	return w
}

// errNoAnswer marks an operation whose outcome is unknown.
var errNoAnswer = errors.New("no answer")

func (w *writer) do(r *wire.Request, want int) (*wire.Reply, error) {
	reply, err := w.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if reply.Status != want {
		return reply, fmt.Errorf("%s %s?%s: %d %s", r.Method, r.Path, r.Query, reply.Status, reply.Body)
	}
	return reply, nil
}

func path(key string) string { return "/" + bucket + "/" + wire.Escape(key, true) }

// size picks sizes on both sides of the inline limit, mostly small.
func (w *writer) size() int {
	switch p := w.rng.IntN(100); {
	case p < 50:
		return w.rng.IntN(16 << 10)
	case p < 80:
		return w.rng.IntN(200 << 10)
	default:
		return w.rng.IntN(3 << 20)
	}
}

// step does one random operation. An error that is not errNoAnswer is a failure of the server.
func (w *writer) step() error {
	w.ops++
	name := w.names[w.rng.IntN(len(w.names))]
	s := w.keys[name]
	fresh := content{exists: true, seed: w.rng.Uint64(), size: w.size()}
	var err error
	switch p := w.rng.IntN(100); {
	case p < 45:
		_, err = w.do(&wire.Request{Method: "PUT", Path: path(name), Body: fresh.bytes()}, 200)
	case p < 60:
		fresh = content{}
		_, err = w.do(&wire.Request{Method: "DELETE", Path: path(name)}, 204)
	case p < 72:
		from := w.names[w.rng.IntN(len(w.names))]
		src := w.keys[from]
		if from == name || !src.acked.exists || len(src.pending) > 0 {
			return nil
		}
		// A copy is a single upload whatever its source was.
		fresh = content{exists: true, seed: src.acked.seed, size: src.acked.size}
		var reply *wire.Reply
		reply, err = w.do(&wire.Request{Method: "PUT", Path: path(name), Headers: []wire.Field{{Name: "X-Amz-Copy-Source", Value: path(from)}}}, 200)
		if err == nil && !bytes.Contains(reply.Body, []byte(fresh.etag())) {
			return fmt.Errorf("copy of %s: %s", from, reply.Body)
		}
	case p < 84:
		fresh, err = w.multipart(name, fresh)
	default:
		return w.read(name)
	}
	switch {
	case err == nil:
		s.acked, s.pending = fresh, nil
	case errors.Is(err, errNoAnswer):
		s.pending = append(s.pending, fresh)
	}
	return err
}

// multipart uploads c in one to three parts. Nothing is visible before the last request, so an unanswered one of the
// others leaves the key as it was: then the returned error is a plain stop.
func (w *writer) multipart(name string, c content) (content, error) {
	c.parts = []int{c.size}
	if w.rng.IntN(4) == 0 {
		c.parts = []int{5 << 20, w.rng.IntN(1 << 20)}
		c.size = c.parts[0] + c.parts[1]
	}
	body := c.bytes()
	reply, err := w.do(&wire.Request{Method: "POST", Path: path(name), Query: "uploads="}, 200)
	if err != nil {
		return c, unchanged(err)
	}
	_, rest, _ := strings.Cut(string(reply.Body), "<UploadId>")
	id, _, _ := strings.Cut(rest, "</UploadId>")
	list := "<CompleteMultipartUpload>"
	for i, n := range c.parts {
		reply, err := w.do(&wire.Request{Method: "PUT", Path: path(name), Query: fmt.Sprintf("partNumber=%d&uploadId=%s", i+1, wire.Escape(id, false)), Body: body[:n]}, 200)
		if err != nil {
			return c, unchanged(err)
		}
		body = body[n:]
		list += fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, reply.Header.Get("ETag"))
	}
	_, err = w.do(&wire.Request{Method: "POST", Path: path(name), Query: "uploadId=" + wire.Escape(id, false), Body: []byte(list + "</CompleteMultipartUpload>")}, 200)
	return c, err
}

// errStopped is an operation without an answer that cannot have changed anything.
var errStopped = errors.New("stopped")

func unchanged(err error) error {
	if errors.Is(err, errNoAnswer) {
		return errStopped
	}
	return err
}

// read checks one key while everything goes on.
func (w *writer) read(name string) error {
	reply, err := w.client.Do(&wire.Request{Method: "GET", Path: path(name)})
	if err != nil {
		return errStopped
	}
	return w.hold(name, reply)
}

// hold compares an answer with what is known of a key.
func (w *writer) hold(name string, reply *wire.Reply) error {
	switch {
	case reply.Status == 200:
	case reply.Status == 404 && reply.Code() == "NoSuchKey":
	default:
		return fmt.Errorf("GET %s: %d %s", name, reply.Status, reply.Body)
	}
	if err := w.keys[name].settle(reply.Status == 200, reply.Body, strings.Trim(reply.Header.Get("ETag"), `"`)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// verify reads all keys of the writer.
func (w *writer) verify() error {
	w.client.Close()
	for _, name := range w.names {
		reply, err := w.client.Do(&wire.Request{Method: "GET", Path: path(name)})
		if err != nil {
			return fmt.Errorf("GET %s: %w", name, err)
		}
		if err := w.hold(name, reply); err != nil {
			return err
		}
	}
	return nil
}
