package harness

import (
	"context"
	"os"
	"testing"
	"time"
)

// Start runs a server for the duration of a test. When the test ends the server is stopped by SIGTERM and must
// exit 0 without having panicked or raced; the end of its log is shown if anything failed.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	s, err := New(opts)
	if err != nil {
		t.Fatalf("start server: %v", err)
	}
	t.Cleanup(func() { finish(t, s) })
	return s
}

func finish(t testing.TB, s *Server) {
	t.Helper()
	if s.Running() {
		noteAnswers(t, s)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	} else if !t.Failed() {
		t.Errorf("the server was not running at the end of the test: %v", s.exitErr())
	}
	if err := s.Damage(); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.Logf("end of the server's log:\n%s", s.LogTail(8<<10))
	}
}

// ForClients is Start for tests that only speak S3: they can be pointed at another server by the environment.
func ForClients(t testing.TB, tls bool) *Server {
	t.Helper()
	endpoint := os.Getenv("AUREOLE_TEST_ENDPOINT")
	if endpoint == "" {
		return Start(t, Options{TLS: tls, Args: []string{"--domain", "s3.localhost"}})
	}
	s := &Server{
		Endpoint:  endpoint,
		AccessKey: os.Getenv("AUREOLE_TEST_ACCESS_KEY"),
		SecretKey: os.Getenv("AUREOLE_TEST_SECRET_KEY"),
		Region:    region,
		External:  true,
	}
	if tls {
		s.Endpoint = os.Getenv("AUREOLE_TEST_TLS_ENDPOINT")
		s.CAFile = os.Getenv("AUREOLE_TEST_CA")
	}
	for _, scheme := range []string{"http://", "https://"} {
		if len(s.Endpoint) > len(scheme) && s.Endpoint[:len(scheme)] == scheme {
			s.Host = s.Endpoint[len(scheme):]
		}
	}
	return s
}
