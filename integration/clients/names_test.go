package clients

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/integration/harness"
	"github.com/aureole-cloud/aureole/integration/wire"
)

func wireTarget(s *harness.Server) wire.Target {
	return wire.Target{Endpoint: s.Endpoint, CAFile: s.CAFile, Access: s.AccessKey, Secret: s.SecretKey, Region: s.Region}
}

// signedFor sends a request signed for a region and a service.
func signedFor(t *testing.T, s *harness.Server, region, service string, r *wire.Request) *wire.Reply {
	t.Helper()
	target := wireTarget(s)
	if r.Host == "" {
		r.Host = target.Host()
	}
	(&wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: region, Service: service}).SignV4(r, time.Now())
	reply, err := target.Send(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return reply
}

// query sends a call of EC2's protocol.
func query(t *testing.T, s *harness.Server, service, form string) *wire.Reply {
	t.Helper()
	return signedFor(t, s, s.Region, service, &wire.Request{Method: "POST", Path: "/", Body: []byte(form),
		Headers: []wire.Field{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}})
}

// between is what a document says between two marks.
func between(doc []byte, from, to string) string {
	_, rest, _ := strings.Cut(string(doc), from)
	text, _, _ := strings.Cut(rest, to)
	return text
}

// TestRegionActs: the region's name is in answers, and only with --strict-region it is held against signatures.
func TestRegionActs(t *testing.T) {
	for name, o := range map[string]harness.Options{
		"any region": {Args: []string{"--region", "north-1"}},
		"flag":       {Args: []string{"--region", "north-1", "--strict-region"}},
		"variable":   {Env: []string{"AUREOLE_REGION=north-1", "AUREOLE_STRICT_REGION=true"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, o)
			strict := name != "any region"
			if a := signedFor(t, s, "north-1", "", &wire.Request{Method: "PUT", Path: "/bucket"}); a.Status != 200 {
				t.Fatalf("signed for the server's region: %d %s", a.Status, a.Body)
			}
			a := signedFor(t, s, "north-1", "", &wire.Request{Method: "HEAD", Path: "/bucket"})
			if got := a.Header.Get("x-amz-bucket-region"); got != "north-1" {
				t.Errorf("the bucket is in %q", got)
			}
			a = signedFor(t, s, "north-1", "", &wire.Request{Method: "GET", Path: "/bucket", Query: "location="})
			if !bytes.Contains(a.Body, []byte(">north-1</LocationConstraint>")) {
				t.Errorf("location: %s", a.Body)
			}

			a = signedFor(t, s, "us-east-1", "", &wire.Request{Method: "PUT", Path: "/bucket/key", Body: []byte("x")})
			r := &wire.Request{Method: "GET", Host: s.Host, Path: "/bucket/key"}
			(&wire.Signer{Access: s.AccessKey, Secret: s.SecretKey, Region: "us-east-1"}).PresignV4(r, time.Now(), time.Minute)
			presigned, err := wireTarget(s).Send(r)
			if err != nil {
				t.Fatal(err)
			}
			if !strict {
				if a.Status != 200 || presigned.Status != 200 {
					t.Errorf("signed for another region: %d %s, presigned %d %s", a.Status, a.Body, presigned.Status, presigned.Body)
				}
				return
			}
			// The words are Amazon's: clients find the right region in them.
			for _, c := range []struct {
				a             *wire.Reply
				code, message string
			}{
				{a, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'north-1'"},
				{presigned, "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'north-1'"},
			} {
				message := strings.NewReplacer("&#39;", "'", "&apos;", "'").Replace(between(c.a.Body, "<Message>", "</Message>"))
				if c.a.Status != 400 || c.a.Code() != c.code || message != c.message || between(c.a.Body, "<Region>", "</Region>") != "north-1" {
					t.Errorf("%d %s, want %s: %s", c.a.Status, c.a.Body, c.code, c.message)
				}
			}
			if a := signedFor(t, s, "north-1", "", &wire.Request{Method: "HEAD", Path: "/bucket/key"}); a.Status != 404 {
				t.Errorf("what was refused is there: %d", a.Status)
			}
			if a := query(t, s, "ec2", "Action=DescribeRegions&Version=2016-11-15"); a.Status == 200 {
				t.Errorf("EC2 took a signature for another region: %s", a.Body)
			}
		})
	}
}

// TestDialectActs: the flag and the variable reach the parts that answer.
func TestDialectActs(t *testing.T) {
	for name, tc := range map[string]struct {
		o     harness.Options
		again int // of a bucket that is made with another list than it has
	}{
		"default":  {harness.Options{}, 200},
		"amazon":   {harness.Options{Args: []string{"--s3-dialect", "aws"}}, 200},
		"flag":     {harness.Options{Args: []string{"--s3-dialect", "ceph"}}, 409},
		"variable": {harness.Options{Env: []string{"AUREOLE_S3_DIALECT=ceph"}}, 409},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.Args = append(tc.o.Args, "--default-object-ownership", "ObjectWriter")
			s := harness.Start(t, tc.o)
			create := func(acl string) *wire.Reply {
				return signedFor(t, s, s.Region, "", &wire.Request{Method: "PUT", Path: "/bucket",
					Headers: []wire.Field{{Name: "x-amz-acl", Value: acl}}})
			}
			if a := create("private"); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if a := create("public-read"); a.Status != tc.again {
				t.Errorf("%d %s, want %d", a.Status, a.Body, tc.again)
			}
		})
	}
}

// TestDomainActs: a bucket is found in the host name below each --domain, and nowhere else.
func TestDomainActs(t *testing.T) {
	for name, o := range map[string]harness.Options{
		"flag":     {Args: []string{"--domain", "one.test", "--domain", "s3.two.test"}},
		"variable": {Env: []string{"AUREOLE_DOMAIN=one.test,s3.two.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, o)
			c := goClient(t, s)
			bucket := newBucket(t, c)
			put(t, c, bucket, "key", []byte("found"))
			for _, tc := range []struct {
				host, path string
				status     int
			}{
				{bucket + ".one.test", "/key", 200}, {bucket + ".s3.two.test:9000", "/key", 200}, {strings.ToUpper(bucket) + ".ONE.test", "/key", 200},
				{"one.test", "/" + bucket + "/key", 200}, {"s3.two.test", "/" + bucket + "/key", 200},
				{"127.0.0.1:1", "/" + bucket + "/key", 200}, {"elsewhere.test", "/" + bucket + "/key", 200}, // nobody's domain: by path
				{bucket + ".elsewhere.test", "/key", 404}, {"nobody.one.test", "/key", 404}, {bucket + ".two.test", "/key", 404},
			} {
				a := signedFor(t, s, s.Region, "", &wire.Request{Method: "GET", Host: tc.host, Path: tc.path})
				if a.Status != tc.status || tc.status == 200 && string(a.Body) != "found" || tc.status == 404 && a.Code() != "NoSuchBucket" {
					t.Errorf("%s%s: %d %s", tc.host, tc.path, a.Status, a.Body)
				}
			}
		})
	}
}

// TestRootAccountActs: the account that was given is the root's in ARNs, policies, keys and EC2's owners.
func TestRootAccountActs(t *testing.T) {
	const account = "210987654321"
	s := harness.Start(t, harness.Options{Env: []string{"AUREOLE_ROOT_ACCOUNT_ID=" + account}})
	c, ctx := goClient(t, s), t.Context()
	if a := query(t, s, "sts", "Action=GetCallerIdentity&Version=2011-06-15"); between(a.Body, "<Account>", "</Account>") != account ||
		between(a.Body, "<Arn>", "</Arn>") != "arn:aws:iam::"+account+":root" {
		t.Errorf("GetCallerIdentity: %s", a.Body)
	}
	if a := query(t, s, "ec2", "Action=DescribeVpcs&Version=2016-11-15"); between(a.Body, "<ownerId>", "</ownerId>") != account {
		t.Errorf("DescribeVpcs: %s", a.Body)
	}
	bucket := newBucket(t, c)
	out := must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("sealed"), Body: strings.NewReader("x"),
		ServerSideEncryption: "aws:kms"}))
	if arn := aws.ToString(out.SSEKMSKeyId); !strings.HasPrefix(arn, "arn:aws:kms:us-east-1:"+account+":key/") {
		t.Errorf("the default key is %s", arn)
	}
	own := func(id string) error {
		_, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: &id})
		return err
	}
	if err := own(account); err != nil {
		t.Errorf("the bucket is not the account's: %v", err)
	}
	if own("210987654320") == nil {
		t.Error("the bucket is another account's, too")
	}
	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + bucket + `/*"}}`
	must[*s3.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}))
	_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("sealed")})
	wantCode(t, err, "AccessDenied", 403)
}

// TestHypervisorOffActs: S3 serves, EC2 describes, and what needs a machine says why there is none.
func TestHypervisorOffActs(t *testing.T) {
	s := harness.Start(t, harness.Options{Env: []string{"AUREOLE_HYPERVISOR=off"}})
	c := goClient(t, s)
	put(t, c, newBucket(t, c), "key", []byte("x"))
	if a := query(t, s, "ec2", "Action=DescribeInstances&Version=2016-11-15"); a.Status != 200 {
		t.Errorf("DescribeInstances: %d %s", a.Status, a.Body)
	}
	a := query(t, s, "ec2", "Action=RunInstances&Version=2016-11-15&ImageId=ami-0123456789abcdef0&InstanceType=t3.micro&MinCount=1&MaxCount=1")
	if a.Status != 503 || between(a.Body, "<Code>", "</Code>") != "Unavailable" || !strings.Contains(string(a.Body), "--hypervisor off") {
		t.Errorf("RunInstances: %d %s", a.Status, a.Body)
	}
}

// TestLogsHaveRequestIDs: each format names a request by the id that its answer carried.
func TestLogsHaveRequestIDs(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			s := harness.Start(t, harness.Options{Args: []string{"--log-format", format, "--access-log", "all"}})
			a := signedFor(t, s, s.Region, "", &wire.Request{Method: "PUT", Path: "/logged"})
			id := a.Header.Get("x-amz-request-id")
			if a.Status != 200 || id == "" {
				t.Fatalf("%d %v", a.Status, a.Header)
			}
			told := func() (string, bool) {
				for line := range strings.SplitSeq(s.LogTail(1<<20), "\n") {
					if !strings.Contains(line, id) {
						continue
					}
					if format == "text" {
						return line, regexp.MustCompile(`level=INFO msg=request .*req="?` + id + `"? `).MatchString(line)
					}
					var entry struct{ Msg, Req, Level string }
					return line, json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "request" && entry.Req == id && entry.Level == "INFO"
				}
				return "", false
			}
			line, ok := told()
			for deadline := time.Now().Add(60 * time.Second); line == "" && time.Now().Before(deadline); line, ok = told() {
				time.Sleep(20 * time.Millisecond)
			}
			if !ok {
				t.Errorf("request %s is logged as %q", id, line)
			}
		})
	}
}
