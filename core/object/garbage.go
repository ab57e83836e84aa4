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

// ownerOf is the note in the header of a blob: which key of which bucket it was written for, and which writing it
// belongs to.
func ownerOf(b BucketID, key string, writing instance) blobref.Owner {
	o := make([]byte, 0, 1+8+len(writing)+len(key))
	o = append(o, schema)
	o = binary.BigEndian.AppendUint64(o, uint64(b))
	o = append(o, writing[:]...)
	return append(o, key...)
}

func parseOwner(o blobref.Owner) (b BucketID, key string, writing instance, err error) {
	body, err := openRecord(o)
	if err != nil {
		return 0, "", instance{}, err
	}
	r := wireReader{rest: body}
	if id := r.bytes(8); id != nil {
		b = BucketID(binary.BigEndian.Uint64(id))
	}
	writing = r.instance()
	return b, string(r.rest), writing, r.err
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
