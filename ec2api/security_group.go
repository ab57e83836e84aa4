package ec2api

import (
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// renderGroup writes a group; rules of one protocol and range of ports share a permission.
func (s *Server) renderGroup(g *network.Group, t tags.Set) model.SecurityGroup {
	out := model.SecurityGroup{
		Description: new(g.Description), GroupName: new(g.Name), OwnerId: new(g.Account), GroupId: new(g.ID), VpcId: new(g.VPC), Tags: renderTags(t),
		SecurityGroupArn: new(s.arnOf(g.Account, "security-group", g.ID)),
		IpPermissions:    []model.IpPermission{}, IpPermissionsEgress: []model.IpPermission{},
	}
	type span struct{ protocol, from, to int }
	at := map[span]int{}
	for _, egress := range []bool{false, true} {
		list := &out.IpPermissions
		if egress {
			list = &out.IpPermissionsEgress
		}
		clear(at)
		for i := range g.Rules {
			r := &g.Rules[i]
			if r.Egress != egress {
				continue
			}
			k := span{r.Protocol, r.From, r.To}
			n, ok := at[k]
			if !ok {
				n = len(*list)
				at[k] = n
				*list = append(*list, emptyPermission(r))
			}
			addPeer(&(*list)[n], g, r)
		}
	}
	return out
}

func emptyPermission(r *network.Rule) model.IpPermission {
	p := model.IpPermission{
		IpProtocol: new(network.ProtocolName(r.Protocol)), IpRanges: []model.IpRange{}, Ipv6Ranges: []model.Ipv6Range{},
		PrefixListIds: []model.PrefixListId{}, UserIdGroupPairs: []model.UserIdGroupPair{},
	}
	if hasPorts(r.Protocol) {
		p.FromPort, p.ToPort = new(r.From), new(r.To)
	}
	return p
}

// hasPorts reports whether the rules of a protocol have ports, or types and codes.
func hasPorts(protocol int) bool {
	return protocol == network.TCP || protocol == network.UDP || protocol == network.ICMP || protocol == network.ICMPv6
}

func addPeer(p *model.IpPermission, g *network.Group, r *network.Rule) {
	switch {
	case r.Group != "":
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, model.UserIdGroupPair{GroupId: new(r.Group), UserId: new(g.Account), Description: optional(r.Description)})
	case r.CIDR.Addr().Is6():
		p.Ipv6Ranges = append(p.Ipv6Ranges, model.Ipv6Range{CidrIpv6: new(r.CIDR.String()), Description: optional(r.Description)})
	default:
		p.IpRanges = append(p.IpRanges, model.IpRange{CidrIp: new(r.CIDR.String()), Description: optional(r.Description)})
	}
}

// renderRule writes a rule as an authorization answers it; descriptions of rules have the tags always.
func (s *Server) renderRule(account, group string, r *network.Rule, t tags.Set) model.SecurityGroupRule {
	out := model.SecurityGroupRule{
		SecurityGroupRuleId: new(r.ID), GroupId: new(group), GroupOwnerId: new(account), IsEgress: new(r.Egress),
		IpProtocol: new(network.ProtocolName(r.Protocol)), FromPort: new(r.From), ToPort: new(r.To), Description: optional(r.Description), Tags: renderTags(t),
		SecurityGroupRuleArn: new(s.arnOf(account, "security-group-rule", r.ID)),
	}
	switch {
	case r.Group != "":
		out.ReferencedGroupInfo = &model.ReferencedSecurityGroup{GroupId: new(r.Group), UserId: new(account)}
	case r.CIDR.Addr().Is6():
		out.CidrIpv6 = new(r.CIDR.String())
	default:
		out.CidrIpv4 = new(r.CIDR.String())
	}
	return out
}

func (s *Server) renderRules(account, group string, rules []network.Rule, t tags.Set) []model.SecurityGroupRule {
	out := make([]model.SecurityGroupRule, len(rules))
	for i := range rules {
		out[i] = s.renderRule(account, group, &rules[i], t)
	}
	return out
}

// renderRevoked writes the rules that were taken from a group.
func renderRevoked(group string, rules []network.Rule) []model.RevokedSecurityGroupRule {
	out := make([]model.RevokedSecurityGroupRule, len(rules))
	for i := range rules {
		r := &rules[i]
		out[i] = model.RevokedSecurityGroupRule{
			SecurityGroupRuleId: new(r.ID), GroupId: new(group), IsEgress: new(r.Egress), IpProtocol: new(network.ProtocolName(r.Protocol)),
			FromPort: new(r.From), ToPort: new(r.To), ReferencedGroupId: optional(r.Group), Description: optional(r.Description),
		}
		switch {
		case r.Group != "":
		case r.CIDR.Addr().Is6():
			out[i].CidrIpv6 = new(r.CIDR.String())
		default:
			out[i].CidrIpv4 = new(r.CIDR.String())
		}
	}
	return out
}

// maxPermissions bounds the rules of one request.
const maxPermissions = 1000

// ruleSpecs takes permissions apart: one rule for each of their peers.
func ruleSpecs(perms []model.IpPermission) ([]network.RuleSpec, error) {
	var out []network.RuleSpec
	for i := range perms {
		p := &perms[i]
		base := network.RuleSpec{Protocol: model.Val(p.IpProtocol), From: p.FromPort, To: p.ToPort}
		if p.IpProtocol == nil {
			return nil, ec2err.Missing("ipProtocol")
		}
		before := len(out)
		add := func(fill func(*network.RuleSpec)) {
			spec := base
			fill(&spec)
			out = append(out, spec)
		}
		for _, r := range p.IpRanges {
			add(func(spec *network.RuleSpec) { spec.IPv4, spec.Description = model.Val(r.CidrIp), r.Description })
		}
		for _, r := range p.Ipv6Ranges {
			add(func(spec *network.RuleSpec) { spec.IPv6, spec.Description = model.Val(r.CidrIpv6), r.Description })
		}
		for _, r := range p.PrefixListIds {
			add(func(spec *network.RuleSpec) {
				spec.PrefixList, spec.Description = model.Val(r.PrefixListId), r.Description
			})
		}
		for _, r := range p.UserIdGroupPairs {
			if r.VpcPeeringConnectionId != nil {
				return nil, ec2err.New("InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID '%s' does not exist", ec2err.Clip(*r.VpcPeeringConnectionId))
			}
			add(func(spec *network.RuleSpec) {
				spec.Group, spec.GroupName, spec.Owner, spec.Description = model.Val(r.GroupId), model.Val(r.GroupName), model.Val(r.UserId), r.Description
			})
		}
		if len(out) == before {
			return nil, ec2err.New(ec2err.MissingParameter, "The request must contain a source or destination for the permission: an IP range, prefix list or security group")
		}
		if len(out) > maxPermissions {
			return nil, ec2err.New("RulesPerSecurityGroupLimitExceeded", "The request has more than %d rules.", maxPermissions)
		}
	}
	return out, nil
}

// plainRule is the one rule that the older parameters beside IpPermissions write.
type plainRule struct {
	cidr, protocol, group, owner *string
	from, to                     *int
}

func (p plainRule) given() bool {
	return p.cidr != nil || p.protocol != nil || p.group != nil || p.owner != nil || p.from != nil || p.to != nil
}

// specs reads either the permissions or the older parameters of a request.
func (p plainRule) specs(perms []model.IpPermission) ([]network.RuleSpec, error) {
	switch {
	case len(perms) > 0 && p.given():
		return nil, ec2err.Combination("The parameter ipPermissions may not be used in combination with other parameters of rules.")
	case len(perms) > 0:
		return ruleSpecs(perms)
	case p.group != nil && (p.cidr != nil || p.protocol != nil || p.from != nil || p.to != nil):
		return nil, ec2err.Combination("The parameter sourceSecurityGroupName may not be used in combination with cidrIp, ipProtocol, fromPort or toPort.")
	case p.group != nil: // grants everything that has ports
		var out []network.RuleSpec
		for protocol, to := range map[string]int{"tcp": 65535, "udp": 65535, "icmp": network.Any} {
			out = append(out, network.RuleSpec{Protocol: protocol, From: new(min(0, to)), To: new(to), GroupName: *p.group, Owner: model.Val(p.owner)})
		}
		slices.SortFunc(out, func(a, b network.RuleSpec) int { return strings.Compare(a.Protocol, b.Protocol) })
		return out, nil
	case p.given():
		if p.protocol == nil {
			return nil, ec2err.Missing("ipProtocol")
		}
		if p.cidr == nil {
			return nil, ec2err.Missing("cidrIp")
		}
		return []network.RuleSpec{{Protocol: *p.protocol, From: p.from, To: p.to, IPv4: *p.cidr}}, nil
	}
	return nil, nil
}
