package ec2api

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"
)

func tag(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func TestGoSDK(t *testing.T) {
	s := start(t)
	c, ctx := root(s), t.Context()

	t.Run("regions and zones", func(t *testing.T) {
		regions := ok[ec2.DescribeRegionsOutput](t)(c.DescribeRegions(ctx, &ec2.DescribeRegionsInput{})).Regions
		if len(regions) != 1 || *regions[0].RegionName != s.Region || *regions[0].Endpoint != s.Host {
			t.Errorf("%+v", regions)
		}
		zones := ok[ec2.DescribeAvailabilityZonesOutput](t)(c.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
			Filters: []types.Filter{filter("zone-id", "use1-az2", "use1-az3")},
		})).AvailabilityZones
		if len(zones) != 2 || *zones[0].ZoneName != "us-east-1b" || zones[0].State != types.AvailabilityZoneStateAvailable {
			t.Errorf("%+v", zones)
		}
	})

	t.Run("key pairs", func(t *testing.T) {
		for _, kind := range []types.KeyType{types.KeyTypeRsa, types.KeyTypeEd25519} {
			made := ok[ec2.CreateKeyPairOutput](t)(c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{
				KeyName: aws.String(string(kind)), KeyType: kind,
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeKeyPair, Tags: []types.Tag{tag("Name", "x"), tag("empty", "")}}},
			}))
			signer, err := ssh.ParsePrivateKey([]byte(*made.KeyMaterial))
			if err != nil {
				t.Fatal(err)
			}
			got := ok[ec2.DescribeKeyPairsOutput](t)(c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{
				KeyPairIds: []string{*made.KeyPairId}, IncludePublicKey: aws.Bool(true),
			})).KeyPairs[0]
			public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*got.PublicKey))
			if err != nil || string(public.Marshal()) != string(signer.PublicKey().Marshal()) || got.KeyType != kind || len(got.Tags) != 2 ||
				*got.KeyFingerprint != *made.KeyFingerprint || got.CreateTime == nil {
				t.Errorf("%+v %v", got, err)
			}
			for _, tg := range got.Tags {
				if tg.Value == nil {
					t.Errorf("the value of %s is missing", *tg.Key)
				}
			}
			// An imported key has another fingerprint when it is RSA, the same when it is ED25519.
			imported := ok[ec2.ImportKeyPairOutput](t)(c.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{
				KeyName: aws.String("imported " + string(kind)), PublicKeyMaterial: []byte(*got.PublicKey),
			}))
			if same := *imported.KeyFingerprint == *made.KeyFingerprint; same != (kind == types.KeyTypeEd25519) {
				t.Errorf("%s: %s and %s", kind, *imported.KeyFingerprint, *made.KeyFingerprint)
			}
		}
		all := ok[ec2.DescribeKeyPairsOutput](t)(c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{Filters: []types.Filter{filter("tag:Name", "*"), filter("key-name", "r?a")}})).KeyPairs
		if len(all) != 1 || *all[0].KeyName != "rsa" {
			t.Errorf("%+v", all)
		}
		for range 2 { // that it is gone already is a success
			ok[ec2.DeleteKeyPairOutput](t)(c.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String("rsa")}))
		}
		_, err := c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"rsa"}})
		refused(t, err, "InvalidKeyPair.NotFound")
	})

	t.Run("tags", func(t *testing.T) {
		vpc := *ok[ec2.DescribeVpcsOutput](t)(c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})).Vpcs[0].VpcId
		subnets := ok[ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})).Subnets
		ids := []string{vpc, *subnets[0].SubnetId, *subnets[1].SubnetId}
		ok[ec2.CreateTagsOutput](t)(c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids, Tags: []types.Tag{tag("Team", "a"), tag("Stage", "")}}))
		got := ok[ec2.DescribeTagsOutput](t)(c.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-type", "subnet"), filter("key", "Team")}})).Tags
		if len(got) != 2 || got[0].ResourceType != types.ResourceTypeSubnet || *got[0].Value != "a" {
			t.Errorf("%+v", got)
		}
		if n := len(ok[ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("tag:Team", "a")}})).Subnets); n != 2 {
			t.Errorf("%d subnets", n)
		}
		// Only the tags whose value is the empty one; then by key.
		ok[ec2.DeleteTagsOutput](t)(c.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: ids, Tags: []types.Tag{tag("Team", ""), tag("Stage", "")}}))
		ok[ec2.DeleteTagsOutput](t)(c.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: ids[:1], Tags: []types.Tag{{Key: aws.String("Team")}}}))
		pages := ec2.NewDescribeTagsPaginator(c, &ec2.DescribeTagsInput{MaxResults: aws.Int32(5), Filters: []types.Filter{filter("resource-type", "subnet", "vpc")}})
		left := 0
		for pages.HasMorePages() {
			left += len(ok[ec2.DescribeTagsOutput](t)(pages.NextPage(ctx)).Tags)
		}
		if left != 2 {
			t.Errorf("%d tags are left", left)
		}
	})

	t.Run("instance types", func(t *testing.T) {
		types1 := ok[ec2.DescribeInstanceTypesOutput](t)(c.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{
			InstanceTypes: []types.InstanceType{types.InstanceTypeT3Micro, types.InstanceTypeM5Large},
			Filters:       []types.Filter{filter("burstable-performance-supported", "true")},
		})).InstanceTypes
		if len(types1) != 1 || *types1[0].MemoryInfo.SizeInMiB != 1024 || *types1[0].VCpuInfo.DefaultVCpus != 2 || types1[0].EbsInfo == nil || types1[0].NetworkInfo == nil {
			t.Errorf("%+v", types1)
		}
		n, pages := 0, ec2.NewDescribeInstanceTypesPaginator(c, &ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(10)})
		seen := map[types.InstanceType]bool{}
		for ; pages.HasMorePages(); n++ {
			for _, it := range ok[ec2.DescribeInstanceTypesOutput](t)(pages.NextPage(ctx)).InstanceTypes {
				if seen[it.InstanceType] {
					t.Errorf("%s twice", it.InstanceType)
				}
				seen[it.InstanceType] = true
			}
		}
		if n != (len(seen)+9)/10 || len(seen) < 60 {
			t.Errorf("%d types on %d pages", len(seen), n)
		}
		offers := ok[ec2.DescribeInstanceTypeOfferingsOutput](t)(c.DescribeInstanceTypeOfferings(ctx, &ec2.DescribeInstanceTypeOfferingsInput{
			LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filter("instance-type", "t3.micro")},
		})).InstanceTypeOfferings
		if len(offers) != 3 {
			t.Errorf("%+v", offers)
		}
	})

	t.Run("account attributes", func(t *testing.T) {
		a := ok[ec2.DescribeAccountAttributesOutput](t)(c.DescribeAccountAttributes(ctx, &ec2.DescribeAccountAttributesInput{
			AttributeNames: []types.AccountAttributeName{types.AccountAttributeNameDefaultVpc},
		})).AccountAttributes
		vpc := ok[ec2.DescribeVpcsOutput](t)(c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{filter("is-default", "true")}})).Vpcs
		if len(a) != 1 || len(vpc) != 1 || *a[0].AttributeValues[0].AttributeValue != *vpc[0].VpcId {
			t.Errorf("%+v %+v", a, vpc)
		}
	})

	t.Run("empty sets", func(t *testing.T) {
		out := ok[ec2.DescribeVpcPeeringConnectionsOutput](t)(c.DescribeVpcPeeringConnections(ctx, &ec2.DescribeVpcPeeringConnectionsInput{}))
		if out.VpcPeeringConnections == nil || len(out.VpcPeeringConnections) != 0 {
			t.Errorf("%#v", out.VpcPeeringConnections)
		}
		_, err := c.DescribeVpcPeeringConnections(ctx, &ec2.DescribeVpcPeeringConnectionsInput{VpcPeeringConnectionIds: []string{"pcx-0123456789abcdef0"}})
		refused(t, err, "InvalidVpcPeeringConnectionID.NotFound")
		_, err = c.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{Filter: []types.Filter{filter("nonsense", "x")}})
		refused(t, err, "InvalidParameterValue")
		_, err = c.CreateFleet(ctx, &ec2.CreateFleetInput{LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{}, TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(1)}})
		refused(t, err, "UnsupportedOperation")
	})

	t.Run("dry run", func(t *testing.T) {
		_, err := c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("dry"), DryRun: aws.Bool(true)})
		refused(t, err, "DryRunOperation")
		_, err = c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{"dry"}})
		refused(t, err, "InvalidKeyPair.NotFound")
	})
}

// TestRestart: what was answered is there after a kill.
func TestRestart(t *testing.T) {
	s := start(t)
	c, ctx := root(s), t.Context()
	for i := range 5 {
		ok[ec2.CreateKeyPairOutput](t)(c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String(fmt.Sprint("k", i)), KeyType: types.KeyTypeEd25519}))
	}
	token := aws.String("once")
	in := &ec2.CreateNetworkInterfaceInput{ClientToken: token, SubnetId: ok[ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})).Subnets[0].SubnetId}
	first := ok[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, in)).NetworkInterface
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if n := len(ok[ec2.DescribeKeyPairsOutput](t)(c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{})).KeyPairs); n != 5 {
		t.Errorf("%d key pairs", n)
	}
	again := ok[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, in)).NetworkInterface
	if *again.NetworkInterfaceId != *first.NetworkInterfaceId {
		t.Errorf("the token made %s after %s", *again.NetworkInterfaceId, *first.NetworkInterfaceId)
	}
	in.Description = aws.String("another")
	_, err := c.CreateNetworkInterface(ctx, in)
	refused(t, err, "IdempotentParameterMismatch")
}
