package ec2api

import (
	"strconv"

	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// The number and the meaning of the entry that every ACL ends with.
const impliedEntry = 32767

func (s *Server) renderACL(a *network.ACL, t tags.Set) model.NetworkAcl {
	out := model.NetworkAcl{
		Associations: []model.NetworkAclAssociation{}, Entries: []model.NetworkAclEntry{}, IsDefault: new(a.Default),
		NetworkAclId: new(a.ID), Tags: allTags(t), VpcId: new(a.VPC), OwnerId: new(a.Account),
	}
	for _, n := range s.network.ACLAssociations(a.ID) {
		out.Associations = append(out.Associations, model.NetworkAclAssociation{
			NetworkAclAssociationId: new(n.ACLAssociation), NetworkAclId: new(a.ID), SubnetId: new(n.ID),
		})
	}
	for _, egress := range []bool{true, false} {
		for i := range a.Entries {
			if a.Entries[i].Egress == egress {
				out.Entries = append(out.Entries, renderEntry(&a.Entries[i]))
			}
		}
		out.Entries = append(out.Entries, model.NetworkAclEntry{
			CidrBlock: new("0.0.0.0/0"), Egress: new(egress), Protocol: new("-1"), RuleAction: new("deny"), RuleNumber: new(impliedEntry),
		})
	}
	return out
}

func renderEntry(e *network.ACLEntry) model.NetworkAclEntry {
	out := model.NetworkAclEntry{
		CidrBlock: new(e.CIDR.String()), Egress: new(e.Egress), Protocol: new(strconv.Itoa(e.Protocol)), RuleAction: new("deny"), RuleNumber: new(e.Number),
	}
	if e.Allow {
		out.RuleAction = new("allow")
	}
	switch e.Protocol {
	case network.TCP, network.UDP:
		out.PortRange = &model.PortRange{From: new(e.From), To: new(e.To)}
	case network.ICMP:
		out.IcmpTypeCode = &model.IcmpTypeCode{Type: new(e.ICMPType), Code: new(e.ICMPCode)}
	}
	return out
}

var aclFilters = filter.Set[model.NetworkAcl]{
	Fields: aclFields(),
	Tags:   func(a *model.NetworkAcl) map[string]string { return tagMap(a.Tags) },
}

func aclFields() map[string]func(*model.NetworkAcl) []string {
	fields := map[string]func(*model.NetworkAcl) []string{
		"default":        func(a *model.NetworkAcl) []string { return boolean(a.IsDefault) },
		"network-acl-id": func(a *model.NetworkAcl) []string { return text(a.NetworkAclId) },
		"owner-id":       func(a *model.NetworkAcl) []string { return text(a.OwnerId) },
		"vpc-id":         func(a *model.NetworkAcl) []string { return text(a.VpcId) },
	}
	for name, values := range map[string]func(*model.NetworkAclAssociation) []string{
		"association-id": func(a *model.NetworkAclAssociation) []string { return text(a.NetworkAclAssociationId) },
		"network-acl-id": func(a *model.NetworkAclAssociation) []string { return text(a.NetworkAclId) },
		"subnet-id":      func(a *model.NetworkAclAssociation) []string { return text(a.SubnetId) },
	} {
		fields["association."+name] = func(a *model.NetworkAcl) []string { return each(a.Associations, values) }
	}
	for name, values := range entryFields {
		fields["entry."+name] = func(a *model.NetworkAcl) []string { return each(a.Entries, values) }
	}
	return fields
}

var entryFields = map[string]func(*model.NetworkAclEntry) []string{
	"cidr":   func(e *model.NetworkAclEntry) []string { return text(e.CidrBlock) },
	"egress": func(e *model.NetworkAclEntry) []string { return boolean(e.Egress) },
	"icmp.code": func(e *model.NetworkAclEntry) []string {
		if e.IcmpTypeCode == nil {
			return nil
		}
		return number(e.IcmpTypeCode.Code)
	},
	"icmp.type": func(e *model.NetworkAclEntry) []string {
		if e.IcmpTypeCode == nil {
			return nil
		}
		return number(e.IcmpTypeCode.Type)
	},
	"ipv6-cidr": func(e *model.NetworkAclEntry) []string { return text(e.Ipv6CidrBlock) },
	"port-range.from": func(e *model.NetworkAclEntry) []string {
		if e.PortRange == nil {
			return nil
		}
		return number(e.PortRange.From)
	},
	"port-range.to": func(e *model.NetworkAclEntry) []string {
		if e.PortRange == nil {
			return nil
		}
		return number(e.PortRange.To)
	},
	"protocol":    func(e *model.NetworkAclEntry) []string { return text(e.Protocol) },
	"rule-action": func(e *model.NetworkAclEntry) []string { return text(e.RuleAction) },
	"rule-number": func(e *model.NetworkAclEntry) []string { return number(e.RuleNumber) },
}

// entry reads an entry of an ACL.
func entry(cidr, v6, protocol, act *string, num *int, egress *bool, span *model.PortRange, icmp *model.IcmpTypeCode) (network.ACLEntry, error) {
	switch {
	case v6 != nil:
		return network.ACLEntry{}, noIPv6(true)
	case cidr == nil:
		return network.ACLEntry{}, ec2err.New(ec2err.MissingParameter, "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
	}
	spec := network.ACLEntrySpec{
		Number: model.Val(num), Egress: model.Val(egress), Allow: model.Val(act) == "allow", Protocol: model.Val(protocol), CIDR: *cidr,
	}
	if span != nil {
		spec.From, spec.To = span.From, span.To
	}
	if icmp != nil {
		spec.Type, spec.Code = icmp.Type, icmp.Code
	}
	return spec.Entry()
}
