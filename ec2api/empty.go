package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/core/ids"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/model"
	"github.com/aureole-cloud/aureole/ec2api/query"
)

// emptySets is an answer of lists that have no members.
type emptySets []string

// EncodeXML writes the empty elements.
func (e emptySets) EncodeXML(w *ec2xml.Writer) {
	for _, name := range e {
		w.Empty(name)
	}
}

// empty makes the row of an action that describes what this server never has: the sets are truly empty, and whoever asks
// for one by its id hears that it is not there.
func empty[In any, PIn requestOf[In]](name, idParam, absent string, sets ...string) action {
	return action{name: name, note: noteEmpty, run: func(ctx context.Context, s *Server, c *Call) (result, error) {
		if err := admit[In, PIn](ctx, s, c, new(In)); err != nil {
			return nil, err
		}
		if idParam != "" {
			d := query.NewDecoder(c.form)
			if list := d.Strings(d.Root(), idParam); len(list) > 0 {
				return nil, ec2err.New(absent, "The ID '%s' does not exist", ec2err.Clip(list[0]))
			}
		}
		if err := s.ofExisting(c); err != nil {
			return nil, err
		}
		if c.common.NextToken != nil && *c.common.NextToken != "" {
			return nil, ec2err.New(ec2err.InvalidNextToken, "The token '%s' is invalid", ec2err.Clip(*c.common.NextToken))
		}
		if err := c.dryRun(nil); err != nil {
			return nil, err
		}
		return emptySets(sets), nil
	}}
}

// ofExisting refuses a question about what a group or a VPC has none of, when there is no such group or VPC.
func (s *Server) ofExisting(c *Call) error {
	d := query.NewDecoder(c.form)
	switch c.Action {
	case "DescribeSecurityGroupReferences":
		for _, id := range d.Strings(d.Root(), "GroupId") {
			if _, err := s.network.FindGroup(c.Account(), id, ""); err != nil {
				return err
			}
		}
	case "DescribeStaleSecurityGroups":
		id := model.Val(d.String(d.Root(), "VpcId"))
		if err := checkIDs(ids.VPC, id); err != nil {
			return err
		}
		if v := s.network.VPC(id); v == nil || v.Account != c.Account() {
			return notFound(ids.VPC, id)
		}
	}
	return nil
}

// noteEmpty marks actions that have nothing to describe.
const noteEmpty = "the set is always empty: there are no such resources here"
