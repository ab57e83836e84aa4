// Package queryauth finds out who sent a request of the Query protocol, for all front ends that speak it: EC2, STS, IAM.
//
// It guarantees that what it hands out was signed by the principal that it names, the body included, in the header (SigV4) or
// in the query or form (SigV4 and SigV2), whatever region and service the scope of the signature names. Errors are those of
// core/sigv4 and core/iam, and [ErrUnsigned], [ErrToken] and [ErrExpired]; the front ends have codes for them.
package queryauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/sigv4"
)

// The refusals that neither core/sigv4 nor core/iam knows.
var (
	ErrUnsigned = errors.New("queryauth: the request is not signed")
	ErrToken    = errors.New("queryauth: the session token is not the key's")
	ErrExpired  = errors.New("queryauth: the session has ended")
)

// Authenticator verifies requests.
type Authenticator struct {
	iam      *iam.Service
	verifier *sigv4.Verifier
}

// New makes an Authenticator; c's protocol is set here.
func New(s *iam.Service, c sigv4.Config) (*Authenticator, error) {
	c.Protocol = sigv4.Query
	v, err := sigv4.New(c)
	return &Authenticator{s, v}, err
}

// Parts takes the path and the query out of a request line, as sent.
func Parts(fctx *fasthttp.RequestCtx) (path, rawQuery string) {
	path, rawQuery, _ = strings.Cut(string(fctx.Request.Header.RequestURI()), "?")
	if !strings.HasPrefix(path, "/") { // proxies send the host along
		if _, rest, ok := strings.Cut(path, "://"); ok {
			path = "/"
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				path = rest[i:]
			}
		}
	}
	return path, rawQuery
}

// Who verifies the signature of a request with that body. scheme says how it was signed, also when it is refused.
func (a *Authenticator) Who(ctx context.Context, fctx *fasthttp.RequestCtx, body string, now time.Time) (who iam.Principal, scheme string, err error) {
	path, rawQuery := Parts(fctx)
	h := &fctx.Request.Header
	sum := sha256.Sum256([]byte(body))
	r := sigv4.Request{
		Method: string(fctx.Method()), RawPath: path, RawQuery: rawQuery, Host: string(h.Peek("Host")),
		Headers: fields(string(h.RawHeaders())), Now: now, Form: body, BodySHA256: hex.EncodeToString(sum[:]),
	}
	auth, err := a.verifier.Parse(&r)
	if err != nil {
		return who, "", err
	}
	scheme = auth.Scheme.String()
	if !auth.Signed() {
		return who, scheme, ErrUnsigned
	}
	cred, err := a.iam.Secret(ctx, auth.AccessKeyID)
	if err != nil {
		return who, scheme, err
	}
	want := cred.SessionToken.Reveal()
	switch {
	case subtle.ConstantTimeCompare([]byte(want), []byte(auth.SecurityToken)) != 1:
		return who, scheme, ErrToken
	case want != "" && now.After(cred.Expires):
		return who, scheme, ErrExpired
	}
	if _, err := a.verifier.Verify(&r, &auth, cred.Secret.Reveal()); err != nil {
		return who, scheme, err
	}
	return cred.Principal, scheme, nil
}

// fields splits a header section that fasthttp has found well formed, in the order and spelling of the wire.
func fields(raw string) []sigv4.Field {
	list := make([]sigv4.Field, 0, 16)
	for raw != "" {
		var line string
		line, raw, _ = strings.Cut(raw, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if n := len(list); n > 0 {
				list[n-1].Value += " " + strings.Trim(line, " \t")
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		list = append(list, sigv4.Field{Name: strings.TrimRight(name, " \t"), Value: strings.Trim(value, " \t")})
	}
	return list
}
