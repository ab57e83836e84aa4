package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Ownership says whose the objects of a bucket are, and whether access control lists mean anything in it.
type Ownership uint8

// The settings. Their numbers are stored.
const (
	OwnerEnforced  Ownership = 0 // everything is the bucket owner's; access control lists are off
	OwnerPreferred Ownership = 1 // an object is its writer's, unless the writer gives the bucket owner full control
	ObjectWriter   Ownership = 2 // an object is its writer's
	OwnershipUnset Ownership = 3 // the controls were deleted, which works as ObjectWriter
)

var ownershipNames = [...]string{OwnerEnforced: "BucketOwnerEnforced", OwnerPreferred: "BucketOwnerPreferred", ObjectWriter: "ObjectWriter"}

// String is the name of o in S3; "" for none.
func (o Ownership) String() string {
	if int(o) < len(ownershipNames) {
		return ownershipNames[o]
	}
	return ""
}

// ParseOwnership reads the name of a setting.
func ParseOwnership(s string) (Ownership, bool) {
	for o, name := range ownershipNames {
		if name == s {
			return Ownership(o), true
		}
	}
	return OwnerEnforced, false
}

// lists reports whether access control lists mean anything.
func (o Ownership) lists() bool { return o != OwnerEnforced }

// Ownership returns the ownership controls of a bucket.
func (s *Service) Ownership(ctx context.Context, who iam.Principal, bucket string) (Ownership, error) {
	b, err := s.enterSettings(ctx, &who, actGetOwnership, bucket)
	if err == nil && b.settings.ownership == OwnershipUnset {
		r := SettingOwnership.rule()
		err = errs.New(errs.NotFound, r.absent, "%s", r.message).On(bucket)
	}
	if err != nil {
		return 0, failed("object.Ownership", bucket, err)
	}
	return b.settings.ownership, nil
}

// PutOwnership sets the ownership controls of a bucket. OwnershipUnset deletes them. Access control lists can be turned off
// only when the bucket's own gives nobody else anything; those of objects stay, and mean something again when they are turned
// on.
func (s *Service) PutOwnership(ctx context.Context, who iam.Principal, bucket string, o Ownership) error {
	b, err := s.enter(ctx, &who, actPutOwnership, bucket, "")
	if err == nil {
		err = s.writeSetting(ctx, b, SettingOwnership, encodeOwnership(o), func(st *settings) error {
			if !o.lists() && !st.acl.onlyOwner(b.Owner) {
				return aclWithOwnership()
			}
			return nil
		})
	}
	return failed("object.PutOwnership", bucket, err)
}

func aclWithOwnership() error {
	return errs.New(errs.Invalid, InvalidBucketACL, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
}

func aclsOff() error {
	return errs.New(errs.Invalid, ACLNotSupported, "The bucket does not allow ACLs")
}

// encodeOwnership is the document of a setting. A bucket without one is OwnerEnforced.
func encodeOwnership(o Ownership) []byte { return []byte{byte(o)} }

func parseOwnership(data []byte) (Ownership, error) {
	if len(data) != 1 || Ownership(data[0]) > OwnershipUnset {
		return OwnerEnforced, errRecord
	}
	return Ownership(data[0]), nil
}

// anonymousAccount stands for the owner of what nobody wrote.
const anonymousAccount = "anonymous"

// accountOf is the account that owns what who writes.
func accountOf(who *iam.Principal) string {
	if who.Anonymous {
		return anonymousAccount
	}
	return who.AccountID
}

// ownerOf describes the owner of an object by its account; "" is the bucket's.
func (s *Service) ownerOf(ctx context.Context, b *bucket, account string) Owner {
	switch {
	case account == "" || account == b.Owner.AccountID || !b.settings.ownership.lists():
		return b.Owner
	case account == anonymousAccount:
		return Owner{AccountID: anonymousAccount, CanonicalID: iam.AnonymousCanonicalID}
	}
	a, err := s.cfg.IAM.Account(ctx, account)
	if err != nil {
		return Owner{AccountID: account}
	}
	return Owner{AccountID: account, CanonicalID: a.CanonicalID, DisplayName: a.DisplayName}
}

// owners is ownerOf for listings, whose entries mostly have the same few owners.
type owners struct {
	s       *Service
	ctx     context.Context
	b       *bucket
	account string
	owner   *Owner // of account, when that is not empty
}

func (o *owners) of(account string) *Owner {
	if account == "" {
		return &o.b.Owner
	}
	return o.other(account)
}

func (o *owners) other(account string) *Owner {
	if account != o.account {
		owner := o.s.ownerOf(o.ctx, o.b, account)
		o.account, o.owner = account, &owner
	}
	return o.owner
}

// newObject is whose a new object is, and its access control list.
type newObject struct {
	owner string // account; "" is the bucket's
	acl   []byte // encoded; nil is the owner's full control alone
}

// place decides on the owner and the access control list of an object that who writes.
func (s *Service) place(ctx context.Context, who *iam.Principal, b *bucket, key string, in *ACLInput) (newObject, error) {
	if !b.settings.ownership.lists() {
		return newObject{}, s.admitWithoutLists(ctx, b, in)
	}
	account := accountOf(who)
	if account == b.Owner.AccountID || b.settings.ownership == OwnerPreferred && in.Canned == cannedBucketOwnerFull {
		account = ""
	}
	if in.IsZero() {
		return newObject{owner: account}, nil
	}
	owner := s.ownerOf(ctx, b, account)
	if in.Canned != cannedBucketOwnerFull {
		q := ask{action: actPutObjectACL, key: key, owner: owner.AccountID}
		if err := s.allowed(ctx, who, b, q); err != nil {
			return newObject{}, err
		}
	}
	l, err := s.grants(ctx, in, owner, b.Owner)
	if err != nil {
		return newObject{}, err
	}
	if err := b.settings.blockPublic(b.Name, l); err != nil {
		return newObject{}, err
	}
	return newObject{owner: account, acl: l.encode()}, nil
}

// admitWithoutLists refuses, in a bucket whose lists are off, what asks for one.
func (s *Service) admitWithoutLists(ctx context.Context, b *bucket, in *ACLInput) error {
	if err := s.checkGrants(ctx, in); err != nil {
		return err
	}
	if !b.saysWhatIs(in) {
		return aclsOff()
	}
	return nil
}

// saysWhatIs reports whether a request asks, where lists are off, for what is so anyway. Everything else is refused.
func (b *bucket) saysWhatIs(in *ACLInput) bool {
	switch {
	case in.Given:
		return sameAsOwner(in, b.Owner)
	case in.Canned == "private":
		// Amazon refuses it. Clients of the time before 2023 send it with everything, and they make buckets without a word
		// about ownership; whoever asked for BucketOwnerEnforced gets what Amazon does.
		return b.settings.docs[SettingOwnership] == nil
	}
	return in.Canned == "" || in.Canned == cannedBucketOwnerFull
}

// sameAsOwner reports whether a document says that the owner has full control, alone. Clients that read a list and write it
// back send that.
func sameAsOwner(in *ACLInput, owner Owner) bool {
	return in.Given && !in.ByName && (in.Owner == "" || in.Owner == owner.CanonicalID) && len(in.Grants) == 1 &&
		in.Grants[0].Group == NoGroup && in.Grants[0].CanonicalID == owner.CanonicalID && in.Grants[0].Permission == PermFullControl
}

// blockPublic refuses a public list where those are blocked.
func (st *settings) blockPublic(bucket string, l grantList) error {
	if st.access.BlockPublicACLs && l.public() {
		return errs.New(errs.Denied, iam.AccessDenied, "Access Denied").On(bucket)
	}
	return nil
}
