package object

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
)

// MaxReplicationRules is how many rules a replication configuration may have.
const MaxReplicationRules = 1000

// ReplicationStatus is how far a version is on its way elsewhere.
type ReplicationStatus uint8

// The states. Their numbers are stored.
const (
	ReplicationNone      ReplicationStatus = iota
	ReplicationPending                     // some destination has not got it yet
	ReplicationCompleted                   // all have
	ReplicationFailed                      // some refused it
	ReplicationReplica                     // it came from elsewhere
)

// String is the state as S3 shows it.
func (r ReplicationStatus) String() string {
	return [...]string{"", "PENDING", "COMPLETED", "FAILED", "REPLICA"}[min(int(r), 4)]
}

// Replication says which versions of a bucket go where.
type Replication struct {
	Role     string
	Rules    []ReplicationRule
	Document []byte // what the front end was given, to show it again
}

// ReplicationRule is one rule. In the old form, without a Filter, it has a Prefix and no Priority.
type ReplicationRule struct {
	ID       string
	Enabled  bool
	Priority *int
	Prefix   *string          `json:",omitempty"`
	Filter   *LifecycleFilter `json:",omitempty"` // without sizes
	Bucket   string           // ARN of the destination
	Account  string           `json:",omitempty"`
	Class    string           `json:",omitempty"`
	Markers  *bool            `json:",omitempty"` // delete markers as well
	KMS      bool             `json:",omitempty"` // and what is encrypted by SSE-KMS
	KMSKey   string           `json:",omitempty"` // encrypts the replicas of that; rules of old may have none
}

// Replicator writes to buckets elsewhere, by the names that the operator gave them.
type Replicator interface {
	// Knows reports whether there is a destination of that name.
	Knows(ctx context.Context, name string) (bool, error)
	// PutReplica stores an object. ErrRefused says that trying again will not help.
	PutReplica(ctx context.Context, name string, r *Replica) error
	// TagReplica replaces the tags of an object.
	TagReplica(ctx context.Context, name, key string, tags []Tag) error
	// DeleteReplica makes a delete marker, or deletes the object where there are none.
	DeleteReplica(ctx context.Context, name, key string) error
}

// Replica is an object on its way elsewhere.
type Replica struct {
	Key          string
	Body         Body
	Size         int64
	Headers      Headers
	Metadata     []Meta
	Tags         []Tag
	StorageClass string
	Encryption   Encryption // SSE-KMS of what is encrypted so; otherwise as it is done there
	Parts        []int64    // sizes of the parts that it was uploaded in; none when it was not
}

// destination is the name of a rule's bucket.
func (r *ReplicationRule) destination() string { return strings.TrimPrefix(r.Bucket, arnPrefix) }

// covers reports whether the rule is about a version.
func (r *ReplicationRule) covers(key string, rec *record) bool {
	like := LifecycleRule{Enabled: r.Enabled, Prefix: r.Prefix, Filter: r.Filter}
	if rec.is(flagMarker) && (r.Markers == nil && r.Filter != nil || r.Markers != nil && !*r.Markers) {
		return false
	}
	return like.covers(key, rec)
}

func parseReplication(data []byte) (*Replication, error) {
	r := &Replication{}
	return r, json.Unmarshal(data, r)
}

// roleARN is a role, with a path or without one. The words of the refusal are those that Scality, OVH and others answer for Amazon; that
// the role is there is not found out at Amazon either, until it is used.
var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}$`)

// Replication returns the replication configuration of a bucket.
func (s *Service) Replication(ctx context.Context, who iam.Principal, bucket string) (*Replication, error) {
	data, err := s.Setting(ctx, who, bucket, SettingReplication)
	if err != nil {
		return nil, err
	}
	r, err := parseReplication(data)
	return r, failed("object.Replication", bucket, err)
}

// PutReplication replaces the replication configuration of a bucket. It is about versions that are written from now on.
func (s *Service) PutReplication(ctx context.Context, who iam.Principal, bucket string, r *Replication) error {
	return failed("object.PutReplication", bucket, s.putReplication(ctx, who, bucket, r))
}

func (s *Service) putReplication(ctx context.Context, who iam.Principal, bucket string, r *Replication) error {
	b, err := s.enterSettings(ctx, &who, SettingReplication.rule().put, bucket)
	if err != nil {
		return err
	}
	if b.Versioning != VersioningEnabled {
		return invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
	}
	if len(r.Rules) == 0 || len(r.Rules) > MaxReplicationRules {
		return malformed()
	}
	if !roleARN.MatchString(r.Role) {
		return argument("Role", r.Role, "Invalid Role specified in replication configuration")
	}
	ids := map[string]bool{}
	for i := range r.Rules {
		rule := &r.Rules[i]
		if len(rule.ID) > maxRuleID {
			return argument("ID", rule.ID, "The maximum length for a rule ID is %d", maxRuleID)
		}
		if ids[rule.ID] {
			return argument("ID", rule.ID, "Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[rule.ID] = true
		if err := rule.validate(); err != nil {
			return err
		}
		for _, other := range r.Rules[:i] {
			if other.Bucket == rule.Bucket && other.Priority != nil && rule.Priority != nil && *other.Priority == *rule.Priority {
				return invalidRequest("Found duplicate priority %d for one destination bucket", *rule.Priority)
			}
		}
		if err := s.checkDestination(ctx, b, rule); err != nil {
			return err
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.PutSetting(ctx, who, bucket, SettingReplication, data)
}

func (r *ReplicationRule) validate() error {
	if r.Prefix != nil && r.Filter != nil {
		return malformed()
	}
	if r.Filter != nil {
		if err := r.Filter.validate(); err != nil {
			return err
		}
		switch {
		case r.Priority == nil:
			return invalidRequest("Priority must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.")
		case r.Markers == nil:
			return invalidRequest("DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.")
		case *r.Markers && len(r.Filter.Tags) > 0:
			return invalidRequest("Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.")
		}
	}
	if r.Priority != nil && *r.Priority < 0 {
		return argument("Priority", itoa(*r.Priority), "Priority must be nonnegative")
	}
	if !strings.HasPrefix(r.Bucket, arnPrefix) || r.destination() == "" {
		return argument("Bucket", r.Bucket, "Invalid bucket ARN")
	}
	if r.Class != "" {
		if _, err := parseStorageClass(r.Class); err != nil {
			return err
		}
	}
	return nil
}

// checkDestination demands a place that can hold replicas.
func (s *Service) checkDestination(ctx context.Context, b *bucket, r *ReplicationRule) error {
	name := r.destination()
	if remote, err := s.replicatesTo(ctx, name); err != nil || remote {
		return err
	}
	if name == b.Name {
		return invalidRequest("Destination bucket cannot be the same as the source bucket.")
	}
	to, err := s.bucket(ctx, name)
	switch {
	case errs.KindOf(err) == errs.NotFound, err == nil && to.Versioning != VersioningEnabled:
		return invalidRequest("Destination bucket must have versioning enabled.")
	case err != nil:
		return err
	case r.Account != "" && r.Account != to.Owner.AccountID:
		return argument("Account", r.Account, "The account does not own the destination bucket")
	}
	return nil
}

// replicatesTo reports whether a destination lies elsewhere.
func (s *Service) replicatesTo(ctx context.Context, name string) (bool, error) {
	if s.cfg.Replicator == nil {
		return false, nil
	}
	return s.cfg.Replicator.Knows(ctx, name)
}

// ruleFor is the rule by which a version goes to a destination: of those that cover it the one of the highest priority.
func (r *Replication) ruleFor(destination, key string, rec *record) *ReplicationRule {
	var best *ReplicationRule
	for i := range r.Rules {
		rule := &r.Rules[i]
		if rule.destination() == destination && rule.covers(key, rec) && (best == nil || rule.rank() > best.rank()) {
			best = rule
		}
	}
	return best
}

func (r *ReplicationRule) rank() int {
	if r.Priority == nil {
		return 0
	}
	return *r.Priority
}

// destinations lists where a version goes.
func (r *Replication) destinations(key string, rec *record) []string {
	var out []string
	for i := range r.Rules {
		rule := &r.Rules[i]
		if !rule.covers(key, rec) || slices.Contains(out, rule.destination()) {
			continue
		}
		if r.ruleFor(rule.destination(), key, rec).mayCarry(rec) {
			out = append(out, rule.destination())
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}

// mayCarry reports whether the rule is for what is encrypted as the version is. Nobody here can read what a customer's key
// encrypts.
func (r *ReplicationRule) mayCarry(rec *record) bool {
	switch m := EncryptionMethod(rec.detail.Enc); {
	case m == EncryptCustomer:
		return false
	case m.usesKMS():
		return r.KMS
	}
	return true
}

// replicate sends the version that the transaction writes on its way, if a rule says so. Replicas go no further, and what
// lifecycle marks as deleted here may stay elsewhere.
func (tx *keyTx) replicate(r *record) {
	conf := tx.b.settings.replicate
	if conf == nil || tx.b.Versioning != VersioningEnabled || r.cause.event == eventExpiredMarker || ReplicationStatus(r.detail.Replication) == ReplicationReplica {
		return
	}
	to := conf.destinations(tx.key, r)
	r.detail.Replication, r.detail.ReplicationLeft = 0, 0
	if len(to) == 0 {
		return
	}
	r.detail.Replication, r.detail.ReplicationLeft = uint8(ReplicationPending), uint32(len(to))
	row := &outboxRecord{Event: uint8(r.cause.event), Key: tx.key, Instance: slices.Clone(r.instance[:]), Time: tx.now.UnixMilli()}
	for _, name := range to {
		tx.post(queueReplicate+name, row)
	}
}
