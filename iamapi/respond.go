package iamapi

import (
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
	"github.com/aureole-cloud/aureole/ec2api/queryauth"
)

// failure is an answer that is no success.
type failure struct {
	status        int
	code, message string
	cause         error
}

// refusal makes the answer to a request whose sender could not be established.
func refusal(err error) *failure {
	const badToken = "The security token included in the request is invalid."
	switch {
	case errors.Is(err, queryauth.ErrUnsigned):
		return &failure{403, "MissingAuthenticationToken", "Request is missing Authentication Token", nil}
	case errors.Is(err, queryauth.ErrToken):
		return &failure{403, "InvalidClientTokenId", badToken, nil}
	case errors.Is(err, queryauth.ErrExpired):
		return &failure{403, "ExpiredToken", "The security token included in the request is expired", nil}
	}
	var e *errs.E
	if !errors.As(err, &e) {
		return &failure{500, "InternalFailure", "An internal error has occurred.", err}
	}
	switch e.Reason {
	case iam.InvalidAccessKeyID:
		return &failure{403, "InvalidClientTokenId", badToken, nil}
	case sigv4.SignatureDoesNotMatch:
		return &failure{403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", nil}
	case sigv4.RequestTimeTooSkewed:
		return &failure{403, "SignatureDoesNotMatch", "Signature expired: " + e.Msg, nil}
	}
	return &failure{400, "IncompleteSignature", e.Msg, nil}
}

// respond writes the answer and tells the observer.
func (s *Server) respond(r *request, write func(*ec2xml.Writer), f *failure, bytesIn int) {
	w := ec2xml.NewWriter(nil)
	status := 200
	e := Event{}
	if f != nil {
		status, e.Code, e.Err = f.status, f.code, f.cause
		kind := "Sender"
		if status >= 500 {
			kind = "Receiver"
		}
		w.OpenRoot("ErrorResponse", r.api.namespace)
		w.Open("Error")
		w.Text("Type", kind)
		w.Text("Code", f.code)
		w.Text("Message", f.message)
		w.Close("Error")
		w.Text("RequestId", r.id)
		w.Close("ErrorResponse")
	} else {
		w.OpenRoot(r.action+"Response", r.api.namespace)
		w.Open(r.action + "Result")
		write(w)
		w.Close(r.action + "Result")
		w.Open("ResponseMetadata")
		w.Text("RequestId", r.id)
		w.Close("ResponseMetadata")
		w.Close(r.action + "Response")
	}
	resp := &r.fctx.Response
	resp.SetStatusCode(status)
	resp.Header.SetContentType("text/xml")
	resp.Header.Set("x-amzn-RequestId", r.id)
	resp.SetBody(w.Bytes())
	if s.observer == nil {
		return
	}
	e.Action, e.RequestID, e.Method, e.UserAgent = r.api.name+":"+r.action, r.id, string(r.fctx.Method()), string(r.fctx.UserAgent())
	e.AccessKey, e.Account, e.Scheme, e.Remote = r.who.AccessKeyID, r.who.AccountID, r.scheme, r.fctx.RemoteAddr()
	e.Status, e.BytesIn, e.BytesOut, e.Start, e.Duration = status, int64(bytesIn), int64(len(w.Bytes())), r.start, time.Since(r.start)
	s.observer.Observe(&e)
}
