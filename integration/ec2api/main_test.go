package ec2api

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestMain clears the developer's own AWS settings.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *harness.Server {
	t.Helper()
	return harness.Start(t, harness.Options{Args: []string{"--hypervisor", "off"}})
}

// client retries, as by default: against a server that answers faster than it, net/http now and then finds the request's body
// closed by the SDK while it looks for the end of it, and drops the connection.
func client(s *harness.Server, access, secret string) *ec2.Client {
	return ec2.New(ec2.Options{
		Region: s.Region, BaseEndpoint: aws.String(s.Endpoint), RetryMaxAttempts: 5,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
	})
}

func root(s *harness.Server) *ec2.Client { return client(s, s.AccessKey, s.SecretKey) }

// refused checks the code of an error.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("%v, want %s", err, code)
	}
}

func ok[T any](t *testing.T) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}
