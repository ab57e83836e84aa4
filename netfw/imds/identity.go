package imds

import (
	"crypto/rsa"
	"crypto/x509"
)

// An Identity signs identity documents.
type Identity struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}
