package imds

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Tokens are not kept anywhere: a token is the time of its end, some random bytes, and a seal over both and the instance. So
// they outlive a restart if the key does, cost no memory, and are worth nothing to another instance.
const (
	maxTTL    = 21600
	tokenSize = 8 + sha256.Size
)

// seal is what makes a token an instance's.
func seal(key []byte, instance string, head []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("aureole imds token\x00" + instance + "\x00"))
	h.Write(head)
	return h.Sum(nil)
}

// newToken makes a token that holds until end.
func newToken(key []byte, instance string, end time.Time) string {
	b := make([]byte, 8, tokenSize)
	binary.BigEndian.PutUint32(b, uint32(end.Unix()))
	_, _ = rand.Read(b[4:8])
	return base64.URLEncoding.EncodeToString(append(b, seal(key, instance, b)...))
}

// tokenEnd tells whether a token is the instance's and holds, and until when.
func tokenEnd(key []byte, instance, token string, now time.Time) (time.Time, bool) {
	b, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenSize || !hmac.Equal(b[8:], seal(key, instance, b[:8])) {
		return time.Time{}, false
	}
	end := time.Unix(int64(binary.BigEndian.Uint32(b)), 0)
	return end, now.Before(end)
}
