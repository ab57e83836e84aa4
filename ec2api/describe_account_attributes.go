package ec2api

import (
	"context"
	"slices"
	"strconv"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeAccountAttributes tells the limits of the account, and which VPC is its default.
func (s *Server) describeAccountAttributes(_ context.Context, c *Call, in *model.DescribeAccountAttributesRequest) (*model.DescribeAccountAttributesResult, error) {
	vpc := "none"
	if v := s.cfg.Network.DefaultVPC(c.Account()); v != nil {
		vpc = v.ID
	}
	limits := s.cfg.Network.Limits()
	all := []struct{ name, value string }{
		{"supported-platforms", "VPC"},
		{"vpc-max-security-groups-per-interface", strconv.Itoa(limits.GroupsPerNIC)},
		{"max-elastic-ips", strconv.Itoa(limits.ElasticIPs)},
		{"max-instances", strconv.FormatInt(s.cfg.Compute.Quotas().Instances, 10)},
		{"vpc-max-elastic-ips", strconv.Itoa(limits.ElasticIPs)},
		{"default-vpc", vpc},
	}
	for _, name := range in.AttributeNames {
		if !slices.ContainsFunc(all, func(a struct{ name, value string }) bool { return a.name == name }) {
			return nil, ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter attributeName is invalid. Unknown attribute name.", ec2err.Clip(name))
		}
	}
	out := &model.DescribeAccountAttributesResult{}
	for _, a := range all {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a.name) {
			out.AccountAttributes = append(out.AccountAttributes, model.AccountAttribute{
				AttributeName: new(a.name), AttributeValues: []model.AccountAttributeValue{{AttributeValue: new(a.value)}},
			})
		}
	}
	return out, nil
}
