package s3api_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/remote"
	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/s3api"
	"github.com/aureole-cloud/aureole/storage/blob"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
	"github.com/aureole-cloud/aureole/storage/kv/local"
	"github.com/aureole-cloud/aureole/storage/ring"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const (
	testKeyID   = "AKIATESTTESTTESTTEST"
	testSecret  = "test/secret+of=the1root2user3with4forty5"
	testAccount = "123456789012"
)

// fixture is a whole server in the process: store, blobs, IAM, objects and the front end on a TCP port.
type fixture struct {
	t       testing.TB
	server  *s3api.Server
	objects *object.Service
	iam     *iam.Service
	targets *remote.Targets
	addr    string
	events  events
	logs    *bytes.Buffer
}

// events keeps what the observer was told.
type events struct {
	mu   sync.Mutex
	list []s3api.Event
	off  bool // for benchmarks
}

func (e *events) Observe(ev *s3api.Event) {
	if e.off {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, *ev)
}

// waitFor returns the event of a request, which may come a moment after its answer.
func (e *events) waitFor(t testing.TB, id string) s3api.Event {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		e.mu.Lock()
		for _, ev := range e.list {
			if ev.RequestID == id {
				e.mu.Unlock()
				return ev
			}
		}
		e.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("no event for request %s", id)
		}
	}
}

// note leaves the answers to those who count what tests have asked for.
func (e *events) note(t testing.TB) {
	e.mu.Lock()
	defer e.mu.Unlock()
	answers := map[harness.Answer]bool{}
	for _, ev := range e.list {
		answers[harness.Answer{Operation: ev.Operation, Code: ev.Code}] = true
	}
	harness.NoteAnswers(t, answers)
}

type option func(*s3api.Config)

func start(t testing.TB, options ...option) *fixture {
	t.Helper()
	ctx := context.Background()
	mem := vfs.NewMem()
	conf := local.Default("kv")
	conf.FS, conf.Shards, conf.CacheBytes, conf.MemTableBytes, conf.ReserveBytes = mem, 4, 8<<20, 4<<20, 0
	store, err := local.Open(conf)
	must(t, err)

	b, err := ring.New(ring.Config{Power: 4, Replicas: 1})
	must(t, err)
	id, err := b.Add(ring.Device{Weight: 1})
	must(t, err)
	dev, err := blob.Open(ctx, blob.Options{FS: mem, Dir: "dev", Device: id, Reserve: -1, SegmentSize: 256 << 20, Preallocate: 1 << 20})
	must(t, err)
	placement, _, err := b.Build(time.Now(), 1)
	must(t, err)
	pool, err := blobs.New(blobs.DefaultConfig(), placement, map[blobref.DeviceID]*blob.Device{id: dev})
	must(t, err)

	sealer, err := iam.NewSealer(bytes.Repeat([]byte{7}, 32))
	must(t, err)
	who, err := iam.Open(ctx, iam.Config{Store: store, Sealer: sealer, Root: iam.RootOptions{
		AccessKeyID: testKeyID, Secret: iam.NewSecret(testSecret), AccountID: testAccount}})
	must(t, err)
	keys, err := kms.Open(ctx, kms.Config{Store: store, Sealer: sealer})
	must(t, err)
	targets := remote.NewTargets(store, sealer)
	publisher, replicas := remote.NewPublisher(targets), remote.NewReplicator(targets)
	f := &fixture{t: t, targets: targets, iam: who, logs: &bytes.Buffer{}}
	cfg := s3api.Config{
		IAM: who, Domains: []string{"s3.example.test"}, Observer: &f.events,
		Logger: slog.New(slog.NewTextHandler(&lockedWriter{w: f.logs}, nil)),
	}
	for _, o := range options {
		o(&cfg)
	}
	objects, err := object.Open(ctx, object.Config{Store: store, Blobs: pool, IAM: who, Keys: keys, Workers: true,
		Publisher: publisher, Replicator: replicas, Dialect: cfg.Dialect})
	must(t, err)
	f.objects, cfg.Objects = objects, objects
	f.server, err = s3api.New(cfg)
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f.addr = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		check(t, f.server.Shutdown(ctx))
		check(t, <-served)
		f.events.note(t)
		check(t, objects.Close())
		publisher.Close()
		replicas.Close()
		check(t, keys.Close())
		who.Close()
		check(t, pool.Close())
		check(t, dev.Close())
		check(t, store.Close())
		if strings.Contains(f.logs.String(), "panic") {
			t.Errorf("log: %s", f.logs)
		}
	})
	return f
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// client is an SDK client of the fixture.
func (f *fixture) client(options ...func(*s3.Options)) *s3.Client {
	f.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	f.t.Cleanup(transport.CloseIdleConnections)
	return s3.New(s3.Options{
		BaseEndpoint:               aws.String("http://" + f.addr),
		Region:                     "us-east-1",
		Credentials:                credentials.NewStaticCredentialsProvider(testKeyID, testSecret, ""),
		UsePathStyle:               true,
		HTTPClient:                 &http.Client{Transport: transport},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Retryer:                    aws.NopRetryer{},
	}, options...)
}

// bucket makes a bucket.
func (f *fixture) bucket(name string) string {
	f.t.Helper()
	_, err := f.client().CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &name})
	must(f.t, err)
	return name
}

// conn is a raw connection on which requests are sent byte by byte.
type conn struct {
	net.Conn
	t  testing.TB
	br *bufio.Reader
}

func (f *fixture) dial() *conn {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	must(f.t, err)
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	f.t.Cleanup(func() { c.Close() })
	return &conn{Conn: c, t: f.t, br: bufio.NewReader(c)}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
	close  bool
}

func (c *conn) read(method string) answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("reading the body: %v", err)
	}
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// code is the S3 code in an error body.
func (a answer) code() string { return element(a.body, "Code") }

func element(body, name string) string {
	_, rest, ok := strings.Cut(body, "<"+name+">")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

// do sends one signed request and reads its answer. header is "Name: value" lines.
func (f *fixture) do(method, target, body string, header ...string) answer {
	f.t.Helper()
	return f.send(newRequest(method, target, body, header...))
}

// send signs a request, sends it and reads its answer.
func (f *fixture) send(r *rawRequest) answer {
	f.t.Helper()
	c := f.dial()
	defer c.Close()
	r.sign(f.addr, testKeyID, testSecret)
	// A server that refuses early need not read the body: the write may fail, the answer must come.
	go func() { _, _ = io.WriteString(c, r.wire()) }()
	return c.read(r.method)
}

// anonymous is do without a signature.
func (f *fixture) anonymous(method, target, body string, header ...string) answer {
	f.t.Helper()
	c := f.dial()
	defer c.Close()
	r := newRequest(method, target, body, header...)
	r.header = append(r.header, "Host: "+f.addr)
	_, err := io.WriteString(c, r.wire())
	must(f.t, err)
	return c.read(method)
}

func errorCode(err error) string {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func urlDecode(t testing.TB, s string) string {
	t.Helper()
	d, err := url.QueryUnescape(s)
	must(t, err)
	return d
}

// crc32Of is the value of x-amz-checksum-crc32.
func crc32Of(s string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(s))))
}
