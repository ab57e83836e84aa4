package s3api_test

import (
	"strings"
	"testing"
	"time"
)

// TestEventHolds: holds that are not built are refused, not left out. What was written then would not be kept.
func TestEventHolds(t *testing.T) {
	f := start(t)
	if a := f.do("PUT", "/held", "", "x-amz-bucket-object-lock-enabled: true"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := f.do("PUT", "/held/k", "x", "x-amz-object-lock-event-hold: OFF"); a.status != 200 {
		t.Errorf("no hold: %d %s", a.status, a.body)
	}
	ways := []struct{ method, target, header string }{
		{"PUT", "/held/new", ""}, {"PUT", "/held/new", "x-amz-copy-source: /held/k"}, {"POST", "/held/new?uploads", ""},
	}
	for _, header := range []string{"x-amz-object-lock-event-hold: ON", "x-amz-object-lock-event-hold: on",
		"x-amz-object-lock-event-hold-duration-days: 3", "X-Amz-Object-Lock-Event-Hold-Duration-Years: 3"} {
		for _, way := range ways {
			headers := []string{header}
			if way.header != "" {
				headers = append(headers, way.header)
			}
			a := f.do(way.method, way.target, "", headers...)
			name, _, _ := strings.Cut(strings.ToLower(header), ":")
			if a.status != 501 || a.code() != "NotImplemented" || element(a.body, "Header") != name {
				t.Errorf("%s of %s with %s: %d %s", way.method, way.target, header, a.status, a.body)
			}
		}
	}
	for target, body := range map[string]string{
		"/held?object-lock": `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days>` +
			`<DefaultEventHold><Days>2</Days></DefaultEventHold></DefaultRetention></Rule></ObjectLockConfiguration>`,
		"/held/k?retention":          `<Retention><EventHold>ON</EventHold></Retention>`,
		"/held/k?retention&x-id=Put": `<Retention><EventHoldDuration><Years>2</Years></EventHoldDuration></Retention>`,
	} {
		if a := f.do("PUT", target, body, md5Header(body)); a.status != 501 || a.code() != "NotImplemented" {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
	posted := form{file: "x", fields: append([][2]string{{"key", "new"}, {"x-amz-object-lock-event-hold", "ON"}},
		policyV2(time.Now().Add(time.Hour), `{"bucket": "held"}, ["eq", "$key", "new"], ["eq", "$x-amz-object-lock-event-hold", "ON"]`)...)}
	body, contentType := posted.encode(t)
	if a := f.anonymous("POST", "/held", body, contentType); a.status != 501 || a.code() != "NotImplemented" {
		t.Errorf("form: %d %s", a.status, a.body)
	}
	if a := f.do("GET", "/held?object-lock", ""); strings.Contains(a.body, "Rule") {
		t.Errorf("a default was kept: %s", a.body)
	}
	if a := f.do("HEAD", "/held/new", ""); a.status != 404 {
		t.Errorf("an object was made: %d", a.status)
	}
}

// TestAnnotationDirective: no object has annotations, so that copies with and without them are the same; nonsense is refused.
func TestAnnotationDirective(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.do("PUT", "/bkt/k", "x")
	const source, name = "x-amz-copy-source: /bkt/k", "x-amz-object-annotation-directive"
	for _, v := range []string{"COPY", "EXCLUDE"} {
		if a := f.do("PUT", "/bkt/"+v, "", source, name+": "+v); a.status != 200 {
			t.Errorf("%s: %d %s", v, a.status, a.body)
		}
	}
	for query, headers := range map[string][]string{"": {source, name + ": copy"}, "?" + name + "=ALL": {source}} {
		a := f.do("PUT", "/bkt/c"+query, "", headers...)
		if a.status != 400 || a.code() != "InvalidArgument" || element(a.body, "ArgumentName") != name {
			t.Errorf("%s %v: %d %s", query, headers, a.status, a.body)
		}
	}
}

// TestAbortWhenInitiated: an upload is given up only if it began when the client believes.
func TestAbortWhenInitiated(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	id := element(f.do("POST", "/bkt/k?uploads", "").body, "UploadId")
	initiated, err := time.Parse(time.RFC3339, element(f.do("GET", "/bkt?uploads", "").body, "Initiated"))
	must(t, err)
	abort := func(when string) answer {
		return f.do("DELETE", "/bkt/k?uploadId="+id, "", "x-amz-if-match-initiated-time: "+when)
	}
	if a := abort("yesterday"); a.status != 400 || a.code() != "InvalidArgument" {
		t.Errorf("%d %s", a.status, a.body)
	}
	const layout = "Mon, 02 Jan 2006 15:04:05 GMT"
	if a := abort(initiated.Add(-time.Second).Format(layout)); a.status != 412 || a.code() != "PreconditionFailed" ||
		element(a.body, "Condition") != "x-amz-if-match-initiated-time" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := f.do("GET", "/bkt/k?uploadId="+id, ""); a.status != 200 {
		t.Errorf("the upload is gone: %d", a.status)
	}
	if a := abort(initiated.Format(layout)); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestUnknownElements: what a document asks for and nobody reads is refused, and nothing of it is kept.
func TestUnknownElements(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.do("PUT", "/bkt/k", "x")
	const malformed = "MalformedXML"
	for _, c := range []struct{ method, target, body, code string }{
		{"PUT", "/other", `<CreateBucketConfiguration><Region>x</Region></CreateBucketConfiguration>`, malformed},
		{"PUT", "/bkt?versioning", `<VersioningConfiguration><Status>Enabled</Status><ExcludeFolders>true</ExcludeFolders></VersioningConfiguration>`, malformed},
		{"PUT", "/bkt?versioning", `<VersioningConfiguration><Status>Enabled</Status><Status>Suspended</Status></VersioningConfiguration>`, malformed},
		{"PUT", "/bkt?tagging", `<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value><Scope>c</Scope></Tag></TagSet></Tagging>`, malformed},
		{"PUT", "/bkt/k?tagging", `<Tagging><TagSet><Key>a</Key></TagSet></Tagging>`, malformed},
		{"PUT", "/bkt?cors", `<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin><AllowCredentials/></CORSRule></CORSConfiguration>`, malformed},
		{"PUT", "/bkt?lifecycle", `<LifecycleConfiguration><Rule><Status>Enabled</Status><Prefix/><Expiration><Days>1</Days><ExpiredObjectAllVersions>true</ExpiredObjectAllVersions></Expiration></Rule></LifecycleConfiguration>`, malformed},
		{"PUT", "/bkt?publicAccessBlock", `<PublicAccessBlockConfiguration><BlockAll>true</BlockAll></PublicAccessBlockConfiguration>`, malformed},
		{"PUT", "/bkt?acl", `<AccessControlPolicy><Owner><ID>x</ID></Owner><AccessControlList/><Everybody/></AccessControlPolicy>`, "MalformedACLError"},
		{"POST", "/bkt?delete", `<Delete><Object><Key>k</Key><IfUnmodified>x</IfUnmodified></Object></Delete>`, malformed},
		{"POST", "/bkt/k?restore", `<RestoreRequest><Days>1</Days><Retain>true</Retain></RestoreRequest>`, malformed},
		{"POST", "/bkt/k?restore", `<RestoreRequest><OutputLocation><S3/></OutputLocation></RestoreRequest>`, "NotImplemented"},
	} {
		if a := f.do(c.method, c.target, c.body, md5Header(c.body)); a.code() != c.code {
			t.Errorf("%s %s: %d %s, want %s", c.target, c.body, a.status, a.body, c.code)
		}
	}
	if a := f.do("GET", "/bkt?versioning", ""); strings.Contains(a.body, "Status") {
		t.Errorf("versioning was set: %s", a.body)
	}
	if a := f.do("HEAD", "/bkt/k", ""); a.status != 200 {
		t.Errorf("the object was deleted: %d", a.status)
	}
}

// TestBucketNamespace: names that end with an account and a region are for that account, there, when it says that it wants one of them.
func TestBucketNamespace(t *testing.T) {
	f := start(t)
	const own, foreign = "bkt-" + testAccount + "-us-east-1-an", "bkt-999999999999-us-east-1-an"
	for _, c := range []struct{ bucket, namespace, location, code string }{
		{own, "", "", "MissingNamespaceHeader"},
		{"milan-an", "", "", "MissingNamespaceHeader"},
		{own, "global", "", "InvalidBucketNamespace"},
		{foreign, "account-regional", "", "InvalidBucketNamespace"},
		{own, "account-regional", "eu-west-1", "InvalidBucketNamespace"},
		{"plain", "account-regional", "", "InvalidBucketNamespace"},
		{testAccount + "-us-east-1-an", "account-regional", "", "InvalidBucketNamespace"},
		{"plain", "regional", "", "InvalidArgument"},
		{"plain", "", "", ""},
		{"spoken", "global", "", ""},
		{own, "account-regional", "", ""},
		{"bkt-" + testAccount + "-eu-west-1-an", "account-regional", "eu-west-1", ""},
	} {
		var headers []string
		if c.namespace != "" {
			headers = append(headers, "x-amz-bucket-namespace: "+c.namespace)
		}
		body := ""
		if c.location != "" {
			body = "<CreateBucketConfiguration><LocationConstraint>" + c.location + "</LocationConstraint></CreateBucketConfiguration>"
		}
		if a := f.do("PUT", "/"+c.bucket, body, headers...); a.code() != c.code || (a.status == 200) != (c.code == "") {
			t.Errorf("%+v: %d %s", c, a.status, a.body)
		}
	}
	if a := f.do("PUT", "/"+own+"/k", "x"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
