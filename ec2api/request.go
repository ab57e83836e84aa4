package ec2api

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/query"
	"github.com/aureole-cloud/aureole/ec2api/queryauth"
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
	text := string(body) // one copy: what is decoded of it may outlive the connection's buffer
	_, rawQuery := queryauth.Parts(r.fctx)
	form, err := query.Parse(rawQuery, text)
	if err != nil {
		return nil, err
	}
	r.version = form.Version
	row := s.actions[form.Action]
	if row != nil {
		r.action = row.name
	}
	if r.who, r.scheme, err = s.auth.Who(ctx, r.fctx, text, r.start); err != nil {
		return nil, refusal(err)
	}
	switch {
	case form.Action == "":
		return nil, ec2err.New(ec2err.MissingAction, "The request must contain the parameter Action")
	case row == nil:
		return nil, ec2err.New(ec2err.InvalidAction, "The action %s is not valid for this web service.", ec2err.Clip(form.Action))
	case row.run == nil && row.refusal != "":
		return nil, ec2err.New(ec2err.UnsupportedOperation, "%s", row.refusal)
	case row.run == nil:
		return nil, ec2err.New(ec2err.UnsupportedOperation, "The action %s is not supported by this server.", row.name)
	}
	c := &Call{Action: row.name, RequestID: r.id, Version: r.version, Who: r.who, Time: r.start, form: form, Secure: r.fctx.IsTLS(), UserAgent: string(r.fctx.UserAgent())}
	if a, ok := r.fctx.RemoteAddr().(*net.TCPAddr); ok {
		c.SourceIP = a.IP
	}
	return row.run(ctx, s, c)
}

// refusal makes the answer to a request whose sender could not be established.
func refusal(err error) error {
	switch {
	case errors.Is(err, queryauth.ErrUnsigned):
		return ec2err.New(ec2err.MissingAuthenticationToken, "The request must contain valid AWS access credentials: it is not signed.")
	case errors.Is(err, queryauth.ErrToken):
		return ec2err.New(ec2err.AuthFailure, "AWS was not able to validate the provided access credentials")
	case errors.Is(err, queryauth.ErrExpired):
		return ec2err.New(ec2err.RequestExpired, "Request has expired.")
	}
	return err
}
