package ec2api

import (
	"encoding/base64"
	"net/url"
	"strings"
)

const launch = "ImageId={image}&MinCount=1&MaxCount=1&InstanceType=t3.nano"

// launches are forms beside those parameters.
func launches(list []bad) []bad {
	for i := range list {
		list[i].form = launch + "&" + list[i].form
	}
	return list
}

// userData is that much, coded for the wire.
func userData(n int) string {
	return "UserData=" + url.QueryEscape(base64.StdEncoding.EncodeToString(make([]byte, n)))
}

// badStates are what the actions on instances refuse of states and of instances that are not there, none or all.
func badStates(list ...bad) []bad {
	return append(list, bad{"InstanceId.1={running}&InstanceId.2=i-0123456789abcdef0", "InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist"},
		bad{"InstanceId.1=i-0123456789abcdef0&InstanceId.2=i-0123456789abcdef1", "InvalidInstanceID.NotFound", "The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist"},
		bad{"InstanceId.1=web", "InvalidInstanceID.Malformed", "Invalid id: \"web\""})
}

var computeRefusals = map[string]refusals{
	"RunInstances": {good: "?ImageId={image}&MinCount=1&MaxCount=1&?InstanceType=t3.nano&?SubnetId={subnet2}&?SecurityGroupId.1={sg}", rows: rows(badTags(launch, "instance"), []bad{
		{"MinCount=1&MaxCount=1&InstanceType=t3.nano", "MissingParameter", "The request must contain the parameter ImageId"},
		{"ImageId={image}&MinCount=0&MaxCount=1&InstanceType=t3.nano", "InvalidParameterValue", ""},
		{"ImageId={image}&MinCount=2&MaxCount=1&InstanceType=t3.nano", "InvalidParameterValue", ""},
		{"ImageId={image}&MinCount=one&MaxCount=1&InstanceType=t3.nano", "InvalidParameterValue", ""},
		{"ImageId={image}&MinCount=1&MaxCount=1&InstanceType=t9.huge", "InvalidParameterValue", "Invalid value 't9.huge' for InstanceType."},
		{"ImageId={image}&MinCount=1&MaxCount=1&InstanceType=t4g.micro", "InvalidParameterValue", "t4g.micro"},
		{"ImageId={image}&MinCount=4&MaxCount=4&InstanceType=t2.nano", "InstanceLimitExceeded", "You have requested more instances"},
		{"ImageId={image}&MinCount=1&MaxCount=1&InstanceType=m5.4xlarge", "VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 12 allows"},
		{"ImageId={image}&MinCount=1001&MaxCount=1001&InstanceType=t2.nano", "ResourceCountExceeded", ""},
	}, launches([]bad{
		{"KeyName=nope", "InvalidKeyPair.NotFound", "The key pair 'nope' does not exist"},
		{"KeyName=hers", "InvalidKeyPair.NotFound", ""},
		{"SecurityGroup.1=nope", "InvalidGroup.NotFound", "The security group 'nope' does not exist"},
		{"SubnetId={subnet2}&SecurityGroup.1=default", "InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet"},
		{"SubnetId={subnet2}&SecurityGroupId.1={sg3}", "InvalidParameter", "belong to different networks"},
		{"SubnetId={full}", "InsufficientFreeAddressesInSubnet", ""},
		{"Placement.AvailabilityZone=moon-1a", "InvalidParameterValue", "Invalid availability zone: [moon-1a]"},
		{"SubnetId={subnet2}&Placement.AvailabilityZone=us-east-1b", "InvalidParameterValue", ""},
		{"SubnetId={subnet}&PrivateIpAddress=10.50.1.10", "InvalidIPAddress.InUse", "Address 10.50.1.10 is in use."},
		{"SubnetId={subnet2}&PrivateIpAddress=10.9.9.9", "InvalidParameterValue", "does not fall within the subnet's address range"},
		{"SubnetId={subnet2}&PrivateIpAddress=one", "InvalidParameterValue", ""},
		{"UserData=%23%23%23", "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."},
		{userData(16<<10 + 1), "InvalidParameterValue", "User data is limited to 16384 bytes"},
		{"InstanceInitiatedShutdownBehavior=burn", "InvalidParameterValue", ""},
		{"CreditSpecification.CpuCredits=many", "InvalidCpuCredits", ""},
		{"MetadataOptions.HttpPutResponseHopLimit=65", "InvalidParameterValue", ""},
		{"MetadataOptions.HttpTokens=some", "InvalidParameterValue", ""},
		{"NetworkInterface.1.DeviceIndex=0&SubnetId={subnet2}", "InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be specified on the same request"},
		{"NetworkInterface.1.DeviceIndex=0&SecurityGroupId.1={sg}", "InvalidParameterCombination", "Network interfaces and an instance-level security groups may not be specified on the same request"},
		{"NetworkInterface.1.DeviceIndex=1", "InvalidParameterValue", ""},
		{"NetworkInterface.1.SubnetId={subnet2}", "MissingParameter", ""},
		{"NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.NetworkInterfaceId={attached}", "InvalidNetworkInterface.InUse", "is currently in use."},
		{"NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.NetworkInterfaceId={eve.eni}", "InvalidNetworkInterfaceID.NotFound", ""},
		{"NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.NetworkInterfaceId=eni-1", "InvalidNetworkInterfaceId.Malformed", ""},
		{"NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId={eve.subnet}", "InvalidSubnetID.NotFound", ""},
		{"NetworkInterface.1.DeviceIndex=0&NetworkInterface.2.DeviceIndex=0", "InvalidParameterValue", ""},
		{"BlockDeviceMapping.1.Ebs.VolumeSize=8", "MissingParameter", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.VolumeSize=99999", "InvalidParameterValue", "Volume of 99999GiB is too large for volume type gp2; maximum is 16384GiB"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.VolumeSize=0", "InvalidParameterValue", "The volume size is invalid for gp2 volumes: 0 GiB. "},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.VolumeType=tape", "InvalidParameterValue", "tape"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.VolumeType=st1&BlockDeviceMapping.1.Ebs.VolumeSize=200", "InvalidParameterCombination", "The parameter iops is not supported for st1 volumes."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-0123456789abcdef0", "InvalidBlockDeviceMapping", "snapshotId cannot be modified on root device"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap", "InvalidSnapshotID.Malformed", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.Encrypted=true", "UnsupportedOperation", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.KmsKeyId=a", "InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.NoDevice=", "InvalidBlockDeviceMapping", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.2.DeviceName=/dev/sda1", "InvalidBlockDeviceMapping", "The device 'sda1' is used in more than one block-device mapping"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.2.DeviceName=sda1&BlockDeviceMapping.2.Ebs.VolumeSize=1", "InvalidBlockDeviceMapping", "The device 'sda1' is used in more than one block-device mapping"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sde1&BlockDeviceMapping.1.Ebs.VolumeSize=1", "InvalidBlockDeviceMapping", "Invalid device name /dev/sde1"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf", "MissingParameter", "The request must contain the parameter size or snapshotId"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeType=gp3", "MissingParameter", "The request must contain the parameter size or snapshotId"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.SnapshotId=snap-0123456789abcdef0", "UnsupportedOperation", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.VirtualName=floppy", "InvalidBlockDeviceMapping", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=1&BlockDeviceMapping.1.VirtualName=ephemeral0", "InvalidParameterCombination", ""},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.Iops=300", "InvalidParameterCombination", "The parameter iops is not supported for gp2 volumes."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.Throughput=300", "InvalidParameterCombination", "The throughput parameter is not supported for gp2 volumes."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.VolumeType=io1", "InvalidParameterCombination", "The parameter iops must be specified for io1 volumes."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=1&BlockDeviceMapping.1.Ebs.VolumeType=io1&BlockDeviceMapping.1.Ebs.Iops=100", "InvalidParameterValue", "The volume size is invalid for io1 volumes: 1 GiB. io1 volumes must be at least 4 GiB in size. Please specify a volume size above the minimum limit"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=100&BlockDeviceMapping.1.Ebs.VolumeType=io1&BlockDeviceMapping.1.Ebs.Iops=8000", "InvalidParameterValue", "Iops to volume size ratio of 80.000000 is too high; maximum is 50"},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.1.Ebs.Iops=100", "InvalidParameterValue", "Volume iops of 100 is too low; minimum is 3000."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.1.Ebs.Iops=90000", "InvalidParameterValue", "Volume iops of 90000 is too high; maximum is 80000."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.1.Ebs.Throughput=100", "InvalidParameterValue", "Volume throughput of 100 is too low; minimum is 125."},
		{"BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=8&BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.1.Ebs.Throughput=751", "InvalidParameterValue", "Throughput (MiBps) to iops ratio of 0.250333 is too high; maximum is 0.250000 MiBps per iops."},
		{many("BlockDeviceMapping.%d.DeviceName=/dev/xvdb%c&BlockDeviceMapping.%[1]d.Ebs.VolumeSize=1"), "AttachmentLimitExceeded", ""},
		{"ClientToken=once", "IdempotentParameterMismatch", ""},
		{"ClientToken=ended&SubnetId={subnet2}&SecurityGroupId.1={sg}&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=1&BlockDeviceMapping.1.Ebs.DeleteOnTermination=false", "IdempotentInstanceTerminated", ""},
		{"ClientToken=" + strings.Repeat("c", 65), "InvalidParameterValue", ""},
		{"Placement.Tenancy=dedicated", "UnsupportedOperation", ""},
		{"InstanceMarketOptions.MarketType=spot", "UnsupportedOperation", ""},
		{"LaunchTemplate.LaunchTemplateName=a", "UnsupportedOperation", ""},
		{"IamInstanceProfile.Name=a", "UnsupportedOperation", ""},
		{"Ipv6AddressCount=1", "UnsupportedOperation", ""},
		{"HibernationOptions.Configured=true", "UnsupportedOperation", ""},
		{"CpuOptions.CoreCount=1&CpuOptions.ThreadsPerCore=1", "UnsupportedOperation", ""},
		{"CpuOptions.AmdSevSnp=enabled", "UnsupportedOperation", ""},
	}))},
	"DescribeInstances": {good: "?InstanceId.1={running}", rows: badStates(rows(badPages("4", "1001"), []bad{
		{"InstanceId.1={running}&MaxResults=5", "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"},
	})...)},
	"DescribeInstanceStatus": {good: "?InstanceId.1={running}", rows: badStates(rows(badPages("4", "1001"), []bad{
		{"InstanceId.1={running}&MaxResults=5", "InvalidParameterCombination", ""},
	})...)},
	"StartInstances": {good: "InstanceId.1={stopped}", rows: badStates(
		bad{"InstanceId.1={gone}", "IncorrectInstanceState", "is not in a state from which it can be started."},
		bad{"InstanceId.1={stopped}&InstanceId.2={gone}", "IncorrectInstanceState", ""},
	)},
	"StopInstances": {good: "InstanceId.1={running}", rows: badStates(
		bad{"InstanceId.1={gone}", "IncorrectInstanceState", "is not in a state from which it can be stopped."},
		bad{"InstanceId.1={running}&InstanceId.2={kept}", "OperationNotPermitted", "may not be stopped"},
		bad{"InstanceId.1={running}&Hibernate=true", "UnsupportedHibernationConfiguration", ""},
	)},
	"RebootInstances": {good: "InstanceId.1={running}", rows: badStates(
		bad{"InstanceId.1={gone}", "IncorrectInstanceState", ""},
		bad{"InstanceId.1={running}&InstanceId.2={stopped}", "IncorrectInstanceState", ""},
	)},
	"TerminateInstances": {good: "InstanceId.1={running}", rows: badStates(
		bad{"InstanceId.1={running}&InstanceId.2={kept}", "OperationNotPermitted", "may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."},
	)},
	"MonitorInstances":   {good: "InstanceId.1={running}", rows: badStates(bad{"InstanceId.1={gone}", "InvalidState", ""})},
	"UnmonitorInstances": {good: "InstanceId.1={running}", rows: badStates(bad{"InstanceId.1={gone}", "InvalidState", ""})},
	"GetConsoleOutput":   {good: "InstanceId={running}"},
	"GetPasswordData":    {good: "InstanceId={running}"},
	"DescribeInstanceAttribute": {good: "InstanceId={running}&Attribute=instanceType", rows: []bad{
		{"InstanceId={running}&Attribute=colour", "InvalidParameterValue", ""},
	}},
	"ModifyInstanceAttribute": {good: "InstanceId={running}&DisableApiTermination.Value=true", missing: map[string]string{"DisableApiTermination.Value": "InvalidParameterCombination"}, rows: []bad{
		{"InstanceId={running}&DisableApiTermination.Value=true&DisableApiStop.Value=true", "InvalidParameterCombination", "Fields for multiple attribute types specified"},
		{"InstanceId={running}&InstanceType.Value=t3.micro", "IncorrectInstanceState", "is not in the 'stopped' state."},
		{"InstanceId={running}&UserData.Value=aGVsbG8%3D", "IncorrectInstanceState", ""},
		{"InstanceId={gone}&DisableApiTermination.Value=true", "IncorrectInstanceState", ""},
		{"InstanceId={stopped}&InstanceType.Value=t9.huge", "InvalidInstanceAttributeValue", "Invalid value 't9.huge' for InstanceType."},
		{"InstanceId={stopped}&InstanceType.Value=t4g.micro", "InvalidInstanceAttributeValue", ""},
		{"InstanceId={stopped}&" + strings.Replace(userData(16<<10+1), "=", ".Value=", 1), "InvalidParameterValue", "User data is limited to 16384 bytes"},
		{"InstanceId={stopped}&UserData.Value=%23%23", "InvalidParameterValue", ""},
		{"InstanceId={running}&InstanceInitiatedShutdownBehavior.Value=burn", "InvalidParameterValue", ""},
		{"InstanceId={running}&GroupId.1=sg-0123456789abcdef0", "InvalidGroup.NotFound", ""},
		{"InstanceId={running}&GroupId.1={eve.sg}", "InvalidGroup.NotFound", ""},
		{"InstanceId={running}&GroupId.1=sg-xyz", "InvalidGroupId.Malformed", ""},
		{"InstanceId={running}&GroupId.1={sg3}", "InvalidParameter", "belong to different networks"},
		{"InstanceId={running}&BlockDeviceMapping.1.DeviceName=/dev/sdz&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true", "InvalidInstanceAttributeValue", "No device is currently mapped at /dev/sdz"},
		{"InstanceId={running}&Attribute=disableApiStop&Value=perhaps", "InvalidParameterValue", ""},
		{"InstanceId={running}&Attribute=rootDeviceName&Value=a", "UnsupportedInstanceAttribute", ""},
		{"InstanceId={running}&Attribute=colour&Value=red", "InvalidParameterValue", ""},
	}},
	"ResetInstanceAttribute": {good: "InstanceId={running}&Attribute=sourceDestCheck", rows: []bad{
		{"InstanceId={running}&Attribute=userData", "InvalidParameterValue", ""},
		{"InstanceId={running}&Attribute=colour", "InvalidParameterValue", ""},
	}},
	"DescribeInstanceCreditSpecifications": {good: "?InstanceId.1={running}", rows: badStates(badPages("4", "1001")...)},
	// What is wrong with one instance is in the answer.
	"ModifyInstanceCreditSpecification": {good: "InstanceCreditSpecification.1.InstanceId={running}&InstanceCreditSpecification.1.CpuCredits=standard",
		malformed: map[string]string{"*": ""}, absent: map[string]string{"*": ""}, rows: []bad{
			{"", "MissingParameter", ""},
			{"InstanceCreditSpecification.1.InstanceId={running}&InstanceCreditSpecification.1.CpuCredits=many", "InvalidCpuCredits", ""},
			{"InstanceCreditSpecification.1.InstanceId={running}&InstanceCreditSpecification.1.CpuCredits=standard&InstanceCreditSpecification.2.InstanceId={running}&InstanceCreditSpecification.2.CpuCredits=standard", "InvalidInstanceCreditSpecification.DuplicateInstanceId", ""},
		}},
	"ModifyInstanceMetadataOptions": {good: "InstanceId={running}&?HttpTokens=required", rows: []bad{
		{"InstanceId={running}&HttpPutResponseHopLimit=65", "InvalidParameterValue", ""},
		{"InstanceId={running}&HttpPutResponseHopLimit=0", "InvalidParameterValue", ""},
		{"InstanceId={running}&HttpTokens=some", "InvalidParameterValue", ""},
		{"InstanceId={gone}&HttpTokens=required", "IncorrectInstanceState", ""},
	}},

	"DescribeImages": {good: "?ImageId.1={image}", rows: rows(badPages("0", "-1"), []bad{
		{"ImageId.1={image}&ImageId.2=ami-0123456789abcdef0", "InvalidAMIID.NotFound", "The image id '[ami-0123456789abcdef0]' does not exist"},
	})},
	"RegisterImage": {good: "Name=image&ImageLocation={disk}", missing: map[string]string{"ImageLocation": "InvalidParameterCombination"}, rows: rows(badTags("Name=image&ImageLocation={disk}", "image"), []bad{
		{"", "MissingParameter", "The request must contain the parameter Name"},
		{"Name=image", "InvalidParameterCombination", ""},
		{"Name=a&ImageLocation=bucket/key", "InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long"},
		{"Name=image&ImageLocation=no-such-bucket/key", "InvalidParameter", ""},
		{"Name=image&ImageLocation=bucket", "InvalidParameterValue", ""},
		{"Name=image&ImageLocation=bucket/key&Architecture=sparc", "InvalidParameterValue", ""},
		{"Name=image&ImageLocation=bucket/key&VirtualizationType=paravirtual", "UnsupportedOperation", ""},
		{"Name=image&RootDeviceName=/dev/sda1&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-0123456789abcdef0", "InvalidSnapshot.NotFound", ""},
	})},
	"DeregisterImage": {good: "ImageId={image}"},
	"DescribeImageAttribute": {good: "ImageId={image}&Attribute=description", rows: []bad{
		{"ImageId={image}&Attribute=colour", "InvalidParameterValue", ""},
	}},
	"ModifyImageAttribute": {good: "ImageId={image}&Description.Value=new", missing: map[string]string{"Description.Value": "InvalidParameterCombination"}, rows: []bad{
		{"ImageId={image}&LaunchPermission.Add.1.UserId=me", "InvalidAMIAttributeItemValue", "Invalid attribute item value \"me\" for userId item type."},
		{"ImageId={image}&LaunchPermission.Add.1.Group=some", "InvalidAMIAttributeItemValue", "Invalid attribute item value \"some\" for userGroup item type."},
		{"ImageId={image}&Attribute=colour&Value=red", "InvalidParameterValue", ""},
		{"ImageId={image}&ImdsSupport.Value=v1.0", "InvalidParameterValue", ""},
		{"ImageId={image}&OperationType=turn&UserId.1=123456789012", "InvalidParameterValue", ""},
	}},
	"ResetImageAttribute": {good: "ImageId={image}&Attribute=launchPermission", rows: []bad{
		{"ImageId={image}&Attribute=description", "InvalidParameterValue", ""},
	}},
	"ImportImage": {good: "?DiskContainer.1.Url=s3://{disk}", rows: rows(badTags("DiskContainer.1.Url=s3://{disk}", "import-image-task"), []bad{
		{"", "InvalidParameterValue", ""},
		{"DiskContainer.1.Format=raw", "MissingParameter", ""},
		{"DiskContainer.1.Url=https://example.com/disk.raw", "UnsupportedOperation", ""},
		{"DiskContainer.1.UserBucket.S3Bucket=no-such-bucket&DiskContainer.1.UserBucket.S3Key=key", "InvalidParameter", ""},
		{"DiskContainer.1.SnapshotId=snap-0123456789abcdef0", "InvalidSnapshot.NotFound", ""},
		{"DiskContainer.1.Url=s3://b/k&Encrypted=true", "UnsupportedOperation", ""},
		{"DiskContainer.1.Url=s3://b/k&Platform=Windows", "UnsupportedOperation", ""},
	})},
	"DescribeImportImageTasks": {good: "?ImportTaskId.1={task}", rows: rows(badPages("0", "-1"), []bad{
		{"ImportTaskId.1=import-ami-0123456789abcdef0", "InvalidConversionTaskId.Malformed", ""},
		{"ImportTaskId.1=task", "InvalidConversionTaskId.Malformed", ""},
	})},
	"CancelImportTask": {good: "ImportTaskId={task}", rows: []bad{
		{"ImportTaskId=import-ami-0123456789abcdef0", "InvalidConversionTaskId.Malformed", ""},
		{"ImportTaskId=task", "InvalidConversionTaskId.Malformed", ""},
	}},
}
