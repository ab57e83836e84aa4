package object

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/errs"
)

func itoa[T int | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// storageClasses are the names S3 knows; a record holds the place in this list, so it only ever grows at its end.
var storageClasses = [...]string{"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
	"GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE"}

// parseStorageClass returns the number of a class that may be written here; "" is STANDARD.
func parseStorageClass(name string) (uint8, error) {
	if name == "" {
		return 0, nil
	}
	i := slices.Index(storageClasses[:], name)
	// The last ones belong to other kinds of store and are refused on a general purpose bucket.
	if i < 0 || name == "OUTPOSTS" || name == "SNOW" || name == "EXPRESS_ONEZONE" {
		e := errs.New(errs.Invalid, InvalidStorageClass, "The storage class you specified is not valid")
		e.Detail = map[string]string{"StorageClassRequested": name}
		return 0, e
	}
	return uint8(i), nil
}

func storageClassName(class uint8) string {
	if int(class) < len(storageClasses) {
		return storageClasses[class]
	}
	return storageClasses[0]
}

// checkMetadata bounds user metadata by the sum of the bytes of its names and values.
func checkMetadata(meta []Meta) error {
	n := 0
	for _, m := range meta {
		n += len(m.Name) + len(m.Value)
	}
	if n > MaxUserMetadata {
		e := errs.New(errs.Invalid, MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size.")
		e.Detail = map[string]string{"Size": itoa(n), "MaxSizeAllowed": itoa(MaxUserMetadata)}
		return e
	}
	return nil
}

// checkTags applies the rules for the tags of an object (limit MaxObjectTags) or a bucket (MaxBucketTags).
func checkTags(tags []Tag, limit int) error {
	if len(tags) > limit {
		what := "Object tags"
		if limit == MaxBucketTags {
			what = "Bucket tag count"
		}
		return errs.New(errs.Invalid, tooManyTags(limit), "%s cannot be greater than %d", what, limit)
	}
	for i, t := range tags {
		switch n := utf16Len(t.Key); {
		case n == 0 || n > MaxTagKeyLen || !tagText(t.Key):
			return invalidTag("The TagKey you have provided is invalid", t.Key, "")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			if limit == MaxObjectTags {
				return invalidTag("Your TagKey cannot be prefixed with aws:", t.Key, "")
			}
			return invalidTag("System tags cannot be added/updated by requester", t.Key, "")
		case utf16Len(t.Value) > MaxTagValueLen || !tagText(t.Value):
			return invalidTag("The TagValue you have provided is invalid", t.Key, t.Value)
		}
		for _, u := range tags[:i] {
			if u.Key == t.Key {
				return invalidTag("Cannot provide multiple Tags with the same key", t.Key, "")
			}
		}
	}
	return nil
}

// checkObjectTags is checkTags of an object, in the words of the dialect.
func (s *Service) checkObjectTags(tags []Tag) error {
	err := checkTags(tags, MaxObjectTags)
	var e *errs.E
	if s.cfg.Dialect.ExcessTagsInvalid && errors.As(err, &e) && e.Reason == BadRequest {
		e.Reason = InvalidTag
	}
	return err
}

func invalidTag(why, key, value string) error {
	e := errs.New(errs.Invalid, InvalidTag, "%s", why)
	e.Detail = map[string]string{"TagKey": key}
	if value != "" {
		e.Detail["TagValue"] = value
	}
	return e
}

// tooManyTags is the rule that a count of tags breaks: Amazon calls it a bad request on objects, a bad tag on buckets.
func tooManyTags(limit int) errs.Reason {
	if limit == MaxBucketTags {
		return InvalidTag
	}
	return BadRequest
}

// tagText reports whether s has only what tags may hold: letters, digits, space and _ . : / = + - @.
func tagText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) && !unicode.Is(unicode.Zs, c) && !strings.ContainsRune("_.:/=+-@", c) {
			return false
		}
	}
	return true
}

func utf16Len(s string) int {
	n := 0
	for _, c := range s {
		n += max(utf16.RuneLen(c), 1)
	}
	return n
}
