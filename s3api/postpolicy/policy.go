// Package postpolicy reads and judges the policy document of a browser-based upload (POST object).
//
// It guarantees that a form is allowed only when the document has not expired, every one of its conditions holds and
// every field of the form is named by one (fields that carry the policy itself, its signature or the file apart), as
// Amazon S3 describes under "POST policy". It is pure: whether the document was signed is for the caller to know.
package postpolicy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrDocument is wrapped by every failure of Parse: the document is not a policy.
var ErrDocument = errors.New("postpolicy: invalid document")

// Violation is a form that the policy does not allow. Its text is what S3 tells the client.
type Violation struct{ Message string }

func (v *Violation) Error() string { return "Invalid according to Policy: " + v.Message }

// maxConditions bounds a document; forms have some ten fields.
const maxConditions = 256

// Policy is a parsed document.
type Policy struct {
	Expiration time.Time
	MinSize    int64 // of content-length-range; 0 when there is none
	MaxSize    int64 // of content-length-range; math.MaxInt64 when there is none
	conditions []condition
}

type condition struct {
	never  bool   // a condition of no field, which nothing fulfils
	prefix bool   // starts-with, else eq
	field  string // lower case
	value  string
	text   string // as the document has it, for messages
}

// Parse reads a base64 document.
func Parse(encoded string) (*Policy, error) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrDocument)
	}
	var doc map[string]json.RawMessage // a struct would take names of any case
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%w: Invalid JSON", ErrDocument)
	}
	var expiration *string
	var conditions *[]json.RawMessage
	if member(doc["expiration"], &expiration) != nil || member(doc["conditions"], &conditions) != nil {
		return nil, fmt.Errorf("%w: Invalid JSON", ErrDocument)
	}
	switch {
	case expiration == nil:
		return nil, fmt.Errorf("%w: Policy missing expiration", ErrDocument)
	case conditions == nil:
		return nil, fmt.Errorf("%w: Policy missing conditions", ErrDocument)
	case len(*conditions) > maxConditions:
		return nil, fmt.Errorf("%w: too many conditions", ErrDocument)
	}
	p := &Policy{MaxSize: math.MaxInt64}
	if p.Expiration, err = parseExpiration(*expiration); err != nil {
		return nil, fmt.Errorf("%w: Invalid 'expiration' value: '%s'", ErrDocument, *expiration)
	}
	for _, c := range *conditions {
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// member decodes a member of a document, if it is there.
func member(raw json.RawMessage, into any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

func parseExpiration(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

// add takes {"field": "value"} or ["operator", …].
func (p *Policy) add(raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '{' {
		var exact map[string]any
		if err := json.Unmarshal(raw, &exact); err != nil {
			return fmt.Errorf("%w: Invalid Simple-Condition", ErrDocument)
		}
		if len(exact) != 1 {
			return fmt.Errorf("%w: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.", ErrDocument)
		}
		for field, v := range exact {
			value, ok := scalar(v)
			if !ok {
				return fmt.Errorf("%w: Invalid Simple-Condition: value must be a string.", ErrDocument)
			}
			p.conditions = append(p.conditions, newCondition("eq", field, value))
		}
		return nil
	}
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 3 {
		return fmt.Errorf("%w: Invalid Condition: a condition is an object or a list of three", ErrDocument)
	}
	operator, ok := list[0].(string)
	if !ok {
		return fmt.Errorf("%w: Invalid Condition: the operator must be a string", ErrDocument)
	}
	if strings.EqualFold(operator, "content-length-range") {
		low, ok1 := number(list[1])
		high, ok2 := number(list[2])
		switch {
		case !ok1 || !ok2: // Amazon takes it for a condition that nothing fulfils
			p.conditions = append(p.conditions, condition{never: true, text: conditionText(operator, fmt.Sprint(list[1]), fmt.Sprint(list[2]))})
			return nil
		case low < 0 || high < low:
			return fmt.Errorf("%w: Invalid content-length-range", ErrDocument)
		}
		p.MinSize, p.MaxSize = max(p.MinSize, low), min(p.MaxSize, high)
		return nil
	}
	field, ok1 := list[1].(string)
	value, ok2 := scalar(list[2])
	if !ok1 || !ok2 {
		return fmt.Errorf("%w: Invalid Condition: the field and its value must be strings", ErrDocument)
	}
	switch {
	case !strings.HasPrefix(field, "$"): // names no field
		p.conditions = append(p.conditions, condition{never: true, text: conditionText(operator, field, value)})
		return nil
	case strings.EqualFold(operator, "eq"), strings.EqualFold(operator, "starts-with"):
		p.conditions = append(p.conditions, newCondition(strings.ToLower(operator), field[1:], value))
		return nil
	}
	return fmt.Errorf("%w: Invalid Condition: unknown operator", ErrDocument)
}

func newCondition(operator, field, value string) condition {
	return condition{prefix: operator == "starts-with", field: strings.ToLower(field), value: value, text: conditionText(operator, "$"+field, value)}
}

// conditionText is a condition as failures quote it.
func conditionText(parts ...string) string {
	for i := range parts {
		text, _ := json.Marshal(parts[i])
		parts[i] = string(text)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// scalar is a string, or a number or boolean as the form would carry it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func number(v any) (int64, bool) {
	switch v := v.(type) {
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return 0, false
		}
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Check judges a form at the time now. Field names are lower case. A failure is a *Violation.
func (p *Policy) Check(fields map[string]string, now time.Time) error {
	if !now.Before(p.Expiration) {
		return &Violation{"Policy expired."}
	}
	named := make(map[string]bool, len(p.conditions))
	for i := range p.conditions {
		c := &p.conditions[i]
		named[c.field] = true
		if c.never || !c.holds(fields[c.field]) {
			return &Violation{"Policy Condition failed: " + c.text}
		}
	}
	for name := range fields {
		if !named[name] && !exempt(name) {
			return &Violation{"Extra input fields: " + name}
		}
	}
	return nil
}

// exempt are the fields that no condition needs to name.
func exempt(name string) bool {
	switch name {
	case "policy", "x-amz-signature", "signature", "awsaccesskeyid", "file", "bucket":
		return true
	}
	// A checksum gives nobody anything: it only guards what is uploaded on its way.
	return strings.HasPrefix(name, "x-ignore-") || strings.HasPrefix(name, "x-amz-checksum-")
}

func (c *condition) holds(value string) bool {
	if !c.prefix {
		return value == c.value
	}
	if c.field == "content-type" && strings.Contains(value, ",") {
		for part := range strings.SplitSeq(value, ",") {
			if !strings.HasPrefix(strings.TrimSpace(part), c.value) {
				return false
			}
		}
		return true
	}
	return strings.HasPrefix(value, c.value)
}
