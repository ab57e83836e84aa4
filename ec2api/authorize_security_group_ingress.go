package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// authorizeSecurityGroupIngress lets packets in to the members of a group.
func (s *Server) authorizeSecurityGroupIngress(ctx context.Context, c *Call, in *model.AuthorizeSecurityGroupIngressRequest) (*model.AuthorizeSecurityGroupIngressResult, error) {
	id, err := s.group(ctx, c, in.GroupId, in.GroupName)
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
	rules, err := s.network.Authorize(ctx, c.Account(), id, false, specs, tagged)
	if err != nil {
		return nil, err
	}
	return &model.AuthorizeSecurityGroupIngressResult{Return: new(true), SecurityGroupRules: s.renderRules(c.Account(), id, rules, tagged)}, nil
}
