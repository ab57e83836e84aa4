// Package dispatch lets several protocols share one listener: it looks at a request's line and headers and says whose it is.
//
// The order: the service in the scope of a SigV4 signature; the paths of old EC2 tools; a Version or Action in the query;
// a form posted to /, which only the query protocols do: what it says then decides between them. Everything else is S3.
// Signatures are not verified here: a wrong guess ends in the refusal of the front end that was guessed.
package dispatch

import (
	"bytes"
	"io"

	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/s3api/httpd"
)

// Protocol is who a request speaks to.
type Protocol uint8

// The protocols.
const (
	S3 Protocol = iota
	EC2
	IAM
	STS
	Form // one of the last three: the form in the body tells which
)

// String names the protocol as AWS names the service.
func (p Protocol) String() string { return [...]string{"s3", "ec2", "iam", "sts", "form"}[p] }

// Of decides for a request.
func Of(ctx *fasthttp.RequestCtx) Protocol {
	if s := scope(ctx); s != nil {
		switch string(s) {
		case "ec2":
			return EC2
		case "iam":
			return IAM
		case "sts":
			return STS
		case "s3":
			return S3
		}
		// Old tools sign with services of their own making: go on with other signs.
	}
	path := ctx.Path()
	for _, p := range []string{"/services/compute", "/services/Eucalyptus", "/services/Cloud"} {
		if rest, ok := bytes.CutPrefix(path, []byte(p)); ok && (len(rest) == 0 || rest[0] == '/') {
			return EC2
		}
	}
	if len(path) != 1 { // all that follows is sent to /, and S3 has few operations there
		return S3
	}
	if raw := ctx.URI().QueryString(); bytes.Contains(raw, []byte("Action=")) && ctx.QueryArgs().Has("Action") {
		return byVersion(ctx.QueryArgs().Peek("Version"))
	}
	if ctx.IsPost() && bytes.HasPrefix(ctx.Request.Header.ContentType(), []byte("application/x-www-form-urlencoded")) {
		return Form
	}
	return S3
}

// OfForm decides for a request that is Form, by its body.
func OfForm(body []byte) Protocol {
	for item := range bytes.SplitSeq(body, []byte("&")) {
		if v, ok := bytes.CutPrefix(item, []byte("Version=")); ok {
			return byVersion(v)
		}
	}
	return EC2
}

// MaxForm bounds the body of the query protocols, as AWS does.
const MaxForm = 1 << 20

// Body reads the body of a request of a query protocol. tooLarge says that there was more of it.
func Body(ctx *fasthttp.RequestCtx) (body []byte, tooLarge bool, err error) {
	if ctx.Request.Header.ContentLength() > MaxForm {
		return nil, true, nil
	}
	body, err = io.ReadAll(io.LimitReader(httpd.BodyStream(ctx), MaxForm+1))
	return body, len(body) > MaxForm, err
}

// byVersion tells the query protocols apart by the version of the API; EC2 had many.
func byVersion(v []byte) Protocol {
	switch string(v) {
	case "2010-05-08":
		return IAM
	case "2011-06-15":
		return STS
	}
	return EC2
}

// scope is the service in a SigV4 credential (key/date/region/service/aws4_request), of the header or the query; nil if
// there is none.
func scope(ctx *fasthttp.RequestCtx) []byte {
	auth := ctx.Request.Header.Peek("Authorization")
	if bytes.HasPrefix(auth, []byte("AWS4-")) {
		_, cred, ok := bytes.Cut(auth, []byte("Credential="))
		if !ok {
			return nil
		}
		if i := bytes.IndexAny(cred, ", "); i >= 0 {
			cred = cred[:i]
		}
		return service(cred)
	}
	if len(auth) > 0 || !bytes.Contains(ctx.URI().QueryString(), []byte("X-Amz-Credential")) {
		return nil
	}
	return service(ctx.QueryArgs().Peek("X-Amz-Credential"))
}

// service is the last but one field; access keys may contain slashes in other people's tools.
func service(cred []byte) []byte {
	rest, ok := bytes.CutSuffix(cred, []byte("/aws4_request"))
	if !ok {
		return nil
	}
	return rest[bytes.LastIndexByte(rest, '/')+1:]
}
