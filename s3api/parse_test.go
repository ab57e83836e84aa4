package s3api

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/core/object"
)

func TestParseTarget(t *testing.T) {
	domains := cleanDomains([]string{"example.org", "s3.example.org", "Local.Host:9000", "."})
	for _, c := range []struct{ host, path, bucket, key string }{
		{"s3.example.org", "/", "", ""},
		{"s3.example.org", "/b", "b", ""},
		{"s3.example.org", "/b/", "b", ""},
		{"s3.example.org", "/b//", "b", "/"},
		{"s3.example.org", "/b/k", "b", "k"},
		{"s3.example.org:443", "/b/a%2Fb%20c+d", "b", "a/b c+d"},
		{"b.s3.example.org", "/", "b", ""},
		{"b.s3.example.org:443", "/k", "b", "k"},
		{"b.c.s3.example.org.", "//k/../x", "b.c", "/k/../x"},
		{"b.example.org", "/k", "b", "k"},
		{"B.LOCAL.HOST", "/k", "b", "k"},
		{"notexample.org", "/b/k", "b", "k"},
		{"10.0.0.1", "/b/k", "b", "k"},
		{"10.0.0.1:9000", "/b/k", "b", "k"},
		{"[fe80::1]:9000", "/b/k", "b", "k"},
		{"[broken", "/b/k", "b", "k"},
		{"", "/b/k", "b", "k"},
	} {
		got, err := parseTarget(c.host, c.path, domains)
		if err != nil || got.bucket != c.bucket || got.key != c.key || got.rawPath != c.path {
			t.Errorf("%s %s: %+v %v, want %q %q", c.host, c.path, got, err, c.bucket, c.key)
		}
	}
	for _, path := range []string{"/b/%", "/b/%zz%4", "//k", "/b/%ff", "/b/%00", "/%ff"} {
		if got, err := parseTarget("x", path, nil); err == nil {
			t.Errorf("%s: %+v, want an error", path, got)
		}
	}
}

func TestSplitURI(t *testing.T) {
	for in, want := range map[string][2]string{
		"/a?b=c?d":          {"/a", "b=c?d"},
		"/a":                {"/a", ""},
		"http://h:1/a//b?q": {"/a//b", "q"},
		"http://h":          {"/", ""},
		"http://h?q":        {"/", "q"},
		"*":                 {"*", ""},
		"//h/a":             {"//h/a", ""},
	} {
		if p, q := splitURI(in); p != want[0] || q != want[1] {
			t.Errorf("%s: %q %q", in, p, q)
		}
	}
}

func TestParseQuery(t *testing.T) {
	q, ok := parseQuery(nil, "acl&a=1&a=2&b=x%20y+z%2B&=v&%70=%&&c==")
	want := query{{"acl", ""}, {"a", "1"}, {"a", "2"}, {"b", "x y z+"}, {"", "v"}, {"p", "%"}, {"c", "="}}
	if !ok || len(q) != len(want) {
		t.Fatalf("%v", q)
	}
	for i := range want {
		if q[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, q[i], want[i])
		}
	}
	if !q.has("acl") || q.get("a") != "1" || q.has("x") {
		t.Error("look-up")
	}
}

func TestParseHeaders(t *testing.T) {
	fields := parseHeaders("Host: a\r\nX-Amz-Meta-A:  two  words \r\nX:1\nX: 2\r\n folded\r\nEmpty:\r\n\r\n")
	want := []string{"Host=a", "X-Amz-Meta-A=two  words", "X=1", "X=2 folded", "Empty="}
	if len(fields) != len(want) {
		t.Fatalf("%v", fields)
	}
	for i, w := range want {
		if got := fields[i].Name + "=" + fields[i].Value; got != w {
			t.Errorf("%d: %q, want %q", i, got, w)
		}
	}
}

func TestParseCopySource(t *testing.T) {
	for in, want := range map[string][3]string{
		"b/k":                    {"b", "k", ""},
		"/b/k":                   {"b", "k", ""},
		"b/a/b//c":               {"b", "a/b//c", ""},
		"b//k":                   {"b", "/k", ""},
		"%2Fb%2Fa%20b+c":         {"b", "a b+c", ""},
		"b/k?versionId=abc%2Bd":  {"b", "k", "abc+d"},
		"b/what?":                {"b", "what?", ""},
		"b/what%3FversionId=1":   {"b", "what?versionId=1", ""},
		"b/q?x=1?versionId=null": {"b", "q?x=1", "null"},
		"b/%E6%97%A5":            {"b", "日", ""},
	} {
		b, k, v, err := parseCopySource(in)
		if err != nil || b != want[0] || k != want[1] || v != want[2] {
			t.Errorf("%s: %q %q %q %v", in, b, k, v, err)
		}
	}
	for _, in := range []string{"", "/", "b", "b/", "/b/", "//k", "b/%ff", "b/k?versionId=", "arn:aws:s3:us-east-1:1:accesspoint/x/object/k"} {
		if b, k, _, err := parseCopySource(in); err == nil {
			t.Errorf("%q: %q %q, want an error", in, b, k)
		}
	}
}

func TestParseRange(t *testing.T) {
	for in, want := range map[string]object.Range{
		"bytes=0-":                     {Kind: object.RangeFrom},
		"bytes=5-9":                    {Kind: object.RangeFromTo, First: 5, Last: 9},
		"bytes=-7":                     {Kind: object.RangeSuffix, Last: 7},
		"bytes=9-5":                    {},
		"bytes=-":                      {},
		"bytes=--5":                    {},
		"bytes=+1-2":                   {},
		"bytes=0-1,2":                  {},
		"items=0-1":                    {},
		"":                             {},
		"bytes=0-99999999999999999999": {Kind: object.RangeFromTo, Last: 1<<63 - 1},
	} {
		if got := parseRange(in); got != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

func TestETags(t *testing.T) {
	got := parseETags(`"a", W/"b,c" ,bare, *,`)
	if want := "a|b,c|bare|*"; strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}

func TestMetadataText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "=?UTF-8?Q?=C3=BC?=": "ü", "=?UTF-8?b?w7w=?= x": "ü x", "=?nonsense": "=?nonsense", "\xfc": "ü", "ü": "ü",
	} {
		if got := decodeMeta(in); got != want {
			t.Errorf("decode %q: %q, want %q", in, got, want)
		}
	}
	// What Amazon makes of the same values.
	for in, want := range map[string]string{
		"plain\ttext": "plain\ttext", "ÄMÄZÕÑ S3": "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=", "\x00\x01\x02\x03": "=?UTF-8?B?AAECAw==?=",
		"\ufffd\ufffd": "=?UTF-8?B?77+977+9?=", "test_—_file%E2%80%94_é_2?.pdf": "=?UTF-8?Q?test=5F=E2=80=94=5Ffile%E2%80%94=5F=C3=A9=5F2=3F.pdf?=",
	} {
		if got := encodeMeta(in); got != want {
			t.Errorf("encode %q: %q, want %q", in, got, want)
		}
	}
}

// Every sub-resource and operation of the table is reachable and named once.
func TestOperationTable(t *testing.T) {
	seen := map[string]bool{}
	type place struct {
		routeKey
		sub, header, query string
	}
	places := map[place]string{}
	for _, op := range operations() {
		if seen[op.name] {
			t.Errorf("%s comes twice", op.name)
		}
		seen[op.name] = true
		p := place{routeKey{op.level, op.method}, op.sub, op.header, op.query}
		if other, ok := places[p]; ok {
			t.Errorf("%s and %s are at one place", op.name, other)
		}
		places[p] = op.name
	}
	for _, name := range []string{"PutObject", "GetObject", "ListObjectsV2", "CompleteMultipartUpload", "PostObject"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestIDs(t *testing.T) {
	s := newIDs()
	seen := map[string]bool{}
	for range 10_000 {
		id := s.next()
		if len(id) != 16 || strings.Trim(id, "0123456789ABCDEF") != "" || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("a=b&c")
	f.Add("%41=%+&&=")
	f.Fuzz(func(t *testing.T, raw string) {
		q, ok := parseQuery(nil, raw)
		if ok && len(q) > strings.Count(raw, "&")+1 || len(q) > maxParams {
			t.Errorf("%d parameters of %q", len(q), raw)
		}
		for _, p := range q {
			if len(p.name)+len(p.value) > len(raw) {
				t.Errorf("%q grew", raw)
			}
		}
	})
}

func FuzzTarget(f *testing.F) {
	f.Add("b.s3.example.org:80", "/k%2F?x")
	f.Add("[::1]:80", "//")
	domains := cleanDomains([]string{"s3.example.org"})
	f.Fuzz(func(t *testing.T, host, uri string) {
		path, raw := splitURI(uri)
		if len(path)+len(raw) > len(uri)+1 {
			t.Errorf("%q grew to %q %q", uri, path, raw)
		}
		got, err := parseTarget(host, path, domains)
		if err == nil && (!utf8.ValidString(got.key) || strings.Contains(got.key, "\x00") || got.bucket == "" && got.key != "") {
			t.Errorf("%q %q: %+v", host, uri, got)
		}
		if got.hostBucket != "" && !strings.HasPrefix(strings.ToLower(host), got.hostBucket+".s3.example.org") {
			t.Errorf("%q: bucket %q", host, got.hostBucket)
		}
	})
}

func FuzzRange(f *testing.F) {
	f.Add("bytes=0-1")
	f.Add("bytes=-5")
	f.Fuzz(func(t *testing.T, v string) {
		r := parseRange(v)
		if r.First < 0 || r.Last < 0 || r.Kind == object.RangeFromTo && r.First > r.Last {
			t.Errorf("%q: %+v", v, r)
		}
	})
}

func FuzzCopySource(f *testing.F) {
	f.Add("/b/k?versionId=1")
	f.Add("%2Fb%2Fk")
	f.Fuzz(func(t *testing.T, v string) {
		b, k, _, err := parseCopySource(v)
		if err == nil && (b == "" || k == "" || strings.Contains(b, "/") || !utf8.ValidString(k)) {
			t.Errorf("%q: %q %q", v, b, k)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("Host: a\r\n x\r\n\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		r := request{headers: parseHeaders(raw), srv: &Server{}}
		r.contentHeaders()
		r.readConditions("")
		_, _ = r.writeConditions()
		_, _ = r.checksumHeader()
		_, _ = r.contentMD5()
		for _, m := range r.userMetadata() {
			if v := encodeMeta(m.Value); strings.ContainsAny(v, "\r\n\x00") {
				t.Errorf("%q would go into a header", v)
			}
		}
	})
}

// FuzzGrants: whatever a grant header holds, what is read of it is grants of the permission to groups or ids, within the limit.
func FuzzGrants(f *testing.F) {
	f.Add(`id="a", uri="http://acs.amazonaws.com/groups/global/AllUsers",emailAddress="a@b"`)
	f.Add(`id=a,id=,=`)
	f.Fuzz(func(t *testing.T, v string) {
		grants, err := parseGrants("x-amz-grant-read", v, object.PermRead, func(a string) (string, error) { return "of " + a, nil })
		if err != nil {
			return
		}
		if len(grants) == 0 || len(grants) > object.MaxGrants {
			t.Fatalf("%d grants", len(grants))
		}
		for _, g := range grants {
			if g.Permission != object.PermRead || (g.Group == object.NoGroup) == (g.CanonicalID == "") {
				t.Fatalf("grant %+v", g)
			}
		}
	})
}

func TestHTTPTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	times := []time.Time{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}
	for range 5000 {
		times = append(times, time.Unix(rng.Int64N(200<<30), rng.Int64N(1e9)).In(time.FixedZone("", rng.IntN(80_000)-40_000)))
	}
	for _, at := range times {
		if got, want := httpTime(at), at.UTC().Format(http.TimeFormat); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := httpTime(time.Time{}); got != "" {
		t.Errorf("the zero time is %q", got)
	}
}
