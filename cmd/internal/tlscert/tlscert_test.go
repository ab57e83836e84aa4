package tlscert

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// handshake connects to a server that uses src and returns the leaf the client accepted for name.
func handshake(t *testing.T, src *Source, caFile, name string) (*x509.Certificate, error) {
	t.Helper()
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(caFile)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("authority: %v", err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", src.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: pool, ServerName: name})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

func TestSelfSignedCoversItsNames(t *testing.T) {
	dir := t.TempDir()
	src, err := SelfSigned(dir, Names("0.0.0.0:9000", []string{"s3.test"}, []string{"extra.test", "10.9.8.7"}), quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "s3.test", "bucket.s3.test", "extra.test", "10.9.8.7"} {
		if _, err := handshake(t, src, CAFile(dir), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := handshake(t, src, CAFile(dir), "other.test"); err == nil {
		t.Error("a name that was not asked for is covered")
	}
	for _, name := range []string{"ca.key", "key.pem"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, fi.Mode(), err)
		}
	}
}

func TestSelfSignedIsKeptRenewedAndReissued(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a.test"}
	open := func(names []string) *Source {
		t.Helper()
		src, err := SelfSigned(dir, names, quiet())
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	serial := func(s *Source, name string) string {
		t.Helper()
		leaf, err := handshake(t, s, CAFile(dir), name)
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.String()
	}
	src := open(names)
	ca, _ := os.ReadFile(CAFile(dir))
	first := serial(src, "a.test")
	if again := serial(open(names), "a.test"); again != first {
		t.Error("a restart made a new certificate")
	}
	// A server that runs for a year renews without a restart.
	due := time.Now().Add(certLife - renewBefore + time.Hour)
	renewed := src.current(due).Leaf
	if renewed.SerialNumber.String() == first || renewed.NotAfter.Before(due.Add(renewBefore)) {
		t.Error("the certificate was not renewed before its end")
	}
	if other := serial(open([]string{"b.test", "a.test"}), "b.test"); other == renewed.SerialNumber.String() {
		t.Error("new names did not bring a new certificate")
	}
	if now, _ := os.ReadFile(CAFile(dir)); string(now) != string(ca) {
		t.Error("the authority that clients trust was replaced")
	}
}

func TestCrashBetweenKeyAndCertificateHeals(t *testing.T) {
	dir := t.TempDir()
	if _, err := SelfSigned(dir, []string{"a.test"}, quiet()); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), ca, 0o600); err != nil { // any other key
		t.Fatal(err)
	}
	src, err := SelfSigned(dir, []string{"a.test"}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handshake(t, src, CAFile(dir), "a.test"); err != nil {
		t.Error(err)
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for _, d := range []string{one, two} {
		if _, err := SelfSigned(d, []string{"a.test"}, quiet()); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := filepath.Join(one, "cert.pem"), filepath.Join(one, "key.pem")
	src, err := FromFiles(cert, key, quiet())
	if err != nil {
		t.Fatal(err)
	}
	// A half-replaced pair does not take the server down.
	move(t, filepath.Join(two, "cert.pem"), cert)
	src.current(time.Now().Add(time.Minute))
	if _, err := handshake(t, src, CAFile(one), "a.test"); err != nil {
		t.Errorf("with a broken pair on disk: %v", err)
	}
	move(t, filepath.Join(two, "key.pem"), key)
	src.current(time.Now().Add(2 * time.Minute))
	if _, err := handshake(t, src, CAFile(two), "a.test"); err != nil {
		t.Errorf("after the replacement: %v", err)
	}
	if _, err := FromFiles(cert, filepath.Join(one, "absent"), quiet()); err == nil {
		t.Error("a missing key file was accepted")
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
