package s3select

import (
	"slices"
	"strconv"
	"strings"
)

// Parse reads a statement.
func Parse(s string) (*Statement, error) {
	if len(s) > MaxStatement {
		return nil, fail(codeTooLong, "The SQL expression is longer than %d bytes", MaxStatement)
	}
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, st: &Statement{limit: -1}}
	if err := p.statement(); err != nil {
		return nil, err
	}
	return p.st, nil
}

type parser struct {
	tokens []token
	pos    int
	depth  int
	inSum  bool // inside of an aggregate, which holds no other
	st     *Statement
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokEnd {
		p.pos++
	}
	return t
}

// accept takes the next token if it is one of these keywords or symbols in order.
func (p *parser) accept(texts ...string) bool {
	for i, text := range texts {
		if p.pos+i >= len(p.tokens) || !p.tokens[p.pos+i].is(text) {
			return false
		}
	}
	p.pos += len(texts)
	return true
}

func (p *parser) expect(text string) error {
	if p.accept(text) {
		return nil
	}
	return p.unexpected("expected " + text)
}

func (p *parser) unexpected(what string) error {
	t := p.peek()
	if t.kind == tokEnd {
		return fail(codeToken, "The statement ends early: %s", what)
	}
	return fail(codeToken, "Unexpected %.64q at position %d: %s", t.text, t.at, what)
}

func (p *parser) statement() error {
	if err := p.expect("SELECT"); err != nil {
		return err
	}
	if p.accept("DISTINCT") || p.accept("ALL") {
		return fail(codeUnsupported, "SELECT takes neither DISTINCT nor ALL")
	}
	if err := p.selectList(); err != nil {
		return err
	}
	if !p.accept("FROM") {
		if p.peek().kind == tokEnd {
			return fail(codeMissingFrom, "There is no FROM after the SELECT list")
		}
		return p.unexpected("expected FROM")
	}
	if err := p.from(); err != nil {
		return err
	}
	var err error
	if p.accept("WHERE") {
		sums := len(p.st.sums)
		if p.st.where, err = p.expression(); err != nil {
			return err
		}
		if len(p.st.sums) != sums {
			return fail(codeUnsupported, "WHERE takes no aggregate")
		}
	}
	for _, k := range [...]string{"GROUP", "ORDER", "HAVING", "JOIN", "UNION"} {
		if p.peek().is(k) {
			return fail(codeUnsupported, "%s is not supported", k)
		}
	}
	if p.accept("LIMIT") {
		t := p.next()
		if p.st.limit, err = strconv.ParseInt(t.text, 10, 64); err != nil || t.kind != tokNumber {
			return fail(codeToken, "LIMIT wants a number")
		}
	}
	p.accept(";")
	if p.peek().kind != tokEnd {
		return p.unexpected("expected the end")
	}
	return p.resolve()
}

func (p *parser) selectList() error {
	if p.accept("*") {
		p.st.star = true
		return nil
	}
	for {
		// alias.* is everything, too.
		if t := p.peek(); t.kind == tokWord && p.pos+2 < len(p.tokens) && p.tokens[p.pos+1].is(".") && p.tokens[p.pos+2].is("*") {
			p.pos += 3
			p.st.star = true
			return nil
		}
		x, err := p.expression()
		if err != nil {
			return err
		}
		c := column{value: x}
		if f, ok := x.(*path); ok {
			if last := f.steps[len(f.steps)-1]; !last.isIndex {
				c.name = last.name
			}
		}
		if p.accept("AS") {
			if c.name, err = p.name(); err != nil {
				return err
			}
		} else if t := p.peek(); t.kind == tokQuoted || t.kind == tokWord && !reserved(t.text) {
			c.name = p.next().text
		}
		if p.st.columns = append(p.st.columns, c); len(p.st.columns) > maxColumns {
			return fail(codeColumns, "More than %d columns are selected", maxColumns)
		}
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) from() error {
	if t := p.next(); t.kind != tokWord && t.kind != tokQuoted || !strings.EqualFold(t.text, "S3Object") {
		return fail("InvalidDataSource", "Only S3Object can be selected from")
	}
	steps, err := p.steps(nil)
	if err != nil {
		return err
	}
	// The first [*] stands for the documents of the object.
	if len(steps) > 0 && steps[0].wildcard {
		steps = steps[1:]
	}
	p.st.from = steps
	if p.accept("AS") {
		p.st.alias, err = p.name()
		return err
	}
	if t := p.peek(); t.kind == tokQuoted || t.kind == tokWord && !reserved(t.text) {
		p.st.alias = p.next().text
	}
	if p.accept(",") {
		return fail(codeUnsupported, "FROM takes one source")
	}
	return nil
}

func (p *parser) name() (string, error) {
	t := p.peek()
	if t.kind != tokWord && t.kind != tokQuoted {
		return "", p.unexpected("expected a name")
	}
	p.next()
	return t.text, nil
}

// steps reads .name, ."name", [0], [*] and ['name'].
func (p *parser) steps(s []step) ([]step, error) {
	for {
		switch {
		case p.accept("."):
			if p.accept("*") {
				s = append(s, step{wildcard: true})
				break
			}
			quoted := p.peek().kind == tokQuoted
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			s = append(s, step{name: name, quoted: quoted})
		case p.accept("["):
			t := p.next()
			switch {
			case t.is("*"):
				s = append(s, step{wildcard: true})
			case t.kind == tokNumber:
				n, err := strconv.Atoi(t.text)
				if err != nil {
					return nil, fail(codeToken, "%.32q is no index", t.text)
				}
				s = append(s, step{isIndex: true, index: n})
			case t.kind == tokString:
				s = append(s, step{name: t.text, quoted: true})
			default:
				return nil, fail(codeToken, "An index is a number, a string or *")
			}
			if err := p.expect("]"); err != nil {
				return nil, err
			}
		default:
			return s, nil
		}
		if len(s) > maxDepth {
			return nil, fail(codeUnsupported, "A path has more than %d steps", maxDepth)
		}
	}
}

// resolve takes the alias off the paths, and refuses a mix of aggregates and columns.
func (p *parser) resolve() error {
	if len(p.st.sums) == 0 {
		return nil
	}
	if p.st.star {
		return fail(codeUnsupported, "* cannot be selected together with an aggregate")
	}
	for _, c := range p.st.columns {
		if hasPathOutside(c.value) {
			return fail(codeUnsupported, "Columns cannot be selected together with an aggregate")
		}
	}
	return nil
}

// hasPathOutside reports whether x looks at the record outside of an aggregate.
func hasPathOutside(x expr) bool {
	switch x := x.(type) {
	case nil, *literal, *aggregate:
		return false
	case *path:
		return true
	case *unary:
		return hasPathOutside(x.x)
	case *binary:
		return hasPathOutside(x.l) || hasPathOutside(x.r)
	case *is:
		return hasPathOutside(x.x)
	case *between:
		return hasPathOutside(x.x) || hasPathOutside(x.low) || hasPathOutside(x.high)
	case *in:
		return hasPathOutside(x.x) || slices.ContainsFunc(x.list, hasPathOutside)
	case *like:
		return hasPathOutside(x.x) || hasPathOutside(x.pattern)
	case *cases:
		for _, w := range x.whens {
			if hasPathOutside(w.cond) || hasPathOutside(w.then) {
				return true
			}
		}
		return x.x != nil && hasPathOutside(x.x) || x.other != nil && hasPathOutside(x.other)
	case *cast:
		return hasPathOutside(x.x)
	case *call:
		return slices.ContainsFunc(x.args, hasPathOutside)
	}
	return true
}

// reserved reports whether a word cannot be a name unless it is quoted.
func reserved(word string) bool {
	switch strings.ToUpper(word) {
	case "SELECT", "FROM", "WHERE", "LIMIT", "AS", "AND", "OR", "NOT", "IN", "IS", "LIKE", "ESCAPE", "BETWEEN", "NULL", "MISSING",
		"TRUE", "FALSE", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "GROUP", "ORDER", "HAVING", "JOIN", "UNION", "FOR", "DISTINCT":
		return true
	}
	return false
}
