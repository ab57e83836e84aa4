package object

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// This file holds what S3 accepts as a lifecycle configuration.

// Limits of lifecycle rules, from the Amazon S3 API reference.
const (
	maxRuleID      = 255
	maxKeep        = 100
	minIADays      = 30 // before objects may move to an infrequent access class
	maxTransitions = 10
)

func malformed() error {
	return errs.New(errs.Invalid, MalformedDocument,
		"The XML you provided was not well-formed or did not validate against our published schema")
}

// argument is an InvalidArgument that names what is wrong.
func argument(name, value, format string, args ...any) error {
	e := errs.New(errs.Invalid, InvalidArgument, format, args...)
	e.Detail = map[string]string{"ArgumentName": name, "ArgumentValue": value}
	return e
}

// validate checks a configuration and completes it: ids, and which of the two sizes when it names none.
func (c *LifecycleConfig) validate(minimum string) error {
	switch c.MinimumSize {
	case "":
		c.MinimumSize = minimum
	case TransitionAll128K, TransitionVaries:
	default:
		return invalidRequest("Invalid TransitionDefaultMinimumObjectSize found: %s", c.MinimumSize)
	}
	if len(c.Rules) == 0 || len(c.Rules) > MaxLifecycleRules {
		return malformed()
	}
	ids := map[string]bool{}
	for i := range c.Rules {
		r := &c.Rules[i]
		if len(r.ID) > maxRuleID {
			return argument("ID", r.ID, "ID length should not exceed allowed limit of %d", maxRuleID)
		}
		if r.ID == "" {
			var id [36]byte
			rand.Read(id[:]) // never fails
			r.ID = base64.RawURLEncoding.EncodeToString(id[:])
		}
		if ids[r.ID] {
			return argument("ID", r.ID, "Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[r.ID] = true
		if err := r.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (r *LifecycleRule) validate() error {
	if (r.Prefix == nil) == (r.Filter == nil) {
		return malformed()
	}
	if r.Filter != nil {
		if err := r.Filter.validate(); err != nil {
			return err
		}
	}
	if len(r.prefix()) > MaxKeyLen {
		return invalidRequest("The maximum size of a prefix is %d", MaxKeyLen)
	}
	if r.Expiration == nil && r.Noncurrent == nil && r.AbortDays == nil && len(r.Transitions)+len(r.NoncurrentTransitions) == 0 {
		return invalidRequest("At least one action needs to be specified in a rule")
	}
	tagged := r.Filter != nil && len(r.Filter.Tags) > 0
	if e := r.Expiration; e != nil {
		if err := e.validate(tagged); err != nil {
			return err
		}
	}
	if n := r.Noncurrent; n != nil {
		if n.Days < 1 {
			return argument("NoncurrentDays", itoa(n.Days), "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
		}
		if err := checkKeep(n.Keep); err != nil {
			return err
		}
	}
	if r.AbortDays != nil {
		if tagged {
			return invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.")
		}
		if r.sized() {
			return invalidRequest("AbortIncompleteMultipartUpload cannot be specified with ObjectSize.")
		}
		if *r.AbortDays < 1 {
			return argument("DaysAfterInitiation", itoa(*r.AbortDays), "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
		}
	}
	if err := r.validateTransitions(); err != nil {
		return err
	}
	return r.validateNoncurrentTransitions()
}

func (f *LifecycleFilter) validate() error {
	n := len(f.Tags)
	for _, there := range [...]bool{f.Prefix != nil, f.GreaterThan != nil, f.LessThan != nil} {
		if there {
			n++
		}
	}
	switch {
	case !f.And && n > 1, f.And && n < 2:
		return malformed()
	case f.GreaterThan != nil && (*f.GreaterThan < 0 || *f.GreaterThan > MaxObjectSize):
		return argument("ObjectSizeGreaterThan", itoa(*f.GreaterThan), "'ObjectSizeGreaterThan' should be between 0 and %d", int64(MaxObjectSize))
	case f.LessThan != nil && (*f.LessThan < 1 || *f.LessThan > MaxObjectSize):
		return argument("ObjectSizeLessThan", itoa(*f.LessThan), "'ObjectSizeLessThan' should be between 1 and %d", int64(MaxObjectSize))
	case f.GreaterThan != nil && f.LessThan != nil && *f.GreaterThan >= *f.LessThan:
		return invalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'")
	}
	for i, t := range f.Tags {
		for _, u := range f.Tags[:i] {
			if u.Key == t.Key {
				return invalidRequest("Duplicate Tag Keys are not allowed.")
			}
		}
		if len(t.Key) == 0 || utf16Len(t.Key) > MaxTagKeyLen || !tagText(t.Key) {
			return errs.New(errs.Invalid, InvalidTag, "The TagKey you have provided is invalid")
		}
		if utf16Len(t.Value) > MaxTagValueLen || !tagText(t.Value) {
			return errs.New(errs.Invalid, InvalidTag, "The TagValue you have provided is invalid")
		}
	}
	return nil
}

func (e *LifecycleExpiration) validate(tagged bool) error {
	n := 0
	for _, there := range [...]bool{e.Days != nil, e.Date != nil, e.Markers != nil} {
		if there {
			n++
		}
	}
	switch {
	case n != 1:
		return malformed()
	case e.Days != nil && *e.Days < 1:
		return argument("Days", itoa(*e.Days), "'Days' for Expiration action must be a positive integer")
	case e.Markers != nil && tagged:
		return invalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags.")
	}
	return checkMidnight(e.Date)
}

func checkMidnight(t *time.Time) error {
	if t != nil && !t.Equal(t.Truncate(24*time.Hour)) {
		return argument("Date", t.UTC().Format(time.RFC3339), "'Date' must be at midnight GMT")
	}
	return nil
}

func checkKeep(n *int) error {
	if n != nil && (*n < 1 || *n > maxKeep) {
		return argument("NewerNoncurrentVersions", itoa(*n), "'NewerNoncurrentVersions' must be a positive integer and at most %d", maxKeep)
	}
	return nil
}

// coldness orders the classes in the direction that transitions may take. Those that are no target have none.
func coldness(class uint8) int {
	switch storageClassName(class) {
	case "STANDARD", "REDUCED_REDUNDANCY":
		return 0
	case "STANDARD_IA":
		return 1
	case "INTELLIGENT_TIERING":
		return 2
	case "ONEZONE_IA":
		return 3
	case "GLACIER_IR":
		return 4
	case "GLACIER":
		return 5
	case "DEEP_ARCHIVE":
		return 6
	}
	return -1
}

// checkTarget applies the rules for the class of a transition that days is the age of; days is negative for a date.
func checkTarget(action, class string, days int) error {
	n, err := parseStorageClass(class)
	if err != nil || coldness(n) < 1 {
		return malformed()
	}
	if (class == "STANDARD_IA" || class == "ONEZONE_IA") && days >= 0 && days < minIADays {
		return argument("Days", itoa(days), "'Days' in %s action must be greater than or equal to %d for storageClass '%s'", action, minIADays, class)
	}
	return nil
}

// minStay is how many days a version spends in a class before it may move on (the AWS page "Transitioning objects using Amazon S3
// Lifecycle", considerations): what a rule says of one class and of a colder one has to leave it that long.
func minStay(class string) int {
	switch class {
	case "STANDARD_IA", "ONEZONE_IA":
		return 30
	case "GLACIER_IR", "GLACIER":
		return 90
	}
	return 0
}

// checkStay refuses two transitions of a rule that leave a version too little time in the warmer of their classes, which both are
// known, in the words of Amazon's that users of Terraform report. Of noncurrent versions nobody reports such a refusal.
func (r *LifecycleRule) checkStay(t, u LifecycleTransition) error {
	warm, _ := parseStorageClass(t.Class)
	cold, _ := parseStorageClass(u.Class)
	if coldness(warm) > coldness(cold) {
		t, u = u, t
	}
	days, field, value := 0, "Days", ""
	if u.Date != nil {
		field = "Date"
		days, value = int(u.Date.Sub(*t.Date)/(24*time.Hour)), u.Date.UTC().Format(time.RFC3339)
	} else {
		days, value = *u.Days-*t.Days, itoa(*u.Days)
	}
	if n := minStay(t.Class); n > 0 && days < n {
		return argument(field, value, "'%[1]s' in the 'Transition' action for StorageClass '%[2]s' for filter '(prefix=%[3]s)' must be %[4]d days more than "+
			"'filter '(prefix=%[3]s)'' in the 'Transition' action for StorageClass '%[5]s'", field, u.Class, r.prefix(), n, t.Class)
	}
	return nil
}

func (r *LifecycleRule) validateTransitions() error {
	if len(r.Transitions) > maxTransitions {
		return malformed()
	}
	for i, t := range r.Transitions {
		if (t.Days == nil) == (t.Date == nil) {
			return malformed()
		}
		age := -1
		if t.Days != nil {
			if age = *t.Days; age < 0 {
				return argument("Days", itoa(age), "'Days' in Transition action must be nonnegative")
			}
		}
		if err := checkMidnight(t.Date); err != nil {
			return err
		}
		if err := checkTarget("Transition", t.Class, age); err != nil {
			return err
		}
		for _, u := range r.Transitions[:i] {
			if u.Class == t.Class {
				return invalidRequest("'StorageClass' must be different for 'Transition' actions in same 'Rule' with prefix '%s'", r.prefix())
			}
			if (u.Days == nil) != (t.Days == nil) {
				return r.mixed()
			}
			if err := r.checkStay(u, t); err != nil {
				return err
			}
		}
		e := r.Expiration
		switch {
		case e == nil || e.Markers != nil:
		case (e.Days == nil) != (t.Days == nil):
			return r.mixed()
		case e.Days != nil && *e.Days <= age:
			return argument("Days", itoa(*e.Days), "'Days' in the Expiration action for filter '(prefix=%s)' must be greater than 'Days' in the Transition action", r.prefix())
		case e.Date != nil && !t.Date.Before(*e.Date):
			return argument("Date", e.Date.UTC().Format(time.RFC3339), "'Date' in the Expiration action for filter '(prefix=%s)' must be later than 'Date' in the Transition action", r.prefix())
		}
	}
	return nil
}

func (r *LifecycleRule) mixed() error {
	return invalidRequest("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for prefix '%s'", r.prefix())
}

func (r *LifecycleRule) validateNoncurrentTransitions() error {
	if len(r.NoncurrentTransitions) > maxTransitions {
		return malformed()
	}
	for i, t := range r.NoncurrentTransitions {
		if t.Days < 0 {
			return argument("NoncurrentDays", itoa(t.Days), "'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative")
		}
		if err := checkKeep(t.Keep); err != nil {
			return err
		}
		if err := checkTarget("NoncurrentVersionTransition", t.Class, t.Days); err != nil {
			return err
		}
		for _, u := range r.NoncurrentTransitions[:i] {
			if u.Class == t.Class {
				return invalidRequest("'StorageClass' must be different for 'NoncurrentVersionTransition' actions in same 'Rule' with prefix '%s'", r.prefix())
			}
		}
		if r.Noncurrent != nil && r.Noncurrent.Days <= t.Days {
			return argument("NoncurrentDays", itoa(r.Noncurrent.Days), "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=%s)' must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action", r.prefix())
		}
	}
	return nil
}
