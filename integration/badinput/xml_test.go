package badinput

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/wire"
)

// TestXML sends broken, hostile and oversized documents to every operation that reads one.
func TestXML(t *testing.T) {
	u := start(t)
	up := u.ok(&wire.Request{Method: "POST", Path: "/" + bucket + "/mp", Query: "uploads="})
	_, rest, _ := bytes.Cut(up.Body, []byte("<UploadId>"))
	id, _, _ := bytes.Cut(rest, []byte("</UploadId>"))

	operations := []struct{ name, method, path, query, root, item string }{
		{"DeleteObjects", "POST", "/" + bucket, "delete=", "Delete", "<Object><Key>k</Key></Object>"},
		{"CompleteMultipartUpload", "POST", "/" + bucket + "/mp", "uploadId=" + wire.Escape(string(id), false), "CompleteMultipartUpload", "<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"},
		{"PutBucketTagging", "PUT", "/" + bucket, "tagging=", "Tagging", "<TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet>"},
		{"CreateBucket", "PUT", "/xml-never-made", "", "CreateBucketConfiguration", "<LocationConstraint>us-west-2</LocationConstraint>"},
	}
	bomb := `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaaaaaaaaaaaa">`
	for i := range 20 {
		bomb += fmt.Sprintf(`<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	documents := []struct {
		name string
		doc  func(root, item string) string
	}{
		{"empty", func(string, string) string { return "" }},
		{"text", func(string, string) string { return "this is no XML" }},
		{"cut", func(root, item string) string { return "<" + root + ">" + item }},
		{"other root", func(_, item string) string { return "<Something>" + item + "</Something>" }},
		{"crossed tags", func(root, item string) string { return "<" + root + "><Quiet></" + root + "></Quiet>" }},
		{"unknown entity", func(root, item string) string { return "<" + root + ">&bomb;" + item + "</" + root + ">" }},
		{"entity bomb", func(root, item string) string { return bomb + "]><" + root + ">&a19;" + item + "</" + root + ">" }},
		{"external entity", func(root, item string) string {
			return `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><` + root + ">&e;" + item + "</" + root + ">"
		}},
		{"deep", func(root, item string) string {
			return "<" + root + ">" + strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000)
		}},
		{"wide attribute", func(root, item string) string { return "<" + root + ` a="` + strings.Repeat("x", 3<<20) }},
		{"too large", func(root, item string) string {
			return "<" + root + ">" + strings.Repeat("<!-- "+strings.Repeat("x", 1000)+" -->", 8000) + item
		}},
		{"control characters", func(root, item string) string { return "<" + root + ">\x00\x01" + item + "</" + root + ">" }},
		{"not UTF-8", func(root, item string) string { return "<" + root + ">\xff\xfe" + item + "</" + root + ">" }},
	}
	for _, op := range operations {
		for _, d := range documents {
			if op.name == "CreateBucket" && d.name == "empty" {
				continue // no document at all is the common way to make a bucket
			}
			t.Run(op.name+" "+d.name, func(t *testing.T) {
				body := []byte(d.doc(op.root, op.item))
				reply, err := u.Do(&wire.Request{Method: op.method, Path: op.path, Query: op.query, Body: body,
					Headers: []wire.Field{{Name: "Content-MD5", Value: md5Of(body)}}})
				if err != nil {
					t.Fatal(err)
				}
				code := "MalformedXML"
				switch {
				case d.name == "empty" && op.name == "CompleteMultipartUpload":
					code = "InvalidRequest"
				case d.name == "empty":
					code = "MissingRequestBodyError"
				case len(body) > map[string]int{"DeleteObjects": 8 << 20, "CompleteMultipartUpload": 4 << 20}[op.name] && len(body) > 1<<20:
					code = "MaxMessageLengthExceeded"
				}
				refused(400, code).check(t, reply)
			})
		}
	}

	t.Run("10,001 parts", func(t *testing.T) {
		var b strings.Builder
		b.WriteString("<CompleteMultipartUpload>")
		for i := range 10_001 {
			fmt.Fprintf(&b, `<Part><PartNumber>%d</PartNumber><ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag></Part>`, i+1)
		}
		b.WriteString("</CompleteMultipartUpload>")
		reply, err := u.Do(&wire.Request{Method: "POST", Path: operations[1].path, Query: operations[1].query, Body: []byte(b.String())})
		if err != nil {
			t.Fatal(err)
		}
		refused(400, "MalformedXML").check(t, reply)
	})
	t.Run("1,001 keys", func(t *testing.T) {
		body := []byte("<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>")
		reply, err := u.Do(&wire.Request{Method: "POST", Path: "/" + bucket, Query: "delete=", Body: body, Headers: []wire.Field{{Name: "Content-MD5", Value: md5Of(body)}}})
		if err != nil {
			t.Fatal(err)
		}
		refused(400, "MalformedXML").check(t, reply)
	})
	t.Run("DeleteObjects without a digest", func(t *testing.T) {
		reply, err := u.Do(&wire.Request{Method: "POST", Path: "/" + bucket, Query: "delete=", Body: []byte("<Delete><Object><Key>k</Key></Object></Delete>")})
		if err != nil {
			t.Fatal(err)
		}
		// Amazon wants a digest; here the signed hash of the body is one, see docs/s3-compatibility.md.
		if reply.Status != 200 {
			t.Errorf("%d %s", reply.Status, reply.Body)
		}
	})
	reply, err := u.Do(&wire.Request{Method: "HEAD", Path: "/xml-never-made"})
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status != 404 {
		t.Errorf("a refused document made a bucket: %d", reply.Status)
	}
	u.unharmed()
}

// TestSubresources asks for what is not built. It must not be taken for the plain operation of the same method.
func TestSubresources(t *testing.T) {
	u := start(t)
	other := "/subresources"
	u.ok(&wire.Request{Method: "PUT", Path: other})
	u.ok(&wire.Request{Method: "PUT", Path: other + "/kept", Body: []byte("kept")})

	const junk = "<Junk>not a configuration</Junk>"
	forBuckets := []string{"accelerate", "acl", "analytics&id=x", "cors", "encryption", "intelligent-tiering&id=x", "inventory&id=x", "lifecycle", "logging",
		"metadataAnnotationTable", "metadataConfiguration", "metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics&id=x", "notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock",
		"replication", "requestPayment", "session", "tagging", "versioning", "versions", "website", "abac"}
	forObjects := []string{"acl", "attributes", "encryption", "legal-hold", "retention", "restore", "select&select-type=2", "tagging", "torrent", "renameObject", "annotation"}
	canon := func(q string) string {
		parts := strings.Split(q, "&")
		for i, p := range parts {
			if !strings.Contains(p, "=") {
				parts[i] = p + "="
			}
		}
		return strings.Join(parts, "&")
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
		for path, list := range map[string][]string{other: forBuckets, other + "/kept": forObjects} {
			for _, q := range list {
				t.Run(method+" "+path+"?"+q, func(t *testing.T) {
					r := &wire.Request{Method: method, Path: path, Query: canon(q)}
					if method == "PUT" || method == "POST" {
						r.Body = []byte(junk)
						r.Headers = []wire.Field{{Name: "Content-MD5", Value: md5Of(r.Body)}}
					}
					reply, err := u.Do(r)
					if err != nil {
						t.Fatal(err)
					}
					if reply.Status >= 500 && reply.Status != 501 || reply.Status >= 400 && reply.Code() == "" {
						t.Errorf("%d %s", reply.Status, reply.Body)
					}
					if method == "PUT" && reply.Status < 300 {
						t.Errorf("junk was accepted as a configuration: %d", reply.Status)
					}
					// Some are only for PUT; a parameter that the API does not know is ignored, as Amazon does.
					onlyPut := strings.HasPrefix(q, "metadata") && strings.HasSuffix(q, "Table") && q != "metadataTable"
					if method == "GET" && !onlyPut && (bytes.Contains(reply.Body, []byte("<ListBucketResult")) || string(reply.Body) == "kept") {
						t.Errorf("answered as the plain operation: %.200s", reply.Body)
					}
				})
			}
		}
	}
	got := u.ok(&wire.Request{Method: "GET", Path: other + "/kept"})
	if string(got.Body) != "kept" {
		t.Errorf("the object is now %.100q", got.Body)
	}
	list := u.ok(&wire.Request{Method: "GET", Path: other})
	if n := bytes.Count(list.Body, []byte("<Key>")); n != 1 {
		t.Errorf("%d objects, want the one: %s", n, list.Body)
	}
	u.unharmed()
}
