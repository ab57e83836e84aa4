package object

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/aureole-cloud/aureole/storage/blobref"
)

// Kinds of collector entries.
const (
	garbageRefs     = 1 // the blobs themselves
	garbageManifest = 2 // a manifest in the B rows, which stays until its blobs are gone
)

// garbage is a collector entry: blobs that nothing refers to any more.
type garbage struct {
	kind     byte
	refs     []blobref.Ref
	bucket   BucketID
	key      string
	instance instance
}

func (g *garbage) encode() []byte {
	b := []byte{schema, g.kind}
	if g.kind == garbageRefs {
		return append(b, packRefs(g.refs)...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(g.bucket))
	b = append(b, g.instance[:]...)
	return append(b, g.key...)
}

func decodeGarbage(data []byte) (garbage, error) {
	body, err := openRecord(data)
	if err != nil {
		return garbage{}, err
	}
	r := wireReader{rest: body}
	g := garbage{kind: r.byte()}
	switch g.kind {
	case garbageRefs:
		g.refs, err = unpackRefs(r.rest)
		if err != nil {
			return garbage{}, err
		}
	case garbageManifest:
		if id := r.bytes(8); id != nil {
			g.bucket = BucketID(binary.BigEndian.Uint64(id))
		}
		g.instance = r.instance()
		g.key = string(r.rest)
	default:
		r.fail("unknown kind of collector entry")
	}
	return g, r.err
}

// ownerNote is the note in the header of a blob: which key of which bucket it was written for, by which request, and for
// parts of which upload. It finds the rows that may refer to the blob without a search.
type ownerNote struct {
	bucket  BucketID
	writing instance // of a version, its instance
	upload  instance // zero for blobs that are not of a part
	number  int      // of the part
	key     string
}

func (n *ownerNote) encode() blobref.Owner {
	o := make([]byte, 0, 1+8+2*len(n.writing)+2+len(n.key))
	o = append(o, schema)
	o = binary.BigEndian.AppendUint64(o, uint64(n.bucket))
	o = append(o, n.writing[:]...)
	o = append(o, n.upload[:]...)
	o = binary.BigEndian.AppendUint16(o, uint16(n.number))
	return append(o, n.key...)
}

func parseOwner(o blobref.Owner) (n ownerNote, err error) {
	body, err := openRecord(o)
	if err != nil {
		return ownerNote{}, err
	}
	r := wireReader{rest: body}
	if id := r.bytes(8); id != nil {
		n.bucket = BucketID(binary.BigEndian.Uint64(id))
	}
	n.writing = r.instance()
	n.upload = r.instance()
	if number := r.bytes(2); number != nil {
		n.number = int(binary.BigEndian.Uint16(number))
	}
	n.key = string(r.rest)
	return n, r.err
}

// pendingSet holds the writings under way on this node: their blobs belong to nothing yet and are no orphans.
type pendingSet struct {
	mu sync.Mutex
	m  map[instance]struct{}
}

func (p *pendingSet) begin(id instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = make(map[instance]struct{})
	}
	p.m[id] = struct{}{}
}

func (p *pendingSet) end(id instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, id)
}

func (p *pendingSet) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.m)
}

func (p *pendingSet) has(id instance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.m[id]
	return ok
}

// dropBlobs removes the blobs of a body that will never be visible. What cannot be removed now is an orphan, and the
// collector finds it.
func (s *Service) dropBlobs(ctx context.Context, refs []blobref.Ref) {
	if len(refs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := s.blobs.Delete(ctx, refs...); err != nil {
		s.log.Warn("removing the blobs of a failed upload", "blobs", len(refs), "err", err)
	}
}
