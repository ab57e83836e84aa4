package s3err_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/core/object"
	"github.com/aureole-cloud/aureole/core/sigv4"
	"github.com/aureole-cloud/aureole/s3api/s3err"
)

// Every code that has a name here has a row in the table.
func TestEveryCodeHasARow(t *testing.T) {
	have := map[s3err.Code]bool{}
	for _, c := range s3err.Codes() {
		have[c] = true
	}
	for _, c := range constants(t, "codes.go") {
		if !have[s3err.Code(c)] {
			t.Errorf("%s has no row", c)
		}
		delete(have, s3err.Code(c))
	}
	for c := range have {
		t.Errorf("the row of %s has no constant", c)
	}
}

// Every reason of core is a code: a reason without one would fall back to its kind and lose its name.
func TestEveryReasonIsACode(t *testing.T) {
	have := map[string]bool{}
	for _, c := range s3err.Codes() {
		have[string(c)] = true
	}
	other := map[errs.Reason]s3err.Code{object.MarkerNotFound: s3err.NoSuchKey, object.PolicyOfOthers: s3err.MethodNotAllowed}
	for _, r := range constants(t, "../../core/object/reasons.go") {
		if code, ok := other[errs.Reason(r)]; ok {
			if got := s3err.From(errs.New(errs.Invalid, errs.Reason(r), "")).Code; got != code {
				t.Errorf("the reason %s is %s, not %s", r, got, code)
			}
		} else if !have[r] {
			t.Errorf("no code for the reason %s", r)
		}
	}
}

// constants are the string values of the constants in a file.
func constants(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok != token.CONST {
			return false
		}
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, x := range v.Values {
				if lit, ok := x.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					s, _ := strconv.Unquote(lit.Value)
					values = append(values, s)
				}
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constants", file)
	}
	return values
}

func TestFrom(t *testing.T) {
	detailed := errs.New(errs.TooLarge, object.EntityTooLarge, "Too large.").On("key")
	detailed.Detail = map[string]string{"MaxSizeAllowed": "5", "x-amz-bucket-region": "r"}
	secret := errors.New("disk /dev/secret is broken")
	for name, c := range map[string]struct {
		err    error
		code   s3err.Code
		status int
		has    string // in the body
		hasNot string
	}{
		"reason":          {errs.New(errs.NotFound, object.NoSuchUpload, "Gone."), s3err.NoSuchUpload, 404, "<Message>Gone.</Message>", ""},
		"wrapped":         {fmt.Errorf("x: %w", errs.New(errs.NotFound, object.NoSuchBucket, "")), s3err.NoSuchBucket, 404, "does not exist", ""},
		"details":         {detailed, s3err.EntityTooLarge, 400, "<MaxSizeAllowed>5</MaxSizeAllowed>", "bucket-region"},
		"kind alone":      {errs.New(errs.Unavailable, "", "node 5 is down"), s3err.ServiceUnavailable, 503, "", "node 5"},
		"unknown reason":  {errs.New(errs.Conflict, "Whatever", "No."), s3err.OperationAborted, 409, "No.", ""},
		"plain":           {secret, s3err.InternalError, 500, "internal error", "secret"},
		"internal":        {errs.Wrap("op", errs.Internal, secret), s3err.InternalError, 500, "internal error", "secret"},
		"corrupt":         {errs.Wrap("op", errs.Corrupt, secret), s3err.InternalError, 500, "internal error", "secret"},
		"no space":        {errs.Wrap("op", errs.NoSpace, secret), s3err.ServiceUnavailable, 503, "no space", "secret"},
		"canceled":        {fmt.Errorf("x: %w", context.Canceled), s3err.RequestTimeout, 400, "", ""},
		"marker":          {errs.New(errs.NotFound, object.MarkerNotFound, ""), s3err.NoSuchKey, 404, "", ""},
		"not implemented": {errs.New(errs.NotImplemented, "", ""), s3err.NotImplemented, 501, "This functionality is not implemented", ""},
		"signature": {&sigv4.Error{Reason: sigv4.SignatureDoesNotMatch, Message: "Wrong.", Details: []sigv4.Field{{Name: "StringToSign", Value: "a<b"}}},
			s3err.SignatureDoesNotMatch, 403, "<StringToSign>a&lt;b</StringToSign>", ""},
	} {
		e := s3err.From(c.err)
		body := string(e.AppendXML(nil, "ID", "HOST"))
		if e.Code != c.code || e.Status != c.status || !strings.Contains(body, c.has) || c.hasNot != "" && strings.Contains(body, c.hasNot) {
			t.Errorf("%s: %d %s", name, e.Status, body)
		}
		if e.Status == 500 && !errors.Is(e, secret) {
			t.Errorf("%s: the cause is lost for the log", name)
		}
	}
	if h := s3err.From(detailed).Headers; len(h) != 1 || h[0].Name != "x-amz-bucket-region" {
		t.Errorf("headers: %v", h)
	}
}

// With returns copies: a shared error never gathers the details of several requests.
func TestWithCopies(t *testing.T) {
	base := s3err.New(s3err.NoSuchKey).With("A", "1")
	one, two := base.With("Key", "one"), base.With("Key", "two")
	if len(base.Details) != 1 || one.Details[1].Value != "one" || two.Details[1].Value != "two" {
		t.Errorf("%v %v %v", base.Details, one.Details, two.Details)
	}
}
