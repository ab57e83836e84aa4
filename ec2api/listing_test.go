package ec2api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
)

func things(n int) listing[string] {
	l := listing[string]{
		id: func(s *string) string { return *s }, kind: ids.VPC, exclusive: "vpcSet",
		filters: filter.Set[string]{Fields: map[string]func(*string) []string{"id": func(s *string) []string { return []string{*s} }}},
	}
	for i := range n {
		l.items = append(l.items, fmt.Sprintf("vpc-%017x", (i*7)%n))
	}
	return l
}

// streamed is the same listing by a source, which counts what it hands out.
func (l listing[T]) streamed(handed *int) listing[T] {
	items := slices.Clone(l.items)
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(l.id(&a), l.id(&b)) })
	l.items = nil
	l.source = &source[T]{
		walk: func(after string, yield func(T) bool) error {
			for _, i := range items {
				if l.id(&i) <= after {
					continue
				}
				if *handed++; !yield(i) {
					break
				}
			}
			return nil
		},
		find: func(ids []string, yield func(T) bool) error {
			for _, i := range items {
				if !slices.Contains(ids, l.id(&i)) {
					continue
				}
				if *handed++; !yield(i) {
					break
				}
			}
			return nil
		},
		candidates: map[string]func(string) []string{"id": func(id string) []string { return []string{id, id} }},
	}
	return l
}

// What is answered does not depend on whether items are all there or come from a source, and a source hands out no more than an
// item beyond the answer where it can know.
func TestStreams(t *testing.T) {
	l := things(40)
	id := func(n int) string { return fmt.Sprintf("vpc-%017x", n) }
	hidden := func(s *string) bool { return strings.HasSuffix(*s, "3") }
	for _, tc := range []struct {
		name   string
		values []string // of the filter id
		asked  []string
		max    int
		hide   bool
		pages  int
		most   int // handed out on all pages
	}{
		{name: "all", pages: 1, most: 40},
		{name: "pages", max: 7, pages: 6, most: 40 + 5},
		{name: "pages without the hidden", max: 7, hide: true, pages: 6, most: 40 + 8},
		{name: "one by a filter", values: []string{id(5)}, pages: 1, most: 1},
		{name: "some by a filter, one of them twice", values: []string{id(9), id(5), id(5), id(99)}, pages: 1, most: 2},
		{name: "pages of a filter", values: []string{id(9), id(5), id(7)}, max: 2, pages: 2, most: 4},
		{name: "a pattern", values: []string{"*1"}, max: 2, pages: 2, most: 34 + 22},
		{name: "a pattern among plain values", values: []string{id(5), "*1"}, pages: 1, most: 40},
		{name: "asked", asked: []string{id(9), id(3), id(9)}, pages: 1, most: 2},
		{name: "asked, hidden", asked: []string{id(9), id(3)}, hide: true, pages: 1, most: 2},
	} {
		handed := 0
		l.asked, l.hidden = tc.asked, nil
		if tc.hide {
			l.hidden = hidden
		}
		var texts []string
		for _, l := range []listing[string]{l, l.streamed(&handed)} {
			c := &Call{Action: "DescribeVpcs", Who: iam.Principal{AccountID: "1"}}
			if tc.max > 0 {
				c.common.MaxResults = &tc.max
			}
			if tc.values != nil {
				c.common.Filters = []model.Filter{{Name: new("id"), Values: tc.values}}
			}
			text, pages := "", 0
			for more := true; more; more = c.common.NextToken != nil {
				page, next, err := l.answer(c)
				if err != nil {
					t.Fatalf("%s: %v", tc.name, err)
				}
				text += fmt.Sprintln(page, model.Val(next))
				c.common.NextToken = next
				pages++
			}
			if pages != tc.pages {
				t.Errorf("%s: %d pages, want %d", tc.name, pages, tc.pages)
			}
			texts = append(texts, text)
		}
		if texts[0] != texts[1] || handed > tc.most {
			t.Errorf("%s: %d handed out, at most %d wanted;\n%s\n%s", tc.name, handed, tc.most, texts[0], texts[1])
		}
	}
}

func TestPages(t *testing.T) {
	l := things(23)
	c := &Call{Action: "DescribeVpcs", Who: iam.Principal{AccountID: "1"}}
	c.common.MaxResults = new(5)
	var all []string
	for range 10 {
		page, next, err := l.answer(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if c.common.NextToken = next; next == nil {
			break
		}
		// What is gone meanwhile hides nothing else.
		l.items = slices.DeleteFunc(l.items, func(s string) bool { return s == page[len(page)-1] })
	}
	if len(all) != 23 || !slices.IsSorted(all) {
		t.Errorf("%d items", len(all))
	}
}

func TestTokensAreOfOneQuestion(t *testing.T) {
	l := things(10)
	c := &Call{Action: "DescribeVpcs", Who: iam.Principal{AccountID: "1"}}
	c.common.MaxResults = new(5)
	_, next, err := l.answer(c)
	if err != nil || next == nil {
		t.Fatal(next, err)
	}
	for name, other := range map[string]Call{
		"action":  {Action: "DescribeSubnets", Who: iam.Principal{AccountID: "1"}},
		"account": {Action: "DescribeVpcs", Who: iam.Principal{AccountID: "2"}},
		"filters": {Action: "DescribeVpcs", Who: iam.Principal{AccountID: "1"},
			common: model.Common{Filters: []model.Filter{{Name: new("id"), Values: []string{"*"}}}}},
	} {
		other.common.NextToken = next
		if _, _, err := l.answer(&other); err == nil || ec2err.From(err).Code != ec2err.InvalidNextToken {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for _, token := range []string{"x", "!", (*next)[1:], *next + "AAAA"} {
		c.common.NextToken = &token
		if _, _, err := l.answer(c); err == nil || ec2err.From(err).Code != ec2err.InvalidNextToken {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestNamedIDs(t *testing.T) {
	l := things(3)
	c := &Call{}
	for _, tc := range []struct {
		asked         []string
		max           *int
		code, message string
	}{
		{asked: []string{"vpc-00000000000000001", "vpc-00000000000000001"}},
		{[]string{"vpc-0000000000000000f"}, nil, "InvalidVpcID.NotFound", "The vpc ID 'vpc-0000000000000000f' does not exist"},
		{[]string{"vpc-00000000000000001", "vpc-0000000f", "vpc-0000000e"}, nil, "InvalidVpcID.NotFound", "The vpc IDs 'vpc-0000000f, vpc-0000000e' do not exist"},
		{[]string{"subnet-1"}, nil, "InvalidVpcID.Malformed", `Invalid id: "subnet-1" (expecting "vpc-...")`},
		{[]string{"vpc-xyz"}, nil, "InvalidVpcID.Malformed", `Invalid id: "vpc-xyz"`},
		{[]string{""}, nil, "InvalidVpcID.Malformed", `Invalid id: "" (expecting "vpc-...")`},
		{[]string{"vpc-00000000000000001"}, new(5), "InvalidParameterCombination", "The parameter vpcSet cannot be used with the parameter maxResults"},
	} {
		l.asked, c.common.MaxResults = tc.asked, tc.max
		handed := 0
		streamed := l.streamed(&handed)
		if _, _, serr := streamed.answer(c); tc.code != "" && (serr == nil || ec2err.From(serr).Message != tc.message) {
			t.Errorf("%v of a source: %v", tc.asked, serr)
		}
		page, _, err := l.answer(c)
		if tc.code == "" {
			if err != nil || len(page) != 1 {
				t.Errorf("%v: %v %v", tc.asked, page, err)
			}
			continue
		}
		if err == nil || ec2err.From(err).Code != tc.code || ec2err.From(err).Message != tc.message {
			t.Errorf("%v: %v", tc.asked, err)
		}
	}
}

func TestTableIsOfTheModel(t *testing.T) {
	if tab, err := newTable(&Server{}); err != nil || len(tab) < 625 || tab["DescribeRegions"].run == nil || tab["CreateFleet"].run != nil {
		t.Errorf("%d actions: %v", len(tab), err)
	}
	if a := (action{}).partly("no x"); a.note != "no x" {
		t.Error(a.note)
	}
}
