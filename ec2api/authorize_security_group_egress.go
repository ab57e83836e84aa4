package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// authorizeSecurityGroupEgress lets packets of the members of a group out.
func (s *Server) authorizeSecurityGroupEgress(ctx context.Context, c *Call, in *model.AuthorizeSecurityGroupEgressRequest) (*model.AuthorizeSecurityGroupEgressResult, error) {
	id, err := s.group(ctx, c, in.GroupId, nil)
	if err != nil {
		return nil, err
	}
	plain := plainRule{cidr: in.CidrIp, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, group: in.SourceSecurityGroupName, owner: in.SourceSecurityGroupOwnerId}
	specs, err := plain.specs(in.IpPermissions)
	if err != nil {
		return nil, err
	}
	if len(specs) == 0 {
		return nil, ec2err.Missing("ipPermissions")
	}
	tagged, err := tagsFor(in.TagSpecifications, "security-group-rule")
	if err != nil {
		return nil, err
	}
	rules, err := s.network.Authorize(ctx, c.Account(), id, true, specs, tagged)
	if err != nil {
		return nil, err
	}
	return &model.AuthorizeSecurityGroupEgressResult{Return: new(true), SecurityGroupRules: s.renderRules(c.Account(), id, rules, tagged)}, nil
}
