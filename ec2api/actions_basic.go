package ec2api

// basicActions are those of regions, zones and the account, tags, key pairs, instance types and volumes.
func (s *Server) basicActions() []action {
	return []action{
		handle("CreateKeyPair", s.createKeyPair),
		handle("CreateTags", s.createTags),
		handle("DeleteKeyPair", s.deleteKeyPair),
		handle("DeleteTags", s.deleteTags),
		handle("DescribeAccountAttributes", s.describeAccountAttributes),
		handle("DescribeInstanceTypeOfferings", s.describeInstanceTypeOfferings),
		handle("DescribeInstanceTypes", s.describeInstanceTypes),
		handle("DescribeKeyPairs", s.describeKeyPairs),
		handle("DescribeTags", s.describeTags),
		handle("DeleteVolume", s.deleteVolume),
		handle("DescribeVolumeAttribute", s.describeVolumeAttribute),
		handle("DescribeVolumeStatus", s.describeVolumeStatus),
		handle("DescribeVolumes", s.describeVolumes),
		handle("ImportKeyPair", s.importKeyPair),
		handle("DescribeRegions", s.describeRegions),
		handle("DescribeAvailabilityZones", s.describeAvailabilityZones),
		retired("DescribeVpcClassicLink"),
		retired("DescribeVpcClassicLinkDnsSupport"),
	}
}

// retired makes the row of an action of EC2-Classic. AWS refuses it in these words, which tools look for to go on without.
func retired(name string) action {
	return action{name: name, refusal: "The functionality you requested is not available in this region."}
}
