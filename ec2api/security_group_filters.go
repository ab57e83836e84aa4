package ec2api

import (
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

var groupFilters = filter.Set[model.SecurityGroup]{
	Fields: groupFields(),
	Tags:   func(g *model.SecurityGroup) map[string]string { return tagMap(g.Tags) },
}

func groupFields() map[string]func(*model.SecurityGroup) []string {
	fields := map[string]func(*model.SecurityGroup) []string{
		"description": func(g *model.SecurityGroup) []string { return text(g.Description) },
		"group-id":    func(g *model.SecurityGroup) []string { return text(g.GroupId) },
		"group-name":  func(g *model.SecurityGroup) []string { return text(g.GroupName) },
		"owner-id":    func(g *model.SecurityGroup) []string { return text(g.OwnerId) },
		"vpc-id":      func(g *model.SecurityGroup) []string { return text(g.VpcId) },
	}
	for name, values := range permissionFields {
		fields["ip-permission."+name] = func(g *model.SecurityGroup) []string { return each(g.IpPermissions, values) }
		fields["egress.ip-permission."+name] = func(g *model.SecurityGroup) []string { return each(g.IpPermissionsEgress, values) }
	}
	return fields
}

// permissionFields are the values of one permission; they filter ingress and egress alike.
var permissionFields = map[string]func(*model.IpPermission) []string{
	"cidr": func(p *model.IpPermission) []string {
		return each(p.IpRanges, func(r *model.IpRange) []string { return text(r.CidrIp) })
	},
	"ipv6-cidr": func(p *model.IpPermission) []string {
		return each(p.Ipv6Ranges, func(r *model.Ipv6Range) []string { return text(r.CidrIpv6) })
	},
	"prefix-list-id": func(p *model.IpPermission) []string {
		return each(p.PrefixListIds, func(r *model.PrefixListId) []string { return text(r.PrefixListId) })
	},
	"group-id": func(p *model.IpPermission) []string {
		return each(p.UserIdGroupPairs, func(r *model.UserIdGroupPair) []string { return text(r.GroupId) })
	},
	"group-name": func(p *model.IpPermission) []string {
		return each(p.UserIdGroupPairs, func(r *model.UserIdGroupPair) []string { return text(r.GroupName) })
	},
	"user-id": func(p *model.IpPermission) []string {
		return each(p.UserIdGroupPairs, func(r *model.UserIdGroupPair) []string { return text(r.UserId) })
	},
	"from-port": func(p *model.IpPermission) []string { return number(p.FromPort) },
	"to-port":   func(p *model.IpPermission) []string { return number(p.ToPort) },
	"protocol":  func(p *model.IpPermission) []string { return text(p.IpProtocol) },
}
