package ec2api

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// parameters are those at the top of an action's request, as the decoders that are made of AWS's model read them.
type parameters struct {
	kinds    map[string]string // of each: String, Bool, Int, Strings, …
	required []string
}

var (
	decoderLine  = regexp.MustCompile(`^func \(v \*(\w+)Request\) DecodeQuery`)
	readLine     = regexp.MustCompile(`= (?:d\.)?(\w+)(?:\[\w+\])?\((?:d, )?n, "(\w+)"`)
	requiredLine = regexp.MustCompile(`d\.Required\(n, "(\w+)"`)
)

// readParameters reads the decoders of the front end.
func readParameters(t *testing.T) map[string]*parameters {
	t.Helper()
	text, err := os.ReadFile("../../ec2api/model/zz_generated_decode.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*parameters{}
	var p *parameters
	for line := range strings.Lines(string(text)) {
		if m := decoderLine.FindStringSubmatch(line); m != nil {
			p = &parameters{kinds: map[string]string{}}
			out[m[1]] = p
		} else if strings.HasPrefix(line, "}") {
			p = nil
		} else if p == nil {
			continue
		} else if m := requiredLine.FindStringSubmatch(line); m != nil {
			p.required = append(p.required, m[1])
		} else if m := readLine.FindStringSubmatch(line); m != nil {
			p.kinds[m[2]] = m[1]
		}
	}
	if len(out) < 90 || out["StopInstances"].kinds["Force"] != "Bool" || !slices.Contains(out["StopInstances"].required, "InstanceId") {
		t.Fatalf("%d requests are read wrong", len(out))
	}
	return out
}

// broken are requests with one parameter that has not the form of its type, beside what is good.
func (p *parameters) broken(good string) []bad {
	var out []bad
	beside := func(name, value string) string {
		var kept []string
		for _, part := range strings.Split(strings.ReplaceAll(good, "?", ""), "&") {
			if part != "" && !strings.HasPrefix(part, name+"=") {
				kept = append(kept, part)
			}
		}
		return strings.Join(append(kept, name+"="+value), "&")
	}
	for name, kind := range p.kinds {
		switch {
		case name == "DryRun": // which TestRefusals knows
		case kind == "Bool" || kind == "Int":
			out = append(out, bad{beside(name, "perhaps"), "InvalidParameterValue", ""})
		case name == "ClientToken":
			out = append(out, bad{beside(name, strings.Repeat("c", 65)), "InvalidParameterValue", ""})
		}
	}
	return out
}

// idParameters are the kinds of ids, by the names of the parameters that take them.
var idParameters = map[string]bool{
	"InstanceId": true, "ImageId": true, "VolumeId": true, "VpcId": true, "SubnetId": true, "GroupId": true, "SecurityGroupId": true,
	"SecurityGroupRuleId": true, "NetworkInterfaceId": true, "RouteTableId": true, "InternetGatewayId": true, "NetworkAclId": true,
	"DhcpOptionsId": true, "AllocationId": true, "AssociationId": true, "KeyPairId": true, "ImportTaskId": true, "GatewayId": true,
}

// noID are parameters of ids that go another way, and why.
var noID = map[string]string{
	"AssociateRouteTable GatewayId": "edge associations are not built",
	"CreateRoute InstanceId":        "routes to instances are not built", "CreateRoute NetworkInterfaceId": "routes to interfaces are not built",
	"ReplaceRoute InstanceId": "routes to instances are not built", "ReplaceRoute NetworkInterfaceId": "routes to interfaces are not built",
}

// The codes of what is over a quota, in the wrong state or in use, and of what contradicts itself.
var (
	quotaCode    = regexp.MustCompile(`LimitExceeded$|^ResourceCountExceeded$|^InsufficientFreeAddresses`)
	stateCode    = regexp.MustCompile(`State$|InUse$|^DependencyViolation$|^OperationNotPermitted$|^Resource\.Already|NotAttached$|^CannotDelete$|^UnsupportedHibernation|Terminated$|is currently in use`)
	conflictCode = regexp.MustCompile(`^InvalidParameterCombination$|^InvalidParameterDependency$|\.Duplicate$|AlreadyExists|Conflict$|^IdempotentParameterMismatch$|DuplicateInstanceId$`)
)

// What has quotas, needs a state of what is there, and can be contradicted, beside what the model tells.
var (
	limited = names(`RunInstances AllocateAddress CreateVpc CreateInternetGateway AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress CreateNetworkInterface
		AssignPrivateIpAddresses CreateTags`)
	stateful = names(`RunInstances StartInstances StopInstances RebootInstances TerminateInstances MonitorInstances UnmonitorInstances ModifyInstanceAttribute
		ModifyInstanceMetadataOptions DeleteVolume DeleteVpc DeleteSubnet DeleteSecurityGroup DeleteInternetGateway AttachInternetGateway DetachInternetGateway
		DeleteRouteTable AssociateRouteTable DeleteDhcpOptions ReleaseAddress AssociateAddress AssignPrivateIpAddresses CreateNetworkInterface
		DeleteNetworkInterface`)
	contradicted = names(`RunInstances DescribeInstances DescribeInstanceStatus DescribeVolumes DescribeAvailabilityZones CreateKeyPair ImportKeyPair DeleteKeyPair
		CreateSecurityGroup AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress ModifySecurityGroupRules ModifyInstanceAttribute
		ModifyInstanceCreditSpecification RegisterImage ModifyVpcAttribute ModifySubnetAttribute ModifyNetworkInterfaceAttribute CreateNetworkInterface CreateSubnet
		CreateRoute CreateNetworkAclEntry AssignPrivateIpAddresses AssociateAddress DisassociateAddress CreateDefaultVpc CreateDefaultSubnet`)
)

// TestRefusalsAreComplete: every action that is built has rows of each kind of bad input that it can be sent: by the model, what
// is required and missed, and ids that are malformed and of nothing; pages, tags and attributes; by the lists above, what is over a
// quota, in a wrong state or contradictory. (TestRefusals makes those of ids that are not owned, of types, of client tokens,
// unknown parameters, filters and permissions for every action by itself.)
func TestRefusalsAreComplete(t *testing.T) {
	built, _ := actions(t)
	empty, requests := emptyActions(t), readParameters(t)
	tables := allRefusals()
	for _, action := range built {
		r, p := tables[action], requests[action]
		if empty[action] {
			continue
		}
		if p == nil {
			t.Errorf("%s has no request", action)
			continue
		}
		good := map[string]bool{} // the parameters of what is good; true are those that can be missed
		for _, part := range strings.Split(r.good, "&") {
			name, _, _ := strings.Cut(part, "=")
			required, _ := strings.CutPrefix(name, "?")
			top, _, _ := strings.Cut(required, ".")
			good[top] = good[top] || required == name
		}
		has := func(code *regexp.Regexp, with string) bool {
			return slices.ContainsFunc(r.rows, func(b bad) bool {
				return strings.Contains("&"+b.form, with) && (code == nil || code.MatchString(b.code) || b.says != "" && code.MatchString(b.says))
			})
		}
		for _, name := range p.required {
			if missed, there := good[name]; (!there || !missed) && !has(regexp.MustCompile("^MissingParameter$"), "") {
				t.Errorf("%s: no row misses %s", action, name)
			}
		}
		for name := range p.kinds {
			_, there := good[name]
			if idParameters[name] && !there && noID[action+" "+name] == "" {
				for _, code := range []string{`Malformed$`, `NotFound$`} {
					if !has(regexp.MustCompile(code), "&"+name) {
						t.Errorf("%s: no row with %s has a code %s", action, name, code)
					}
				}
			}
			switch name {
			case "MaxResults", "NextToken", "TagSpecification", "Attribute":
				if !has(nil, "&"+name) {
					t.Errorf("%s: no row with a wrong %s", action, name)
				}
			}
		}
		for what, of := range map[string]struct {
			actions map[string]bool
			code    *regexp.Regexp
		}{"over a quota": {limited, quotaCode}, "of a wrong state": {stateful, stateCode}, "that contradicts itself": {contradicted, conflictCode}} {
			if of.actions[action] != has(of.code, "") {
				t.Errorf("%s: a row %s: %v, in the list of those that have one: %v", action, what, !of.actions[action], of.actions[action])
			}
		}
	}
}

// TestCodesHaveSources: no row expects a code that nobody knows of AWS, but those few that testdata/codes.txt tells are made up
// after the others.
func TestCodesHaveSources(t *testing.T) {
	text, err := os.ReadFile("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	sources, unused := map[string][]string{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			sources[f[0]], unused[f[0]] = f[1:], true
		}
	}
	rows, without := 0, 0
	use := func(where, code string) {
		if code == "" {
			return
		}
		rows++
		delete(unused, code)
		switch of := sources[code]; {
		case len(of) == 0:
			t.Errorf("%s: testdata/codes.txt does not have %s", where, code)
		case of[0] == "?":
			without++
		}
	}
	for action, r := range allRefusals() {
		for _, b := range r.rows {
			use(action, b.code)
		}
		for _, special := range []map[string]string{r.missing, r.malformed, r.absent} {
			for _, code := range special {
				use(action, code)
			}
		}
		use(action, r.dry)
	}
	for kind, k := range kinds {
		use(kind, k.malformed)
		use(kind, k.absent)
	}
	for code := range unused {
		if code != "DhcpOptionsLimitExceeded" && code != "CidrLimitExceeded" && code != "FilterLimitExceeded" { // of TestQuotas
			t.Errorf("no row expects %s", code)
		}
	}
	t.Logf("%d codes in %d rows; %d rows have one without a source", len(sources), rows, without)
}
