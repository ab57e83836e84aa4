package s3api

import (
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// A website is a bucket that is served to browsers, under a host of its own: index documents stand for folders, errors are
// pages, and rules redirect. Nobody is signed in there, so all that is seen is what policies or lists of access open to
// everybody.

// websiteKey marks requests that came to a website by their listener.
const websiteKey = "s3api.website"

var opWebsite = operation{name: "WebsiteGet", auth: unsigned}

// Website reports whether a host is that of a website.
func (s *Server) Website(host string) bool { return bucketOfHost(host, s.websites) != "" }

// WebsiteHandler answers requests of a listener on which there are only websites: the bucket is the label in front of a
// website domain, or else the whole name of the host.
func (s *Server) WebsiteHandler() fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Context().SetUserValue(websiteKey, true)
		s.handle(c.Context())
		return nil
	}
}

// website finds the bucket of a request to a website; false if it is none.
func (s *Server) website(r *request, path string) bool {
	bucket := bucketOfHost(r.host, s.websites)
	if bucket == "" {
		if r.fctx.UserValue(websiteKey) == nil {
			return false
		}
		bucket = strings.ToLower(hostname(r.host))
	}
	r.target = target{bucket: bucket, key: unescape(strings.TrimPrefix(path, "/"), false), rawPath: path, hostBucket: bucket}
	r.op = &opWebsite
	return true
}

// admitWebsite makes a request to a website one of nobody's.
func (r *request) admitWebsite() {
	r.query, r.rawQuery = nil, ""
	r.identify(iam.Anonymous())
}

// serveWebsite answers a request to a website. There is an answer to everything.
func (r *request) serveWebsite() (*response, error) {
	if r.method == http.MethodOptions {
		return preflight(r)
	}
	if r.method != http.MethodGet && r.method != http.MethodHead {
		return r.errorPage(s3err.New(s3err.MethodNotAllowed).With("Method", r.method).With("ResourceType", "OBJECT"), nil), nil
	}
	w, err := r.srv.objects.WebsiteOf(r.ctx, r.bucket)
	if err != nil {
		return r.errorPage(r.explain(err), nil), nil
	}
	if w.RedirectAll != nil {
		return r.redirect(w.RedirectAll, r.key), nil
	}
	if rule := matchRule(w, r.key, ""); rule != nil {
		return r.redirect(&rule.Redirect, replaced(rule, r.key)), nil
	}
	key := r.key
	if key == "" || strings.HasSuffix(key, "/") {
		key += w.Index
	}
	if !validKeyText(key) {
		return r.errorPage(s3err.New(s3err.InvalidURI).With("URI", strings.ToValidUTF8(r.rawPath, "\uFFFD")), nil), nil
	}
	if owner, pays := r.srv.objects.RequesterPays(r.ctx, r.bucket); pays && owner != "" {
		return r.websiteError(w, key, s3err.New(s3err.AccessDenied)), nil
	}
	resp, err := r.page(key, true)
	if err == nil {
		return resp, nil
	}
	e := r.explainKey(err, key)
	if (e.Status == http.StatusNotFound || e.Status == http.StatusForbidden) && key == r.key && r.folder(key+"/"+w.Index) {
		resp := r.ok()
		resp.status = http.StatusFound
		resp.set("Location", "/"+string(appendPathEscaped(nil, key))+"/")
		return resp, nil
	}
	if e.Status < http.StatusBadRequest { // not modified
		return nil, e
	}
	return r.websiteError(w, key, e), nil
}

// page is the answer with an object; conditions and ranges are those of the request when asked.
func (r *request) page(key string, asked bool) (*response, error) {
	in := object.GetInput{Bucket: r.bucket, Key: key}
	if asked {
		if v := r.header("Range"); v != "" {
			in.Range = parseRange(v)
		}
		in.Conditions = r.readConditions("")
	}
	read := r.srv.objects.Get
	if r.method == http.MethodHead {
		read = r.srv.objects.Head
	}
	res, err := r.read(read, &in)
	if err != nil {
		return nil, r.readFailure(err)
	}
	if to := res.Headers.WebsiteRedirect; to != "" && asked {
		if res.Body != nil {
			if err := res.Body.Close(); err != nil {
				return nil, err
			}
		}
		resp := r.ok()
		resp.status = http.StatusMovedPermanently
		resp.set("Location", to)
		return resp, nil
	}
	resp := r.describe(res, &in)
	resp.body, resp.length = res.Body, res.Length
	return resp, nil
}

// folder reports whether the index document of a folder can be read.
func (r *request) folder(key string) bool {
	_, err := r.srv.objects.Head(r.ctx, r.who, &object.GetInput{Bucket: r.bucket, Key: key})
	return err == nil
}

// websiteError is the answer to a request that failed: by a rule, by the error document, or by a page of ours.
func (r *request) websiteError(w *object.Website, key string, e *s3err.Error) *response {
	if rule := matchRule(w, key, strconv.Itoa(e.Status)); rule != nil {
		return r.redirect(&rule.Redirect, replaced(rule, r.key))
	}
	if w.Error == "" {
		return r.errorPage(e, nil)
	}
	resp, err := r.page(w.Error, false)
	if err != nil {
		return r.errorPage(e, r.explainKey(err, w.Error))
	}
	resp.status = e.Status
	r.describeError(resp, e)
	return resp
}

// explainKey is explain for a key that is not the one of the request.
func (r *request) explainKey(err error, key string) *s3err.Error {
	e := s3err.From(err)
	if e.Code == s3err.NoSuchKey {
		e = e.With("Key", key)
	}
	if e.Code == s3err.MethodNotAllowed {
		e = s3err.New(s3err.NoSuchKey).With("Key", key)
	}
	return e
}

// describeError puts what went wrong into headers.
func (r *request) describeError(resp *response, e *s3err.Error) {
	resp.set("x-amz-error-code", string(e.Code))
	resp.set("x-amz-error-message", e.Message)
	for _, d := range e.Details {
		resp.set("x-amz-error-detail-"+d.Name, encodeMeta(d.Value))
	}
	r.failure = e
}

// errorPage is a page about e, and about what kept the error document from being shown.
func (r *request) errorPage(e, document *s3err.Error) *response {
	title := strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	var b strings.Builder
	item := func(name, value string) {
		b.WriteString("<li>" + html.EscapeString(name) + ": " + html.EscapeString(value) + "</li>\n")
	}
	b.WriteString("<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n")
	item("Code", string(e.Code))
	item("Message", e.Message)
	for _, d := range e.Details {
		item(d.Name, d.Value)
	}
	item("RequestId", r.id)
	item("HostId", r.srv.ids.hostID)
	b.WriteString("</ul>\n")
	if document != nil {
		b.WriteString("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n")
		item("Code", string(document.Code))
		item("Message", document.Message)
		for _, d := range document.Details {
			item(d.Name, d.Value)
		}
		b.WriteString("</ul>\n")
	}
	b.WriteString("<hr/>\n</body>\n</html>\n")
	resp := &response{status: e.Status}
	r.describeError(resp, e)
	resp.set("Content-Type", "text/html; charset=utf-8")
	resp.text, resp.length = []byte(b.String()), int64(b.Len())
	return resp
}

// matchRule is the first rule about a key and the status its request would end with, which is "" as long as nothing failed.
func matchRule(w *object.Website, key, status string) *object.WebsiteRule {
	for i := range w.Rules {
		rule := &w.Rules[i]
		if rule.Status == status && (rule.Prefix == nil || strings.HasPrefix(key, *rule.Prefix)) {
			return rule
		}
	}
	return nil
}

// replaced is the key that a rule leads to.
func replaced(rule *object.WebsiteRule, key string) string {
	switch to := &rule.Redirect; {
	case to.Key != nil:
		return *to.Key
	case to.Prefix != nil && rule.Prefix != nil:
		return *to.Prefix + strings.TrimPrefix(key, *rule.Prefix)
	case to.Prefix != nil:
		return *to.Prefix + key
	}
	return key
}

// redirect sends the browser to a key, of another host or by another protocol where to says so.
func (r *request) redirect(to *object.WebsiteRedirect, key string) *response {
	protocol, host := to.Protocol, to.Host
	if protocol == "" {
		protocol = "http"
		if r.fctx.IsTLS() {
			protocol = "https"
		}
	}
	if host == "" {
		host = r.host
	}
	status := http.StatusMovedPermanently
	if n, err := strconv.Atoi(to.Status); err == nil {
		status = n
	}
	resp := r.ok()
	resp.status = status
	resp.set("Location", protocol+"://"+host+"/"+string(appendPathEscaped(nil, key)))
	return resp
}
