package ec2err

import "github.com/aureole-cloud/aureole/ec2api/ec2xml"

// AppendXML writes the document of the error.
func (e *Error) AppendXML(b []byte, requestID string) []byte {
	w := ec2xml.NewWriter(b)
	w.Header()
	w.Open("Response")
	w.Open("Errors")
	w.Open("Error")
	w.Text("Code", e.Code)
	w.Text("Message", e.Message)
	w.Close("Error")
	w.Close("Errors")
	w.Text("RequestID", requestID)
	w.Close("Response")
	return w.Bytes()
}
