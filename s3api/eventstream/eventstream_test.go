package eventstream_test

import (
	"bytes"
	"testing"

	aws "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/aureole-cloud/aureole/s3api/eventstream"
)

func TestMessagesAreReadByOthers(t *testing.T) {
	var b []byte
	payloads := [][]byte{nil, []byte("x"), bytes.Repeat([]byte{0, 255}, 100_000)}
	for _, p := range payloads {
		b = eventstream.Append(b, []eventstream.Header{{Name: ":event-type", Value: "Records"}, {Name: "empty"}}, p)
	}
	r := bytes.NewReader(b)
	for _, p := range payloads {
		m, err := aws.NewDecoder().Decode(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Payload, p) || m.Headers.Get(":event-type").String() != "Records" || m.Headers.Get("empty").String() != "" {
			t.Errorf("message = %d bytes, %v", len(m.Payload), m.Headers)
		}
	}
	if r.Len() != 0 {
		t.Errorf("%d bytes are left", r.Len())
	}
}
