package s3select

import (
	"strconv"
	"strings"
)

// expression reads an expression; the functions below it bind tighter, one after the other.
func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fail(codeUnsupported, "Expressions are nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.or()
}

func (p *parser) or() (expr, error) { return p.chain(p.and, "OR") }

func (p *parser) and() (expr, error) { return p.chain(p.not, "AND") }

func (p *parser) sum() (expr, error) { return p.chain(p.product, "+", "-", "||") }

func (p *parser) product() (expr, error) { return p.chain(p.sign, "*", "/", "%") }

// chain reads operands with operators of one rank between them.
func (p *parser) chain(operand func() (expr, error), ops ...string) (expr, error) {
	l, err := operand()
	if err != nil {
		return nil, err
	}
	// A long chain is as deep as it is long when it is evaluated.
	for n := 0; ; n++ {
		op := ""
		for _, o := range ops {
			if p.accept(o) {
				op = o
				break
			}
		}
		if op == "" {
			return l, nil
		}
		if n > 10_000 {
			return nil, fail(codeUnsupported, "The expression is too long")
		}
		r, err := operand()
		if err != nil {
			return nil, err
		}
		l = &binary{op, l, r}
	}
}

func (p *parser) not() (expr, error) {
	if !p.accept("NOT") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, fail(codeUnsupported, "Expressions are nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	x, err := p.not()
	return &unary{"NOT", x}, err
}

func (p *parser) comparison() (expr, error) {
	l, err := p.sum()
	if err != nil {
		return nil, err
	}
	for _, op := range [...]string{"=", "<>", "!=", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			r, err := p.sum()
			if op == "!=" {
				op = "<>"
			}
			return &binary{op, l, r}, err
		}
	}
	if p.accept("IS") {
		x := &is{x: l, not: p.accept("NOT")}
		for _, what := range [...]string{"NULL", "MISSING", "TRUE", "FALSE"} {
			if p.accept(what) {
				x.what = what
				return x, nil
			}
		}
		return nil, p.unexpected("expected NULL or MISSING")
	}
	not := p.accept("NOT")
	switch {
	case p.accept("BETWEEN"):
		x := &between{x: l, not: not}
		if x.low, err = p.sum(); err != nil {
			return nil, err
		}
		if err := p.expect("AND"); err != nil {
			return nil, err
		}
		x.high, err = p.sum()
		return x, err
	case p.accept("IN"):
		x := &in{x: l, not: not}
		if err := p.expect("("); err != nil {
			return nil, err
		}
		x.list, err = p.list()
		return x, err
	case p.accept("LIKE"):
		x := &like{x: l, not: not}
		if x.pattern, err = p.sum(); err != nil {
			return nil, err
		}
		if p.accept("ESCAPE") {
			x.escape, err = p.sum()
		}
		return x, err
	case not:
		return nil, p.unexpected("expected BETWEEN, IN or LIKE")
	}
	return l, nil
}

// list reads expressions up to the closing parenthesis.
func (p *parser) list() ([]expr, error) {
	var list []expr
	if p.accept(")") {
		return nil, nil
	}
	for {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		if list = append(list, x); len(list) > maxColumns {
			return nil, fail(codeUnsupported, "A list has more than %d items", maxColumns)
		}
		if p.accept(",") {
			continue
		}
		return list, p.expect(")")
	}
}

func (p *parser) sign() (expr, error) {
	negative := false
	for {
		if p.accept("-") {
			negative = !negative
		} else if !p.accept("+") {
			break
		}
	}
	x, err := p.primary()
	if negative {
		return &unary{"-", x}, err
	}
	return x, err
}

func (p *parser) primary() (expr, error) {
	t := p.peek()
	switch t.kind {
	case tokString:
		p.next()
		return &literal{t.text}, nil
	case tokNumber:
		p.next()
		v, ok := parseNumber(t.text)
		if !ok {
			return nil, fail(codeToken, "%.32q is no number", t.text)
		}
		return &literal{v}, nil
	case tokQuoted:
		return p.path()
	case tokWord:
		return p.word(t)
	}
	if p.accept("(") {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	}
	return nil, p.unexpected("expected an expression")
}

// word reads what begins with a word: a keyword, a function or a path.
func (p *parser) word(t token) (expr, error) {
	upper := strings.ToUpper(t.text)
	switch upper {
	case "TRUE", "FALSE":
		p.next()
		return &literal{upper == "TRUE"}, nil
	case "NULL":
		p.next()
		return &literal{nil}, nil
	case "MISSING":
		p.next()
		return &literal{missing{}}, nil
	case "CASE":
		p.next()
		return p.cases()
	}
	if p.pos+1 < len(p.tokens) && p.tokens[p.pos+1].is("(") {
		p.pos += 2
		return p.call(upper)
	}
	if reserved(t.text) {
		return nil, p.unexpected("expected an expression")
	}
	return p.path()
}

func (p *parser) path() (expr, error) {
	t := p.next()
	steps, err := p.steps([]step{{name: t.text, quoted: t.kind == tokQuoted}})
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		if s.wildcard {
			return nil, fail(codeUnsupported, "[*] stands in FROM only")
		}
	}
	return &path{steps}, nil
}

func (p *parser) cases() (expr, error) {
	x := &cases{}
	var err error
	if !p.peek().is("WHEN") {
		if x.x, err = p.expression(); err != nil {
			return nil, err
		}
	}
	for p.accept("WHEN") {
		var w when
		if w.cond, err = p.expression(); err != nil {
			return nil, err
		}
		if err := p.expect("THEN"); err != nil {
			return nil, err
		}
		if w.then, err = p.expression(); err != nil {
			return nil, err
		}
		x.whens = append(x.whens, w)
	}
	if len(x.whens) == 0 {
		return nil, p.unexpected("expected WHEN")
	}
	if p.accept("ELSE") {
		if x.other, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return x, p.expect("END")
}

// call reads the arguments of a function, whose parenthesis is open. Some have words between them.
func (p *parser) call(name string) (expr, error) {
	switch name {
	case "COUNT", "SUM", "AVG", "MIN", "MAX":
		return p.aggregate(name)
	case "CAST":
		return p.cast()
	case "EXTRACT":
		part, err := p.name()
		if err == nil {
			err = p.expect("FROM")
		}
		if err != nil {
			return nil, err
		}
		return p.function(name, strings.ToUpper(part))
	case "DATE_ADD", "DATE_DIFF":
		part, err := p.name()
		if err == nil {
			err = p.expect(",")
		}
		if err != nil {
			return nil, err
		}
		return p.function(name, strings.ToUpper(part))
	case "SUBSTRING":
		return p.substring()
	case "TRIM":
		return p.trim()
	}
	return p.function(name, "")
}

func (p *parser) function(name, part string) (expr, error) {
	f, ok := functions[name]
	if !ok {
		return nil, fail(codeFunction, "There is no function %.64s", name)
	}
	args, err := p.list()
	if err != nil {
		return nil, err
	}
	return newCall(name, part, f, args)
}

func newCall(name, part string, f signature, args []expr) (expr, error) {
	if len(args) < f.least || len(args) > f.most {
		return nil, fail(codeArguments, "%s takes %s", name, f.count())
	}
	if part != "" && !dateParts[part] {
		return nil, fail(codeArguments, "%.32q is no part of a date", part)
	}
	return &call{name: name, args: args, part: part, f: f.f}, nil
}

func (f signature) count() string {
	switch {
	case f.most >= maxColumns:
		return "at least " + strconv.Itoa(f.least) + " arguments"
	case f.least == f.most:
		return strconv.Itoa(f.least) + " arguments"
	}
	return strconv.Itoa(f.least) + " to " + strconv.Itoa(f.most) + " arguments"
}

func (p *parser) aggregate(name string) (expr, error) {
	if p.inSum {
		return nil, fail(codeUnsupported, "Aggregates cannot be nested")
	}
	a := &aggregate{name: name}
	if name == "COUNT" && p.accept("*", ")") {
		p.st.sums = append(p.st.sums, a)
		return a, nil
	}
	p.inSum = true
	args, err := p.list()
	p.inSum = false
	if err != nil {
		return nil, err
	}
	if len(args) != 1 {
		return nil, fail(codeArguments, "%s takes 1 argument", name)
	}
	a.x = args[0]
	p.st.sums = append(p.st.sums, a)
	return a, nil
}

func (p *parser) cast() (expr, error) {
	x, err := p.expression()
	if err == nil {
		err = p.expect("AS")
	}
	if err != nil {
		return nil, err
	}
	to, err := p.name()
	if err != nil {
		return nil, err
	}
	c := &cast{x: x}
	switch strings.ToUpper(to) {
	case "INT", "INTEGER", "SMALLINT", "BIGINT":
		c.to = "INT"
	case "FLOAT", "DOUBLE", "REAL", "DECIMAL", "NUMERIC":
		c.to = "FLOAT"
	case "STRING", "VARCHAR", "CHAR", "TEXT":
		c.to = "STRING"
	case "BOOL", "BOOLEAN":
		c.to = "BOOL"
	case "TIMESTAMP":
		c.to = "TIMESTAMP"
	default:
		return nil, fail(codeUnsupported, "There is no type %.64q", to)
	}
	if p.accept("(") { // a precision, which nothing here depends on
		if _, err := p.list(); err != nil {
			return nil, err
		}
	}
	return c, p.expect(")")
}

// substring reads SUBSTRING(x FROM n FOR m) and SUBSTRING(x, n, m).
func (p *parser) substring() (expr, error) {
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	args := []expr{x}
	for _, words := range [...]string{"FROM", "FOR"} {
		if !p.accept(words) && !p.accept(",") {
			break
		}
		if x, err = p.expression(); err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return newCall("SUBSTRING", "", functions["SUBSTRING"], args)
}

// trim reads TRIM(x), TRIM(chars FROM x) and TRIM(LEADING chars FROM x).
func (p *parser) trim() (expr, error) {
	side := "BOTH"
	for _, s := range [...]string{"LEADING", "TRAILING", "BOTH"} {
		if p.accept(s) {
			side = s
			break
		}
	}
	args := []expr{&literal{side}}
	chars := expr(&literal{" "})
	if !p.accept("FROM") {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		if p.accept(")") {
			return newCall("TRIM", "", functions["TRIM"], append(args, chars, x))
		}
		if err := p.expect("FROM"); err != nil {
			return nil, err
		}
		chars = x
	}
	x, err := p.expression()
	if err == nil {
		err = p.expect(")")
	}
	if err != nil {
		return nil, err
	}
	return newCall("TRIM", "", functions["TRIM"], append(args, chars, x))
}
