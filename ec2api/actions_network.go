package ec2api

// networkActions are those of VPCs, subnets, groups, interfaces, gateways and addresses.
func (s *Server) networkActions() []action {
	return []action{}
}
