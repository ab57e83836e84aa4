package ec2api

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// policy gives the user without permissions one policy, in place of the one before.
func (f *fixture) policy(t *testing.T, statements ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.json")
	text := `{"Version": "2012-10-17", "Statement": [` + f.fill2(strings.Join(statements, ", ")) + `]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := f.s.CLI("admin", "user", "policy", "put", "nobody", "test", file, "--account", f.names["account"]); err != nil {
		t.Fatal(err, out, text)
	}
}

// fill2 puts ids into the places <name> of a policy, and ARN, the beginning of all ARNs of the account.
func (f *fixture) fill2(text string) string {
	text = strings.ReplaceAll(text, "ARN:", "arn:aws:ec2:us-east-1:"+f.names["account"]+":")
	for name, value := range f.names {
		text = strings.ReplaceAll(text, "<"+name+">", value)
	}
	return text
}

func allow(action, resource string, conditions ...string) string {
	return statement("Allow", action, resource, conditions...)
}

func deny(action, resource string, conditions ...string) string {
	return statement("Deny", action, resource, conditions...)
}

func statement(effect, action, resource string, conditions ...string) string {
	list := func(s string) string { return `["` + strings.Join(strings.Fields(s), `", "`) + `"]` }
	s := fmt.Sprintf(`{"Effect": %q, "Action": %s, "Resource": %s`, effect, list(action), list(resource))
	if len(conditions) > 0 {
		s += `, "Condition": {` + strings.Join(conditions, ", ") + `}`
	}
	return s + "}"
}

// launchRights are what a launch needs beside the instance.
var launchRights = allow("ec2:RunInstances", "ARN:subnet/* ARN:security-group/* ARN:network-interface/* ARN:volume/* ARN:key-pair/* arn:aws:ec2:us-east-1::image/*")

// TestPermissions: policies are about single resources, their tags and what a request asks for, as AWS's Service Authorization
// Reference has it. Allowed calls are dry runs, so that every case finds the same.
func TestPermissions(t *testing.T) {
	f := newFixture(t)
	c := root(f.s)
	ok[ec2.CreateTagsOutput](t)(c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{f.names["running"], f.names["vpc"], f.names["key"]}, Tags: []types.Tag{tag("Team", "blue")}}))
	ok[ec2.CreateTagsOutput](t)(c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{f.names["stopped"]}, Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("red")}}}))
	const run = "RunInstances&ImageId={image}&MinCount=1&MaxCount=1&InstanceType=t3.nano&SubnetId={subnet2}&SecurityGroupId.1={sg}"
	const tagged = "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Team&TagSpecification.1.Tag.1.Value="
	const allowed, denied = "DryRunOperation", "UnauthorizedOperation"
	const modifyRule = "ModifySecurityGroupRules&GroupId={sg}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&SecurityGroupRule.1.SecurityGroupRule.IpProtocol=-1&SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8"
	for _, a := range ok[ec2.DescribeNetworkAclsOutput](t)(c.DescribeNetworkAcls(t.Context(), &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{f.names["acldefault"]}})).NetworkAcls[0].Associations {
		f.names["aclassoc of "+*a.SubnetId] = *a.NetworkAclAssociationId
	}
	f.names["aclassoc1"], f.names["aclassoc2"] = f.names["aclassoc of "+f.names["subnet"]], f.names["aclassoc of "+f.names["subnet2"]]
	blue := `"StringEquals": {"ec2:ResourceTag/Team": "blue"}`
	for _, tc := range []struct {
		name       string
		statements []string
		calls      map[string]string
	}{
		{"one instance", []string{allow("ec2:StopInstances ec2:TerminateInstances", "ARN:instance/<running>")}, map[string]string{
			"StopInstances&InstanceId.1={running}":                                 allowed,
			"TerminateInstances&InstanceId.1={running}":                            allowed,
			"StopInstances&InstanceId.1={kept}":                                    denied,
			"StopInstances&InstanceId.1={running}&InstanceId.2={kept}":             denied, // all or none
			"StopInstances&InstanceId.1=i-0123456789abcdef0":                       denied, // and not: NotFound
			"RebootInstances&InstanceId.1={running}":                               denied,
			"DescribeInstances":                                                    denied,
			"ModifyInstanceAttribute&InstanceId={running}&EbsOptimized.Value=true": denied,
		}},
		{"instances with a tag", []string{allow("ec2:*", "*", blue)}, map[string]string{
			"RebootInstances&InstanceId.1={running}":                                 allowed,
			"StartInstances&InstanceId.1={stopped}":                                  denied,
			"DescribeInstances":                                                      denied, // which has no resource, and so no tags
			"ModifyVpcAttribute&VpcId={vpc2}&EnableDnsHostnames.Value=true":          denied,
			"DeleteKeyPair&KeyPairId={key}":                                          allowed,
			"DeleteKeyPair&KeyName=there":                                            allowed,
			"ModifyInstanceMetadataOptions&InstanceId={running}&HttpTokens=required": allowed,
		}},
		{"all but instances with a tag", []string{allow("ec2:*", "*"), deny("ec2:TerminateInstances", "*", `"StringEquals": {"aws:ResourceTag/Team": "blue"}`)}, map[string]string{
			"TerminateInstances&InstanceId.1={running}": denied,
			"TerminateInstances&InstanceId.1={stopped}": allowed,
			"DescribeInstances":                         allowed,
		}},
		{"launches of a type", []string{launchRights, allow("ec2:RunInstances", "ARN:instance/*", `"StringLike": {"ec2:InstanceType": "t3.*"}`)}, map[string]string{
			run:                    allowed,
			run + "&KeyName=there": allowed,
			strings.Replace(run, "t3.nano", "m5.large", 1): denied,
			run + tagged + "blue":                          denied, // no CreateTags
			"StopInstances&InstanceId.1={running}":         denied,
		}},
		{"launches into a VPC", []string{allow("ec2:RunInstances", "ARN:instance/* ARN:network-interface/* ARN:volume/* ARN:security-group/* arn:aws:ec2:us-east-1::image/<image>"),
			allow("ec2:RunInstances", "ARN:subnet/*", `"ArnEquals": {"ec2:Vpc": "ARN:vpc/<vpc>"}`)}, map[string]string{
			run: allowed,
			strings.Replace(run, "&SubnetId={subnet2}&SecurityGroupId.1={sg}", "&SubnetId={subnet3}", 1): denied,
			strings.Replace(run, "&SubnetId={subnet2}&SecurityGroupId.1={sg}", "", 1):                    denied, // the default VPC's
			run + "&KeyName=there": denied,
		}},
		{"launches with tags", []string{launchRights, allow("ec2:RunInstances", "ARN:instance/*", `"StringEquals": {"aws:RequestTag/Team": "blue"}`),
			allow("ec2:CreateTags", "ARN:*/*", `"StringEquals": {"ec2:CreateAction": "RunInstances"}`)}, map[string]string{
			run:                   denied,
			run + tagged + "red":  denied,
			run + tagged + "blue": allowed,
			"CreateTags&ResourceId.1={running}&Tag.1.Key=Team&Tag.1.Value=blue": denied,
		}},
		{"no disks above a size", []string{launchRights, allow("ec2:RunInstances", "ARN:instance/*"), deny("ec2:RunInstances", "ARN:volume/*", `"NumericGreaterThan": {"ec2:VolumeSize": "10"}`)}, map[string]string{
			run: allowed,
			run + "&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.VolumeSize=10": allowed,
			run + "&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.VolumeSize=11": denied,
		}},
		{"metadata with tokens only", []string{allow("ec2:*", "*"), deny("ec2:RunInstances", "ARN:instance/*", `"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}`),
			deny("ec2:ModifyInstanceMetadataOptions", "*")}, map[string]string{
			run: denied,
			run + "&MetadataOptions.HttpTokens=required":                             allowed,
			"ModifyInstanceMetadataOptions&InstanceId={running}&HttpTokens=optional": denied,
		}},
		{"some keys of tags", []string{allow("ec2:CreateTags ec2:DeleteTags", "ARN:instance/*", `"ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Stage"]}`)}, map[string]string{
			"CreateTags&ResourceId.1={running}&Tag.1.Key=Stage&Tag.1.Value=a":                    allowed,
			"CreateTags&ResourceId.1={running}&Tag.1.Key=Stage&Tag.2.Key=Name":                   denied,
			"CreateTags&ResourceId.1={vpc}&Tag.1.Key=Stage&Tag.1.Value=a":                        denied,
			"CreateTags&ResourceId.1={running}&ResourceId.2={vpc}&Tag.1.Key=Stage&Tag.1.Value=a": denied,
			"DeleteTags&ResourceId.1={running}&Tag.1.Key=Team":                                   allowed,
			"DeleteTags&ResourceId.1={running}&Tag.1.Key=Name":                                   denied,
		}},
		{"groups of a VPC", []string{allow("ec2:*SecurityGroup*", "ARN:security-group/*", `"ArnEquals": {"ec2:Vpc": "ARN:vpc/<vpc>"}`), allow("ec2:CreateSecurityGroup", "ARN:vpc/<vpc>")}, map[string]string{
			"AuthorizeSecurityGroupIngress&GroupId={sg}" + port23: allowed,
			"RevokeSecurityGroupIngress&GroupId={sg}" + port22:    allowed,
			"RevokeSecurityGroupIngress&GroupId={sg3}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=10.0.1.0/24": denied,
			"DeleteSecurityGroup&GroupId={sg2}":                                                allowed,
			"DeleteSecurityGroup&GroupName=default":                                            denied,
			"CreateSecurityGroup&GroupName=a&GroupDescription=a&VpcId={vpc}":                   allowed,
			"CreateSecurityGroup&GroupName=a&GroupDescription=a&VpcId={vpc2}":                  denied,
			"ModifyNetworkInterfaceAttribute&NetworkInterfaceId={eni}&SecurityGroupId.1={sg2}": denied,
		}},
		{"parts of the network", []string{allow("ec2:CreateSubnet", "ARN:subnet/* ARN:vpc/<vpc>"), allow("ec2:*Route*", "ARN:route-table/<rtb>"),
			allow("ec2:*Address*", "ARN:elastic-ip/<eipalloc1>"), allow("ec2:*NetworkAcl*", "ARN:network-acl/<acl>"), allow("ec2:CreateNetworkInterface", "ARN:*/*", `"ArnLike": {"ec2:Subnet": "ARN:subnet/<subnet>"}`),
			allow("ec2:CreateNetworkInterface", "ARN:subnet/* ARN:security-group/*")}, map[string]string{
			"CreateSubnet&VpcId={vpc}&CidrBlock=10.50.9.0/24":                                allowed,
			"CreateSubnet&VpcId={vpc2}&CidrBlock=10.51.9.0/24":                               denied,
			"DeleteRoute&RouteTableId={rtb}&DestinationCidrBlock=0.0.0.0/0":                  allowed,
			"DisassociateRouteTable&AssociationId={rtbassoc}":                                allowed,
			"CreateRoute&RouteTableId={rtb2}&DestinationCidrBlock=0.0.0.0/0&GatewayId={igw}": denied,
			"DisassociateAddress&AssociationId={eipassoc}":                                   allowed,
			"DisassociateAddress&PublicIp={public1}":                                         allowed,
			"ReleaseAddress&AllocationId={eipalloc2}":                                        denied,
			"ReleaseAddress&PublicIp={public2}":                                              denied,
			"DeleteNetworkAclEntry&NetworkAclId={acl}&Egress=false&RuleNumber=100":           allowed,
			"DeleteNetworkAcl&NetworkAclId={acl2}":                                           denied,
			"CreateNetworkInterface&SubnetId={subnet}":                                       allowed,
			"CreateNetworkInterface&SubnetId={subnet3}":                                      denied,
		}},
		{"one key pair", []string{allow("ec2:*KeyPair", "ARN:key-pair/there ARN:key-pair/mine-*")}, map[string]string{
			"DeleteKeyPair&KeyName=there":                  allowed,
			"DeleteKeyPair&KeyPairId={key}":                allowed,
			"CreateKeyPair&KeyName=mine-1&KeyType=ed25519": allowed,
			"CreateKeyPair&KeyName=other&KeyType=ed25519":  denied,
		}},
		{"images", []string{allow("ec2:ModifyImageAttribute", "arn:aws:ec2:us-east-1::image/<image>"), allow("ec2:DeregisterImage", "*", `"StringNotEquals": {"ec2:Owner": "<account>"}`)}, map[string]string{
			"ModifyImageAttribute&ImageId={image}&Description.Value=a": allowed,
			"DeregisterImage&ImageId={image}":                          denied,
		}},
		{"what more than one resource is needed for", []string{allow("ec2:ModifySecurityGroupRules", "ARN:security-group/* ARN:security-group-rule/<rule>"),
			allow("ec2:ReplaceNetworkAclAssociation", "ARN:network-acl/* ARN:subnet/<subnet2>"), allow("ec2:ImportImage", "ARN:import-image-task/*"),
			allow("ec2:DescribeImageAttribute", "arn:aws:ec2:us-east-1::image/<image>")}, map[string]string{
			modifyRule: allowed,
			strings.Replace(modifyRule, "{rule}", "sgr-0123456789abcdef0", 1):            denied,
			"ReplaceNetworkAclAssociation&AssociationId={aclassoc2}&NetworkAclId={acl}":  allowed,
			"ReplaceNetworkAclAssociation&AssociationId={aclassoc1}&NetworkAclId={acl}":  denied,
			"ImportImage&DiskContainer.1.Url=s3://{disk}":                                denied, // no image
			"DescribeImageAttribute&ImageId={image}&Attribute=description":               allowed,
			"DescribeImageAttribute&ImageId=ami-0123456789abcdef0&Attribute=description": denied,
		}},
		{"one attribute", []string{allow("ec2:ModifyInstanceAttribute", "*", `"StringEquals": {"ec2:Attribute": "DisableApiStop"}`)}, map[string]string{
			"ModifyInstanceAttribute&InstanceId={running}&DisableApiStop.Value=true":        allowed,
			"ModifyInstanceAttribute&InstanceId={running}&DisableApiTermination.Value=true": denied,
		}},
		{"another region", []string{allow("ec2:*", "*", `"StringEquals": {"ec2:Region": "eu-west-1"}`)}, map[string]string{"DescribeInstances": denied, run: denied}},
		{"this region, from here", []string{allow("ec2:*", "*", `"StringEquals": {"aws:RequestedRegion": "us-east-1"}`, `"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}`, `"Bool": {"aws:SecureTransport": "false"}`)},
			map[string]string{"DescribeInstances": allowed, run: allowed}},
		{"reading", []string{allow("ec2:Describe* ec2:Get*", "*")}, map[string]string{
			"DescribeInstances": allowed, "DescribeInstanceAttribute&InstanceId={running}&Attribute=userData": allowed,
			"GetConsoleOutput&InstanceId={running}": allowed, "CreateVpc&CidrBlock=10.9.0.0/16": denied, "AllocateAddress": denied, "CreateInternetGateway": denied,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f.policy(t, tc.statements...)
			for form, want := range tc.calls {
				reply, a := f.ask(t, f.nobody, f.fill(t, "Action="+form+"&DryRun=true"))
				if strings.Contains(form, "ModifyVpcAttribute") { // it has no DryRun
					reply, a = f.ask(t, f.nobody, f.fill(t, "Action="+form))
				}
				if a.Code != want {
					t.Errorf("%s: %d %s (%s), want %s", form, reply.Status, a.Code, a.Message, want)
				}
			}
		})
	}
	// The refusal says who may not do what to what, and why.
	f.policy(t, allow("ec2:StopInstances", "ARN:instance/<running>"))
	for _, tc := range []struct{ form, says string }{
		{"StopInstances&InstanceId.1={kept}", "You are not authorized to perform this operation. User: arn:aws:iam::<account>:user/nobody is not authorized to perform: ec2:StopInstances on resource: ARN:instance/<kept> because no identity-based policy allows the ec2:StopInstances action"},
		{"CreateSecurityGroup&GroupName=a&GroupDescription=a&VpcId={vpc}", "is not authorized to perform: ec2:CreateSecurityGroup on resource: ARN:security-group/* because no identity-based policy allows the ec2:CreateSecurityGroup action. Encoded authorization failure message: "},
		{"DescribeVpcs", "User: arn:aws:iam::<account>:user/nobody is not authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action"},
	} {
		if _, a := f.ask(t, f.nobody, f.fill(t, "Action="+tc.form)); !strings.Contains(a.Message, f.fill2(tc.says)) {
			t.Errorf("%s: %s", tc.form, a.Message)
		}
	}
	f.policy(t, allow("ec2:*", "*"), deny("ec2:StopInstances", "*"))
	if _, a := f.ask(t, f.nobody, f.fill(t, "Action=StopInstances&InstanceId.1={kept}")); !strings.Contains(a.Message, "instance/"+f.names["kept"]+" with an explicit deny in an identity-based policy. Encoded authorization failure message: ") {
		t.Error(a.Message)
	}
}
