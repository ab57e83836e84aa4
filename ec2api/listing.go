package ec2api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// listing is what a Describe action chooses its answer from: either items that are all there already, or a source.
type listing[T any] struct {
	items   []T                // all that the account may see; unless there is a source
	source  *source[T]         // of kinds of which there may be thousands
	id      func(*T) string    // of an item; also the order of pages
	kind    ids.Kind           // of the ids; empty when items have names
	asked   []string           // ids that the request names
	absent  func(string) error // of a name that is not there; nil is notFound of kind
	filters filter.Set[T]
	hidden  func(*T) bool // items that exist and are not answered; nil is none. Asking for one is no error.

	// exclusive is EC2's name for the ids, where it refuses them together with MaxResults; else empty.
	exclusive string
}

// source hands out the items of a listing one by one, so that a page and a filter that finds few cost what they return.
type source[T any] struct {
	// walk hands on the items behind an id, in the order of ids, until yield returns false.
	walk func(after string, yield func(T) bool) error
	// find hands on those of some ids that exist, in the order of ids that it is given.
	find func(ids []string, yield func(T) bool) error
	// candidates gives, for a filter by one value, the ids of all items that can have it, and maybe others, in any order.
	// It is the look-up of an index: what it gives still goes through the filters.
	candidates map[string]func(value string) []string
}

// answer looks up the ids that were asked for, filters, sorts and cuts a page. next is the token of the following one.
func (l listing[T]) answer(c *Call) (page []T, next *string, err error) {
	if len(l.asked) > 0 && l.exclusive != "" && c.common.MaxResults != nil {
		return nil, nil, ec2err.Combination("The parameter %s cannot be used with the parameter maxResults", l.exclusive)
	}
	page = l.items
	switch {
	case len(l.asked) > 0:
		if page, err = l.named(); err != nil {
			return nil, nil, err
		}
	case l.source != nil:
		return l.stream(c)
	}
	if page, err = l.filters.Select(page, c.common.Filters); err != nil {
		return nil, nil, err
	}
	page = slices.Clone(page)
	if l.hidden != nil {
		page = slices.DeleteFunc(page, func(item T) bool { return l.hidden(&item) })
	}
	slices.SortStableFunc(page, func(a, b T) int { return strings.Compare(l.id(&a), l.id(&b)) })
	return l.cut(c, page)
}

// stream makes a page of a source: it looks at nothing in front of the page, and at no more behind it than tells whether there
// is another.
func (l listing[T]) stream(c *Call) (page []T, next *string, err error) {
	match, err := l.filters.Compile(c.common.Filters)
	if err != nil {
		return nil, nil, err
	}
	after, size, err := pageOf(c)
	if err != nil {
		return nil, nil, err
	}
	page = []T{}
	take := func(item T) bool {
		if l.hidden != nil && l.hidden(&item) || !match.Match(&item) {
			return true
		}
		if size > 0 && len(page) == size {
			next = new(sealToken(c, l.id(&page[size-1])))
			return false
		}
		page = append(page, item)
		return true
	}
	if few, ok := l.few(c.common.Filters); ok {
		if after != "" {
			few = slices.DeleteFunc(few, func(id string) bool { return id <= after })
		}
		err = l.source.find(few, take)
	} else {
		err = l.source.walk(after, take)
	}
	return page, next, err
}

// few asks the indexes for the ids of what can pass the filters, sorted; false when no index helps.
func (l listing[T]) few(filters []model.Filter) (best []string, ok bool) {
	for i := range filters {
		lookUp := l.source.candidates[model.Val(filters[i].Name)]
		if lookUp == nil {
			continue
		}
		var all []string
		plain := true
		for _, v := range filters[i].Values {
			if plain = plain && filter.Plain(v); plain {
				all = append(all, lookUp(v)...)
			}
		}
		if plain && (!ok || len(all) < len(best)) {
			best, ok = all, true
		}
	}
	slices.Sort(best)
	return slices.Compact(best), ok
}

// named returns the items that were asked for, each once.
func (l listing[T]) named() ([]T, error) {
	if l.kind != "" {
		if err := checkIDs(l.kind, l.asked...); err != nil {
			return nil, err
		}
	}
	want := make(map[string]bool, len(l.asked)) // whether found
	for _, id := range l.asked {
		want[id] = false
	}
	found := make([]T, 0, len(want))
	take := func(item T) bool {
		if seen, ok := want[l.id(&item)]; ok && !seen {
			want[l.id(&item)] = true
			found = append(found, item)
		}
		return true
	}
	if l.source != nil {
		if err := l.source.find(slices.Sorted(maps.Keys(want)), take); err != nil {
			return nil, err
		}
	} else {
		for i := range l.items {
			take(l.items[i])
		}
	}
	var missing []string
	for _, id := range l.asked {
		if !want[id] && !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	switch {
	case len(missing) == 0:
		return found, nil
	case l.absent != nil:
		return nil, l.absent(missing[0])
	}
	return nil, notFound(l.kind, missing...)
}

// maxPage is what a page holds when the request does not say and a former page began to count.
const maxPage = 1000

// pageOf tells behind which id the page begins that a call asks for, and how many items it may have; 0 is all.
func pageOf(c *Call) (after string, size int, err error) {
	if token := model.Val(c.common.NextToken); token != "" {
		var ok bool
		if after, ok = openToken(c, token); !ok {
			return "", 0, ec2err.New(ec2err.InvalidNextToken, "The token '%s' is invalid", ec2err.Clip(token))
		}
	}
	switch {
	case c.common.MaxResults != nil:
		if size = *c.common.MaxResults; size < 1 {
			return "", 0, ec2err.New(ec2err.InvalidParameterValue, "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 0.", size)
		}
	case c.common.NextToken != nil:
		size = maxPage
	}
	return after, size, nil
}

// cut takes a page out of sorted items. A page begins behind the last id of the one before, so that items that come and go
// meanwhile neither repeat nor hide others.
func (l listing[T]) cut(c *Call, items []T) ([]T, *string, error) {
	after, size, err := pageOf(c)
	if err != nil {
		return nil, nil, err
	}
	if after != "" {
		i, found := slices.BinarySearchFunc(items, after, func(t T, id string) int { return strings.Compare(l.id(&t), id) })
		for found && i < len(items) && l.id(&items[i]) == after {
			i++
		}
		items = items[i:]
	}
	if size == 0 || size >= len(items) {
		return items, nil, nil
	}
	return items[:size], new(sealToken(c, l.id(&items[size-1]))), nil
}

// A token is a checksum over the question, so that one of another question is refused, and the last id.
const tokenSum = 12

func questionSum(c *Call, id string) []byte {
	h := sha256.New()
	write := func(s string) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	write(c.Account())
	write(c.Action)
	for i := range c.common.Filters {
		write(model.Val(c.common.Filters[i].Name))
		for _, v := range c.common.Filters[i].Values {
			write(v)
		}
	}
	write(id)
	return h.Sum(nil)[:tokenSum]
}

func sealToken(c *Call, id string) string {
	return base64.RawURLEncoding.EncodeToString(append(questionSum(c, id), id...))
}

func openToken(c *Call, token string) (id string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) <= tokenSum {
		return "", false
	}
	id = string(raw[tokenSum:])
	return id, string(raw[:tokenSum]) == string(questionSum(c, id))
}
