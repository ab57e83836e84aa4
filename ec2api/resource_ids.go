package ec2api

import (
	"strings"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
)

// idKind is how EC2 speaks of the ids of one kind.
type idKind struct {
	malformed string // code of an id that cannot be
	absent    string // code of one that is not there
	noun      string // in the sentence of both
}

// idKinds follows EC2, which spells each kind its own way.
var idKinds = map[ids.Kind]idKind{
	ids.Instance:              {"InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "instance ID"},
	ids.Image:                 {"InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image id"},
	ids.Volume:                {ec2err.InvalidParameterValue, "InvalidVolume.NotFound", "volume"},
	ids.Snapshot:              {"InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound", "snapshot"},
	ids.VPC:                   {"InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc ID"},
	ids.Subnet:                {"InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "subnet ID"},
	ids.SecurityGroup:         {"InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security group"},
	ids.SecurityGroupRule:     {"InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound", "security group rule ID"},
	ids.NetworkInterface:      {"InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound", "networkInterface ID"},
	ids.InterfaceAttachment:   {"InvalidNetworkInterfaceAttachmentId.Malformed", "InvalidAttachmentID.NotFound", "attachment ID"},
	ids.RouteTable:            {"InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound", "routeTable ID"},
	ids.RouteTableAssociation: {"InvalidAssociationId.Malformed", "InvalidAssociationID.NotFound", "association ID"},
	ids.InternetGateway:       {"InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound", "internetGateway ID"},
	ids.NATGateway:            {"NatGatewayMalformed", "NatGatewayNotFound", "NAT gateway"},
	ids.NetworkACL:            {"InvalidNetworkAclId.Malformed", "InvalidNetworkAclID.NotFound", "networkAcl ID"},
	ids.NetworkACLAssociation: {"InvalidAssociationId.Malformed", "InvalidAssociationID.NotFound", "association ID"},
	ids.DHCPOptions:           {"InvalidDhcpOptionsId.Malformed", "InvalidDhcpOptionID.NotFound", "dhcpOption ID"},
	ids.Allocation:            {"InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound", "allocation ID"},
	ids.AddressAssociation:    {"InvalidAssociationId.Malformed", "InvalidAssociationID.NotFound", "association ID"},
	ids.LaunchTemplate:        {"InvalidLaunchTemplateId.Malformed", "InvalidLaunchTemplateId.NotFound", "launch template ID"},
	ids.KeyPair:               {"InvalidKeyPair.Malformed", "InvalidKeyPair.NotFound", "key pair"},
	ids.PlacementGroup:        {ec2err.InvalidParameterValue, "InvalidPlacementGroup.Unknown", "placement group"},
	ids.ImportImageTask:       {"InvalidConversionTaskId.Malformed", "InvalidConversionTaskId.Malformed", "import task ID"}, // EC2 has no other code
	ids.ImportSnapshotTask:    {"InvalidConversionTaskId.Malformed", "InvalidConversionTaskId.Malformed", "import task ID"},
	ids.IAMProfileAssociation: {"InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound", "association ID"},
}

// checkIDs refuses the first id that does not have the form of kind k's.
func checkIDs(k ids.Kind, list ...string) error {
	for _, id := range list {
		if ids.Check(k, id) == nil {
			continue
		}
		if k == ids.Volume { // as in cloudavail/aws-missing-tools#59
			return ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter volumeId is invalid. Expected: 'vol-...'.", ec2err.Clip(id))
		}
		code := ec2err.InvalidParameterValue
		if kind, ok := idKinds[k]; ok {
			code = kind.malformed
		}
		if strings.HasPrefix(id, string(k)+"-") {
			return ec2err.New(code, `Invalid id: "%s"`, ec2err.Clip(id))
		}
		return ec2err.New(code, `Invalid id: "%s" (expecting "%s-...")`, ec2err.Clip(id), k)
	}
	return nil
}

// notFound is the error of ids of kind k that are well formed and not there.
func notFound(k ids.Kind, list ...string) error {
	kind, ok := idKinds[k]
	if !ok {
		kind = idKind{absent: "InvalidID", noun: "ID"}
	}
	noun, verb := kind.noun, "does"
	if len(list) > 1 {
		verb = "do"
		noun += "s"
	}
	text := strings.Join(list, ", ")
	if k == ids.Image {
		text = "[" + text + "]"
	}
	return ec2err.New(kind.absent, "The %s '%s' %s not exist", noun, text, verb)
}
