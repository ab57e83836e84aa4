// Package lint keeps the house rules of the repository, as far as a program can: who may import whom, comments on
// packages, the length of files, and constructs that have no place here. Its tests run over the whole module.
//
// The checks are functions from packages and files to findings, so that they can be shown to find something.
package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Module is the path of the module.
const Module = "github.com/aureole-cloud/aureole"

// Package is a package as "go list -json" describes it.
type Package struct {
	ImportPath   string
	Name         string
	Dir          string
	Doc          string
	GoFiles      []string
	CgoFiles     []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// Path is the import path below the module: "storage/kv".
func (p *Package) Path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, Module), "/")
}

// Sources lists the files of the package that are not tests, with their folder.
func (p *Package) Sources() []string { return join(p.Dir, p.GoFiles, p.CgoFiles) }

// Tests lists the test files.
func (p *Package) Tests() []string { return join(p.Dir, p.TestGoFiles, p.XTestGoFiles) }

func join(dir string, lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		for _, f := range l {
			all = append(all, filepath.Join(dir, f))
		}
	}
	return all
}

// Finding is a breach of a rule.
type Finding struct {
	Where string
	What  string
}

func (f Finding) String() string { return f.Where + ": " + f.What }

// Load lists the packages of the module at root.
func Load(root string) ([]*Package, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,Doc,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	var pkgs []*Package
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		p := new(Package)
		if err := d.Decode(p); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}
