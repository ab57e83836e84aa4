package clients

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// covered is what coverage.json declares of an operation: by which test it is seen to succeed and to be denied, and to answer each error
// that the API reference, the service model or the list of error codes has for it. "" is a step of features.json or refusals.json, or for denials the
// matrix of TestOperationsRefused; "never: …" says why an error cannot happen here.
type covered struct {
	Success string            `json:"success"`
	Answer  string            `json:"answer"` // where there is no success: the error that everybody who may ask is answered
	Denied  string            `json:"denied"`
	Denial  string            `json:"denial"` // the error of denials, if it is not AccessDenied
	Errors  map[string]string `json:"errors"`
}

// TestCoverage holds coverage.json against the table of operations and against what the tests do: an operation without a line, a line
// without an operation, and a claim that no test bears out are failures.
func TestCoverage(t *testing.T) {
	var declared map[string]covered
	readJSON(t, "coverage.json", &declared)
	table, err := os.ReadFile("../../s3api/table.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := sourcesOfTests(t, ".", "../badinput", "../../s3api", "../../core/object")
	done, failed := stepsDone(t)
	var refused []string
	for _, in := range operations("b/k", "u") {
		refused = append(refused, nameOf(in))
	}

	rows := regexp.MustCompile(`(?m)^\t\t\{name: "(\w+)".*\},$`).FindAllStringSubmatch(string(table), -1)
	if len(rows) < 100 {
		t.Fatalf("%d operations in the table", len(rows))
	}
	names := map[string]bool{}
	for _, row := range rows {
		name := row[1]
		names[name] = true
		if !strings.Contains(row[0], "handler:") {
			if !strings.Contains(tests["TestNotBuilt"], name) {
				t.Errorf("%s is not built, and TestNotBuilt does not ask for it", name)
			}
			continue
		}
		if _, ok := declared[name]; !ok {
			t.Errorf("%s is not in coverage.json", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		d := declared[name]
		if !names[name] {
			t.Errorf("%s is no operation of the table", name)
		}
		borneOut := func(by, what string, inSteps bool, words ...string) {
			t.Helper()
			switch text, isTest := tests[by]; {
			case strings.HasPrefix(by, "never: ") && len(by) > 20:
			case by == "" && inSteps:
			case isTest && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }):
			default:
				t.Errorf("%s: no test for %s (declared: %q)", name, what, by)
			}
		}
		word := name
		if strings.HasPrefix(name, "Preflight") {
			word = "OPTIONS"
		}
		borneOut(d.Success, "success", done[name], word)
		borneOut(d.Denied, "a denial", slices.Contains(refused, name) || failed[name]["AccessDenied"], word)
		for _, code := range slices.Sorted(maps.Keys(d.Errors)) {
			borneOut(d.Errors[code], code, failed[name][code], code)
		}
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// stepsDone tells which operations features.json carries out for the owner, and with which errors it has them refused.
func stepsDone(t *testing.T) (done map[string]bool, failed map[string]map[string]bool) {
	t.Helper()
	done, failed = map[string]bool{}, map[string]map[string]bool{}
	for _, file := range []string{"features.json", "refusals.json"} {
		var features map[string]struct {
			Steps []struct{ Do, As, Fails string }
		}
		readJSON(t, file, &features)
		for _, f := range features {
			for _, s := range f.Steps {
				if s.Fails == "" {
					done[s.Do] = done[s.Do] || s.As == ""
					continue
				}
				if failed[s.Do] == nil {
					failed[s.Do] = map[string]bool{}
				}
				failed[s.Do][s.Fails] = true
			}
		}
	}
	return done, failed
}

// sourcesOfTests are the texts of the tests in some folders, by their names.
func sourcesOfTests(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", dir, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, file, src, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range tree.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
					texts[f.Name.Name] += string(src[set.Position(f.Pos()).Offset:set.Position(f.End()).Offset])
				}
			}
		}
	}
	return texts
}
