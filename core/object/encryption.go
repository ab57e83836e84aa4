package object

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/kms"
)

// EncryptionMethod is how a body is encrypted at rest. The numbers are stored.
type EncryptionMethod uint8

// The methods.
const (
	EncryptNone     EncryptionMethod = iota
	EncryptS3                        // SSE-S3: the store's own key
	EncryptKMS                       // SSE-KMS: a key of the key service
	EncryptKMSTwice                  // DSSE-KMS: likewise, in two layers
	EncryptCustomer                  // SSE-C: a key that comes with each request and is never kept
)

const (
	actGenerateDataKey = "kms:GenerateDataKey"
	actDecrypt         = "kms:Decrypt"
)

// usesKMS reports whether keys of the key service are used.
func (m EncryptionMethod) usesKMS() bool { return m == EncryptKMS || m == EncryptKMSTwice }

// CustomerKey is a key of SSE-C. It prints as stars.
type CustomerKey [kms.KeySize]byte

// String returns stars.
func (CustomerKey) String() string { return "***" }

// GoString returns stars, for %#v.
func (CustomerKey) GoString() string { return "***" }

// LogValue returns stars.
func (CustomerKey) LogValue() slog.Value { return slog.StringValue("***") }

// MD5 is what clients send and are sent of a key.
func (k *CustomerKey) MD5() string {
	sum := md5.Sum(k[:])
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Encryption is how a new object is to be encrypted; the zero value leaves it to the bucket.
type Encryption struct {
	Method    EncryptionMethod
	KeyID     string       // of the key service: id, ARN or alias; "" is the default key of the caller's account
	Context   string       // of the key service: base64 of a JSON object of strings, or ""
	BucketKey *bool        // nil leaves it to the bucket
	Customer  *CustomerKey // with EncryptCustomer
	Invalid   error        // what is wrong with what was asked: for those who may write at all
}

// EncryptionInfo is how an object is encrypted.
type EncryptionInfo struct {
	Method      EncryptionMethod
	KeyID       string // ARN
	Context     string
	BucketKey   bool
	CustomerMD5 string // of the key that came with the request
}

// envelope is the encryption of an object that is written: what is stored of it, and the data key.
type envelope struct {
	method    EncryptionMethod
	keyID     string
	context   string
	bucketKey bool
	sealed    []byte
	key       kms.DataKey
	customer  string // MD5 of the customer's key, never stored
	implied   bool   // the bucket's default decided
}

// plainEnvelope is the envelope of objects in the clear.
var plainEnvelope = envelope{implied: true}

// layersOf is how often a method encrypts.
func layersOf(m EncryptionMethod) int {
	switch m {
	case EncryptNone:
		return 0
	case EncryptKMSTwice:
		return 2
	}
	return 1
}

func (d *detail) layers() int { return layersOf(EncryptionMethod(d.Enc)) }

// keep notes the envelope in what is stored.
func (e *envelope) keep(d *detail) {
	d.Enc, d.EncKey, d.EncID, d.EncContext, d.EncBucketKey = uint8(e.method), e.sealed, e.keyID, e.context, e.bucketKey
}

// sealing encrypts a stream; nil when nothing is encrypted.
func (e *envelope) sealing(salt instance) *sealing {
	if e.method == EncryptNone {
		return nil
	}
	return newSealing(&e.key, salt, layersOf(e.method))
}

// info is what the writer is told.
func (e *envelope) info() EncryptionInfo {
	return EncryptionInfo{Method: e.method, KeyID: e.keyID, Context: e.context, BucketKey: e.bucketKey, CustomerMD5: e.customer}
}

// encryption is what a reader is told; key came with the request.
func (d *detail) encryption(key *CustomerKey) EncryptionInfo {
	if d.Enc == 0 {
		return EncryptionInfo{}
	}
	i := EncryptionInfo{Method: EncryptionMethod(d.Enc), KeyID: d.EncID, BucketKey: d.EncBucketKey}
	if key != nil {
		i.CustomerMD5 = key.MD5()
	}
	return i
}

// hidesMD5 reports whether the ETag must not be the MD5 of the body.
func (m EncryptionMethod) hidesMD5() bool { return m >= EncryptKMS }

// coverETag replaces the MD5 of a body that its ETag must not tell by one that only the data key could give. A part that is
// sent again has the same one.
func coverETag(m EncryptionMethod, key *kms.DataKey, sum *[16]byte) {
	if m.hidesMD5() {
		mac := hmac.New(sha256.New, key[:])
		mac.Write([]byte("aureole ETag"))
		mac.Write(sum[:])
		copy(sum[:], mac.Sum(nil))
	}
}

// sealFor decides how a new object in b is encrypted, and makes its data key.
func (s *Service) sealFor(ctx context.Context, who *iam.Principal, b *bucket, asked *Encryption) (*envelope, error) {
	if asked.Invalid != nil {
		return nil, asked.Invalid
	}
	use := *asked
	implied := use.Method == EncryptNone
	if implied {
		d := b.Encryption.or(s.cfg.DefaultEncryption)
		if d.Method == EncryptNone {
			return &plainEnvelope, nil
		}
		use.Method, use.KeyID = d.Method, d.KeyID
	}
	if use.BucketKey == nil {
		use.BucketKey = &b.Encryption.BucketKey
	}
	e := &envelope{method: use.Method, implied: implied}
	if e.method == EncryptCustomer {
		if err := b.Encryption.admits(e.method); err != nil {
			return nil, err
		}
		e.key = kms.NewDataKey()
		e.sealed = kms.SealUnder((*[kms.KeySize]byte)(use.Customer), &e.key, customerContext)
		e.customer = use.Customer.MD5()
		return e, nil
	}
	if s.cfg.Keys == nil {
		return nil, errs.New(errs.NotImplemented, "", "There is no key service")
	}
	id := kms.ManagedKey
	if e.method.usesKMS() {
		if use.KeyID == "" && !implied && s.cfg.Dialect.KMSKeyMustBeNamed {
			return nil, invalidArgument("Server Side Encryption with KMS managed key requires HTTP header x-amz-server-side-encryption-aws-kms-key-id")
		}
		if err := checkContext(use.Context); err != nil {
			return nil, err
		}
		k, err := s.keyFor(ctx, who, b, use.KeyID)
		if err != nil {
			return nil, err
		}
		if err := s.allowKey(ctx, who, actGenerateDataKey, k); err != nil {
			return nil, err
		}
		id, e.keyID, e.context = k.ID, k.ARN, use.Context
		// Two layers with a key of the bucket's would share what must be apart: AWS has no such thing either.
		e.bucketKey = use.BucketKey != nil && *use.BucketKey && e.method == EncryptKMS
	}
	var err error
	e.key, e.sealed, err = s.cfg.Keys.Generate(ctx, id, keyContext(e.method, e.context))
	return e, err
}

// customerContext and keyContext bind a sealed data key to its use.
var customerContext = []byte("SSE-C")

func keyContext(m EncryptionMethod, context string) []byte {
	sum := sha256.Sum256([]byte(context))
	return append([]byte{'s', '3', byte(m)}, sum[:]...)
}

// keyFor finds the key of the key service that a request or a bucket names.
func (s *Service) keyFor(ctx context.Context, who *iam.Principal, b *bucket, name string) (kms.Key, error) {
	account := cmp.Or(who.AccountID, b.Owner.AccountID) // services have no account
	if who.Anonymous {
		if name == "" || !strings.HasPrefix(name, "arn:") {
			return kms.Key{}, unsignedKMS()
		}
		account = b.Owner.AccountID
	}
	return s.cfg.Keys.Resolve(ctx, account, name)
}

func unsignedKMS() error {
	e := errs.New(errs.Invalid, InvalidArgument,
		"Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.")
	e.Detail = map[string]string{"ArgumentName": "Authorization", "ArgumentValue": "null"}
	return e
}

// allowKey asks whether who may use a key. The default key of an account serves all its principals, a shared
// key everybody.
func (s *Service) allowKey(ctx context.Context, who *iam.Principal, action string, k kms.Key) error {
	if who.Anonymous {
		return unsignedKMS()
	}
	if k.Managed && k.Account == who.AccountID || k.Shared {
		return nil
	}
	return s.cfg.IAM.Authorize(ctx, iam.Request{Principal: *who, Action: action, Resource: k.ARN, ResourceAccount: k.Account})
}

// maxContext bounds an encryption context as it is sent; requests have no room for more.
const maxContext = 8 << 10

// checkContext refuses a context that is no base64 of a JSON object of strings.
func checkContext(v string) error {
	if v == "" {
		return nil
	}
	plain, err := base64.StdEncoding.DecodeString(v)
	if err == nil && len(v) <= maxContext {
		var pairs map[string]string
		if json.Unmarshal(plain, &pairs) == nil {
			return nil
		}
	}
	return invalidArgument("The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map")
}

// admitReader refuses a reader whose parameters do not fit how the object is encrypted. It opens no data key but a
// customer's, which is how a wrong one is told.
func (s *Service) admitReader(d *detail, key *CustomerKey) error {
	switch {
	case EncryptionMethod(d.Enc) != EncryptCustomer:
		if key != nil {
			return invalidRequest("The encryption parameters are not applicable to this object.")
		}
		return nil
	case key == nil:
		return invalidRequest("The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	}
	_, err := openCustomer(d, key)
	if err != nil && s.cfg.Dialect.OtherCustomerKeyInvalid {
		return invalidArgument("The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return err
}

// openCustomer opens a data key of SSE-C.
func openCustomer(d *detail, key *CustomerKey) (kms.DataKey, error) {
	k, err := kms.OpenUnder((*[kms.KeySize]byte)(key), d.EncKey, customerContext)
	if err != nil {
		return k, errs.New(errs.Denied, AccessDenied,
			"Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.")
	}
	return k, nil
}

// dataKey opens the data key of an encrypted object for a reader that was admitted.
func (s *Service) dataKey(ctx context.Context, who *iam.Principal, d *detail, key *CustomerKey) (kms.DataKey, error) {
	m := EncryptionMethod(d.Enc)
	switch {
	case m == EncryptCustomer:
		return openCustomer(d, key)
	case s.cfg.Keys == nil:
		return kms.DataKey{}, errs.New(errs.NotImplemented, "", "There is no key service")
	case m == EncryptS3:
		return s.cfg.Keys.Open(ctx, kms.ManagedKey, d.EncKey, keyContext(m, ""))
	}
	k, err := s.cfg.Keys.Resolve(ctx, who.AccountID, d.EncID)
	if err != nil {
		return kms.DataKey{}, err
	}
	if err := s.allowKey(ctx, who, actDecrypt, k); err != nil {
		return kms.DataKey{}, err
	}
	return s.cfg.Keys.Open(ctx, k.ID, d.EncKey, keyContext(m, d.EncContext))
}
