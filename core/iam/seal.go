package iam

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
)

// KeySize is the length of a node key.
const KeySize = 32

var (
	// ErrNodeKey: the secret was sealed with another node key. The key file and the data do not belong together.
	ErrNodeKey = errors.New("iam: secret was sealed with another node key")
	// ErrSealed: the sealed secret is damaged, or was moved here from another place.
	ErrSealed = errors.New("iam: sealed secret is damaged")
)

// Sealer encrypts secrets at rest with AES-256-GCM.
//
// A sealed secret is format (1 byte, 1) | key check (4 bytes of a hash of the key) | nonce | ciphertext | tag. It is bound to
// a context, the name of its place, and opens nowhere else.
type Sealer struct {
	aead  cipher.AEAD
	check [4]byte
}

const sealFormat = 1

// NewSealer makes a sealer from the node's key of KeySize bytes. The caller keeps the key file, mode 0600.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("iam: node key of %d bytes, need %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("iam: node key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("iam: node key: %w", err)
	}
	s := &Sealer{aead: aead}
	sum := sha256.Sum256(append([]byte("aureole node key check\x00"), key...))
	copy(s.check[:], sum[:])
	return s, nil
}

// Seal encrypts secret for the place called context.
func (s *Sealer) Seal(context string, secret Secret) []byte {
	out := append([]byte{sealFormat}, s.check[:]...)
	return s.aead.Seal(out, nil, []byte(secret.Reveal()), []byte(context))
}

// Open decrypts what Seal made for the same context.
func (s *Sealer) Open(context string, sealed []byte) (Secret, error) {
	head := 1 + len(s.check)
	if len(sealed) < head || sealed[0] != sealFormat {
		return Secret{}, fmt.Errorf("%w: unknown format", ErrSealed)
	}
	if subtle.ConstantTimeCompare(sealed[1:head], s.check[:]) != 1 {
		return Secret{}, ErrNodeKey
	}
	plain, err := s.aead.Open(nil, nil, sealed[head:], []byte(context))
	if err != nil {
		return Secret{}, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return NewSecret(string(plain)), nil
}
