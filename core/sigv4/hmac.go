package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// hashName is the hash of a Version 2 signature.
type hashName uint8

const (
	hmacSHA1 hashName = iota
	hmacSHA256
)

func (h hashName) sum(secret, msg string) []byte {
	var m hash.Hash
	if h == hmacSHA256 {
		m = hmac.New(sha256.New, []byte(secret))
	} else {
		m = hmac.New(sha1.New, []byte(secret))
	}
	m.Write([]byte(msg))
	return m.Sum(nil)
}

// HMAC is HMAC-SHA256 with a key of one hash: the step from which signing keys and V4 signatures are
// made. Unlike crypto/hmac it does not allocate for the short messages that are signed here.
func HMAC(key *[32]byte, msg []byte) [32]byte {
	const block = sha256.BlockSize
	var stack [block + 448]byte
	buf := stack[:0]
	if len(msg) > len(stack)-block {
		buf = make([]byte, 0, block+len(msg))
	}
	buf = buf[:block]
	for i := range buf {
		buf[i] = 0x36
	}
	for i, k := range key {
		buf[i] ^= k
	}
	buf = append(buf, msg...)
	inner := sha256.Sum256(buf)

	var outer [block + sha256.Size]byte
	for i := range block {
		outer[i] = 0x5c
	}
	for i, k := range key {
		outer[i] ^= k
	}
	copy(outer[block:], inner[:])
	return sha256.Sum256(outer[:])
}

// DeriveKey makes the V4 signing key of one day, region and service.
func DeriveKey(secret, date, region, service string) [32]byte {
	m := hmac.New(sha256.New, []byte("AWS4"+secret))
	m.Write([]byte(date))
	var k [32]byte
	m.Sum(k[:0])
	k = HMAC(&k, []byte(region))
	k = HMAC(&k, []byte(service))
	return HMAC(&k, []byte(terminal))
}
