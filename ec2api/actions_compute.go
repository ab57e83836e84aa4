package ec2api

// computeActions are those of instances and images.
func (s *Server) computeActions() []action {
	return []action{
		handle("RunInstances", s.runInstances).partly("no IPv6, placement groups, spot, instance profiles, launch templates or volumes of snapshots"),
		handle("DescribeInstances", s.describeInstances),
		handle("DescribeInstanceStatus", s.describeInstanceStatus),
		handle("StartInstances", s.startInstances),
		handle("StopInstances", s.stopInstances),
		handle("RebootInstances", s.rebootInstances),
		handle("TerminateInstances", s.terminateInstances),
		handle("MonitorInstances", s.monitorInstances).partly("the state is kept; no metrics are made"),
		handle("UnmonitorInstances", s.unmonitorInstances),
		handle("GetConsoleOutput", s.getConsoleOutput).partly("always the latest output"),
		handle("GetPasswordData", s.getPasswordData).partly("always empty: Windows guests are not built"),
		handle("DescribeInstanceAttribute", s.describeInstanceAttribute),
		handle("ModifyInstanceAttribute", s.modifyInstanceAttribute),
		handle("ResetInstanceAttribute", s.resetInstanceAttribute),
		handle("DescribeInstanceCreditSpecifications", s.describeInstanceCreditSpecifications),
		handle("ModifyInstanceCreditSpecification", s.modifyInstanceCreditSpecification),
		handle("ModifyInstanceMetadataOptions", s.modifyInstanceMetadataOptions),

		handle("DescribeImages", s.describeImages),
		handle("RegisterImage", s.registerImage).partly("from a disk image in S3; not from snapshots"),
		handle("DeregisterImage", s.deregisterImage),
		handle("DescribeImageAttribute", s.describeImageAttribute).partly("no lastLaunchedTime"),
		handle("ModifyImageAttribute", s.modifyImageAttribute),
		handle("ResetImageAttribute", s.resetImageAttribute),
		handle("ImportImage", s.importImage).partly("one disk, Linux, from S3"),
		handle("DescribeImportImageTasks", s.describeImportImageTasks),
		handle("CancelImportTask", s.cancelImportTask),
	}
}
