package clients

import (
	"path/filepath"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func TestJavaScriptSDK(t *testing.T) {
	cache, err := harness.Cache()
	if err != nil {
		t.Fatal(err)
	}
	overBoth(t, func(t *testing.T, s *harness.Server) {
		runCases(t, harness.Command{
			Path: harness.Tool(t, "node"),
			Args: []string{"js/cases.mjs"},
			Env:  append(s.AWSEnv(), "SDK_DIR="+filepath.Join(cache, "js"), "NODE_NO_WARNINGS=1"),
		})
	})
}
