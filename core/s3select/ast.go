package s3select

// Statement is a parsed SELECT.
type Statement struct {
	star    bool // SELECT *
	columns []column
	from    []step // into each document, behind S3Object
	alias   string // of the record; "" when there is none
	where   expr   // nil for all
	limit   int64  // -1 for none
	sums    []*aggregate
}

// column is one item of the select list.
type column struct {
	value expr
	name  string // of the output; "" lets the place decide
}

// step leads from a value to one inside.
type step struct {
	name     string
	quoted   bool // the name must match in its case
	index    int
	isIndex  bool
	wildcard bool // [*] or .*: all items
}

// expr is an expression. eval never changes it, except for the state of aggregates.
type expr interface {
	eval(*env) (value, error)
}

type literal struct{ v value }

// path is a column or a field of the record.
type path struct{ steps []step }

type unary struct {
	op string // -, NOT
	x  expr
}

type binary struct {
	op   string
	l, r expr
}

// is is IS [NOT] NULL, MISSING, TRUE, FALSE.
type is struct {
	x    expr
	what string
	not  bool
}

type between struct {
	x, low, high expr
	not          bool
}

type in struct {
	x    expr
	list []expr
	not  bool
}

type like struct {
	x, pattern, escape expr // escape may be nil
	not                bool
}

// cases is CASE [x] WHEN … THEN … ELSE … END.
type cases struct {
	x     expr // nil when the conditions stand for themselves
	whens []when
	other expr // nil is NULL
}

type when struct{ cond, then expr }

type cast struct {
	x  expr
	to string
}

type call struct {
	name string
	args []expr
	part string // of dates
	f    function
}
