package object

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// ErrRefused: a destination does not want a replica and will not want it later.
var ErrRefused = errors.New("object: the destination refuses replicas")

const actReplicate = "s3:ReplicateObject"

// carry brings a version to a destination and notes how that went. It may be asked to do so twice.
func (s *Service) carry(ctx context.Context, b *bucket, name string, rowKey []byte, r *outboxRecord) error {
	var id instance
	copy(id[:], r.Instance)
	f, err := s.find(ctx, b, r.Key, id.String())
	if errs.KindOf(err) == errs.NotFound {
		return errDrop // the version is no more
	} else if err != nil {
		return err
	}
	var rule *ReplicationRule
	if conf := b.settings.replicate; conf != nil {
		rule = conf.ruleFor(name, r.Key, f.record)
	}
	status := ReplicationCompleted
	if rule == nil {
		err = ErrRefused // the rule was taken back meanwhile
	} else {
		err = s.bring(ctx, b, name, rule, event(r.Event), r.Key, f)
	}
	switch {
	case err == nil:
	case refusedForGood(err):
		s.log.Warn("a version cannot be replicated", "bucket", b.Name, "key", r.Key, "version", id, "destination", name, "err", err)
		status = ReplicationFailed
	default:
		return err
	}
	return s.noteReplication(ctx, b, r.Key, id, rowKey, status)
}

// refusedForGood tells failures that will be the same the next time.
func refusedForGood(err error) bool {
	if errors.Is(err, ErrRefused) {
		return true
	}
	switch errs.KindOf(err) {
	case errs.Denied, errs.NotFound, errs.Invalid, errs.TooLarge, errs.Corrupt:
		return true
	}
	return errs.ReasonOf(err) == InvalidObjectState
}

// bring brings a version to where a rule says.
func (s *Service) bring(ctx context.Context, b *bucket, name string, rule *ReplicationRule, why event, key string, f found) error {
	remote, err := s.replicatesTo(ctx, name)
	if err != nil {
		return err
	}
	owner := rootOf(b.Owner)
	if remote && why == eventTagged && !f.is(flagMarker) {
		if !f.latest {
			return nil // versions have other names there
		}
		return s.cfg.Replicator.TagReplica(ctx, name, key, outerTags(f.detail.Tags))
	}
	if remote {
		return s.bringAway(ctx, b, &owner, name, rule, key, f)
	}
	to, err := s.bucket(ctx, name)
	if err != nil {
		return err
	}
	if to.Versioning != VersioningEnabled {
		return fmt.Errorf("%w: %s has no versioning", ErrRefused, name)
	}
	if err := s.allow(ctx, &owner, actReplicate, to, key); err != nil {
		return err
	}
	return s.bringHere(ctx, b, &owner, to, rule, key, f)
}

// rootOf is the root of the account that owns something.
func rootOf(o Owner) iam.Principal {
	return iam.Principal{AccountID: o.AccountID, CanonicalID: o.CanonicalID, DisplayName: o.DisplayName,
		ARN: "arn:aws:iam::" + o.AccountID + ":root", UserID: o.AccountID, Root: true}
}

// bringHere makes the replica in another bucket of this store. It has the version id that the original has, so that it is
// found when it is brought again: then only its tags are made the same.
func (s *Service) bringHere(ctx context.Context, b *bucket, owner *iam.Principal, to *bucket, rule *ReplicationRule, key string, f found) error {
	have, err := s.find(ctx, to, key, f.instance.String())
	if err == nil {
		if have.is(flagMarker) || slices.Equal(have.detail.Tags, f.detail.Tags) {
			return nil
		}
		reader := rootOf(to.Owner)
		return s.amend(ctx, &reader, to, key, f.instance.String(), func(_ *keyTx, g found) error {
			g.detail.Tags = slices.Clone(f.detail.Tags)
			return nil
		})
	}
	if errs.KindOf(err) != errs.NotFound {
		return err
	}
	rec := &record{class: f.class, wish: f.record}
	rec.detail.Replication = uint8(ReplicationReplica)
	if f.is(flagMarker) {
		rec.flags = flagMarker
		return s.change(ctx, to, key, func(tx *keyTx) error {
			tx.stamp(rec, f.instance)
			return tx.write(rec)
		})
	}
	if rule.Class != "" {
		if rec.class, err = parseStorageClass(rule.Class); err != nil {
			return err
		}
	}
	if to.Lock.Enabled {
		rec.asked = f.detail.lock()
		if r := rec.asked.Retention; !r.active(s.now()) {
			rec.asked.Retention = Retention{}
		}
	}
	src, err := s.openSource(ctx, owner, &CopyInput{SrcBucket: b.Name, SrcKey: key, SrcVersionID: f.instance.String(), forReplica: true})
	if err != nil {
		return err
	}
	defer src.body.Close()
	asked := rule.encryption(f.record)
	writer := rootOf(to.Owner)
	if asked.KeyID != "" { // the rule's, which names it as the source's owner knows it
		writer = *owner
	}
	env, err := s.sealFor(ctx, &writer, to, &asked)
	if err != nil {
		return err
	}
	rec.detail.describe(f.detail.headers(), f.detail.metadata(), outerTags(f.detail.Tags))
	if f.is(flagMultipart) {
		m, err := s.manifestOf(ctx, b, key, f.instance)
		if err != nil {
			return err
		}
		return s.storeParts(ctx, to, key, rec, src.body, f, m, env)
	}
	body := source{body: src.body, size: src.length, inline: s.cfg.InlineLimit, compute: src.algorithms(0)}
	_, err = s.store(ctx, to, key, rec, &body, env, WriteConditions{})
	return err
}

// encryption is how a replica is encrypted: as its original is, with the rule's key where that is one of the key service, and as the
// destination does it only if the original is not. (Amazon S3 User Guide, "How default bucket encryption affects replication".)
func (r *ReplicationRule) encryption(of *record) Encryption {
	switch m := EncryptionMethod(of.detail.Enc); {
	case m.usesKMS():
		return Encryption{Method: m, KeyID: r.KMSKey}
	case m == EncryptS3:
		return Encryption{Method: m}
	}
	return Encryption{}
}

// bringAway makes the replica elsewhere.
func (s *Service) bringAway(ctx context.Context, b *bucket, owner *iam.Principal, name string, rule *ReplicationRule, key string, f found) error {
	if f.is(flagMarker) {
		return s.cfg.Replicator.DeleteReplica(ctx, name, key)
	}
	src, err := s.openSource(ctx, owner, &CopyInput{SrcBucket: b.Name, SrcKey: key, SrcVersionID: f.instance.String(), forReplica: true})
	if err != nil {
		return err
	}
	defer src.body.Close()
	r := &Replica{
		Key: key, Body: src.body, Size: src.length, Headers: f.detail.headers(), Metadata: f.detail.metadata(),
		Tags: outerTags(f.detail.Tags), StorageClass: rule.Class,
	}
	if e := rule.encryption(f.record); e.Method.usesKMS() {
		r.Encryption = e
	}
	if r.StorageClass == "" {
		r.StorageClass = storageClassName(f.class)
	}
	if f.is(flagMultipart) {
		m, err := s.manifestOf(ctx, b, key, f.instance)
		if err != nil {
			return err
		}
		if err := m.each(0, func(_ int, _ int64, p *part) bool {
			r.Parts = append(r.Parts, p.size)
			return true
		}); err != nil {
			return err
		}
	}
	return s.cfg.Replicator.PutReplica(ctx, name, r)
}

// noteReplication notes in a version that one destination has it, or refused it, and takes the row that asked for it out of
// the outbox in the same commit: so each row counts once.
func (s *Service) noteReplication(ctx context.Context, b *bucket, key string, id instance, rowKey []byte, status ReplicationStatus) error {
	err := s.change(ctx, b, key, func(tx *keyTx) error {
		if _, err := s.kv.Get(ctx, tx.b.shard, rowKey); errors.Is(err, kv.ErrNotFound) {
			return errNoChange
		} else if err != nil {
			return err
		}
		r, row := tx.cur, tx.row
		if r == nil || r.instance != id {
			row = versionKey(tx.b.ID, key, id)
			below, _, rev, err := s.readVersion(ctx, tx.b, row)
			if err != nil {
				return err
			}
			if below == nil {
				return errNoChange
			}
			tx.batch.IfRevision(row, rev)
			r = below
		}
		d := &r.detail
		if d.ReplicationLeft > 0 {
			d.ReplicationLeft--
		}
		switch {
		case status == ReplicationFailed:
			d.Replication = uint8(ReplicationFailed)
			tx.emit(cause{eventReplicationFailed, nil}, r)
		case d.ReplicationLeft == 0 && ReplicationStatus(d.Replication) == ReplicationPending:
			d.Replication = uint8(ReplicationCompleted)
		}
		tx.batch.IfExists(rowKey)
		tx.batch.Delete(rowKey)
		tx.batch.Put(row, r.encode())
		return nil
	})
	if err == nil {
		return nil
	}
	if errs.KindOf(err) == errs.NotFound {
		return errDrop
	}
	return err
}

// again sends a version on its way once more, because its tags changed.
func (tx *keyTx) again(r *record) {
	switch ReplicationStatus(r.detail.Replication) {
	case ReplicationPending, ReplicationCompleted, ReplicationFailed:
	default:
		return
	}
	if conf := tx.b.settings.replicate; conf != nil {
		if to := conf.destinations(tx.key, r); len(to) > 0 {
			row := &outboxRecord{Event: uint8(eventTagged), Key: tx.key, Instance: slices.Clone(r.instance[:]), Time: tx.now.UnixMilli()}
			for _, name := range to {
				tx.post(queueReplicate+name, row)
			}
			r.detail.ReplicationLeft += uint32(len(to))
			r.detail.Replication = uint8(ReplicationPending)
		}
	}
}
