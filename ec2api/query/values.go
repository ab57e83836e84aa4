package query

import "strings"

// Values are those of all parameters that fit a pattern, as they came: "InstanceId.*" fits InstanceId.1 and InstanceId.2.
func (f *Form) Values(pattern string) []string {
	var out []string
	for i := range f.params {
		if _, ok := fits(pattern, f.params[i].name); ok && f.params[i].value != "" {
			out = append(out, f.params[i].value)
		}
	}
	return out
}

// Pairs are the values of the parameters that fit a pattern, by what stands for its *.
func (f *Form) Pairs(pattern string) map[string]string {
	out := map[string]string{}
	for i := range f.params {
		if star, ok := fits(pattern, f.params[i].name); ok {
			out[star] = f.params[i].value
		}
	}
	return out
}

// Names are those of all parameters, as they came.
func (f *Form) Names() []string {
	out := make([]string, len(f.params))
	for i := range f.params {
		out[i] = f.params[i].name
	}
	return out
}

// fits compares a name with a pattern part by part, and tells what stands for the last *.
func fits(pattern, name string) (star string, ok bool) {
	for {
		p, morePattern, p1 := strings.Cut(pattern, ".")
		n, moreName, n1 := strings.Cut(name, ".")
		switch {
		case p == "*":
			star = n
		case p != n:
			return "", false
		}
		if !p1 || !n1 {
			return star, p1 == n1
		}
		pattern, name = morePattern, moreName
	}
}
