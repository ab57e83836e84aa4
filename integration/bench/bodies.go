package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// payload is a body with its hash, made once.
type payload struct {
	data []byte
	hash string
}

// payloads are bodies of one size. Several of them keep a server from gaining by always seeing the same bytes.
type payloads []payload

func makePayloads(size, count int) payloads {
	p := make(payloads, count)
	for i := range p {
		data := harness.Bytes(uint64(size*1000+i), size)
		p[i] = payload{data, wire.Hash(data)}
	}
	return p
}

// at picks the body of the n-th object: the same for writing and for reading it.
func (p payloads) at(n int) payload { return p[n%len(p)] }

var errBody = errors.New("the body read is not the body written")

// verifier returns a sink that compares what is read with want, and a check that all of it came.
func verifier(want []byte) (sink func([]byte) error, done func() error) {
	rest := want
	sink = func(b []byte) error {
		if len(b) > len(rest) || !bytes.Equal(b, rest[:len(b)]) {
			return errBody
		}
		rest = rest[len(b):]
		return nil
	}
	done = func() error {
		if len(rest) > 0 {
			return fmt.Errorf("%w: %d bytes are missing", errBody, len(rest))
		}
		return nil
	}
	return sink, done
}

// put writes one object.
func (c *client) put(bucket, key string, p payload, unsigned bool) error {
	r := c.reset("PUT", "/"+bucket+"/"+key, "")
	r.Body, r.SHA256 = p.data, p.hash
	if unsigned {
		r.SHA256 = wire.UnsignedPayload
	}
	return c.want(200, nil)
}

// get reads one object and compares it.
func (c *client) get(bucket, key string, want payload) error {
	c.reset("GET", "/"+bucket+"/"+key, "").SHA256 = wire.EmptySHA256
	sink, done := verifier(want.data)
	if err := c.want(200, sink); err != nil {
		return err
	}
	return done()
}

func (c *client) headObject(bucket, key string) error {
	c.reset("HEAD", "/"+bucket+"/"+key, "").SHA256 = wire.EmptySHA256
	return c.want(200, nil)
}

func (c *client) remove(bucket, key string) error {
	c.reset("DELETE", "/"+bucket+"/"+key, "").SHA256 = wire.EmptySHA256
	return c.want(204, nil)
}

// want sends the request and fails on another status than expected, with what the server said.
func (c *client) want(status int, sink func([]byte) error) error {
	var said []byte
	var sinkErr error
	a, err := c.do(func(b []byte) error {
		if len(said) < 500 {
			said = append(said, b[:min(len(b), 500)]...)
		}
		if sink != nil && sinkErr == nil {
			sinkErr = sink(b)
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", c.req.Method, c.req.Path, err)
	case a.status != status:
		return fmt.Errorf("%s %s?%s: status %d: %s", c.req.Method, c.req.Path, c.req.Query, a.status, said)
	case sinkErr != nil:
		return fmt.Errorf("%s %s: %w", c.req.Method, c.req.Path, sinkErr)
	}
	return nil
}

// multipart uploads size bytes in parts with several connections at once.
func multipart(clients []*client, bucket, key string, part payload, parts int) error {
	first := clients[0]
	first.reset("POST", "/"+bucket+"/"+key, "uploads=").SHA256 = wire.EmptySHA256
	var answer bytes.Buffer
	if err := first.want(200, func(b []byte) error { _, err := answer.Write(b); return err }); err != nil {
		return err
	}
	id := between(answer.Bytes(), "<UploadId>", "</UploadId>")
	if id == "" {
		return errors.New("no upload id")
	}
	etags := make([]string, parts)
	errs := make(chan error, len(clients))
	for w, c := range clients {
		go func() {
			for n := w; n < parts; n += len(clients) {
				r := c.reset("PUT", "/"+bucket+"/"+key, fmt.Sprintf("partNumber=%d&uploadId=%s", n+1, wire.Escape(id, false)))
				r.Body, r.SHA256 = part.data, part.hash
				a, err := c.do(nil)
				if err == nil && a.status != 200 {
					err = fmt.Errorf("part %d: status %d", n+1, a.status)
				}
				if err != nil {
					errs <- err
					return
				}
				etags[n] = a.etag
			}
			errs <- nil
		}()
	}
	var failed error
	for range clients {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	if failed != nil {
		return failed
	}
	var list bytes.Buffer
	io.WriteString(&list, "<CompleteMultipartUpload>")
	for i, tag := range etags {
		fmt.Fprintf(&list, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, tag)
	}
	io.WriteString(&list, "</CompleteMultipartUpload>")
	r := first.reset("POST", "/"+bucket+"/"+key, "uploadId="+wire.Escape(id, false))
	r.Body = list.Bytes()
	answer.Reset()
	if err := first.want(200, func(b []byte) error { _, err := answer.Write(b); return err }); err != nil {
		return err
	}
	if !bytes.Contains(answer.Bytes(), []byte("<ETag>")) {
		return fmt.Errorf("complete: %s", answer.Bytes())
	}
	return nil
}

// between returns what stands between two marks, "" when they are not there.
func between(b []byte, open, end string) string {
	_, rest, ok := bytes.Cut(b, []byte(open))
	if !ok {
		return ""
	}
	inner, _, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return ""
	}
	return string(inner)
}
