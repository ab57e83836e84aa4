package ec2api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aureole-cloud/aureole/core/rehearsal"
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
		if model.Val(c.common.DryRun) {
			ctx = rehearsal.Begin(ctx)
		}
		out, err := h(ctx, c, in)
		if err := c.dryRun(err); err != nil {
			return nil, err
		}
		return POut(out), nil
	}}
}

// dryRun makes the answer to a call that went so far with err. A dry run is carried out up to the commit: tools that check
// a launch by one expect to hear of what the launch itself would fail by, such as InsufficientFreeAddressesInSubnet
// (AWS ParallelCluster's validators), and EC2 says that the request "would have succeeded".
func (c *Call) dryRun(err error) error {
	if model.Val(c.common.DryRun) && (err == nil || errors.Is(err, rehearsal.ErrDone)) {
		return ec2err.New(ec2err.DryRunOperation, "Request would have succeeded, but DryRun flag is set.")
	}
	return err
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
	if err := c.checkPage(); err != nil {
		return err
	}
	if len(c.common.Filters) > 0 {
		if err := filter.CheckNames(c.common.Filters, filterNames(c.Action)); err != nil {
			return err
		}
	}
	return nil
}

// The bounds of a page, where AWS's reference has them and the model does not.
const (
	minPage = 5
	topPage = 1000
)

func (c *Call) checkPage() error {
	switch c.Action {
	case "DescribeInstances", "DescribeInstanceStatus", "DescribeVolumes", "DescribeVolumeStatus":
	default:
		return nil
	}
	switch n := c.common.MaxResults; {
	case n == nil:
	case *n < minPage:
		return ec2err.Low("maxResults", *n, minPage)
	case *n > topPage:
		return ec2err.High("maxResults", *n, topPage)
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
	case "DescribeImportImageTasks":
		return slices.Concat(names, []string{"task-state"})
	}
	return names
}
