package s3api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Answers that Amazon gives where the reference is silent, as the snapshots of LocalStack's S3 tests have them.

func TestCopyOntoItself(t *testing.T) {
	f := start(t)
	f.bucket("plain")
	f.bucket("sealed")
	f.put(t, "/sealed?encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>`+
		`<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`)
	for _, b := range []string{"plain", "sealed"} {
		f.put(t, "/"+b+"/key", "body", "x-amz-meta-a: 1")
	}
	itself := func(b string, header ...string) answer {
		return f.do("PUT", "/"+b+"/key", "", append(header, "x-amz-copy-source: "+b+"/key")...)
	}
	for name, c := range map[string]struct {
		got  answer
		code string
	}{
		"nothing changes":                {itself("plain"), "InvalidRequest"},
		"only tags":                      {itself("plain", "x-amz-tagging-directive: REPLACE"), "InvalidRequest"},
		"class":                          {itself("plain", "x-amz-storage-class: STANDARD"), ""},
		"in a bucket with an encryption": {itself("sealed"), ""},
		"redirect":                       {itself("plain", "x-amz-website-redirect-location: /there"), ""},
	} {
		if c.got.code() != c.code {
			t.Errorf("%s: %d %s", name, c.got.status, c.got.body)
		}
	}
	h := f.do("HEAD", "/plain/key", "").header // as the redirect was copied last
	if h.Get("x-amz-website-redirect-location") != "/there" || h.Get("x-amz-meta-a") != "1" {
		t.Errorf("copied: %v", h)
	}

	// The null version that a copy makes has its name in the answer; the one that it is made of has not.
	replace := []string{"x-amz-metadata-directive: REPLACE"}
	if h := itself("plain", replace...).header; h.Get("x-amz-version-id") != "" {
		t.Errorf("without versions: %v", h)
	}
	versions := func(status string) {
		f.put(t, "/plain?versioning", "<VersioningConfiguration><Status>"+status+"</Status></VersioningConfiguration>")
	}
	versions("Suspended")
	for range 2 {
		if h := itself("plain", replace...).header; h.Get("x-amz-version-id") != "null" || h.Get("x-amz-copy-source-version-id") != "" {
			t.Errorf("suspended: %v", h)
		}
	}
	if h := f.do("PUT", "/plain/key", "body").header; h.Get("x-amz-version-id") != "" {
		t.Errorf("PutObject, suspended: %v", h)
	}
	versions("Enabled")
	first := itself("plain", replace...).header
	if first.Get("x-amz-version-id") == "" || first.Get("x-amz-copy-source-version-id") != "" {
		t.Errorf("enabled again: %v", first)
	}
	if h := itself("plain", replace...).header; h.Get("x-amz-copy-source-version-id") != first.Get("x-amz-version-id") {
		t.Errorf("of a version: %v", h)
	}
}

// put sends a PUT that must succeed.
func (f *fixture) put(t *testing.T, target, body string, header ...string) answer {
	t.Helper()
	a := f.do("PUT", target, body, header...)
	if a.status/100 != 2 {
		t.Fatalf("PUT %s: %d %s", target, a.status, a.body)
	}
	return a
}

// TestUploadOverDeleted: an object that was deleted while an upload for its key was under way is a conflict, not an absence.
func TestUploadOverDeleted(t *testing.T) {
	f := start(t)
	f.bucket("unversioned")
	f.bucket("versioned")
	f.put(t, "/versioned?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	begin := func(target string) func() answer {
		id := element(f.do("POST", target+"?uploads", "").body, "UploadId")
		etag := f.put(t, target+"?partNumber=1&uploadId="+id, "part").header.Get("ETag")
		return func() answer {
			return f.do("POST", target+"?uploadId="+id, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"+
				"<ETag>%s</ETag></Part></CompleteMultipartUpload>", etag), "If-None-Match: *")
		}
	}
	for _, target := range []string{"/unversioned/key", "/versioned/key"} {
		f.put(t, target, "body")
		over := begin(target)
		if a := over(); a.status != 412 || element(a.body, "Condition") != "If-None-Match" {
			t.Errorf("%s is there: %d %s", target, a.status, a.body)
		}
		f.do("DELETE", target, "")
		for range 2 { // it stays so
			if a := over(); a.status != 409 || a.code() != "ConditionalRequestConflict" || element(a.body, "Condition") != "If-None-Match" || element(a.body, "Key") != "key" {
				t.Errorf("%s was deleted meanwhile: %d %s", target, a.status, a.body)
			}
		}
		if a := begin(target)(); a.status != 200 {
			t.Errorf("%s, begun again: %d %s", target, a.status, a.body)
		}
	}
	if a := begin("/unversioned/other")(); a.status != 200 {
		t.Errorf("never there: %d %s", a.status, a.body)
	}
}

// TestRefusalsInOrder: of several things wrong, Amazon names the bucket first, and who is no grantee before that lists are off.
func TestRefusalsInOrder(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.put(t, "/bkt/key", "body")
	acl := func(id string) string {
		return `<AccessControlPolicy><Owner/><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">` +
			`<ID>` + id + `</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`
	}
	someone := f.party("someone").canonical
	for name, c := range map[string]struct {
		method, target, body, header, code, has string
	}{
		"bucket's list for nobody":      {"PUT", "/bkt?acl", acl("nobody"), "", "InvalidArgument", "<ArgumentName>CanonicalUser/ID</ArgumentName>"},
		"bucket's list for somebody":    {"PUT", "/bkt?acl", acl(someone), "", "AccessControlListNotSupported", ""},
		"bucket's list, header, nobody": {"PUT", "/bkt?acl", "", "x-amz-grant-write: id=nobody", "InvalidArgument", "<ArgumentName>id</ArgumentName>"},
		"object's list for nobody":      {"PUT", "/bkt/key?acl", acl("nobody"), "", "InvalidArgument", "<ArgumentValue>nobody</ArgumentValue>"},
		"object's list for somebody":    {"PUT", "/bkt/key?acl", acl(someone), "", "AccessControlListNotSupported", ""},
		"new object, nobody":            {"PUT", "/bkt/new", "body", "x-amz-grant-read: id=nobody", "InvalidArgument", "<ArgumentName>id</ArgumentName>"},
		"new object, somebody":          {"PUT", "/bkt/new", "body", "x-amz-grant-read: id=" + someone, "AccessControlListNotSupported", ""},
		"no bucket, not XML":            {"PUT", "/nobody?versioning", "<", "", "NoSuchBucket", "<BucketName>nobody</BucketName>"},
		"no bucket, not what is wanted": {"PUT", "/nobody?encryption", "<ServerSideEncryptionConfiguration/>", "", "NoSuchBucket", ""},
		"no bucket, tags":               {"PUT", "/nobody?tagging", "<Tagging/>", "", "NoSuchBucket", ""},
		"no bucket, retention":          {"PUT", "/nobody/key?retention", "<Retention><Mode>X</Mode></Retention>", "", "NoSuchBucket", ""},
		"no bucket, policy":             {"PUT", "/nobody?policy", "{", "", "NoSuchBucket", ""},
		"no bucket, delete nothing":     {"POST", "/nobody?delete", "<Delete/>", "", "NoSuchBucket", ""},
		"a bucket, not XML":             {"PUT", "/bkt?versioning", "<", "", "MalformedXML", ""},
	} {
		var header []string
		if c.header != "" {
			header = []string{c.header}
		}
		a := f.do(c.method, c.target, c.body, header...)
		if a.code() != c.code || !strings.Contains(a.body, c.has) {
			t.Errorf("%s: %d %s, want %s %s", name, a.status, a.body, c.code, c.has)
		}
	}
}

// TestChecksumOfCompletion: which checksums of the whole Amazon takes, and what it says of others.
func TestChecksumOfCompletion(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	h := sha256.Sum256([]byte("part"))
	sum := base64.StdEncoding.EncodeToString(h[:])
	h = sha256.Sum256(h[:])
	whole := base64.StdEncoding.EncodeToString(h[:])
	crc := crc32Of("part")
	const full, composite = "x-amz-checksum-type: FULL_OBJECT", "x-amz-checksum-type: COMPOSITE"
	sha, crc32 := "x-amz-checksum-sha256: ", "x-amz-checksum-crc32: "
	mismatch := func(alg string) string { return "The " + alg + " you specified did not match the calculated checksum." }
	mode := func(m string) string {
		return "The upload was created using the " + m + " checksum mode. The complete request must use the same checksum mode."
	}
	for name, c := range map[string]struct {
		begun, sent   []string
		listed        string // the checksum of the part in the document
		code, message string
	}{
		"composite":                       {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{sha + whole + "-1"}, sum, "", ""},
		"composite, without the count":    {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{sha + whole}, sum, "", ""},
		"composite, type":                 {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{sha + whole + "-1", composite}, sum, "", ""},
		"composite, wrong":                {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{sha + sum}, sum, "BadDigest", mismatch("sha256")},
		"composite, malformed":            {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{sha + "bad"}, sum, "BadDigest", mismatch("sha256")},
		"composite, malformed, no part's": {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{sha + "bad"}, "", "BadDigest", mismatch("sha256")},
		"composite, no part's": {[]string{"x-amz-checksum-algorithm: SHA256"}, nil, "", "InvalidRequest",
			"The upload was created using a sha256 checksum. The complete request must include the checksum for each part. It was missing for part 1 in the request."},
		"composite, type and no part's":   {[]string{"x-amz-checksum-algorithm: SHA256"}, []string{full}, "", "InvalidRequest", mode("COMPOSITE")},
		"whole":                           {[]string{"x-amz-checksum-algorithm: CRC32", full}, []string{crc32 + crc, full}, "", "", ""},
		"whole, no type":                  {[]string{"x-amz-checksum-algorithm: CRC32", full}, []string{crc32 + crc}, "", "BadDigest", mismatch("crc32")},
		"whole, as composite":             {[]string{"x-amz-checksum-algorithm: CRC32", full}, []string{crc32 + crc + "-1"}, "", "BadDigest", mismatch("crc32")},
		"whole, other algorithm":          {[]string{"x-amz-checksum-algorithm: CRC32", full}, []string{sha + sum}, "", "BadDigest", mismatch("crc32")},
		"whole, other algorithm and type": {[]string{"x-amz-checksum-algorithm: CRC32", full}, []string{sha + sum, full}, "", "BadDigest", mismatch("crc32")},
		"whole, other type":               {[]string{"x-amz-checksum-algorithm: CRC32", full}, []string{composite}, "", "InvalidRequest", mode("FULL_OBJECT")},
		"none asked, other algorithm":     {nil, []string{crc32 + crc + "-2"}, "", "", ""},
		"none asked, type":                {nil, []string{full}, "", "InvalidRequest", mode("null")},
		"none asked, wrong":               {nil, []string{"x-amz-checksum-crc64nvme: AAAAAAAAAAA="}, "", "BadDigest", mismatch("crc64nvme")},
	} {
		id := element(f.do("POST", "/bkt/key?uploads", "", c.begun...).body, "UploadId")
		etag := f.put(t, "/bkt/key?partNumber=1&uploadId="+id, "part").header.Get("ETag")
		if c.listed != "" {
			c.listed = "<ChecksumSHA256>" + c.listed + "</ChecksumSHA256>"
		}
		a := f.do("POST", "/bkt/key?uploadId="+id, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag>%s</Part></CompleteMultipartUpload>",
			etag, c.listed), c.sent...)
		if a.code() != c.code || element(a.body, "Message") != c.message {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestWords: what Amazon's errors name, and what not.
func TestWords(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.put(t, "/lck", "", "x-amz-bucket-object-lock-enabled: true")
	f.put(t, "/lck/key", "body", md5Header("body"))
	upload := func(header ...string) string {
		return element(f.do("POST", "/bkt/key?uploads", "", header...).body, "UploadId")
	}
	customer := customerKey("AES256", zeroKey, zeroKeyMD5)
	other := md5Header("other")
	for name, c := range map[string]struct {
		got       answer
		code      string
		has, none []string
	}{
		"digest of an object": {f.do("PUT", "/bkt/key", "body", other), "BadDigest",
			[]string{"<ExpectedDigest>795f3202b17cb6bc3d4b771d8c6c9eaf</ExpectedDigest>", "<CalculatedDigest>hBotaJrYa9FhFEdFPCLG/A==</CalculatedDigest>"}, nil},
		"digest of a part": {f.do("PUT", "/bkt/key?partNumber=1&uploadId="+upload(), "body", other), "BadDigest",
			[]string{"<ExpectedDigest>eV8yArF8trw9S3cdjGyerw==</ExpectedDigest>", "<CalculatedDigest>hBotaJrYa9FhFEdFPCLG/A==</CalculatedDigest>"}, nil},
		"a customer's key for the part of an encrypted upload": {f.do("PUT", "/bkt/key?partNumber=1&uploadId="+upload("x-amz-server-side-encryption: AES256"), "body", customer...),
			"InvalidRequest", []string{"Subsequent part requests must include the appropriate encryption parameters."}, nil},
		"a customer's key for the part of a plain upload": {f.do("PUT", "/bkt/key?partNumber=1&uploadId="+upload(), "body", customer...),
			"InvalidRequest", []string{"did not request encryption"}, nil},
		"retention that is over": {f.do("PUT", "/lck/key?retention", "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2020-01-01T00:00:00Z</RetainUntilDate></Retention>"),
			"InvalidArgument", []string{"<ArgumentName>RetainUntilDate</ArgumentName>", "<ArgumentValue>Wed Jan 01 00:00:00 UTC 2020</ArgumentValue>"}, nil},
		"hold without a document": {f.do("PUT", "/lck/key?legal-hold", ""), "MalformedXML", nil, nil},
		"ownership":               {f.do("PUT", "/new", "", "x-amz-object-ownership: Everybody"), "InvalidArgument", []string{"header: Everybody<"}, []string{"ArgumentValue"}},
		"tag of the system": {f.do("PUT", "/new", "<CreateBucketConfiguration><Tags><Tag><Key>aws:a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>"),
			"InvalidTag", []string{"User-defined tag keys can't start with &quot;aws:&quot;."}, []string{"TagKey"}},
		"list for an owner who is nobody": {f.do("PUT", "/bkt?acl", "<AccessControlPolicy><Owner><ID>wrong-id</ID></Owner><AccessControlList/></AccessControlPolicy>"),
			"InvalidArgument", []string{"<ArgumentName>CanonicalUser/ID</ArgumentName>", "<ArgumentValue>wrong-id</ArgumentValue>"}, nil},
	} {
		missing := func(s string) bool { return !strings.Contains(c.got.body, s) }
		if c.got.code() != c.code || slices.ContainsFunc(c.has, missing) || slices.ContainsFunc(c.none, func(s string) bool { return !missing(s) }) {
			t.Errorf("%s: %d %s, want %s", name, c.got.status, c.got.body, c.code)
		}
	}

	// The region of buckets shows when a listing is asked for some of them.
	for target, want := range map[string]bool{"/": false, "/?max-buckets=5": true, "/?prefix=b": true, "/?bucket-region=us-east-1": true} {
		if a := f.do("GET", target, ""); strings.Contains(a.body, "<BucketRegion>us-east-1</BucketRegion>") != want || !strings.Contains(a.body, "<Name>bkt</Name>") {
			t.Errorf("%s: %s", target, a.body)
		}
	}
}

// TestUploadWithCustomerKey: completing it needs no key and makes no checksum, unless the upload was begun with one.
func TestUploadWithCustomerKey(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	customer := customerKey("AES256", zeroKey, zeroKeyMD5)
	for _, asked := range []bool{false, true} {
		header := customer
		if asked {
			header = append([]string{"x-amz-checksum-algorithm: CRC64NVME"}, customer...)
		}
		id := element(f.do("POST", "/bkt/key?uploads", "", header...).body, "UploadId")
		etag := f.put(t, "/bkt/key?partNumber=1&uploadId="+id, "part", customer...).header.Get("ETag")
		complete := func(header ...string) answer {
			return f.do("POST", "/bkt/key?uploadId="+id, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>", etag), header...)
		}
		var a answer
		if asked {
			if a = complete(); a.code() != "InvalidRequest" {
				t.Errorf("without the key: %d %s", a.status, a.body)
			}
			a = complete(customer...)
		} else {
			a = complete()
		}
		if a.status != 200 || (element(a.body, "ChecksumCRC64NVME") != "") != asked {
			t.Errorf("asked %v: %d %s", asked, a.status, a.body)
		}
		h := f.do("GET", "/bkt/key", "", append([]string{"x-amz-checksum-mode: ENABLED"}, customer...)...)
		if h.body != "part" || (h.header.Get("x-amz-checksum-crc64nvme") != "") != asked {
			t.Errorf("asked %v: %q %v", asked, h.body, h.header)
		}
	}
}

// A new bucket is at its path in the first region, and at its address in others, where it has one.
func TestLocationOfNewBuckets(t *testing.T) {
	f := start(t)
	const far = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
	for _, c := range []struct{ target, body, host, want string }{
		{"/first", "", "s3.example.test", "/first"},
		{"/named", far, "s3.example.test:9000", "http://named.s3.example.test:9000/"},
		{"/", far, "virtual.s3.example.test", "http://virtual.s3.example.test/"},
		{"/path", far, f.addr, "/path"}, // it has no other
	} {
		if a := f.do("PUT", c.target, c.body, "Host: "+c.host); a.status != 200 || a.header.Get("Location") != c.want {
			t.Errorf("%s at %s: %d %q, want %q", c.target, c.host, a.status, a.header.Get("Location"), c.want)
		}
	}
}

// Of the operations on tags, reading alone names the bucket of a key that is not there.
func TestTagsOfNothing(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	for method, want := range map[string]string{"GET": "bkt/none", "PUT": "none", "DELETE": "none"} {
		body := map[string]string{"PUT": "<Tagging><TagSet></TagSet></Tagging>"}[method]
		if a := f.do(method, "/bkt/none?tagging", body); a.code() != "NoSuchKey" || element(a.body, "Key") != want {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
}
