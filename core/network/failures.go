package network

import (
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/ids"
)

// kindInfo says how EC2 names a kind in its errors. AWS is not consistent, and tools match these strings.
type kindInfo struct {
	code string // the stem of .NotFound and .Malformed
	noun string // "The vpc ID 'x' does not exist"
}

var kindInfos = map[ids.Kind]kindInfo{
	ids.VPC:                   {"InvalidVpcID", "vpc ID"},
	ids.Subnet:                {"InvalidSubnetID", "subnet ID"},
	ids.SecurityGroup:         {"InvalidGroup", "security group"},
	ids.SecurityGroupRule:     {"InvalidSecurityGroupRuleId", "security group rule ID"},
	ids.NetworkInterface:      {"InvalidNetworkInterfaceID", "networkInterface ID"},
	ids.InterfaceAttachment:   {"InvalidAttachmentID", "interface attachment"},
	ids.RouteTable:            {"InvalidRouteTableID", "routeTable ID"},
	ids.RouteTableAssociation: {"InvalidAssociationID", "association ID"},
	ids.InternetGateway:       {"InvalidInternetGatewayID", "internetGateway ID"},
	ids.NetworkACL:            {"InvalidNetworkAclID", "networkAcl ID"},
	ids.NetworkACLAssociation: {"InvalidAssociationID", "association ID"},
	ids.DHCPOptions:           {"InvalidDhcpOptionID", "dhcpOption ID"},
	ids.Allocation:            {"InvalidAllocationID", "allocation ID"},
	ids.AddressAssociation:    {"InvalidAssociationID", "association ID"},
	ids.VPCCIDRAssociation:    {"InvalidVpcCidrBlockAssociationID", "vpc cidr block association ID"},
	ids.NATGateway:            {"InvalidNatGatewayID", "nat gateway ID"},
}

// malformedCodes are the stems of .Malformed where they differ from those of .NotFound.
var malformedCodes = map[ids.Kind]string{
	ids.SecurityGroup: "InvalidGroupId",
	ids.DHCPOptions:   "InvalidDhcpOptionsId",
}

// notFound is the error of a resource that is not there.
func notFound(k ids.Kind, id string) error {
	info := kindInfos[k]
	switch k {
	case ids.NATGateway:
		return errs.New(errs.NotFound, "NatGatewayNotFound", "NatGateway %s was not found", id).On(id)
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
	code := kindInfos[k].code
	if c, ok := malformedCodes[k]; ok {
		code = c
	}
	const shown = 128
	id = id[:min(len(id), shown)]
	return errs.New(errs.Invalid, errs.Reason(code+".Malformed"), "Invalid id: \"%s\" (expecting \"%s-...\")", id, k).On(id)
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
