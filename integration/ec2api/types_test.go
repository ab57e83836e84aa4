package ec2api

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestInstanceTypesFile: a file adds, changes and hides types, for those who ask about types and for launches.
func TestInstanceTypesFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "types.yaml")
	const text = "types:\n  - {name: lab.tiny, vcpus: 1, memory_mib: 128}\n  - name: t3.micro\n    vcpus: 4\n    memory_mib: 2048\n  - {name: t2.nano, hidden: true}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := harness.Start(t, harness.Options{Args: []string{"--hypervisor", "off", "--instance-types", file}})
	c, ctx := root(s), t.Context()
	got := ok[ec2.DescribeInstanceTypesOutput](t)(c.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{
		InstanceTypes: []types.InstanceType{"lab.tiny", "t3.micro"},
	})).InstanceTypes
	if len(got) != 2 || *got[0].MemoryInfo.SizeInMiB != 128 || *got[1].VCpuInfo.DefaultVCpus != 4 || *got[1].BurstablePerformanceSupported {
		t.Errorf("%+v", got)
	}
	_, err := c.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"t2.nano"}})
	refused(t, err, "InvalidInstanceType")
	offers := ok[ec2.DescribeInstanceTypeOfferingsOutput](t)(c.DescribeInstanceTypeOfferings(ctx, &ec2.DescribeInstanceTypeOfferingsInput{
		Filters: []types.Filter{filter("instance-type", "lab.*", "t2.nano")},
	})).InstanceTypeOfferings
	if len(offers) != 1 || offers[0].InstanceType != "lab.tiny" {
		t.Errorf("%+v", offers)
	}
}

// TestCPUOptions: those of the type may be asked for, and are what an instance is described with.
func TestCPUOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "types.yaml")
	if err := os.WriteFile(file, []byte("types:\n  - {name: lab.flat, vcpus: 4, memory_mib: 128, threads_per_core: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startTest(t, "--host-prefix", ownPrefix("u"), "--instance-types", file)
	f := &fixture{t: t, s: s, names: map[string]string{}}
	f.image()
	c := root(s)
	t.Cleanup(func() { f.endAll(c) })
	for kind, want := range map[types.InstanceType][2]int32{"lab.flat": {4, 1}, "t3.micro": {1, 2}} {
		for _, asked := range []*types.CpuOptionsRequest{nil, {CoreCount: &want[0], ThreadsPerCore: &want[1]}, {AmdSevSnp: types.AmdSevSnpSpecificationDisabled}} {
			id := *ok[ec2.RunInstancesOutput](t)(c.RunInstances(t.Context(), &ec2.RunInstancesInput{
				ImageId: aws.String(f.names["image"]), InstanceType: kind, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), CpuOptions: asked})).Instances[0].InstanceId
			got := ok[ec2.DescribeInstancesOutput](t)(c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})).Reservations[0].Instances[0].CpuOptions
			if *got.CoreCount != want[0] || *got.ThreadsPerCore != want[1] {
				t.Errorf("%s: %d cores of %d threads, want %v", kind, *got.CoreCount, *got.ThreadsPerCore, want)
			}
		}
	}
}
