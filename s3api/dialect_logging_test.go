package s3api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestDialectPolicies(t *testing.T) {
	ctx := context.Background()
	statement := func(sid, principal, resource string) string {
		if resource != "" {
			resource = `,"Resource":"` + resource + `"`
		}
		return `{"Sid":"` + sid + `","Effect":"Allow","Action":"s3:ListBucket","Principal":{"AWS":"` + principal + `"}` + resource + `}`
	}
	put := func(f *fixture, bucket string, statements ...string) string {
		_, err := f.client().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket,
			Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)})
		return outcome(err)
	}
	list := func(c *s3.Client, bucket string) string {
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
		return outcome(err)
	}
	compare(t, []difference{
		{"TenantPrincipals", func(t *testing.T, f *fixture) string {
			f.bucket("tenants")
			other := f.party("tenant-other")
			var got []string
			for _, p := range []string{"arn:aws:iam::s3tenant1:root", "arn:aws:iam::s3tenant1:user/alice", "arn:aws:iam:::user/alice", "s3tenant1",
				"arn:aws:iam::*:root", "a/b", "arn:aws:iam::s3tenant1:group/g", "arn:aws:s3:::tenants"} {
				got = append(got, put(f, "tenants", statement("s", p, "arn:aws:s3:::tenants")))
			}
			must(t, f.succeeds("PUT", "/tenants/key"))
			return strings.Join(got, "; ") + "; others: " + list(other.Client, "tenants") + ", anonymous: " + brief(f.anonymous("GET", "/tenants", ""), "")
		}, strings.Repeat("400 MalformedPolicy; ", 8) + "others: 403 AccessDenied, anonymous: 403 AccessDenied",
			strings.Repeat("200; ", 4) + strings.Repeat("400 MalformedPolicy; ", 4) + "others: 403 AccessDenied, anonymous: 403 AccessDenied"},
		{"StatementsWithoutResource", func(t *testing.T, f *fixture) string {
			f.bucket("no-resource")
			got := put(f, "no-resource", statement("s", "*", ""))
			return got + "; " + brief(f.anonymous("GET", "/no-resource", ""), "") + "; " + f.brief("GET", "/no-resource?policyStatus", "", "IsPublic")
		}, "400 MalformedPolicy; 403 AccessDenied; 404 NoSuchBucketPolicy", "200; 403 AccessDenied; 200 false"},
		{"RepeatedSids", func(t *testing.T, f *fixture) string {
			f.bucket("sids")
			one, two := f.party("sids-one"), f.party("sids-two")
			got := put(f, "sids", statement("s", one.account, "arn:aws:s3:::sids"), statement("s", two.account, "arn:aws:s3:::sids"))
			return got + "; " + list(one.Client, "sids") + "; " + list(two.Client, "sids")
		}, "400 MalformedPolicy; 403 AccessDenied; 403 AccessDenied", "200; 200; 200"},
		{"PolicyNamesUnfit", func(t *testing.T, f *fixture) string {
			f.bucket("names")
			var got []string
			for _, change := range [][2]string{{"s3:ListBucket", "s3:ListBuckets"}, {"s3:ListBucket", "s3:GetObject"},
				{`"Principal"`, `"Condition":{"StringEquals":{"s3:prefixes":"a"}},"Principal"`}, {`"AWS":"*"`, `"Service":"none"`}} {
				got = append(got, put(f, "names", strings.Replace(statement("s", "*", "arn:aws:s3:::names"), change[0], change[1], 1)))
			}
			return strings.Join(got, "; ") + "; " + brief(f.anonymous("GET", "/names", ""), "")
		}, "400 MalformedPolicy; 400 MalformedPolicy; 400 MalformedPolicy; 400 MalformedPolicy; 403 AccessDenied", "400 MalformedPolicy; 200; 200; 200; 403 AccessDenied"},
	})
}

// logTo sets where the logs of a bucket go.
func logTo(c *s3.Client, source, target string, grants ...types.TargetGrant) string {
	_, err := c.PutBucketLogging(context.Background(), &s3.PutBucketLoggingInput{Bucket: &source, BucketLoggingStatus: &types.BucketLoggingStatus{
		LoggingEnabled: &types.LoggingEnabled{TargetBucket: &target, TargetPrefix: aws.String("log/"), TargetGrants: grants}}})
	return outcome(err)
}

// letLogs is a statement that lets the principal put the prefix log/ for sources of an account.
func letLogs(target, principal, account string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:PutObject","Resource":"arn:aws:s3:::` + target +
		`/log/","Condition":{"StringEquals":{"aws:SourceAccount":"` + account + `"}}}`
}

const logService = `{"Service":"logging.s3.amazonaws.com"}`

func TestDialectLogging(t *testing.T) {
	ctx := context.Background()
	compare(t, []difference{
		{"LoggingTargetAbsent", func(t *testing.T, f *fixture) string {
			f.bucket("absent-source")
			return logTo(f.client(), "absent-source", "nowhere")
		}, "400 InvalidTargetBucketForLogging", "404 NoSuchKey"},
		{"LoggingTargetPlain", func(t *testing.T, f *fixture) string {
			c := f.client()
			source := f.bucket("plain-source")
			targets := map[string]func(b *string) error{
				"plain-itself": func(*string) error { return nil },
				"plain-encrypted": func(b *string) error {
					_, err := c.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
						Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256"}}}}})
					return err
				},
				"plain-paid": func(b *string) error {
					_, err := c.PutBucketRequestPayment(ctx, &s3.PutBucketRequestPaymentInput{Bucket: b,
						RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: "Requester"}})
					return err
				},
				"plain-logged": func(b *string) error {
					f.putPolicy("plain-other", letLogs("plain-other", logService, f.owner()))
					if got := logTo(c, *b, "plain-other"); got != "200" {
						return fmt.Errorf("logging of the target: %s", got)
					}
					return nil
				},
			}
			f.bucket("plain-other")
			var got []string
			for _, name := range []string{"plain-itself", "plain-encrypted", "plain-paid", "plain-logged"} {
				f.bucket(name)
				must(t, targets[name](&name))
				f.putPolicy(name, letLogs(name, logService, f.owner()))
				from := source
				if name == "plain-itself" {
					from = name
				}
				got = append(got, logTo(c, from, name))
			}
			return strings.Join(got, "; ")
		}, "200; 200; 200; 200", "400 InvalidArgument; 400 InvalidArgument; 400 InvalidArgument; 400 InvalidArgument"},
		{"LoggingByPolicy", func(t *testing.T, f *fixture) string {
			target, source := f.bucket("by-policy"), "of-another"
			other := f.party("by-policy-other")
			_, err := other.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &source})
			must(t, err)
			mine := f.bucket("of-mine")
			try := func(principal, account string) string {
				f.putPolicy(target, letLogs(target, principal, account))
				return logTo(f.client(), mine, target) + " and " + logTo(other.Client, source, target)
			}
			return strings.Join([]string{
				try(logService, f.owner()), try(logService, other.canonical), try(logService, testAccount),
				try(`"*"`, f.owner()), try(`{"Service":"other.amazonaws.com"}`, f.owner()),
			}, "; ")
		}, strings.TrimSuffix(strings.Repeat("200 and 400 InvalidTargetBucketForLogging; ", 5), "; "),
			"200 and 403 AccessDenied; 403 AccessDenied and 200; 403 AccessDenied and 403 AccessDenied; " +
				"403 AccessDenied and 403 AccessDenied; 403 AccessDenied and 403 AccessDenied"},
		{"LoggingByOwner", func(t *testing.T, f *fixture) string {
			source, target := f.bucket("by-owner"), f.bucket("by-owner-logs")
			other := f.party("by-owner-other")
			f.putPolicy(target, letLogs(target, logService, f.owner()))
			f.putPolicy(source, `{"Effect":"Allow","Principal":{"AWS":"`+other.account+`"},"Action":"s3:PutBucketLogging","Resource":"arn:aws:s3:::`+source+`"}`)
			return logTo(other.Client, source, target) + "; " + logTo(f.client(), source, target)
		}, "200; 200", "403 AccessDenied; 200"},
		{"LoggingShowsDefaults", func(t *testing.T, f *fixture) string {
			source := f.bucket("defaults")
			target := *f.listed("defaults-logs", types.ObjectOwnershipObjectWriter)
			f.putPolicy(target, letLogs(target, logService, f.owner()))
			put := logTo(f.client(), source, target, types.TargetGrant{Permission: "READ",
				Grantee: &types.Grantee{Type: "CanonicalUser", ID: aws.String(f.owner())}})
			out, err := f.client().GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &source})
			must(t, err)
			format := out.LoggingEnabled.TargetObjectKeyFormat
			return fmt.Sprint(put, ", ", len(out.LoggingEnabled.TargetGrants), " grants, format ", format != nil && format.SimplePrefix != nil)
		}, "200, 1 grants, format false", "200, 0 grants, format true"},
	})
}

// Under the dialect that asks for the prefix only, records reach another owner's bucket as long as its policy says so, and no longer.
func TestDialectLogsAreDelivered(t *testing.T) {
	compare(t, []difference{{"LoggingByPolicy", func(t *testing.T, f *fixture) string {
		source, target := "delivered-source", f.bucket("delivered-logs")
		other := f.party("delivered-other")
		_, err := other.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &source})
		must(t, err)
		f.putPolicy(target, letLogs(target, logService, other.canonical))
		set := logTo(other.Client, source, target)
		if set != "200" {
			return set
		}
		must(t, other.put(&source, "key", ""))
		f.logsOf(target, "log/", 1)
		return set + ", delivered"
	}, "400 InvalidTargetBucketForLogging", "200, delivered"}})
}
