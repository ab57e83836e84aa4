package ec2api

import (
	"context"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
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
func empty[In any, PIn requestOf[In]](name, ids, absent string, sets ...string) action {
	return action{name: name, note: noteEmpty, run: func(ctx context.Context, s *Server, c *Call) (result, error) {
		if err := admit[In, PIn](ctx, s, c, new(In)); err != nil {
			return nil, err
		}
		if ids != "" {
			d := query.NewDecoder(c.form)
			if list := d.Strings(d.Root(), ids); len(list) > 0 {
				return nil, ec2err.New(absent, "The ID '%s' does not exist", ec2err.Clip(list[0]))
			}
		}
		if c.common.NextToken != nil && *c.common.NextToken != "" {
			return nil, ec2err.New(ec2err.InvalidNextToken, "The token '%s' is invalid", ec2err.Clip(*c.common.NextToken))
		}
		return emptySets(sets), nil
	}}
}

// noteEmpty marks actions that have nothing to describe.
const noteEmpty = "the set is always empty: there are no such resources here"
