package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// createKeyPair makes a key pair and gives out its private half, once.
func (s *Server) createKeyPair(ctx context.Context, c *Call, in *model.CreateKeyPairRequest) (*model.KeyPair, error) {
	set, err := tagsFor(in.TagSpecifications, "key-pair")
	if err != nil {
		return nil, err
	}
	kind := keypair.RSA
	if in.KeyType != nil {
		kind = *in.KeyType
	}
	format := keypair.PEM
	if model.Val(in.KeyFormat) == model.KeyFormatPpk {
		format = keypair.PPK
	}
	p, private, err := s.cfg.KeyPairs.Create(ctx, c.Account(), model.Val(in.KeyName), kind, format, set)
	if err != nil {
		return nil, err
	}
	return &model.KeyPair{
		KeyName: new(p.Name), KeyPairId: new(p.ID), KeyFingerprint: new(p.Fingerprint), KeyMaterial: &private, Tags: renderTags(set),
	}, nil
}
