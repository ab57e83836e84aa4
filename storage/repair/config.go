package repair

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config of the background work. Rates are bytes per second, 0 is no limit; intervals lie between the end of one run and
// the start of the next, 0 switches the worker off.
type Config struct {
	ReplicateInterval time.Duration // full passes; changes of the ring and damage start one at once
	ReplicateRate     int64
	ReplicateParallel int // blobs pushed side by side, so that they share syncs

	AuditInterval time.Duration
	AuditRate     int64

	CollectInterval time.Duration
	CollectBatch    int // collector entries per round

	OrphanInterval time.Duration
	OrphanGrace    time.Duration // blobs younger than this may belong to a commit that is still to come
	OrphanRate     int           // owners asked per second, 0 is no limit

	CompactInterval time.Duration
	CompactRate     int64
	CompactDead     float64 // dead share of a segment from which on it is rewritten
	CompactMinDead  int64   // dead bytes of a device from which on it is worth looking

	FailAfter time.Duration // a device broken for so long is marked failed in the ring; 0 leaves that to the admin

	Logger *slog.Logger // nil discards
}

// DefaultConfig leaves most of a disk's bandwidth to those who wait for it.
func DefaultConfig() Config {
	return Config{
		ReplicateInterval: time.Hour, ReplicateRate: 200 << 20, ReplicateParallel: 8,
		AuditInterval: 24 * time.Hour, AuditRate: 20 << 20,
		CollectInterval: 5 * time.Second, CollectBatch: 512,
		OrphanInterval: 12 * time.Hour, OrphanGrace: 24 * time.Hour, OrphanRate: 1000,
		CompactInterval: time.Minute, CompactRate: 50 << 20, CompactDead: 0.4, CompactMinDead: 64 << 20,
		FailAfter: 10 * time.Minute,
	}
}

// Validate checks the limits.
func (c Config) Validate() error {
	for name, d := range map[string]time.Duration{
		"replicate interval": c.ReplicateInterval, "audit interval": c.AuditInterval, "collect interval": c.CollectInterval,
		"orphan interval": c.OrphanInterval, "orphan grace": c.OrphanGrace, "compact interval": c.CompactInterval,
		"fail after": c.FailAfter,
	} {
		if d < 0 {
			return fmt.Errorf("repair: config: %s %v is negative", name, d)
		}
	}
	if c.ReplicateRate < 0 || c.AuditRate < 0 || c.CompactRate < 0 || c.OrphanRate < 0 || c.CompactMinDead < 0 {
		return errors.New("repair: config: negative rate")
	}
	if c.ReplicateParallel < 1 || c.CollectBatch < 1 {
		return errors.New("repair: config: parallel pushes and collector batch must be at least 1")
	}
	if !(c.CompactDead > 0 && c.CompactDead <= 1) {
		return fmt.Errorf("repair: config: dead share %v: want more than 0, at most 1", c.CompactDead)
	}
	return nil
}
