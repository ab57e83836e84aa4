package clients

import (
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

func target(s *harness.Server) wire.Target {
	return wire.Target{Endpoint: s.Endpoint, CAFile: s.CAFile, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}
}

// TestSigV2 signs by hand in the old way, by header and in the query.
func TestSigV2(t *testing.T) {
	s := harness.ForClients(t, false)
	c := goClient(t, s)
	b := newBucket(t, c)
	tg := target(s)
	send := func(t *testing.T, r *wire.Request) *wire.Reply {
		t.Helper()
		reply, err := tg.Send(r)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	body := []byte("signed in the old way")
	path := "/" + b + "/" + wire.Escape("k ey/+ü", true)

	put := &wire.Request{Method: "PUT", Host: tg.Host(), Path: path, Body: body, NoHash: true,
		Headers: []wire.Field{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Amz-Meta-B", Value: "2"}, {Name: "x-amz-meta-a", Value: "1"}}}
	tg.Signer().SignV2(put, time.Now())
	if r := send(t, put); r.Status != 200 {
		t.Fatalf("PUT: %d %s", r.Status, r.Body)
	}
	get := &wire.Request{Method: "GET", Host: tg.Host(), Path: path, Query: "response-content-type=a%2Fb"}
	tg.Signer().SignV2(get, time.Now())
	r := send(t, get)
	if r.Status != 200 || r.Header.Get("Content-Type") != "a/b" || r.Header.Get("X-Amz-Meta-A") != "1" {
		t.Fatalf("GET: %d %v %s", r.Status, r.Header, r.Body)
	}
	wantBytes(t, "body", r.Body, body)
	for _, query := range []string{"", "acl", "location", "versioning", "uploads", "prefix=k&max-keys=2", "list-type=2&delimiter=%2F"} {
		list := &wire.Request{Method: "GET", Host: tg.Host(), Path: "/" + b, Query: query}
		tg.Signer().SignV2(list, time.Now())
		if r := send(t, list); r.Status == 403 {
			t.Errorf("GET ?%s: %d %s", query, r.Status, r.Body)
		}
	}

	for _, tc := range []struct {
		name    string
		expires time.Duration
		spoil   func(*wire.Request)
		status  int
		code    string
	}{
		{"good", time.Minute, func(*wire.Request) {}, 200, ""},
		{"expired", -time.Minute, func(*wire.Request) {}, 403, "AccessDenied"},
		{"other method", time.Minute, func(r *wire.Request) { r.Method = "DELETE" }, 403, "SignatureDoesNotMatch"},
		{"other key", time.Minute, func(r *wire.Request) { r.Path += "x" }, 403, "SignatureDoesNotMatch"},
		{"other override", time.Minute, func(r *wire.Request) { r.Query += "&response-content-type=x" }, 403, "SignatureDoesNotMatch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &wire.Request{Method: "GET", Host: tg.Host(), Path: path}
			tg.Signer().PresignV2(r, time.Now().Add(tc.expires))
			tc.spoil(r)
			reply := send(t, r)
			if reply.Status != tc.status || reply.Code() != tc.code {
				t.Errorf("got %d %s, want %d %s", reply.Status, reply.Body, tc.status, tc.code)
			}
		})
	}

	t.Run("refused headers", func(t *testing.T) {
		for name, auth := range map[string]string{"InvalidAccessKeyId": "AWS AKIANOSUCHKEY:c2ln", "SignatureDoesNotMatch": "AWS " + s.AccessKey + ":c2lnbmF0dXJl"} {
			r := &wire.Request{Method: "GET", Host: tg.Host(), Path: path, Headers: []wire.Field{
				{Name: "Date", Value: time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")}, {Name: "Authorization", Value: auth}}}
			if reply := send(t, r); reply.Status != 403 || reply.Code() != name {
				t.Errorf("got %d %s, want 403 %s", reply.Status, reply.Body, name)
			}
		}
		old := &wire.Request{Method: "GET", Host: tg.Host(), Path: path}
		tg.Signer().SignV2(old, time.Now().Add(-20*time.Minute))
		if reply := send(t, old); reply.Status != 403 || reply.Code() != "RequestTimeTooSkewed" {
			t.Errorf("20 minutes late: %d %s", reply.Status, reply.Body)
		}
	})
}
