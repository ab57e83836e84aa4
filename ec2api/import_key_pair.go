package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/model"
)

// importKeyPair keeps a public key that was made elsewhere.
func (s *Server) importKeyPair(ctx context.Context, c *Call, in *model.ImportKeyPairRequest) (*model.ImportKeyPairResult, error) {
	set, err := tagsFor(in.TagSpecifications, "key-pair")
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.KeyPairs.Import(ctx, c.Account(), model.Val(in.KeyName), in.PublicKeyMaterial, set)
	if err != nil {
		return nil, err
	}
	return &model.ImportKeyPairResult{
		KeyName: new(p.Name), KeyPairId: new(p.ID), KeyFingerprint: new(p.Fingerprint), Tags: renderTags(set),
	}, nil
}
