package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Kind is what a target is.
type Kind string

// The kinds.
const (
	Webhook Kind = "webhook" // gets a POST with each message
	NATS    Kind = "nats"    // gets each message on a subject
	SQS     Kind = "sqs"     // gets each message in a queue
	S3      Kind = "s3"      // holds replicas of objects
)

// Target is a system of somebody else. What fields mean depends on the kind.
type Target struct {
	Name      string
	Kind      Kind
	URL       string     // of the webhook, the NATS server, the queue, or the S3 endpoint
	Subject   string     // NATS
	Stream    bool       // NATS: the subject is one of a JetStream stream, which confirms that it kept the message
	Bucket    string     // S3; "" is the target's name
	Region    string     // SQS, S3; "" is us-east-1
	AccessKey string     // SQS, S3; NATS: user
	Secret    iam.Secret // SQS, S3: secret key; NATS: password, or token without a user; webhook: bearer token
	Created   time.Time
}

// Limits of targets.
const (
	maxName = 63
	maxText = 2048
	// MaxTargets is how many there may be.
	MaxTargets = 1000
)

// Targets keeps targets.
type Targets struct {
	store  kv.Store
	sealer *iam.Sealer
}

// NewTargets keeps targets in a store.
func NewTargets(store kv.Store, sealer *iam.Sealer) *Targets { return &Targets{store, sealer} }

// row is a stored target.
type row struct {
	Kind      Kind
	URL       string
	Subject   string `json:",omitempty"`
	Stream    bool   `json:",omitempty"`
	Bucket    string `json:",omitempty"`
	Region    string `json:",omitempty"`
	AccessKey string `json:",omitempty"`
	Sealed    []byte `json:",omitempty"`
	Created   time.Time
}

// Rows of the control shard.
const ctlTarget = "rm.t" // name -> schema byte, row as JSON

const schema = 1

var errSchema = errors.New("remote: target of a newer schema")

func targetKey(name string) []byte { return append([]byte(ctlTarget), name...) }

// validate refuses what cannot be a target.
func (t *Target) validate() error {
	bad := func(format string, args ...any) error { return errs.New(errs.Invalid, "", format, args...) }
	if t.Name == "" || len(t.Name) > maxName || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return bad("the name %q is not 1 to %d letters, digits, dots, hyphens or underscores", t.Name, maxName)
	}
	for _, s := range [...]string{t.URL, t.Subject, t.Bucket, t.Region, t.AccessKey, t.Secret.Reveal()} {
		if len(s) > maxText || strings.ContainsAny(s, "\r\n\x00") {
			return bad("a field has more than %d bytes, or more than a line", maxText)
		}
	}
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.User != nil {
		return bad("the URL %q is none with a host and without a password", t.URL)
	}
	schemes := map[Kind][]string{Webhook: {"http", "https"}, SQS: {"http", "https"}, S3: {"http", "https"}, NATS: {"nats", "tls", "ws", "wss"}}[t.Kind]
	if schemes == nil {
		return bad("the kind %q is none of webhook, nats, sqs and s3", t.Kind)
	}
	known := false
	for _, s := range schemes {
		known = known || u.Scheme == s
	}
	switch {
	case !known:
		return bad("a %s has a URL that begins with %s", t.Kind, strings.Join(schemes, ", "))
	case t.Kind == NATS && (t.Subject == "" || strings.ContainsAny(t.Subject, " \t*>")):
		return bad("a NATS target needs a subject without wildcards")
	case (t.Kind == SQS || t.Kind == S3) && (t.AccessKey == "" || t.Secret.Reveal() == ""):
		return bad("an access key and its secret are needed")
	}
	return nil
}

// Put keeps a target in place of one of its name.
func (ts *Targets) Put(ctx context.Context, t Target) error {
	if err := t.validate(); err != nil {
		return err
	}
	all, err := ts.List(ctx)
	if err != nil {
		return err
	}
	if len(all) >= MaxTargets {
		return errs.New(errs.Limit, "", "there are %d targets already", MaxTargets)
	}
	r := row{Kind: t.Kind, URL: t.URL, Subject: t.Subject, Stream: t.Stream, Bucket: t.Bucket, Region: t.Region, AccessKey: t.AccessKey,
		Created: time.Now().UTC().Truncate(time.Second)}
	if t.Secret.Reveal() != "" {
		r.Sealed = ts.sealer.Seal(sealContext(t.Name), t.Secret)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("remote: %w", err)
	}
	var b kv.Batch
	b.Put(targetKey(t.Name), append([]byte{schema}, data...))
	_, err = ts.store.Commit(ctx, kv.Control, &b)
	return err
}

// sealContext binds a sealed secret to its place.
func sealContext(name string) string { return "remote.target " + name }

// Get returns a target; an error of kind NotFound when there is none.
func (ts *Targets) Get(ctx context.Context, name string) (Target, error) {
	v, err := ts.store.Get(ctx, kv.Control, targetKey(name))
	if errors.Is(err, kv.ErrNotFound) {
		return Target{}, errs.New(errs.NotFound, "", "there is no target %q", name)
	} else if err != nil {
		return Target{}, err
	}
	return ts.decode(name, v.Data)
}

func (ts *Targets) decode(name string, data []byte) (Target, error) {
	if len(data) == 0 || data[0] != schema {
		return Target{}, errSchema
	}
	var r row
	if err := json.Unmarshal(data[1:], &r); err != nil {
		return Target{}, fmt.Errorf("remote: target %s: %w", name, err)
	}
	t := Target{Name: name, Kind: r.Kind, URL: r.URL, Subject: r.Subject, Stream: r.Stream, Bucket: r.Bucket, Region: r.Region,
		AccessKey: r.AccessKey, Created: r.Created}
	if r.Sealed != nil {
		var err error
		if t.Secret, err = ts.sealer.Open(sealContext(name), r.Sealed); err != nil {
			return Target{}, fmt.Errorf("remote: secret of target %s: %w", name, err)
		}
	}
	return t, nil
}

// List returns all targets by name.
func (ts *Targets) List(ctx context.Context) ([]Target, error) {
	view, err := ts.store.View(ctx, kv.Control)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	it := view.Scan(kv.ScanOptions{Lower: []byte(ctlTarget), Upper: keys.PrefixEnd([]byte(ctlTarget))})
	var all []Target
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var t Target
		if t, err = ts.decode(string(it.Key()[len(ctlTarget):]), it.Value()); err == nil {
			all = append(all, t)
		}
	}
	return all, errors.Join(err, it.Close())
}

// Delete forgets a target.
func (ts *Targets) Delete(ctx context.Context, name string) error {
	if _, err := ts.store.Get(ctx, kv.Control, targetKey(name)); errors.Is(err, kv.ErrNotFound) {
		return errs.New(errs.NotFound, "", "there is no target %q", name)
	} else if err != nil {
		return err
	}
	var b kv.Batch
	b.Delete(targetKey(name))
	_, err := ts.store.Commit(ctx, kv.Control, &b)
	return err
}
