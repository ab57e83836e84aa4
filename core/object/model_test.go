package object_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
)

// model is S3 as simple as can be: what the service must be indistinguishable from.
type model struct {
	versioning object.Versioning
	locked     bool                   // the bucket has object lock
	keys       map[string][]*mversion // newest first
	uploads    map[string]*mupload
	writes     int
}

type mversion struct {
	id     string // outer id as the service gave it; "null" for null versions
	null   bool
	marker bool
	data   []byte
	etag   string
	meta   string
	tags   string
	blobs  int
	parts  map[int][]byte

	at             int  // which of all writes made it
	held, governed bool // by a legal hold; by a governance retention that outlasts the test
}

type mupload struct {
	key   string
	held  bool
	began int  // how many writes there were before
	over  bool // the key had an object then
	parts map[int]*mversion
	meta  string
}

func newModel() *model {
	return &model{keys: map[string][]*mversion{}, uploads: map[string]*mupload{}}
}

func (m *model) current(key string) *mversion {
	if vs := m.keys[key]; len(vs) > 0 {
		return vs[0]
	}
	return nil
}

// object is the current version if it is one.
func (m *model) object(key string) *mversion {
	if v := m.current(key); v != nil && !v.marker {
		return v
	}
	return nil
}

func (m *model) find(key, version string) *mversion {
	if version == "" {
		return m.current(key)
	}
	for _, v := range m.keys[key] {
		if v.id == version || v.null && version == "null" {
			return v
		}
	}
	return nil
}

// write makes v the current version.
func (m *model) write(key string, v *mversion) {
	m.writes++
	v.at = m.writes
	if m.versioning != object.VersioningEnabled {
		v.null, v.id = true, "null"
		m.keys[key] = slices.DeleteFunc(m.keys[key], func(o *mversion) bool { return o.null })
	}
	m.keys[key] = append([]*mversion{v}, m.keys[key]...)
}

func (m *model) remove(key string, v *mversion) {
	m.keys[key] = slices.DeleteFunc(m.keys[key], func(o *mversion) bool { return o == v })
	if len(m.keys[key]) == 0 {
		delete(m.keys, key)
	}
}

// check predicts what conditions of a write do.
func (m *model) check(key string, c object.WriteConditions) (errs.Kind, errs.Reason) {
	cur := m.object(key)
	switch {
	case c.IfNoneMatch != "" && cur != nil && (c.IfNoneMatch == "*" || c.IfNoneMatch == cur.etag):
		return errs.Precondition, object.PreconditionFailed
	case c.IfMatch != "" && cur == nil:
		return errs.NotFound, object.NoSuchKey
	case c.IfMatch != "" && c.IfMatch != "*" && c.IfMatch != cur.etag:
		return errs.Precondition, object.PreconditionFailed
	}
	return 0, ""
}

// goneSince predicts whether u finds its key without an object because of a delete that came after it began.
func (m *model) goneSince(u *mupload) bool {
	if vs := m.keys[u.key]; len(vs) > 0 {
		return vs[0].marker && vs[0].at > u.began
	}
	return u.over
}

// mversions is a page of a listing of versions: "key|id|latest|marker" each.
type mversions struct {
	items, prefixes  []string
	truncated        bool
	nextKey, nextVer string
}

// listVersions is the textbook listing: look at every version.
func (m *model) listVersions(in object.ListVersionsInput) mversions {
	var p mversions
	if in.MaxKeys == 0 {
		return p
	}
	last := ""
	for _, k := range slices.Sorted(maps.Keys(m.keys)) {
		if !strings.HasPrefix(k, in.Prefix) {
			continue
		}
		full := func() bool {
			p.truncated = len(p.items)+len(p.prefixes) == min(in.MaxKeys, object.MaxListKeys)
			return p.truncated
		}
		if in.Delimiter != "" {
			if i := strings.Index(k[len(in.Prefix):], in.Delimiter); i >= 0 {
				cp := k[:len(in.Prefix)+i+len(in.Delimiter)]
				if strings.HasPrefix(in.KeyMarker, cp) || cp == last || k <= in.KeyMarker {
					continue
				}
				if full() {
					return p
				}
				p.prefixes, last = append(p.prefixes, cp), cp
				p.nextKey, p.nextVer = cp, ""
				continue
			}
		}
		vs := m.keys[k]
		switch {
		case k < in.KeyMarker, k == in.KeyMarker && in.VersionIDMarker == "":
			continue
		case k == in.KeyMarker:
			if i := slices.IndexFunc(vs, func(v *mversion) bool { return v.id == in.VersionIDMarker }); i >= 0 {
				vs = vs[i+1:]
			}
		}
		for _, v := range vs {
			if full() {
				return p
			}
			p.items = append(p.items, fmt.Sprint(k, "|", v.id, "|", v == m.current(k), "|", v.marker))
			p.nextKey, p.nextVer = k, v.id
		}
	}
	return p
}

type mpage struct {
	keys, prefixes []string
	truncated      bool
	next           string
}

// list is the textbook listing: look at every key.
func (m *model) list(in object.ListInput) mpage {
	var all []string
	for k := range m.keys {
		if m.object(k) != nil && strings.HasPrefix(k, in.Prefix) {
			all = append(all, k)
		}
	}
	sort.Strings(all)
	var p mpage
	if in.MaxKeys == 0 {
		return p
	}
	last := ""
	for _, k := range all {
		item, isPrefix := k, false
		if in.Delimiter != "" {
			if i := strings.Index(k[len(in.Prefix):], in.Delimiter); i >= 0 {
				item, isPrefix = k[:len(in.Prefix)+i+len(in.Delimiter)], true
			}
		}
		if isPrefix && (strings.HasPrefix(in.StartAfter, item) || item == last) || k <= in.StartAfter {
			continue
		}
		if len(p.keys)+len(p.prefixes) == min(in.MaxKeys, object.MaxListKeys) {
			p.truncated = true
			break
		}
		last = item
		if isPrefix {
			p.prefixes = append(p.prefixes, item)
		} else {
			p.keys = append(p.keys, item)
		}
		p.next = item
	}
	return p
}

func (m *model) usage() object.Usage {
	var u object.Usage
	for _, vs := range m.keys {
		for _, v := range vs {
			u.Versions++
			u.Bytes += int64(len(v.data))
			if !v.marker {
				u.Objects++
			}
		}
	}
	for _, up := range m.uploads {
		u.Uploads++
		for _, p := range up.parts {
			u.UploadBytes += int64(len(p.data))
		}
	}
	return u
}

func (m *model) blobs() (n int) {
	for _, vs := range m.keys {
		for _, v := range vs {
			n += v.blobs
		}
	}
	for _, up := range m.uploads {
		for _, p := range up.parts {
			n += p.blobs
		}
	}
	return n
}

// complete makes the object of an upload from the parts with the given numbers.
func (u *mupload) complete(numbers []int) *mversion {
	v := &mversion{meta: u.meta, parts: map[int][]byte{}, held: u.held}
	h := md5.New()
	for _, n := range numbers {
		p := u.parts[n]
		v.data = append(v.data, p.data...)
		v.parts[n] = p.data
		v.blobs += p.blobs
		sum, _ := hex.DecodeString(p.etag)
		h.Write(sum)
	}
	v.etag = fmt.Sprintf("%x-%d", h.Sum(nil), len(numbers))
	return v
}
