package tinyimage

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// tree is the content of a file system, to be written as an archive or a disk. All belongs to root, but what is said.
type tree struct {
	files map[string]file
}

type file struct {
	mode fs.FileMode // type and permissions
	body []byte      // of a file, or the target of a link
	uid  int         // and gid
}

func newTree() *tree { return &tree{files: map[string]file{}} }

func (t *tree) dir(name string, perm fs.FileMode) {
	for p := name; p != "." && p != "/" && p != ""; p = path.Dir(p) {
		if _, ok := t.files[p]; !ok || p == name {
			mode := fs.ModeDir | 0o755
			if p == name {
				mode = fs.ModeDir | perm
			}
			t.files[p] = file{mode: mode}
		}
	}
}

func (t *tree) add(name string, perm fs.FileMode, body []byte) {
	if d := path.Dir(name); d != "." {
		if _, ok := t.files[d]; !ok {
			t.dir(d, 0o755)
		}
	}
	t.files[name] = file{mode: perm, body: body}
}

func (t *tree) link(name, target string) {
	t.add(name, fs.ModeSymlink|0o777, []byte(target))
}

// copy takes a file from the disk, following links.
func (t *tree) copy(name, from string, perm fs.FileMode) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	t.add(name, perm, b)
	return nil
}

func (t *tree) names() []string {
	names := make([]string, 0, len(t.files))
	for n := range t.files {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(a, b) }) // parents come before their children
	return names
}

// cpio writes the tree as the kernel reads an initial file system, in the format "newc".
func (t *tree) cpio() ([]byte, error) {
	var b bytes.Buffer
	pad := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	inode := 0
	entry := func(name string, mode uint32, uid int, body []byte) {
		inode++
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			inode, mode, uid, uid, 1, 0, len(body), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name)
		b.WriteByte(0)
		pad()
		b.Write(body)
		pad()
	}
	for _, n := range t.names() {
		f := t.files[n]
		mode := uint32(f.mode.Perm())
		switch f.mode.Type() {
		case 0:
			mode |= 0o100000
		case fs.ModeDir:
			mode |= 0o040000
		case fs.ModeSymlink:
			mode |= 0o120000
		default:
			return nil, fmt.Errorf("%s: no files of type %s", n, f.mode.Type())
		}
		entry(n, mode, f.uid, f.body)
	}
	entry("TRAILER!!!", 0, 0, nil)
	return b.Bytes(), nil
}

// write makes the tree below a folder of the host. The owners are those of the process; see owners.
func (t *tree) write(dir string) error {
	for _, n := range t.names() {
		f, to := t.files[n], filepath.Join(dir, filepath.FromSlash(n))
		var err error
		switch f.mode.Type() {
		case fs.ModeDir:
			if err = os.Mkdir(to, 0o755); err == nil {
				err = os.Chmod(to, f.mode.Perm())
			}
		case fs.ModeSymlink:
			err = os.Symlink(string(f.body), to)
		default:
			if err = os.WriteFile(to, f.body, 0o600); err == nil {
				err = os.Chmod(to, f.mode.Perm())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// owners are commands for debugfs that give each file its owner, whoever made the file system.
func (t *tree) owners() string {
	var b strings.Builder
	for _, n := range t.names() {
		for _, field := range []string{"uid", "gid"} {
			fmt.Fprintf(&b, "set_inode_field \"/%s\" %s %d\n", n, field, t.files[n].uid)
		}
	}
	return b.String()
}
