package ec2

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestWithoutPrivileges starts a server that may not administer the network of its host. It says what is missing, launches
// nothing, and serves objects.
func TestWithoutPrivileges(t *testing.T) {
	c := startBy(t, []string{"setpriv", "--bounding-set=-net_admin,-net_bind_service", "--inh-caps=-net_admin,-net_bind_service"}, "libvirt")
	const why = "this process may not administer the network of the host: it lacks CAP_NET_ADMIN, it lacks CAP_NET_BIND_SERVICE; run it as root"
	says := func(s string) bool { return strings.Contains(s, why) }
	for deadline := time.Now().Add(30 * time.Second); !slices.ContainsFunc(c.readyz(t), says); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("/readyz says %q", c.readyz(t))
		}
	}
	_, err := c.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: types.InstanceTypeT3Nano,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}, func(o *ec2.Options) { o.RetryMaxAttempts = 1 })
	if code(err) != "Unavailable" || !says(err.Error()) {
		t.Errorf("a launch: %v", err)
	}
	if out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); err != nil || len(out.Reservations) != 0 {
		t.Errorf("describing: %v, %v", out, err)
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(c.Region), config.WithBaseEndpoint(c.Endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	if err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key"), Body: strings.NewReader("body")}); err != nil {
		t.Fatal(err)
	}
	got, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if b, err := io.ReadAll(got.Body); err != nil || string(b) != "body" {
		t.Errorf("the object is %q, %v", b, err)
	}
}
