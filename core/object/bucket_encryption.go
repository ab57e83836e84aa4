package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

const (
	actGetEncryption = "s3:GetEncryptionConfiguration"
	actPutEncryption = "s3:PutEncryptionConfiguration"
)

// BucketEncryption is how new objects of a bucket are encrypted when their writer says nothing. It is comparable.
type BucketEncryption struct {
	Method        EncryptionMethod // EncryptNone: the server's default
	KeyID         string           // of the key service, as given; "" is the default key of the writer's account
	BucketKey     bool
	BlockCustomer bool // SSE-C is refused
}

// or is e, or the server's default when e says nothing.
func (e BucketEncryption) or(server EncryptionMethod) BucketEncryption {
	if e.Method == EncryptNone {
		e.Method = server
	}
	return e
}

// admits refuses a method that the bucket does not take.
func (e BucketEncryption) admits(m EncryptionMethod) error {
	if m == EncryptCustomer && e.BlockCustomer {
		return errs.New(errs.Denied, AccessDenied, "Access Denied")
	}
	return nil
}

// still refuses a write whose encryption was decided by a state of the bucket that is no more: its body is sealed already.
func (e *envelope) still(then, now BucketEncryption) error {
	if then == now {
		return nil
	}
	if err := now.admits(e.method); err != nil {
		return err
	}
	if e.implied {
		return errs.New(errs.Conflict, OperationAborted,
			"A conflicting conditional operation is currently in progress against this resource. Please try again.")
	}
	return nil
}

// BucketEncryption returns the default encryption of a bucket. A bucket without one has the server's default; when that is
// to encrypt nothing, there is no configuration.
func (s *Service) BucketEncryption(ctx context.Context, who iam.Principal, bucket string) (BucketEncryption, error) {
	b, err := s.enter(ctx, &who, actGetEncryption, bucket, "")
	if err == nil {
		b, err = s.readPresence(ctx, b.Bucket, b.settings) // the cache may lag behind another node's change
	}
	var e BucketEncryption
	if err == nil {
		if e = b.Encryption.or(s.cfg.DefaultEncryption); e.Method == EncryptNone {
			err = errs.New(errs.NotFound, NoSuchEncryption, "The server side encryption configuration was not found")
		}
	}
	if err != nil {
		return BucketEncryption{}, failed("object.BucketEncryption", bucket, err)
	}
	return e, nil
}

// PutBucketEncryption sets the default encryption of a bucket; the zero value takes it back. Objects that exist stay as
// they are.
func (s *Service) PutBucketEncryption(ctx context.Context, who iam.Principal, bucket string, e BucketEncryption) error {
	return failed("object.PutBucketEncryption", bucket, s.putBucketEncryption(ctx, &who, bucket, e))
}

func (s *Service) putBucketEncryption(ctx context.Context, who *iam.Principal, name string, e BucketEncryption) error {
	b, err := s.enter(ctx, who, actPutEncryption, name, "")
	if err != nil {
		return err
	}
	switch {
	case e.Method == EncryptCustomer || e.Method > EncryptCustomer:
		return invalidArgument("A bucket cannot have a customer's key")
	case e.KeyID != "" && !e.Method.usesKMS():
		return invalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	case e.Method != EncryptNone && s.cfg.Keys == nil:
		return errs.New(errs.NotImplemented, "", "There is no key service")
	}
	err = s.commitIn(ctx, b, func(b *bucket, batch *kv.Batch) error {
		p := b.presenceRecord()
		p.setEncryption(e)
		batch.Put(b.presence, encodeRecord(p))
		return nil
	})
	s.buckets.drop(name)
	return err
}

func (p *presence) setEncryption(e BucketEncryption) {
	p.Enc, p.EncID, p.EncBucketKey, p.EncBlocked = uint8(e.Method), e.KeyID, e.BucketKey, e.BlockCustomer
}

func (p *presence) encryption() BucketEncryption {
	return BucketEncryption{Method: EncryptionMethod(p.Enc), KeyID: p.EncID, BucketKey: p.EncBucketKey, BlockCustomer: p.EncBlocked}
}
