package agent

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/hypervisor"
)

// Console reads the end of what an instance wrote to its serial console, also after it ended.
func (a *Agent) Console(_ context.Context, id string, most int) (compute.Console, error) {
	if err := checkName(id); err != nil {
		return compute.Console{}, err
	}
	path := a.consolePath(id)
	if kept := a.keptConsole(id); exists(kept) {
		path = kept
	}
	out, err := hypervisor.TailConsole(path, most)
	if err != nil {
		return compute.Console{}, err
	}
	c := compute.Console{Output: bytes.ToValidUTF8(out, []byte("\uFFFD"))}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return c, err
	default:
		c.Time = st.ModTime().UTC()
	}
	return c, nil
}

const consoleSuffix = ".log"

// keptConsole is where the end of the console of an instance is that has ended.
func (a *Agent) keptConsole(id string) string {
	return filepath.Join(a.consolesDir(), id+consoleSuffix)
}

// keepConsole puts the end of an instance's console aside before its folder goes: its owner may read it as long as the ended
// instance is visible. It is not synced: a power cut may lose it, as it may lose what the guest wrote last.
func (a *Agent) keepConsole(id string) error {
	from, to := a.consolePath(id), a.keptConsole(id)
	out, err := hypervisor.TailConsole(from, compute.MaxConsole)
	if err != nil || len(out) == 0 { // there was nothing, or an earlier try has kept it
		return err
	}
	err = os.WriteFile(to+half, out, 0o600)
	if st, gone := os.Stat(from); err == nil && gone == nil {
		err = os.Chtimes(to+half, st.ModTime(), st.ModTime())
	}
	if err == nil {
		err = os.Rename(to+half, to)
	}
	if err != nil {
		return errors.Join(err, removeFile(to+half))
	}
	return nil
}

// sweepConsoles removes the kept consoles of instances that nobody can ask about any more. files are those that were there
// before anybody looked which instances are needed.
func (a *Agent) sweepConsoles(files []os.DirEntry, needed map[string]bool) error {
	var err error
	for _, f := range files {
		id := strings.TrimSuffix(strings.TrimSuffix(f.Name(), half), consoleSuffix)
		if !needed[id] {
			err = errors.Join(err, removeFile(filepath.Join(a.consolesDir(), f.Name())))
		}
	}
	return err
}
