package dispatch

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/valyala/fasthttp"
)

// Absent answers a request of a protocol that is not built yet, as that protocol says such things: a client reports it
// and does not retry.
func Absent(ctx *fasthttp.RequestCtx, p Protocol, requestID string) {
	action := string(ctx.QueryArgs().Peek("Action"))
	what := "The " + p.String() + " API"
	if action != "" {
		what = fmt.Sprintf("The action %s of the %s API", printable(action), p)
	}
	message := what + " is not built in this version of the server; it serves S3."
	var body any
	if p == EC2 {
		body = ec2Error{Code: "UnsupportedOperation", Message: message, RequestID: requestID}
	} else {
		ns := map[Protocol]string{IAM: "https://iam.amazonaws.com/doc/2010-05-08/", STS: "https://sts.amazonaws.com/doc/2011-06-15/"}[p]
		body = queryError{NS: ns, Type: "Sender", Code: "InvalidAction", Message: message, RequestID: requestID}
	}
	data, err := xml.Marshal(body)
	if err != nil {
		ctx.Error(message, http.StatusBadRequest)
		return
	}
	ctx.SetStatusCode(http.StatusBadRequest)
	ctx.SetContentType("text/xml;charset=UTF-8")
	ctx.Response.Header.Set("x-amzn-RequestId", requestID)
	ctx.SetBodyString(xml.Header + string(data))
	ctx.SetConnectionClose() // its body was not read
}

// ec2Error is the shape of EC2's errors.
type ec2Error struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

// queryError is the shape of the errors of IAM and STS.
type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	NS        string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// printable keeps a client's text short and readable.
func printable(s string) string {
	const most = 64
	b := []byte(s)
	if len(b) > most {
		b = b[:most]
	}
	for i, c := range b {
		if c < ' ' || c >= 0x7f {
			b[i] = '?'
		}
	}
	return string(b)
}
