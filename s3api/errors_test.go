package s3api_test

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

func md5Header(body string) string {
	sum := md5.Sum([]byte(body))
	return "Content-MD5: " + base64.StdEncoding.EncodeToString(sum[:])
}

// TestErrors sends requests that are wrong in one way each.
func TestErrors(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	f.bucket("full")
	for _, target := range []string{"/bkt/key", "/full/key"} {
		if a := f.do("PUT", target, "0123456789"); a.status != 200 {
			t.Fatalf("setup: %d %s", a.status, a.body)
		}
	}
	up := f.do("POST", "/bkt/multi?uploads", "")
	upload := element(up.body, "UploadId")
	if upload == "" {
		t.Fatalf("setup: %d %s", up.status, up.body)
	}
	small := f.do("PUT", "/bkt/multi?partNumber=1&uploadId="+upload, "small")
	f.do("PUT", "/bkt/multi?partNumber=2&uploadId="+upload, "small")
	etag := small.header.Get("ETag")
	part := func(n int, etag string) string {
		return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, etag)
	}
	complete := func(parts ...string) string {
		return "<CompleteMultipartUpload>" + strings.Join(parts, "") + "</CompleteMultipartUpload>"
	}
	deletes := func(n int) string {
		return "<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", n) + "</Delete>"
	}
	long := strings.Repeat("k", 1025)
	bomb := `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>`

	for name, c := range map[string]struct {
		method, target, body string
		header               []string
		status               int
		code                 string
		has                  []string // further things the body must contain
	}{
		"no such bucket":              {"GET", "/nobody/key", "", nil, 404, "NoSuchBucket", []string{"<BucketName>nobody</BucketName>"}},
		"no such bucket, list":        {"GET", "/nobody", "", nil, 404, "NoSuchBucket", nil},
		"no such key":                 {"GET", "/bkt/nothing", "", nil, 404, "NoSuchKey", []string{"<Key>nothing</Key>"}},
		"version malformed":           {"GET", "/bkt/key?versionId=nonsense", "", nil, 400, "InvalidArgument", nil},
		"bucket not empty":            {"DELETE", "/full", "", nil, 409, "BucketNotEmpty", nil},
		"bucket name":                 {"PUT", "/No_Good", "", nil, 400, "InvalidBucketName", []string{"<BucketName>No_Good</BucketName>"}},
		"directory bucket name":       {"PUT", "/name--use1-az1--x-s3", "", nil, 400, "InvalidBucketName", nil},
		"location":                    {"PUT", "/newb", "<CreateBucketConfiguration><LocationConstraint>a/b</LocationConstraint></CreateBucketConfiguration>", nil, 400, "InvalidLocationConstraint", nil},
		"bucket public":               {"PUT", "/newb", "", []string{"x-amz-acl: public-read"}, 400, "InvalidBucketAclWithObjectOwnership", nil},
		"bucket acl unknown":          {"PUT", "/newb", "", []string{"x-amz-acl: nonsense"}, 400, "InvalidArgument", nil},
		"bucket body malformed":       {"PUT", "/newb", "<Create", nil, 400, "MalformedXML", nil},
		"bucket body of another kind": {"PUT", "/newb", "<Delete></Delete>", nil, 400, "MalformedXML", nil},
		"key too long":                {"PUT", "/bkt/" + long, "x", nil, 400, "KeyTooLongError", []string{"<MaxSizeAllowed>1024</MaxSizeAllowed>"}},
		"key no UTF-8":                {"PUT", "/bkt/%ff%fe", "x", nil, 400, "InvalidURI", nil},
		"key with NUL":                {"PUT", "/bkt/a%00b", "x", nil, 400, "InvalidURI", nil},
		"method":                      {"PATCH", "/bkt/key", "", nil, 405, "MethodNotAllowed", []string{"<ResourceType>OBJECT</ResourceType>"}},
		"method unknown":              {"BREW", "/bkt/key", "", nil, 405, "MethodNotAllowed", nil},
		"method on service":           {"POST", "/", "", nil, 405, "MethodNotAllowed", nil},
		"sub-resource with method":    {"POST", "/bkt?versioning", "", nil, 405, "MethodNotAllowed", nil},
		"sub-resources in conflict":   {"GET", "/bkt?acl&tagging", "", nil, 400, "InvalidArgument", nil},
		"not built":                   {"POST", "/bkt?metadataTable", "{}", nil, 501, "NotImplemented", nil},
		"not built, object":           {"GET", "/bkt/key?annotation", "", nil, 501, "NotImplemented", nil},
		"select of another type":      {"POST", "/bkt/key?select", "", nil, 400, "InvalidArgument", nil},
		"no policy":                   {"GET", "/bkt?policy", "", nil, 404, "NoSuchBucketPolicy", nil},
		"no cors":                     {"GET", "/bkt?cors", "", nil, 404, "NoSuchCORSConfiguration", nil},
		"no lifecycle":                {"GET", "/bkt?lifecycle", "", nil, 404, "NoSuchLifecycleConfiguration", nil},
		"no website":                  {"GET", "/bkt?website", "", nil, 404, "NoSuchWebsiteConfiguration", nil},
		"no encryption":               {"GET", "/bkt?encryption", "", nil, 404, "ServerSideEncryptionConfigurationNotFoundError", nil},
		"no replication":              {"GET", "/bkt?replication", "", nil, 404, "ReplicationConfigurationNotFoundError", nil},
		"no lock":                     {"GET", "/bkt?object-lock", "", nil, 404, "ObjectLockConfigurationNotFoundError", nil},
		"no tags":                     {"GET", "/bkt?tagging", "", nil, 404, "NoSuchTagSet", nil},
		"no configuration":            {"GET", "/bkt?inventory&id=x", "", nil, 404, "NoSuchConfiguration", nil},
		"sub-resource of no bucket":   {"GET", "/nobody?policy", "", nil, 404, "NoSuchBucket", nil},
		"retention":                   {"GET", "/bkt/key?retention", "", nil, 400, "InvalidRequest", nil},
		"encryption unknown":          {"PUT", "/bkt/k", "x", []string{"x-amz-server-side-encryption: AES512"}, 400, "InvalidArgument", []string{"<ArgumentName>x-amz-server-side-encryption</ArgumentName>"}},
		"encryption of a read":        {"GET", "/bkt/key", "", []string{"x-amz-server-side-encryption: AES256"}, 400, "InvalidArgument", nil},
		"key without kms":             {"PUT", "/bkt/k", "x", []string{"x-amz-server-side-encryption: AES256", "x-amz-server-side-encryption-aws-kms-key-id: x"}, 400, "InvalidArgument", nil},
		"key unknown":                 {"PUT", "/bkt/k", "x", []string{"x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: alias/x"}, 400, "KMS.NotFoundException", nil},
		"encryption context":          {"PUT", "/bkt/k", "x", []string{"x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-context: e30x"}, 400, "InvalidArgument", nil},
		"bucket key":                  {"PUT", "/bkt/k", "x", []string{"x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-bucket-key-enabled: x"}, 400, "InvalidArgument", nil},
		"customer key missing":        {"GET", "/bkt/key", "", []string{"x-amz-server-side-encryption-customer-algorithm: AES256"}, 400, "InvalidArgument", []string{"must provide an appropriate secret key"}},
		"customer algorithm missing":  {"GET", "/bkt/key", "", []string{"x-amz-server-side-encryption-customer-key: eA=="}, 400, "InvalidArgument", []string{"must provide a valid encryption algorithm"}},
		"customer MD5 missing":        {"GET", "/bkt/key", "", []string{"x-amz-server-side-encryption-customer-algorithm: AES256", "x-amz-server-side-encryption-customer-key: eA=="}, 400, "InvalidArgument", []string{"must provide the client calculated MD5"}},
		"customer algorithm":          {"GET", "/bkt/key", "", customerKey("AES128", zeroKey, zeroKeyMD5), 400, "InvalidEncryptionAlgorithmError", []string{"<ArgumentValue>AES128</ArgumentValue>"}},
		"customer key short":          {"GET", "/bkt/key", "", customerKey("AES256", "eA==", zeroKeyMD5), 400, "InvalidArgument", []string{"The secret key was invalid"}},
		"customer key no base64":      {"GET", "/bkt/key", "", customerKey("AES256", "!", zeroKeyMD5), 400, "InvalidArgument", nil},
		"customer MD5 wrong":          {"GET", "/bkt/key", "", customerKey("AES256", zeroKey, "eA=="), 400, "InvalidArgument", []string{"The calculated MD5 hash"}},
		"customer key and encryption": {"PUT", "/bkt/k", "x", append(customerKey("AES256", zeroKey, zeroKeyMD5), "x-amz-server-side-encryption: AES256"), 400, "InvalidArgument", []string{"is incompatible"}},
		"customer key, any, and encryption": {"PUT", "/bkt/k", "x", append(customerKey("KMS", zeroKey, zeroKeyMD5), "x-amz-server-side-encryption: AES256"), 400, "InvalidArgument",
			[]string{"is incompatible", "<ArgumentValue>AES256</ArgumentValue>"}},
		"customer key of plain object": {"GET", "/bkt/key", "", customerKey("AES256", zeroKey, zeroKeyMD5), 400, "InvalidRequest", []string{"not applicable to this object"}},
		"encryption rules":             {"PUT", "/bkt?encryption", `<ServerSideEncryptionConfiguration/>`, nil, 400, "MalformedXML", nil},
		"encryption rule":              {"PUT", "/bkt?encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>x</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`, nil, 400, "MalformedXML", nil},
		"encryption rule key":          {"PUT", "/bkt?encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>x</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`, nil, 400, "InvalidArgument", nil},
		"no encryption rule":           {"GET", "/bkt?encryption", "", nil, 404, "ServerSideEncryptionConfigurationNotFoundError", nil},
		"append":                       {"PUT", "/bkt/k", "x", []string{"x-amz-write-offset-bytes: 10"}, 501, "NotImplemented", nil},
		"acl public":                   {"PUT", "/bkt/k", "x", []string{"x-amz-acl: public-read"}, 400, "AccessControlListNotSupported", nil},
		"acl grant":                    {"PUT", "/bkt/k", "x", []string{"x-amz-grant-read: id=abc"}, 400, "InvalidArgument", nil},
		"acl for another":              {"PUT", "/bkt?acl", `<AccessControlPolicy><Owner><ID>abc</ID></Owner><AccessControlList><Grant><Grantee><ID>abc</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`, nil, 400, "InvalidArgument", nil},
		"acl of a bucket owner":        {"PUT", "/bkt/k", "x", []string{"x-amz-acl: bucket-owner-read"}, 400, "AccessControlListNotSupported", nil},
		"acl twice":                    {"PUT", "/bkt/k", "x", []string{"x-amz-acl: private", "x-amz-grant-read: id=abc"}, 400, "InvalidRequest", nil},
		"acl group unknown":            {"PUT", "/bkt/k", "x", []string{`x-amz-grant-read: uri="http://acs.amazonaws.com/groups/global/Some"`}, 400, "InvalidArgument", nil},
		"acl grantee malformed":        {"PUT", "/bkt/k", "x", []string{"x-amz-grant-read: abc"}, 400, "InvalidArgument", nil},
		"acl by e-mail":                {"PUT", "/bkt/k", "x", []string{"x-amz-grant-read: emailAddress=a@example.com"}, 405, "MethodNotAllowed", nil},
		"acl of nothing":               {"PUT", "/bkt?acl", "", nil, 400, "MissingSecurityHeader", nil},
		"acl without owner":            {"PUT", "/bkt?acl", `<AccessControlPolicy><AccessControlList></AccessControlList></AccessControlPolicy>`, nil, 400, "MalformedACLError", nil},
		"acl in both places":           {"PUT", "/bkt?acl", `<AccessControlPolicy><Owner><ID>abc</ID></Owner><AccessControlList></AccessControlList></AccessControlPolicy>`, []string{"x-amz-acl: private"}, 400, "UnexpectedContent", nil},
		"ownership unknown":            {"PUT", "/newb", "", []string{"x-amz-object-ownership: Everybody"}, 400, "InvalidArgument", nil},
		"ownership without rule":       {"PUT", "/bkt?ownershipControls", `<OwnershipControls></OwnershipControls>`, nil, 400, "MalformedXML", nil},
		"acl unknown":                  {"PUT", "/bkt/k", "x", []string{"x-amz-acl: nonsense"}, 400, "InvalidArgument", nil},
		"storage class":                {"PUT", "/bkt/k", "x", []string{"x-amz-storage-class: GOLD"}, 400, "InvalidStorageClass", nil},
		"redirect location":            {"PUT", "/bkt/k", "x", []string{"x-amz-website-redirect-location: elsewhere"}, 400, "InvalidRequest", nil},
		"metadata too large":           {"PUT", "/bkt/k", "x", []string{"x-amz-meta-a: " + strings.Repeat("v", 2048)}, 400, "MetadataTooLarge", []string{"<MaxSizeAllowed>2048</MaxSizeAllowed>"}},
		"md5 malformed":                {"PUT", "/bkt/k", "x", []string{"Content-MD5: abc"}, 400, "InvalidDigest", nil},
		"md5 wrong":                    {"PUT", "/bkt/k", "x", []string{md5Header("y")}, 400, "BadDigest", nil},
		"checksum malformed":           {"PUT", "/bkt/k", "x", []string{"x-amz-checksum-crc32: AAAA"}, 400, "InvalidRequest", nil},
		"checksum wrong":               {"PUT", "/bkt/k", "x", []string{"x-amz-checksum-crc32: AAAAAA=="}, 400, "BadDigest", nil},
		"checksum unknown":             {"PUT", "/bkt/k", "x", []string{"x-amz-checksum-crc16: AAAA"}, 400, "InvalidRequest", nil},
		"checksums two":                {"PUT", "/bkt/k", "x", []string{"x-amz-checksum-crc32: AAAAAA==", "x-amz-checksum-crc32c: AAAAAA=="}, 400, "InvalidRequest", nil},
		"checksum announced only":      {"PUT", "/bkt/k", "x", []string{"x-amz-sdk-checksum-algorithm: CRC32"}, 400, "InvalidRequest", nil},
		"checksum announced otherwise": {"PUT", "/bkt/k", "x", []string{"x-amz-sdk-checksum-algorithm: SHA1", "x-amz-checksum-crc32: jNyx4w=="}, 400, "InvalidRequest", nil},
		"if-none-match two tags":       {"PUT", "/bkt/k", "x", []string{`If-None-Match: "abc","def"`}, 501, "NotImplemented", nil},
		"if-none-match tag": {"PUT", "/bkt/k", "x", []string{`If-None-Match: "abc"`}, 501, "NotImplemented", []string{"<Header>If-None-Match</Header>",
			"<additionalMessage>We don't accept the provided value of If-None-Match header for this API</additionalMessage>"}},
		"if-match any": {"PUT", "/bkt/key", "x", []string{"If-Match: *"}, 501, "NotImplemented", []string{"<Header>If-Match</Header>"}},
		"complete if-none-match tag": {"POST", "/bkt/key?uploadId=x", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
			[]string{`If-None-Match: "abc"`}, 501, "NotImplemented", []string{"<Header>If-None-Match</Header>"}},
		"copy if-none-match tag":          {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: bkt/key", `If-None-Match: "abc"`}, 501, "NotImplemented", []string{"<Header>If-None-Match</Header>"}},
		"copy source none match":          {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: bkt/key", "x-amz-copy-source-if-none-match: *"}, 412, "PreconditionFailed", []string{"<Condition>x-amz-copy-source-If-None-Match</Condition>"}},
		"copy source match":               {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: bkt/key", `x-amz-copy-source-if-match: "abc"`}, 412, "PreconditionFailed", []string{"<Condition>x-amz-copy-source-If-Match</Condition>"}},
		"policy text":                     {"PUT", "/bkt?policy", "invalid json", nil, 400, "MalformedPolicy", []string{"the first byte must be '{'"}},
		"lock without a date":             {"PUT", "/bkt/k", "x", []string{"x-amz-object-lock-mode: GOVERNANCE"}, 400, "InvalidArgument", []string{"<ArgumentName>x-amz-object-lock-retain-until-date</ArgumentName>"}},
		"policy empty":                    {"PUT", "/bkt?policy", "", nil, 400, "MalformedPolicy", []string{"the first byte must be '{'"}},
		"tag key bad":                     {"PUT", "/bkt/key?tagging", "<Tagging><TagSet><Tag><Key>a,b</Key><Value>v</Value></Tag></TagSet></Tagging>", nil, 400, "InvalidTag", []string{"<TagKey>a,b</TagKey>"}},
		"tag value bad":                   {"PUT", "/bkt?tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>v,w</Value></Tag></TagSet></Tagging>", nil, 400, "InvalidTag", []string{"<TagKey>a</TagKey>", "<TagValue>v,w</TagValue>"}},
		"tag header two at once":          {"PUT", "/bkt/k", "x", []string{"x-amz-tagging: a=1,b=2"}, 400, "InvalidArgument", []string{"<ArgumentName>x-amz-tagging</ArgumentName>"}},
		"both conditions":                 {"PUT", "/bkt/k", "x", []string{`If-Match: "abc"`, "If-None-Match: *"}, 501, "NotImplemented", nil},
		"if-match wrong":                  {"PUT", "/bkt/key", "x", []string{`If-Match: "abc"`}, 412, "PreconditionFailed", []string{"<Condition>If-Match</Condition>"}},
		"read if-match wrong":             {"GET", "/bkt/key", "", []string{"If-Match: abc"}, 412, "PreconditionFailed", nil},
		"unmodified since":                {"GET", "/bkt/key", "", []string{"If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT"}, 412, "PreconditionFailed", nil},
		"range outside":                   {"GET", "/bkt/key", "", []string{"Range: bytes=10-20"}, 416, "InvalidRange", []string{"<ActualObjectSize>10</ActualObjectSize>", "<RangeRequested>bytes=10-20</RangeRequested>"}},
		"range of nothing":                {"GET", "/bkt/key", "", []string{"Range: bytes=-0"}, 416, "InvalidRange", nil},
		"part outside":                    {"GET", "/bkt/key?partNumber=2", "", nil, 416, "InvalidPartNumber", nil},
		"part zero":                       {"GET", "/bkt/key?partNumber=0", "", nil, 400, "InvalidArgument", nil},
		"part and range":                  {"GET", "/bkt/key?partNumber=1", "", []string{"Range: bytes=0-1"}, 400, "InvalidRequest", nil},
		"max-keys negative":               {"GET", "/bkt?max-keys=-1", "", nil, 400, "InvalidArgument", []string{"<ArgumentName>max-keys</ArgumentName>"}},
		"max-keys no number":              {"GET", "/bkt?max-keys=x", "", nil, 400, "InvalidArgument", nil},
		"encoding type":                   {"GET", "/bkt?encoding-type=base64", "", nil, 400, "InvalidArgument", nil},
		"continuation token":              {"GET", "/bkt?list-type=2&continuation-token=xyz", "", nil, 400, "InvalidArgument", nil},
		"max-buckets":                     {"GET", "/?max-buckets=0", "", nil, 400, "InvalidArgument", nil},
		"tag header":                      {"PUT", "/bkt/k", "x", []string{"x-amz-tagging: a=1&a=2"}, 400, "InvalidArgument", nil},
		"tag of the system":               {"PUT", "/bkt/k", "x", []string{"x-amz-tagging: aws:a=1"}, 400, "InvalidTag", nil},
		"tags eleven":                     {"PUT", "/bkt/k", "x", []string{"x-amz-tagging: a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k="}, 400, "BadRequest", nil},
		"tagging without body":            {"PUT", "/bkt/key?tagging", "", nil, 400, "MissingRequestBodyError", nil},
		"tagging of nothing":              {"PUT", "/bkt/nothing?tagging", "<Tagging><TagSet></TagSet></Tagging>", nil, 404, "NoSuchKey", nil},
		"delete without keys":             {"POST", "/bkt?delete", "<Delete></Delete>", nil, 400, "MalformedXML", nil},
		"delete 1001":                     {"POST", "/bkt?delete", deletes(1001), nil, 400, "MalformedXML", nil},
		"delete bomb":                     {"POST", "/bkt?delete", bomb, nil, 400, "MalformedXML", nil},
		"delete deep":                     {"POST", "/bkt?delete", "<Delete>" + strings.Repeat("<a>", 100), nil, 400, "MalformedXML", nil},
		"delete too long":                 {"POST", "/bkt?delete", "<Delete>" + strings.Repeat(" ", 9<<20), nil, 400, "MaxMessageLengthExceeded", nil},
		"delete unverified":               {"POST", "/bkt?delete", deletes(1), []string{"x-amz-checksum-crc32: AAAAAA=="}, 400, "BadDigest", nil},
		"delete md5":                      {"POST", "/bkt?delete", deletes(1), []string{md5Header("other")}, 400, "BadDigest", nil},
		"no such upload":                  {"PUT", "/bkt/multi?partNumber=1&uploadId=nothing", "x", nil, 404, "NoSuchUpload", []string{"<UploadId>nothing</UploadId>"}},
		"part number zero":                {"PUT", "/bkt/multi?partNumber=0&uploadId=" + upload, "x", nil, 400, "InvalidArgument", nil},
		"part number 10001":               {"PUT", "/bkt/multi?partNumber=10001&uploadId=" + upload, "x", nil, 400, "InvalidArgument", nil},
		"complete nothing":                {"POST", "/bkt/multi?uploadId=" + upload, complete(), nil, 400, "MalformedXML", nil},
		"complete without body":           {"POST", "/bkt/multi?uploadId=" + upload, "", nil, 400, "InvalidRequest", []string{"at least one part"}},
		"complete no upload without body": {"POST", "/bkt/multi?uploadId=nothing", "", nil, 404, "NoSuchUpload", []string{"<UploadId>nothing</UploadId>"}},
		"complete 10001":                  {"POST", "/bkt/multi?uploadId=" + upload, complete(strings.Repeat(part(1, etag), 10001)), nil, 400, "MalformedXML", nil},
		"complete out of order":           {"POST", "/bkt/multi?uploadId=" + upload, complete(part(2, etag), part(1, etag)), nil, 400, "InvalidPartOrder", nil},
		"complete unknown part":           {"POST", "/bkt/multi?uploadId=" + upload, complete(part(1, etag), part(7, etag)), nil, 400, "InvalidPart", nil},
		"complete malformed checksum":     {"POST", "/bkt/multi?uploadId=" + upload, complete(part(1, etag)), []string{"x-amz-checksum-crc64nvme: bad"}, 400, "BadDigest", nil},
		"complete wrong tag":              {"POST", "/bkt/multi?uploadId=" + upload, complete(part(1, "deadbeefdeadbeefdeadbeefdeadbeef")), nil, 400, "InvalidPart", nil},
		"complete too small":              {"POST", "/bkt/multi?uploadId=" + upload, complete(part(1, etag), part(2, etag)), nil, 400, "EntityTooSmall", nil},
		"copy source missing key":         {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: bkt"}, 400, "InvalidArgument", nil},
		"copy source missing":             {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: /bkt/nothing"}, 404, "NoSuchKey", []string{"<Key>nothing</Key>"}},
		"copy from no bucket":             {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: nobody/key"}, 404, "NoSuchBucket", []string{"<BucketName>nobody</BucketName>"}},
		"copy onto itself":                {"PUT", "/bkt/key", "", []string{"x-amz-copy-source: bkt/key"}, 400, "InvalidRequest", nil},
		"copy with range":                 {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: bkt/key", "x-amz-copy-source-range: bytes=0-1"}, 400, "InvalidRequest", nil},
		"copy directive":                  {"PUT", "/bkt/k", "", []string{"x-amz-copy-source: bkt/key", "x-amz-metadata-directive: KEEP"}, 400, "InvalidArgument", nil},
		"attributes unknown":              {"GET", "/bkt/key?attributes", "", []string{"x-amz-object-attributes: Colour"}, 400, "InvalidArgument", nil},
		"attributes none":                 {"GET", "/bkt/key?attributes", "", nil, 400, "InvalidRequest", nil},
		"owner malformed":                 {"GET", "/bkt/key", "", []string{"x-amz-expected-bucket-owner: me"}, 400, "InvalidBucketOwnerAWSAccountID", nil},
		"owner wrong":                     {"GET", "/bkt/key", "", []string{"x-amz-expected-bucket-owner: 999999999999"}, 403, "AccessDenied", nil},
		"form of another type":            {"POST", "/bkt", "x", nil, 412, "PreconditionFailed", nil},
		"decoded length":                  {"PUT", "/bkt/k", "x", []string{"x-amz-decoded-content-length: -5"}, 400, "InvalidArgument", nil},
		"preflight":                       {"OPTIONS", "/bkt/key", "", []string{"Origin: http://a", "Access-Control-Request-Method: GET"}, 403, "AccessForbidden", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := f.do(c.method, c.target, c.body, c.header...)
			if a.status != c.status || a.code() != c.code {
				t.Fatalf("got %d %s, want %d %s\n%.600s", a.status, a.code(), c.status, c.code, a.body)
			}
			for _, want := range append(c.has, "<RequestId>"+a.header.Get("x-amz-request-id")+"</RequestId>", "<HostId>"+a.header.Get("x-amz-id-2")+"</HostId>") {
				if !strings.Contains(a.body, want) {
					t.Errorf("no %s in %s", want, a.body)
				}
			}
			if a.header.Get("Content-Type") != "application/xml" || a.header.Get("Date") == "" || a.header.Get("Server") == "" || !strings.Contains(a.body, "<Message>") {
				t.Errorf("headers %v, message %q", a.header, element(a.body, "Message"))
			}
			if ev := f.events.waitFor(t, a.header.Get("x-amz-request-id")); ev.Status != c.status || ev.Code != c.code {
				t.Errorf("the observer was told %d %s", ev.Status, ev.Code)
			}
		})
	}
	// Nothing of the refused writes is there.
	list := f.do("GET", "/bkt", "")
	if n := strings.Count(list.body, "<Key>"); n != 1 || element(list.body, "Key") != "key" {
		t.Errorf("the bucket holds: %s", list.body)
	}
	if a := f.do("GET", "/bkt/key", ""); a.body != "0123456789" {
		t.Errorf("the object is now %q", a.body)
	}
}

func TestAuthenticationErrors(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	send := func(r *rawRequest) answer {
		t.Helper()
		c := f.dial()
		defer c.Close()
		_, err := io.WriteString(c, r.wire())
		must(t, err)
		return c.read(r.method)
	}
	signed := func(change func(*rawRequest), keyID, secret string) answer {
		t.Helper()
		r := newRequest("PUT", "/bkt/k", "body")
		r.sign(f.addr, keyID, secret)
		change(r)
		return send(r)
	}
	for name, c := range map[string]struct {
		got    answer
		status int
		code   string
	}{
		"anonymous":       {f.anonymous("PUT", "/bkt/k", "body"), 403, "AccessDenied"},
		"anonymous list":  {f.anonymous("GET", "/", ""), 403, "AccessDenied"},
		"unknown key":     {signed(func(*rawRequest) {}, "AKIANOBODY", testSecret), 403, "InvalidAccessKeyId"},
		"wrong secret":    {signed(func(*rawRequest) {}, testKeyID, "other"), 403, "SignatureDoesNotMatch"},
		"unsigned header": {signed(func(r *rawRequest) { r.header = append(r.header, "x-amz-acl: private") }, testKeyID, testSecret), 403, "AccessDenied"},
		"other body":      {signed(func(r *rawRequest) { r.body = "BODY" }, testKeyID, testSecret), 400, "XAmzContentSHA256Mismatch"},
		"other scheme":    {f.anonymous("GET", "/bkt", "", "Authorization: Basic abc"), 400, "InvalidArgument"},
		"malformed":       {f.anonymous("GET", "/bkt", "", "Authorization: AWS4-HMAC-SHA256 nonsense"), 400, "AuthorizationHeaderMalformed"},
		"query expired": {f.anonymous("GET", "/bkt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+testKeyID+
			"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=00", ""), 403, "AccessDenied"},
		"query incomplete": {f.anonymous("GET", "/bkt?X-Amz-Algorithm=AWS4-HMAC-SHA256", ""), 400, "AuthorizationQueryParametersError"},
	} {
		if c.got.status != c.status || c.got.code() != c.code {
			t.Errorf("%s: got %d %s, want %d %s\n%s", name, c.got.status, c.got.code(), c.status, c.code, c.got.body)
		}
	}
	if a := f.do("GET", "/bkt/k", ""); a.status != 404 {
		t.Errorf("something was stored: %d %q", a.status, a.body)
	}
}

// HEAD answers carry the status and the ids of an error, never its body.
func TestHeadErrors(t *testing.T) {
	f := start(t)
	f.bucket("bkt")
	for target, status := range map[string]int{"/nobody": 404, "/bkt/nothing": 404, "/bkt/k?partNumber=x": 400, "/bkt?acl": 405} {
		a := f.do("HEAD", target, "")
		if a.status != status || a.body != "" || a.header.Get("x-amz-request-id") == "" || a.header.Get("Content-Type") != "" {
			t.Errorf("%s: %d %q %v, want %d", target, a.status, a.body, a.header, status)
		}
	}
}

const (
	zeroKey    = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	zeroKeyMD5 = "cLyPS3KoaSFGi/joRB3OUQ=="
)

func customerKey(algorithm, key, sum string) []string {
	const prefix = "x-amz-server-side-encryption-customer-"
	return []string{prefix + "algorithm: " + algorithm, prefix + "key: " + key, prefix + "key-MD5: " + sum}
}
