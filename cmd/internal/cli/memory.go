package cli

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
)

// gcPercent lets the heap grow to three times its live part before the collector runs. The live part of a busy server is
// 30 to 120 MiB, most of it cache and memtables, so the usual 100 would collect several times a second under small
// requests: 4 KiB GETs from 32 clients cost 5 to 10 % more CPU then. The memory limit bounds what that takes.
const gcPercent = 200

// limitMemory sets how the process uses memory: a soft limit of the heap, near which the collector works harder instead of
// letting the heap grow, and below it a lazy collector. The collector never takes more than half of the processors, so a
// limit that is too low makes the server slow but does not stop it. Idle, the heap is far below either. GOGC and GOMEMLIMIT,
// when an operator sets them, mean what they say in every Go program.
func limitMemory(cfg config.Config, environ []string) {
	set := func(name string) bool {
		return slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") && kv != name+"=" })
	}
	if !set("GOGC") && cfg.MemoryLimit > 0 {
		debug.SetGCPercent(gcPercent)
	}
	if !set("GOMEMLIMIT") && cfg.MemoryLimit > 0 {
		debug.SetMemoryLimit(cfg.MemoryLimit)
	}
}
