package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aureole-cloud/aureole/core/errs"
)

// KeySize is the length of data keys and of key material.
const KeySize = 32

// DataKey encrypts data. It prints as stars.
type DataKey [KeySize]byte

// String returns stars.
func (DataKey) String() string { return "***" }

// GoString returns stars, for %#v.
func (DataKey) GoString() string { return "***" }

// LogValue returns stars.
func (DataKey) LogValue() slog.Value { return slog.StringValue("***") }

// ErrDataKey: a sealed data key does not open: it is damaged, or the context is another one.
var ErrDataKey = errors.New("kms: data key does not open")

// NewDataKey draws a data key.
func NewDataKey() (k DataKey) {
	rand.Read(k[:]) // never fails
	return k
}

// SealUnder seals a data key under a key that the caller holds.
func SealUnder(master *[KeySize]byte, k *DataKey, context []byte) []byte {
	return masterCipher(master[:]).Seal(nil, nil, k[:], context)
}

// OpenUnder opens what SealUnder sealed; ErrDataKey when it does not.
func OpenUnder(master *[KeySize]byte, sealed, context []byte) (DataKey, error) {
	return openData(masterCipher(master[:]), sealed, context)
}

func masterCipher(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(fmt.Sprintf("kms: %v", err)) // the length is a constant
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(fmt.Sprintf("kms: %v", err)) // AES has the right block size
	}
	return aead
}

func openData(aead cipher.AEAD, sealed, context []byte) (k DataKey, err error) {
	var room [KeySize]byte
	plain, err := aead.Open(room[:0], nil, sealed, context)
	if err != nil || len(plain) != KeySize {
		return k, ErrDataKey
	}
	copy(k[:], plain)
	return k, nil
}

// A sealed data key is format (1 byte, 1) | version of the material (2 bytes) | nonce | ciphertext | tag.
const (
	sealedFormat = 1
	sealedHead   = 3
)

// Generate draws a data key and seals it by the key with this id, bound to the context.
func (s *Service) Generate(ctx context.Context, id string, context []byte) (DataKey, []byte, error) {
	k, err := s.usable(ctx, id)
	if err != nil {
		return DataKey{}, nil, err
	}
	data := NewDataKey()
	version := len(k.materials)
	out := append(make([]byte, 0, sealedHead+12+KeySize+16), sealedFormat)
	out = binary.BigEndian.AppendUint16(out, uint16(version))
	return data, k.materials[version-1].Seal(out, nil, data[:], context), nil
}

// Open opens what Generate sealed.
func (s *Service) Open(ctx context.Context, id string, sealed, context []byte) (DataKey, error) {
	k, err := s.usable(ctx, id)
	if err != nil {
		return DataKey{}, err
	}
	if len(sealed) < sealedHead || sealed[0] != sealedFormat {
		return DataKey{}, errs.Wrap("kms.Open", errs.Corrupt, ErrDataKey)
	}
	version := int(binary.BigEndian.Uint16(sealed[1:]))
	if version < 1 || version > len(k.materials) {
		return DataKey{}, errs.Wrap("kms.Open", errs.Corrupt, fmt.Errorf("%w: version %d of key %s", ErrDataKey, version, id))
	}
	data, err := openData(k.materials[version-1], sealed[sealedHead:], context)
	return data, errs.Wrap("kms.Open", errs.Corrupt, err)
}

// usable returns a key that is there and enabled.
func (s *Service) usable(ctx context.Context, id string) (*key, error) {
	k, err := s.key(ctx, id)
	if err != nil {
		return nil, err
	}
	if k.Disabled {
		return nil, errs.New(errs.Invalid, Disabled, "%s is disabled.", s.ARN(k.Account, id))
	}
	return k, nil
}
