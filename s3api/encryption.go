package s3api

import (
	"crypto/subtle"
	"encoding/base64"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

const (
	hdrSSE          = "x-amz-server-side-encryption"
	hdrSSEKey       = "x-amz-server-side-encryption-aws-kms-key-id"
	hdrSSEContext   = "x-amz-server-side-encryption-context"
	hdrSSEBucketKey = "x-amz-server-side-encryption-bucket-key-enabled"

	customerPrefix       = "x-amz-server-side-encryption-customer-"
	sourceCustomerPrefix = "x-amz-copy-source-server-side-encryption-customer-"

	customerAlgorithm = "AES256" // the only one
)

var encryptionMethods = [...]string{
	object.EncryptNone: "", object.EncryptS3: "AES256", object.EncryptKMS: "aws:kms", object.EncryptKMSTwice: "aws:kms:dsse",
	object.EncryptCustomer: "",
}

// encryptionMethod reads a method that is there.
func encryptionMethod(v string) (object.EncryptionMethod, bool) {
	for m, name := range encryptionMethods {
		if name == v && v != "" {
			return object.EncryptionMethod(m), true
		}
	}
	return object.EncryptNone, false
}

// noteEncryption looks once whether the request speaks of encryption at all: most do not.
func (r *request) noteEncryption() {
	for i := range r.headers {
		name := r.headers[i].Name
		if hasPrefixFold(name, hdrSSE) || hasPrefixFold(name, "x-amz-copy-source-server-side-encryption") {
			r.encrypts = true
			return
		}
	}
}

// encryption reads how a new object is to be encrypted. What is wrong with it is told later, to those who may write.
func (r *request) encryption() object.Encryption {
	if !r.encrypts {
		return object.Encryption{}
	}
	return r.encryptionOf(r.header)
}

// encryptionOf reads it from headers or from the fields of a form.
func (r *request) encryptionOf(get func(string) string) object.Encryption {
	e, err := r.parseEncryption(get)
	e.Invalid = err
	return e
}

func (r *request) parseEncryption(get func(string) string) (e object.Encryption, err error) {
	method := get(hdrSSE)
	if _, known := encryptionMethod(method); known && get(customerPrefix+"algorithm")+get(customerPrefix+"key") != "" {
		return e, s3err.Argument(hdrSSE, method,
			"Server Side Encryption with Customer provided key is incompatible with the encryption method specified")
	}
	if e.Customer, err = r.parseCustomerKey(get, customerPrefix); err != nil {
		return e, err
	}
	switch {
	case method != "":
		var ok bool
		if e.Method, ok = encryptionMethod(method); !ok {
			return e, s3err.Argument(hdrSSE, method, "The encryption method specified is not supported")
		}
	case e.Customer != nil:
		e.Method = object.EncryptCustomer
	}
	e.KeyID, e.Context = get(hdrSSEKey), get(hdrSSEContext)
	switch usesKMS := e.Method == object.EncryptKMS || e.Method == object.EncryptKMSTwice; {
	case usesKMS:
	case e.KeyID != "":
		return e, s3err.Argument(hdrSSE, method,
			"Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	case e.Context != "":
		return e, s3err.Argument(hdrSSEContext, e.Context, "The header 'x-amz-server-side-encryption-context' is only valid with aws:kms")
	}
	switch v := get(hdrSSEBucketKey); v {
	case "":
	case "true", "false":
		on := v == "true"
		e.BucketKey = &on
	default:
		return e, s3err.Argument(hdrSSEBucketKey, v, "The value of x-amz-server-side-encryption-bucket-key-enabled must be true or false")
	}
	return e, nil
}

// readersKey reads the customer's key that comes with the reading of an object, and refuses headers that only writers have.
func (r *request) readersKey() (*object.CustomerKey, error) {
	if !r.encrypts {
		return nil, nil
	}
	for _, name := range [...]string{hdrSSE, hdrSSEKey, hdrSSEContext, hdrSSEBucketKey} {
		if v := r.header(name); v != "" {
			return nil, s3err.Argument(name, v, name+" header is not supported for this operation.")
		}
	}
	return r.customerKey(customerPrefix)
}

// customerKey reads a key of SSE-C; nil when there is none.
func (r *request) customerKey(prefix string) (*object.CustomerKey, error) {
	if !r.encrypts {
		return nil, nil
	}
	return r.parseCustomerKey(r.header, prefix)
}

func (r *request) parseCustomerKey(get func(string) string, prefix string) (*object.CustomerKey, error) {
	algorithm, encoded, sum := get(prefix+"algorithm"), get(prefix+"key"), get(prefix+"key-MD5")
	bad := func(message string) error {
		return s3err.Newf(s3err.InvalidArgument, "%s", message).With("ArgumentName", hdrSSE)
	}
	switch {
	case algorithm == "" && encoded == "" && sum == "":
		return nil, nil
	case r.srv.cfg.CustomerKeysNeedTLS && !r.fctx.IsTLS():
		return nil, s3err.Newf(s3err.InvalidRequest, "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.")
	case algorithm == "":
		return nil, bad("Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.")
	case encoded == "":
		return nil, bad("Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.")
	case sum == "":
		return nil, bad("Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.")
	case algorithm != customerAlgorithm:
		return nil, s3err.New(s3err.InvalidEncryptionAlgorithm).With("ArgumentName", hdrSSE).With("ArgumentValue", algorithm)
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	var key object.CustomerKey
	if err != nil || len(plain) != len(key) {
		return nil, bad("The secret key was invalid for the specified algorithm.")
	}
	copy(key[:], plain)
	if subtle.ConstantTimeCompare([]byte(sum), []byte(key.MD5())) != 1 {
		return nil, bad("The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return &key, nil
}

// setEncryption says how an object is encrypted.
func (p *response) setEncryption(e *object.EncryptionInfo) {
	if e.Method == object.EncryptNone {
		return
	}
	if e.Method == object.EncryptCustomer {
		if e.CustomerMD5 != "" {
			p.set(customerPrefix+"algorithm", customerAlgorithm)
			p.set(customerPrefix+"key-MD5", e.CustomerMD5)
		}
		return
	}
	p.set(hdrSSE, encryptionMethods[e.Method])
	p.set(hdrSSEKey, e.KeyID)
	p.set(hdrSSEContext, e.Context)
	if e.BucketKey {
		p.set(hdrSSEBucketKey, "true")
	}
}
