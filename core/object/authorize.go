package object

import (
	"context"
	"maps"
	"strconv"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// Actions, as policies name them.
const (
	actCreateBucket     = "s3:CreateBucket"
	actDeleteBucket     = "s3:DeleteBucket"
	actListAllMyBuckets = "s3:ListAllMyBuckets"
	actListBucket       = "s3:ListBucket"
	actListUploads      = "s3:ListBucketMultipartUploads"
	actGetBucketTagging = "s3:GetBucketTagging"
	actPutBucketTagging = "s3:PutBucketTagging"
	actGetVersioning    = "s3:GetBucketVersioning"
	actPutVersioning    = "s3:PutBucketVersioning"

	actGetPolicy       = "s3:GetBucketPolicy"
	actPutPolicy       = "s3:PutBucketPolicy"
	actDeletePolicy    = "s3:DeleteBucketPolicy"
	actGetPolicyStatus = "s3:GetBucketPolicyStatus"
	actGetCORS         = "s3:GetBucketCORS"
	actPutCORS         = "s3:PutBucketCORS"
	actGetPublicAccess = "s3:GetBucketPublicAccessBlock"
	actPutPublicAccess = "s3:PutBucketPublicAccessBlock"
	actGetLocation     = "s3:GetBucketLocation"
	actGetLifecycle    = "s3:GetLifecycleConfiguration"
	actPutLifecycle    = "s3:PutLifecycleConfiguration"
	actRestoreObject   = "s3:RestoreObject"
	actGetBucketACL    = "s3:GetBucketAcl"
	actPutBucketACL    = "s3:PutBucketAcl"
	actGetOwnership    = "s3:GetBucketOwnershipControls"
	actPutOwnership    = "s3:PutBucketOwnershipControls"

	actGetObject            = "s3:GetObject"
	actGetObjectVersion     = "s3:GetObjectVersion"
	actGetObjectAttributes  = "s3:GetObjectAttributes"
	actGetVersionAttributes = "s3:GetObjectVersionAttributes"
	actPutObject            = "s3:PutObject"
	actDeleteObject         = "s3:DeleteObject"
	actDeleteObjectVersion  = "s3:DeleteObjectVersion"
	actAbortUpload          = "s3:AbortMultipartUpload"
	actListParts            = "s3:ListMultipartUploadParts"

	actGetObjectACL  = "s3:GetObjectAcl"
	actGetVersionACL = "s3:GetObjectVersionAcl"
	actPutObjectACL  = "s3:PutObjectAcl"
	actPutVersionACL = "s3:PutObjectVersionAcl"

	actGetObjectTagging     = "s3:GetObjectTagging"
	actGetVersionTagging    = "s3:GetObjectVersionTagging"
	actPutObjectTagging     = "s3:PutObjectTagging"
	actPutVersionTagging    = "s3:PutObjectVersionTagging"
	actDeleteObjectTagging  = "s3:DeleteObjectTagging"
	actDeleteVersionTagging = "s3:DeleteObjectVersionTagging"
)

const arnPrefix = "arn:aws:s3:::"

// ask is a question about a bucket, or about a key in it.
type ask struct {
	action, key string
	version     string              // of the key, when a certain one is meant
	owner       string              // account of the object, when it is known and not the bucket's
	context     map[string][]string // condition keys that only the operation knows
}

// allow asks whether who may do action on a key of a bucket, or on the bucket itself when key is empty.
func (s *Service) allow(ctx context.Context, who *iam.Principal, action string, b *bucket, key string) error {
	return s.allowed(ctx, who, b, ask{action: action, key: key})
}

// allowed asks a question whose answer nil is yes. Where access control lists mean nothing, which is the rule, everything in
// the bucket is its owner's and no more than policies decide.
func (s *Service) allowed(ctx context.Context, who *iam.Principal, b *bucket, q ask) error {
	r := iam.Request{Principal: *who, Action: q.action, ResourceAccount: b.Owner.AccountID}
	if q.key == "" {
		r.Resource = arnPrefix + b.Name
	} else {
		r.Resource = arnPrefix + b.Name + "/" + q.key
	}
	if b.settings.ownership.lists() {
		return s.allowedByLists(ctx, who, b, &q, &r)
	}
	r.Policy = b.policyFor(who, q.action)
	if err := s.completeContext(ctx, who, b, &q, &r); err != nil {
		return err
	}
	return s.decide(ctx, who, b, &q, &r)
}

// allowNew asks whether who may do action to an object that it writes, which may be its own then.
func (s *Service) allowNew(ctx context.Context, who *iam.Principal, action string, b *bucket, key string) error {
	q := ask{action: action, key: key}
	if b.settings.ownership.lists() {
		q.owner = accountOf(who)
	}
	return s.allowed(ctx, who, b, q)
}

// decide asks the authority. Who may not read an object, but may list it, learns that it is not there when it is not.
func (s *Service) decide(ctx context.Context, who *iam.Principal, b *bucket, q *ask, r *iam.Request) error {
	err := s.cfg.IAM.Authorize(ctx, *r)
	if err == nil || q.action != actGetObject && q.action != actGetObjectVersion || s.mayList(ctx, who, b, q.key) != nil {
		return err
	}
	if _, ferr := s.findObject(ctx, b, q.key, q.version); errs.KindOf(ferr) == errs.NotFound {
		return ferr
	}
	return err
}

// mayList asks whether who may list a key: whether there is one is no secret then.
func (s *Service) mayList(ctx context.Context, who *iam.Principal, b *bucket, key string) error {
	return s.allowed(ctx, who, b, ask{action: actListBucket, context: map[string][]string{"s3:prefix": {key}}})
}

// completeContext adds what policies look at, if there is one.
func (s *Service) completeContext(ctx context.Context, who *iam.Principal, b *bucket, q *ask, r *iam.Request) error {
	user := !who.Root && !who.Anonymous // whose policies may look at the same
	if r.Policy != nil || user {
		if q.version != "" {
			q.context = maps.Clone(q.context)
			if q.context == nil {
				q.context = map[string][]string{}
			}
			q.context["s3:versionid"] = []string{q.version}
		}
		switch {
		case q.key == "":
		case r.Policy != nil && b.settings.tags:
			var err error
			if q.context, err = s.withTags(ctx, b, q); err != nil {
				return err
			}
		case user:
			asked := *q // so that only the questions of users are put on the heap
			r.Existing = func() (map[string][]string, error) { return s.withTags(ctx, b, &asked) }
		}
	}
	r.Context = q.context
	return nil
}

// allowList is allow for listings, whose policies may look at what is asked.
func (s *Service) allowList(ctx context.Context, who *iam.Principal, action string, b *bucket, prefix, delimiter string, max int) error {
	c := map[string][]string{"s3:prefix": {prefix}, "s3:max-keys": {strconv.Itoa(max)}}
	if delimiter != "" {
		c["s3:delimiter"] = []string{delimiter}
	}
	return s.allowed(ctx, who, b, ask{action: action, context: c})
}

// enter finds a bucket and asks whether who may do action in it: the beginning of every operation on a bucket.
func (s *Service) enter(ctx context.Context, who *iam.Principal, action, name, key string) (*bucket, error) {
	return s.enterFor(ctx, who, name, ask{action: action, key: key})
}

// enterFor is enter with all that policies may look at. A principal that may not do it in a bucket of its own learns
// nothing about which buckets exist, unless it is nobody: whether a name is taken is public, and nobody has no bucket.
func (s *Service) enterFor(ctx context.Context, who *iam.Principal, name string, q ask) (*bucket, error) {
	b, err := s.bucket(ctx, name)
	if err != nil {
		if errs.KindOf(err) == errs.NotFound && !who.Anonymous {
			r := iam.Request{Principal: *who, Action: q.action, Resource: arnPrefix + name + "/" + q.key, Context: q.context}
			if err := s.cfg.IAM.Authorize(ctx, r); err != nil {
				return nil, err
			}
		}
		return nil, err
	}
	if err := s.allowed(ctx, who, b, q); err != nil {
		return nil, err
	}
	return b, nil
}

// hideAbsence turns the absence of a key into a refusal for those who may not list the bucket: they must not learn
// which keys exist.
func (s *Service) hideAbsence(ctx context.Context, who *iam.Principal, b *bucket, key string, absence error) error {
	if errs.KindOf(absence) != errs.NotFound {
		return absence
	}
	if err := s.mayList(ctx, who, b, key); err != nil {
		return err
	}
	return absence
}
