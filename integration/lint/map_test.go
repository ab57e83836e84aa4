package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's map leads readers to the lines that decide. Code moves: every file that the README, CONTRIBUTING
// and docs name must exist, and every line of the map must be found in its file.
func TestMapOfTheReadmeHolds(t *testing.T) {
	root := "../.."
	readme := read(t, filepath.Join(root, "README.md"))
	row := regexp.MustCompile("(?m)^\\|[^|]*\\| `([^`]+\\.go)` \\| `([^`]+)` \\|$")
	rows := row.FindAllStringSubmatch(readme, -1)
	if len(rows) < 8 {
		t.Errorf("the map has only %d rows", len(rows))
	}
	for _, r := range rows {
		source, err := os.ReadFile(filepath.Join(root, r[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(source), r[2]) {
			t.Errorf("README leads to %q in %s, where it is not", r[2], r[1])
		}
	}
}

func TestDocumentsNameFilesThatExist(t *testing.T) {
	root := "../.."
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	docs = append(docs, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"))
	inCode := regexp.MustCompile("`((?:cmd|s3api|core|storage|integration|docs)/[A-Za-z0-9_./-]+)`")
	link := regexp.MustCompile(`\]\(([A-Za-z0-9_./-]+)\)`)
	for _, doc := range docs {
		text := read(t, doc)
		for _, m := range inCode.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s: %v", doc, m[1], err)
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
