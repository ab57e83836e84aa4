package postpolicy_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/s3api/postpolicy"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func encode(doc string) string { return base64.StdEncoding.EncodeToString([]byte(doc)) }

func TestCheck(t *testing.T) {
	const head = `{"expiration": "2026-01-02T03:04:06.000Z", "conditions": [`
	for name, c := range map[string]struct {
		conditions string
		fields     map[string]string
		want       string // "" is allowed
	}{
		"nothing":           {``, nil, ""},
		"exact":             {`{"acl": "private"}`, map[string]string{"acl": "private"}, ""},
		"exact, other":      {`{"acl": "private"}`, map[string]string{"acl": "public-read"}, `Policy Condition failed: ["eq", "$acl", "private"]`},
		"exact, missing":    {`{"acl": "private"}`, nil, `Policy Condition failed: ["eq", "$acl", "private"]`},
		"list":              {`["eq", "$acl", "private"]`, map[string]string{"acl": "private"}, ""},
		"case of names":     {`["EQ", "$ACL", "private"]`, map[string]string{"acl": "private"}, ""},
		"case of values":    {`["eq", "$acl", "private"]`, map[string]string{"acl": "Private"}, `Policy Condition failed: ["eq", "$acl", "private"]`},
		"prefix":            {`["starts-with", "$key", "user/"]`, map[string]string{"key": "user/x"}, ""},
		"prefix, other":     {`["starts-with", "$key", "user/"]`, map[string]string{"key": "x/user/"}, `Policy Condition failed: ["starts-with", "$key", "user/"]`},
		"prefix, anything":  {`["starts-with", "$key", ""]`, map[string]string{"key": "anything"}, ""},
		"types, all":        {`["starts-with", "$Content-Type", "image/"]`, map[string]string{"content-type": "image/a, image/b"}, ""},
		"types, not all":    {`["starts-with", "$Content-Type", "image/"]`, map[string]string{"content-type": "image/a,text/b"}, `Policy Condition failed: ["starts-with", "$Content-Type", "image/"]`},
		"extra":             {``, map[string]string{"x-amz-meta-a": "b"}, "Extra input fields: x-amz-meta-a"},
		"ignored":           {``, map[string]string{"x-ignore-a": "b", "policy": "p", "x-amz-signature": "s", "file": "f"}, ""},
		"number":            {`{"success_action_status": 201}`, map[string]string{"success_action_status": "201"}, ""},
		"no dollar":         {`["eq", "acl", "private"]`, map[string]string{"acl": "private"}, `Policy Condition failed: ["eq", "acl", "private"]`},
		"range of words":    {`["content-length-range", "test", "10"]`, nil, `Policy Condition failed: ["content-length-range", "test", "10"]`},
		"both of one field": {`["starts-with", "$key", "a"], ["eq", "$key", "ab"]`, map[string]string{"key": "ac"}, `Policy Condition failed: ["eq", "$key", "ab"]`},
	} {
		p, err := postpolicy.Parse(encode(head + c.conditions + "]}"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = p.Check(c.fields, now)
		var v *postpolicy.Violation
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (!errors.As(err, &v) || v.Message != c.want):
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if err := p.Check(c.fields, now.Add(time.Second)); err == nil {
			t.Errorf("%s: allowed after its end", name)
		}
	}
}

func TestSizes(t *testing.T) {
	p, err := postpolicy.Parse(encode(`{"expiration": "2026-01-02T03:04:06Z", "conditions": [["content-length-range", 5, "100"], ["content-length-range", 1, 50]]}`))
	if err != nil || p.MinSize != 5 || p.MaxSize != 50 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestInvalidDocuments(t *testing.T) {
	const e = `"expiration": "2026-01-02T03:04:06Z"`
	for _, doc := range []string{
		``, `{`, `[]`, `{}`, `null`, `{` + e + `}`, `{"conditions": []}`, `{"expiration": "tomorrow", "conditions": []}`,
		`{` + e + `, "conditions": {}}`, `{` + e + `, "conditions": [1]}`, `{` + e + `, "conditions": [{}]}`, `{` + e + `, "conditions": [{"a": "b", "c": "d"}]}`,
		`{` + e + `, "conditions": [{"a": ["b"]}]}`, `{` + e + `, "conditions": [["eq", "$a"]]}`,
		`{` + e + `, "conditions": [["like", "$a", "b"]]}`, `{` + e + `, "conditions": [["content-length-range", 5, 1]]}`,
		`{` + e + `, "conditions": [["content-length-range", -1, 1]]}`,
		`{` + e + `, "conditions": [` + strings.Repeat(`{"a": "b"},`, 300) + `{"a": "b"}]}`,
	} {
		if _, err := postpolicy.Parse(encode(doc)); !errors.Is(err, postpolicy.ErrDocument) {
			t.Errorf("%.80s: %v", doc, err)
		}
	}
	if _, err := postpolicy.Parse("not base64!"); !errors.Is(err, postpolicy.ErrDocument) {
		t.Errorf("base64: %v", err)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte(`{"expiration": "2026-01-02T03:04:06Z", "conditions": [{"a": "b"}, ["starts-with", "$key", "x"], ["content-length-range", 1, 2]]}`), "key", "x")
	f.Fuzz(func(t *testing.T, doc []byte, name, value string) {
		p, err := postpolicy.Parse(base64.StdEncoding.EncodeToString(doc))
		if err != nil {
			return
		}
		if p.MinSize < 0 || p.MaxSize < 0 {
			t.Errorf("sizes %d to %d", p.MinSize, p.MaxSize)
		}
		if p.Check(map[string]string{strings.ToLower(name): value}, p.Expiration) == nil {
			t.Error("allowed at its end")
		}
	})
}
