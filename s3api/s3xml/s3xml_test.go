package s3xml_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aureole-cloud/aureole/s3api/s3xml"
)

func TestDecode(t *testing.T) {
	var d s3xml.Delete
	err := s3xml.Decode([]byte(`<?xml version="1.0" encoding="UTF-8"?><!-- hi --><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>`+
		`<Object><Key>a &amp; b</Key></Object><x:Object xmlns:x="urn:y"><x:Key>c</x:Key><x:VersionId>v</x:VersionId></x:Object></Delete> `+"\n<!-- end -->"), "Delete", &d)
	if err != nil || !d.Quiet || len(d.Objects) != 2 || d.Objects[0].Key != "a & b" || d.Objects[1].VersionID != "v" {
		t.Errorf("%+v %v", d, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"empty":            ``,
		"another root":     `<Other></Other>`,
		"unfinished":       `<Delete><Object>`,
		"crossed":          `<Delete><Object></Delete></Object>`,
		"two roots":        `<Delete></Delete><Delete></Delete>`,
		"text behind":      `<Delete></Delete>x`,
		"doctype":          `<!DOCTYPE x><Delete></Delete>`,
		"entities":         `<!DOCTYPE x [<!ENTITY a "b">]><Delete>&a;</Delete>`,
		"unknown entity":   `<Delete>&nbsp;</Delete>`,
		"external":         `<!DOCTYPE x SYSTEM "file:///etc/passwd"><Delete></Delete>`,
		"instruction":      `<Delete><?php x?></Delete>`,
		"charset":          `<?xml version="1.0" encoding="EBCDIC"?><Delete></Delete>`,
		"no UTF-8":         "<Delete>\xff</Delete>",
		"deep":             strings.Repeat("<Delete>", 50) + strings.Repeat("</Delete>", 50),
		"many":             "<Delete>" + strings.Repeat("<a/>", 80_000) + "</Delete>",
		"long text":        "<Delete><Object><Key>" + strings.Repeat("k", 100_000) + "</Key></Object></Delete>",
		"not a boolean":    "<Delete><Quiet>perhaps</Quiet></Delete>",
		"size of no digit": "<Delete><Object><Size>x</Size></Object></Delete>",
		"no size":          "<Delete><Object><Key>k</Key><Size> </Size></Object></Delete>",
		"unknown":          "<Delete><Force>true</Force><Object><Key>k</Key></Object></Delete>",
		"unknown within":   "<Delete><Object><Key>k</Key><IfMatch>x</IfMatch></Object></Delete>",
		"within a value":   "<Delete><Object><Key>k<b>x</b></Key></Object></Delete>",
		"in another case":  "<Delete><object><Key>k</Key></object></Delete>",
		"twice":            "<Delete><Object><Key>k</Key><VersionId>1</VersionId><VersionId>2</VersionId></Object></Delete>",
		"text in between":  "<Delete>x<Object><Key>k</Key></Object></Delete>",
	} {
		if err := s3xml.Decode([]byte(doc), "Delete", &s3xml.Delete{}); !errors.Is(err, s3xml.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDecodeStrictly: what a document may hold is what its type reads, on paths, under pointers and in lists, too.
func TestDecodeStrictly(t *testing.T) {
	for doc, want := range map[string]bool{
		`<LoggingEnabled><TargetGrants/></LoggingEnabled>`:                                                                  true,
		`<LoggingEnabled><TargetGrants><Grant/><Grant/></TargetGrants></LoggingEnabled>`:                                    true,
		`<LoggingEnabled><TargetGrants/><TargetGrants/></LoggingEnabled>`:                                                   false,
		`<LoggingEnabled><TargetGrants><Other/></TargetGrants></LoggingEnabled>`:                                            false,
		`<LoggingEnabled><Grant/></LoggingEnabled>`:                                                                         false,
		`<LoggingEnabled><TargetObjectKeyFormat><SimplePrefix> </SimplePrefix></TargetObjectKeyFormat></LoggingEnabled>`:    true,
		`<LoggingEnabled><TargetObjectKeyFormat><SimplePrefix><A/></SimplePrefix></TargetObjectKeyFormat></LoggingEnabled>`: false,
		`<LoggingEnabled/><LoggingEnabled/>`:                                                                                false,
	} {
		err := s3xml.Decode([]byte("<BucketLoggingStatus>"+doc+"</BucketLoggingStatus>"), "BucketLoggingStatus", &s3xml.BucketLoggingStatus{})
		if (err == nil) != want {
			t.Errorf("%s: %v", doc, err)
		}
	}
	var r s3xml.RestoreRequest
	err := s3xml.Decode([]byte(`<RestoreRequest><OutputLocation><S3><BucketName>b</BucketName></S3><S3/>x</OutputLocation></RestoreRequest>`), "RestoreRequest", &r)
	if err != nil || r.Output == nil || r.Select != nil {
		t.Errorf("%+v %v", r, err)
	}
}

// The bodies of 10,000 parts and of 1,000 keys are within the bounds.
func TestDecodeLargest(t *testing.T) {
	part := "<Part><PartNumber>1</PartNumber><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>\n"
	var c s3xml.CompleteMultipartUpload
	if err := s3xml.Decode([]byte("<CompleteMultipartUpload>"+strings.Repeat(part, 10_000)+"</CompleteMultipartUpload>"), "CompleteMultipartUpload", &c); err != nil || len(c.Parts) != 10_000 {
		t.Errorf("%d parts, %v", len(c.Parts), err)
	}
	var d s3xml.Delete
	object := "<Object><Key>" + strings.Repeat("&amp;", 1024) + "</Key><VersionId>" + strings.Repeat("v", 100) + "</VersionId></Object>"
	if err := s3xml.Decode([]byte("<Delete>"+strings.Repeat(object, 1000)+"</Delete>"), "Delete", &d); err != nil || len(d.Objects) != 1000 {
		t.Errorf("%d keys, %v", len(d.Objects), err)
	}
}

func TestAppendText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", `<a> & "b"`: "&lt;a&gt; &amp; &quot;b&quot;", "tab\tline\nreturn\r": "tab\tline\nreturn&#13;", "\x01": "&#x1;", "\xff": "\uFFFD", "ü": "ü",
	} {
		if got := string(s3xml.AppendText(nil, in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := string(s3xml.AppendURLText(nil, "a b/ü+~*%")); got != "a%20b/%C3%BC%2B%7E*%25" {
		t.Errorf("url: %q", got)
	}
	if got := string(s3xml.AppendTime(nil, "T", time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC))); got != "<T>2026-01-02T03:04:05.000Z</T>" {
		t.Errorf("time: %q", got)
	}
}

// TestTimesOfOneDocument: what a document remembers of a time is right for the next one.
func TestTimesOfOneDocument(t *testing.T) {
	day := 24 * time.Hour
	at := time.Date(2026, 2, 28, 23, 59, 59, 999_000_000, time.UTC)
	d := s3xml.New("r", 0)
	var want string
	for _, step := range []time.Duration{0, time.Millisecond, 0, time.Hour, 13*time.Hour + 7*time.Second, day, -day, 365 * day, time.Minute,
		-60 * 365 * day, time.Second, -1, 60 * 365 * day, 290 * 365 * day} {
		at = at.Add(step)
		d.TimeText(at.In(time.FixedZone("x", 3600)))
		want += at.Truncate(time.Second).Format(s3xml.TimeFormat)
	}
	for _, tm := range []time.Time{time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(12345, 1, 1, 0, 0, 1, 0, time.UTC), {}, time.Unix(0, 0)} {
		d.TimeText(tm)
		want += tm.UTC().Format(s3xml.TimeFormat)
	}
	if got := string(d.Bytes()); !strings.Contains(got, ">"+want+"<") {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestAppendTimeIsTheFormat(t *testing.T) {
	for _, tm := range []time.Time{{}, time.Unix(0, 0), time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("x", 3600)), time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got, want := string(s3xml.AppendTime(nil, "t", tm)), "<t>"+tm.UTC().Truncate(time.Second).Format(s3xml.TimeFormat)+"</t>"; got != want {
			t.Errorf("%v: %s", tm, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`<Delete><Quiet>true</Quiet><Object><Key>k</Key><Size>5</Size></Object></Delete>`))
	f.Add([]byte(`<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>`))
	f.Add([]byte(`<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d s3xml.Delete
		if s3xml.Decode(data, "Delete", &d) == nil && !utf8.Valid(data) {
			t.Error("took what is no UTF-8")
		}
		_ = s3xml.Decode(data, "CompleteMultipartUpload", &s3xml.CompleteMultipartUpload{})
		_ = s3xml.Decode(data, "Tagging", &s3xml.Tagging{})
		_ = s3xml.Decode(data, "CreateBucketConfiguration", &s3xml.CreateBucketConfiguration{})
	})
}

// What is escaped reads back as it was, by a parser that is not ours, when XML can carry it at all.
func FuzzText(f *testing.F) {
	f.Add("a<b>&\"'\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		doc := s3xml.AppendElement(nil, "k", s)
		for _, r := range s {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
				return
			}
		}
		d := xml.NewDecoder(strings.NewReader(string(doc)))
		var got string
		if err := d.Decode(&got); err != nil || got != s {
			t.Errorf("%q: %q %v", s, got, err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: something follows", s)
		}
	})
}

func TestParse(t *testing.T) {
	leaf := func(name string, ty s3xml.Type) s3xml.Element { return s3xml.Element{Name: name, Type: ty} }
	root := s3xml.Element{Name: "Root", Children: []s3xml.Element{
		{Name: "A", Must: true, Enum: []string{"x", "y"}}, leaf("N", s3xml.Integer), leaf("B", s3xml.Boolean), leaf("F", s3xml.Filled),
		{Name: "G", Many: true, Children: []s3xml.Element{leaf("T", s3xml.Text)}},
	}}
	n, err := s3xml.Parse([]byte(`<Root xmlns="urn:x"> <G><T>1 &lt; 2</T></G><B> true </B><A>x</A><G></G> </Root>`), root)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(n.Fragment()); got != "<A>x</A><B>true</B><G><T>1 &lt; 2</T></G><G></G>" {
		t.Error(got)
	}
	if n.Text("G", "T") != "1 < 2" || n.Child("N") != nil || len(n.All("G")) != 2 {
		t.Errorf("%+v", n)
	}
	for name, doc := range map[string]string{
		"absent": "<Root></Root>", "value": "<Root><A>z</A></Root>", "twice": "<Root><A>x</A><A>x</A></Root>", "unknown": "<Root><A>x</A><Z/></Root>",
		"number": "<Root><A>x</A><N>1.5</N></Root>", "truth": "<Root><A>x</A><B>1</B></Root>", "filled": "<Root><A>x</A><F></F></Root>",
		"text": "<Root>t<A>x</A></Root>", "behind": "<Root><A>x</A></Root>x", "nested": "<Root><A><B/></A></Root>", "open": "<Root><A>x</A>", "root": "<R/>",
		"doctype": "<!DOCTYPE x><Root><A>x</A></Root>",
	} {
		if _, err := s3xml.Parse([]byte(doc), root); !errors.Is(err, s3xml.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
