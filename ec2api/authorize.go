package ec2api

import (
	"cmp"
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// authorize asks whether the principal may make the call: every resource that its permission is about must be allowed, and the
// tags that it gives by TagSpecification as CreateTags, as AWS documents it ("Grant permission to tag resources during
// creation").
func (s *Server) authorize(ctx context.Context, c *Call) error {
	p := s.permissions[c.Action]
	if p == nil || c.Who.Root {
		return s.may(ctx, c, c.Action, "*", s.facts(c))
	}
	base := s.facts(c)
	asked := requestTags(c)
	about, err := s.resourcesOf(ctx, c, p)
	if err != nil {
		return err
	}
	if len(about) == 0 {
		return s.may(ctx, c, c.Action, "*", base)
	}
	for i := range about {
		r := &about[i]
		facts := maps.Clone(base)
		maps.Copy(facts, r.facts)
		given := asked[r.kind]
		if c.Action == "CreateTags" || c.Action == "DeleteTags" {
			given = asked[""]
		}
		addTags(facts, given)
		if err := s.may(ctx, c, c.Action, s.arn(c, r), facts); err != nil {
			return err
		}
	}
	for kind, given := range asked {
		if kind == "" {
			continue
		}
		facts := maps.Clone(base)
		facts["ec2:createaction"] = []string{c.Action}
		addTags(facts, given)
		if err := s.may(ctx, c, "CreateTags", s.arn(c, &resource{kind: kind, id: "*"}), facts); err != nil {
			return err
		}
	}
	return nil
}

// may asks for one action on one resource.
func (s *Server) may(ctx context.Context, c *Call, action, arn string, facts map[string][]string) error {
	action = "ec2:" + action
	err := s.iam.Authorize(ctx, iam.Request{Principal: c.Who, Action: action, Resource: arn, Context: facts})
	if err == nil {
		return nil
	}
	answer := ec2err.From(err)
	if answer.Code == ec2err.UnauthorizedOperation && c.Who.ARN != "" {
		on := ""
		if arn != "*" {
			on = " on resource: " + ec2err.Clip(arn)
		}
		answer.Message = "You are not authorized to perform this operation. User: " + c.Who.ARN + " is not authorized to perform: " + action + on +
			" " + why(err, action)
		if arn != "*" { // AWS has no message of actions that are permitted or not as a whole
			answer.Message += ". Encoded authorization failure message: " + s.encodedVerdict(c, action, arn, facts, err)
		}
	}
	return answer
}

// why tells a denial from a missing permission.
func why(err error, action string) string {
	if iam.ExplicitlyDenied(err) {
		return "with an explicit deny in an identity-based policy"
	}
	return "because no identity-based policy allows the " + action + " action"
}

// resource is one that a permission is about.
type resource struct {
	kind, id string
	facts    map[string][]string
}

// arn names a resource as policies do. Images and snapshots belong to no account there, since they can be shared.
func (s *Server) arn(c *Call, r *resource) string {
	account := c.Account()
	if r.kind == "image" || r.kind == "snapshot" {
		account = ""
	}
	return s.arnOf(account, r.kind, r.id)
}

func (s *Server) arnOf(account, kind, id string) string {
	return "arn:aws:ec2:" + s.cfg.Region + ":" + account + ":" + kind + "/" + id
}

// facts are what conditions may look at in every call.
func (s *Server) facts(c *Call) map[string][]string {
	f := map[string][]string{"ec2:region": {s.cfg.Region}, "aws:requestedregion": {s.cfg.Region}, "aws:securetransport": {strconv.FormatBool(c.Secure)}}
	if c.SourceIP != nil {
		f["aws:sourceip"] = []string{c.SourceIP.String()}
	}
	if c.UserAgent != "" {
		f["aws:useragent"] = []string{c.UserAgent}
	}
	return f
}

// requestTags are the tags that a request gives, by the type of resource; those of CreateTags and DeleteTags by none.
func requestTags(c *Call) map[string][]tags.Tag {
	out := map[string][]tags.Tag{}
	for i := range c.common.TagSpecifications {
		spec := &c.common.TagSpecifications[i]
		for j := range spec.Tags {
			kind := model.Val(spec.ResourceType)
			out[kind] = append(out[kind], tags.Tag{Key: model.Val(spec.Tags[j].Key), Value: model.Val(spec.Tags[j].Value)})
		}
	}
	if c.Action == "CreateTags" || c.Action == "DeleteTags" {
		keys, values := c.form.Pairs("Tag.*.Key"), c.form.Pairs("Tag.*.Value")
		for n, key := range keys {
			out[""] = append(out[""], tags.Tag{Key: key, Value: values[n]})
		}
	}
	return out
}

func addTags(facts map[string][]string, given []tags.Tag) {
	for _, t := range given {
		facts["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		facts["aws:tagkeys"] = append(facts["aws:tagkeys"], t.Key)
	}
}

// resourcesOf finds what a call's permission is about. What is not there is named as it was asked for: who may not touch it
// does not learn that it is absent.
func (s *Server) resourcesOf(ctx context.Context, c *Call, p *permission) ([]resource, error) {
	var out []resource
	seen := map[resourceName]bool{}
	add := func(kind, id string) {
		if kind, id = s.resolve(ctx, c, kind, id); !seen[resourceName{kind, id}] {
			seen[resourceName{kind, id}] = true
			out = append(out, resource{kind: kind, id: id})
		}
	}
	for _, kind := range p.made { // AWS names what would be made before what it needs
		out = append(out, resource{kind: kind, id: "*"})
	}
	for _, n := range p.named {
		for _, id := range c.form.Values(n.param) {
			add(n.kind, id)
		}
	}
	if c.Action == "RunInstances" {
		s.launchDefaults(c, add)
	}
	v, err := s.tags.View(ctx)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	tagsOf := func(id string) (tags.Set, error) { return tags.Of(v, c.Account(), id) }
	for i := range out {
		r := &out[i]
		if r.facts, err = s.resourceFacts(ctx, c, tagsOf, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type resourceName struct{ kind, id string }

// launchDefaults names the subnet and the group that a launch takes when it names none.
func (s *Server) launchDefaults(c *Call, add func(kind, id string)) {
	named := len(c.form.Values("NetworkInterface.*.NetworkInterfaceId")) + len(c.form.Values("NetworkInterface.*.SubnetId"))
	vpc := s.network.DefaultVPC(c.Account())
	if c.form.Values("SubnetId") == nil && named == 0 && vpc != nil {
		zone := cmp.Or(append(s.placementZones(c), "")...)
		for _, sub := range s.network.Subnets(c.Account()) {
			if sub.VPC == vpc.ID && sub.DefaultForZone && (zone == "" || sub.Zone == zone) {
				add("subnet", sub.ID)
				break
			}
		}
	}
	if len(c.form.Values("SecurityGroupId.*"))+len(c.form.Values("SecurityGroup.*"))+len(c.form.Values("NetworkInterface.*.SecurityGroupId.*")) > 0 ||
		len(c.form.Values("NetworkInterface.*.NetworkInterfaceId")) > 0 {
		return
	}
	for _, id := range append(c.form.Values("SubnetId"), c.form.Values("NetworkInterface.*.SubnetId")...) {
		if sub := s.network.Subnet(id); sub != nil && sub.Account == c.Account() {
			vpc = s.network.VPC(sub.VPC)
		}
	}
	if vpc != nil {
		add("security-group", vpc.DefaultGroup)
	}
}
