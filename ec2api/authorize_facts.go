package ec2api

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/network"
	"github.com/aureole-cloud/aureole/core/tags"
)

// resolve turns the ways to name a resource into its type and the id that its ARN ends with.
func (s *Server) resolve(ctx context.Context, c *Call, kind, id string) (string, string) {
	account := c.Account()
	switch {
	case kind == anyType:
		k, _ := ids.KindOf(id)
		if t := resourceTypes[k]; t != "" {
			return s.resolve(ctx, c, t, id)
		}
		return "*", id
	case kind == "key-pair" && strings.HasPrefix(id, "key-"): // ARNs have the name
		if list, err := s.cfg.KeyPairs.List(ctx, account); err == nil {
			for i := range list {
				if list[i].ID == id {
					return kind, list[i].Name
				}
			}
		}
	case kind == "security-group" && !strings.HasPrefix(id, "sg-"):
		if found, err := s.network.FindGroup(account, "", id); err == nil {
			return kind, found
		}
	case kind == "elastic-ip" && strings.HasPrefix(id, "eipassoc-"):
		for _, e := range s.network.ElasticIPs(account) {
			if e.Association == id {
				return kind, e.Allocation
			}
		}
	case kind == "elastic-ip" && !strings.HasPrefix(id, "eipalloc-"):
		if found, err := s.network.FindAllocation(account, id); err == nil {
			return kind, found
		}
	case kind == "route-table" && strings.HasPrefix(id, "rtbassoc-"):
		for _, sub := range s.network.Subnets(account) {
			if sub.RouteAssociate == id {
				return kind, sub.RouteTable
			}
		}
		for _, v := range s.network.VPCs(account) {
			if v.MainAssociate == id {
				return kind, v.MainTable
			}
		}
	case kind == "subnet" && strings.HasPrefix(id, "aclassoc-"):
		for _, sub := range s.network.Subnets(account) {
			if sub.ACLAssociation == id {
				return kind, sub.ID
			}
		}
	case kind == "vpc" && strings.HasPrefix(id, "vpc-cidr-assoc-"):
		for _, v := range s.network.VPCs(account) {
			if slices.ContainsFunc(v.CIDRs, func(a network.CIDRAssociation) bool { return a.ID == id }) {
				return kind, v.ID
			}
		}
	}
	return kind, id
}

// resourceFacts are what conditions may look at in one resource: its tags, and what EC2 has keys for.
func (s *Server) resourceFacts(ctx context.Context, c *Call, tagsOf func(id string) (tags.Set, error), r *resource) (map[string][]string, error) {
	f := map[string][]string{}
	set := func(key string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			f["ec2:"+key] = values
		}
	}
	if r.id != "*" {
		tagged := r.id
		if r.kind == "key-pair" {
			list, err := s.cfg.KeyPairs.List(ctx, c.Account())
			if err != nil {
				return nil, err
			}
			for i := range list {
				if list[i].Name == r.id {
					tagged = list[i].ID
				}
			}
		}
		have, err := tagsOf(tagged)
		if err != nil {
			return nil, err
		}
		for _, t := range have {
			key := strings.ToLower(t.Key)
			f["ec2:resourcetag/"+key], f["aws:resourcetag/"+key] = []string{t.Value}, []string{t.Value}
		}
	}
	vpc := func(id string) {
		if id != "" {
			set("vpc", s.arnOf(c.Account(), "vpc", id))
			set("vpcid", id)
		}
	}
	mine := func(account string) bool { return account == c.Account() }
	switch r.kind {
	case "instance":
		s.instanceFacts(ctx, c, r.id, set)
	case "image":
		if img, err := s.cfg.Compute.Image(ctx, c.Account(), r.id); err == nil {
			set("owner", img.Account)
			set("public", strconv.FormatBool(img.Public))
			set("imageid", img.ID)
			set("imagetype", "machine")
			set("rootdevicetype", "ebs")
		}
	case "vpc":
		vpc(r.id)
		set("tenancy", "default")
	case "subnet":
		if sub := s.network.Subnet(r.id); sub != nil && mine(sub.Account) {
			vpc(sub.VPC)
			set("subnetid", sub.ID)
			set("availabilityzone", sub.Zone)
		} else if r.id == "*" {
			set("availabilityzone", c.form.Values("AvailabilityZone")...)
			s.ofVPC(c, vpc)
		}
	case "security-group":
		if g := s.network.Group(r.id); g != nil && mine(g.Account) {
			vpc(g.VPC)
			set("securitygroupid", g.ID)
		} else if r.id == "*" {
			s.ofVPC(c, vpc)
		}
	case "network-interface":
		s.interfaceFacts(c, r.id, set, vpc)
	case "volume":
		if r.id == "*" {
			set("volumesize", c.form.Values("BlockDeviceMapping.*.Ebs.VolumeSize")...)
			set("volumetype", c.form.Values("BlockDeviceMapping.*.Ebs.VolumeType")...)
			set("encrypted", "false")
			set("availabilityzone", s.placementZones(c)...)
			break
		}
		all, err := s.cfg.Compute.Volumes(ctx, c.Account())
		if err != nil {
			return nil, err
		}
		for n := range all {
			if v := &all[n]; v.ID == r.id {
				set("volumeid", v.ID)
				set("volumesize", strconv.Itoa(v.SizeGiB))
				set("volumetype", v.Type)
				set("encrypted", "false")
				set("availabilityzone", v.Zone)
			}
		}
	case "route-table", "network-acl":
		if r.id == "*" {
			s.ofVPC(c, vpc)
		}
	case "key-pair":
		set("keypairname", r.id)
		set("keypairtype", c.form.Values("KeyType")...)
	}
	if strings.HasPrefix(c.Action, "Modify") {
		set("attribute", modified(c)...)
	}
	return f, nil
}

// placementZones are the names of the zone that a launch names, in one way or the other.
func (s *Server) placementZones(c *Call) []string {
	out := c.form.Values("Placement.AvailabilityZone")
	for _, id := range c.form.Values("Placement.AvailabilityZoneId") {
		for _, z := range s.network.Zones() {
			if z.ID == id {
				out = append(out, z.Name)
			}
		}
	}
	return out
}

// ofVPC gives what is made in a VPC that VPC.
func (s *Server) ofVPC(c *Call, vpc func(string)) {
	for _, id := range c.form.Values("VpcId") {
		vpc(id)
	}
}

// instanceFacts are those of an instance that is there, or of those that a launch makes.
func (s *Server) instanceFacts(ctx context.Context, c *Call, id string, set func(string, ...string)) {
	set("tenancy", "default")
	set("rootdevicetype", "ebs")
	if id == "*" {
		kind := c.form.Values("InstanceType")
		if len(kind) == 0 {
			kind = []string{compute.DefaultType}
		}
		set("instancetype", kind...)
		set("availabilityzone", s.placementZones(c)...)
		set("ebsoptimized", c.form.Values("EbsOptimized")...)
		set("metadatahttptokens", c.form.Values("MetadataOptions.HttpTokens")...)
		set("metadatahttpendpoint", c.form.Values("MetadataOptions.HttpEndpoint")...)
		set("metadatahttpputresponsehoplimit", c.form.Values("MetadataOptions.HttpPutResponseHopLimit")...)
		set("instancemetadatatags", c.form.Values("MetadataOptions.InstanceMetadataTags")...)
		return
	}
	i, err := s.cfg.Compute.Instance(ctx, c.Account(), id)
	if err != nil {
		return
	}
	set("instanceid", i.ID)
	set("instancetype", i.Type)
	set("availabilityzone", i.Zone)
	set("ebsoptimized", strconv.FormatBool(i.EBSOptimized))
	set("metadatahttptokens", i.Metadata.Tokens)
	set("metadatahttpendpoint", i.Metadata.Endpoint)
	set("metadatahttpputresponsehoplimit", strconv.Itoa(i.Metadata.HopLimit))
}

func (s *Server) interfaceFacts(c *Call, id string, set func(string, ...string), vpc func(string)) {
	if n := s.network.Interface(id); n != nil && n.Account == c.Account() {
		vpc(n.VPC)
		set("networkinterfaceid", n.ID)
		set("subnet", s.arnOf(c.Account(), "subnet", n.Subnet))
		set("availabilityzone", n.Zone)
		return
	}
	if id != "*" {
		return
	}
	for _, subnet := range append(c.form.Values("SubnetId"), c.form.Values("NetworkInterface.*.SubnetId")...) {
		if sub := s.network.Subnet(subnet); sub != nil && sub.Account == c.Account() {
			vpc(sub.VPC)
			set("subnet", s.arnOf(c.Account(), "subnet", sub.ID))
			set("availabilityzone", sub.Zone)
		}
	}
	set("associatepublicipaddress", c.form.Values("NetworkInterface.*.AssociatePublicIpAddress")...)
}

// modified are the attributes that a request changes, as ec2:Attribute has them: the names of its parameters.
func modified(c *Call) []string {
	var out []string
	for _, name := range c.form.Names() {
		first, _, _ := strings.Cut(name, ".")
		switch first {
		case "InstanceId", "ImageId", "VpcId", "SubnetId", "NetworkInterfaceId", "GroupId", "DryRun", "ClientToken":
		case "Attribute":
			out = append(out, c.form.Values("Attribute")...)
		default:
			if !slices.Contains(out, first) {
				out = append(out, first)
			}
		}
	}
	return out
}
