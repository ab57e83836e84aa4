package s3select

import (
	"strings"
	"time"
	"unicode/utf8"
)

// env is what an expression is evaluated on.
type env struct {
	record value
	alias  string
	now    time.Time
	byName bool // fields are found by their names too, not by _1 alone
}

func (l *literal) eval(*env) (value, error) { return l.v, nil }

func (p *path) eval(e *env) (value, error) {
	steps := p.steps
	first := steps[0]
	if !first.quoted && (e.alias != "" && strings.EqualFold(first.name, e.alias) || e.alias == "" && strings.EqualFold(first.name, "S3Object")) {
		// A field of that name comes after the record itself.
		if steps = steps[1:]; len(steps) == 0 {
			return e.record, nil
		}
	}
	v := e.record
	for i, s := range steps {
		v = s.of(v, e)
		if i == 0 && e.byName {
			if _, gone := v.(missing); gone && !s.isIndex {
				if _, csv := e.record.(*csvRecord); csv {
					return nil, fail("MissingHeaders", "There is no column %.128q", s.name)
				}
			}
		}
	}
	return v, nil
}

// of is what a step leads to.
func (s *step) of(v value, _ *env) value {
	switch v := v.(type) {
	case *object:
		if !s.isIndex {
			return v.get(s.name, s.quoted)
		}
	case *csvRecord:
		if !s.isIndex {
			return v.get(s.name, s.quoted)
		}
	case []value:
		if s.isIndex && s.index < len(v) {
			return v[s.index]
		}
	}
	return missing{}
}

func (u *unary) eval(e *env) (value, error) {
	v, err := u.x.eval(e)
	if err != nil || absent(v) {
		return nil, err
	}
	if u.op == "NOT" {
		b, ok := truth(v)
		if !ok {
			return nil, fail(codeArguments, "NOT is for conditions")
		}
		return !b, nil
	}
	return arithmetic("-", int64(0), v)
}

// truth is v as a condition.
func truth(v value) (is, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return strings.EqualFold(v, "true"), strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	}
	return false, false
}

func (b *binary) eval(e *env) (value, error) {
	switch b.op {
	case "AND", "OR":
		return b.logic(e)
	}
	l, err := b.l.eval(e)
	if err != nil {
		return nil, err
	}
	r, err := b.r.eval(e)
	if err != nil || absent(l) || absent(r) {
		return nil, err
	}
	switch b.op {
	case "=":
		return equal(l, r), nil
	case "<>":
		return !equal(l, r), nil
	case "||":
		s := text(l) + text(r)
		if len(s) > MaxRecord {
			return nil, fail(codeRecordSize, "A text is longer than %d bytes", MaxRecord)
		}
		return s, nil
	case "<", "<=", ">", ">=":
		order, ok := compare(l, r)
		switch b.op {
		case "<":
			ok = ok && order < 0
		case "<=":
			ok = ok && order <= 0
		case ">":
			ok = ok && order > 0
		default:
			ok = ok && order >= 0
		}
		return ok, nil
	}
	return arithmetic(b.op, l, r)
}

// logic is AND and OR of three values: what is unknown matters only when the other side does not decide.
func (b *binary) logic(e *env) (value, error) {
	decides := b.op == "OR"
	unknown := false
	for _, x := range [...]expr{b.l, b.r} {
		v, err := x.eval(e)
		if err != nil {
			return nil, err
		}
		if absent(v) {
			unknown = true
			continue
		}
		t, ok := truth(v)
		if !ok {
			return nil, fail(codeArguments, "%s is for conditions", b.op)
		}
		if t == decides {
			return decides, nil
		}
	}
	if unknown {
		return nil, nil
	}
	return !decides, nil
}

func (i *is) eval(e *env) (value, error) {
	v, err := i.x.eval(e)
	if err != nil {
		return nil, err
	}
	var yes bool
	switch i.what {
	case "NULL":
		yes = absent(v)
		if s, csv := v.(string); csv && s == "" {
			yes = e.csv() // a field of CSV that is empty
		}
	case "MISSING":
		_, yes = v.(missing)
	case "TRUE", "FALSE":
		t, ok := truth(v)
		yes = ok && t == (i.what == "TRUE")
	}
	return yes != i.not, nil
}

func (e *env) csv() bool {
	_, ok := e.record.(*csvRecord)
	return ok
}

func (b *between) eval(e *env) (value, error) {
	v, err := b.x.eval(e)
	if err != nil {
		return nil, err
	}
	low, err := b.low.eval(e)
	if err != nil {
		return nil, err
	}
	high, err := b.high.eval(e)
	if err != nil || absent(v) || absent(low) || absent(high) {
		return nil, err
	}
	lo, ok1 := compare(v, low)
	hi, ok2 := compare(v, high)
	return (ok1 && ok2 && lo >= 0 && hi <= 0) != b.not, nil
}

func (i *in) eval(e *env) (value, error) {
	v, err := i.x.eval(e)
	if err != nil || absent(v) {
		return nil, err
	}
	unknown := false
	for _, x := range i.list {
		w, err := x.eval(e)
		if err != nil {
			return nil, err
		}
		if absent(w) {
			unknown = true
			continue
		}
		items, list := w.([]value)
		if !list {
			items = []value{w}
		}
		for _, w := range items {
			if equal(v, w) {
				return !i.not, nil
			}
		}
	}
	if unknown {
		return nil, nil
	}
	return i.not, nil
}

func (l *like) eval(e *env) (value, error) {
	v, err := l.x.eval(e)
	if err != nil {
		return nil, err
	}
	p, err := l.pattern.eval(e)
	if err != nil || absent(v) || absent(p) {
		return nil, err
	}
	pattern, ok := p.(string)
	if !ok {
		return nil, fail("LikeInvalidInputs", "The pattern of LIKE is a text")
	}
	escape := rune(-1)
	if l.escape != nil {
		x, err := l.escape.eval(e)
		if err != nil {
			return nil, err
		}
		s, ok := x.(string)
		if !ok || utf8.RuneCountInString(s) != 1 {
			return nil, fail("LikeInvalidInputs", "The escape of LIKE is one character")
		}
		escape, _ = utf8.DecodeRuneInString(s)
	}
	ok, err = matchLike(pattern, text(v), escape)
	return ok != l.not, err
}

func (c *cases) eval(e *env) (value, error) {
	var subject value
	var err error
	if c.x != nil {
		if subject, err = c.x.eval(e); err != nil {
			return nil, err
		}
	}
	for _, w := range c.whens {
		v, err := w.cond.eval(e)
		if err != nil {
			return nil, err
		}
		yes := false
		if c.x != nil {
			yes = !absent(subject) && !absent(v) && equal(subject, v)
		} else {
			yes, _ = truth(v)
		}
		if yes {
			return w.then.eval(e)
		}
	}
	if c.other == nil {
		return nil, nil
	}
	return c.other.eval(e)
}

func (c *call) eval(e *env) (value, error) {
	args := make([]value, len(c.args))
	for i, x := range c.args {
		v, err := x.eval(e)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return c.f(e, c.part, args)
}

// likeItem is one place of a pattern.
type likeItem struct {
	r    rune
	any  bool // %: any text
	each bool // _: any character
}

// matchLike matches a text against a pattern of % and _. It goes back to the last % only, so that it takes no more steps than
// the product of the lengths.
func matchLike(pattern, s string, escape rune) (bool, error) {
	var items []likeItem
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			items = append(items, likeItem{r: r})
			escaped = false
		case r == escape:
			escaped = true
		case r == '%':
			items = append(items, likeItem{any: true})
		case r == '_':
			items = append(items, likeItem{each: true})
		default:
			items = append(items, likeItem{r: r})
		}
	}
	if escaped {
		return false, fail("LikeInvalidInputs", "The pattern of LIKE ends with its escape")
	}
	in := []rune(s)
	i, j, star, mark := 0, 0, -1, 0
	for i < len(in) {
		switch {
		case j < len(items) && !items[j].any && (items[j].each || items[j].r == in[i]):
			i++
			j++
		case j < len(items) && items[j].any:
			star, mark = j, i
			j++
		case star >= 0:
			j = star + 1
			mark++
			i = mark
		default:
			return false, nil
		}
	}
	for j < len(items) && items[j].any {
		j++
	}
	return j == len(items), nil
}
