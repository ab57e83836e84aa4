package imds

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

// An Identity signs the documents by which instances prove who they are. It is one per region: who verifies needs its
// certificate.
type Identity struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// NewIdentity makes a key and a certificate that it signs itself.
func NewIdentity() (*Identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "instance identity", Organization: []string{"Aureole"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(50, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Identity{key, cert}, nil
}

// PEM is the identity in a form to keep: the private key, then the certificate.
func (i *Identity) PEM() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate.Raw})...), nil
}

// ParseIdentity reads what PEM wrote.
func ParseIdentity(b []byte) (*Identity, error) {
	var id Identity
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("identity key: %w", err)
			}
			var ok bool
			if id.Key, ok = key.(*rsa.PrivateKey); !ok {
				return nil, errors.New("identity key: not RSA")
			}
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("identity certificate: %w", err)
			}
			id.Certificate = cert
		}
	}
	if id.Key == nil || id.Certificate == nil {
		return nil, errors.New("identity: the key or the certificate is missing")
	}
	if !id.Key.PublicKey.Equal(id.Certificate.PublicKey) {
		return nil, errors.New("identity: the certificate is not the key's")
	}
	return &id, nil
}

// signature is the document's bare signature, in base64.
func (i *Identity) signature(document []byte) (string, error) {
	sum := sha256.Sum256(document)
	sig, err := rsa.SignPKCS1v15(rand.Reader, i.Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return lines(sig), nil
}

// pkcs7 is the document with its signature as PKCS #7, in base64 and without the lines that begin and end PEM.
func (i *Identity) pkcs7(document []byte) (string, error) {
	sd, err := pkcs7.NewSignedData(document)
	if err != nil {
		return "", err
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := sd.AddSigner(i.Certificate, i.Key, pkcs7.SignerInfoConfig{}); err != nil {
		return "", err
	}
	der, err := sd.Finish()
	if err != nil {
		return "", err
	}
	return lines(der), nil
}

// lines is base64 in lines of 64 characters.
func lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 64 {
		out.WriteString(s[:64])
		out.WriteByte('\n')
		s = s[64:]
	}
	out.WriteString(s)
	return out.String()
}

// document is the identity document: its names come in the order of the alphabet, but for those of products.
func (i *Instance) document() ([]byte, error) {
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	private := ""
	if len(i.Interfaces) > 0 && len(i.Interfaces[0].LocalIPs) > 0 {
		private = i.Interfaces[0].LocalIPs[0].String()
	}
	return document(struct {
		AccountID        string    `json:"accountId"`
		Architecture     string    `json:"architecture"`
		AvailabilityZone string    `json:"availabilityZone"`
		BillingProducts  []string  `json:"billingProducts"`
		DevpayCodes      []string  `json:"devpayProductCodes"`
		MarketplaceCodes []string  `json:"marketplaceProductCodes"`
		ImageID          string    `json:"imageId"`
		InstanceID       string    `json:"instanceId"`
		InstanceType     string    `json:"instanceType"`
		KernelID         *string   `json:"kernelId"`
		PendingTime      time.Time `json:"pendingTime"`
		PrivateIP        string    `json:"privateIp"`
		RamdiskID        *string   `json:"ramdiskId"`
		Region           string    `json:"region"`
		Version          string    `json:"version"`
	}{i.AccountID, i.Architecture, i.AvailabilityZone, nil, nil, nil, i.ImageID, i.ID, i.InstanceType, orNull(i.KernelID),
		i.Launched.UTC().Truncate(time.Second), private, orNull(i.RamdiskID), i.Region, "2017-09-30"})
}
