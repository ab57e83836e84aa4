package keypair

import (
	"crypto"
	"crypto/ed25519"
	"crypto/md5" // what AWS shows
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // what AWS shows
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/aureole-cloud/aureole/core/errs"
)

// Format is how a private key is written.
type Format uint8

// The formats.
const (
	PEM Format = iota // PKCS#1 for RSA, OpenSSH's for ED25519
	PPK               // PuTTY's
)

const rsaBits = 2048

// made is a key pair with its private half.
type made struct {
	kind    string
	private crypto.Signer
	public  ssh.PublicKey
	pkcs8   []byte
}

func generate(kind string) (made, error) {
	m := made{kind: kind}
	var err error
	switch kind {
	case RSA:
		m.private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case ED25519:
		_, m.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		return m, errs.New(errs.Invalid, BadValue, "Value (%s) for parameter KeyType is invalid.", kind)
	}
	if err == nil {
		m.public, err = ssh.NewPublicKey(m.private.Public())
	}
	if err == nil {
		m.pkcs8, err = x509.MarshalPKCS8PrivateKey(m.private)
	}
	return m, errs.Wrap("keypair.generate", errs.Internal, err)
}

func (m *made) encode(f Format, comment string) (string, error) {
	if f == PPK {
		return m.ppk(comment)
	}
	var block *pem.Block
	switch key := m.private.(type) {
	case *rsa.PrivateKey:
		block = &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	default:
		var err error
		if block, err = ssh.MarshalPrivateKey(m.private, comment); err != nil {
			return "", errs.Wrap("keypair.encode", errs.Internal, err)
		}
	}
	return strings.TrimSuffix(string(pem.EncodeToMemory(block)), "\n"), nil
}

// fingerprint is that of a pair made here.
func (m *made) fingerprint() string {
	if m.kind == ED25519 {
		return openSSHFingerprint(m.public)
	}
	sum := sha1.Sum(m.pkcs8)
	return colons(sum[:])
}

// importedFingerprint is that of a public key that was sent.
func importedFingerprint(public ssh.PublicKey, kind string) (string, error) {
	if kind == ED25519 {
		return openSSHFingerprint(public), nil
	}
	key, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return "", errs.New(errs.Internal, "", "no public key in %T", public)
	}
	der, err := x509.MarshalPKIXPublicKey(key.CryptoPublicKey())
	if err != nil {
		return "", fmt.Errorf("keypair: %w", err)
	}
	sum := md5.Sum(der)
	return colons(sum[:]), nil
}

func openSSHFingerprint(public ssh.PublicKey) string {
	sum := sha256.Sum256(public.Marshal())
	return base64.StdEncoding.EncodeToString(sum[:])
}

// colons writes 0a:1b:….
func colons(sum []byte) string {
	b := make([]byte, 0, 3*len(sum))
	for i := range sum {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, sum[i:i+1])
	}
	return string(b)
}

// line is a line of authorized_keys.
func line(public ssh.PublicKey, comment string) string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(public)), "\n") + " " + comment
}
