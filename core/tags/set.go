package tags

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/errs"
)

// Limits of AWS.
const (
	MaxTags     = 50
	MaxKeyLen   = 128 // characters
	MaxValueLen = 256
)

// Reasons of refusals: EC2's codes.
const (
	InvalidParameterValue errs.Reason = "InvalidParameterValue"
	TagLimitExceeded      errs.Reason = "TagLimitExceeded"
)

// Tag is a key and its value.
type Tag struct{ Key, Value string }

// Set is the tags of one resource, sorted by key, without doubles.
type Set []Tag

// New makes a Set of tags for a new resource, and refuses what AWS refuses.
func New(list []Tag) (Set, error) {
	s := make(Set, 0, len(list))
	for _, t := range list {
		if err := check(t); err != nil {
			return nil, err
		}
		if _, double := s.Get(t.Key); double {
			return nil, errs.New(errs.Invalid, InvalidParameterValue, "Duplicate tag key '%s' specified.", t.Key)
		}
		s = s.with(t)
	}
	return s, s.checkCount()
}

func (s Set) checkCount() error {
	if len(s) > MaxTags {
		return errs.New(errs.Limit, TagLimitExceeded, "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}

func check(t Tag) error {
	switch {
	case t.Key == "":
		return errs.New(errs.Invalid, InvalidParameterValue, "Tag key cannot be empty.")
	case utf8.RuneCountInString(t.Key) > MaxKeyLen:
		return errs.New(errs.Invalid, InvalidParameterValue, "Tag key exceeds the maximum length of %d characters", MaxKeyLen)
	case utf8.RuneCountInString(t.Value) > MaxValueLen:
		return errs.New(errs.Invalid, InvalidParameterValue, "Tag value exceeds the maximum length of %d characters", MaxValueLen)
	case len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:"):
		return errs.New(errs.Invalid, InvalidParameterValue, "Tag keys starting with 'aws:' are reserved for internal use")
	case !utf8.ValidString(t.Key), !utf8.ValidString(t.Value):
		return errs.New(errs.Invalid, InvalidParameterValue, "Tags must be valid UTF-8.")
	}
	return nil
}

// Get returns the value of a key.
func (s Set) Get(key string) (string, bool) {
	i, ok := s.find(key)
	if !ok {
		return "", false
	}
	return s[i].Value, true
}

func (s Set) find(key string) (int, bool) {
	return slices.BinarySearchFunc(s, key, func(t Tag, k string) int { return strings.Compare(t.Key, k) })
}

// with returns a set with t added, or its value replaced; s may be changed.
func (s Set) with(t Tag) Set {
	i, ok := s.find(t.Key)
	if ok {
		s[i].Value = t.Value
		return s
	}
	return slices.Insert(s, i, t)
}

// without returns a set without key; s may be changed. When value is not nil only a tag of that value goes.
func (s Set) without(key string, value *string) Set {
	i, ok := s.find(key)
	if !ok || value != nil && *value != s[i].Value {
		return s
	}
	return slices.Delete(s, i, i+1)
}
