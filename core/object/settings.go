package object

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/iam/policy"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Setting is a kind of configuration that a bucket may have: one document, put, read and deleted as a whole.
type Setting uint8

// The settings. Their numbers are stored.
const (
	SettingPolicy       Setting = 1 // an IAM policy, as JSON
	SettingCORS         Setting = 2 // []CORSRule, as JSON
	SettingPublicAccess Setting = 3 // PublicAccessBlock, as JSON
	SettingACL          Setting = 4 // the bucket's access control list, encoded; see BucketACL
	SettingOwnership    Setting = 5 // an Ownership that somebody chose; see Ownership
)

// settingRule is what a setting asks of those who use it.
type settingRule struct {
	get, put, del string // actions
	absent        errs.Reason
	message       string // of the failure to find it
	limit         int    // bytes
}

// rule is the rule of a setting that this program knows.
func (k Setting) rule() settingRule {
	r, ok := k.find()
	if !ok {
		panic(fmt.Sprintf("object: setting %d", k))
	}
	return r
}

// find returns the rule of a setting; false for one of a newer program.
func (k Setting) find() (settingRule, bool) {
	switch k {
	case SettingPolicy:
		return settingRule{actGetPolicy, actPutPolicy, actDeletePolicy, NoSuchBucketPolicy, "The bucket policy does not exist", policy.MaxDocument}, true
	case SettingCORS:
		return settingRule{actGetCORS, actPutCORS, actPutCORS, NoSuchCORSConfiguration, "The CORS configuration does not exist", maxSetting}, true
	case SettingPublicAccess:
		return settingRule{actGetPublicAccess, actPutPublicAccess, actPutPublicAccess, NoSuchPublicAccessBlock,
			"The public access block configuration was not found", maxSetting}, true
	case SettingACL:
		return settingRule{actGetBucketACL, actPutBucketACL, actPutBucketACL, NoSuchOwnership, "", maxSetting}, true
	case SettingOwnership:
		return settingRule{actGetOwnership, actPutOwnership, actPutOwnership, NoSuchOwnership, "The bucket ownership controls were not found", maxSetting}, true
	}
	return k.findStored()
}

// maxSetting bounds a document in bytes.
const maxSetting = 256 << 10

// settings is what a bucket's documents say, ready for use. It lives in the bucket's cached state, so that requests pay
// nothing for documents that are not there and no parsing for those that are.
type settings struct {
	stored    // what background work and answers go by
	docs      map[Setting][]byte
	policy    *policy.Document
	denials   *policy.Document // of the policy: what it says about objects that are not the bucket owner's
	public    bool             // the policy gives something to everybody
	tags      bool             // the policy looks at tags of objects that exist
	cors      []CORSRule
	access    PublicAccessBlock // with the account's
	acl       grantList
	ownership Ownership
}

// take adds a document, parsed.
func (st *settings) take(k Setting, data []byte) error {
	var err error
	switch k {
	case SettingPolicy:
		// Whatever was taken when it was put, in whichever dialect.
		any := policy.Lenience{Tenants: true, NoResource: true, SameSids: true}
		if st.policy, err = policy.ParseLeniently(data, policy.Resource, any); err == nil {
			st.public, st.tags, st.denials = st.policy.Public(), st.policy.LooksAt(existingTag), st.policy.Denials()
		}
	case SettingCORS:
		st.cors, err = parseCORS(data)
	case SettingPublicAccess:
		st.access, err = parsePublicAccess(data)
	case SettingACL:
		st.acl, err = decodeGrants(data)
	case SettingOwnership:
		st.ownership, err = parseOwnership(data)
	default:
		err = st.stored.take(k, data)
	}
	if err != nil {
		return fmt.Errorf("%w: setting %d: %w", errRecord, k, err)
	}
	if st.docs == nil {
		st.docs = map[Setting][]byte{}
	}
	st.docs[k] = data
	return nil
}

// A setting's row holds the schema byte, the id of the bucket, so that no bucket ever takes what another of its name
// left behind, and the document.
func encodeSetting(id BucketID, data []byte) []byte {
	b := append(make([]byte, 0, 9+len(data)), schema)
	return append(binary.BigEndian.AppendUint64(b, uint64(id)), data...)
}

func decodeSetting(row []byte) (BucketID, []byte, error) {
	body, err := openRecord(row)
	if err != nil {
		return 0, nil, err
	}
	if len(body) < 8 {
		return 0, nil, fmt.Errorf("%w: short setting", errRecord)
	}
	return BucketID(binary.BigEndian.Uint64(body)), body[8:], nil
}

// readSettings reads all settings of a bucket. One that cannot be understood fails all: what it would have forbidden is
// not known.
func readSettings(view kv.View, name string, id BucketID) (*settings, error) {
	prefix := settingPrefix(name)
	it := view.Scan(kv.ScanOptions{Lower: prefix, Upper: keys.PrefixEnd(prefix)})
	var st *settings
	var err error
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		rest := it.Key()[len(prefix):]
		if len(rest) != 1 {
			err = fmt.Errorf("%w: key of a setting", errRecord)
			break
		}
		var owner BucketID
		var data []byte
		if owner, data, err = decodeSetting(it.Value()); err != nil || owner != id {
			continue
		}
		k := Setting(rest[0])
		if _, ok := k.find(); !ok {
			err = fmt.Errorf("%w: setting %d is of a newer program", errSchema, k)
			break
		}
		if st == nil {
			st = &settings{}
		}
		err = st.take(k, append([]byte(nil), data...))
	}
	return st, errors.Join(err, it.Close())
}

// noSettings is what buckets without any share.
var noSettings settings

// Setting returns a document of a bucket.
func (s *Service) Setting(ctx context.Context, who iam.Principal, bucket string, k Setting) ([]byte, error) {
	b, err := s.enterSettings(ctx, &who, k.rule().get, bucket)
	if err == nil {
		err = ownPolicy(&who, b, k)
	}
	if err == nil && b.settings.docs[k] == nil {
		err = errs.New(errs.NotFound, k.rule().absent, "%s", k.rule().message).On(bucket)
	}
	if err != nil {
		return nil, failed("object.Setting", bucket, err)
	}
	return b.settings.docs[k], nil
}

// PutSetting gives a bucket a document in place of the one it had.
func (s *Service) PutSetting(ctx context.Context, who iam.Principal, bucket string, k Setting, data []byte) error {
	return failed("object.PutSetting", bucket, s.putSetting(ctx, &who, bucket, k, data))
}

func (s *Service) putSetting(ctx context.Context, who *iam.Principal, name string, k Setting, data []byte) error {
	b, err := s.enter(ctx, who, k.rule().put, name, "")
	if err == nil {
		err = ownPolicy(who, b, k)
	}
	if err != nil {
		return err
	}
	if len(data) > k.rule().limit {
		return errs.New(errs.Invalid, InvalidArgument, "The configuration is larger than %d bytes", k.rule().limit)
	}
	if k == SettingPolicy {
		return s.putPolicy(ctx, b, data)
	}
	if err := new(settings).take(k, data); err != nil {
		return errs.New(errs.Invalid, InvalidArgument, "The configuration is not valid")
	}
	return s.writeSetting(ctx, b, k, data, nil)
}

// DeleteSetting takes a document from a bucket; that there is none is fine.
func (s *Service) DeleteSetting(ctx context.Context, who iam.Principal, bucket string, k Setting) error {
	b, err := s.enter(ctx, &who, k.rule().del, bucket, "")
	if err == nil {
		err = ownPolicy(&who, b, k)
	}
	if err == nil {
		err = s.writeSetting(ctx, b, k, nil, nil)
	}
	return failed("object.DeleteSetting", bucket, err)
}

// enterSettings is enter with the settings read from the store: the cache may lag behind another node's change, and
// whoever asks for a document is worth a read.
func (s *Service) enterSettings(ctx context.Context, who *iam.Principal, action, name string) (*bucket, error) {
	s.buckets.drop(name)
	b, err := s.enter(ctx, who, action, name, "")
	if err == nil {
		err = s.stillThere(ctx, b)
	}
	return b, err
}

// writeSetting writes a document, or removes it when data is nil, if the bucket is still there and allowed agrees
// with what it has now.
func (s *Service) writeSetting(ctx context.Context, b *bucket, k Setting, data []byte, allowed func(*settings) error) error {
	for {
		now, rev, err := s.reread(ctx, b)
		if err != nil {
			return err
		}
		var batch kv.Batch
		batch.IfRevision(nameKey(b.Name), rev.name)
		if allowed != nil {
			if err := allowed(now.settings); err != nil {
				return err
			}
			for i, k := range decisive {
				if rev.decisive[i] == 0 {
					batch.IfAbsent(settingKey(b.Name, k))
				} else {
					batch.IfRevision(settingKey(b.Name, k), rev.decisive[i])
				}
			}
		}
		if data == nil {
			batch.Delete(settingKey(b.Name, k))
		} else {
			batch.Put(settingKey(b.Name, k), encodeSetting(b.ID, data))
		}
		if k == SettingLifecycle {
			noteLifecycle(&batch, b, data != nil)
		}
		_, err = s.kv.Commit(ctx, kv.Control, &batch)
		s.buckets.drop(b.Name)
		if !errors.Is(err, kv.ErrConditionFailed) {
			return err
		}
	}
}

// reread reads what the control shard knows of a bucket now, if there still is that bucket and no other of its name.
func (s *Service) reread(ctx context.Context, b *bucket) (*bucket, revisions, error) {
	now, rev, err := s.readNamed(ctx, b.Name)
	if err == nil && now.ID != b.ID {
		err = noSuchBucket(b.Name)
	}
	if err == nil {
		err = s.stillThere(ctx, b)
	}
	return now, rev, err
}

// decisive are the settings that decide which others are allowed.
var decisive = [...]Setting{SettingPublicAccess, SettingACL, SettingOwnership}

// revisions are those of the rows that a change of settings is conditioned on; 0 is that of no row.
type revisions struct {
	name     kv.Index
	decisive [len(decisive)]kv.Index
}

// readNamed reads what the control shard knows of a bucket, in one snapshot.
func (s *Service) readNamed(ctx context.Context, name string) (*bucket, revisions, error) {
	var rev revisions
	view, err := s.kv.View(ctx, kv.Control)
	if err != nil {
		return nil, rev, err
	}
	defer view.Close()
	v, err := view.Get(nameKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, rev, noSuchBucket(name)
	} else if err != nil {
		return nil, rev, err
	}
	rev.name = v.Revision
	var rec bucketRecord
	if err := decodeRecord(v.Data, &rec); err != nil {
		return nil, rev, err
	}
	b := &bucket{Bucket: rec.outer(name)}
	if b.settings, err = readSettings(view, name, b.ID); err != nil {
		return nil, rev, err
	}
	account, err := readAccountAccess(view, b.Owner.AccountID)
	if err != nil {
		return nil, rev, err
	}
	if b.settings == nil && account == (PublicAccessBlock{}) {
		b.settings = &noSettings
		return b, rev, nil
	}
	if b.settings == nil {
		b.settings = &settings{}
	}
	b.settings.access = b.settings.access.with(account)
	for i, k := range decisive {
		if v, err := view.Get(settingKey(name, k)); err == nil {
			rev.decisive[i] = v.Revision
		} else if !errors.Is(err, kv.ErrNotFound) {
			return nil, rev, err
		}
	}
	return b, rev, nil
}

// dropSettings adds the removal of all settings of a bucket that goes away.
func dropSettings(batch *kv.Batch, name string) {
	prefix := settingPrefix(name)
	batch.DeleteRange(prefix, keys.PrefixEnd(prefix))
	batch.Delete(lifecycleKey(name))
	named := keys.AppendString([]byte(ctlNamed), name)
	batch.DeleteRange(named, keys.PrefixEnd(named))
}
