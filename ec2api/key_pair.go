package ec2api

import (
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/ec2api/filter"
)

var keyPairFilters = filter.Set[keypair.Tagged]{
	Fields: map[string]func(*keypair.Tagged) []string{
		"fingerprint": func(p *keypair.Tagged) []string { return []string{p.Fingerprint} },
		"key-name":    func(p *keypair.Tagged) []string { return []string{p.Name} },
		"key-pair-id": func(p *keypair.Tagged) []string { return []string{p.ID} },
	},
	Tags: func(p *keypair.Tagged) map[string]string { return tagMap(renderTags(p.Tags)) },
}
