package observe

import (
	"github.com/aureole-cloud/aureole/ec2api"
	"github.com/aureole-cloud/aureole/iamapi"
	"github.com/aureole-cloud/aureole/s3api"
)

// EC2 counts and logs the requests of the EC2 front end. It is an ec2api.Observer.
type EC2 struct {
	Requests *Requests
	Log      *AccessLog
}

// Observe passes the event on.
func (o EC2) Observe(e *ec2api.Event) {
	same := s3api.Event{
		Operation: e.Action, RequestID: e.RequestID, Method: e.Method, Remote: e.Remote, UserAgent: e.UserAgent,
		AccessKey: e.AccessKey, Account: e.Account, Scheme: e.Scheme, Status: e.Status, Code: e.Code,
		BytesIn: e.BytesIn, BytesOut: e.BytesOut, Start: e.Start, Duration: e.Duration, Err: e.Err,
	}
	o.Requests.Observe(&same)
	o.Log.Observe(&same)
}

// STS counts and logs the requests of STS and IAM. It is an iamapi.Observer.
type STS EC2

// Observe passes the event on.
func (o STS) Observe(e *iamapi.Event) {
	EC2(o).Observe(&ec2api.Event{
		Action: e.Action, RequestID: e.RequestID, Method: e.Method, Remote: e.Remote, UserAgent: e.UserAgent, AccessKey: e.AccessKey,
		Account: e.Account, Scheme: e.Scheme, Status: e.Status, Code: e.Code, BytesIn: e.BytesIn, BytesOut: e.BytesOut,
		Start: e.Start, Duration: e.Duration, Err: e.Err,
	})
}
