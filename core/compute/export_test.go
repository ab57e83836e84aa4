package compute

import (
	"context"
	"time"
)

// Reap does now what is done now and then.
func (s *Service) Reap(ctx context.Context) error { return s.reap(ctx) }

// VolumeRow is where the store has a volume.
func VolumeRow(account, id string) []byte { return volumeRow(account, id) }

// AdoptDisks is part of Open.
func (s *Service) AdoptDisks(ctx context.Context) error { return s.adoptDisks(ctx) }

// SetVisible changes how long terminated instances are visible.
func (s *Service) SetVisible(d time.Duration) { s.cfg.Visible = d }

// Known is how many decoded instances are kept in memory.
func (s *Service) Known() int {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	return len(s.known.young) + len(s.known.old)
}
