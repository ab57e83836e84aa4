package ec2api

import (
	"fmt"
	"strings"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// aboutResources says what resources the permission of an action is about, after the table "Actions defined by Amazon EC2" of
// AWS's Service Authorization Reference, with which testdata/authorization.txt compares it. A word is "type=Parameter" for
// resources that the request names, with * for the numbers of a list, or "+type" for what the action makes. Actions without a
// line are permitted or not as a whole: their resource is *.
var aboutResources = map[string]string{
	"RunInstances": "image=ImageId subnet=SubnetId security-group=SecurityGroupId.* security-group=SecurityGroup.* key-pair=KeyName " +
		"network-interface=NetworkInterface.*.NetworkInterfaceId subnet=NetworkInterface.*.SubnetId security-group=NetworkInterface.*.SecurityGroupId.* " +
		"+instance +volume +network-interface",
	"StartInstances":                    "instance=InstanceId.*",
	"StopInstances":                     "instance=InstanceId.*",
	"RebootInstances":                   "instance=InstanceId.*",
	"TerminateInstances":                "instance=InstanceId.*",
	"MonitorInstances":                  "instance=InstanceId.*",
	"UnmonitorInstances":                "instance=InstanceId.*",
	"GetConsoleOutput":                  "instance=InstanceId",
	"GetPasswordData":                   "instance=InstanceId",
	"DescribeInstanceAttribute":         "instance=InstanceId",
	"ModifyInstanceAttribute":           "instance=InstanceId security-group=GroupId.*",
	"ResetInstanceAttribute":            "instance=InstanceId",
	"ModifyInstanceCreditSpecification": "instance=InstanceCreditSpecification.*.InstanceId",
	"ModifyInstanceMetadataOptions":     "instance=InstanceId",

	"DeleteVolume":            "volume=VolumeId",
	"DescribeVolumeAttribute": "volume=VolumeId",

	"RegisterImage":        "+image",
	"DeregisterImage":      "image=ImageId",
	"ModifyImageAttribute": "image=ImageId",
	"ResetImageAttribute":  "image=ImageId",
	"ImportImage":          "+image +import-image-task",
	"CancelImportTask":     "import-image-task=ImportTaskId",

	"DescribeImageAttribute": "image=ImageId",

	"CreateKeyPair": "key-pair=KeyName",
	"ImportKeyPair": "key-pair=KeyName",
	"DeleteKeyPair": "key-pair=KeyName key-pair=KeyPairId",
	"CreateTags":    "any=ResourceId.*",
	"DeleteTags":    "any=ResourceId.*",

	"CreateVpc":                "+vpc",
	"DeleteVpc":                "vpc=VpcId",
	"DescribeVpcAttribute":     "vpc=VpcId",
	"ModifyVpcAttribute":       "vpc=VpcId",
	"AssociateVpcCidrBlock":    "vpc=VpcId",
	"DisassociateVpcCidrBlock": "vpc=AssociationId",
	"CreateSubnet":             "+subnet vpc=VpcId",
	"DeleteSubnet":             "subnet=SubnetId",
	"ModifySubnetAttribute":    "subnet=SubnetId",

	"CreateSecurityGroup":                        "+security-group vpc=VpcId",
	"DeleteSecurityGroup":                        groups,
	"AuthorizeSecurityGroupIngress":              groups,
	"AuthorizeSecurityGroupEgress":               groups,
	"RevokeSecurityGroupIngress":                 groups,
	"RevokeSecurityGroupEgress":                  groups,
	"ModifySecurityGroupRules":                   groups + " security-group-rule=SecurityGroupRule.*.SecurityGroupRuleId",
	"UpdateSecurityGroupRuleDescriptionsIngress": groups,
	"UpdateSecurityGroupRuleDescriptionsEgress":  groups,

	"CreateNetworkInterface":          "+network-interface subnet=SubnetId security-group=SecurityGroupId.*",
	"DeleteNetworkInterface":          "network-interface=NetworkInterfaceId",
	"ModifyNetworkInterfaceAttribute": "network-interface=NetworkInterfaceId security-group=SecurityGroupId.*",
	"ResetNetworkInterfaceAttribute":  "network-interface=NetworkInterfaceId",
	"AssignPrivateIpAddresses":        "network-interface=NetworkInterfaceId",
	"UnassignPrivateIpAddresses":      "network-interface=NetworkInterfaceId",

	"CreateInternetGateway": "+internet-gateway",
	"DeleteInternetGateway": "internet-gateway=InternetGatewayId",
	"AttachInternetGateway": "internet-gateway=InternetGatewayId vpc=VpcId",
	"DetachInternetGateway": "internet-gateway=InternetGatewayId vpc=VpcId",

	"CreateRouteTable":             "+route-table vpc=VpcId",
	"DeleteRouteTable":             "route-table=RouteTableId",
	"AssociateRouteTable":          "route-table=RouteTableId subnet=SubnetId",
	"DisassociateRouteTable":       "route-table=AssociationId",
	"ReplaceRouteTableAssociation": "route-table=RouteTableId",
	"CreateRoute":                  "route-table=RouteTableId",
	"ReplaceRoute":                 "route-table=RouteTableId",
	"DeleteRoute":                  "route-table=RouteTableId",

	"CreateNetworkAcl":             "+network-acl vpc=VpcId",
	"DeleteNetworkAcl":             "network-acl=NetworkAclId",
	"CreateNetworkAclEntry":        "network-acl=NetworkAclId",
	"ReplaceNetworkAclEntry":       "network-acl=NetworkAclId",
	"DeleteNetworkAclEntry":        "network-acl=NetworkAclId",
	"ReplaceNetworkAclAssociation": "network-acl=NetworkAclId subnet=AssociationId",

	"CreateDhcpOptions":    "+dhcp-options",
	"DeleteDhcpOptions":    "dhcp-options=DhcpOptionsId",
	"AssociateDhcpOptions": "dhcp-options=DhcpOptionsId vpc=VpcId",

	"AllocateAddress":     "+elastic-ip",
	"ReleaseAddress":      "elastic-ip=AllocationId elastic-ip=PublicIp",
	"AssociateAddress":    "elastic-ip=AllocationId elastic-ip=PublicIp instance=InstanceId network-interface=NetworkInterfaceId",
	"DisassociateAddress": "elastic-ip=AssociationId elastic-ip=PublicIp",
}

// groups are how requests name a security group.
const groups = "security-group=GroupId security-group=GroupName"

// anyType stands for the type that an id's prefix tells.
const anyType = "any"

// resourceTypes are the types of resources as ARNs write them, by the prefix of ids.
var resourceTypes = map[ids.Kind]string{
	ids.Instance: "instance", ids.Image: "image", ids.Volume: "volume", ids.Snapshot: "snapshot", ids.KeyPair: "key-pair", ids.VPC: "vpc",
	ids.Subnet: "subnet", ids.SecurityGroup: "security-group", ids.SecurityGroupRule: "security-group-rule", ids.NetworkInterface: "network-interface",
	ids.InternetGateway: "internet-gateway", ids.RouteTable: "route-table", ids.NetworkACL: "network-acl", ids.DHCPOptions: "dhcp-options",
	ids.Allocation: "elastic-ip", ids.ImportImageTask: "import-image-task",
}

// permission is a line of aboutResources, read.
type permission struct {
	named []namedResource
	made  []string
}

type namedResource struct{ kind, param string }

// readPermissions reads the table for the actions that have handlers.
func readPermissions() (map[string]*permission, error) {
	types := map[string]bool{anyType: true}
	for _, t := range resourceTypes {
		types[t] = true
	}
	actions := map[string]bool{}
	for _, a := range model.Actions() {
		actions[a] = true
	}
	out := make(map[string]*permission, len(aboutResources))
	for action, line := range aboutResources {
		p := new(permission)
		for _, word := range strings.Fields(line) {
			kind, param, named := strings.Cut(word, "=")
			kind, made := strings.CutPrefix(kind, "+")
			switch {
			case !actions[action] || !types[kind] || named == made:
				return nil, fmt.Errorf("ec2api: permissions: %s: %q", action, word)
			case made:
				p.made = append(p.made, kind)
			default:
				p.named = append(p.named, namedResource{kind, param})
			}
		}
		out[action] = p
	}
	return out, nil
}
