package server

import (
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/itype"
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// typesOf makes the instances' view of the catalogue of types.
func typesOf(catalogue *itype.Catalogue) func(string) (compute.InstanceType, bool) {
	return func(name string) (compute.InstanceType, bool) {
		t, ok := catalogue.Get(name)
		if !ok {
			return compute.InstanceType{}, false
		}
		return compute.InstanceType{
			Name: t.Name, VCPUs: t.VCPUs, MemoryMiB: t.MemoryMiB, Architectures: t.Architectures, Credits: t.DefaultCredits(),
		}, true
	}
}

// keyPair finds a key pair for an instance.
func keyPair(v kv.View, account, name string) (compute.KeyPair, error) {
	p, err := keypair.Get(v, account, name)
	return compute.KeyPair{Name: p.Name, OpenSSH: p.PublicKey}, err
}
