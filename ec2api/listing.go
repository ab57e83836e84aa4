package ec2api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

// listing is what a Describe action chooses its answer from.
type listing[T any] struct {
	items   []T                // all that the account may see
	id      func(*T) string    // of an item; also the order of pages
	kind    ids.Kind           // of the ids; empty when items have names
	asked   []string           // ids that the request names
	absent  func(string) error // of a name that is not there; nil is notFound of kind
	filters filter.Set[T]

	// exclusive is EC2's name for the ids, where it refuses them together with MaxResults; else empty.
	exclusive string
}

// answer looks up the ids that were asked for, filters, sorts and cuts a page. next is the token of the following one.
func (l listing[T]) answer(c *Call) (page []T, next *string, err error) {
	page = l.items
	if len(l.asked) > 0 {
		if l.exclusive != "" && c.common.MaxResults != nil {
			return nil, nil, ec2err.Combination("The parameter %s cannot be used with the parameter maxResults", l.exclusive)
		}
		if page, err = l.named(); err != nil {
			return nil, nil, err
		}
	}
	if page, err = l.filters.Select(page, c.common.Filters); err != nil {
		return nil, nil, err
	}
	page = slices.Clone(page)
	slices.SortStableFunc(page, func(a, b T) int { return strings.Compare(l.id(&a), l.id(&b)) })
	return l.cut(c, page)
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
	for i := range l.items {
		id := l.id(&l.items[i])
		if seen, ok := want[id]; ok && !seen {
			want[id] = true
			found = append(found, l.items[i])
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

// cut takes a page out of sorted items. A page begins behind the last id of the one before, so that items that come and go
// meanwhile neither repeat nor hide others.
func (l listing[T]) cut(c *Call, items []T) ([]T, *string, error) {
	if token := model.Val(c.common.NextToken); token != "" {
		after, ok := openToken(c, token)
		if !ok {
			return nil, nil, ec2err.New(ec2err.InvalidNextToken, "The token '%s' is invalid", ec2err.Clip(token))
		}
		i, found := slices.BinarySearchFunc(items, after, func(t T, id string) int { return strings.Compare(l.id(&t), id) })
		for found && i < len(items) && l.id(&items[i]) == after {
			i++
		}
		items = items[i:]
	}
	size := len(items)
	switch {
	case c.common.MaxResults != nil:
		if size = *c.common.MaxResults; size < 1 {
			return nil, nil, ec2err.New(ec2err.InvalidParameterValue, "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 0.", size)
		}
	case c.common.NextToken != nil:
		size = maxPage
	}
	if size >= len(items) {
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
