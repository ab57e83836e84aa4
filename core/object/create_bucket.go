package object

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// CreateBucket makes a bucket. A name that is somebody else's is BucketExists. One that the caller's account owns is BucketOwned,
// except in the region us-east-1, where the bucket is returned as it is, and in the dialect that has it otherwise.
func (s *Service) CreateBucket(ctx context.Context, who iam.Principal, in CreateBucketInput) (Bucket, error) {
	b, err := s.createBucket(ctx, &who, in)
	if err != nil {
		return Bucket{}, failed("object.CreateBucket", in.Name, err)
	}
	return b, nil
}

func (s *Service) createBucket(ctx context.Context, who *iam.Principal, in CreateBucketInput) (Bucket, error) {
	if err := s.mayCreate(ctx, who, &in); err != nil {
		return Bucket{}, err
	}
	if err := checkBucketName(in.Name); err != nil {
		return Bucket{}, err
	}
	for _, t := range in.Tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return Bucket{}, errs.New(errs.Invalid, InvalidTag, `User-defined tag keys can't start with "aws:". `+
				`This prefix is reserved for system tags. Remove "aws:" from your tag keys and try again.`)
		}
	}
	if err := checkTags(in.Tags, MaxBucketTags); err != nil {
		return Bucket{}, err
	}
	rec := bucketRecord{
		Region: in.Region, Account: who.AccountID, CanonicalID: who.CanonicalID, DisplayName: who.DisplayName,
		Created: s.now().UnixMilli(), Tags: flatTags(in.Tags),
	}
	docs, err := s.firstSettings(ctx, &in, rec.outer(in.Name).Owner)
	if err != nil {
		return Bucket{}, err
	}
	mu := s.names.of(0, in.Name)
	mu.Lock()
	defer mu.Unlock()
	if err := s.resumeIntent(ctx, in.Name); err != nil {
		return Bucket{}, err
	}
	for {
		if err := s.nameFree(ctx, who, in.Name); err != nil {
			if errs.ReasonOf(err) != BucketOwned {
				return Bucket{}, err
			}
			return s.recreate(ctx, &in, err)
		}
		var id [8]byte
		rand.Read(id[:]) // never fails
		rec.ID = binary.BigEndian.Uint64(id[:])
		err := s.makeBucket(ctx, in.Name, rec, in.ObjectLock, docs)
		if errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			return Bucket{}, err
		}
		s.buckets.drop(in.Name)
		return rec.outer(in.Name), nil
	}
}

// mayCreate asks for all permissions that the creation of a bucket needs.
func (s *Service) mayCreate(ctx context.Context, who *iam.Principal, in *CreateBucketInput) error {
	actions := []string{actCreateBucket}
	if in.ObjectLock {
		actions = append(actions, actPutLockConfig, actPutVersioning)
	}
	if !in.ACL.IsZero() && in.ACL.Canned != "private" {
		actions = append(actions, actPutBucketACL)
	}
	if in.Ownership != nil {
		actions = append(actions, actPutOwnership)
	}
	context := map[string][]string{}
	if len(in.Tags) > 0 {
		actions = append(actions, actTagResource)
		context = tagContext(in.Tags, nil)
	}
	if in.Region != "" {
		context["s3:locationconstraint"] = []string{in.Region}
	}
	for _, action := range actions {
		if err := s.cfg.IAM.Authorize(ctx, iam.Request{Principal: *who, Action: action, Resource: arnPrefix + in.Name,
			ResourceAccount: who.AccountID, Context: context}); err != nil {
			return err
		}
	}
	return nil
}

// firstSettings are the settings that a bucket has from the start.
func (s *Service) firstSettings(ctx context.Context, in *CreateBucketInput, owner Owner) (map[Setting][]byte, error) {
	docs := map[Setting][]byte{}
	ownership := s.cfg.Ownership
	if in.Ownership != nil {
		ownership = *in.Ownership
	}
	if in.Ownership != nil || ownership != OwnerEnforced {
		docs[SettingOwnership] = encodeOwnership(ownership)
	}
	l, err := s.grants(ctx, &in.ACL, owner, owner)
	switch {
	case err != nil:
		return nil, err
	case !ownership.lists() && !l.onlyOwner(owner):
		return nil, aclWithOwnership()
	case ownership.lists():
		account, err := s.accountAccess(ctx, owner.AccountID)
		if err == nil {
			err = (&settings{access: account}).blockPublic(in.Name, l)
		}
		if err == nil && s.cfg.BlockPublic && l.public() {
			err = errs.New(errs.Invalid, InvalidPublicACL, "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
		}
		if err != nil {
			return nil, err
		}
		docs[SettingACL] = l.encode()
	}
	if s.cfg.BlockPublic {
		docs[SettingPublicAccess], err = json.Marshal(PublicAccessBlock{true, true, true, true})
	}
	return docs, err
}

// firstRegion is the one region where making one's own bucket again succeeds, unless tags or another region are given. It resets the
// bucket's access control list. Errors about other regions do not name it as where something is.
const firstRegion = "us-east-1"

func (s *Service) recreate(ctx context.Context, in *CreateBucketInput, owned error) (Bucket, error) {
	same := s.cfg.Dialect.RecreateComparesACL
	if !same && (s.cfg.Region != firstRegion || len(in.Tags) > 0) {
		return Bucket{}, owned
	}
	s.buckets.drop(in.Name)
	b, err := s.bucket(ctx, in.Name)
	if errs.KindOf(err) == errs.NotFound {
		return Bucket{}, owned // it is being deleted
	}
	if err != nil {
		return Bucket{}, err
	}
	asked := &bucket{Bucket: Bucket{Region: in.Region}}
	if same {
		return s.recreateSame(ctx, b, asked, in)
	}
	if s.regionOf(b) != firstRegion || s.regionOf(asked) != firstRegion {
		return Bucket{}, owned
	}
	if !b.settings.ownership.lists() {
		return b.Bucket, nil
	}
	l, err := s.grants(ctx, &in.ACL, b.Owner, b.Owner)
	if err == nil {
		err = b.settings.blockPublic(b.Name, l)
	}
	if err == nil {
		err = s.writeSetting(ctx, b, SettingACL, l.encode(), nil)
	}
	return b.Bucket, err
}

// recreateSame takes a bucket that is made again in its region with its access control list for what it is, and changes nothing.
func (s *Service) recreateSame(ctx context.Context, b, asked *bucket, in *CreateBucketInput) (Bucket, error) {
	if s.regionOf(b) != s.regionOf(asked) {
		return Bucket{}, errs.New(errs.Exists, BucketExists, "Cannot modify existing bucket's zonegroup").On(b.Name)
	}
	l, err := s.grants(ctx, &in.ACL, b.Owner, b.Owner)
	if err != nil {
		return Bucket{}, err
	}
	var has grantList
	if b.settings.ownership.lists() {
		has = b.settings.acl
	}
	if !slices.Equal(l.explicit(b.Owner), has.explicit(b.Owner)) {
		return Bucket{}, errs.New(errs.Exists, BucketExists, "Cannot modify existing access control policy").On(b.Name)
	}
	return b.Bucket, nil
}

// errTaken: the name or the id was taken by somebody else meanwhile.
var errTaken = errors.New("object: taken")

// nameFree fails when the name is somebody's.
func (s *Service) nameFree(ctx context.Context, who *iam.Principal, name string) error {
	v, err := s.kv.Get(ctx, kv.Control, nameKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	var rec bucketRecord
	if err := decodeRecord(v.Data, &rec); err != nil {
		return err
	}
	if rec.Account == who.AccountID {
		return errs.New(errs.Exists, BucketOwned,
			"Your previous request to create the named bucket succeeded and you already own it.").On(name)
	}
	return errs.New(errs.Exists, BucketExists, "The requested bucket name is not available. "+
		"The bucket namespace is shared by all users of the system. Please select a different name and try again.").On(name)
}

// makeBucket takes the three steps: the intent, the presence row in the bucket's own shard, the name. Only with the
// name does the bucket exist; whatever fails before is taken back, here or by the next start.
func (s *Service) makeBucket(ctx context.Context, name string, rec bucketRecord, lock bool, docs map[Setting][]byte) error {
	in := intent{Kind: intentCreate, Bucket: rec, Started: rec.Created}
	var b kv.Batch
	b.IfAbsent(nameKey(name))
	b.IfAbsent(intentKey(name))
	b.Put(intentKey(name), encodeRecord(&in))
	if _, err := s.kv.Commit(ctx, kv.Control, &b); errors.Is(err, kv.ErrConditionFailed) {
		return s.intentConflict(ctx, name)
	} else if err != nil {
		return err
	}
	err := s.makePresence(ctx, name, BucketID(rec.ID), lock)
	if err == nil {
		err = s.nameBucket(ctx, name, &rec, docs)
	}
	if err != nil {
		// Finish whatever happened to ctx; what cannot be finished now is by the next attempt or start.
		if rerr := s.resumeIntent(context.WithoutCancel(ctx), name); rerr != nil {
			s.log.Warn("taking back the creation of a bucket", "bucket", name, "err", rerr)
		}
	}
	return err
}

// intentConflict says why an intent could not be written: the name was taken, or somebody on another node is at it.
func (s *Service) intentConflict(ctx context.Context, name string) error {
	if _, err := s.kv.Get(ctx, kv.Control, intentKey(name)); err == nil {
		return errs.New(errs.Conflict, OperationAborted,
			"A conflicting conditional operation is currently in progress against this resource. Please try again.").On(name)
	}
	return errTaken
}

func (s *Service) makePresence(ctx context.Context, name string, id BucketID, lock bool) error {
	p := presence{Name: name}
	if lock {
		p.Versioning, p.Lock = uint8(VersioningEnabled), true
	}
	var b kv.Batch
	b.IfAbsent(presenceKey(id))
	b.Put(presenceKey(id), encodeRecord(&p))
	_, err := s.kv.Commit(ctx, s.shards.of(id, ""), &b)
	if errors.Is(err, kv.ErrConditionFailed) {
		return errTaken
	}
	return err
}

func (s *Service) nameBucket(ctx context.Context, name string, rec *bucketRecord, docs map[Setting][]byte) error {
	data := encodeRecord(rec)
	var b kv.Batch
	b.IfAbsent(nameKey(name))
	b.IfExists(intentKey(name))
	b.IfCounterAtMost(accountCountKey(rec.Account), int64(s.cfg.MaxBuckets))
	b.Put(nameKey(name), data)
	b.Put(accountKey(rec.Account, name), data)
	b.Add(accountCountKey(rec.Account), 1)
	b.Delete(intentKey(name))
	for k, data := range docs {
		if data != nil {
			b.Put(settingKey(name, k), encodeSetting(BucketID(rec.ID), data))
		}
	}
	_, err := s.kv.Commit(ctx, kv.Control, &b)
	if errors.Is(err, kv.ErrConditionFailed) {
		return errs.New(errs.Limit, TooManyBuckets, "You have attempted to create more buckets than allowed").On(name)
	}
	return err
}
