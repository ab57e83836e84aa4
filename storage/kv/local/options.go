package local

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// pebbleOptions tunes Pebble for small rows beside inlined bodies of some KiB, on few cores and little
// memory. The caller unrefs the cache once the store is open. Figures: see DESIGN.md, section 1.
func pebbleOptions(cfg *Config, g *guard, changed func()) (*pebble.Options, interface{ Unref() }) {
	cache := pebble.NewCache(cfg.CacheBytes)
	o := &pebble.Options{
		Cache:              cache,
		FS:                 g,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             pebbleLogger{g.log, g},

		MemTableSize:                cfg.MemTableBytes,
		MemTableStopWritesThreshold: neverStall * maxMemTables,
		L0CompactionThreshold:       4,
		L0CompactionFileThreshold:   64,
		L0StopWritesThreshold:       neverStall * maxSublevels,
		LBaseMaxBytes:               int64(4 * cfg.MemTableBytes),
		MaxOpenFiles:                1000,
		MaxManifestFileSize:         8 << 20, // replayed at every start

		// One compaction keeps up on two cores; more are started only when reads or debt get worse.
		CompactionConcurrencyRange: func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
	}
	o.Experimental.L0CompactionConcurrency = 4
	o.Experimental.CompactionDebtConcurrency = 256 << 20
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	for i := range o.Levels {
		l := &o.Levels[i]
		l.BlockSize = 8 << 10
		l.IndexBlockSize = 64 << 10
		l.FilterPolicy = bloom.FilterPolicy(10) // most reads of a PUT ask for a key that is not there
	}
	o.EventListener = eventListener(g.log, changed)
	return o, cache
}

// eventListener sends Pebble's events to the log at debug level, and its troubles above it. It calls changed
// after what moves the pressure on commits.
func eventListener(log *slog.Logger, changed func()) *pebble.EventListener {
	debug := func(what string, args ...any) {
		if log.Enabled(context.Background(), slog.LevelDebug) {
			log.Debug("pebble: "+what, args...)
		}
	}
	l := &pebble.EventListener{
		FlushEnd:        func(i pebble.FlushInfo) { changed(); debug("flush", "info", i) },
		CompactionEnd:   func(i pebble.CompactionInfo) { changed(); debug("compaction", "info", i) },
		WALCreated:      func(i pebble.WALCreateInfo) { changed(); debug("log created", "info", i) },
		ManifestCreated: func(i pebble.ManifestCreateInfo) { debug("manifest created", "info", i) },
		FormatUpgrade:   func(v pebble.FormatMajorVersion) { debug("format upgraded", "version", v) },
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) { log.Error("pebble stalls writes", "reason", i.Reason) },
		BackgroundError: func(err error) { log.Error("store background error", "err", err) },
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			log.Error("store file is corrupt", "file", i.Path, "err", i.Details)
		},
	}
	l.EnsureDefaults(nil)
	return l
}

// pebbleLogger is the logger that Pebble gets.
type pebbleLogger struct {
	log   *slog.Logger
	guard *guard
}

func (l pebbleLogger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("pebble", "msg", fmt.Sprintf(format, args...))
	}
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "msg", fmt.Sprintf(format, args...))
}

// Fatalf is Pebble's way to say that it cannot go on. The process can: the store fails, and Pebble's caller
// gets the error that follows the call.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	_ = l.guard.fail("pebble", "store", fmt.Errorf(format, args...))
}
