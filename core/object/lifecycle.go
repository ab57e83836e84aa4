package object

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/iam"
)

// MaxLifecycleRules is how many rules a lifecycle configuration may have.
const MaxLifecycleRules = 1000

// maxLifecycle bounds a lifecycle configuration in bytes.
const maxLifecycle = 1 << 20

// The sizes below which objects stay in their class when a rule says nothing about sizes.
const (
	TransitionAll128K = "all_storage_classes_128K" // 128 KiB whatever the class
	TransitionVaries  = "varies_by_storage_class"  // 128 KiB, but nothing on the way to an archive
)

// LifecycleConfig says when the versions and uploads of a bucket end or change their class.
type LifecycleConfig struct {
	Rules       []LifecycleRule
	MinimumSize string // TransitionAll128K or TransitionVaries
}

// LifecycleRule is one rule. It has a Filter or, in the old form, a Prefix.
type LifecycleRule struct {
	ID      string
	Enabled bool
	Prefix  *string          `json:",omitempty"`
	Filter  *LifecycleFilter `json:",omitempty"`

	Expiration            *LifecycleExpiration            `json:",omitempty"`
	Noncurrent            *LifecycleNoncurrent            `json:",omitempty"`
	Transitions           []LifecycleTransition           `json:",omitempty"`
	NoncurrentTransitions []LifecycleNoncurrentTransition `json:",omitempty"`
	AbortDays             *int                            `json:",omitempty"` // after which uploads under way are given up
}

// LifecycleFilter chooses versions. All that it names must hold; And remembers in which form it was given.
type LifecycleFilter struct {
	And         bool    `json:",omitempty"`
	Prefix      *string `json:",omitempty"`
	Tags        []Tag   `json:",omitempty"`
	GreaterThan *int64  `json:",omitempty"` // bytes
	LessThan    *int64  `json:",omitempty"`
}

// LifecycleExpiration ends current versions, by age or date, or delete markers that hide nothing any more.
type LifecycleExpiration struct {
	Days    *int       `json:",omitempty"`
	Date    *time.Time `json:",omitempty"`
	Markers *bool      `json:",omitempty"`
}

// LifecycleNoncurrent ends noncurrent versions that have been such for Days, but keeps the youngest Keep of them.
type LifecycleNoncurrent struct {
	Days int
	Keep *int `json:",omitempty"`
}

// LifecycleTransition changes the class of current versions, by age or date.
type LifecycleTransition struct {
	Days  *int       `json:",omitempty"`
	Date  *time.Time `json:",omitempty"`
	Class string
}

// LifecycleNoncurrentTransition changes the class of versions that have been noncurrent for Days, but not of the
// youngest Keep of them.
type LifecycleNoncurrentTransition struct {
	Days  int
	Keep  *int `json:",omitempty"`
	Class string
}

// Expiry tells when lifecycle ends something, and by which rule.
type Expiry struct {
	Date time.Time
	Rule string
}

func parseLifecycle(data []byte) (*LifecycleConfig, error) {
	c := &LifecycleConfig{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, err
	}
	if len(c.Rules) == 0 || len(c.Rules) > MaxLifecycleRules {
		return nil, fmt.Errorf("%w: %d lifecycle rules", errRecord, len(c.Rules))
	}
	for i := range c.Rules {
		for _, t := range c.Rules[i].Transitions {
			if _, err := parseStorageClass(t.Class); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// Lifecycle returns the lifecycle configuration of a bucket.
func (s *Service) Lifecycle(ctx context.Context, who iam.Principal, bucket string) (*LifecycleConfig, error) {
	data, err := s.Setting(ctx, who, bucket, SettingLifecycle)
	if err != nil {
		return nil, err
	}
	c, err := parseLifecycle(data)
	return c, failed("object.Lifecycle", bucket, err)
}

// PutLifecycle replaces the lifecycle configuration of a bucket. Rules without an id get one. The worker begins to carry
// them out within a moment.
func (s *Service) PutLifecycle(ctx context.Context, who iam.Principal, bucket string, c *LifecycleConfig) error {
	return failed("object.PutLifecycle", bucket, s.putLifecycle(ctx, who, bucket, c))
}

func (s *Service) putLifecycle(ctx context.Context, who iam.Principal, bucket string, c *LifecycleConfig) error {
	if _, err := s.enter(ctx, &who, actPutLifecycle, bucket, ""); err != nil {
		return err
	}
	if err := c.validate(s.cfg.MinimumTransition); err != nil {
		return err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.PutSetting(ctx, who, bucket, SettingLifecycle, data)
}

// prefix is what the keys of the rule begin with.
func (r *LifecycleRule) prefix() string {
	switch {
	case r.Prefix != nil:
		return *r.Prefix
	case r.Filter != nil && r.Filter.Prefix != nil:
		return *r.Filter.Prefix
	}
	return ""
}

// covers reports whether the rule is about a version; flat are its tags. Delete markers have neither size nor tags, so
// only rules that do not ask for them are about markers.
func (r *LifecycleRule) covers(key string, rec *record) bool {
	if !r.Enabled || !strings.HasPrefix(key, r.prefix()) {
		return false
	}
	f := r.Filter
	if f == nil {
		return true
	}
	if rec.is(flagMarker) {
		return len(f.Tags) == 0 && f.GreaterThan == nil && f.LessThan == nil
	}
	if f.GreaterThan != nil && rec.size <= *f.GreaterThan || f.LessThan != nil && rec.size >= *f.LessThan {
		return false
	}
	for _, t := range f.Tags {
		if !hasTag(rec.detail.Tags, t) {
			return false
		}
	}
	return true
}

func hasTag(flat []string, t Tag) bool {
	for i := 0; i+1 < len(flat); i += 2 {
		if flat[i] == t.Key {
			return flat[i+1] == t.Value
		}
	}
	return false
}

// sized reports whether the rule chooses by size, which takes the place of the default minimum for transitions.
func (r *LifecycleRule) sized() bool {
	return r.Filter != nil && (r.Filter.GreaterThan != nil || r.Filter.LessThan != nil)
}

// days are how long days are: shortened by tests, in which nothing waits for midnight.
type days time.Duration

const realDay = days(24 * time.Hour)

// after is the moment n days after t, at the midnight that follows it.
func (d days) after(t time.Time, n int) time.Time {
	due := t.Add(time.Duration(n) * time.Duration(d))
	if d < realDay {
		return due
	}
	return nextMidnight(due)
}

// nextMidnight is t, or the first midnight in UTC behind it.
func nextMidnight(t time.Time) time.Time {
	m := t.UTC().Truncate(24 * time.Hour)
	if m.Before(t) {
		m = m.Add(24 * time.Hour)
	}
	return m
}

// ends is when a current version expires by the rule; false if never.
func (e *LifecycleExpiration) ends(d days, modified time.Time) (time.Time, bool) {
	switch {
	case e == nil:
	case e.Days != nil:
		return d.after(modified, *e.Days), true
	case e.Date != nil:
		return *e.Date, true
	}
	return time.Time{}, false
}

// expiry is when the current version of key expires by the bucket's rules, as answers tell it: in days as they are in the
// calendar. It is nil if never.
func (c *LifecycleConfig) expiry(key string, rec *record) *Expiry {
	if c == nil || rec.is(flagMarker) {
		return nil
	}
	var first *Expiry
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Expiration == nil || !r.covers(key, rec) {
			continue
		}
		if t, ok := r.Expiration.ends(realDay, rec.modifiedTime()); ok && (first == nil || t.Before(first.Date)) {
			first = &Expiry{t, r.ID}
		}
	}
	return first
}

// aborts is when an upload under way is given up; nil if never.
func (c *LifecycleConfig) aborts(d days, key string, initiated time.Time) *Expiry {
	if c == nil {
		return nil
	}
	var first *Expiry
	for i := range c.Rules {
		r := &c.Rules[i]
		if !r.Enabled || r.AbortDays == nil || !strings.HasPrefix(key, r.prefix()) {
			continue
		}
		if t := d.after(initiated, *r.AbortDays); first == nil || t.Before(first.Date) {
			first = &Expiry{t, r.ID}
		}
	}
	return first
}
