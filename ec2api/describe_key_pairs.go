package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// describeKeyPairs lists key pairs by name, by id, or all.
func (s *Server) describeKeyPairs(ctx context.Context, c *Call, in *model.DescribeKeyPairsRequest) (*model.DescribeKeyPairsResult, error) {
	pairs, err := s.cfg.KeyPairs.List(ctx, c.Account())
	if err != nil {
		return nil, err
	}
	l := listing[keypair.Tagged]{items: pairs, filters: keyPairFilters}
	switch {
	case len(in.KeyPairIds) > 0 && len(in.KeyNames) > 0:
		return nil, ec2err.Combination("The parameters KeyName and KeyPairId cannot be used together.")
	case len(in.KeyPairIds) > 0:
		l.id, l.kind, l.asked = func(p *keypair.Tagged) string { return p.ID }, ids.KeyPair, in.KeyPairIds
	default:
		l.id, l.asked = func(p *keypair.Tagged) string { return p.Name }, in.KeyNames
		l.absent = func(name string) error {
			return ec2err.New(string(keypair.NotFound), "The key pair '%s' does not exist", ec2err.Clip(name))
		}
	}
	if pairs, _, err = l.answer(c); err != nil {
		return nil, err
	}
	out := &model.DescribeKeyPairsResult{KeyPairs: make([]model.KeyPairInfo, len(pairs))}
	for i := range pairs {
		p := &pairs[i]
		out.KeyPairs[i] = model.KeyPairInfo{
			KeyPairId: new(p.ID), KeyName: new(p.Name), KeyType: new(p.Type), KeyFingerprint: new(p.Fingerprint),
			CreateTime: new(p.Created), Tags: allTags(p.Tags),
		}
		if model.Val(in.IncludePublicKey) {
			out.KeyPairs[i].PublicKey = new(p.PublicKey)
		}
	}
	return out, nil
}
