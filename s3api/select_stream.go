package s3api

import (
	"errors"
	"io"
	"time"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/s3select"
	"github.com/aureole-cloud/aureole/s3api/eventstream"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

const (
	selectBatch = 64 << 10    // bytes of records after which they are sent
	selectBeat  = time.Second // after which something is sent, so that the client knows we live, and we that it does
)

// selectStream is the answer of a SelectObjectContent: it looks at records while it is read.
type selectStream struct {
	r        *request
	runner   *s3select.Runner
	body     object.Body
	progress bool

	returned int64
	records  []byte
	ready    []byte // messages that were not read yet
	room     []byte
	ended    bool
}

// begin looks for the first records. It fails when the query fails before there are any.
func (s *selectStream) begin() error {
	err := s.collect()
	if err != nil && !errors.Is(err, io.EOF) && len(s.records) == 0 {
		return err
	}
	s.send(err)
	return nil
}

// collect runs the query until there is something to send, or for one beat.
func (s *selectStream) collect() (err error) {
	defer s.r.srv.recovered(s.r, &err)
	s.records = s.records[:0]
	until := time.Now().Add(selectBeat)
	for n := 0; len(s.records) < selectBatch; n++ {
		if n%256 == 255 && time.Now().After(until) {
			return nil
		}
		if s.records, err = s.runner.Next(s.records); err != nil {
			return err
		}
	}
	return nil
}

// send makes messages of what was collected, and of how it ended.
func (s *selectStream) send(err error) {
	b := s.room[:0]
	for rest := s.records; len(rest) > 0; {
		n := min(len(rest), eventstream.MaxPayload)
		b = eventstream.Append(b, []eventstream.Header{{Name: ":message-type", Value: "event"}, {Name: ":event-type", Value: "Records"},
			{Name: ":content-type", Value: "application/octet-stream"}}, rest[:n])
		rest = rest[n:]
	}
	s.returned += int64(len(s.records))
	switch {
	case err == nil && len(s.records) == 0:
		b = s.event(b, "Cont", nil)
	case errors.Is(err, io.EOF):
		b = s.event(b, "Stats", s.figures("Stats"))
		b = s.event(b, "End", nil)
		s.ended = true
	case err != nil:
		e := s3err.From(selectFailure(err))
		s.r.failure = e
		b = eventstream.Append(b, []eventstream.Header{{Name: ":message-type", Value: "error"}, {Name: ":error-code", Value: string(e.Code)},
			{Name: ":error-message", Value: e.Message[:min(len(e.Message), 1024)]}}, nil)
		s.ended = true
	}
	if s.progress && !s.ended {
		b = s.event(b, "Progress", s.figures("Progress"))
	}
	s.room, s.ready = b, b
}

func (s *selectStream) event(b []byte, kind string, payload []byte) []byte {
	h := []eventstream.Header{{Name: ":message-type", Value: "event"}, {Name: ":event-type", Value: kind}}
	if payload != nil {
		h = append(h, eventstream.Header{Name: ":content-type", Value: "text/xml"})
	}
	return eventstream.Append(b, h, payload)
}

func (s *selectStream) figures(root string) []byte {
	x := s3xml.NewIn("", root, 256)
	x.Int("BytesScanned", s.runner.Scanned())
	x.Int("BytesProcessed", s.runner.Processed())
	x.Int("BytesReturned", s.returned)
	return x.Bytes()
}

func (s *selectStream) Read(p []byte) (int, error) {
	if len(s.ready) == 0 {
		if s.ended {
			return 0, io.EOF
		}
		s.send(s.collect())
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

func (s *selectStream) Close() error { return s.body.Close() }
