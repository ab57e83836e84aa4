package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// MaxLines bounds a file that people write.
const MaxLines = 700

// Comments finds packages without a comment that begins as it should.
func Comments(pkgs []*Package) []Finding {
	var found []Finding
	for _, p := range pkgs {
		if len(p.GoFiles) == 0 {
			continue // only tests
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.Dir) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			found = append(found, Finding{p.ImportPath, fmt.Sprintf("its comment does not begin with %q", want)})
		}
	}
	return found
}

// Source finds what is wrong inside of files: their length, init functions, context.TODO, tests that skip themselves,
// and reads of the environment outside of cmd.
func Source(pkgs []*Package) ([]Finding, error) {
	var found []Finding
	for _, p := range pkgs {
		for _, name := range append(p.Sources(), p.Tests()...) {
			fs, err := file(p.Path(), name, nil)
			if err != nil {
				return nil, err
			}
			found = append(found, fs...)
		}
	}
	return found, nil
}

// file checks one file of the package at path; src may hold its text.
func file(path, name string, src []byte) ([]Finding, error) {
	if src == nil {
		var err error
		if src, err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []Finding
	at := func(n ast.Node, what string) {
		found = append(found, Finding{fset.Position(n.Pos()).String(), what})
	}
	generated := strings.HasPrefix(filepath.Base(name), "zz_generated_")
	if lines := bytes.Count(src, []byte("\n")); lines > MaxLines && !generated {
		found = append(found, Finding{name, fmt.Sprintf("has %d lines, more than %d; one job per file", lines, MaxLines)})
	}
	if generated && !ast.IsGenerated(f) {
		found = append(found, Finding{name, `is named as generated but has no "Code generated … DO NOT EDIT." line`})
	}
	test := strings.HasSuffix(name, "_test.go")
	top, _, _ := strings.Cut(path, "/")
	mayReadEnv := test || top == "cmd" || top == "integration"
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			at(fn, "func init: wire it explicitly in cmd")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, _ := sel.X.(*ast.Ident)
		switch {
		case x == nil:
		case x.Name == "context" && sel.Sel.Name == "TODO":
			at(call, "context.TODO: pass the caller's context")
		case x.Name == "os" && strings.Contains(" Getenv LookupEnv Environ ExpandEnv ", " "+sel.Sel.Name+" ") && !mayReadEnv:
			at(call, "os."+sel.Sel.Name+": only cmd reads the environment")
		case test && (x.Name == "t" || x.Name == "b" || x.Name == "f" || x.Name == "tb") &&
			strings.Contains(" Skip Skipf SkipNow ", " "+sel.Sel.Name+" "):
			at(call, x.Name+"."+sel.Sel.Name+": a skip hides a missing piece")
		}
		return true
	})
	return found, nil
}
