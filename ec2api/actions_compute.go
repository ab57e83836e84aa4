package ec2api

// computeActions are those of instances and images.
func (s *Server) computeActions() []action {
	return []action{}
}
