package ec2api

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// Answers are compressed for those who say that they take it, when that makes them small; others get the same text.
func TestPackedAnswers(t *testing.T) {
	c := caller{t, startTest(t)}
	now := time.Now()
	ask := func(form, encoding string) (text []byte, packed bool) {
		t.Helper()
		r := post("Version=2016-11-15&" + form)
		r.Host, r.NoHash = c.s.Host, true
		if encoding != "" {
			r.Set("Accept-Encoding", encoding)
		}
		c.signer("us-east-1", "ec2").SignV4(r, now)
		reply, err := wire.Target{Endpoint: c.s.Endpoint}.Send(r)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != 200 {
			t.Fatalf("%d %s", reply.Status, reply.Body)
		}
		if reply.Header.Get("Content-Encoding") != "gzip" {
			return reply.Body, false
		}
		if reply.Header.Get("Vary") != "accept-encoding" {
			t.Errorf("Vary: %q", reply.Header.Get("Vary"))
		}
		z, err := gzip.NewReader(bytes.NewReader(reply.Body))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
		return text, true
	}
	const middling, small = "Action=DescribeInstanceTypes&MaxResults=5", "Action=DescribeRegions"
	plain, packed := ask(middling, "")
	if packed || len(plain) < 4<<10 {
		t.Fatalf("packed unasked: %v, %d bytes", packed, len(plain))
	}
	if text, packed := ask(middling, "identity"); packed || len(text) != len(plain) {
		t.Errorf("identity was asked for: packed %v, %d bytes", packed, len(text))
	}
	if text, packed := ask(middling, "gzip"); !packed || len(text) != len(plain) {
		t.Errorf("gzip was asked for: packed %v, %d bytes instead of %d", packed, len(text), len(plain))
	}
	if _, packed := ask(small, "gzip"); packed {
		t.Error("a small answer was packed")
	}
}
