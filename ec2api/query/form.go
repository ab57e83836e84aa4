// Package query reads requests of the Query protocol: a flat list of parameters whose dotted names say what belongs together
// (Filter.1.Value.2), sent in the URL, in a form, or in both.
//
// # Guarantees
//
//   - Order does not matter, and numbers of list members may start anywhere and skip.
//   - The size, number and depth of parameters is bounded; the work is linear in the request.
//   - No parameter is passed over: what the decoder of the action did not read is reported by [Decoder.Err].
//
// It knows no action. Errors are *ec2err.Error.
package query

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
)

// Limits of a request.
const (
	MaxParams = 20000
	MaxDepth  = 12
	MaxName   = 256 // bytes of a parameter's name
)

// Form is the parameters of a request.
type Form struct {
	Action  string
	Version string
	root    Node
	params  []param
}

type param struct{ name, value string }

// Parse reads the parameters of the URL's query and of a form's body, both raw.
func Parse(rawQuery, body string) (*Form, error) {
	f := &Form{}
	for _, raw := range [...]string{rawQuery, body} {
		if err := f.parse(raw); err != nil {
			return nil, err
		}
	}
	for i := range f.params {
		if f.Action == "GetConsoleOutput" && f.params[i].name == "InstanceId.1" {
			f.params[i].name = "InstanceId" // boto 2 sends the one id as a list, and EC2 takes it
		}
		if err := f.root.add(f.params[i].name, f.params[i].value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *Form) parse(raw string) error {
	for raw != "" {
		var item string
		item, raw, _ = strings.Cut(raw, "&")
		if item == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(item, "=")
		name, ok := unescape(rawName)
		if !ok {
			return malformed("the name %q is not URL-encoded", rawName)
		}
		value, ok := unescape(rawValue)
		if !ok {
			return malformed("the value of %s is not URL-encoded", name)
		}
		switch {
		case name == "":
			return malformed("a parameter has no name")
		case name == "Action":
			if f.Action != "" && f.Action != value {
				return malformed("two actions")
			}
			f.Action = value
		case name == "Version":
			f.Version = value
		case ofSignature(name):
		default:
			if len(f.params) == MaxParams {
				return malformed("more than %d parameters", MaxParams)
			}
			f.params = append(f.params, param{name, value})
		}
	}
	return nil
}

func malformed(format string, args ...any) error {
	for i := range args {
		if s, ok := args[i].(string); ok {
			args[i] = ec2err.Clip(s)
		}
	}
	return ec2err.New(ec2err.MalformedQueryString, "The query string is malformed: "+format, args...)
}

// ofSignature tells parameters that sign a request, or that tools send beside it.
func ofSignature(name string) bool {
	switch name {
	case "AWSAccessKeyId", "Expires", "SecurityToken", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp":
		return true
	}
	return len(name) > 6 && strings.EqualFold(name[:6], "x-amz-")
}

// Hash is one for all requests that ask the same: the order of parameters, the signature, the client's token and a dry run
// do not count.
func (f *Form) Hash() [32]byte {
	list := slices.Clone(f.params)
	slices.SortFunc(list, func(a, b param) int { return strings.Compare(a.name, b.name) })
	h := sha256.New()
	var n [8]byte
	write := func(s string) {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	write(f.Action)
	for _, p := range list {
		if p.name == "ClientToken" || p.name == "DryRun" {
			continue
		}
		write(p.name)
		write(p.value)
	}
	return [32]byte(h.Sum(nil))
}

// unescape undoes URL encoding.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, ok1 := unhex(s[i+1])
			lo, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			b = append(b, hi<<4|lo)
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), true
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
