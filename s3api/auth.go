package s3api

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/aureole-cloud/aureole/core/iam"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// authenticate finds out who sent r: by the signature in its header or query, or nobody.
func (s *Server) authenticate(r *request) error {
	signed := sigv4.Request{
		Method: r.method, RawPath: r.rawPath, RawQuery: r.rawQuery, Host: r.host, Headers: r.headers, Now: r.start,
		HostBucket: r.hostBucket,
	}
	auth, err := s.verifier.Parse(&signed)
	if err != nil {
		return err
	}
	r.auth = auth
	if !auth.Signed() {
		r.identify(iam.Anonymous())
		return nil
	}
	cred, err := s.credential(r.ctx, &auth, r.start)
	if err != nil {
		return err
	}
	if r.verified, err = s.verifier.Verify(&signed, &auth, cred.Secret.Reveal()); err != nil {
		return err
	}
	r.identify(cred.Principal)
	if r.verified.Presigned {
		r.hoist()
	}
	return nil
}

// credential looks up the key that auth names and checks the session token that must come with it.
func (s *Server) credential(ctx context.Context, auth *sigv4.Auth, now time.Time) (iam.Credential, error) {
	cred, err := s.iam.Secret(ctx, auth.AccessKeyID)
	if err != nil {
		return cred, err
	}
	want := cred.SessionToken.Reveal()
	switch {
	case subtle.ConstantTimeCompare([]byte(want), []byte(auth.SecurityToken)) != 1:
		return cred, s3err.New(s3err.InvalidToken).With("Token-0", auth.SecurityToken)
	case want != "" && now.After(cred.Expires):
		return cred, s3err.New(s3err.ExpiredToken).With("Token-0", auth.SecurityToken)
	}
	return cred, nil
}

// hoist makes headers of the x-amz-* parameters, and of the conditions, of a presigned URL: SDKs move headers into the query when they presign,
// and S3 gives them the same meaning there. They are part of what was signed. A header of the request goes first.
func (r *request) hoist() {
	for i := range r.query {
		name := strings.ToLower(r.query[i].name)
		if !strings.HasPrefix(name, "x-amz-") && name != "if-match" && name != "if-none-match" {
			continue
		}
		switch name {
		case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
			"x-amz-security-token", "x-amz-content-sha256",
			customerPrefix + "key", sourceCustomerPrefix + "key": // a secret has no place in an address
			continue
		}
		if !r.hasHeader(name) {
			r.headers = append(r.headers, sigv4.Field{Name: name, Value: r.query[i].value})
		}
	}
}
