package iam

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/errs"
)

// The rules that can fail.
const (
	ValidationError     errs.Reason = "ValidationError"
	EntityAlreadyExists errs.Reason = "EntityAlreadyExists"
	NoSuchEntity        errs.Reason = "NoSuchEntity"
	DeleteConflict      errs.Reason = "DeleteConflict"
	LimitExceeded       errs.Reason = "LimitExceeded"
	InvalidAccessKeyID  errs.Reason = "InvalidAccessKeyId"
)

// Limits.
const (
	MaxUserName    = 64
	MaxUsers       = 5000 // of one account
	MaxAccessKeys  = 2    // of one user
	MaxDisplayName = 128
	MinAccessKey   = 3
	MaxAccessKey   = 128
	MinSecret      = 8
	MaxSecret      = 128
)

func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, ValidationError, format, args...)
}

// CheckUserName applies IAM's rule for user names.
func CheckUserName(s string) error {
	if len(s) == 0 || len(s) > MaxUserName {
		return invalid("A user name has 1 to %d characters.", MaxUserName)
	}
	if !nameText(s) {
		return invalid("A user name consists of letters, digits and the characters +=,.@_-")
	}
	return nil
}

// nameText reports whether s holds only what names of users, groups and policies may.
func nameText(s string) bool {
	for i := range len(s) {
		if !alphanumeric(s[i]) && strings.IndexByte("+=,.@_-", s[i]) < 0 {
			return false
		}
	}
	return true
}

// CheckAccessKeyID applies the rule for access key ids that are given rather than made: what fits into every
// form of signature. AWS's own have 16 to 128 characters; shorter ones that other servers allow are taken.
func CheckAccessKeyID(s string) error {
	if len(s) < MinAccessKey || len(s) > MaxAccessKey {
		return invalid("An access key id has %d to %d characters.", MinAccessKey, MaxAccessKey)
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && strings.IndexByte("._-", s[i]) < 0 {
			return invalid("An access key id consists of letters, digits and the characters ._-")
		}
	}
	return nil
}

// CheckSecret applies the rule for secrets that are given rather than made.
func CheckSecret(s Secret) error {
	v := s.Reveal()
	if len(v) < MinSecret || len(v) > MaxSecret {
		return invalid("A secret access key has %d to %d characters.", MinSecret, MaxSecret)
	}
	for i := range len(v) {
		if v[i] <= ' ' || v[i] >= 0x7f {
			return invalid("A secret access key consists of printable ASCII characters without spaces.")
		}
	}
	return nil
}

// CheckAccountID applies the rule for account ids: 12 digits.
func CheckAccountID(s string) error {
	ok := len(s) == 12
	for i := range len(s) {
		ok = ok && s[i] >= '0' && s[i] <= '9'
	}
	if !ok {
		return invalid("An account id has 12 digits.")
	}
	return nil
}

// checkText applies to display names and e-mail addresses, which are shown and never parsed.
func checkText(what, s string) error {
	if len(s) > MaxDisplayName || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return invalid("The %s has at most %d bytes of UTF-8 without control characters.", what, MaxDisplayName)
	}
	return nil
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// maker draws ids and secrets.
type maker struct{ random io.Reader }

func (m maker) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(m.random, b); err != nil {
		return nil, fmt.Errorf("iam: drawing random bytes: %w", err)
	}
	return b, nil
}

// base32ID is prefix and n characters of A-Z2-7, as AWS's ids look.
func (m maker) base32ID(prefix string, n int) (string, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b, err := m.bytes(n)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return prefix + string(b), err
}

func (m maker) accessKeyID() (string, error) { return m.base32ID("AKIA", 16) }
func (m maker) userID() (string, error)      { return m.base32ID("AIDA", 17) }

func (m maker) secret() (Secret, error) {
	b, err := m.bytes(30)
	return NewSecret(base64.StdEncoding.EncodeToString(b)), err
}

func (m maker) canonicalID() (string, error) {
	b, err := m.bytes(32)
	return hex.EncodeToString(b), err
}

// accountID is 12 digits, the first not zero, since people drop leading zeros.
func (m maker) accountID() (string, error) {
	b, err := m.bytes(24)
	if err != nil {
		return "", err
	}
	id := make([]byte, 12)
	for i := range id {
		digits := 10
		base := byte('0')
		if i == 0 {
			digits, base = 9, '1'
		}
		n := int(b[2*i])<<8 | int(b[2*i+1]) // the bias of 65,536 over 10 does not matter for a name
		id[i] = base + byte(n%digits)
	}
	return string(id), nil
}
