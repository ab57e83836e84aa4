package tlscert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aureole-cloud/aureole/cmd/internal/datadir"
)

// Lifetimes. Clients refuse server certificates of more than 398 days.
const (
	caLife      = 10 * 365 * 24 * time.Hour
	certLife    = 397 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
)

// CAFile is the certificate clients must trust, in the folder dir of SelfSigned.
func CAFile(dir string) string { return filepath.Join(dir, "ca.pem") }

// SelfSigned serves a certificate for names (host names, *.wildcards and addresses) from dir, where it keeps its
// authority (ca.pem, ca.key) and the certificate (cert.pem, key.pem).
func SelfSigned(dir string, names []string, log *slog.Logger) (*Source, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	renew := func(now time.Time) error { return ensure(dir, certFile, keyFile, names, now) }
	return newSource(certFile, keyFile, renew, log)
}

// ensure makes the authority and the certificate when they are absent, due or for other names.
func ensure(dir, certFile, keyFile string, names []string, now time.Time) error {
	ca, caKey, err := loadPair(CAFile(dir), filepath.Join(dir, "ca.key"))
	if err == nil && now.After(ca.NotAfter.Add(-certLife)) {
		err = fs.ErrNotExist // too old to sign a whole life: start anew
	}
	if errors.Is(err, fs.ErrNotExist) {
		ca, caKey, err = makeCA(dir, now)
	}
	if err != nil {
		return fmt.Errorf("tls: authority: %w", err)
	}
	cert, _, err := loadPair(certFile, keyFile)
	if err == nil && now.Before(cert.NotAfter.Add(-renewBefore)) && sameNames(cert, names) && cert.CheckSignatureFrom(ca) == nil {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("tls: %w", err)
	}
	tmpl := template("aureole", now, certLife)
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	if err != nil {
		return fmt.Errorf("tls: certificate: %w", err)
	}
	return writePair(certFile, keyFile, der, key)
}

func makeCA(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	tmpl := template("aureole local authority", now, caLife)
	tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.MaxPathLenZero = true, true, true
	tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	if err := writePair(CAFile(dir), filepath.Join(dir, "ca.key"), der, key); err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

// template has the random serial number and the life common to both certificates; an hour of grace covers clocks
// that are behind.
func template(name string, now time.Time, life time.Duration) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] &= 0x7f
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(life - time.Hour),
	}
}

func sameNames(cert *x509.Certificate, names []string) bool {
	have := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		have = append(have, ip.String())
	}
	slices.Sort(have)
	want := make([]string, 0, len(names))
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			n = ip.String()
		}
		want = append(want, n)
	}
	slices.Sort(want)
	return slices.Equal(have, want)
}

func loadPair(certFile, keyFile string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certDER, err := readPEM(certFile)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := readPEM(keyFile)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", certFile, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || !ec.PublicKey.Equal(cert.PublicKey) {
		// A crash between the two writes leaves an old key with a new certificate: make both anew.
		return nil, nil, fs.ErrNotExist
	}
	return cert, ec, nil
}

func readPEM(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", name)
	}
	return block.Bytes, nil
}

func writePair(certFile, keyFile string, certDER []byte, key *ecdsa.PrivateKey) error {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	if err := datadir.WriteFile(keyFile, keyPEM, 0o600); err != nil {
		return err
	}
	return datadir.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER}), 0o644)
}

// Names lists what a self-signed certificate should cover: this machine's loopback, its name, the host of the listener or
// all addresses when it listens on all, and each domain with its buckets.
func Names(listen string, domains, extra []string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if h, err := os.Hostname(); err == nil && h != "" {
		names = append(names, h)
	}
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil:
	case host == "" || ip != nil && ip.IsUnspecified():
		names = append(names, interfaceAddresses()...)
	default:
		names = append(names, host)
	}
	for _, d := range domains {
		names = append(names, d, "*."+d)
	}
	names = append(names, "*.localhost")
	names = append(names, extra...)
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

func interfaceAddresses() []string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []string
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}
