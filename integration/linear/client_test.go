package linear

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aureole-cloud/aureole/integration/wire"
)

const bucket = "linear"

// recorder collects the history of all clients.
type recorder struct {
	start  time.Time
	values atomic.Int64 // last value given out
	ids    atomic.Int64 // last client id given out

	mu      sync.Mutex
	history []porcupine.Operation
}

func (r *recorder) now() int64 { return int64(time.Since(r.start)) }

func (r *recorder) add(op porcupine.Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, op)
}

// client does random operations on a few keys. It remembers what it saw to have conditions that can hold.
type client struct {
	*recorder
	id   int
	rng  *rand.Rand
	http *wire.Client
	keys []string
	seen map[string]int
}

func newClient(r *recorder, t wire.Target, keys []string, seed uint64) *client {
	id := int(r.ids.Add(1))
	return &client{recorder: r, id: id, rng: rand.New(rand.NewPCG(seed, uint64(id))), http: &wire.Client{Target: t, Timeout: 20 * time.Second},
		keys: keys, seen: map[string]int{}}
}

// body carries its value in front; every third is too large to be kept inline.
func body(value int) []byte {
	size := 40
	if value%3 == 0 {
		size = 70_000
	}
	return append(fmt.Appendf(nil, "%d ", value), bytes.Repeat([]byte{'.'}, size)...)
}

// etag is that of a value. Odd values of every five are written by multipart uploads.
func etag(value int) string {
	sum := md5.Sum(body(value))
	if !multipart(value) {
		return `"` + hex.EncodeToString(sum[:]) + `"`
	}
	sum = md5.Sum(sum[:])
	return `"` + hex.EncodeToString(sum[:]) + `-1"`
}

func multipart(value int) bool { return value%5 == 1 }

// step does one operation and records it. It returns an error when the server gave an answer that is wrong in
// itself, and errLost when there was none.
func (c *client) step() error {
	in := request{key: c.keys[c.rng.IntN(len(c.keys))]}
	var r *wire.Request
	path := "/" + bucket + "/" + in.key
	switch p := c.rng.IntN(100); {
	case p < 35:
		in.how = []string{"GET", "GET", "HEAD", "LIST"}[c.rng.IntN(4)]
		r = &wire.Request{Method: in.how, Path: path}
		if in.how == "LIST" {
			r = &wire.Request{Method: "GET", Path: "/" + bucket, Query: "list-type=2&prefix=" + in.key}
		}
	case p < 85:
		in.kind, in.value, in.how = write, int(c.values.Add(1)), "PUT"
		r = &wire.Request{Method: "PUT", Path: path, Body: body(in.value)}
		if multipart(in.value) {
			in.how = "Complete"
			var err error
			if r, err = c.upload(path, r.Body); err != nil {
				return err
			}
		}
		c.condition(&in, r)
	default:
		in.kind, in.how = remove, "DELETE"
		r = &wire.Request{Method: "DELETE", Path: path}
		if c.rng.IntN(2) == 0 {
			if in.ifMatch = c.seen[in.key]; in.ifMatch != 0 {
				r.Set("If-Match", etag(in.ifMatch))
			}
		}
	}
	op := porcupine.Operation{ClientId: c.id, Input: in, Call: c.now()}
	reply, err := c.http.Do(r)
	op.Return = c.now()
	if err != nil {
		if !errors.Is(err, wire.ErrNotSent) && in.kind != read {
			// It may take effect at any later time, so it never returns, and its client goes on under another name.
			op.Output = answer{outcome: unknown}
			op.Return = int64(time.Hour)
			c.add(op)
			c.id = int(c.ids.Add(1))
		}
		return errLost
	}
	out, err := c.understand(in, reply)
	if err != nil {
		return err
	}
	op.Output = out
	c.add(op)
	return nil
}

var errLost = errors.New("no answer")

func (c *client) condition(in *request, r *wire.Request) {
	switch p := c.rng.IntN(100); {
	case p < 40:
		in.ifNoneMatch = true
		r.Set("If-None-Match", "*")
	case p < 85:
		if in.ifMatch = c.seen[in.key]; in.ifMatch != 0 {
			r.Set("If-Match", etag(in.ifMatch))
		}
	}
}

// upload prepares a multipart upload up to its last request, which is what the history records.
func (c *client) upload(path string, body []byte) (*wire.Request, error) {
	reply, err := c.http.Do(&wire.Request{Method: "POST", Path: path, Query: "uploads="})
	if err != nil {
		return nil, errLost
	}
	_, rest, _ := strings.Cut(string(reply.Body), "<UploadId>")
	id, _, ok := strings.Cut(rest, "</UploadId>")
	if !ok {
		return nil, fmt.Errorf("create upload: %d %s", reply.Status, reply.Body)
	}
	id = wire.Escape(id, false)
	if reply, err = c.http.Do(&wire.Request{Method: "PUT", Path: path, Query: "partNumber=1&uploadId=" + id, Body: body}); err != nil {
		return nil, errLost
	}
	if reply.Status != 200 {
		return nil, fmt.Errorf("upload part: %d %s", reply.Status, reply.Body)
	}
	doc := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + reply.Header.Get("ETag") + "</ETag></Part></CompleteMultipartUpload>"
	return &wire.Request{Method: "POST", Path: path, Query: "uploadId=" + id, Body: []byte(doc)}, nil
}

// understand turns an answer into an outcome.
func (c *client) understand(in request, reply *wire.Reply) (answer, error) {
	wrong := fmt.Errorf("%s %s: %d %.300s", in.how, in.key, reply.Status, reply.Body)
	conditional := in.ifNoneMatch || in.ifMatch != 0
	switch {
	case in.kind == read:
		return c.value(in, reply)
	case reply.Status == 412 && conditional,
		reply.Status == 404 && in.ifMatch != 0 && reply.Code() == "NoSuchKey":
		c.seen[in.key] = 0
		return answer{outcome: failed}, nil
	case reply.Status == 409 && conditional && reply.Code() == "ConditionalRequestConflict":
		return answer{outcome: refused}, nil
	case in.kind == write && reply.Status == 200:
		c.seen[in.key] = in.value
		if tag := reply.Header.Get("ETag"); in.how == "PUT" && tag != etag(in.value) {
			return answer{}, fmt.Errorf("PUT %s: ETag %s, want %s", in.key, tag, etag(in.value))
		}
		return answer{outcome: done}, nil
	case in.kind == remove && reply.Status == 204:
		c.seen[in.key] = 0
		return answer{outcome: done}, nil
	}
	return answer{}, wrong
}

// value finds out which value a read saw.
func (c *client) value(in request, reply *wire.Reply) (answer, error) {
	wrong := fmt.Errorf("%s %s: %d %v %.300s", in.how, in.key, reply.Status, reply.Header, reply.Body)
	tag, n := reply.Header.Get("ETag"), 0
	switch {
	case in.how == "LIST" && reply.Status == 200:
		var page struct {
			Contents []struct{ Key, ETag string }
		}
		if err := xml.Unmarshal(reply.Body, &page); err != nil || len(page.Contents) > 1 {
			return answer{}, wrong
		}
		if len(page.Contents) == 0 {
			return answer{}, nil
		}
		tag = page.Contents[0].ETag
	case reply.Status == 404:
		c.seen[in.key] = 0
		return answer{}, nil
	case reply.Status != 200:
		return answer{}, wrong
	}
	if in.how == "GET" {
		if _, err := fmt.Sscanf(string(reply.Body[:min(20, len(reply.Body))]), "%d ", &n); err != nil || !bytes.Equal(reply.Body, body(n)) {
			return answer{}, wrong
		}
		if tag != etag(n) {
			return answer{}, fmt.Errorf("GET %s: the body is of value %d, the ETag %s is not", in.key, n, tag)
		}
	} else {
		last := int(c.values.Load())
		for n = last; n > 0 && etag(n) != tag; n-- {
		}
		if n == 0 {
			return answer{}, wrong
		}
	}
	c.seen[in.key] = n
	return answer{value: n}, nil
}
