package keypair

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/aureole-cloud/aureole/core/errs"
)

// ppk writes the key as version 3 of PuTTY's format, without a passphrase.
func (m *made) ppk(comment string) (string, error) {
	var private []byte
	switch key := m.private.(type) {
	case *rsa.PrivateKey:
		q, p := key.Primes[1], key.Primes[0]
		private = ssh.Marshal(struct{ D, P, Q, QInv *big.Int }{key.D, p, q, new(big.Int).ModInverse(q, p)})
	case ed25519.PrivateKey:
		private = ssh.Marshal(struct{ Seed []byte }{key.Seed()})
	default:
		return "", errs.New(errs.Internal, "", "no PuTTY format for %T", m.private)
	}
	algorithm, public := m.public.Type(), m.public.Marshal()
	var sum []byte
	for _, part := range [...][]byte{[]byte(algorithm), []byte("none"), []byte(comment), public, private} {
		sum = binary.BigEndian.AppendUint32(sum, uint32(len(part)))
		sum = append(sum, part...)
	}
	mac := hmac.New(sha256.New, nil) // the key is empty without a passphrase
	mac.Write(sum)
	var b strings.Builder
	fmt.Fprintf(&b, "PuTTY-User-Key-File-3: %s\r\nEncryption: none\r\nComment: %s\r\n", algorithm, comment)
	writeLines(&b, "Public-Lines", public)
	writeLines(&b, "Private-Lines", private)
	fmt.Fprintf(&b, "Private-MAC: %s\r\n", hex.EncodeToString(mac.Sum(nil)))
	return b.String(), nil
}

func writeLines(b *strings.Builder, name string, data []byte) {
	const width = 64
	text := base64.StdEncoding.EncodeToString(data)
	fmt.Fprintf(b, "%s: %d\r\n", name, (len(text)+width-1)/width)
	for len(text) > 0 {
		n := min(width, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
}
