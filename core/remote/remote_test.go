package remote_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/remote"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

func TestMain(m *testing.M) {
	// What the NATS server of the tests leaves behind.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).gracefulShutdown"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*ipQueue[...]).recycle"))
}

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T) (*remote.Targets, *remote.Publisher, kv.Store) {
	t.Helper()
	c := local.Default("kv")
	c.FS, c.Shards, c.CacheBytes, c.MemTableBytes, c.ReserveBytes = vfs.NewMem(), 2, 8<<20, 4<<20, 0
	store, err := local.Open(c)
	must(t, err)
	sealer, err := iam.NewSealer(bytes.Repeat([]byte{1}, 32))
	must(t, err)
	ts := remote.NewTargets(store, sealer)
	p := remote.NewPublisher(ts)
	t.Cleanup(func() {
		p.Close()
		must(t, store.Close())
	})
	return ts, p, store
}

func TestTargets(t *testing.T) {
	ts, p, store := open(t)
	secret := "very secret secret"
	must(t, ts.Put(ctx, remote.Target{Name: "queue", Kind: remote.SQS, URL: "http://sqs.example/1/queue", AccessKey: "AK", Secret: iam.NewSecret(secret)}))
	must(t, ts.Put(ctx, remote.Target{Name: "hook", Kind: remote.Webhook, URL: "https://hook.example/x"}))
	got, err := ts.Get(ctx, "queue")
	if err != nil || got.Secret.Reveal() != secret || got.AccessKey != "AK" || got.Created.IsZero() {
		t.Errorf("%+v %v", got, err)
	}
	all, err := ts.List(ctx)
	if err != nil || len(all) != 2 || all[0].Name != "hook" {
		t.Errorf("%+v %v", all, err)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", all, all), secret) {
		t.Error("a target prints its secret")
	}
	view, err := store.View(ctx, kv.Control)
	must(t, err)
	it := view.Scan(kv.ScanOptions{Lower: []byte("rm."), Upper: keys.PrefixEnd([]byte("rm."))})
	for ok := it.First(); ok; ok = it.Next() {
		if bytes.Contains(it.Value(), []byte(secret)) {
			t.Error("the secret is stored as it is")
		}
	}
	must(t, it.Close())
	must(t, view.Close())
	for _, arn := range []string{"arn:aureole:sqs:::queue", "arn:aws:sqs:us-east-1:123456789012:queue", "arn:aws:lambda:us-east-1:123456789012:function:hook"} {
		must(t, p.Find(ctx, arn))
	}
	must(t, ts.Delete(ctx, "queue"))
	for _, err := range []error{ts.Delete(ctx, "queue"), p.Find(ctx, "arn:aureole:sqs:::queue"), p.Publish(ctx, "arn:aureole:sqs:::queue", nil)} {
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("of a target that is gone: %v", err)
		}
	}
	for name, bad := range map[string]remote.Target{
		"name":      {Name: "a b", Kind: remote.Webhook, URL: "http://h/"},
		"no name":   {Kind: remote.Webhook, URL: "http://h/"},
		"kind":      {Name: "a", Kind: "fax", URL: "http://h/"},
		"scheme":    {Name: "a", Kind: remote.Webhook, URL: "file:///etc/passwd"},
		"password":  {Name: "a", Kind: remote.Webhook, URL: "http://u:p@h/"},
		"host":      {Name: "a", Kind: remote.Webhook, URL: "http:///x"},
		"wildcard":  {Name: "a", Kind: remote.NATS, URL: "nats://h:1", Subject: "a.>"},
		"subject":   {Name: "a", Kind: remote.NATS, URL: "nats://h:1"},
		"no secret": {Name: "a", Kind: remote.S3, URL: "http://h", AccessKey: "AK"},
		"lines":     {Name: "a", Kind: remote.Webhook, URL: "http://h/", Secret: iam.NewSecret("a\r\nX: y")},
	} {
		if err := ts.Put(ctx, bad); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWebhook(t *testing.T) {
	ts, p, _ := open(t)
	status := http.StatusNoContent
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Authorization")+" "+string(body))
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	defer hook.Close()
	must(t, ts.Put(ctx, remote.Target{Name: "hook", Kind: remote.Webhook, URL: hook.URL + "/events", Secret: iam.NewSecret("token")}))
	must(t, p.Publish(ctx, "arn:aureole:webhook:::hook", []byte(`{"a":1}`)))
	if len(got) != 1 || got[0] != `POST /events application/json Bearer token {"a":1}` {
		t.Errorf("%q", got)
	}
	for _, status = range []int{500, 404, http.StatusFound} {
		if err := p.Publish(ctx, "arn:aureole:webhook:::hook", nil); err == nil {
			t.Errorf("no failure of %d", status)
		}
	}
	if len(got) != 4 {
		t.Errorf("redirects are followed: %q", got)
	}
}

func TestNATS(t *testing.T) {
	ts, p, _ := open(t)
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, Username: "u", Password: "p"})
	must(t, err)
	go srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	defer func() { srv.Shutdown(); srv.WaitForShutdown() }()
	conn, err := nats.Connect(srv.ClientURL(), nats.UserInfo("u", "p"))
	must(t, err)
	defer conn.Close()
	sub, err := conn.SubscribeSync("s3.events")
	must(t, err)
	must(t, conn.Flush())
	target := remote.Target{Name: "bus", Kind: remote.NATS, URL: srv.ClientURL(), Subject: "s3.events", AccessKey: "u", Secret: iam.NewSecret("p")}
	must(t, ts.Put(ctx, target))
	must(t, p.Publish(ctx, "arn:aureole:nats:::bus", []byte("one")))
	m, err := sub.NextMsg(5 * time.Second)
	if err != nil || string(m.Data) != "one" {
		t.Fatalf("%v %v", m, err)
	}

	// A stream has to confirm.
	target.Stream, target.Subject = true, "kept.events"
	must(t, ts.Put(ctx, target))
	soon, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := p.Publish(soon, "arn:aureole:nats:::bus", []byte("lost")); err == nil {
		t.Error("no failure without a stream")
	}
	js, err := jetstream.New(conn)
	must(t, err)
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "kept", Subjects: []string{"kept.>"}})
	must(t, err)
	must(t, p.Publish(ctx, "arn:aureole:nats:::bus", []byte("two")))
	if kept, err := stream.GetLastMsgForSubject(ctx, "kept.events"); err != nil || string(kept.Data) != "two" {
		t.Errorf("%v %v", kept, err)
	}
	target.Secret = iam.NewSecret("wrong")
	must(t, ts.Put(ctx, target))
	if err := p.Publish(ctx, "arn:aureole:nats:::bus", []byte("x")); err == nil {
		t.Error("no failure with a wrong password")
	}
}

// The SDK's client speaks to a listener that shows what it says; no server of SQS runs here.
func TestSQS(t *testing.T) {
	ts, p, _ := open(t)
	var seen []string
	queue := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ QueueURL, MessageBody string }
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(bytes.ReplaceAll(body, []byte(`"QueueUrl"`), []byte(`"QueueURL"`)), &in)
		seen = append(seen, r.Header.Get("X-Amz-Target")+" "+in.QueueURL+" "+in.MessageBody)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=AK/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":"%s"}`, "78e731027d8fd50ed642340b7c9a63b3")
	}))
	defer queue.Close()
	url := queue.URL + "/123456789012/events"
	must(t, ts.Put(ctx, remote.Target{Name: "q", Kind: remote.SQS, URL: url, AccessKey: "AK", Secret: iam.NewSecret("s")}))
	must(t, p.Publish(ctx, "arn:aws:sqs:us-east-1:123456789012:q", []byte("message")))
	if len(seen) != 1 || seen[0] != "AmazonSQS.SendMessage "+url+" message" {
		t.Errorf("%q", seen)
	}
}
