package agent

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/hypervisor"
)

// Console reads the end of what an instance wrote to its serial console.
func (a *Agent) Console(_ context.Context, id string, most int) (compute.Console, error) {
	if err := checkName(id); err != nil {
		return compute.Console{}, err
	}
	out, err := hypervisor.TailConsole(a.consolePath(id), most)
	if err != nil {
		return compute.Console{}, err
	}
	c := compute.Console{Output: bytes.ToValidUTF8(out, []byte("\uFFFD"))}
	st, err := os.Stat(a.consolePath(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return c, err
	default:
		c.Time = st.ModTime().UTC()
	}
	return c, nil
}
