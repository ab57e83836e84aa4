package libvirt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/aureole-cloud/aureole/hypervisor"
)

// Prepare lets the emulator's user pass through dir and the folders above it. It does what "setfacl -m u:USER:x" does, and
// only to folders that keep the user out.
func (d *Driver) Prepare(ctx context.Context, dir string) error {
	if d.test || d.host.user == "" {
		return ctx.Err()
	}
	uid, gid, err := parseUser(d.host.user)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", dir, err)
	}
	if uid == 0 {
		return nil
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", dir, err)
	}
	if real, err = filepath.Abs(real); err != nil {
		return fmt.Errorf("prepare %s: %w", dir, err)
	}
	for at := real; ; at = filepath.Dir(at) {
		if err := ctx.Err(); err != nil {
			return err
		}
		changed, err := letPass(at, uid, gid)
		if err != nil {
			return fmt.Errorf("prepare %s: %w: the emulator's user (uid %d) must be able to pass through %s: %w",
				dir, hypervisor.ErrUnavailable, uid, at, err)
		}
		if changed {
			d.cfg.Log.Info("let the emulator's user pass through a folder", "folder", at, "uid", uid)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// parseUser reads libvirt's form of a user and group, "+64055:+108".
func parseUser(label string) (uid, gid uint32, err error) {
	u, g, _ := strings.Cut(label, ":")
	a, err := strconv.ParseUint(strings.TrimPrefix(u, "+"), 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("user of the emulator %q: %w", label, err)
	}
	b, err := strconv.ParseUint(strings.TrimPrefix(g, "+"), 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("group of the emulator %q: %w", label, err)
	}
	return uint32(a), uint32(b), nil
}

// letPass gives a user the right to pass through one folder, unless it has it.
func letPass(dir string, uid, gid uint32) (changed bool, err error) {
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err != nil {
		return false, err
	}
	switch {
	case st.Uid == uid && st.Mode&0o100 != 0, st.Gid == gid && st.Mode&0o010 != 0, st.Mode&0o001 != 0:
		return false, nil
	}
	old, err := readACL(dir, st.Mode)
	if err != nil {
		return false, err
	}
	acl := old.permit(uid)
	if slices.Equal(acl, old) {
		return false, nil
	}
	if err := unix.Setxattr(dir, aclAttribute, acl.encode(), 0); err != nil {
		if errors.Is(err, unix.ENOTSUP) {
			return false, fmt.Errorf("the file system has no access control lists; chmod o+x it: %w", err)
		}
		return false, os.NewSyscallError("setxattr", err)
	}
	return true, nil
}

const (
	aclAttribute = "system.posix_acl_access"
	aclVersion   = 2
	aclNobody    = 0xffffffff
	aclExecute   = 1
)

// The tags of an entry, in the order in which the kernel wants them.
const (
	aclUserObj  = 0x01
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
	aclOther    = 0x20
)

type aclEntry struct {
	tag, perm uint16
	id        uint32
}

// acl is a POSIX access control list as the kernel stores it: a version, then entries of 8 bytes, little-endian.
type acl []aclEntry

// readACL reads the list of a file, or makes that which its mode stands for.
func readACL(path string, mode uint32) (acl, error) {
	buf := make([]byte, 64<<10)
	n, err := unix.Getxattr(path, aclAttribute, buf)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return acl{
			{aclUserObj, uint16(mode >> 6 & 7), aclNobody},
			{aclGroupObj, uint16(mode >> 3 & 7), aclNobody},
			{aclOther, uint16(mode & 7), aclNobody},
		}, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("getxattr", err)
	}
	return decodeACL(buf[:n])
}

func decodeACL(b []byte) (acl, error) {
	if len(b) < 4 || (len(b)-4)%8 != 0 || binary.LittleEndian.Uint32(b) != aclVersion {
		return nil, errors.New("not an access control list of version 2")
	}
	var a acl
	for b = b[4:]; len(b) > 0; b = b[8:] {
		a = append(a, aclEntry{binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint32(b[4:])})
	}
	return a, nil
}

func (a acl) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range a {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

// permit returns the list with the right of the user to pass, and a mask that lets it be.
func (a acl) permit(uid uint32) acl {
	out := slices.Clone(a)
	find := func(tag uint16, id uint32) int {
		return slices.IndexFunc(out, func(e aclEntry) bool { return e.tag == tag && e.id == id })
	}
	if i := find(aclUser, uid); i >= 0 {
		out[i].perm |= aclExecute
	} else {
		out = append(out, aclEntry{aclUser, aclExecute, uid})
	}
	if i := find(aclMask, aclNobody); i >= 0 {
		out[i].perm |= aclExecute
	} else {
		group := uint16(0)
		if i := find(aclGroupObj, aclNobody); i >= 0 {
			group = out[i].perm
		}
		out = append(out, aclEntry{aclMask, group | aclExecute, aclNobody})
	}
	slices.SortStableFunc(out, func(x, y aclEntry) int {
		if x.tag != y.tag {
			return int(x.tag) - int(y.tag)
		}
		return int(int64(x.id) - int64(y.id))
	})
	return out
}
