package iam

import (
	"time"

	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// ExistingObjectTag begins the condition keys that are about the tags of an object that exists.
const ExistingObjectTag = "s3:existingobjecttag/"

// AnonymousCanonicalID is the canonical id under which S3 shows requests that nobody signed.
const AnonymousCanonicalID = "65a011a29cdf8ec533ec3d1ccaae921c"

// Principal is who makes a request. The zero value may do nothing.
type Principal struct {
	AccountID   string // 12 digits; whose resources are the principal's own
	CanonicalID string // 64 hex digits: the account as S3's owners and grants name it
	DisplayName string // the account's, for S3's owners
	UserName    string // of the root, that of the account's owner
	UserID      string // AIDA…, or the account id for a root
	ARN         string
	AccessKeyID string // the key that signed
	Root        bool   // the root of its account: no policy can narrow it
	Anonymous   bool   // nobody signed the request
	Facts       Facts  // of the request that the principal makes; nil for what is done from inside
}

// Facts tells what policies may look at in a request: condition keys in lower case (aws:sourceip) with their values. It
// is asked only when there is a policy, so that requests without one do not pay for it.
type Facts interface {
	Conditions() map[string][]string
}

// Anonymous is the principal of unsigned requests.
func Anonymous() Principal {
	return Principal{CanonicalID: AnonymousCanonicalID, UserID: "anonymous", Anonymous: true}
}

// Credential is what an access key id stands for.
type Credential struct {
	Secret    Secret
	Principal Principal
	// SessionToken must come with the request when it is not empty; Expires is then its end.
	SessionToken Secret
	Expires      time.Time
}

// Request asks whether a principal may do something.
type Request struct {
	Principal Principal
	Action    string // s3:GetObject
	Resource  string // an ARN: arn:aws:s3:::bucket/key
	// ResourceAccount owns the resource; empty when it does not exist yet or has no owner
	// (ListAllMyBuckets), which stands for the principal's own account.
	ResourceAccount string
	// Context holds condition keys beyond the principal's Facts (s3:prefix), lower case.
	Context map[string][]string
	// Existing finds the condition keys of the object that is there (ExistingObjectTag), on top of Context; nil when there is none
	// or they are in Context. It is asked only when a policy of the principal looks at them.
	Existing func() (map[string][]string, error)
	// Policy is the resource's own, nil when it has none.
	Policy *policy.Document
	// Granted says that an access control list of the resource allows it, as a policy of the resource could.
	Granted bool
}
