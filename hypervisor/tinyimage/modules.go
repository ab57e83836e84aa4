package tinyimage

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// modules are the kernel's modules by name, with the files they are in.
type modules struct {
	ctx   context.Context
	files map[string]string
}

func (b *build) modules(ctx context.Context, dir string) (*modules, error) {
	m := &modules{ctx: ctx, files: map[string]string{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name, ok := strings.CutSuffix(strings.TrimSuffix(d.Name(), ".xz"), ".ko"); ok {
			m.files[moduleName(name)] = path
		}
		return nil
	})
	return m, err
}

// moduleName is the kernel's own spelling: files have dashes or underscores as their authors liked.
func moduleName(s string) string { return strings.ReplaceAll(s, "-", "_") }

// install puts modules and what they depend on into dir, with a list of them in the order of loading.
func (m *modules) install(t *tree, dir string, names []string) error {
	var order []string
	done := map[string]bool{}
	var need func(name string) error
	need = func(name string) error {
		name = moduleName(name)
		if done[name] {
			return nil
		}
		done[name] = true
		path, ok := m.files[name]
		if !ok {
			return nil // built into this kernel
		}
		body, err := m.read(path)
		if err != nil {
			return err
		}
		depends, err := moduleDepends(body)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, d := range depends {
			if err := need(d); err != nil {
				return err
			}
		}
		t.add(dir+"/"+name+".ko", 0o644, body)
		order = append(order, name+".ko")
		return nil
	}
	for _, n := range names {
		if err := need(n); err != nil {
			return err
		}
	}
	t.add(dir+"/list", 0o644, []byte(strings.Join(order, "\n")+"\n"))
	return nil
}

func (m *modules) read(path string) ([]byte, error) {
	if !strings.HasSuffix(path, ".xz") {
		return os.ReadFile(path)
	}
	out, err := run(m.ctx, "/", "xz", "-dc", path)
	return []byte(out), err
}

// moduleDepends reads the names that a module says it depends on.
func moduleDepends(body []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info := f.Section(".modinfo")
	if info == nil {
		return nil, fmt.Errorf("not a kernel module")
	}
	data, err := info.Data()
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(string(data), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
