package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// modifyInstanceMetadataOptions changes how an instance may read its metadata, at once.
func (s *Server) modifyInstanceMetadataOptions(ctx context.Context, c *Call, in *model.ModifyInstanceMetadataOptionsRequest) (*model.ModifyInstanceMetadataOptionsResult, error) {
	id := model.Val(in.InstanceId)
	if err := checkIDs(ids.Instance, id); err != nil {
		return nil, err
	}
	m, err := metadataOptions(in.HttpTokens, in.HttpPutResponseHopLimit, in.HttpEndpoint, in.HttpProtocolIpv6, in.InstanceMetadataTags)
	if err != nil {
		return nil, err
	}
	i, err := s.cfg.Compute.Modify(ctx, c.Account(), id, compute.InstanceChange{Metadata: &m})
	if err != nil {
		return nil, err
	}
	return &model.ModifyInstanceMetadataOptionsResult{InstanceId: new(id), InstanceMetadataOptions: showMetadataOptions(i)}, nil
}
