package s3api_test

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aureole-cloud/aureole/core/dialect"
	"github.com/aureole-cloud/aureole/s3api"
)

// short is the status and code of an answer, and what of it the test is about.
func (a answer) short(more ...string) string {
	return strings.Join(append([]string{strings.TrimSpace(fmt.Sprint(a.status, " ", a.code()))}, more...), " ")
}

// begun is an upload under way.
type begun struct {
	f          *fixture
	target, id string
	listed     []string // elements Part
}

func (f *fixture) begin(t *testing.T, target string, header ...string) *begun {
	t.Helper()
	a := f.do("POST", target+"?uploads", "", header...)
	if a.status != 200 {
		t.Fatalf("begin: %d %s", a.status, a.body)
	}
	return &begun{f: f, target: target, id: element(a.body, "UploadId")}
}

// part uploads a part and lists it for the completion.
func (u *begun) part(t *testing.T, n int, body string, header ...string) *begun {
	t.Helper()
	a := u.f.put(t, fmt.Sprintf("%s?partNumber=%d&uploadId=%s", u.target, n, u.id), body, header...)
	u.listed = append(u.listed, fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, a.header.Get("ETag")))
	return u
}

func (u *begun) complete(header ...string) answer {
	return u.f.do("POST", u.target+"?uploadId="+u.id, "<CompleteMultipartUpload>"+strings.Join(u.listed, "")+"</CompleteMultipartUpload>", header...)
}

// made completes an upload that can be.
func (u *begun) made(t *testing.T, header ...string) {
	t.Helper()
	if a := u.complete(header...); a.status != 200 {
		t.Fatalf("complete: %d %s", a.status, a.body)
	}
}

// customer is the headers of a key of SSE-C.
func customer(key string) []string {
	key = strings.Repeat(key, 32)
	sum := md5.Sum([]byte(key))
	const prefix = "x-amz-server-side-encryption-customer-"
	return []string{prefix + "algorithm: AES256", prefix + "key: " + base64.StdEncoding.EncodeToString([]byte(key)),
		prefix + "key-MD5: " + base64.StdEncoding.EncodeToString(sum[:])}
}

func TestDialectObjects(t *testing.T) {
	const sumsAsked, crc32Asked = "x-amz-checksum-algorithm: SHA256", "x-amz-checksum-algorithm: CRC32"
	big := strings.Repeat("5", 5<<20) // a part that is not the last
	compare(t, []difference{
		{"AbsentPartInvalid", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("absent-part")
			f.put(t, b+"/plain", "body")
			f.begin(t, b+"/parts").part(t, 3, "body").made(t)
			f.put(t, b+"/sealed", "body", customer("k")...)
			return f.do("GET", b+"/plain?partNumber=2", "").short() + "; " + f.do("GET", b+"/parts?partNumber=1", "").short() + "; " +
				f.do("GET", b+"/parts?partNumber=3", "").short() + "; " + f.do("GET", b+"/sealed?partNumber=2", "").short() + "; " +
				f.do("GET", b+"/sealed?partNumber=1", "").short()
		}, "416 InvalidPartNumber; 416 InvalidPartNumber; 206; 400 InvalidRequest; 400 InvalidRequest",
			"400 InvalidPart; 400 InvalidPart; 206; 400 InvalidPart; 400 InvalidRequest"},

		{"PartsKeepChecksums", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("part-checksums")
			f.begin(t, b+"/key", crc32Asked, "x-amz-checksum-type: FULL_OBJECT").part(t, 1, big).part(t, 2, "end").made(t)
			a := f.do("GET", b+"/key?partNumber=2", "", "x-amz-checksum-mode: ENABLED")
			return strings.TrimSpace(a.body + " " + a.header.Get("x-amz-checksum-crc32") + " " + a.header.Get("x-amz-checksum-type"))
		}, "end", "end " + crc32Of("end") + " FULL_OBJECT"},

		{"MalformedChecksumDiffers", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("malformed-checksum")
			r := newRequest("PUT", b+"/trailer", "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:bad\r\n\r\n", "x-amz-trailer: x-amz-checksum-crc32",
				"x-amz-decoded-content-length: 4", "Content-Encoding: aws-chunked")
			r.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
			return f.do("PUT", b+"/key", "body", "x-amz-checksum-sha256: bad").short() + "; " + f.send(r).short() + "; " +
				f.do("PUT", b+"/key", "body", "x-amz-checksum-crc32: "+crc32Of("other")).short() + "; " + f.do("GET", b+"/key", "").short()
		}, "400 InvalidRequest; 400 InvalidRequest; 400 BadDigest; 404 NoSuchKey",
			"400 BadDigest; 400 BadDigest; 400 BadDigest; 404 NoSuchKey"},

		{"ChecksumTypeImplied", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("implied-type")
			begin := func() *begun {
				return f.begin(t, b+"/key", crc32Asked, "x-amz-checksum-type: FULL_OBJECT").part(t, 1, "body")
			}
			return begin().complete("x-amz-checksum-crc32: "+crc32Of("body")).short() + "; " +
				begin().complete("x-amz-checksum-crc32: "+crc32Of("other")).short() + "; " +
				begin().complete("x-amz-checksum-crc32: "+crc32Of("body"), "x-amz-checksum-type: FULL_OBJECT").short()
		}, "400 BadDigest; 400 BadDigest; 200", "200; 400 BadDigest; 200"},

		{"PartChecksumsOptional", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("optional-checksums")
			return f.begin(t, b+"/key", sumsAsked).part(t, 1, "body").complete().short()
		}, "400 InvalidRequest", "200"},

		{"AttributesCountParts", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("counted-parts")
			u := f.begin(t, b+"/key", crc32Asked, "x-amz-checksum-type: COMPOSITE").part(t, 1, "body")
			u.listed = []string{strings.Replace(u.listed[0], "</Part>", "<ChecksumCRC32>"+crc32Of("body")+"</ChecksumCRC32></Part>", 1)}
			u.made(t)
			shown := element(f.do("GET", b+"/key?attributes", "", "x-amz-object-attributes: Checksum").body, "ChecksumCRC32")
			whole := f.do("HEAD", b+"/key", "", "x-amz-checksum-mode: ENABLED").header.Get("x-amz-checksum-crc32")
			return strings.Replace(shown, strings.TrimSuffix(whole, "-1"), "sum", 1) // what differs is the end
		}, "sum", "sum-1"},

		{"AttributesListParts", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("listed-parts")
			f.begin(t, b+"/key").part(t, 2, big).part(t, 5, "end").made(t)
			f.put(t, b+"/plain", "body")
			page := func(key string, header ...string) string {
				a := f.do("GET", b+key+"?attributes", "", append(header, "x-amz-object-attributes: ObjectParts")...)
				return fmt.Sprintf("%s of %s, %s then %s", element(a.body, "Size"), element(a.body, "PartsCount"), element(a.body, "IsTruncated"),
					element(a.body, "NextPartNumberMarker"))
			}
			return page("/key", "x-amz-max-parts: 1") + "; " + page("/key", "x-amz-part-number-marker: 2") + "; " + page("/plain")
		}, " of 2,  then ;  of 2,  then ;  of ,  then ", "5242880 of 2, true then 2; 3 of 2, false then 5;  of ,  then "},

		{"WriteConditionsByETag", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("conditions")
			var all []string
			etag := f.put(t, b+"/key", "body").header.Get("ETag")
			for _, condition := range []string{"If-None-Match: " + etag, "If-None-Match: other", "If-Match: *", "If-Match: other"} {
				all = append(all, f.do("PUT", b+"/key", "body", condition).short(), f.begin(t, b+"/key").part(t, 1, "body").complete(condition).short())
				f.put(t, b+"/key", "body")
			}
			all = append(all, f.do("PUT", b+"/none", "body", "If-Match: *").short(), f.do("PUT", b+"/none", "body", "If-None-Match: "+etag).short())
			late := f.begin(t, b+"/key").part(t, 1, "body")
			f.do("DELETE", b+"/key", "")
			return strings.Join(append(all, late.complete("If-None-Match: *").short()), "; ")
		}, "501 NotImplemented; 501 NotImplemented; 501 NotImplemented; 501 NotImplemented; 501 NotImplemented; 501 NotImplemented; " +
			"412 PreconditionFailed; 412 PreconditionFailed; 501 NotImplemented; 501 NotImplemented; 409 ConditionalRequestConflict",
			"412 PreconditionFailed; 412 PreconditionFailed; 200; 200; 200; 200; " +
				"412 PreconditionFailed; 412 PreconditionFailed; 404 NoSuchKey; 200; 200"},

		{"AnonymousUploads", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("anonymous-uploads")
			f.putPolicy("anonymous-uploads", `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::anonymous-uploads/*"}`)
			return f.anonymous("PUT", b+"/key", "").short() + "; " + f.anonymous("POST", b+"/key?uploads", "").short()
		}, "200; 403 AccessDenied", "200; 200"},

		{"PartsInAnyOrder", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("any-order")
			back := f.begin(t, b+"/back").part(t, 2, "end").part(t, 1, big)
			twice := f.begin(t, b+"/twice").part(t, 1, "first").part(t, 1, "second")
			old := f.begin(t, b+"/old").part(t, 1, "first").part(t, 1, "second")
			old.listed[0], old.listed[1] = old.listed[1], old.listed[0]
			return back.complete().short() + "; " + twice.complete().short() + "; " + old.complete().short() + "; " +
				f.do("HEAD", b+"/back", "").header.Get("Content-Length") + " " + f.do("HEAD", b+"/twice", "").header.Get("Content-Length")
		}, "400 InvalidPartOrder; 400 InvalidPartOrder; 400 InvalidPartOrder;  ", "200; 200; 400 InvalidPart; 5242883 6"},

		{"EmptyCompletionMalformed", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("empty-completion")
			u := f.begin(t, b+"/key").part(t, 1, "body")
			return f.do("POST", u.target+"?uploadId="+u.id, "").short() + "; " + f.do("POST", u.target+"?uploadId=none", "").short()
		}, "400 InvalidRequest; 404 NoSuchUpload", "400 MalformedXML; 400 MalformedXML"},

		{"CopyRangeUnsatisfied", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("copy-range")
			f.put(t, b+"/source", "12345")
			u := f.begin(t, b+"/key")
			ranged := func(r string) string {
				return f.do("PUT", u.target+"?partNumber=1&uploadId="+u.id, "", "x-amz-copy-source: "+b+"/source", "x-amz-copy-source-range: bytes="+r).short()
			}
			return ranged("0-21") + "; " + ranged("7-21") + "; " + ranged("0-4") + "; " + ranged("junk")
		}, "400 InvalidArgument; 400 InvalidRequest; 200; 400 InvalidArgument", "416 InvalidRange; 416 InvalidRange; 200; 400 InvalidArgument"},

		{"AbsenceTellsMarker", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("absence")
			f.put(t, b+"/there", "body")
			marker := func(method, key string) string {
				a := f.do(method, b+key, "")
				return strings.TrimSpace(fmt.Sprint(a.status, " ", a.header.Get("x-amz-delete-marker")))
			}
			all := []string{marker("HEAD", "/none"), marker("GET", "/none"), marker("GET", "/there"), marker("DELETE", "/none")}
			f.versioning("absence", "Enabled")
			f.do("DELETE", b+"/there", "")
			return strings.Join(append(all, marker("HEAD", "/there")), "; ")
		}, "404; 404; 200; 204; 404 true", "404 false; 404 false; 200; 204; 404 true"},

		{"OtherCustomerKeyInvalid", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("other-key")
			f.put(t, b+"/key", "body", customer("k")...)
			return f.do("GET", b+"/key", "", customer("o")...).short() + "; " + f.do("GET", b+"/key", "").short() + "; " +
				f.do("GET", b+"/key", "", customer("k")...).short()
		}, "403 AccessDenied; 400 InvalidRequest; 200", "400 InvalidArgument; 400 InvalidRequest; 200"},

		{"CompletionNeedsCustomerKey", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("completion-key")
			u := f.begin(t, b+"/key", customer("k")...).part(t, 1, "body", customer("k")...)
			plain := f.begin(t, b+"/plain").part(t, 1, "body")
			other := u.complete(customer("o")...).short()
			without := u.complete().short()
			again := f.begin(t, b+"/key", customer("k")...).part(t, 1, "body", customer("k")...).complete(customer("k")...)
			return other + "; " + without + "; " + again.short(again.header.Get("x-amz-server-side-encryption-customer-algorithm")) + "; " + plain.complete().short()
		}, "400 InvalidRequest; 200; 200 ; 200", "400 InvalidRequest; 400 InvalidRequest; 200 AES256; 200"},

		{"KMSKeyMustBeNamed", func(t *testing.T, f *fixture) string {
			b := "/" + f.bucket("named-key")
			const kms = "x-amz-server-side-encryption: aws:kms"
			f.put(t, b+"/plain", "body")
			return f.do("PUT", b+"/key", "body", kms).short() + "; " + f.do("POST", b+"/key?uploads", "", kms).short() + "; " +
				f.do("PUT", b+"/key", "", kms, "x-amz-copy-source: "+b+"/plain").short() + "; " +
				f.do("PUT", b+"/key", "body", kms, "x-amz-server-side-encryption-aws-kms-key-id: alias/aws/s3").short()
		}, "200; 200; 200; 200", "400 InvalidArgument; 400 InvalidArgument; 400 InvalidArgument; 200"},
	})
}

// TestDialectConditionsAreAtomic: of writers that each want no object of their own content, the first one writes.
func TestDialectConditionsAreAtomic(t *testing.T) {
	f := start(t, func(c *s3api.Config) { c.Dialect = dialect.Ceph() })
	b := "/" + f.bucket("atomic")
	etag := f.put(t, b+"/sample", "new").header.Get("ETag")
	f.put(t, b+"/key", "old")
	const writers = 12
	outcomes := make([]answer, writers)
	var all sync.WaitGroup
	for i := range writers {
		if i%2 == 0 {
			all.Go(func() { outcomes[i] = f.do("PUT", b+"/key", "new", "If-None-Match: "+etag) })
			continue
		}
		u := f.begin(t, b+"/key").part(t, 1, "new")
		all.Go(func() { outcomes[i] = u.complete("If-Match: " + `"149603e6c03516362a8da23f624db945"`) }) // the MD5 of "old"
	}
	all.Wait()
	wrote := 0
	for _, a := range outcomes {
		switch {
		case a.status == 200:
			wrote++
		case a.status != 412 || a.code() != "PreconditionFailed":
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	// A completion and a PUT may both win, in this order: the ETag of an upload is not the one that the PUTs are about.
	if wrote != 1 && wrote != 2 {
		t.Errorf("%d writers of %d wrote", wrote, writers)
	}
}
