package ec2api

// basicActions are those of regions, zones and the account, tags, key pairs and instance types.
func (s *Server) basicActions() []action {
	return []action{
		handle("DescribeRegions", s.describeRegions),
		handle("DescribeAvailabilityZones", s.describeAvailabilityZones),
	}
}
