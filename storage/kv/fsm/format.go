package fsm

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aureole-cloud/aureole/storage/keys"
)

// FormatVersion is the layout that this code writes. It grows by one with every change that older code
// could not read, together with a [Migration] from the version before.
const FormatVersion = 1

var (
	// ErrNewerFormat: the store was written by newer code; this code must not touch it.
	ErrNewerFormat = errors.New("store has a newer format than this program knows")
	// ErrShardMismatch: the store has another number of shards than was asked for.
	ErrShardMismatch = errors.New("store has another number of shards")
)

// Format describes the whole store. It is written when the store is created.
type Format struct {
	Version int `json:"version"` // of the layout
	Shards  int `json:"shards"`  // fixed for ever, the control shard included
}

// Migration brings a store from one version to the next. It must bear being run again after a crash in
// its middle: the new version is recorded only after Run returned and its changes are synced.
type Migration struct {
	From int // to From+1
	Run  func(*pebble.DB) error
}

// Migrations lists all of them in order: one for each version below FormatVersion.
func Migrations() []Migration { return nil }

func formatKey() []byte {
	return append(keys.AppendByte(keys.AppendUint16(nil, storeShard), classMeta), "format"...)
}

// ReadFormat reads the format of a store; false if it was never written, that is, the store is new.
func ReadFormat(r Reader) (Format, bool, error) {
	v, closer, err := r.Get(formatKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return Format{}, false, nil
	}
	if err != nil {
		return Format{}, false, fmt.Errorf("fsm: read format: %w", err)
	}
	defer closer.Close()
	var f Format
	if err := json.Unmarshal(v, &f); err != nil {
		return Format{}, false, fmt.Errorf("%w: format: %w", ErrCorrupt, err)
	}
	return f, true, nil
}

// EnsureFormat makes db a store of the version want.Version: it creates the format of a new one, refuses a
// newer one, and runs the migrations of an older one. want.Shards is used for a new store; 0 takes what an
// existing one has, another number must be the same. It returns the format as it now is.
func EnsureFormat(db *pebble.DB, want Format, migrations []Migration) (Format, error) {
	have, exists, err := ReadFormat(db)
	if err != nil {
		return Format{}, err
	}
	if !exists {
		if want.Shards < 1 || want.Shards > MaxShards {
			return Format{}, fmt.Errorf("fsm: %d shards: want 1 to %d", want.Shards, MaxShards)
		}
		return want, writeFormat(db, want)
	}
	if have.Version > want.Version {
		return Format{}, fmt.Errorf("%w: %d, this program knows up to %d", ErrNewerFormat, have.Version, want.Version)
	}
	if have.Shards < 1 || have.Shards > MaxShards {
		return Format{}, fmt.Errorf("%w: format tells of %d shards", ErrCorrupt, have.Shards)
	}
	if want.Shards != 0 && want.Shards != have.Shards {
		return Format{}, fmt.Errorf("%w: %d, asked for %d", ErrShardMismatch, have.Shards, want.Shards)
	}
	for have.Version < want.Version {
		if err := migrateOne(db, &have, migrations); err != nil {
			return Format{}, err
		}
	}
	return have, nil
}

func migrateOne(db *pebble.DB, f *Format, migrations []Migration) error {
	for _, m := range migrations {
		if m.From != f.Version {
			continue
		}
		if err := m.Run(db); err != nil {
			return fmt.Errorf("fsm: migrate the store from format %d: %w", f.Version, err)
		}
		f.Version++
		return writeFormat(db, *f)
	}
	return fmt.Errorf("fsm: no migration from format %d", f.Version)
}

// writeFormat is synced, and with it all that was written before: the log has one order.
func writeFormat(db *pebble.DB, f Format) error {
	v, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("fsm: encode format: %w", err)
	}
	if err := db.Set(formatKey(), v, pebble.Sync); err != nil {
		return fmt.Errorf("fsm: write format: %w", err)
	}
	return nil
}
