package ec2api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

const formType = "application/x-www-form-urlencoded; charset=utf-8"

// answer is either document, as far as the tests look.
type answer struct {
	XMLName   xml.Name
	RequestID string `xml:"requestId"`
	ErrorID   string `xml:"RequestID"`
	Code      string `xml:"Errors>Error>Code"`
	Message   string `xml:"Errors>Error>Message"`
	Regions   []struct {
		Name string `xml:"regionName"`
	} `xml:"regionInfo>item"`
}

type caller struct {
	*testing.T
	s *harness.Server
}

func (c caller) signer(region, service string) *wire.Signer {
	return &wire.Signer{Access: c.s.AccessKey, Secret: c.s.SecretKey, Region: region, Service: service}
}

func (c caller) do(r *wire.Request) (*wire.Reply, answer) {
	c.Helper()
	r.Host = c.s.Host
	reply, err := wire.Target{Endpoint: c.s.Endpoint}.Send(r)
	if err != nil {
		c.Fatal(err)
	}
	var a answer
	if err := xml.Unmarshal(reply.Body, &a); err != nil {
		c.Fatalf("%v in %s", err, reply.Body)
	}
	if a.Code != "" && a.ErrorID == "" || a.Code == "" && a.RequestID == "" {
		c.Errorf("no request id in %s", reply.Body)
	}
	return reply, a
}

// good checks an answer to DescribeRegions.
func (c caller) good(name string, r *wire.Request) {
	c.Helper()
	reply, a := c.do(r)
	if reply.Status != 200 || len(a.Regions) != 1 || a.Regions[0].Name != "us-east-1" || a.XMLName.Local != "DescribeRegionsResponse" {
		c.Errorf("%s: %d %s", name, reply.Status, reply.Body)
	}
}

func (c caller) bad(name string, r *wire.Request, status int, code string) {
	c.Helper()
	reply, a := c.do(r)
	if reply.Status != status || a.Code != code || a.Message == "" {
		c.Errorf("%s: %d %s, want %d %s", name, reply.Status, reply.Body, status, code)
	}
}

func get(query string) *wire.Request { return &wire.Request{Method: "GET", Path: "/", Query: query} }

func post(form string) *wire.Request {
	r := &wire.Request{Method: "POST", Path: "/", Body: []byte(form)}
	r.Set("Content-Type", formType)
	return r
}

const regions = "Action=DescribeRegions&Version=2016-11-15"

func TestWire(t *testing.T) {
	c := caller{t, start(t)}
	now := time.Now()
	v4 := func(r *wire.Request, region, service string) *wire.Request {
		r.Host, r.NoHash = c.s.Host, true
		c.signer(region, service).SignV4(r, now)
		return r
	}
	c.good("POST", v4(post(regions), "us-east-1", "ec2"))
	c.good("GET", v4(get(regions), "us-east-1", "ec2"))
	c.good("made-up region, as euca2ools", v4(get("Action=DescribeRegions&Version=2015-10-01"), "eucalyptus", "ec2"))
	c.good("made-up service, as boto 2", v4(get("Action=DescribeRegions&Version=2014-10-01"), "us-east-1", "127"))
	c.good("made-up service by POST", v4(post("Action=DescribeRegions&Version=2014-10-01"), "us-east-1", "127"))
	r := get(regions)
	r.Path = "/services/compute"
	c.good("path of Eucalyptus", v4(r, "us-east-1", "ec2"))
	r = post("RegionName.1=us-east-1")
	r.Query = regions
	c.good("half in the query", v4(r, "us-east-1", "ec2"))
	r = get(regions)
	r.Host = c.s.Host
	c.signer("us-east-1", "ec2").PresignV4(r, now, time.Minute)
	c.good("SigV4 in the query", r)
	for _, method := range []string{"GET", "POST"} {
		c.good("SigV2 by "+method, c.v2(method, "/", regions, "HmacSHA256", now, c.s.SecretKey))
	}
	c.good("SigV2 on an old path", c.v2("GET", "/services/Eucalyptus/", regions, "HmacSHA256", now, c.s.SecretKey))

	reply, a := c.do(v4(post("Action=DescribeRegions&Version=2013-02-01"), "us-east-1", "ec2"))
	if a.XMLName.Space != "http://ec2.amazonaws.com/doc/2013-02-01/" || reply.Header.Get("X-Amzn-Requestid") != a.RequestID ||
		reply.Header.Get("Content-Type") != "text/xml;charset=UTF-8" {
		t.Errorf("%v %s", reply.Header, reply.Body)
	}

	c.bad("unsigned", get(regions), 403, "MissingAuthenticationToken")
	c.bad("no action", v4(post("Version=2016-11-15"), "us-east-1", "ec2"), 400, "MissingAction")
	c.bad("no such action", v4(post("Action=MakeCoffee&Version=2016-11-15"), "us-east-1", "ec2"), 400, "InvalidAction")
	c.bad("not built", v4(post("Action=CreateFleet&Version=2016-11-15"), "us-east-1", "ec2"), 400, "UnsupportedOperation")
	c.bad("unknown parameter", v4(post(regions+"&Colour=red"), "us-east-1", "ec2"), 400, "UnknownParameter")
	c.bad("bad escape", v4(post(regions+"&RegionName.1=%"), "us-east-1", "ec2"), 400, "MalformedQueryString")
	c.bad("unknown filter", v4(post(regions+"&Filter.1.Name=x&Filter.1.Value.1=y"), "us-east-1", "ec2"), 400, "InvalidParameterValue")
	c.bad("dry run", v4(post("Action=CreateKeyPair&KeyName=x&DryRun=true"), "us-east-1", "ec2"), 412, "DryRunOperation")
	r = get(regions)
	r.Method = "PUT"
	c.bad("PUT", v4(r, "us-east-1", "ec2"), 400, "InvalidRequest")
	large := post(regions + "&RegionName.1=" + strings.Repeat("x", 2<<20))
	c.bad("too large", v4(large, "us-east-1", "ec2"), 413, "RequestEntityTooLarge")

	r = v4(post(regions), "us-east-1", "ec2")
	r.Body = []byte(regions + "&RegionName.1=us-east-1")
	c.bad("another body than signed", r, 401, "AuthFailure")
	r = v4(get(regions), "us-east-1", "ec2")
	r.Query += "&RegionName.1=us-east-1"
	c.bad("another query than signed", r, 401, "AuthFailure")
	c.bad("wrong secret of SigV2", c.v2("GET", "/", regions, "HmacSHA256", now, "wrong"), 401, "AuthFailure")
	c.bad("old timestamp of SigV2", c.v2("GET", "/", regions, "HmacSHA256", now.Add(-time.Hour), c.s.SecretKey), 400, "RequestExpired")
	c.bad("unknown method of SigV2", c.v2("GET", "/", regions, "HmacMD5", now, c.s.SecretKey), 400, "IncompleteSignature")
	stranger := wire.Signer{Access: "AKIANOBODY0000000000", Secret: "x", Region: "us-east-1", Service: "ec2"}
	r = get(regions)
	r.Host, r.NoHash = c.s.Host, true
	stranger.SignV4(r, now)
	c.bad("unknown key", r, 401, "AuthFailure")
	r = get(regions)
	r.Host, r.NoHash = c.s.Host, true
	c.signer("us-east-1", "ec2").SignV4(r, now.Add(-time.Hour))
	c.bad("old SigV4", r, 400, "RequestExpired")
	r = get(regions)
	r.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
	r.Path = "/services/compute"
	c.bad("half a signature", r, 400, "IncompleteSignature")
}

// v2 signs a request as the Query API's Version 2 has it.
func (c caller) v2(method, path, query, algorithm string, now time.Time, secret string) *wire.Request {
	v, err := url.ParseQuery(query)
	if err != nil {
		c.Fatal(err)
	}
	v.Set("AWSAccessKeyId", c.s.AccessKey)
	v.Set("SignatureVersion", "2")
	v.Set("SignatureMethod", algorithm)
	v.Set("Timestamp", now.UTC().Format("2006-01-02T15:04:05.000Z"))
	var pairs []string
	for k := range v {
		pairs = append(pairs, wire.Escape(k, false)+"="+wire.Escape(v.Get(k), false))
	}
	slices.Sort(pairs)
	all := strings.Join(pairs, "&")
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s", method, c.s.Host, path, all)
	all += "&Signature=" + wire.Escape(base64.StdEncoding.EncodeToString(mac.Sum(nil)), false)
	r := &wire.Request{Method: method, Path: path, NoHash: true}
	if method == "GET" {
		r.Query = all
		return r
	}
	r.Body = []byte(all)
	r.Set("Content-Type", formType)
	return r
}

func TestSTS(t *testing.T) {
	c := caller{t, start(t)}
	sign := func(form, service string, signer *wire.Signer) *wire.Request {
		r := post(form)
		r.Host, r.NoHash = c.s.Host, true
		signer.Service = service
		signer.SignV4(r, time.Now())
		return r
	}
	var who struct {
		XMLName xml.Name
		Arn     string `xml:"GetCallerIdentityResult>Arn"`
		Account string `xml:"GetCallerIdentityResult>Account"`
		UserID  string `xml:"GetCallerIdentityResult>UserId"`
		ID      string `xml:"ResponseMetadata>RequestId"`
		Code    string `xml:"Error>Code"`
		Type    string `xml:"Error>Type"`
	}
	ask := func(r *wire.Request) int {
		t.Helper()
		reply, err := wire.Target{Endpoint: c.s.Endpoint}.Send(r)
		if err != nil {
			t.Fatal(err)
		}
		who.Code, who.Arn = "", ""
		if err := xml.Unmarshal(reply.Body, &who); err != nil {
			t.Fatalf("%v in %s", err, reply.Body)
		}
		return reply.Status
	}
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	if status := ask(sign(form, "sts", c.signer("us-east-1", ""))); status != 200 || len(who.Account) != 12 ||
		who.Arn != "arn:aws:iam::"+who.Account+":root" || who.UserID != who.Account || who.ID == "" || who.XMLName.Space != "https://sts.amazonaws.com/doc/2011-06-15/" {
		t.Errorf("%d %+v", status, who)
	}
	for _, tc := range []struct {
		name   string
		r      *wire.Request
		status int
		code   string
	}{
		{"unknown key", sign(form, "sts", &wire.Signer{Access: "AKIANOBODY0000000000", Secret: "x", Region: "us-east-1"}), 403, "InvalidClientTokenId"},
		{"wrong secret", sign(form, "sts", &wire.Signer{Access: c.s.AccessKey, Secret: "x", Region: "us-east-1"}), 403, "SignatureDoesNotMatch"},
		{"unknown action", sign("Action=AssumeRole&Version=2011-06-15", "sts", c.signer("us-east-1", "")), 400, "InvalidAction"},
		{"IAM", sign("Action=ListUsers&Version=2010-05-08", "iam", c.signer("us-east-1", "")), 400, "InvalidAction"},
	} {
		if status := ask(tc.r); status != tc.status || who.Code != tc.code || who.Type != "Sender" {
			t.Errorf("%s: %d %+v", tc.name, status, who)
		}
	}
	r := post(form)
	r.Host = c.s.Host
	if status := ask(r); status != 403 || who.Code != "MissingAuthenticationToken" {
		t.Errorf("unsigned: %d %+v", status, who)
	}
}
