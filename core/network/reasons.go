package network

import "github.com/aureole-cloud/aureole/core/errs"

// The rules that can fail, beyond their kind: EC2's codes. Those of ids (InvalidVpcID.NotFound) are made by notFound and
// checkID.
const (
	DependencyViolation errs.Reason = "DependencyViolation" // something still uses it
	CannotDelete        errs.Reason = "CannotDelete"        // the default group, main table or default ACL
	OperationDenied     errs.Reason = "OperationNotPermitted"
	IncorrectState      errs.Reason = "IncorrectState"
	Unsupported         errs.Reason = "UnsupportedOperation"

	InvalidValue       errs.Reason = "InvalidParameterValue"
	InvalidCombination errs.Reason = "InvalidParameterCombination"
	MissingParameter   errs.Reason = "MissingParameter"

	VPCRange              errs.Reason = "InvalidVpc.Range"
	SubnetRange           errs.Reason = "InvalidSubnet.Range"
	SubnetConflict        errs.Reason = "InvalidSubnet.Conflict"
	DefaultVPCExists      errs.Reason = "DefaultVpcAlreadyExists"
	DefaultSubnetExists   errs.Reason = "DefaultSubnetAlreadyExistsInAvailabilityZone"
	NoDefaultVPC          errs.Reason = "VPCIdNotSpecified" // there is no default VPC and none was named
	NoDefaultSubnet       errs.Reason = "MissingInput"      // there is no default subnet and none was named
	AlreadyAssociated     errs.Reason = "Resource.AlreadyAssociated"
	GatewayNotAttached    errs.Reason = "Gateway.NotAttached"
	RouteExists           errs.Reason = "RouteAlreadyExists"
	RouteNotFound         errs.Reason = "InvalidRoute.NotFound"
	ACLEntryExists        errs.Reason = "NetworkAclEntryAlreadyExists"
	ACLEntryNotFound      errs.Reason = "InvalidNetworkAclEntry.NotFound"
	GroupDuplicate        errs.Reason = "InvalidGroup.Duplicate"
	GroupReserved         errs.Reason = "InvalidGroup.Reserved"
	GroupInUse            errs.Reason = "InvalidGroup.InUse"
	PermissionDuplicate   errs.Reason = "InvalidPermission.Duplicate"
	PermissionNotFound    errs.Reason = "InvalidPermission.NotFound"
	PermissionMalformed   errs.Reason = "InvalidPermission.Malformed"
	AddressInUse          errs.Reason = "InvalidIPAddress.InUse"
	InterfaceInUse        errs.Reason = "InvalidNetworkInterface.InUse"
	NoFreeAddress         errs.Reason = "InsufficientFreeAddressesInSubnet"
	NoPublicAddress       errs.Reason = "InsufficientAddressCapacity"
	AddressNotAssociated  errs.Reason = "InvalidAssociationID.NotFound"
	AddressLocked         errs.Reason = "InvalidIPAddress.Locked"
	LimitVPCs             errs.Reason = "VpcLimitExceeded"
	LimitSubnets          errs.Reason = "SubnetLimitExceeded"
	LimitGroups           errs.Reason = "SecurityGroupLimitExceeded"
	LimitRules            errs.Reason = "RulesPerSecurityGroupLimitExceeded"
	LimitGroupsPerNIC     errs.Reason = "SecurityGroupsPerInterfaceLimitExceeded"
	LimitGateways         errs.Reason = "InternetGatewayLimitExceeded"
	LimitRouteTables      errs.Reason = "RouteTableLimitExceeded"
	LimitRoutes           errs.Reason = "RouteLimitExceeded"
	LimitACLs             errs.Reason = "NetworkAclLimitExceeded"
	LimitACLEntries       errs.Reason = "NetworkAclEntryLimitExceeded"
	LimitInterfaces       errs.Reason = "NetworkInterfaceLimitExceeded"
	LimitPrivateAddresses errs.Reason = "PrivateIpAddressLimitExceeded"
	LimitAddresses        errs.Reason = "AddressLimitExceeded"
)
