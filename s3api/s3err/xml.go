package s3err

import (
	"strings"

	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

// AppendXML writes the body of e to b.
func (e *Error) AppendXML(b []byte, requestID, hostID string) []byte {
	b = append(b, s3xml.Header...)
	return e.AppendElement(b, requestID, hostID)
}

// AppendElement is AppendXML without the XML declaration, for an error inside an answer that has begun.
func (e *Error) AppendElement(b []byte, requestID, hostID string) []byte {
	b = append(b, "<Error>"...)
	b = s3xml.AppendElement(b, "Code", string(e.Code))
	b = s3xml.AppendElement(b, "Message", e.Message)
	for _, d := range e.Details {
		b = s3xml.AppendElement(b, d.Name, strings.Map(printable, d.Value))
	}
	b = s3xml.AppendElement(b, "RequestId", requestID)
	b = s3xml.AppendElement(b, "HostId", hostID)
	return append(b, "</Error>"...)
}

// printable replaces what XML 1.0 cannot hold, even by reference: details repeat what the client sent, and a parser would
// refuse the whole error for one such character.
func printable(r rune) rune {
	if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
		return '\uFFFD'
	}
	return r
}
