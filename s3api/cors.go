package s3api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// getBucketCORS: GET /bucket?cors
func getBucketCORS(r *request) (*response, error) {
	rules, err := r.srv.objects.CORS(r.ctx, r.who, r.bucket)
	if err != nil {
		return nil, err
	}
	x := s3xml.New("CORSConfiguration", 1024)
	texts := func(name string, values []string) {
		for _, v := range values {
			x.Text(name, v)
		}
	}
	for i := range rules {
		c := &rules[i]
		x.Open("CORSRule")
		x.Optional("ID", c.ID)
		texts("AllowedMethod", c.Methods)
		texts("AllowedOrigin", c.Origins)
		texts("AllowedHeader", c.Headers)
		texts("ExposeHeader", c.Expose)
		if c.MaxAgeSeconds != nil {
			x.Int("MaxAgeSeconds", int64(*c.MaxAgeSeconds))
		}
		x.Close("CORSRule")
	}
	resp := r.ok()
	resp.xml = x.Bytes()
	return resp, nil
}

// putBucketCORS: PUT /bucket?cors
func putBucketCORS(r *request) (*response, error) {
	var in s3xml.CORSConfiguration
	if err := r.readXML("CORSConfiguration", r.srv.cfg.Limits.XMLBody, mustDigest, &in); err != nil {
		return nil, err
	}
	rules, err := corsRules(in.Rules)
	if err != nil {
		return nil, err
	}
	if err := r.srv.objects.PutCORS(r.ctx, r.who, r.bucket, rules); err != nil {
		return nil, err
	}
	return r.ok(), nil
}

// corsRules checks rules that a client sent.
func corsRules(in []s3xml.CORSRule) ([]object.CORSRule, error) {
	if len(in) == 0 || len(in) > object.MaxCORSRules {
		return nil, s3err.New(s3err.MalformedXML)
	}
	out := make([]object.CORSRule, len(in))
	for i := range in {
		c := &in[i]
		if len(c.Origins) == 0 || len(c.Methods) == 0 || len(c.ID) > 255 || c.MaxAgeSeconds != nil && *c.MaxAgeSeconds < 0 {
			return nil, s3err.New(s3err.MalformedXML)
		}
		for _, m := range c.Methods {
			switch m {
			case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead:
			default:
				return nil, s3err.Newf(s3err.InvalidRequest, "Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
			}
		}
		for _, o := range c.Origins {
			if strings.Count(o, "*") > 1 {
				return nil, s3err.Newf(s3err.InvalidRequest, "AllowedOrigin %q can not have more than one wildcard.", o)
			}
		}
		for _, h := range c.Headers {
			if strings.Count(h, "*") > 1 {
				return nil, s3err.Newf(s3err.InvalidRequest, "AllowedHeader %q can not have more than one wildcard.", h)
			}
		}
		for _, h := range c.Expose {
			if strings.Contains(h, "*") {
				return nil, s3err.Newf(s3err.InvalidRequest, "ExposeHeader %q contains wildcard. We currently do not support wildcard for ExposeHeader.", h)
			}
		}
		out[i] = object.CORSRule(*c)
	}
	return out, nil
}

// corsMatch is the rule that a request across origins falls under.
type corsMatch struct {
	rule   *object.CORSRule
	origin string // as the answer names it
	asked  []string
}

// matchCORS finds the first rule that lets a page of origin send method with headers.
func matchCORS(rules []object.CORSRule, origin, method string, headers []string) (corsMatch, bool) {
	for i := range rules {
		c := &rules[i]
		if !slices.Contains(c.Methods, method) {
			continue
		}
		at := slices.IndexFunc(c.Origins, func(p string) bool { return matchWildcard(p, origin) })
		if at < 0 || slices.ContainsFunc(headers, func(h string) bool { return !allowsHeader(c, h) }) {
			continue
		}
		m := corsMatch{rule: c, origin: origin, asked: headers}
		if c.Origins[at] == "*" {
			m.origin = "*"
		}
		return m, true
	}
	return corsMatch{}, false
}

// matchWildcard holds s against a pattern with at most one *.
func matchWildcard(pattern, s string) bool {
	head, tail, any := strings.Cut(pattern, "*")
	if !any {
		return pattern == s
	}
	return len(s) >= len(head)+len(tail) && strings.HasPrefix(s, head) && strings.HasSuffix(s, tail)
}

func allowsHeader(c *object.CORSRule, name string) bool {
	return slices.ContainsFunc(c.Headers, func(p string) bool { return matchWildcard(strings.ToLower(p), name) })
}

// fields are the headers of an answer under the rule.
func (m *corsMatch) fields() []field {
	f := []field{
		{"Access-Control-Allow-Origin", m.origin},
		{"Access-Control-Allow-Methods", strings.Join(m.rule.Methods, ", ")},
	}
	if len(m.asked) > 0 {
		f = append(f, field{"Access-Control-Allow-Headers", strings.Join(m.asked, ", ")})
	}
	if len(m.rule.Expose) > 0 {
		f = append(f, field{"Access-Control-Expose-Headers", strings.Join(m.rule.Expose, ", ")})
	}
	if m.rule.MaxAgeSeconds != nil {
		f = append(f, field{"Access-Control-Max-Age", strconv.Itoa(*m.rule.MaxAgeSeconds)})
	}
	if m.origin != "*" {
		f = append(f, field{"Access-Control-Allow-Credentials", "true"})
	}
	return append(f, field{"Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"})
}

// requestedHeaders are those that a page wants to send, in lower case.
func (r *request) requestedHeaders() []string {
	var out []string
	for h := range strings.SplitSeq(r.headerList("Access-Control-Request-Headers"), ",") {
		if h = strings.ToLower(strings.TrimSpace(h)); h != "" {
			out = append(out, h)
		}
	}
	return out
}

// corsFields are the headers that the answer to r gets for a page of another origin: none unless a rule of the bucket
// lets the page see it.
func (r *request) corsFields() []field {
	origin := r.header("Origin")
	if origin == "" || r.bucket == "" || r.op.name == "PreflightBucket" || r.op.name == "PreflightObject" {
		return nil
	}
	rules, err := r.srv.objects.CORSRules(r.ctx, r.bucket)
	if err != nil || len(rules) == 0 {
		return nil
	}
	method := r.header("Access-Control-Request-Method")
	if method == "" {
		method = r.method
	}
	m, ok := matchCORS(rules, origin, method, r.requestedHeaders())
	if !ok {
		return nil
	}
	return m.fields()
}

// preflight answers the question of a browser before it sends a request across origins: OPTIONS /bucket/key
func preflight(r *request) (*response, error) {
	origin, method := r.header("Origin"), r.header("Access-Control-Request-Method")
	if origin == "" {
		return nil, s3err.Newf(s3err.BadRequest, "Insufficient information. Origin request header needed.")
	}
	rules, err := r.srv.objects.CORSRules(r.ctx, r.bucket)
	if err != nil && s3err.From(err).Code != s3err.NoSuchBucket {
		return nil, err
	}
	if len(rules) == 0 {
		// Amazon looks no further then: the resource is the bucket, and a method need not be asked for.
		refused := s3err.New(s3err.AccessForbidden).With("Method", cmp.Or(method, "OPTIONS")).With("ResourceType", "BUCKET")
		if err != nil {
			refused.Message = "CORSResponse: Bucket not found"
		}
		return nil, refused
	}
	if method == "" {
		return nil, s3err.Newf(s3err.BadRequest, "Invalid Access-Control-Request-Method: null")
	}
	m, ok := matchCORS(rules, origin, method, r.requestedHeaders())
	if !ok {
		refused := s3err.New(s3err.AccessForbidden).With("Method", method).With("ResourceType", r.resourceType())
		refused.Message = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, " +
			"request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
		return nil, refused
	}
	resp := r.ok()
	resp.fields = append(resp.fields, m.fields()...)
	return resp, nil
}
