package networks

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func client(t testing.TB, s *harness.Server, accessKey, secret string) *ec2.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(s.Region), config.WithBaseEndpoint(s.Endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(accessKey, secret, "")))
	if err != nil {
		t.Fatal(err)
	}
	return ec2.NewFromConfig(cfg)
}

func root(t testing.TB, s *harness.Server) *ec2.Client { return client(t, s, s.AccessKey, s.SecretKey) }

// must returns v, or ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// code is the code of a failure, or what else it says.
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return err.Error()
}

func by(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// snapshot is all that the account sees of networks, in text.
func snapshot(t testing.TB, c *ec2.Client) string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	var b []byte
	add := func(v any) {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		b = append(append(b, text...), '\n')
	}
	add(must(c.DescribeVpcs(ctx, nil))(t).Vpcs)
	add(must(c.DescribeSubnets(ctx, nil))(t).Subnets)
	add(must(c.DescribeSecurityGroups(ctx, nil))(t).SecurityGroups)
	add(must(c.DescribeSecurityGroupRules(ctx, nil))(t).SecurityGroupRules)
	add(must(c.DescribeNetworkInterfaces(ctx, nil))(t).NetworkInterfaces)
	add(must(c.DescribeInternetGateways(ctx, nil))(t).InternetGateways)
	add(must(c.DescribeRouteTables(ctx, nil))(t).RouteTables)
	add(must(c.DescribeNetworkAcls(ctx, nil))(t).NetworkAcls)
	add(must(c.DescribeDhcpOptions(ctx, nil))(t).DhcpOptions)
	add(must(c.DescribeAddresses(ctx, nil))(t).Addresses)
	return string(b)
}

func ids[T any](list []T, id func(T) *string) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, aws.ToString(id(v)))
	}
	slices.Sort(out)
	return out
}
