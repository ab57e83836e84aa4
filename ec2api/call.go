package ec2api

import (
	"net"
	"time"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/idem"
	"github.com/aureole-cloud/aureole/ec2api/model"
	"github.com/aureole-cloud/aureole/ec2api/query"
)

// Call is a request on its way to a handler: who makes it, when, and what all actions have in common.
type Call struct {
	Action    string
	RequestID string
	Version   string // of the API, as the client writes it
	Who       iam.Principal
	Time      time.Time
	SourceIP  net.IP
	UserAgent string
	Secure    bool // came over TLS

	form   *query.Form
	common model.Common
}

// Account is the account that the principal belongs to, whose resources it sees.
func (c *Call) Account() string { return c.Who.AccountID }

// Token is the call's client token for core; it is the zero token when the client sent none.
func (c *Call) Token() idem.Token {
	t := idem.Token{Account: c.Account(), Action: c.Action, Token: model.Val(c.common.ClientToken), Time: c.Time}
	if t.Given() {
		t.Hash = c.form.Hash()
	}
	return t
}
