package object

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/iam/policy"
)

// Logging says where records of the requests to a bucket go.
type Logging struct {
	Target string    // bucket
	Prefix string    `json:",omitempty"`
	Grants []Grant   `json:",omitempty"` // on what is delivered
	Keys   LogKeys   `json:",omitempty"`
	Source LogSource `json:"-"` // the bucket that logs
}

// LogKeys is how the keys of delivered records look behind the prefix.
type LogKeys uint8

// The forms. Their numbers are stored.
const (
	LogKeysDefault    LogKeys = 0 // simple, and nobody asked for it
	LogKeysSimple     LogKeys = 1 // time and a unique string
	LogKeysByEvent    LogKeys = 2 // in folders by the day of the request
	LogKeysByDelivery LogKeys = 3 // in folders by the day of the delivery
)

// LogSource is the bucket whose requests are recorded.
type LogSource struct {
	Bucket string
	Owner  Owner
	Region string
}

// loggingService delivers logs, as policies name it.
const loggingService = "logging.s3.amazonaws.com"

func parseLogging(data []byte) (*Logging, error) {
	l := &Logging{}
	return l, json.Unmarshal(data, l)
}

// LoggingConfig returns where the records of a bucket go; nil when none are made.
func (s *Service) LoggingConfig(ctx context.Context, who iam.Principal, bucket string) (*Logging, error) {
	b, err := s.enterSettings(ctx, &who, SettingLogging.rule().get, bucket)
	if err != nil {
		return nil, failed("object.LoggingConfig", bucket, err)
	}
	return b.settings.logging, nil
}

// PutLoggingConfig sets where the records of a bucket go; nil ends the recording. Whether they may be delivered there is
// found out with each delivery, as at Amazon.
func (s *Service) PutLoggingConfig(ctx context.Context, who iam.Principal, bucket string, l *Logging) error {
	return failed("object.PutLoggingConfig", bucket, s.putLoggingConfig(ctx, who, bucket, l))
}

func (s *Service) putLoggingConfig(ctx context.Context, who iam.Principal, bucket string, l *Logging) error {
	b, err := s.enter(ctx, &who, SettingLogging.rule().put, bucket, "")
	if err != nil {
		return err
	}
	if s.cfg.Dialect.LoggingByOwner && who.AccountID != b.Owner.AccountID {
		return errs.New(errs.Denied, AccessDenied, "Access Denied").On(bucket)
	}
	if l == nil {
		return s.writeSetting(ctx, b, SettingLogging, nil, nil)
	}
	if len(l.Prefix) > MaxKeyLen/2 {
		return argument("TargetPrefix", l.Prefix, "The target prefix is too long")
	}
	target, err := s.bucket(ctx, l.Target)
	if errs.KindOf(err) == errs.NotFound {
		if s.cfg.Dialect.LoggingTargetAbsent {
			return errs.New(errs.NotFound, NoSuchKey, "The specified key does not exist.").On(l.Target)
		}
		return badLogTarget(l.Target, "The target bucket for logging does not exist")
	} else if err != nil {
		return err
	}
	if s.cfg.Dialect.LoggingByPolicy {
		l.Source = LogSource{Bucket: b.Name, Owner: b.Owner}
		if !target.policyTakesLogs(l) {
			return errs.New(errs.Denied, AccessDenied, "Access Denied").On(l.Target)
		}
	} else if target.Owner.AccountID != b.Owner.AccountID {
		return badLogTarget(l.Target, "The owner for the bucket to be logged and the target bucket must be the same.")
	}
	if from, to := s.regionOf(b), s.regionOf(target); from != to {
		e := errs.New(errs.Denied, CrossLocationLogging, "Cross S3 location logging not allowed. ")
		e.Kind = errs.Conflict
		e.Detail = map[string]string{"TargetBucketLocation": to}
		if from != firstRegion {
			e.Detail["SourceBucketLocation"] = from
		}
		return e
	}
	if s.cfg.Dialect.LoggingTargetPlain && !target.plain(b.Name) {
		return errs.New(errs.Invalid, InvalidArgument, "The bucket cannot be the target of logging").On(l.Target)
	}
	if len(l.Grants) > 0 && !target.settings.ownership.lists() {
		return errs.New(errs.Invalid, InvalidArgument, "Bucket cannot have target grants set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return s.PutSetting(ctx, who, bucket, SettingLogging, data)
}

func badLogTarget(target, message string) error {
	e := errs.New(errs.Invalid, InvalidLogTarget, "%s", message)
	e.Detail = map[string]string{"TargetBucket": target}
	return e
}

func (s *Service) regionOf(b *bucket) string {
	if b.Region == "" {
		return s.cfg.Region
	}
	return b.Region
}

// LoggingOf returns where records of requests to a bucket go, nil when nobody wants them. It authorizes nothing and reads
// nothing of a bucket that is known; one that the request has just changed is not. The caller must not change it.
func (s *Service) LoggingOf(ctx context.Context, bucket string) *Logging {
	b, err := s.bucket(ctx, bucket)
	if err != nil || b.settings.logging == nil {
		return nil
	}
	l := *b.settings.logging
	l.Source = LogSource{Bucket: b.Name, Owner: b.Owner, Region: s.regionOf(b)}
	return &l
}

// DeliverLog writes records into the target of a bucket's logging, if that is still allowed: by the target's policy to the
// logging service, or by its access control list to the group LogDelivery.
func (s *Service) DeliverLog(ctx context.Context, l *Logging, key string, records []byte) error {
	return failed("object.DeliverLog", key, s.deliverLog(ctx, l, key, records))
}

func (s *Service) deliverLog(ctx context.Context, l *Logging, key string, records []byte) error {
	b, err := s.bucket(ctx, l.Target)
	if err != nil {
		return err
	}
	takes := b.Owner.AccountID == l.Source.Owner.AccountID && b.takesLogs(&l.Source, key)
	if s.cfg.Dialect.LoggingByPolicy {
		takes = b.policyTakesLogs(l)
	}
	if !takes {
		return errs.New(errs.Denied, AccessDenied, "Neither policy nor access control list of the target lets logs be delivered").On(l.Target)
	}
	owner := iam.Principal{AccountID: b.Owner.AccountID, CanonicalID: b.Owner.CanonicalID, DisplayName: b.Owner.DisplayName,
		ARN: "arn:aws:iam::" + b.Owner.AccountID + ":root", UserID: b.Owner.AccountID, Root: true}
	in := &PutInput{Bucket: l.Target, Key: key, Body: bytes.NewReader(records), Size: int64(len(records)), Headers: Headers{ContentType: "text/plain"}}
	if len(l.Grants) > 0 && b.settings.ownership.lists() {
		in.ACL = ACLInput{Given: true, Grants: l.Grants}
	}
	_, err = s.put(ctx, &owner, in)
	return err
}

// plain reports whether a bucket is none of what keeps it from being a target of logs in the dialect that looks.
func (b *bucket) plain(source string) bool {
	return b.Name != source && b.Encryption.Method == EncryptNone && b.settings.logging == nil && !b.settings.requester
}

// takesLogs reports whether the logging service may write key for a source.
func (b *bucket) takesLogs(source *LogSource, key string) bool {
	st := b.settings
	granted := false
	if st.ownership.lists() {
		for _, g := range st.acl {
			granted = granted || g.Group == LogDelivery && (g.Permission == PermWrite || g.Permission == PermFullControl)
		}
	}
	return b.decideLogs(source.Bucket, source.Owner.AccountID, key, granted, false)
}

// policyTakesLogs is takesLogs in the dialect that asks for the prefix, and nothing but the policy.
func (b *bucket) policyTakesLogs(l *Logging) bool {
	return b.decideLogs(l.Source.Bucket, l.Source.Owner.CanonicalID, l.Prefix, false, true)
}

func (b *bucket) decideLogs(source, account, key string, granted, byName bool) bool {
	q := policy.Request{
		Principal: policy.Principal{Service: loggingService, ByName: byName}, Action: actPutObject, Resource: arnPrefix + b.Name + "/" + key,
		ResourceAccount: b.Owner.AccountID,
		Context: map[string][]string{
			"aws:sourcearn": {arnPrefix + source}, "aws:sourceaccount": {account}, "aws:securetransport": {"true"},
		},
	}
	return policy.Decide(&q, &policy.Documents{Resource: b.settings.policy, Granted: granted}) == policy.Allowed
}
