package iamapi

import "github.com/aureole-cloud/aureole/ec2api/ec2xml"

// getCallerIdentity tells the sender of a request who it is. Nobody needs a permission for it.
func getCallerIdentity(r *request) func(*ec2xml.Writer) {
	return func(w *ec2xml.Writer) {
		w.Text("Arn", r.who.ARN)
		w.Text("UserId", r.who.UserID)
		w.Text("Account", r.who.AccountID)
	}
}
