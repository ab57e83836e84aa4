package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeVolumeAttribute tells one attribute of a volume.
func (s *Server) describeVolumeAttribute(ctx context.Context, c *Call, in *model.DescribeVolumeAttributeRequest) (*model.DescribeVolumeAttributeResult, error) {
	all, err := s.volumes(ctx, c)
	if err != nil {
		return nil, err
	}
	l := listing[model.Volume]{items: all, id: func(v *model.Volume) string { return *v.VolumeId }, kind: ids.Volume, asked: []string{model.Val(in.VolumeId)}}
	if _, err := l.named(); err != nil {
		return nil, err
	}
	out := &model.DescribeVolumeAttributeResult{VolumeId: in.VolumeId}
	switch model.Val(in.Attribute) {
	case model.VolumeAttributeNameAutoEnableIO:
		out.AutoEnableIO = &model.AttributeBooleanValue{Value: new(false)}
	case model.VolumeAttributeNameProductCodes:
		out.ProductCodes = []model.ProductCode{}
	}
	return out, nil
}
