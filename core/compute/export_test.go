package compute

import "context"

// Reap does now what is done now and then.
func (s *Service) Reap(ctx context.Context) error { return s.reap(ctx) }

// VolumeRow is where the store has a volume.
func VolumeRow(account, id string) []byte { return volumeRow(account, id) }

// AdoptDisks is part of Open.
func (s *Service) AdoptDisks(ctx context.Context) error { return s.adoptDisks(ctx) }
