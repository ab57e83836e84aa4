package ec2api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/query"
)

// request is one request on its way through the front end.
type request struct {
	srv     *Server
	fctx    *fasthttp.RequestCtx
	id      string
	start   time.Time
	action  string // as the observer sees it
	version string
	scheme  string
	who     iam.Principal
	failure *ec2err.Error
	bytesIn int
}

// run authenticates a request and carries out its action.
func (r *request) run(ctx context.Context, body []byte, tooLarge bool) (result, error) {
	s := r.srv
	r.bytesIn = len(body)
	if tooLarge {
		return nil, ec2err.New(ec2err.RequestEntityTooLarge, "The request is larger than this server takes.")
	}
	if !r.fctx.IsGet() && !r.fctx.IsPost() {
		return nil, ec2err.New("InvalidRequest", "The EC2 API is called by GET or POST.")
	}
	path, rawQuery, _ := strings.Cut(string(r.fctx.Request.Header.RequestURI()), "?")
	path = withoutHost(path)
	text := string(body) // one copy: what is decoded of it may outlive the connection's buffer
	form, err := query.Parse(rawQuery, text)
	if err != nil {
		return nil, err
	}
	r.version = form.Version
	row := s.actions[form.Action]
	if row != nil {
		r.action = row.name
	}
	signed := sigv4.Request{
		Method: string(r.fctx.Method()), RawPath: path, RawQuery: rawQuery, Host: string(r.fctx.Request.Header.Peek("Host")),
		Headers: fields(string(r.fctx.Request.Header.RawHeaders())), Now: r.start, Form: text,
	}
	sum := sha256.Sum256(body)
	signed.BodySHA256 = hex.EncodeToString(sum[:])
	if err := r.authenticate(ctx, &signed); err != nil {
		return nil, err
	}
	switch {
	case form.Action == "":
		return nil, ec2err.New(ec2err.MissingAction, "The request must contain the parameter Action")
	case row == nil:
		return nil, ec2err.New(ec2err.InvalidAction, "The action %s is not valid for this web service.", ec2err.Clip(form.Action))
	case row.run == nil:
		return nil, ec2err.New(ec2err.UnsupportedOperation, "The action %s is not supported by this server.", row.name)
	}
	c := &Call{Action: row.name, RequestID: r.id, Who: r.who, Time: r.start, form: form}
	if a, ok := r.fctx.RemoteAddr().(*net.TCPAddr); ok {
		c.SourceIP = a.IP
	}
	return row.run(ctx, s, c)
}

// authenticate finds out who signed the request.
func (r *request) authenticate(ctx context.Context, signed *sigv4.Request) error {
	s := r.srv
	auth, err := s.verifier.Parse(signed)
	if err != nil {
		return err
	}
	r.scheme = auth.Scheme.String()
	if !auth.Signed() {
		return ec2err.New(ec2err.MissingAuthenticationToken, "The request must contain valid AWS access credentials: it is not signed.")
	}
	cred, err := s.iam.Secret(ctx, auth.AccessKeyID)
	if err != nil {
		return err
	}
	want := cred.SessionToken.Reveal()
	if subtle.ConstantTimeCompare([]byte(want), []byte(auth.SecurityToken)) != 1 {
		return ec2err.New(ec2err.AuthFailure, "AWS was not able to validate the provided access credentials")
	}
	if want != "" && r.start.After(cred.Expires) {
		return ec2err.New(ec2err.RequestExpired, "Request has expired.")
	}
	if _, err := s.verifier.Verify(signed, &auth, cred.Secret.Reveal()); err != nil {
		return err
	}
	r.who = cred.Principal
	return nil
}

// authorize asks whether the principal may do the action at all.
func (s *Server) authorize(ctx context.Context, c *Call) error {
	return s.iam.Authorize(ctx, iam.Request{Principal: c.Who, Action: "ec2:" + c.Action, Resource: "*"})
}

// withoutHost takes scheme and host off a request line that names them, as proxies send it.
func withoutHost(uri string) string {
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	if _, rest, ok := strings.Cut(uri, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return uri
}

// fields splits a header section that fasthttp has found well formed, in the order and spelling of the wire.
func fields(raw string) []sigv4.Field {
	list := make([]sigv4.Field, 0, 16)
	for raw != "" {
		var line string
		line, raw, _ = strings.Cut(raw, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if n := len(list); n > 0 {
				list[n-1].Value += " " + strings.Trim(line, " \t")
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		list = append(list, sigv4.Field{Name: strings.TrimRight(name, " \t"), Value: strings.Trim(value, " \t")})
	}
	return list
}
