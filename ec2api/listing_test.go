package ec2api

import (
	"fmt"
	"slices"
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
		{[]string{"subnet-1"}, nil, "InvalidVpcId.Malformed", `Invalid id: "subnet-1" (expecting "vpc-...")`},
		{[]string{"vpc-xyz"}, nil, "InvalidVpcId.Malformed", `Invalid id: "vpc-xyz"`},
		{[]string{""}, nil, "InvalidVpcId.Malformed", `Invalid id: "" (expecting "vpc-...")`},
		{[]string{"vpc-00000000000000001"}, new(5), "InvalidParameterCombination", "The parameter vpcSet cannot be used with the parameter maxResults"},
	} {
		l.asked, c.common.MaxResults = tc.asked, tc.max
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
