package server

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/network"
)

// networkLimits are the quotas of networks, with those that are configured in the place of AWS's.
func networkLimits(quotas []string) (network.Limits, error) {
	l := network.DefaultLimits()
	names := map[string]*int{
		"vpcs": &l.VPCs, "cidrs-per-vpc": &l.CIDRsPerVPC, "subnets-per-vpc": &l.SubnetsPerVPC, "security-groups-per-vpc": &l.GroupsPerVPC,
		"rules-per-security-group": &l.RulesPerGroup, "security-groups-per-interface": &l.GroupsPerNIC, "network-interfaces": &l.Interfaces,
		"addresses-per-interface": &l.AddressesPerNIC, "elastic-ips": &l.ElasticIPs, "internet-gateways": &l.Gateways,
		"route-tables-per-vpc": &l.RouteTablesPerVPC, "routes-per-table": &l.RoutesPerTable, "network-acls-per-vpc": &l.ACLsPerVPC,
		"entries-per-network-acl": &l.EntriesPerACL, "dhcp-options": &l.DHCPOptions,
	}
	const most = 1_000_000
	for _, q := range quotas {
		name, value, _ := strings.Cut(q, "=")
		to := names[name]
		if to == nil {
			return l, fmt.Errorf("quota %q: want NAME=NUMBER with one of %s", q, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > most {
			return l, fmt.Errorf("quota %q: the number is one of 1 to %d", q, most)
		}
		*to = n
	}
	return l, nil
}
