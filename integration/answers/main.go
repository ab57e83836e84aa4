// Command answers holds what the tests of S3 claim to cover against what servers answered while they ran.
//
// It reads the claims, coverage.json of integration/clients, and the folder that AUREOLE_TEST_ANSWERS named during the tests. Each
// operation has to have succeeded, have been denied and have answered each of its documented errors in the test that is declared for it.
// "make test" runs it last. It knows nothing of what the tests do with the answers: TestCoverage looks whether they name them.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aureole-cloud/aureole/integration/harness"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: answers COVERAGE.JSON FOLDER")
		os.Exit(2)
	}
	missing, held, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "answers:", err)
		os.Exit(1)
	}
	for _, m := range missing {
		fmt.Println(m)
	}
	fmt.Printf("answers: %d claims hold, %d do not\n", held, len(missing))
	if len(missing) > 0 {
		os.Exit(1)
	}
}

// bySteps is the test that a claim means when it names none.
const bySteps = "TestFeatures"

// check tells which claims of a file the answers in a folder do not bear out, and how many they do.
func check(file, dir string) (missing []string, held int, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, err
	}
	var claims map[string]struct {
		Success, Answer string // Answer is the error that is all there is to answer, in place of success
		Denied, Denial  string // Denial is the error of denials; AccessDenied if it is empty
		Errors          map[string]string
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", file, err)
	}
	answered, err := read(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, operation := range slices.Sorted(maps.Keys(claims)) {
		claim := func(by, code string, or ...string) {
			if strings.HasPrefix(by, "never: ") {
				return
			}
			tests := append([]string{by}, or...)
			if by == "" {
				tests = append(or, bySteps)
			}
			if slices.ContainsFunc(tests, func(test string) bool { return answered[test][harness.Answer{Operation: operation, Code: code}] }) {
				held++
				return
			}
			what := cmp.Or(code, "success")
			missing = append(missing, fmt.Sprintf("%s: no %s while %s ran", operation, what, strings.Join(tests, " or ")))
		}
		c := claims[operation]
		claim(c.Success, c.Answer)
		claim(c.Denied, cmp.Or(c.Denial, "AccessDenied"), "TestOperationsRefused")
		for _, code := range slices.Sorted(maps.Keys(c.Errors)) {
			claim(c.Errors[code], code)
		}
	}
	return missing, held, nil
}

// read collects the answers by test.
func read(dir string) (map[string]map[harness.Answer]bool, error) {
	answered := map[string]map[harness.Answer]bool{}
	lines := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
			if len(f) != 3 {
				return fmt.Errorf("%s: %q is no answer", path, line)
			}
			if answered[f[0]] == nil {
				answered[f[0]] = map[harness.Answer]bool{}
			}
			answered[f[0]][harness.Answer{Operation: f[1], Code: f[2]}] = true
			lines++
		}
		return nil
	})
	if err == nil && lines == 0 {
		err = errors.New("no answers: were the tests run with AUREOLE_TEST_ANSWERS?")
	}
	return answered, err
}
