package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
	"github.com/aureole-cloud/aureole/cmd/internal/server"
)

// Whatever a server started must have ended with it. fasthttp keeps one clock for the process, and the sweeper of a
// stopped listener wakes once more within a second before it ends.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const (
	accessKey = "AKIDSERVERTEST000001"
	secretKey = "server-test-secret-0123456789"
)

func settings(dir string) config.Config {
	c := config.Default()
	c.Data = []string{dir}
	c.Listen, c.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	c.RootAccessKeyID, c.RootSecretAccessKey = accessKey, secretKey
	c.ShutdownTimeout = 5 * time.Second
	return c
}

// running is a server in this process.
type running struct {
	*server.Server
	stop  context.CancelFunc
	force chan struct{}
	done  chan error
	log   *bytes.Buffer
}

func start(t *testing.T, c config.Config) *running {
	t.Helper()
	r := &running{force: make(chan struct{}), done: make(chan error, 1), log: &bytes.Buffer{}}
	var err error
	r.Server, err = server.Open(context.Background(), c, slog.New(slog.NewTextHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.done <- r.Run(ctx, r.force) }()
	t.Cleanup(stop)
	return r
}

// wait returns what Run returned.
func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(60 * time.Second):
		t.Fatal("the server did not stop")
		return nil
	}
}

// client is an S3 client whose connections end with the test.
func (r *running) client(t *testing.T) *s3.Client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.Info().Endpoint), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""), HTTPClient: &http.Client{Transport: tr},
	})
}

func put(c *s3.Client, key string, body []byte) error {
	_, err := c.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key, Body: bytes.NewReader(body)})
	return err
}

func get(c *s3.Client, key string) ([]byte, error) {
	out, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func TestServesStopsAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	small, large := randomBytes(100), randomBytes(3<<20)
	r := start(t, settings(dir))
	c := r.client(t)
	if _, err := c.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put(c, "small", small), put(c, "large", large)); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
	r = start(t, settings(dir))
	c = r.client(t)
	for key, want := range map[string][]byte{"small": small, "large": large} {
		if have, err := get(c, key); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s after a restart: %d bytes, %v", key, len(have), err)
		}
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.log.String(), secretKey) {
		t.Error("the log holds the secret")
	}
}

// slow is a body that arrives in two parts, the second when it is told to.
type slow struct {
	first, second []byte
	begun         chan struct{}
	resume        chan struct{}
	state         int
	rest          *bytes.Reader
}

func (s *slow) Read(p []byte) (int, error) {
	switch s.state {
	case 0:
		s.state, s.rest = 1, bytes.NewReader(s.first)
	case 1:
		if s.rest.Len() == 0 {
			close(s.begun)
			<-s.resume
			s.state, s.rest = 2, bytes.NewReader(s.second)
		}
	}
	return s.rest.Read(p)
}

// upload sends a body whose second half waits.
func (r *running) upload(t *testing.T, key string) (*slow, chan error) {
	t.Helper()
	half := randomBytes(1 << 20)
	body := &slow{first: half, second: half, begun: make(chan struct{}), resume: make(chan struct{})}
	presigned, err := s3.NewPresignClient(r.client(t)).PresignPutObject(context.Background(),
		&s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPut, presigned.URL, io.NopCloser(body))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(2 * len(half))
	done := make(chan error, 1)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	go func() {
		resp, err := tr.RoundTrip(req)
		if err == nil {
			if resp.Body.Close(); resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		done <- err
	}()
	<-body.begun
	return body, done
}

func withBucket(t *testing.T, c config.Config) *running {
	t.Helper()
	r := start(t, c)
	if _, err := r.client(t).CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDrainLetsAnUploadFinish(t *testing.T) {
	dir := t.TempDir()
	r := withBucket(t, settings(dir))
	body, uploaded := r.upload(t, "k")
	r.stop()
	// It listens no more, and says so, while the upload goes on.
	waitFor(t, func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.Info().Endpoint, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	resp, err := http.Get(r.Info().Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "stopping") {
		t.Errorf("readyz says %d %s", resp.StatusCode, text)
	}
	close(body.resume)
	if err := <-uploaded; err != nil {
		t.Errorf("upload: %v", err)
	}
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
	r = start(t, settings(dir))
	if have, err := get(r.client(t), "k"); err != nil || len(have) != 2<<20 {
		t.Errorf("after the restart: %d bytes, %v", len(have), err)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
}

// TestReadyIsAnnounced: who was told that the server is ready finds it in its data folder.
func TestReadyIsAnnounced(t *testing.T) {
	dir := t.TempDir()
	s, err := server.Open(context.Background(), settings(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ready := func() bool {
		resp, err := client.Get(s.Info().Admin + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	if ready() {
		t.Error("ready before it runs")
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, nil) }()
	for deadline := time.Now().Add(60 * time.Second); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never ready")
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "server.json")); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDrainIsBounded(t *testing.T) {
	dir := t.TempDir()
	c := settings(dir)
	c.ShutdownTimeout = 300 * time.Millisecond
	r := withBucket(t, c)
	body, uploaded := r.upload(t, "k")
	begin := time.Now()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Errorf("a slow client is no failure of the server: %v", err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("stopping took %v", took)
	}
	close(body.resume)
	if err := <-uploaded; err == nil {
		t.Error("the upload that was cut succeeded")
	}
	assertAbsent(t, dir, "k")
}

func TestForceCutsAtOnce(t *testing.T) {
	dir := t.TempDir()
	c := settings(dir)
	c.ShutdownTimeout = time.Minute
	r := withBucket(t, c)
	body, uploaded := r.upload(t, "k")
	r.stop()
	time.Sleep(50 * time.Millisecond)
	close(r.force)
	if err := r.wait(t); !errors.Is(err, server.ErrForced) {
		t.Errorf("Run = %v, want ErrForced", err)
	}
	close(body.resume)
	if err := <-uploaded; err == nil {
		t.Error("the upload that was cut succeeded")
	}
	assertAbsent(t, dir, "k")
}

// assertAbsent starts the server again and looks.
func assertAbsent(t *testing.T, dir, key string) {
	t.Helper()
	r := start(t, settings(dir))
	if have, err := get(r.client(t), key); err == nil {
		t.Errorf("half an upload is visible: %d bytes", len(have))
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
}

func TestFailedOpenLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	quiet := slog.New(slog.DiscardHandler)
	for name, change := range map[string]func(*config.Config){
		"listener taken":       func(c *config.Config) { c.Listen = taken.Addr().String() },
		"admin listener taken": func(c *config.Config) { c.AdminListen = taken.Addr().String() },
		"no certificate":       func(c *config.Config) { c.TLSCert, c.TLSKey = "/absent", "/absent" },
		"impossible folder":    func(c *config.Config) { c.Data = append(c.Data, "/proc/nowhere") },
		"impossible machines":  func(c *config.Config) { c.Hypervisor, c.InstanceFolder = "test", "/proc/nowhere" },
	} {
		c := settings(dir)
		change(&c)
		s, err := server.Open(context.Background(), c, quiet)
		if err == nil {
			s.Run(canceled(), nil)
			t.Errorf("%s: opened", name)
		}
	}
	// Each failure gave back the folder, the ports and the devices.
	r := start(t, settings(dir))
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// TestInstanceTypes: what is wrong with a file of instance types is said at the start, by the names of file, type and field.
func TestInstanceTypes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "types.yaml")
	for text, want := range map[string]string{
		"types:\n  - {name: lab.tiny, vcpus: 0, memory_mib: 128}\n": "lab.tiny: vcpus",
		"types:\n  - {name: lab.tiny, cpus: 1}\n":                   "cpus",
		`{"types": [{"name": "tiny"}]}`:                             "FAMILY.SIZE",
		"types: [":                                                  "types.yaml",
		"- a\n- b\n":                                                "types.yaml",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := settings(t.TempDir())
		c.InstanceTypes = file
		s, err := server.Open(context.Background(), c, slog.New(slog.DiscardHandler))
		if err == nil {
			s.Run(canceled(), nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "instance-types") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	c := settings(t.TempDir())
	c.InstanceTypes = filepath.Join(t.TempDir(), "absent")
	if _, err := server.Open(context.Background(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "instance-types") {
		t.Errorf("absent file: %v", err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestStoreFolderInUse(t *testing.T) {
	dir := t.TempDir()
	r := start(t, settings(dir))
	if _, err := server.Open(context.Background(), settings(dir), slog.New(slog.DiscardHandler)); !errors.Is(err, datadir.ErrInUse) {
		t.Errorf("second server: %v", err)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "server.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("server.json is left: %v", err)
	}
}

func TestAccessLog(t *testing.T) {
	c := settings(t.TempDir())
	c.AccessLog = "all"
	r := withBucket(t, c)
	cl := r.client(t)
	if err := put(cl, "a key", randomBytes(10)); err != nil {
		t.Fatal(err)
	}
	if _, err := get(cl, "absent"); err == nil {
		t.Error("an absent key was found")
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Fatal(err)
	}
	log := r.log.String()
	for _, want := range []string{
		"op=PutObject status=200", "in=10", `key="a key"`, "bucket=bucket", "access_key=" + accessKey, "op=GetObject status=404", "code=NoSuchKey", "req=",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, secretKey) || strings.Contains(log, "Signature=") {
		t.Error("the log holds a secret or a signature")
	}
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatal("it never came to pass")
}
