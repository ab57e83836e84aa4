package repair

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// repeatEvery is how often a line that is about single blobs is written for one device. A device that is down fails every
// blob on it: the first line tells, millions would hide everything else.
const repeatEvery = time.Minute

// repeats writes a line for the first blob of its kind, and once in repeatEvery how many more there were since.
type repeats struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[repeatKey]repeat
}

type repeatKey struct {
	msg    string // a constant of the caller's, so that the map stays small
	device blobref.DeviceID
}

type repeat struct {
	at    time.Time
	since int // lines left out since
}

// about writes msg of a device, unless it did a short time ago.
func (r *repeats) about(ctx context.Context, level slog.Level, msg string, device blobref.DeviceID, args ...any) {
	now := time.Now()
	r.mu.Lock()
	if r.last == nil {
		r.last = make(map[repeatKey]repeat)
	}
	key := repeatKey{msg, device}
	l, again := r.last[key]
	if again && now.Sub(l.at) < repeatEvery {
		l.since++
		r.last[key] = l
		r.mu.Unlock()
		return
	}
	r.last[key] = repeat{at: now}
	r.mu.Unlock()
	args = append(args, "device", device)
	if l.since > 0 {
		args = append(args, "left_out", l.since)
	}
	r.log.Log(ctx, level, msg, args...)
}
