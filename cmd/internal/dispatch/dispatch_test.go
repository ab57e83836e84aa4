package dispatch_test

import (
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/aureole-cloud/aureole/cmd/internal/dispatch"
)

func request(method, uri string, headers ...string) *fasthttp.RequestCtx {
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.Header.SetMethod(method)
	ctx.Request.SetRequestURI(uri)
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	return ctx
}

const form = "application/x-www-form-urlencoded; charset=utf-8"

func signed(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

func TestOf(t *testing.T) {
	for _, tc := range []struct {
		name string
		ctx  *fasthttp.RequestCtx
		want dispatch.Protocol
	}{
		{"anonymous get", request("GET", "/b/k"), dispatch.S3},
		{"list buckets", request("GET", "/", "Authorization", signed("s3")), dispatch.S3},
		{"put", request("PUT", "/b/k", "Authorization", signed("s3")), dispatch.S3},
		{"SigV2", request("PUT", "/b/k", "Authorization", "AWS AK:sig"), dispatch.S3},
		{"presigned", request("GET", "/b/k?X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"), dispatch.S3},
		{"browser form", request("POST", "/b", "Content-Type", "multipart/form-data; boundary=x"), dispatch.S3},
		{"object with a telling name", request("GET", "/b/?Action=DescribeInstances&prefix=x"), dispatch.S3},
		{"bucket named services", request("GET", "/services/computer"), dispatch.S3},
		{"scope wins over the form", request("POST", "/", "Authorization", signed("s3"), "Content-Type", form), dispatch.S3},

		{"ec2", request("POST", "/", "Authorization", signed("ec2"), "Content-Type", form), dispatch.EC2},
		{"iam", request("POST", "/", "Authorization", signed("iam"), "Content-Type", form), dispatch.IAM},
		{"sts", request("POST", "/", "Authorization", signed("sts"), "Content-Type", form), dispatch.STS},
		{"key with a slash", request("POST", "/", "Authorization",
			"AWS4-HMAC-SHA256 Credential=A/K/20260101/r/ec2/aws4_request,SignedHeaders=host,Signature=0"), dispatch.EC2},
		{"presigned sts", request("GET", "/?Action=GetCallerIdentity&X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Fsts%2Faws4_request"), dispatch.STS},
		{"old ec2 tool", request("GET", "/services/compute/?Action=DescribeInstances"), dispatch.EC2},
		{"older ec2 tool", request("GET", "/services/Eucalyptus"), dispatch.EC2},
		{"SigV2 ec2", request("GET", "/?Action=DescribeInstances&Version=2010-08-31&Signature=x"), dispatch.EC2},
		{"SigV2 iam", request("GET", "/?Version=2010-05-08&Action=ListUsers"), dispatch.IAM},
		{"form without a scope", request("POST", "/", "Content-Type", form), dispatch.Form},
		{"unknown service in the scope", request("GET", "/?Action=DescribeVpcs&Version=2016-11-15", "Authorization", signed("eucalyptus")), dispatch.EC2},
		{"broken credential", request("GET", "/b", "Authorization", "AWS4-HMAC-SHA256 Credential=x"), dispatch.S3},
		{"no credential", request("GET", "/b", "Authorization", "AWS4-HMAC-SHA256"), dispatch.S3},
	} {
		if got := dispatch.Of(tc.ctx); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestOfForm(t *testing.T) {
	for body, want := range map[string]dispatch.Protocol{
		"Action=GetCallerIdentity&Version=2011-06-15": dispatch.STS,
		"Version=2010-05-08&Action=ListUsers":         dispatch.IAM,
		"Action=DescribeInstances&Version=2009-11-30": dispatch.EC2,
		"Action=DescribeInstances":                    dispatch.EC2,
		"":                                            dispatch.EC2,
	} {
		if got := dispatch.OfForm([]byte(body)); got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	ctx := request("PUT", "/bucket/key", "Authorization", signed("s3"))
	b.ReportAllocs()
	for b.Loop() {
		if dispatch.Of(ctx) != dispatch.S3 {
			b.Fatal("not S3")
		}
	}
}
