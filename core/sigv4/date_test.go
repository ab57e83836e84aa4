package sigv4

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestParseBasic holds the short way against the long one, on dates that are right and on some that are nearly.
func TestParseBasic(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	inputs := []string{
		"20240229T000000Z", "20230229T000000Z", "20241231T235959Z", "20240100T000000Z", "20241301T000000Z", "20240010T000000Z", "20240431T000000Z",
		"20240101T240000Z", "20240101T006000Z", "20240101T000060Z", "20240101t000000Z", "20240101T000000z", "2024-101T000000Z", "00000101T000000Z",
	}
	for range 20_000 {
		b := []byte(time.Unix(rng.Int64N(200<<30), 0).UTC().Format(timeFormat))
		if len(b) != len(timeFormat) {
			continue
		}
		inputs = append(inputs, string(b))
		b[rng.IntN(len(b))] = "0123456789TZ:/+ \xb0"[rng.IntN(17)]
		inputs = append(inputs, string(b))
	}
	for _, s := range inputs {
		want, err := time.Parse(timeFormat, s)
		got, ok := parseBasic(s)
		if ok != (err == nil) || ok && !got.Equal(want) {
			t.Errorf("%q: %v %t, want %v %v", s, got, ok, want, err)
		}
	}
}
