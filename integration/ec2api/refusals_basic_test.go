package ec2api

import (
	"fmt"
	"strings"
)

// noDryRun are actions whose requests have no DryRun.
var noDryRun = names(`AssignPrivateIpAddresses AssociateVpcCidrBlock DisassociateVpcCidrBlock ModifySubnetAttribute ModifyVpcAttribute
	UnassignPrivateIpAddresses DescribeExportTasks DescribeHostReservationOfferings DescribeHostReservations DescribeHosts DescribeMacHosts
	DescribeNetworkInterfacePermissions DescribePublicIpv4Pools DescribeReservedInstancesListings DescribeReservedInstancesModifications`)

// noFilters are Describe actions without filters. (Those of DescribeImportImageTasks are called Filters.)
var noFilters = names(`DescribeAccountAttributes DescribeAddressTransfers DescribeAddressesAttribute DescribeConversionTasks DescribeImageAttribute
	DescribeImportImageTasks DescribeInstanceAttribute DescribeNetworkInterfaceAttribute DescribeSecurityGroupReferences DescribeSpotFleetRequests
	DescribeStaleSecurityGroups DescribeVolumeAttribute DescribeVpcAttribute`)

func names(list string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(list) {
		out[name] = true
	}
	return out
}

// noTags is a tag specification that goes wrong in each way.
func badTags(good, kind string) []bad {
	const spec = "&TagSpecification.1.ResourceType="
	return []bad{
		{good + spec + "dedicated-host&TagSpecification.1.Tag.1.Key=a", "InvalidParameterValue", "is not a valid taggable resource type for this operation"},
		{good + "&TagSpecification.1.Tag.1.Key=a", "MissingParameter", "Tag specification resource type must have a value"},
		{good + spec + kind, "InvalidParameterValue", "Tag specification must have at least one tag"},
		{good + spec + kind + "&TagSpecification.1.Tag.1.Key=aws:a", "InvalidParameterValue", "aws:"},
		{good + spec + kind + "&TagSpecification.1.Tag.1.Key=" + strings.Repeat("k", 129), "InvalidParameterValue", ""},
		{good + spec + kind + "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=" + strings.Repeat("v", 257), "InvalidParameterValue", ""},
		{good + spec + kind + "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.2.Key=a", "InvalidParameterValue", ""},
	}
}

// badPages are pages that cannot be.
func badPages(least, most string) []bad {
	return []bad{
		{"NextToken=nonsense", "InvalidNextToken", ""},
		{"MaxResults=" + least, "InvalidParameterValue", "maxResults"},
		{"MaxResults=" + most, "InvalidParameterValue", "maxResults"},
		{"MaxResults=some", "InvalidParameterValue", ""},
	}
}

func rows(lists ...[]bad) []bad {
	var all []bad
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// many repeats a parameter until there are too many.
func many(format string) string {
	all := make([]string, 26)
	for i := range all {
		all[i] = fmt.Sprintf(format, i+1, 'a'+i)
	}
	return strings.Join(all, "&")
}

// manyTags are more than a resource may have.
func manyTags() string {
	var b strings.Builder
	for i := range 51 {
		n := string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		b.WriteString("&Tag." + n + ".Key=k" + n)
	}
	return b.String()
}

var basicRefusals = map[string]refusals{
	"DescribeRegions":           {rows: []bad{{"RegionName.1=moon-1", "InvalidParameterValue", "moon-1"}}},
	"DescribeAvailabilityZones": {rows: []bad{{"ZoneName.1=moon-1a", "InvalidParameterValue", "moon-1a"}, {"ZoneId.1=moon-az1", "InvalidParameterValue", ""}, {"ZoneName.1=us-east-1a&ZoneId.1=use1-az1", "InvalidParameterCombination", ""}}},
	"DescribeAccountAttributes": {rows: []bad{{"AttributeName.1=colour", "InvalidParameterValue", ""}}},
	"DescribeInstanceTypes": {rows: rows(badPages("4", "101"), []bad{
		{"InstanceType.1=t3.huge", "InvalidInstanceType", "The following supplied instance types do not exist: [t3.huge]"},
	})},
	"DescribeInstanceTypeOfferings": {rows: rows(badPages("4", "1001"), []bad{{"LocationType=moon", "InvalidParameterValue", ""}})},
	"DescribeTags":                  {rows: badPages("4", "1001")},
	"DescribeVolumes": {good: "?VolumeId.1={volume}", rows: rows(badPages("4", "1001"), []bad{
		{"VolumeId.1={volume}&MaxResults=5", "InvalidParameterCombination", ""},
	})},
	"DescribeVolumeStatus":    {good: "?VolumeId.1={volume}", rows: badPages("4", "1001")},
	"DescribeVolumeAttribute": {good: "VolumeId={volume}&Attribute=autoEnableIO", rows: []bad{{"VolumeId={volume}&Attribute=colour", "InvalidParameterValue", ""}}},

	"DeleteVolume": {good: "VolumeId={free}", rows: []bad{
		{"VolumeId=standard", "InvalidParameterValue", "Value (standard) for parameter volumeId is invalid. Expected: 'vol-...'."},
		{"VolumeId={volume}", "VolumeInUse", "is currently attached to i-"},
	}},

	"CreateKeyPair": {good: "KeyName=new&?KeyType=ed25519", rows: rows(badTags("KeyName=new", "key-pair"), []bad{
		{"KeyName=", "MissingParameter", "The request must contain the parameter KeyName"},
		{"KeyName=" + strings.Repeat("x", 256), "InvalidParameterValue", ""},
		{"KeyName=%C3%A9", "InvalidParameterValue", "Character sets beyond ASCII are not supported."},
		{"KeyName=there", "InvalidKeyPair.Duplicate", "The keypair 'there' already exists."},
		{"KeyName=new&KeyType=dsa", "InvalidParameterValue", ""},
		{"KeyName=new&KeyFormat=der", "InvalidParameterValue", ""},
		{"KeyName=new&TagSpecification.1.ResourceType=key-pair&TagSpecification.1.Tag.1.Key=a&TagSpecification.2.ResourceType=key-pair&TagSpecification.2.Tag.1.Key=b", "InvalidParameterValue", ""},
	})},
	"ImportKeyPair": {good: "KeyName=new&PublicKeyMaterial=" + publicKey, rows: rows(badTags("KeyName=new&PublicKeyMaterial="+publicKey, "key-pair"), []bad{
		{"KeyName=there&PublicKeyMaterial=" + publicKey, "InvalidKeyPair.Duplicate", ""},
		{"KeyName=new&PublicKeyMaterial=%2A", "InvalidParameterValue", ""},
		{"KeyName=new&PublicKeyMaterial=aGVsbG8%3D", "InvalidKey.Format", "Key is not in valid OpenSSH public key format"},
	})},
	// Terraform and Packer delete what may be gone: that it is, is a success, also when it is another account's.
	"DeleteKeyPair": {good: "KeyPairId={key}", absent: map[string]string{"*": ""}, rows: []bad{
		{"KeyPairId=there", "InvalidKeyPair.Malformed", ""},
		{"KeyPairId={key}&KeyName=there", "InvalidParameterCombination", ""},
	}},
	"DescribeKeyPairs": {good: "?KeyPairId.1={key}", rows: []bad{
		{"KeyName.1=absent", "InvalidKeyPair.NotFound", "The key pair 'absent' does not exist"},
		{"KeyName.1=hers", "InvalidKeyPair.NotFound", ""},
		{"Filter.1.Name=key-name", "InvalidParameterValue", ""},
		{"Filter.1.Value.1=x", "MissingParameter", ""},
	}},
	"CreateTags": {good: "ResourceId.1={vpc}&Tag.1.Key=a", malformed: map[string]string{"*": "InvalidID"}, rows: []bad{
		{"ResourceId.1=there&Tag.1.Key=a", "InvalidID", "The ID 'there' is not valid"},
		{"ResourceId.1=i-0123456789abcdef0&Tag.1.Key=a", "InvalidInstanceID.NotFound", ""},
		{"ResourceId.1=key-0123456789abcdef0&Tag.1.Key=a", "InvalidKeyPair.NotFound", ""},
		{"ResourceId.1={vpc}&ResourceId.2={eve.vpc}&Tag.1.Key=a", "InvalidVpcID.NotFound", ""},
		{"ResourceId.1={vpc}&Tag.1.Key=aws:a", "InvalidParameterValue", "aws:"},
		{"ResourceId.1={vpc}&Tag.1.Key=" + strings.Repeat("k", 129), "InvalidParameterValue", ""},
		{"ResourceId.1={vpc}&Tag.1.Key=a&Tag.1.Value=" + strings.Repeat("v", 257), "InvalidParameterValue", ""},
		{"ResourceId.1={vpc}&Tag.1.Value=a", "InvalidParameterValue", "Tag key cannot be empty."},
		{"ResourceId.1={vpc}" + manyTags(), "TagLimitExceeded", ""},
	}},
	"DeleteTags": {good: "ResourceId.1={vpc}&?Tag.1.Key=a", malformed: map[string]string{"*": "InvalidID"}, rows: []bad{
		{"ResourceId.1=subnet-0123456789abcdef0&Tag.1.Key=a", "InvalidSubnetID.NotFound", ""},
		{"ResourceId.1={vpc}&Tag.1.Key=aws:a", "InvalidParameterValue", "aws:"},
	}},
}

// publicKey is one in OpenSSH's form, coded for the wire.
const publicKey = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUo5ejRYTDR5VC9sc2d3dEVydFVKN0EwdDVvaDBHcklXejUra3AwWFlkWjAgeEB5Cg%3D%3D"

// emptySets are what there is to say of actions whose set is always empty, when it is not the usual.
var emptySets = map[string]refusals{
	"DescribeSecurityGroupReferences": {good: "GroupId.1={sg}"},
	"DescribeStaleSecurityGroups":     {good: "VpcId={vpc}"},
}
