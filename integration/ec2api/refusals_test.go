package ec2api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// refusals is what one action has to refuse.
type refusals struct {
	// good are parameters with which the action would succeed; nothing runs with them but a dry run. Each is a base of
	// further cases: a parameter that is left out is missed (a name that begins with ? may be left out), an id in braces is
	// replaced by a malformed one, one that is not there, and one of another account.
	good string
	// missing, malformed and absent say by which code, where it is not the usual one: of a parameter, or of all ("*").
	missing, malformed, absent map[string]string
	dry                        string // what a dry run answers when a quota is full or the only one is there
	rows                       []bad
}

// bad is a request that is refused: the action's parameters, the code, and, when it matters, words of the message.
type bad struct{ form, code, says string }

// kinds are the codes of ids, by their prefix. EC2 spells them as it likes:
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, and terraform-provider-aws's
// internal/service/ec2/errors.go, which lives by them.
var kinds = map[string]struct{ malformed, absent string }{
	"i":              {"InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound"},
	"ami":            {"InvalidAMIID.Malformed", "InvalidAMIID.NotFound"},
	"vol":            {"InvalidParameterValue", "InvalidVolume.NotFound"},
	"vpc":            {"InvalidVpcID.Malformed", "InvalidVpcID.NotFound"},
	"subnet":         {"InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound"},
	"sg":             {"InvalidGroupId.Malformed", "InvalidGroup.NotFound"},
	"sgr":            {"InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound"},
	"eni":            {"InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound"},
	"eni-attach":     {"InvalidNetworkInterfaceAttachmentId.Malformed", "InvalidAttachmentID.NotFound"},
	"rtb":            {"InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound"},
	"rtbassoc":       {"InvalidAssociationId.Malformed", "InvalidAssociationID.NotFound"},
	"igw":            {"InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound"},
	"acl":            {"InvalidNetworkAclId.Malformed", "InvalidNetworkAclID.NotFound"},
	"aclassoc":       {"InvalidAssociationId.Malformed", "InvalidAssociationID.NotFound"},
	"dopt":           {"InvalidDhcpOptionsId.Malformed", "InvalidDhcpOptionID.NotFound"},
	"eipalloc":       {"InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound"},
	"eipassoc":       {"InvalidAssociationId.Malformed", "InvalidAssociationID.NotFound"},
	"vpc-cidr-assoc": {"InvalidVpcCidrBlockAssociationId.Malformed", "InvalidVpcCidrBlockAssociationID.NotFound"},
	"key":            {"InvalidKeyPair.Malformed", "InvalidKeyPair.NotFound"},
	"import-ami":     {"InvalidConversionTaskId.Malformed", "InvalidConversionTaskId.Malformed"},
}

// kindOf is the prefix of an id that has 17 digits.
func kindOf(id string) string {
	i := strings.LastIndexByte(id, '-')
	if i < 0 || len(id)-i != 18 {
		return ""
	}
	return id[:i]
}

// cases are the requests that a good one is the base of.
func (r *refusals) cases(f *fixture) []bad {
	out := slices.Clone(r.rows)
	parts := strings.Split(r.good, "&")
	with := func(i int, part string) string {
		all := slices.Clone(parts)
		if all[i] = part; part == "" {
			all = slices.Delete(all, i, i+1)
		}
		return strings.ReplaceAll(strings.Join(all, "&"), "?", "")
	}
	special := func(m map[string]string, name, usual string) string {
		for _, n := range []string{name, "*"} {
			if code, ok := m[n]; ok {
				return code
			}
		}
		return usual
	}
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		if part == "" {
			continue
		}
		if !strings.HasPrefix(name, "?") {
			if code := special(r.missing, name, "MissingParameter"); code != "" {
				out = append(out, bad{with(i, ""), code, ""})
			}
		}
		name = strings.TrimPrefix(name, "?")
		place := strings.Trim(value, "{}")
		if place == value || kindOf(f.names[place]) == "" {
			continue
		}
		kind := kindOf(f.names[place])
		codes, ok := kinds[kind]
		if !ok {
			f.t.Errorf("no codes of %s-ids", kind)
		}
		if code := special(r.malformed, name, codes.malformed); code != "" {
			out = append(out, bad{with(i, name+"="+kind+"-xyz"), code, ""})
		}
		code := special(r.absent, name, codes.absent)
		if code == "" {
			continue
		}
		out = append(out, bad{with(i, name+"="+kind+"-0123456789abcdef0"), code, ""})
		for theirs, id := range f.names {
			if strings.HasPrefix(theirs, "eve.") && kindOf(id) == kind {
				out = append(out, bad{with(i, name+"="+id), code, ""})
				break
			}
		}
	}
	return out
}

// allRefusals are the tables of all areas.
func allRefusals() map[string]refusals {
	tables := map[string]refusals{}
	for _, area := range []map[string]refusals{basicRefusals, networkRefusals, computeRefusals} {
		maps.Copy(tables, area)
	}
	return tables
}

// emptyRefusals are those of an action whose set is always empty.
func emptyRefusals(action string) refusals {
	r, ok := emptySets[action]
	if !ok {
		r = refusals{}
	}
	return r
}

// TestRefusals: every action that is built refuses what is wrong with a request, by EC2's code, and nothing changes: input that
// is missing, malformed, unknown or contradictory, what is over a quota, in the wrong state, in use or another account's,
// what a user may not do, and dry runs. An action without its table fails.
func TestRefusals(t *testing.T) {
	f := newFixture(t)
	built, _ := actions(t)
	tables, types := allRefusals(), readParameters(t)
	empty := emptyActions(t)
	requests, before := 0, f.state(t)
	for _, action := range built {
		r, ok := tables[action]
		if empty[action] {
			r, ok = emptyRefusals(action), true
		}
		delete(tables, action)
		if !ok {
			t.Errorf("%s is built and has no table of what it refuses", action)
			continue
		}
		t.Run(action, func(t *testing.T) {
			good := f.fill(t, strings.ReplaceAll(r.good, "?", ""))
			for _, tc := range append(r.cases(f), types[action].broken(r.good)...) {
				requests++
				f.refuses(t, f.owner, action, f.fill(t, tc.form), 0, tc)
			}
			// A dry run of what is right says so; whoever may not make the call hears that first.
			if !noDryRun[action] {
				dry, status := bad{code: r.dry}, 400
				if r.dry == "" {
					dry, status = bad{code: "DryRunOperation", says: "Request would have succeeded, but DryRun flag is set."}, 412
				}
				f.refuses(t, f.owner, action, good+"&DryRun=true", status, dry)
				f.refuses(t, f.owner, action, good+"&DryRun=maybe", 400, bad{code: "InvalidParameterValue"})
				f.refuses(t, f.nobody, action, good+"&DryRun=true", 403, bad{code: "UnauthorizedOperation"})
			}
			f.refuses(t, f.nobody, action, good, 403, bad{code: "UnauthorizedOperation", says: "You are not authorized to perform this operation. User: arn:aws:iam::" + f.names["account"] +
				":user/nobody is not authorized to perform: ec2:" + action})
			f.refuses(t, f.owner, action, good+"&Colour=red", 400, bad{code: "UnknownParameter"})
			if strings.HasPrefix(action, "Describe") && !noFilters[action] {
				f.refuses(t, f.owner, action, good+"&Filter.1.Name=nonsense&Filter.1.Value.1=x", 400, bad{code: "InvalidParameterValue"})
			}
			if after := f.state(t); after != before {
				t.Errorf("refused calls changed something:\n%s", difference(before, after))
				before = after
			}
		})
	}
	for action := range tables {
		t.Errorf("%s has a table and is not built", action)
	}
	if requests < 500 {
		t.Errorf("only %d requests", requests)
	}
}

// refuses checks one refusal; status 0 is any of those of a client's fault.
func (f *fixture) refuses(t *testing.T, who *wire.Signer, action, form string, status int, want bad) {
	t.Helper()
	reply, a := f.ask(t, who, strings.Trim("Action="+action+"&"+form, "&"))
	if status == 0 && (reply.Status < 400 || reply.Status >= 600) || status != 0 && reply.Status != status || a.Code != want.code ||
		a.Message == "" || !strings.Contains(a.Message, want.says) {
		t.Errorf("%s&%s: %d %s (%s), want %s %s", action, form, reply.Status, a.Code, a.Message, want.code, want.says)
	}
}

// ask sends a request as somebody.
func (f *fixture) ask(t *testing.T, who *wire.Signer, form string) (*wire.Reply, answer) {
	t.Helper()
	r := post(form)
	r.Host, r.NoHash = f.s.Host, true
	who.SignV4(r, time.Now())
	return caller{t, f.s}.do(r)
}

// state is what both accounts see of everything that can be described.
func (f *fixture) state(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, who := range []*wire.Signer{f.owner, f.eve} {
		for _, form := range f.looks {
			reply, a := f.ask(t, who, form)
			if a.Code != "" && who == f.owner {
				t.Fatalf("%s: %s", form, reply.Body)
			}
			_, body, _ := strings.Cut(string(reply.Body), "</requestId>")
			if a.Code != "" {
				body = a.Code
			}
			fmt.Fprintf(&all, "%s %s: %s\n", who.Access, form, strings.ReplaceAll(body, "\n", ""))
		}
	}
	return all.String()
}

// difference shows the lines that are not in both.
func difference(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out strings.Builder
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			fmt.Fprintf(&out, "- %s\n+ %s\n", a[i], b[i])
		}
	}
	return out.String()
}

// fill puts ids into the places of a form.
func (f *fixture) fill(t *testing.T, form string) string {
	t.Helper()
	for {
		_, rest, found := strings.Cut(form, "{")
		if !found {
			return form
		}
		name, _, _ := strings.Cut(rest, "}")
		value, ok := f.names[name]
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		form = strings.ReplaceAll(form, "{"+name+"}", value)
	}
}

// emptyActions are those whose sets are always empty, by the page of actions.
func emptyActions(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for action, state := range states(t) {
		if state == "empty" {
			out[action] = true
		}
	}
	if len(out) < 50 {
		t.Fatalf("%d empty sets", len(out))
	}
	return out
}

// startTest runs a server whose instances have no guests.
func startTest(t *testing.T, args ...string) *harness.Server {
	t.Helper()
	return harness.Start(t, harness.Options{Args: append([]string{"--hypervisor", "test"}, args...)})
}
