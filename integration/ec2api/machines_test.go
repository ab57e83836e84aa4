package ec2api

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// importEmpty brings in an empty disk, for instances without guests.
func importEmpty(t *testing.T, s *harness.Server) string {
	t.Helper()
	disk := t.TempDir() + "/disk.raw"
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := s.CLI("image", "import", disk, "--name", "nothing")
	if err != nil {
		t.Fatal(err, out)
	}
	return strings.TrimSpace(out)
}

// TestMachinesPython: instances by boto3 and boto, with every filter that is documented.
func TestMachinesPython(t *testing.T) {
	s := startTest(t)
	image := importEmpty(t, s)
	for _, tc := range []struct{ name, python, script string }{
		{"boto3", harness.Tool(t, "python"), "python/boto3_machines.py"},
		{"boto", "/usr/bin/python3", "python/boto_machines.py"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := harness.Run(t, harness.Command{Path: tc.python, Args: []string{tc.script, s.Host, image}, Env: s.AWSEnv()})
			if strings.TrimSpace(out) != "ok" {
				t.Error(out)
			}
		})
	}
}

// TestMachinesCLI: the describe commands of both generations of the AWS CLI, with filters, queries and pages.
func TestMachinesCLI(t *testing.T) {
	s := startTest(t)
	image := importEmpty(t, s)
	for _, name := range []string{"aws1", "aws2"} {
		t.Run(name, func(t *testing.T) {
			tool := harness.Tool(t, name)
			aws := func(args ...string) string {
				t.Helper()
				return strings.TrimSpace(harness.Run(t, harness.Command{Path: tool, Env: s.AWSEnv(),
					Args: append([]string{"--endpoint-url", s.Endpoint, "--output", "json", "ec2"}, args...)}))
			}
			var ids []string
			out := aws("run-instances", "--image-id", image, "--instance-type", "t3.nano", "--count", "6", "--query", "Instances[].InstanceId",
				"--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value="+name+"-web}]", "ResourceType=volume,Tags=[{Key=Name,Value="+name+"-disk}]")
			if err := json.Unmarshal([]byte(out), &ids); err != nil || len(ids) != 6 {
				t.Fatalf("%v %s", err, out)
			}
			aws("wait", "instance-running", "--instance-ids", ids[0], ids[5])
			for _, tc := range []struct{ command, want string }{
				{"describe-instances --filters Name=tag:Name,Values=" + name + "-* Name=instance-type,Values=t3.* --query length(Reservations[].Instances[])", "6"},
				{"describe-instances --filters Name=tag:Name,Values=" + name + "-* --page-size 5 --query length(Reservations[].Instances[])", "6"},
				{"describe-instances --filters Name=tag:Name,Values=" + name + "-* --max-items 1 --query length(Reservations)", "1"},
				{"describe-instances --filters Name=tag:Name,Values=no*such --query Reservations", "[]"},
				{"describe-instance-status --filters Name=instance-state-name,Values=run* --instance-ids " + ids[0] + " --query InstanceStatuses[].InstanceState.Name", `["running"]`},
				{"describe-instance-attribute --attribute instanceType --instance-id " + ids[0] + " --query InstanceType.Value", `"t3.nano"`},
				{"describe-instance-credit-specifications --filters Name=instance-id,Values=" + ids[0] + " --query InstanceCreditSpecifications[].CpuCredits", `["unlimited"]`},
				{"describe-volumes --filters Name=tag:Name,Values=" + name + "-d?sk Name=attachment.instance-id,Values=" + ids[0] + " --query length(Volumes)", "1"},
				{"describe-volumes --filters Name=tag:Name,Values=" + name + "-disk --page-size 5 --query length(Volumes)", "6"},
				{"describe-network-interfaces --filters Name=attachment.instance-id,Values=" + ids[0] + " --query NetworkInterfaces[].Status", `["in-use"]`},
				{"describe-tags --filters Name=resource-type,Values=instance Name=value,Values=" + name + "* --page-size 5 --query length(Tags)", "6"},
				{"describe-images --owners self --filters Name=name,Values=noth* Name=state,Values=available --query length(Images)", "1"},
				{"describe-image-attribute --attribute launchPermission --image-id " + image + " --query ImageId", `"` + image + `"`},
				{"describe-import-image-tasks --filters Name=task-state,Values=comp* --query ImportImageTasks", "[]"},
				{"describe-vpcs --filters Name=isDefault,Values=t* --query length(Vpcs)", "1"},
				{"describe-subnets --filters Name=availability-zone,Values=us-east-1? Name=default-for-az,Values=true --max-items 2 --query length(Subnets)", "2"},
				{"describe-security-groups --filters Name=group-name,Values=def* Name=ip-permission.protocol,Values=-1 --query length(SecurityGroups)", "1"},
				{"describe-security-group-rules --query length(SecurityGroupRules)", "2"},
				{"describe-route-tables --filters Name=association.main,Values=true Name=route.gateway-id,Values=igw-* --query length(RouteTables)", "1"},
				{"describe-internet-gateways --filters Name=attachment.state,Values=avail* --query length(InternetGateways)", "1"},
				{"describe-network-acls --filters Name=default,Values=true Name=entry.rule-action,Values=deny --query length(NetworkAcls)", "1"},
				{"describe-dhcp-options --filters Name=key,Values=domain-name* --query length(DhcpOptions)", "1"},
				{"describe-addresses --filters Name=domain,Values=vpc --query Addresses", "[]"},
				{"describe-key-pairs --filters Name=key-name,Values=* --query KeyPairs", "[]"},
				{"describe-availability-zones --filters Name=zone-name,Values=*b --query AvailabilityZones[].ZoneId", `["use1-az2"]`},
				{"describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=t3.n* --query length(InstanceTypeOfferings)", "3"},
				{"describe-instance-types --filters Name=burstable-performance-supported,Values=true Name=instance-type,Values=t3.?icro --query InstanceTypes[].InstanceType", `["t3.micro"]`},
				{"describe-regions --filters Name=region-name,Values=us-* --query Regions[].RegionName", `["us-east-1"]`},
				{"describe-account-attributes --attribute-names max-elastic-ips --query AccountAttributes[].AttributeValues[].AttributeValue", `["5"]`},
			} {
				if got := strings.Join(strings.Fields(aws(strings.Fields(tc.command)...)), ""); got != tc.want {
					t.Errorf("%s: %s, want %s", tc.command, got, tc.want)
				}
			}
			aws(append([]string{"terminate-instances", "--instance-ids"}, ids...)...)
			aws(append([]string{"wait", "instance-terminated", "--instance-ids"}, ids...)...)
		})
	}
}
