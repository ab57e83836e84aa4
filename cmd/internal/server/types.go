package server

import (
	"github.com/aureole-cloud/aureole/core/compute"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// instanceType finds an instance type.
func instanceType(name string) (compute.InstanceType, bool) {
	mib, ok := map[string]int{"t3.nano": 512, "t3.micro": 1024, "t3.small": 2048, "t3.medium": 4096}[name]
	return compute.InstanceType{Name: name, VCPUs: 2, MemoryMiB: mib, Architectures: []string{"x86_64"}, Credits: "unlimited"}, ok
}

// keyPair finds a key pair.
func keyPair(_ kv.View, _, name string) (compute.KeyPair, error) {
	return compute.KeyPair{}, errs.New(errs.NotFound, "InvalidKeyPair.NotFound", "The key pair '%s' does not exist", name).On(name)
}
