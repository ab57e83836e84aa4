package server

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/aureole-cloud/aureole/cmd/internal/config"
)

// scratchFolder is where images are while they are taken in.
func (s *Server) scratchFolder() string { return filepath.Join(s.dir.Path(), "scratch") }

// openMachines begins to run instances on this host.
func (s *Server) openMachines(context.Context) error {
	if s.cfg.Hypervisor != "off" {
		return fmt.Errorf("%w: hypervisor: %s is not wired yet; use off", config.ErrInvalid, s.cfg.Hypervisor)
	}
	return nil
}
