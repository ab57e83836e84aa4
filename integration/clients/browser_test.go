package clients

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

// seen is what a script may see of an answer from another origin.
type seen struct {
	Status int
	Body   string
	ETag   string
	Range  string
	ID     string // x-amz-request-id, which the bucket does not expose
}

const fetchIt = `
const body = args.size === undefined ? undefined : new Blob([new Uint8Array(args.size).fill(97)]);
const r = await fetch(args.url, {method: args.method, headers: args.headers, body});
return {status: r.status, body: await r.text(), etag: r.headers.get("ETag") ?? "", range: r.headers.get("Content-Range") ?? "",
	id: r.headers.get("x-amz-request-id") ?? ""};`

type fetchArgs struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers,omitempty"`
	Size    *int              `json:"size,omitempty"`
}

// TestBrowser is what web applications do: pages of another origin upload by presigned requests, as far as the bucket's CORS
// rules let them, and by forms.
func TestBrowser(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		page := openChromium(t, s)
		c := goClient(t, s)
		b := newBucket(t, c)
		must[*s3.PutBucketCorsOutput](t)(c.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: &b, CORSConfiguration: &types.CORSConfiguration{
			CORSRules: []types.CORSRule{{AllowedOrigins: []string{page.origin}, AllowedMethods: []string{"GET", "PUT", "POST"},
				AllowedHeaders: []string{"content-type", "x-amz-meta-*"}, ExposeHeaders: []string{"ETag", "Content-Range"}}}}}))
		t.Run("presigned", func(t *testing.T) { browserPresigned(t, s, page.in(t), c, b) })
		t.Run("parts", func(t *testing.T) { browserParts(t, page.in(t), c, b) })
		t.Run("form", func(t *testing.T) { browserForm(t, s, page.in(t), c, b) })
		t.Run("other origin", func(t *testing.T) { browserOtherOrigin(t, page.in(t), c, b) })
	})
}

func browserPresigned(t *testing.T, s *harness.Server, page *chromium, c *s3.Client, b string) {
	hosted := goClient(t, s, func(o *s3.Options) {
		o.UsePathStyle = false
		o.BaseEndpoint = aws.String(strings.Replace(s.Endpoint, "127.0.0.1", "s3.localhost", 1))
	})
	size := 200_000
	data := bytes.Repeat([]byte("a"), size)
	for style, c := range map[string]*s3.Client{"path": c, "virtual host": hosted} {
		p := s3.NewPresignClient(c)
		key := style + "/é+ü &.txt"
		put := must[*v4.PresignedHTTPRequest](t)(p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &b, Key: &key, ContentType: aws.String("text/x"),
			Metadata: map[string]string{"from": "browser"}}))
		headers := map[string]string{"Content-Type": "text/x", "x-amz-meta-from": "browser"}
		var got seen
		page.run(fetchIt, fetchArgs{put.URL, "PUT", headers, &size}, &got)
		if got.Status != 200 || got.ETag != `"`+hexMD5(data)+`"` || got.ID != "" {
			t.Errorf("%s: PUT = %+v", style, got)
		}
		get := must[*v4.PresignedHTTPRequest](t)(p.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &b, Key: &key}))
		page.run(fetchIt, fetchArgs{get.URL, "GET", map[string]string{"Range": "bytes=10-19"}, nil}, &got)
		if got.Status != 206 || got.Body != "aaaaaaaaaa" || got.Range != fmt.Sprintf("bytes 10-19/%d", size) {
			t.Errorf("%s: GET = %+v", style, got)
		}
		// A script reads errors as well.
		page.run(fetchIt, fetchArgs{put.URL + "0", "PUT", headers, &size}, &got)
		if got.Status != 403 || !strings.Contains(got.Body, "<Code>SignatureDoesNotMatch</Code>") {
			t.Errorf("%s: PUT with another signature = %+v", style, got)
		}
	}
	key := "refused"
	p := s3.NewPresignClient(c)
	put := must[*v4.PresignedHTTPRequest](t)(p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &b, Key: &key}))
	if said := page.try(fetchIt, fetchArgs{put.URL, "PUT", map[string]string{"x-other": "1"}, &size}, nil); !strings.Contains(said, "Failed to fetch") {
		t.Errorf("with a header that is not allowed: %q", said)
	}
	absent(t, c, b, key)
	key = "path/é+ü &.txt"
	del := must[*v4.PresignedHTTPRequest](t)(p.PresignDeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &b, Key: &key}))
	if said := page.try(fetchIt, fetchArgs{del.URL, "DELETE", nil, nil}, nil); !strings.Contains(said, "Failed to fetch") {
		t.Errorf("with a method that is not allowed: %q", said)
	}
	wantBytes(t, key, get(t, c, b, key), data)
	// Between sites that trust each other nothing is asked: a page may show what it may not read.
	var shown bool
	page.run(`const r = await fetch(args, {mode: "no-cors"}); return r.type === "opaque"`, must[*v4.PresignedHTTPRequest](t)(
		p.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &b, Key: &key})).URL, &shown)
	if !shown {
		t.Error("a request without CORS is answered otherwise")
	}
}

// browserParts uploads parts whose ETags the page collects, as Uppy and its like do.
func browserParts(t *testing.T, page *chromium, c *s3.Client, b string) {
	ctx, key := t.Context(), "parts"
	p := s3.NewPresignClient(c)
	up := must[*s3.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b, Key: &key}))
	var links []string
	for n := range int32(3) {
		links = append(links, must[*v4.PresignedHTTPRequest](t)(p.PresignUploadPart(ctx, &s3.UploadPartInput{Bucket: &b, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(n + 1)})).URL)
	}
	var etags []string
	page.run(`return Promise.all(args.map(async (url, i) =>
		(await fetch(url, {method: "PUT", body: new Blob([new Uint8Array(i < 2 ? 5 << 20 : 10).fill(97 + i)])})).headers.get("ETag")))`, links, &etags)
	var parts []types.CompletedPart
	for i, e := range etags {
		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i) + 1), ETag: &e})
	}
	must[*s3.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &b, Key: &key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))
	wantBytes(t, key, get(t, c, b, key), slicesOf([]byte("a"), 5*mib, []byte("b"), 5*mib, []byte("c"), 10))
}

// slicesOf repeats and joins: a piece, how often, and so on.
func slicesOf(pairs ...any) (all []byte) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, bytes.Repeat(pairs[i].([]byte), pairs[i+1].(int))...)
	}
	return all
}

func browserForm(t *testing.T, s *harness.Server, page *chromium, c *s3.Client, b string) {
	// Of the SDKs for Go only a policy for one whole key comes; a name that the user chooses needs one for a prefix.
	signer := &wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}
	form := func(extra map[string]string) map[string]any {
		t.Helper()
		now := time.Now().UTC()
		fields := map[string]string{"key": "form/${filename}", "Content-Type": "text/plain", "x-amz-algorithm": "AWS4-HMAC-SHA256",
			"x-amz-credential": signer.Credential(now), "x-amz-date": now.Format("20060102T150405Z")}
		maps.Copy(fields, extra)
		conditions := []any{map[string]string{"bucket": b}, []any{"starts-with", "$key", "form/"}, []any{"content-length-range", 0, 1000}}
		for name, value := range fields {
			if name != "key" {
				conditions = append(conditions, map[string]string{name: value})
			}
		}
		policy := must[[]byte](t)(json.Marshal(map[string]any{"expiration": now.Add(time.Minute).Format("2006-01-02T15:04:05.000Z"), "conditions": conditions}))
		fields["policy"] = base64.StdEncoding.EncodeToString(policy)
		fields["x-amz-signature"] = signer.String(fields["policy"], now)
		return map[string]any{"url": s.Endpoint + "/" + b, "fields": fields}
	}

	// As a page without scripts does it: the browser itself goes to the bucket and comes back.
	landing := page.origin + "/landed?from=form"
	page.run(`window.leaving = true;
		const form = document.createElement("form");
		form.method = "POST"; form.enctype = "multipart/form-data"; form.action = args.url;
		for (const [name, value] of Object.entries(args.fields)) {
			const field = document.createElement("input");
			field.type = "hidden"; field.name = name; field.value = value;
			form.append(field);
		}
		const chosen = new DataTransfer();
		chosen.items.add(new File(["what was chosen"], "my \"phöto\".txt"));
		const file = document.createElement("input");
		file.type = "file"; file.name = "file"; file.files = chosen.files;
		form.append(file);
		document.body.append(form);
		setTimeout(() => form.submit());`, form(map[string]string{"success_action_redirect": landing}), nil)
	var at string
	page.run(`return location.href`, nil, &at)
	link, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	q, key := link.Query(), ""
	if key = q.Get("key"); link.Path != "/landed" || q.Get("from") != "form" || q.Get("bucket") != b || q.Get("etag") != `"`+hexMD5([]byte("what was chosen"))+`"` {
		t.Errorf("the form led to %s", at)
	}
	// HTML has browsers write a quote in a file name as %22, and nobody undoes it.
	if key != "form/my %22phöto%22.txt" {
		t.Errorf("the key is %q", key)
	}
	wantBytes(t, key, get(t, c, b, key), []byte("what was chosen"))

	const post = `const form = new FormData();
		for (const [name, value] of Object.entries(args.fields)) form.append(name, value);
		form.append("file", new Blob(["x".repeat(args.size)], {type: "text/plain"}), args.name);
		const r = await fetch(args.url, {method: "POST", body: form});
		return {status: r.status, body: await r.text(), etag: r.headers.get("ETag") ?? ""}`
	send := func(size int, name string, extra map[string]string) (got seen) {
		t.Helper()
		in := form(extra)
		in["size"], in["name"] = size, name
		page.run(post, in, &got)
		return got
	}
	etag := `"` + hexMD5([]byte("xxxxx")) + `"`
	got := send(5, "made.txt", map[string]string{"success_action_status": "201"})
	for _, part := range []string{"<Bucket>" + b + "</Bucket>", "<Key>form/made.txt</Key>", "<Location>", "form%2Fmade.txt</Location>", strings.Trim(etag, `"`)} {
		if got.Status != 201 || got.ETag != etag || !strings.Contains(got.Body, part) {
			t.Errorf("201: %+v lacks %s", got, part)
		}
	}
	if got := send(5, "quiet.txt", nil); got.Status != 204 || got.Body != "" || got.ETag != etag {
		t.Errorf("204: %+v", got)
	}
	if got := send(1001, "large.txt", nil); got.Status != 400 || !strings.Contains(got.Body, "<Code>EntityTooLarge</Code>") {
		t.Errorf("too large: %+v", got)
	}
	absent(t, c, b, "form/large.txt")
}

// browserOtherOrigin is the same page at an origin that no rule names.
func browserOtherOrigin(t *testing.T, page *chromium, c *s3.Client, b string) {
	page.open(page.other + "/elsewhere")
	p := s3.NewPresignClient(c)
	size, key := 10, "elsewhere"
	link := must[*v4.PresignedHTTPRequest](t)(p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &b, Key: &key})).URL
	if said := page.try(fetchIt, fetchArgs{link, "PUT", nil, &size}, nil); !strings.Contains(said, "Failed to fetch") {
		t.Errorf("PUT from an origin that is not allowed: %q", said)
	}
	absent(t, c, b, key)
	put(t, c, b, key, []byte("secret"))
	link = must[*v4.PresignedHTTPRequest](t)(p.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &b, Key: &key})).URL
	if said := page.try(fetchIt, fetchArgs{link, "GET", nil, nil}, nil); !strings.Contains(said, "Failed to fetch") {
		t.Errorf("GET from an origin that is not allowed: %q", said)
	}
	// It is let in when a rule is made for everybody.
	must[*s3.PutBucketCorsOutput](t)(c.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: &b, CORSConfiguration: &types.CORSConfiguration{
		CORSRules: []types.CORSRule{{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"GET"}}}}}))
	var got seen
	page.run(fetchIt, fetchArgs{link, "GET", nil, nil}, &got)
	if got.Status != 200 || got.Body != "secret" || got.ETag != "" {
		t.Errorf("GET from any origin = %+v", got)
	}
}

// TestBrowserWebsite shows a bucket's website: a document with its style, script and picture, an error document, a redirect.
func TestBrowserWebsite(t *testing.T) {
	s := harness.Start(t, harness.Options{Args: []string{"--website-domain", "web.localhost"}})
	page := openChromium(t, s)
	c := goClient(t, s)
	ctx, b := t.Context(), "pages"
	must[*s3.CreateBucketOutput](t)(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b}))
	must[*s3.PutBucketWebsiteOutput](t)(c.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: &b, WebsiteConfiguration: &types.WebsiteConfiguration{
		IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}, ErrorDocument: &types.ErrorDocument{Key: aws.String("lost.html")}}}))
	must[*s3.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &b, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::pages/*"},
		{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::pages"}]}`)}))
	for _, o := range []struct{ key, kind, redirect, text string }{
		{"index.html", "text/html; charset=utf-8", "", `<!doctype html><title>Wölkchen</title><link rel="stylesheet" href="/style/main.css"><p id="p">hello</p><img id="i" src="dot.svg"><script type="module" src="app.js"></script>`},
		{"style/main.css", "text/css", "", `p { color: rgb(1, 2, 3) }`},
		{"dot.svg", "image/svg+xml", "", `<svg xmlns="http://www.w3.org/2000/svg" width="7" height="9"></svg>`},
		{"lost.html", "text/html", "", `lost`},
		{"old.html", "text/html", "/docs/", ""},
		{"docs/index.html", "text/html", "", `docs`},
		{"app.js", "text/javascript", "", `
			await Promise.all([document.getElementById("i").decode(), new Promise((done) => document.readyState === "complete" ? done() : addEventListener("load", done))]);
			const ask = async (path) => { const r = await fetch(path); return r.status + " " + new URL(r.url).pathname + " " + await r.text(); };
			parent.postMessage({title: document.title, color: getComputedStyle(document.getElementById("p")).color, width: document.getElementById("i").naturalWidth,
				lost: await ask("/nothing"), moved: await ask("/old.html"), folder: await ask("/docs")}, "*");`},
	} {
		in := &s3.PutObjectInput{Bucket: &b, Key: &o.key, Body: strings.NewReader(o.text), ContentType: &o.kind}
		if o.redirect != "" {
			in.WebsiteRedirectLocation = &o.redirect
		}
		must[*s3.PutObjectOutput](t)(c.PutObject(ctx, in))
	}
	_, port, _ := strings.Cut(s.Host, ":")
	var got struct {
		Title, Color, Lost, Moved, Folder string
		Width                             int
	}
	page.run(`const frame = document.createElement("iframe");
		const said = new Promise((done, fail) => { addEventListener("message", (e) => done(e.data)); setTimeout(() => fail("the website's script says nothing"), 30000); });
		frame.src = args; document.body.append(frame);
		return said`, "http://pages.web.localhost:"+port+"/", &got)
	if got.Title != "Wölkchen" || got.Color != "rgb(1, 2, 3)" || got.Width != 7 || got.Lost != "404 /nothing lost" || got.Moved != "200 /docs/ docs" || got.Folder != "200 /docs/ docs" {
		t.Errorf("the website shows %+v", got)
	}
}
