package s3api

import (
	"net/http"
	"strings"

	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// handler carries out one operation.
type handler func(*request) (*response, error)

// authKind is where an operation's signature is.
type authKind uint8

const (
	byRequest authKind = iota // header or query
	byForm                    // in the fields of a POST form, which the handler reads
	unsigned                  // there is none: a browser's preflight carries no credentials
)

// operation is a row of the operation table: what selects it, and what it does.
type operation struct {
	name    string // as in the API; the label of metrics and logs
	method  string
	level   level
	sub     string // the sub-resource in the query, "" for none
	header  string // a header that must be there
	query   string // a parameter of the query that must be there
	handler handler
	auth    authKind
}

// refusal is what an operation without handler answers.
func (o *operation) refusal(r *request) error {
	return s3err.Newf(s3err.NotImplemented, "%s is not implemented", o.name)
}

var opUnknown = operation{name: "Unknown"}

// routes finds operations. Those that want a header or a parameter come before those that do not.
type routes struct {
	plain map[routeKey][]*operation
	subs  map[subKey][]*operation
	known map[string]bool // every sub-resource of the table
}

type routeKey struct {
	level  level
	method string
}

type subKey struct {
	routeKey
	sub string
}

func newRoutes(ops []operation) routes {
	t := routes{plain: map[routeKey][]*operation{}, subs: map[subKey][]*operation{}, known: map[string]bool{}}
	add := func(list []*operation, op *operation) []*operation {
		if op.header != "" || op.query != "" {
			return append([]*operation{op}, list...)
		}
		return append(list, op)
	}
	for i := range ops {
		op := &ops[i]
		at := routeKey{op.level, op.method}
		if op.sub == "" {
			t.plain[at] = add(t.plain[at], op)
			continue
		}
		t.known[op.sub] = true
		t.subs[subKey{at, op.sub}] = add(t.subs[subKey{at, op.sub}], op)
	}
	return t
}

// route chooses the operation of r.
func (s *Server) route(r *request) error {
	at := routeKey{r.level(), r.method}
	sub := ""
	for i := range r.query {
		name := r.query[i].name
		if !s.routes.known[name] || name == sub {
			continue
		}
		if name == "list-type" && r.query[i].value != "2" {
			continue
		}
		if sub != "" {
			if _, ok := s.routes.subs[subKey{at, name}]; !ok {
				continue // means something elsewhere only
			}
			if _, ok := s.routes.subs[subKey{at, sub}]; ok {
				return s3err.Argument("ResourceType", sub, "Conflicting query string parameters: "+sub+", "+name)
			}
		}
		sub = name
	}
	candidates := s.routes.plain[at]
	if sub != "" && r.method != http.MethodOptions { // a browser asks before requests of every kind
		candidates = s.routes.subs[subKey{at, sub}]
	}
	for _, op := range candidates {
		if op.header != "" && !r.hasHeader(op.header) {
			continue
		}
		if _, there := r.query.lookup(op.query); op.query != "" && !there {
			continue
		}
		r.op = op
		return nil
	}
	r.op = &operation{name: "Unknown", sub: strings.Clone(sub)}
	return s3err.New(s3err.MethodNotAllowed)
}
