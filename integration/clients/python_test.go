package clients

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aureole-cloud/aureole/integration/harness"
)

// runCases runs a script that reports PASS and FAIL lines and turns them into subtests.
func runCases(t *testing.T, c harness.Command) {
	t.Helper()
	stdout, stderr, err := harness.Try(t, c)
	cases := 0
	lines := strings.Split(stdout, "\n")
	for i := 0; i < len(lines); i++ {
		verdict, name, _ := strings.Cut(lines[i], " ")
		if verdict != "PASS" && verdict != "FAIL" {
			continue
		}
		cases++
		var why []string
		if verdict == "FAIL" {
			for i++; i < len(lines) && lines[i] != "."; i++ {
				why = append(why, lines[i])
			}
		}
		t.Run(name, func(t *testing.T) {
			if verdict == "FAIL" {
				t.Error(strings.Join(why, "\n"))
			}
		})
	}
	if cases == 0 || err != nil && !t.Failed() {
		t.Fatalf("%s: %v\n%s\n%s", filepath.Base(c.Path), err, stdout, stderr)
	}
}

func TestBoto3(t *testing.T) {
	overBoth(t, func(t *testing.T, s *harness.Server) {
		runCases(t, harness.Command{
			Path: harness.Tool(t, "python"),
			Args: []string{"python/boto_cases.py"},
			Env:  s.AWSEnv(),
		})
	})
}

// TestDataEngines drives the clients under data engines, written in C++ and Rust.
func TestDataEngines(t *testing.T) {
	s := harness.ForClients(t, false)
	runCases(t, harness.Command{Path: harness.Tool(t, "python"), Args: []string{"python/engines.py"}, Env: s.AWSEnv()})
}
