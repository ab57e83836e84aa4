//go:build terraform

package clients

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestTerraform applies a configuration with each resource of S3 that Terraform's provider of AWS has for general purpose
// buckets, changes it, imports what there is into a new state, and destroys it. Every plan in between is empty. The provider
// comes from its registry, which is none of packages; hence the build tag, and "make terraform".
func TestTerraform(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // takes the test event
	t.Cleanup(hook.Close)
	must[string](t)(s.CLI("admin", "target", "put", "hook", "--kind", "webhook", "--url", hook.URL))
	tf := harness.NewTerraform(t, s, "testdata/terraform/buckets.tf")
	tf.Vars["queue"] = "arn:aws:sqs:" + s.Region + "::hook"
	tf.Vars["held_until"] = time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)

	tf.Apply("Apply complete! Resources: 29 added, 0 changed, 0 destroyed.")
	if got := tf.Output("body"); got != "<p>red</p>" {
		t.Errorf("the object is %q", got)
	}
	if got := tf.Output("keys"); got != "copy.html index.html" {
		t.Errorf("the keys are %q", got)
	}

	tf.Vars["colour"], tf.Vars["days"], tf.Vars["versioning"] = "blue", 45, "Suspended"
	tf.Apply("Apply complete! Resources: 0 added, 10 changed, 0 destroyed.")
	if got := tf.Output("body"); got != "<p>blue</p>" {
		t.Errorf("the changed object is %q", got)
	}

	tf.Import("0 added, 7 changed, 0 destroyed", "aws_s3_object_copy")

	tf.Destroy()
	left := must[*s3.ListBucketsOutput](t)(goClient(t, s).ListBuckets(t.Context(), &s3.ListBucketsInput{}))
	var names []string
	for _, b := range left.Buckets {
		names = append(names, *b.Name)
	}
	if len(names) != 0 {
		t.Errorf("left after destroy: %s", strings.Join(names, " "))
	}
}
