package ec2api

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/ec2-actions.md anew")

const coveragePage = "../docs/ec2-actions.md"

// TestCoveragePage: the page in docs says of every action what the table says. -update writes it.
func TestCoveragePage(t *testing.T) {
	tab, err := newTable(&Server{})
	if err != nil {
		t.Fatal(err)
	}
	want := coverage(tab)
	if *update {
		if err := os.WriteFile(coveragePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(coveragePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("docs/ec2-actions.md is not what the code says; write it anew by: go test ./ec2api -run TestCoveragePage -update")
	}
}

func coverage(tab table) string {
	var names []string
	for n := range tab {
		names = append(names, n)
	}
	slices.Sort(names)
	var rows, rest strings.Builder
	var built, partial, empty, unsupported int
	for _, n := range names {
		a := tab[n]
		switch {
		case a.run == nil:
			unsupported++
			fmt.Fprintf(&rest, "%s\n", n)
		case a.note == noteEmpty:
			empty++
			fmt.Fprintf(&rows, "| %s | empty | |\n", n)
		case a.note != "":
			partial++
			fmt.Fprintf(&rows, "| %s | partial | %s |\n", n, a.note)
		default:
			built++
			fmt.Fprintf(&rows, "| %s | built | |\n", n)
		}
	}
	return fmt.Sprintf(`# EC2 actions

Written by the test of ec2api from the action table; [how to add an action](ec2-add-an-action.md).

Of %d actions that EC2 has, %d are built, %d in part, and %d describe what there never is here: their sets are
empty and truly so. All others are known and answer UnsupportedOperation.

| action | state | what is missing |
|---|---|---|
%s
## Unsupported

%s%s%s`, len(names), built, partial, empty, rows.String(), "```\n", rest.String(), "```\n")
}

// TestFiltersAreComplete: what an action documents as a filter is known to the set that its handler uses, so that no
// documented filter is refused by one and taken by the other. The sets of other areas are in the tests of those.
func TestFiltersAreComplete(t *testing.T) {
	for action, fields := range map[string][]string{
		"DescribeKeyPairs":              keys(keyPairFilters.Fields),
		"DescribeInstanceTypes":         keys(instanceTypeFilters.Fields),
		"DescribeInstanceTypeOfferings": keys(offeringFilters.Fields),
		"DescribeRegions":               keys(regionFilters.Fields),
		"DescribeAvailabilityZones":     keys(zoneFilters.Fields),
		"DescribeTags":                  keys(tagFilters.Fields),
		"DescribeVolumes":               keys(volumeFilters.Fields),
		"DescribeVolumeStatus":          keys(volumeStatusFilters.Fields),
		"DescribeVpcs":                  keys(vpcFilters.Fields),
		"DescribeSubnets":               keys(subnetFilters.Fields),
		"DescribeSecurityGroups":        keys(groupFilters.Fields),
		"DescribeSecurityGroupRules":    keys(ruleFilters.Fields),
		"DescribeNetworkInterfaces":     keys(interfaceFilters.Fields),
		"DescribeInternetGateways":      keys(gatewayFilters.Fields),
		"DescribeRouteTables":           keys(tableFilters.Fields),
		"DescribeNetworkAcls":           keys(aclFilters.Fields),
		"DescribeDhcpOptions":           keys(dhcpFilters.Fields),
		"DescribeAddresses":             keys(addressFilters.Fields),
	} {
		documented := filterNames(action)
		if len(documented) == 0 {
			t.Errorf("%s documents no filters", action)
		}
		for _, name := range documented {
			if !slices.Contains(fields, name) && !strings.HasPrefix(name, "tag") {
				t.Errorf("%s: the filter %s is not in its set", action, name)
			}
		}
		for _, name := range fields {
			if !slices.Contains(documented, name) {
				t.Errorf("%s: the filter %s is not documented", action, name)
			}
		}
	}
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
