package object

import (
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
)

// any reports whether a condition is set.
func (c WriteConditions) any() bool {
	return c.IfMatch != "" || c.IfNoneMatch != "" || c.IfMatchSize != nil || !c.IfMatchLastModified.IsZero()
}

// bareETag removes the quotes: clients send both forms.
func bareETag(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// matchETag reports whether cur, which is not nil, has the ETag asked for.
func matchETag(asked string, cur *record) bool {
	return asked == "*" || strings.EqualFold(bareETag(asked), cur.etag())
}

// checkWrite holds the conditions of a write against the current version: nil and delete markers count as absent.
//
//	If-None-Match: *     412 when there is one
//	If-Match: etag or *  404 when there is none, 412 when it is another
func (c WriteConditions) checkWrite(key string, cur *record) error {
	absent := cur == nil || cur.is(flagMarker)
	if c.IfNoneMatch != "" && !absent && matchETag(c.IfNoneMatch, cur) {
		return preconditionFailed("If-None-Match")
	}
	if c.IfMatch != "" {
		if absent {
			return noSuchKey(key)
		}
		if !matchETag(c.IfMatch, cur) {
			return preconditionFailed("If-Match")
		}
	}
	return nil
}

// checkSince refuses to complete an upload though its condition holds, when that came about after the upload began: by a version
// with the ETag asked for, or by a delete where no version is wanted. Amazon wants the upload to begin again.
func (c WriteConditions) checkSince(key string, cur *record, u *upload) error {
	var condition string
	switch {
	case c.IfMatch != "" && u.id.before(cur.instance):
		condition = "If-Match"
	case c.IfNoneMatch != "" && (cur == nil && u.Over || cur != nil && cur.is(flagMarker) && u.id.before(cur.instance)):
		condition = "If-None-Match"
	default:
		return nil
	}
	e := errs.New(errs.Conflict, ConditionalConflict, "The conditional request cannot succeed due to a conflicting operation against this resource.")
	e.Detail = map[string]string{"Condition": condition, "Key": key}
	return e
}

// checkDelete holds the conditions of a delete against the version that is to go. An absent one fails only If-Match;
// a delete marker matches no ETag, but has a size of zero and a time.
func (c WriteConditions) checkDelete(key string, cur *record) error {
	if cur == nil {
		if c.IfMatch != "" {
			return noSuchKey(key)
		}
		return nil
	}
	switch {
	case c.IfMatch != "" && (cur.is(flagMarker) || !matchETag(c.IfMatch, cur)):
		return preconditionFailed("If-Match")
	case c.IfMatchSize != nil && *c.IfMatchSize != cur.size:
		return preconditionFailed("x-amz-if-match-size")
	case !c.IfMatchLastModified.IsZero() && c.IfMatchLastModified.Unix() != cur.modifiedTime().Unix():
		return preconditionFailed("x-amz-if-match-last-modified-time")
	}
	return nil
}

func (c *ReadConditions) any() bool {
	return len(c.IfMatch) > 0 || len(c.IfNoneMatch) > 0 || !c.IfModifiedSince.IsZero() || !c.IfUnmodifiedSince.IsZero()
}

// check holds the conditions of a read against r.
func (c *ReadConditions) check(r *record, now time.Time) error {
	switch failed := c.failed(r, now); failed {
	case "":
		return nil
	case "If-None-Match", "If-Modified-Since":
		return notModified(r)
	default:
		return preconditionFailed(failed)
	}
}

// The beginnings of the headers that hold conditions on the source of a copy and of a renaming.
const (
	onCopySource   = "x-amz-copy-source-"
	onRenameSource = "x-amz-rename-source-"
)

// checkSource is check for a source, where "not modified" is a failed precondition too.
func (c *ReadConditions) checkSource(prefix string, r *record, now time.Time) error {
	if failed := c.failed(r, now); failed != "" {
		return preconditionFailed(prefix + failed)
	}
	return nil
}

// failed names the condition that does not hold, in the order of RFC 9110 section 13.2.2: ETags win over dates. Dates
// compare in whole seconds, as headers carry them; one to come is no time that a client can have seen, and is ignored.
func (c *ReadConditions) failed(r *record, now time.Time) string {
	if !c.any() {
		return ""
	}
	modified := r.modifiedTime().Truncate(time.Second)
	switch {
	case len(c.IfMatch) > 0:
		if !matchAny(c.IfMatch, r) {
			return "If-Match"
		}
	case !c.IfUnmodifiedSince.IsZero() && modified.After(c.IfUnmodifiedSince):
		return "If-Unmodified-Since"
	}
	switch {
	case len(c.IfNoneMatch) > 0:
		if matchAny(c.IfNoneMatch, r) {
			return "If-None-Match"
		}
	case !c.IfModifiedSince.IsZero() && !modified.After(c.IfModifiedSince) && !c.IfModifiedSince.After(now):
		return "If-Modified-Since"
	}
	return ""
}

func matchAny(etags []string, r *record) bool {
	for _, e := range etags {
		if matchETag(e, r) {
			return true
		}
	}
	return false
}

// notModified tells what the answer's headers need.
func notModified(r *record) error {
	e := errs.New(errs.NotModified, "", "")
	e.Detail = map[string]string{"ETag": r.etag(), "LastModified": r.modifiedTime().Format(httpTime)}
	return e
}
