package policy

import "strings"

// expand turns s into a pattern with its policy variables replaced by the values of r. It is not ok when a variable
// has no value and no default: then nothing matches, as in IAM. What a variable yields is literal, never a wildcard.
func expand(s string, r *Request, variables bool) (pattern, bool) {
	if !variables || !strings.Contains(s, "${") {
		return compile(s), true
	}
	var p pattern
	for len(s) > 0 {
		i := strings.Index(s, "${")
		if i < 0 {
			for _, c := range s {
				p = appendWild(p, c)
			}
			break
		}
		for _, c := range s[:i] {
			p = appendWild(p, c)
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 { // refused by Parse; literal here
			for _, c := range s[i:] {
				p = append(p, c)
			}
			break
		}
		value, ok := variable(s[i+2:i+end], r)
		if !ok {
			return nil, false
		}
		p = append(p, []rune(value)...)
		s = s[i+end+1:]
	}
	return p, true
}

// variable is the value of ${name}: the escapes *, ? and $, a single-valued context key, or its default.
func variable(name string, r *Request) (string, bool) {
	switch name {
	case "*", "?", "$":
		return name, true
	}
	name, def, hasDefault := strings.Cut(name, ",")
	name = strings.ToLower(strings.TrimSpace(name))
	if v := r.Context[name]; len(v) == 1 {
		return v[0], true
	}
	if hasDefault {
		return strings.Trim(strings.TrimSpace(def), "'"), true
	}
	return "", false
}
