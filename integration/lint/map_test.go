package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// Maps lead readers to the lines that decide. Code moves: every file that a document names must exist, and every line of
// a map must be found in its file, once.
func TestMapsHold(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\|[^|]*\\| `([^`]+\\.go)` \\| `([^`]+)` \\|$")
	for doc, least := range map[string]int{"README.md": 18, "docs/ec2-instance-life.md": 15} {
		rows := row.FindAllStringSubmatch(read(t, filepath.Join(root, doc)), -1)
		if len(rows) < least {
			t.Errorf("the map of %s has only %d rows", doc, len(rows))
		}
		for _, r := range rows {
			source, err := os.ReadFile(filepath.Join(root, r[1]))
			if err != nil {
				t.Error(err)
				continue
			}
			if n := strings.Count(string(source), r[2]); n != 1 {
				t.Errorf("%s leads to %q in %s, where it is %d times", doc, r[2], r[1], n)
			}
		}
	}
}

func TestDocumentsNameFilesThatExist(t *testing.T) {
	var docs []string
	for _, pattern := range []string{"*.md", "docs/*.md", "*/DESIGN.md", "*/*/DESIGN.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, found...)
	}
	if len(docs) < 12 {
		t.Fatalf("only %d documents were found", len(docs))
	}
	inCode := regexp.MustCompile("`((?:cmd|s3api|ec2api|iamapi|core|storage|hypervisor|netfw|integration|docs)/[A-Za-z0-9_./-]+)`")
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
