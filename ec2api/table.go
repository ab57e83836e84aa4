package ec2api

import (
	"context"
	"fmt"
	"slices"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/filter"
	"github.com/aureole-cloud/aureole/ec2api/model"
	"github.com/aureole-cloud/aureole/ec2api/query"
)

// action is a row of the action table.
type action struct {
	name string
	note string // what is missing of it; empty for nothing
	run  func(context.Context, *Server, *Call) (result, error)

	refusal string // what an action without run says, when it is not the usual sentence
}

// result is what an answer contains.
type result interface{ EncodeXML(*ec2xml.Writer) }

type requestOf[T any] interface {
	*T
	DecodeQuery(*query.Decoder, *query.Node)
	Common() model.Common
}

type resultOf[T any] interface {
	*T
	result
}

// handle makes the row of an action that h carries out.
func handle[In, Out any, PIn requestOf[In], POut resultOf[Out]](name string, h func(context.Context, *Call, *In) (*Out, error)) action {
	return action{name: name, run: func(ctx context.Context, s *Server, c *Call) (result, error) {
		in := new(In)
		if err := admit[In, PIn](ctx, s, c, in); err != nil {
			return nil, err
		}
		out, err := h(ctx, c, in)
		if err != nil {
			return nil, err
		}
		return POut(out), nil
	}}
}

// partly says what an action does not do yet.
func (a action) partly(note string) action {
	a.note = note
	return a
}

// admit decodes a request and decides whether its handler may run.
func admit[In any, PIn requestOf[In]](ctx context.Context, s *Server, c *Call, in *In) error {
	d := query.NewDecoder(c.form)
	PIn(in).DecodeQuery(d, d.Root())
	if err := d.Err(); err != nil {
		return err
	}
	c.common = PIn(in).Common()
	if err := c.checkCommon(); err != nil {
		return err
	}
	if err := s.authorize(ctx, c); err != nil {
		return err
	}
	if model.Val(c.common.DryRun) {
		return ec2err.New(ec2err.DryRunOperation, "Request would have succeeded, but DryRun flag is set.")
	}
	return s.cfg.Network.Ensure(ctx, c.Account()) // the first call of an account finds its default VPC made
}

// maxTokenLen bounds a client token, as AWS does.
const maxTokenLen = 64

// checkCommon checks what the model leaves open of the parameters that all actions share.
func (c *Call) checkCommon() error {
	if t := c.common.ClientToken; t != nil {
		if len(*t) > maxTokenLen {
			return ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter clientToken is invalid. It may have at most %d characters.",
				ec2err.Clip(*t), maxTokenLen)
		}
		for i := range len(*t) {
			if ch := (*t)[i]; ch < ' ' || ch > '~' {
				return ec2err.New(ec2err.InvalidParameterValue, "Value (%s) for parameter clientToken is invalid. It may only contain ASCII characters.", ec2err.Clip(*t))
			}
		}
	}
	if len(c.common.Filters) > 0 {
		if err := filter.CheckNames(c.common.Filters, filterNames(c.Action)); err != nil {
			return err
		}
	}
	return nil
}

// table finds actions by name. Those of the model that have no handler have a row without run.
type table map[string]*action

// newTable makes the table of s.
func newTable(s *Server) (table, error) {
	names := model.Actions()
	t := make(table, len(names))
	for _, n := range names {
		t[n] = &action{name: n}
	}
	for _, area := range [...][]action{s.basicActions(), s.emptyActions(), s.networkActions(), s.computeActions()} {
		for _, a := range area {
			switch row := t[a.name]; {
			case row == nil:
				return nil, fmt.Errorf("ec2api: the model has no action %s", a.name)
			case row.run != nil:
				return nil, fmt.Errorf("ec2api: two handlers for %s", a.name)
			}
			t[a.name] = &a
		}
	}
	return t, nil
}

// filterNames lists the filters that an action takes: those that it documents, and others that EC2 takes and tools send.
func filterNames(action string) []string {
	names := model.FilterNames(action)
	switch action {
	case "DescribeVpcs":
		return slices.Concat(names, []string{"isDefault"})
	case "DescribeSubnets":
		return slices.Concat(names, []string{"availabilityZone", "availabilityZoneId", "cidr", "cidrBlock", "defaultForAz"})
	case "DescribeNetworkInterfaces":
		return slices.Concat(names, []string{"group-name"})
	case "DescribeAddresses":
		return slices.Concat(names, []string{"domain"})
	case "DescribeRouteTables":
		return slices.Concat(names, []string{"route.network-interface-id"})
	}
	return names
}
