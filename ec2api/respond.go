package ec2api

import (
	"time"

	"github.com/aureole-cloud/aureole/ec2api/ec2err"
	"github.com/aureole-cloud/aureole/ec2api/ec2xml"
)

const (
	contentType    = "text/xml;charset=UTF-8"
	namespace      = "http://ec2.amazonaws.com/doc/"
	defaultVersion = "2016-11-15"
)

// respond writes the answer and tells the observer.
func (r *request) respond(out result, err error) {
	fctx := r.fctx
	fctx.Response.Header.SetContentType(contentType)
	fctx.Response.Header.Set("x-amzn-requestid", r.id)
	fctx.Response.Header.Set("Cache-Control", "no-cache, no-store")
	if err != nil {
		r.failure = ec2err.From(err)
		fctx.SetStatusCode(r.failure.Status)
		fctx.SetBody(r.failure.AppendXML(nil, r.id))
	} else {
		fctx.Response.SetBodyRaw(r.document(out)) // nobody else has it: no need to copy
	}
	r.pack()
	r.pace()
	r.observe()
}

// document is the whole answer; the version that was asked for names its namespace.
func (r *request) document(out result) []byte {
	version := defaultVersion
	if isVersion(r.version) {
		version = r.version
	}
	w := ec2xml.NewWriter(make([]byte, 0, 4096))
	w.Header()
	root := r.action + "Response"
	w.OpenRoot(root, namespace+version+"/")
	w.Text("requestId", r.id)
	out.EncodeXML(w)
	w.Close(root)
	return w.Bytes()
}

func isVersion(v string) bool {
	_, err := time.Parse(time.DateOnly, v)
	return err == nil
}

func (r *request) observe() {
	e := Event{
		Action: r.action, RequestID: r.id, Method: string(r.fctx.Method()), Remote: r.fctx.RemoteAddr(),
		UserAgent: string(r.fctx.UserAgent()), AccessKey: r.who.AccessKeyID, Account: r.who.AccountID, Scheme: r.scheme,
		Status: r.fctx.Response.StatusCode(), BytesIn: int64(r.bytesIn), BytesOut: int64(len(r.fctx.Response.Body())),
		Start: r.start, Duration: time.Since(r.start),
	}
	if r.failure != nil {
		e.Code, e.Err = r.failure.Code, r.failure.Cause
	}
	r.srv.observer.Observe(&e)
}
