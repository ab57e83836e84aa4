package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// ErrMalformed is the class of every failure of Parse; the message says what is wrong in words for the author of the policy.
var ErrMalformed = errors.New("malformed policy")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// wire is the document as JSON has it.
type wire struct {
	Version   string
	ID        string `json:"Id"`
	Statement json.RawMessage
}

type wireStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       stringList
	NotAction    stringList
	Resource     stringList
	NotResource  stringList
	Condition    map[string]map[string]scalarList
}

// Lenience is what other clouds take in documents and IAM does not.
type Lenience struct {
	// Tenants: the account of an AWS principal may be any name, or none, and a bare name is an account. Such a principal is
	// nobody, unless the name is an account's number.
	Tenants bool
	// NoResource: a statement may say nothing of resources. It is about none, and is left out of the document.
	NoResource bool
	// SameSids: statements may have the same Sid.
	SameSids bool
}

// Parse reads and validates a document of at most MaxDocument bytes. Errors are of class ErrMalformed.
func Parse(data []byte, kind Kind) (*Document, error) { return ParseLeniently(data, kind, Lenience{}) }

// ParseLeniently is Parse for documents that may be of another cloud.
func ParseLeniently(data []byte, kind Kind, may Lenience) (*Document, error) {
	if len(data) > MaxDocument {
		return nil, malformed("policy exceeds the maximum size of %d bytes", MaxDocument)
	}
	if err := checkDepth(data); err != nil {
		return nil, err
	}
	var w wire
	if err := strict(data, &w); err != nil {
		return nil, err
	}
	d := &Document{Version: w.Version, ID: w.ID}
	switch w.Version {
	case "":
		d.Version = Version2008
	case Version2008, Version2012:
	default:
		return nil, malformed("The policy must contain a valid version string")
	}
	statements, err := decodeStatements(w.Statement)
	if err != nil {
		return nil, err
	}
	if len(statements) == 0 {
		return nil, malformed("Could not parse the policy: Statement is empty!")
	}
	if len(statements) > MaxStatements {
		return nil, malformed("more than %d statements", MaxStatements)
	}
	sids := map[string]bool{}
	for i := range statements {
		s, err := statements[i].build(kind, may)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		if s.Sid != "" && sids[s.Sid] && !may.SameSids {
			return nil, malformed("statement ids (SID) must be unique: %q", s.Sid)
		}
		sids[s.Sid] = true
		if len(s.Resources) == 0 {
			continue
		}
		d.Statements = append(d.Statements, *s)
	}
	return d, nil
}

// strict decodes one JSON value, refusing unknown members and anything after it.
func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return malformed("Unknown field %s", strings.Trim(field, `"`))
		}
		if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
			return malformed("This policy contains invalid Json")
		}
		return malformed("%v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return malformed("more than one JSON value")
	}
	return nil
}

func decodeStatements(raw json.RawMessage) ([]wireStatement, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, malformed("Missing required field Statement")
	}
	if raw[0] == '[' {
		var list []wireStatement
		return list, strict(raw, &list)
	}
	one := make([]wireStatement, 1)
	return one, strict(raw, &one[0])
}

// checkDepth refuses nesting that no policy has, before any decoder recurses into it.
func checkDepth(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformed("This policy contains invalid Json")
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return malformed("nested too deeply")
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

func (w *wireStatement) build(kind Kind, may Lenience) (*Statement, error) {
	s := &Statement{Sid: w.Sid}
	switch w.Effect {
	case "Allow":
		s.Effect = Allow
	case "Deny":
		s.Effect = Deny
	default:
		return nil, malformed("Invalid effect: %s", w.Effect)
	}
	if err := w.principal(s, kind, may); err != nil {
		return nil, err
	}
	var err error
	if s.Actions, s.NotAction, err = pair("Action", w.Action, w.NotAction, true); err != nil {
		return nil, err
	}
	for _, a := range s.Actions {
		if !validAction.MatchString(a) {
			return nil, malformed("Policy has invalid action %q", a)
		}
	}
	if s.Resources, s.NotResource, err = pair("Resource", w.Resource, w.NotResource, !may.NoResource); err != nil {
		return nil, err
	}
	for _, r := range s.Resources {
		if r != "*" && !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "*") {
			return nil, malformed("Policy has invalid resource %q", r)
		}
		if err := checkVariables(r); err != nil {
			return nil, err
		}
	}
	return s, w.conditions(s)
}

var validAction = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`)

// pair chooses between an element and its Not form: exactly one of them must be there.
func pair(name string, pos, neg stringList, required bool) ([]string, bool, error) {
	switch {
	case pos != nil && neg != nil:
		return nil, false, malformed("%s and Not%s exclude each other", name, name)
	case pos == nil && neg == nil && required:
		return nil, false, malformed("Missing required field %s", name)
	case len(pos)+len(neg) == 0 && required:
		return nil, false, malformed("%s is empty", name)
	case len(pos)+len(neg) > MaxValues:
		return nil, false, malformed("%s has more than %d values", name, MaxValues)
	case neg != nil:
		return neg, true, nil
	}
	return pos, false, nil
}

func (w *wireStatement) principal(s *Statement, kind Kind, may Lenience) error {
	raw := w.Principal
	if w.NotPrincipal != nil {
		if raw != nil {
			return malformed("Principal and NotPrincipal exclude each other")
		}
		raw, s.NotPrincipal = w.NotPrincipal, true
	}
	if kind == Identity {
		if raw != nil {
			return malformed("Policy document should not specify a principal.")
		}
		return nil
	}
	if raw == nil {
		return malformed("Missing required field Principal")
	}
	ps := &PrincipalSet{}
	s.Principal = ps
	if text := ""; json.Unmarshal(raw, &text) == nil {
		if text != "*" {
			return malformed("Invalid principal in policy")
		}
		ps.Any = true
		return nil
	}
	var kinds map[string]stringList
	if err := strict(raw, &kinds); err != nil {
		return err
	}
	if len(kinds) == 0 {
		return malformed("Invalid principal in policy")
	}
	for name, list := range kinds {
		if len(list) == 0 {
			return malformed("Invalid principal in policy")
		}
		switch name {
		case "AWS":
			valid := validPrincipal
			if may.Tenants {
				valid = tenantPrincipal
			}
			if err := ps.addAWS(list, valid); err != nil {
				return err
			}
		case "CanonicalUser":
			ps.Canonical = list
		case "Service":
			ps.Service = list
		case "Federated":
			ps.Federated = list
		default:
			return malformed("Invalid principal in policy: %s", name)
		}
	}
	return nil
}

var validPrincipal = regexp.MustCompile(`^([0-9]{12}|arn:[a-z-]+:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role|federated-user)/[^*?]+))$`)

// tenantPrincipal is validPrincipal with any name for an account, but no wildcard in it.
var tenantPrincipal = regexp.MustCompile(`^([\w.-]+|arn:[a-z-]+:(iam|sts)::[\w.-]*:(root|(user|role|assumed-role|federated-user)/.+))$`)

func (ps *PrincipalSet) addAWS(list []string, valid *regexp.Regexp) error {
	for _, a := range list {
		switch {
		case a == "*":
			ps.Any = true
		case valid.MatchString(a):
			ps.AWS = append(ps.AWS, a)
		default:
			return malformed("Invalid principal in policy: %q", a)
		}
	}
	return nil
}

func (w *wireStatement) conditions(s *Statement) error {
	for name, keys := range w.Condition {
		op, t, err := parseOperator(name)
		if err != nil {
			return err
		}
		for key, values := range keys {
			if key == "" || len(values) == 0 || len(values) > MaxValues {
				return malformed("Invalid condition on key %q", key)
			}
			for _, v := range values {
				if t.valid != nil && !strings.Contains(v, "${") && !t.valid(v) {
					return malformed("Invalid value %q for operator %s", v, name)
				}
				if err := checkVariables(v); err != nil {
					return err
				}
			}
			s.Conditions = append(s.Conditions, Condition{Operator: op, Key: strings.ToLower(key), Values: values})
		}
	}
	// Maps have no order; a fixed one keeps documents comparable.
	slices.SortFunc(s.Conditions, func(a, b Condition) int {
		return strings.Compare(a.Operator.Test+"\x00"+a.Key, b.Operator.Test+"\x00"+b.Key)
	})
	return nil
}

func parseOperator(name string) (Operator, test, error) {
	var op Operator
	rest := name
	if r, ok := strings.CutPrefix(rest, "ForAnyValue:"); ok {
		op.Set, rest = ForAnyValue, r
	} else if r, ok := strings.CutPrefix(rest, "ForAllValues:"); ok {
		op.Set, rest = ForAllValues, r
	}
	if r, ok := strings.CutSuffix(rest, "IfExists"); ok {
		op.IfExists, rest = true, r
	}
	t, ok := tests(rest)
	if !ok || rest == "Null" && (op.IfExists || op.Set != SingleValue) {
		return op, t, malformed("Invalid Condition type : %s", name)
	}
	op.Test = rest
	return op, t, nil
}

// checkVariables refuses a variable that does not end.
func checkVariables(s string) error {
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			return nil
		}
		end := strings.IndexByte(s[i:], '}')
		if end <= 2 {
			return malformed("invalid policy variable in %q", s)
		}
		s = s[i+end+1:]
	}
}

// stringList is a string or a list of strings.
type stringList []string

// UnmarshalJSON reads both forms.
func (l *stringList) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*l = make(stringList, 1)
		return json.Unmarshal(data, &(*l)[0])
	}
	list := []string{}
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if bytes.Equal(data, []byte("null")) {
		return errors.New("null where a string or a list of strings is wanted")
	}
	*l = list
	return nil
}

// scalarList is a string, number or boolean, or a list of them.
type scalarList []string

// UnmarshalJSON reads all forms as text.
func (l *scalarList) UnmarshalJSON(data []byte) error {
	raw := []json.RawMessage{data}
	if len(data) > 0 && data[0] == '[' {
		raw = nil
		if err := json.Unmarshal(data, &raw); err != nil {
			return err
		}
	}
	*l = make(scalarList, 0, len(raw))
	for _, r := range raw {
		var text string
		switch r = bytes.TrimSpace(r); {
		case len(r) == 0 || r[0] == '{' || r[0] == '[' || r[0] == 'n':
			return errors.New("a condition's value must be a string, a number or a boolean")
		case r[0] == '"':
			if err := json.Unmarshal(r, &text); err != nil {
				return err
			}
		default:
			text = string(r)
		}
		*l = append(*l, text)
	}
	return nil
}
