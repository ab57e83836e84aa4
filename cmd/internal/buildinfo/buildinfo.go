// Package buildinfo tells which version of the program runs.
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker (see the Makefile). They stay empty in builds by "go install module@version",
// which carry the same facts in their build information.
var version, commit string

// Info is the identity of a build.
type Info struct {
	Version string
	Commit  string
	Go      string
	Target  string
}

// Read collects it.
func Read() Info {
	i := Info{Version: version, Commit: commit, Go: runtime.Version(), Target: runtime.GOOS + "/" + runtime.GOARCH}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		b = &debug.BuildInfo{}
	}
	if i.Version == "" && b.Main.Version != "(devel)" {
		i.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.revision" && i.Commit == "" {
			i.Commit = s.Value
		}
	}
	if i.Version == "" {
		i.Version = "devel"
	}
	if len(i.Commit) > 12 {
		i.Commit = i.Commit[:12]
	}
	if i.Commit == "" {
		i.Commit = "unknown"
	}
	return i
}

func (i Info) String() string {
	return fmt.Sprintf("aureole %s (commit %s, %s, %s)", i.Version, i.Commit, i.Go, i.Target)
}
