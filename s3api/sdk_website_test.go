package s3api_test

import (
	"context"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aureole-cloud/aureole/s3api"
	"github.com/aureole-cloud/aureole/s3api/httpd"
)

// visit asks the website of a host for something.
func (f *fixture) visit(addr, method, host, target string, header ...string) answer {
	f.t.Helper()
	nc, err := net.Dial("tcp", addr)
	must(f.t, err)
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(60 * time.Second))
	c := *f.dial()
	c.Conn = nc
	c.br.Reset(nc)
	_, err = io.WriteString(nc, method+" "+target+" HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 0\r\n"+strings.Join(append(header, ""), "\r\n")+"\r\n")
	must(f.t, err)
	return c.read(method)
}

func websites(c *s3api.Config) { c.WebsiteDomains = []string{"web.example.test"} }

const publicRead = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site/*"},
	{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::site"}`

func TestSDKWebsite(t *testing.T) {
	f := start(t, websites)
	c := f.client()
	ctx := context.Background()
	b := aws.String(f.bucket("site"))
	if _, err := c.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: b}); errorCode(err) != "NoSuchWebsiteConfiguration" {
		t.Errorf("%v", err)
	}
	conf := &types.WebsiteConfiguration{
		IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}, ErrorDocument: &types.ErrorDocument{Key: aws.String("error.html")},
		RoutingRules: []types.RoutingRule{
			{Condition: &types.Condition{KeyPrefixEquals: aws.String("docs/")}, Redirect: &types.Redirect{ReplaceKeyPrefixWith: aws.String("documents/")}},
			{Condition: &types.Condition{KeyPrefixEquals: aws.String("lost/"), HttpErrorCodeReturnedEquals: aws.String("404")},
				Redirect: &types.Redirect{HostName: aws.String("found.example.test"), Protocol: types.ProtocolHttps, ReplaceKeyWith: aws.String("all"), HttpRedirectCode: aws.String("302")}},
		},
	}
	_, err := c.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: b, WebsiteConfiguration: conf})
	must(t, err)
	got, err := c.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: b})
	must(t, err)
	if !reflect.DeepEqual(got.RoutingRules, conf.RoutingRules) || !reflect.DeepEqual(got.IndexDocument, conf.IndexDocument) || !reflect.DeepEqual(got.ErrorDocument, conf.ErrorDocument) {
		t.Errorf("%+v", got)
	}
	for key, text := range map[string]string{"index.html": "home", "folder/index.html": "inside", "page.html": "page", "a b/index.html": "spaced"} {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String(key), Body: strings.NewReader(text), ContentType: aws.String("text/html")})
		must(t, err)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("moved"), Body: strings.NewReader(""), WebsiteRedirectLocation: aws.String("/page.html")})
	must(t, err)

	const host = "site.web.example.test"
	if a := f.visit(f.addr, "GET", host, "/"); a.status != 403 || !strings.Contains(a.body, "<li>Code: AccessDenied</li>") {
		t.Errorf("private: %d %s", a.status, a.body)
	}
	f.do("DELETE", "/site?publicAccessBlock", "")
	f.putPolicy("site", publicRead)
	for _, q := range []struct {
		method, target   string
		status           int
		location, inBody string
	}{
		{"GET", "/", 200, "", "home"},
		{"GET", "/?versionId=x&policy", 200, "", "home"},
		{"GET", "/page.html", 200, "", "page"},
		{"HEAD", "/page.html", 200, "", ""},
		{"GET", "/folder/", 200, "", "inside"},
		{"GET", "/folder", 302, "/folder/", ""},
		{"GET", "/a%20b", 302, "/a%20b/", ""},
		{"GET", "/moved", 301, "/page.html", ""},
		{"GET", "/docs/x/y", 301, "http://" + host + "/documents/x/y", ""},
		{"GET", "/lost/x", 302, "https://found.example.test/all", ""},
		{"GET", "/nothing", 404, "", "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n<li>Key: error.html</li>"},
		{"HEAD", "/nothing", 404, "", ""},
		{"GET", "/folder/none/", 404, "", "<li>Key: folder/none/index.html</li>"},
		{"POST", "/page.html", 405, "", "<title>405 Method Not Allowed</title>"},
		{"DELETE", "/page.html", 405, "", "<li>Method: DELETE</li>\n<li>ResourceType: OBJECT</li>"},
	} {
		a := f.visit(f.addr, q.method, host, q.target)
		if a.status != q.status || a.header.Get("Location") != q.location || !strings.Contains(a.body, q.inBody) {
			t.Errorf("%s %s: %d %v %s", q.method, q.target, a.status, a.header, a.body)
		}
	}
	if a := f.visit(f.addr, "GET", host, "/nothing"); a.header.Get("x-amz-error-code") != "NoSuchKey" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("%v", a.header)
	}
	if a := f.visit(f.addr, "GET", host, "/page.html", "Range: bytes=1-2"); a.status != 206 || a.body != "ag" {
		t.Errorf("%d %q", a.status, a.body)
	}
	if a := f.visit(f.addr, "GET", host, "/page.html", "If-None-Match: *"); a.status != 304 {
		t.Errorf("%d %q", a.status, a.body)
	}
	f.do("PUT", "/site/error.html", "sorry")
	if a := f.visit(f.addr, "GET", host, "/nothing"); a.status != 404 || a.body != "sorry" {
		t.Errorf("%d %q", a.status, a.body)
	}
	// Behind the bucket's own name the objects are what they were.
	if a := f.anonymous("GET", "/site/folder", ""); a.status != 404 || a.code() != "NoSuchKey" {
		t.Errorf("%d %s", a.status, a.body)
	}

	_, err = c.PutBucketWebsite(ctx, &s3.PutBucketWebsiteInput{Bucket: b, WebsiteConfiguration: &types.WebsiteConfiguration{
		RedirectAllRequestsTo: &types.RedirectAllRequestsTo{HostName: aws.String("other.example.test"), Protocol: types.ProtocolHttps}}})
	must(t, err)
	if a := f.visit(f.addr, "GET", host, "/x/y"); a.status != 301 || a.header.Get("Location") != "https://other.example.test/x/y" {
		t.Errorf("%d %v", a.status, a.header)
	}
	_, err = c.DeleteBucketWebsite(ctx, &s3.DeleteBucketWebsiteInput{Bucket: b})
	must(t, err)
	if a := f.visit(f.addr, "GET", host, "/"); a.status != 404 || !strings.Contains(a.body, "<li>Code: NoSuchWebsiteConfiguration</li>\n<li>Message: The specified bucket does not have a website configuration</li>\n<li>BucketName: site</li>") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.visit(f.addr, "GET", "nobody.web.example.test", "/"); a.status != 404 || !strings.Contains(a.body, "<li>Code: NoSuchBucket</li>") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// On a listener of its own the whole host names the bucket when it is below no website domain.
func TestWebsiteListener(t *testing.T) {
	f := start(t, websites)
	f.bucket("site")
	f.bucket("www.example.test")
	f.do("DELETE", "/site?publicAccessBlock", "")
	f.putPolicy("site", publicRead)
	f.do("PUT", "/site/home", "hello")
	if a := f.do("PUT", "/site?website", "<WebsiteConfiguration><IndexDocument><Suffix>home</Suffix></IndexDocument></WebsiteConfiguration>"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	h, err := httpd.New(httpd.Config{Handler: f.server.WebsiteHandler(), Broken: f.server.Broken})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- h.Serve(ln) }()
	addr := ln.Addr().String()
	for host, status := range map[string]int{"site": 200, "site.web.example.test": 200, "SITE:80": 200, "www.example.test": 404, "127.0.0.1": 404} {
		if a := f.visit(addr, "GET", host, "/"); a.status != status || status == 200 && a.body != "hello" {
			t.Errorf("%s: %d %s", host, a.status, a.body)
		}
	}
	must(t, h.Shutdown(context.Background()))
	check(t, <-served)
}

func TestWebsiteErrors(t *testing.T) {
	f := start(t)
	f.bucket("site")
	conf := func(s string) string { return "<WebsiteConfiguration>" + s + "</WebsiteConfiguration>" }
	const index = "<IndexDocument><Suffix>i</Suffix></IndexDocument>"
	rule := func(s string) string {
		return conf(index + "<RoutingRules><RoutingRule>" + s + "</RoutingRule></RoutingRules>")
	}
	for name, c := range map[string]struct {
		body string
		code string
	}{
		"slash":      {conf("<IndexDocument><Suffix>/i</Suffix></IndexDocument>"), "InvalidArgument"},
		"no suffix":  {conf("<IndexDocument></IndexDocument>"), "InvalidArgument"},
		"no index":   {conf("<ErrorDocument><Key>e</Key></ErrorDocument>"), "InvalidArgument"},
		"both":       {conf(index + "<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>"), "InvalidArgument"},
		"protocol":   {conf("<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>"), "InvalidRequest"},
		"no host":    {conf("<RedirectAllRequestsTo></RedirectAllRequestsTo>"), "MalformedXML"},
		"error":      {conf(index + "<ErrorDocument><Key></Key></ErrorDocument>"), "MalformedXML"},
		"replace":    {rule("<Redirect><ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith></Redirect>"), "InvalidRequest"},
		"condition":  {rule("<Condition></Condition><Redirect><HostName>h</HostName></Redirect>"), "InvalidRequest"},
		"no change":  {rule("<Redirect></Redirect>"), "MalformedXML"},
		"no rules":   {conf(index + "<RoutingRules></RoutingRules>"), "MalformedXML"},
		"status":     {rule("<Redirect><HostName>h</HostName><HttpRedirectCode>200</HttpRedirectCode></Redirect>"), "InvalidRequest"},
		"error code": {rule("<Condition><HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals></Condition><Redirect><HostName>h</HostName></Redirect>"), "InvalidRequest"},
		"many rules": {conf(index + "<RoutingRules>" + strings.Repeat("<RoutingRule><Redirect><HostName>h</HostName></Redirect></RoutingRule>", 51) + "</RoutingRules>"), "InvalidRequest"},
	} {
		if a := f.do("PUT", "/site?website", c.body); a.status != 400 || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := f.anonymous("GET", "/site?website", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
