package clients

import (
	"os"
	"strings"
	"testing"
)

// TestMain clears the developer's own AWS settings: SDKs read dozens of variables, and a test must not depend on them.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}
