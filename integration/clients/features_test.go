package clients

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// TestFeatures goes through features.json, and through refusals.json where most has to be refused, with boto3 and with the SDK for JavaScript, both current. Their operations and fields have
// the same names, since one model of the service makes them; what they send and take in is each one's own code. A step of the table
// names an operation, what goes in, and what has to come out: of the answer only what is named, "*" for anything, "~" before an
// expression, null for nothing; or the error. Buckets, and what earlier steps saved, are put in for $names. A step is "only" for one
// of them where the other lacks something: the paginators of boto3 are more, and the one of JavaScript for parts has no end at Amazon
// either (aws/aws-sdk-go-v2 issue 1140 tells why); only JavaScript encodes the customer's key on all operations.
func TestFeatures(t *testing.T) {
	s := harness.Start(t, harness.Options{TLS: true}) // keys of customers want TLS
	var key struct{ ARN string }
	if err := json.Unmarshal([]byte(must[string](t)(s.CLI("admin", "kms", "create-key", "--alias", "features"))), &key); err != nil {
		t.Fatal(err)
	}
	const access, secret = "AKIASTRANGER00000001", "stranger/secret+key0123456789abcdefABCDE"
	must[string](t)(s.CLI("admin", "user", "create", "stranger", "--access-key", access, "--secret-key", secret))
	cache, err := harness.Cache()
	if err != nil {
		t.Fatal(err)
	}
	env := append(s.AWSEnv(), "KMSKEY="+key.ARN, "STRANGER_KEY="+access, "STRANGER_SECRET="+secret)
	for _, file := range []string{"features.json", "refusals.json"} {
		t.Run("boto3 "+file, func(t *testing.T) {
			runCases(t, harness.Command{Path: harness.Tool(t, "python"), Args: []string{"python/features.py", file}, Env: env})
		})
		t.Run("js "+file, func(t *testing.T) {
			runCases(t, harness.Command{Path: harness.Tool(t, "node"), Args: []string{"js/features.mjs", file},
				Env: append(env, "SDK_DIR="+filepath.Join(cache, "js"), "NODE_NO_WARNINGS=1")})
		})
	}
}
