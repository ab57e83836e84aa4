package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Dir is where named namespaces are, as iproute2 has it.
const Dir = "/run/netns"

// A Namespace is an open network namespace.
type Namespace struct {
	Name string
	file *os.File
	// Handle speaks netlink inside of the namespace. It may be used by several goroutines.
	Handle *netlink.Handle
}

// MayName tells whether the process may give namespaces names, which are files in Dir.
func MayName() error {
	dir := Dir
	err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if errors.Is(err, fs.ErrNotExist) {
		dir = filepath.Dir(dir)
		err = unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	}
	if err != nil {
		return fmt.Errorf("write in %s: %w", dir, err)
	}
	return nil
}

// nsfsMagic is the file system type of an open namespace.
const nsfsMagic = 0x6e736673

func path(name string) string { return filepath.Join(Dir, name) }

// isNamespace tells whether a file is a namespace, or only the place where one was to be mounted.
func isNamespace(name string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path(name), &st) == nil && st.Type == nsfsMagic
}

// EnsureNamespace opens the namespace of a name, and makes it if it is not there.
func EnsureNamespace(name string) (*Namespace, error) {
	if !isNamespace(name) {
		if err := makeNamespace(name); err != nil {
			return nil, fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	return OpenNamespace(name)
}

func makeNamespace(name string) error {
	if err := os.MkdirAll(Dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path(name), os.O_RDONLY|os.O_CREATE, 0o444)
	if err != nil {
		return err
	}
	_ = f.Close()
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		// The mount keeps the namespace when the thread is gone.
		if err := unix.Mount("/proc/thread-self/ns/net", path(name), "none", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount: %w", err)
		}
		return nil
	})
}

// OpenNamespace opens a namespace that is there; fs.ErrNotExist otherwise.
func OpenNamespace(name string) (*Namespace, error) {
	if !isNamespace(name) {
		return nil, fmt.Errorf("namespace %s: %w", name, fs.ErrNotExist)
	}
	f, err := os.Open(path(name))
	if err != nil {
		return nil, err
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(f.Fd()), unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("namespace %s: netlink: %w", name, err)
	}
	return &Namespace{Name: name, file: f, Handle: h}, nil
}

// FD is the descriptor of the namespace, open until Close.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Close lets go of the namespace, which lives on.
func (n *Namespace) Close() {
	n.Handle.Close()
	_ = n.file.Close()
}

// Do calls f inside of the namespace, on a thread of its own. Sockets that f opens stay in the namespace.
func (n *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter namespace %s: %w", n.Name, err)
		}
		return f()
	})
}

// onThread calls f on a thread that is thrown away afterwards: it ends while locked, so the runtime does not use it again.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// RemoveNamespace unmounts a namespace and removes its name. It ends when the last process and socket in it does. What is not
// there is no error.
func RemoveNamespace(name string) error {
	if err := unix.Unmount(path(name), unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount namespace %s: %w", name, err)
	}
	if err := os.Remove(path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove namespace %s: %w", name, err)
	}
	return nil
}

// Namespaces lists the names that begin with a prefix, including those that were never finished.
func Namespaces(prefix string) ([]string, error) {
	entries, err := os.ReadDir(Dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Sysctl is a setting below /proc/sys/net.
type Sysctl struct{ Path, Value string }

// set writes settings of the namespace that the calling thread is in, where they differ.
func set(settings []Sysctl) error {
	for _, s := range settings {
		file := filepath.Join("/proc/sys/net", s.Path)
		have, err := os.ReadFile(file)
		if err == nil && strings.TrimSpace(string(have)) == s.Value {
			continue
		}
		if err := os.WriteFile(file, []byte(s.Value), 0o644); err != nil {
			if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(s.Path, "ipv6/") {
				continue // a kernel without IPv6
			}
			return fmt.Errorf("sysctl: %w", err)
		}
	}
	return nil
}

// router makes the calling thread's namespace one that routes for its taps.
func router() []Sysctl {
	return []Sysctl{
		{"ipv4/ip_forward", "1"},
		// Settings below default are what taps start with when they move in.
		{"ipv4/conf/default/forwarding", "1"},
		{"ipv4/conf/default/proxy_arp", "1"},
		{"ipv4/conf/default/rp_filter", "0"},
		{"ipv4/conf/all/rp_filter", "0"},
		{"ipv4/conf/default/send_redirects", "0"},
		{"ipv4/conf/all/send_redirects", "0"},
		{"ipv4/conf/default/accept_redirects", "0"},
		{"ipv4/conf/all/accept_redirects", "0"},
		{"ipv4/conf/default/accept_source_route", "0"},
		{"ipv4/icmp_echo_ignore_broadcasts", "1"},
		{"ipv6/conf/default/accept_ra", "0"},
		{"ipv6/conf/all/forwarding", "1"},
		{"ipv6/conf/default/forwarding", "1"},
		{"ipv6/conf/default/accept_redirects", "0"},
		{"ipv6/conf/all/accept_redirects", "0"},
		{"ipv6/conf/default/dad_transmits", "0"},
	}
}

// EnsureRouter brings up the loopback and makes the namespace route.
func (n *Namespace) EnsureRouter() error {
	if err := n.Do(func() error { return set(router()) }); err != nil {
		return err
	}
	lo, err := n.Handle.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if lo.Attrs().Flags&unix.IFF_UP != 0 {
		return nil
	}
	return n.Handle.LinkSetUp(lo)
}
