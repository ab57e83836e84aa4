package local_test

import (
	"flag"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/aureole-cloud/aureole/storage/kv"
	"github.com/aureole-cloud/aureole/storage/kv/kvtest"
	"github.com/aureole-cloud/aureole/storage/kv/local"
)

var flags = kvtest.AddFlags(flag.CommandLine)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testConfig is small, so that flushes and compactions happen within a test.
func testConfig(fsys vfs.FS) local.Config {
	cfg := local.Default("data/kv")
	cfg.FS = fsys
	cfg.Shards = kvtest.Shards
	cfg.CacheBytes = 2 << 20
	cfg.MemTableBytes = 256 << 10
	cfg.WatchBatches = kvtest.KeptEvents
	cfg.Logger = slog.New(slog.DiscardHandler)
	return cfg
}

func openOn(fsys vfs.FS) (kv.Store, error) {
	st, err := local.Open(testConfig(fsys))
	if err != nil {
		return nil, err
	}
	return st, nil
}

func TestContract(t *testing.T) { kvtest.Run(t, openOn) }

func TestModel(t *testing.T) { kvtest.RunModel(t, openOn, flags) }

func TestLinear(t *testing.T) { kvtest.RunLinear(t, openOn, flags) }

func TestCrash(t *testing.T) { kvtest.RunCrash(t, openOn, flags) }

func TestFaults(t *testing.T) { kvtest.RunFaults(t, openOn) }
