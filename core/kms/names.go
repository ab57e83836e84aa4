package kms

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"

	"github.com/aureole-cloud/aureole/core/errs"
)

const (
	// ManagedKey is the id of the store's own key.
	ManagedKey = "aureole/s3"
	// DefaultAlias is the alias of the key that each account gets on demand.
	DefaultAlias = "alias/aws/s3"

	aliasPrefix = "alias/"
)

// The reasons of refusals. They are the codes that S3 shows for failures of the key service.
const (
	NotFound        errs.Reason = "KMS.NotFoundException"
	Disabled        errs.Reason = "KMS.DisabledException"
	AlreadyExists   errs.Reason = "AlreadyExistsException"
	ValidationError errs.Reason = "ValidationException"
)

var (
	aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)
	keyName   = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
)

// newID draws a UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ARN is the ARN of a key of an account.
func (s *Service) ARN(account, id string) string {
	return "arn:aws:kms:" + s.region + ":" + account + ":key/" + id
}

// ref is a parsed name of a key.
type ref struct{ account, id, alias string }

// parseRef reads one of the names a key has; account is whose names those without an ARN are.
func parseRef(account, name string) (ref, error) {
	r := ref{account: account}
	if strings.HasPrefix(name, "arn:") {
		f := strings.SplitN(name, ":", 6)
		if len(f) != 6 || f[2] != "kms" || f[4] == "" {
			return r, notFound("Invalid arn %s", name)
		}
		r.account, name = f[4], f[5]
		if id, ok := strings.CutPrefix(name, "key/"); ok {
			name = id
		} else if !strings.HasPrefix(name, aliasPrefix) {
			return r, notFound("Invalid arn %s", name)
		}
	}
	switch {
	case aliasName.MatchString(name):
		r.alias = name
	case keyName.MatchString(name):
		r.id = name
	case aliasName.MatchString(aliasPrefix+name) && !strings.Contains(name, "/"):
		r.alias = aliasPrefix + name // as other servers name their keys
	default:
		return r, notFound("Invalid keyId '%.256s'", name)
	}
	return r, nil
}

func notFound(format string, args ...any) error {
	return errs.New(errs.Invalid, NotFound, format, args...)
}

func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, ValidationError, format, args...)
}
