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

// without drops a variable from an environment. Go programs with an HTTP client of their own refuse AWS_CA_BUNDLE;
// they trust the authority by SSL_CERT_FILE or by an option.
func without(env []string, name string) []string {
	var kept []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, name+"=") {
			kept = append(kept, pair)
		}
	}
	return kept
}
