package compute

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

// Rows of the control shard, which is shared with other domains: hence the common prefix. Account ids have one length,
// ids of hosts have no slash.
const (
	rowPrefix   = "compute."
	rowBinding  = "compute.b" // <host>/<instance>: binding
	rowCounter  = "compute.c" // <account>/<what>: what the account uses of its quotas
	rowImport   = "compute.f" // <account><task>
	rowHost     = "compute.h" // <host>
	rowInstance = "compute.i" // <account><instance>
	rowImage    = "compute.m" // <image>
	rowName     = "compute.n" // <account><name of an image>: its id
	rowGone     = "compute.o" // <time><account><instance>: terminated instances by when they are forgotten
	rowUsed     = "compute.u" // <host>/<what>: what of the host is given out
	rowVolume   = "compute.v" // <account><volume>: Volume
	rowDoomed   = "compute.w" // <host>/<volume>: binding; the host is to remove it
	rowTrash    = "compute.x" // <image>: Image; deregistered, its bytes go when no instance needs them
)

// accountLen is the length of account ids.
const accountLen = 12

func bindingRow(host, instance string) []byte     { return []byte(rowBinding + host + "/" + instance) }
func importRow(account, id string) []byte         { return []byte(rowImport + account + id) }
func hostRow(id string) []byte                    { return []byte(rowHost + id) }
func instanceRow(account, instance string) []byte { return []byte(rowInstance + account + instance) }
func imageRow(id string) []byte                   { return []byte(rowImage + id) }

func goneRow(at int64, account, instance string) []byte {
	return append(keys.AppendUint64([]byte(rowGone), uint64(at)), account+instance...)
}

func nameRow(account, name string) []byte     { return []byte(rowName + account + name) }
func volumeRow(account, volume string) []byte { return []byte(rowVolume + account + volume) }
func doomedRow(host, volume string) []byte    { return []byte(rowDoomed + host + "/" + volume) }
func trashRow(image string) []byte            { return []byte(rowTrash + image) }

// Counters of an account.
func instancesRow(account string) []byte { return []byte(rowCounter + account + "/instances") }
func volumesRow(account string) []byte   { return []byte(rowCounter + account + "/volumes") }
func vcpusRow(account string) []byte     { return []byte(rowCounter + account + "/vcpus") }

// Counters of a host.
func usedVCPUsRow(host string) []byte  { return []byte(rowUsed + host + "/vcpus") }
func usedMemoryRow(host string) []byte { return []byte(rowUsed + host + "/memory") }

// span bounds a scan to the rows that begin with prefix.
func span(prefix string) kv.ScanOptions {
	return kv.ScanOptions{Lower: []byte(prefix), Upper: keys.PrefixEnd([]byte(prefix))}
}

// splitBinding reads a binding's row.
func splitBinding(row []byte) (host, instance string, ok bool) {
	rest, ok := strings.CutPrefix(string(row), rowBinding)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

// schema is the version of every record of this package.
const schema rows.Schema = 1

// reader is what a View and a store have in common.
type reader interface {
	Get(key []byte) (kv.Value, error)
}

// getInstance reads an instance of an account; kv.ErrNotFound when there is none.
func getInstance(r reader, account, id string) (*Instance, kv.Index, error) {
	v, err := r.Get(instanceRow(account, id))
	if err != nil {
		return nil, 0, err
	}
	i := new(Instance)
	if err := schema.Decode(v.Data, i); err != nil {
		return nil, 0, fmt.Errorf("instance %s: %w", id, err)
	}
	return i, v.Revision, nil
}

// scan decodes every row of a prefix.
func scan[T any, P interface {
	*T
	msgp.Unmarshaler
}](v kv.View, prefix string, each func(key []byte, r P) error) error {
	it := v.Scan(span(prefix))
	var err error
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		r := P(new(T))
		if err = schema.Decode(it.Value(), r); err != nil {
			err = fmt.Errorf("row %q: %w", it.Key(), err)
			break
		}
		err = each(it.Key(), r)
	}
	return errors.Join(err, it.Close())
}

// counter reads a counter; an absent one is 0.
func counter(r reader, row []byte) (int64, error) {
	v, err := r.Get(row)
	if errors.Is(err, kv.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return kv.DecodeCounter(v.Data)
}
