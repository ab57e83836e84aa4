package keypair

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/aureole-cloud/aureole/core/errs"
)

const (
	maxMaterial = 64 << 10
	ssh2Begin   = "---- BEGIN SSH2 PUBLIC KEY ----"
	ssh2End     = "---- END SSH2 PUBLIC KEY ----"
)

func badKey() error {
	return errs.New(errs.Invalid, BadFormat, "Key is not in valid OpenSSH public key format")
}

// parsePublic reads a public key in any form that AWS takes.
func parsePublic(material []byte) (public ssh.PublicKey, kind string, err error) {
	material = bytes.TrimSpace(material)
	if len(material) == 0 || len(material) > maxMaterial {
		return nil, "", badKey()
	}
	switch {
	case bytes.HasPrefix(material, []byte("ssh-")):
		public, _, _, _, err = ssh.ParseAuthorizedKey(material)
	case bytes.HasPrefix(material, []byte(ssh2Begin)):
		public, err = parseSSH2(string(material))
	case bytes.HasPrefix(material, []byte("-----BEGIN ")):
		block, _ := pem.Decode(material)
		if block == nil {
			return nil, "", badKey()
		}
		public, err = parseDER(block.Bytes)
	default:
		der := material
		if raw, err := base64.StdEncoding.DecodeString(string(material)); err == nil {
			der = raw
		}
		public, err = parseDER(der)
	}
	if err != nil {
		return nil, "", badKey()
	}
	return checkPublic(public)
}

// checkPublic takes the kinds and sizes that AWS takes.
func checkPublic(public ssh.PublicKey) (ssh.PublicKey, string, error) {
	key, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return nil, "", badKey()
	}
	switch k := key.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		switch bits := k.N.BitLen(); bits {
		case 1024, 2048, 4096:
			return public, RSA, nil
		default:
			return nil, "", errs.New(errs.Invalid, BadFormat, "Key length of %d bits is not supported; use 1024, 2048 or 4096.", bits)
		}
	case ed25519.PublicKey:
		return public, ED25519, nil
	}
	return nil, "", badKey()
}

// parseSSH2 reads RFC 4716: header lines, which may go on after a backslash, then base64.
func parseSSH2(text string) (ssh.PublicKey, error) {
	var b strings.Builder
	more := false
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for _, l := range lines[1:] {
		l = strings.TrimSpace(l)
		switch {
		case l == ssh2End:
			raw, err := base64.StdEncoding.DecodeString(b.String())
			if err != nil {
				return nil, err
			}
			return ssh.ParsePublicKey(raw)
		case more || strings.Contains(l, ":"):
			more = strings.HasSuffix(l, `\`)
		default:
			b.WriteString(l)
		}
	}
	return nil, badKey()
}

func parseDER(der []byte) (ssh.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if key, err = x509.ParsePKCS1PublicKey(der); err != nil {
			return nil, err
		}
	}
	return ssh.NewPublicKey(key)
}

// ParsePublicLine reads a public key in any form that Import takes and writes it as a line of authorized_keys.
func ParsePublicLine(material []byte, comment string) (string, error) {
	public, _, err := parsePublic(material)
	if err != nil {
		return "", err
	}
	return line(public, comment), nil
}
