package compute

import "context"

// Reap does now what is done now and then.
func (s *Service) Reap(ctx context.Context) error { return s.reap(ctx) }
