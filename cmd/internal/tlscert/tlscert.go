// Package tlscert provides the server's certificate: from files that may be replaced while it runs, or from
// a small certificate authority of our own in the data folder.
//
// Guarantees: a certificate that changed on disk is served to new connections within ten seconds, one that cannot be
// read leaves the old one in service; our own certificate is renewed before it ends and when its names change, and
// the authority that clients were told to trust stays the same.
package tlscert

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkEvery bounds how often handshakes look at the files.
const checkEvery = 10 * time.Second

// Source hands out the certificate of a pair of files. It is safe for concurrent use and starts no goroutine:
// a handshake that comes late enough looks whether the files changed.
type Source struct {
	certFile, keyFile string
	renew             func(now time.Time) error // may replace the files; nil when they are somebody else's
	log               *slog.Logger

	mu struct {
		sync.Mutex
		cert    *tls.Certificate
		stamp   stamp
		checked time.Time
	}
}

// stamp tells one version of the files from another.
type stamp struct {
	certTime, keyTime time.Time
	certSize, keySize int64
}

// FromFiles serves the certificate chain and key of two PEM files.
func FromFiles(certFile, keyFile string, log *slog.Logger) (*Source, error) {
	return newSource(certFile, keyFile, nil, log)
}

func newSource(certFile, keyFile string, renew func(time.Time) error, log *slog.Logger) (*Source, error) {
	s := &Source{certFile: certFile, keyFile: keyFile, renew: renew, log: log}
	if err := s.load(time.Now()); err != nil {
		return nil, err
	}
	return s, nil
}

// Config is the server's TLS configuration.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.current(time.Now()), nil },
	}
}

func (s *Source) current(now time.Time) *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.mu.checked) >= checkEvery {
		if err := s.loadLocked(now); err != nil {
			s.log.Error("certificate cannot be read, the old one stays in service", "err", err)
		}
	}
	return s.mu.cert
}

func (s *Source) load(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loadLocked(now)
}

func (s *Source) loadLocked(now time.Time) error {
	s.mu.checked = now
	if s.renew != nil {
		if err := s.renew(now); err != nil {
			return err
		}
	}
	st, err := s.stat()
	if err != nil {
		return fmt.Errorf("tls: certificate and key: %w", err)
	}
	if s.mu.cert != nil && st == s.mu.stamp {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return fmt.Errorf("tls: %s, %s: %w", s.certFile, s.keyFile, err)
	}
	s.mu.cert, s.mu.stamp = &cert, st
	return nil
}

func (s *Source) stat() (stamp, error) {
	c, err := os.Stat(s.certFile)
	if err != nil {
		return stamp{}, err
	}
	k, err := os.Stat(s.keyFile)
	if err != nil {
		return stamp{}, err
	}
	return stamp{c.ModTime(), k.ModTime(), c.Size(), k.Size()}, nil
}
