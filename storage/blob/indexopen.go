package blob

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// indexFS is the file system of the index. The device's own lock guards the folder, so the index needs none; an engine that
// failed and cannot be closed must not keep the folder locked.
type indexFS struct{ vfs.FS }

func (f indexFS) Lock(string) (io.Closer, error) { return nopCloser{}, nil }
func (f indexFS) Unwrap() vfs.FS                 { return f.FS }

type nopCloser struct{}

func (nopCloser) Close() error { return nil }

// engineLog receives the engine's messages. A fatal one breaks the index instead of ending the process.
type engineLog struct {
	log *slog.Logger
	x   *index
}

func (l engineLog) Infof(format string, args ...any) {
	l.log.Debug("index", "msg", fmt.Sprintf(format, args...))
}

func (l engineLog) Errorf(format string, args ...any) {
	l.log.Warn("index", "msg", fmt.Sprintf(format, args...))
}

func (l engineLog) Fatalf(format string, args ...any) {
	l.x.broken.Store(true)
	_ = l.x.fatal("index engine", fmt.Errorf(format, args...))
}

// openIndex opens the engine in dir. It is small: entries are, and most look-ups are of blobs that exist.
func openIndex(o Options, dir string, fatal func(string, error) error) (x *index, err error) {
	cache := pebble.NewCache(o.IndexCache)
	x = &index{fatal: fatal, cache: cache}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: engine panicked: %v", errDamagedIndex, r)
		}
		if err != nil {
			cache.Unref()
			x = nil
		}
	}()
	po := &pebble.Options{
		FS:                          indexFS{o.FS},
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatWALSyncChunks,
		MemTableSize:                4 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		MaxOpenFiles:                256,
		WALBytesPerSync:             512 << 10,
		BytesPerSync:                512 << 10,
		Logger:                      engineLog{o.Logger, x},
		EventListener: &pebble.EventListener{
			DataCorruption: func(i pebble.DataCorruptionInfo) { _ = fatal("index is damaged", i.Details) },
			BackgroundError: func(err error) {
				o.Logger.Warn("index: background work failed", "err", err)
			},
		},
	}
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	x.db, err = pebble.Open(dir, po)
	if err == nil {
		return x, nil
	}
	// Whatever is not the system's refusal is taken for damage: the index can be made again.
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != syscall.ENOENT || errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("blob: open index: %w", err)
	}
	return nil, fmt.Errorf("%w: %w", errDamagedIndex, err)
}

var errDamagedIndex = errors.New("blob: index is damaged")

// close closes the engine, unless it would hang: then it is left behind.
func (x *index) close() (err error) {
	if x.stuck.Load() {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("close index: engine panicked: %v", r)
		}
	}()
	err = x.db.Close()
	x.cache.Unref()
	return err
}
