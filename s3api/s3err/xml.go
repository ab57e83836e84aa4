package s3err

import "github.com/aureole-cloud/aureole/s3api/s3xml"

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
		b = s3xml.AppendElement(b, d.Name, d.Value)
	}
	b = s3xml.AppendElement(b, "RequestId", requestID)
	b = s3xml.AppendElement(b, "HostId", hostID)
	return append(b, "</Error>"...)
}
