package server

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/itype"
	"github.com/aureole-cloud/aureole/core/keypair"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// openTypes makes the catalogue of instance types, with those of an operator's file if there is one.
func openTypes(file string) (*itype.Catalogue, error) {
	if file == "" {
		return itype.New()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("instance-types: %w", err)
	}
	fields, err := yaml.Parser().Unmarshal(text) // which JSON is a part of
	if err != nil {
		return nil, fmt.Errorf("instance-types: %s: %w", file, err)
	}
	plain, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("instance-types: %s: %w", file, err)
	}
	more, err := itype.Parse(plain)
	if err != nil {
		return nil, fmt.Errorf("instance-types: %s: %w", file, err)
	}
	return itype.New(more...)
}

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
