package network

import (
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
)

// kindInfo says how EC2 names a kind in its errors. AWS is not consistent, and tools match these strings.
type kindInfo struct {
	code      string // the stem of .NotFound
	malformed string // the stem of .Malformed
	noun      string // "The vpc ID 'x' does not exist"
}

var kindInfos = map[ids.Kind]kindInfo{
	ids.VPC:                   {"InvalidVpcID", "InvalidVpcID", "vpc ID"},
	ids.Subnet:                {"InvalidSubnetID", "InvalidSubnetID", "subnet ID"},
	ids.SecurityGroup:         {"InvalidGroup", "InvalidGroupId", "security group"},
	ids.SecurityGroupRule:     {"InvalidSecurityGroupRuleId", "InvalidSecurityGroupRuleId", "security group rule ID"},
	ids.NetworkInterface:      {"InvalidNetworkInterfaceID", "InvalidNetworkInterfaceId", "networkInterface ID"},
	ids.InterfaceAttachment:   {"InvalidAttachmentID", "InvalidNetworkInterfaceAttachmentId", "interface attachment"},
	ids.RouteTable:            {"InvalidRouteTableID", "InvalidRouteTableId", "routeTable ID"},
	ids.RouteTableAssociation: {"InvalidAssociationID", "InvalidAssociationId", "association ID"},
	ids.InternetGateway:       {"InvalidInternetGatewayID", "InvalidInternetGatewayId", "internetGateway ID"},
	ids.NetworkACL:            {"InvalidNetworkAclID", "InvalidNetworkAclId", "networkAcl ID"},
	ids.NetworkACLAssociation: {"InvalidAssociationID", "InvalidAssociationId", "association ID"},
	ids.DHCPOptions:           {"InvalidDhcpOptionID", "InvalidDhcpOptionsId", "dhcpOption ID"},
	ids.Allocation:            {"InvalidAllocationID", "InvalidAllocationID", "allocation ID"},
	ids.AddressAssociation:    {"InvalidAssociationID", "InvalidAssociationId", "association ID"},
	ids.VPCCIDRAssociation:    {"InvalidVpcCidrBlockAssociationID", "InvalidVpcCidrBlockAssociationId", "vpc cidr block association ID"},
	ids.NATGateway:            {"InvalidNatGatewayID", "InvalidNatGatewayId", "natGateway ID"},
}

// notFound is the error of a resource that is not there.
func notFound(k ids.Kind, id string) error {
	info := kindInfos[k]
	switch k {
	case ids.InterfaceAttachment:
		return errs.New(errs.NotFound, "InvalidAttachmentID.NotFound", "Interface attachment '%s' does not exist.", id).On(id)
	}
	return errs.New(errs.NotFound, errs.Reason(info.code+".NotFound"), "The %s '%s' does not exist", info.noun, id).On(id)
}

// checkID refuses a string that is no id of kind k.
func checkID(k ids.Kind, id string) error {
	if ids.Check(k, id) == nil {
		return nil
	}
	const shown = 128
	id = id[:min(len(id), shown)]
	return errs.New(errs.Invalid, errs.Reason(kindInfos[k].malformed+".Malformed"), "Invalid id: \"%s\" (expecting \"%s-...\")", id, k).On(id)
}

// invalid is an InvalidParameterValue.
func invalid(msg string, args ...any) error {
	return errs.New(errs.Invalid, InvalidValue, msg, args...)
}

// fail is an error of kind Conflict: the state forbids it.
func fail(r errs.Reason, msg string, args ...any) *errs.E {
	return errs.New(errs.Conflict, r, msg, args...)
}

// exceeded is an error of kind Limit.
func exceeded(r errs.Reason, msg string, args ...any) *errs.E {
	return errs.New(errs.Limit, r, msg, args...)
}

func dependency(id, noun string) error {
	return errs.New(errs.Conflict, DependencyViolation, "The %s '%s' has dependencies and cannot be deleted.", noun, id).On(id)
}
