package object

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/aureole-cloud/aureole/core/checksum"
	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/blobref"
	"github.com/aureole-cloud/aureole/storage/blobs"
)

// source is a body to take in and what must be true of it.
type source struct {
	body    io.Reader
	size    int64 // -1 when unknown
	maxSize int64 // of an unknown size
	md5     []byte
	sums    []ChecksumSpec
	compute []checksum.Algorithm // computed whether asked or not
	inline  int                  // bodies up to this many bytes stay in memory; negative: none
	seal    *sealing             // encrypts what is stored; nil stores the body as it comes
}

// intake is a body that was read to its end, hashed and found right. It is not visible yet.
type intake struct {
	size   int64
	md5    [16]byte
	sums   []sum
	inline []byte // the body, when it is small and not empty
	pieces []blobref.Ref

	one  [1]byte // to read the end
	algs [2]checksum.Algorithm
}

// placer makes the blobs of one body: it knows where they go and whose they are.
type placer struct {
	bucket BucketID
	key    string
	id     instance
	owner  blobref.Owner
	n      uint32
}

// bodyPools keeps hashers and buffers between requests.
type bodyPools struct {
	hashers [16]sync.Pool // *checksum.MultiHasher of MD5 and one algorithm
	copies  sync.Pool     // *[copyLen]byte
}

// copyLen is the buffer between a body and its blobs, and the size of the pieces of a body of unknown length: what one
// upload holds in memory.
const copyLen = 1 << 20

func (p *bodyPools) buffer() *[copyLen]byte {
	if b, ok := p.copies.Get().(*[copyLen]byte); ok {
		return b
	}
	return new([copyLen]byte)
}

func (p *bodyPools) hasher(algs []checksum.Algorithm) *checksum.MultiHasher {
	if len(algs) == 1 {
		if h, ok := p.hashers[algs[0]].Get().(*checksum.MultiHasher); ok {
			return h
		}
	}
	return checksum.NewMultiHasher(true, algs...)
}

func (p *bodyPools) release(h *checksum.MultiHasher, algs []checksum.Algorithm) {
	if len(algs) == 1 {
		h.Reset()
		p.hashers[algs[0]].Put(h)
	}
}

// take reads a body, hashes it and checks it, keeping small ones in memory and writing larger ones to blobs. After an
// error nothing is left of it.
func (s *Service) take(ctx context.Context, src *source, pl *placer) (*intake, error) {
	in := &intake{}
	algs, err := src.algorithms(in.algs[:0])
	if err != nil {
		return nil, err
	}
	h := s.bodies.hasher(algs)
	defer s.bodies.release(h, algs)
	switch {
	case src.seal != nil:
		err = s.takeSealed(ctx, src, pl, in, h)
	case src.size < 0:
		err = s.takeUnknown(ctx, src, pl, in, h)
	case src.size <= int64(src.inline):
		err = takeInline(src, in, h)
	default:
		err = s.takeBlobs(ctx, src, pl, in, h)
	}
	if err == nil {
		err = src.verify(in, h, algs)
	}
	if err != nil {
		s.dropBlobs(ctx, in.pieces)
		return nil, err
	}
	return in, nil
}

// takeSealed is take for a body that is stored encrypted: what is hashed and counted is the body, what is kept is its
// encrypted stream.
func (s *Service) takeSealed(ctx context.Context, src *source, pl *placer, in *intake, h *checksum.MultiHasher) error {
	if src.size >= 0 && src.size <= int64(src.inline) {
		if err := takeInline(src, in, h); err != nil || src.size == 0 {
			return err
		}
		in.inline = src.seal.seal(slices.Grow(in.inline, src.seal.overhead()), 0, true)
		return nil
	}
	r := &sealReader{src: src.body, c: src.seal, h: h, most: src.most()}
	sealed := source{body: r, size: src.size, maxSize: math.MaxInt64, inline: src.inline}
	if src.inline >= 0 {
		sealed.inline = min(src.inline+src.seal.overhead(), sealedBlock)
	}
	var err error
	if src.size < 0 {
		err = s.takeUnknown(ctx, &sealed, pl, in, nil)
	} else {
		sealed.size = sealedSize(src.size, len(src.seal.layers))
		err = s.takeBlobs(ctx, &sealed, pl, in, nil)
	}
	in.size = r.size
	return err
}

// most is how long a body of unknown length may be.
func (src *source) most() int64 {
	if src.maxSize <= 0 || src.maxSize > MaxPutSize && src.maxSize != math.MaxInt64 {
		return MaxPutSize
	}
	return src.maxSize
}

// algorithms lists what to compute, and refuses values that cannot be.
func (src *source) algorithms(algs []checksum.Algorithm) ([]checksum.Algorithm, error) {
	algs = append(algs, src.compute...)
	for i := range src.sums {
		spec := &src.sums[i]
		if !spec.Algorithm.Valid() {
			return nil, invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
		}
		if spec.Value != "" {
			if _, err := spec.decode(spec.Value); err != nil {
				return nil, err
			}
		}
		if !containsAlgorithm(algs, spec.Algorithm) {
			algs = append(algs, spec.Algorithm)
		}
	}
	if src.md5 != nil && len(src.md5) != 16 {
		return nil, errs.New(errs.Invalid, "InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	return algs, nil
}

func containsAlgorithm(algs []checksum.Algorithm, a checksum.Algorithm) bool {
	for _, b := range algs {
		if a == b {
			return true
		}
	}
	return false
}

func (spec *ChecksumSpec) decode(value string) ([]byte, error) {
	want, err := checksum.Decode(spec.Algorithm, value)
	if err != nil {
		return nil, invalidRequest("Value for %s header is invalid.", spec.Algorithm.Header())
	}
	return want, nil
}

// takeInline reads a body of known, small size into memory.
func takeInline(src *source, in *intake, h *checksum.MultiHasher) error {
	in.size = src.size
	if src.size > 0 {
		in.inline = make([]byte, src.size)
		if _, err := io.ReadFull(src.body, in.inline); err != nil {
			return bodyError(err)
		}
		h.Write(in.inline)
	}
	return in.expectEnd(src.body)
}

// takeBlobs streams a body of known size into blobs. While one is made durable the next is already filled.
func (s *Service) takeBlobs(ctx context.Context, src *source, pl *placer, in *intake, h *checksum.MultiHasher) error {
	buf := s.bodies.buffer()
	defer s.bodies.copies.Put(buf)
	var behind commitBehind
	for left := src.size; left > 0; {
		size := min(left, s.cfg.BlobSize)
		w, err := s.fill(ctx, src.body, size, pl, h, buf[:])
		if berr := behind.wait(in); err == nil && berr != nil {
			w.Abort()
			err = berr
		}
		if err != nil {
			return err
		}
		if left -= size; left > 0 {
			behind.start(ctx, w)
			continue
		}
		if err := w.Commit(ctx); err != nil {
			return err
		}
		in.add(w)
	}
	return in.expectEnd(src.body)
}

// commitBehind commits a blob while the next one is filled.
type commitBehind struct {
	w    *blobs.Writer
	done chan error
}

func (c *commitBehind) start(ctx context.Context, w *blobs.Writer) {
	c.w, c.done = w, make(chan error, 1)
	go func() { c.done <- w.Commit(ctx) }()
}

// wait returns how the commit went, if one was started.
func (c *commitBehind) wait(in *intake) error {
	if c.w == nil {
		return nil
	}
	err := <-c.done
	if err == nil {
		in.add(c.w)
	}
	c.w = nil
	return err
}

// add counts a durable blob as part of the body.
func (in *intake) add(w *blobs.Writer) {
	in.pieces = append(in.pieces, w.Ref())
	in.size += w.Ref().Size
}

// fill streams the next size bytes of a body into one blob.
func (s *Service) fill(ctx context.Context, body io.Reader, size int64, pl *placer, h *checksum.MultiHasher, buf []byte) (*blobs.Writer, error) {
	w, err := s.blobs.Create(ctx, s.partition(pl), size, pl.owner)
	if err != nil {
		return nil, err
	}
	for left := size; left > 0; {
		// Whole buffers keep the blocks of the blob whole, whatever the reader gives at a time.
		n, err := io.ReadFull(body, buf[:min(left, int64(len(buf)))])
		if err != nil {
			w.Abort()
			return nil, bodyError(err)
		}
		if h != nil {
			h.Write(buf[:n])
		}
		if _, err := w.Write(buf[:n]); err != nil {
			w.Abort()
			return nil, err
		}
		left -= int64(n)
	}
	return w, nil
}

// takeUnknown reads a body whose length shows only at its end, one buffer at a time.
func (s *Service) takeUnknown(ctx context.Context, src *source, pl *placer, in *intake, h *checksum.MultiHasher) error {
	buf := s.bodies.buffer()
	defer s.bodies.copies.Put(buf)
	maxSize := src.most()
	piece := min(int64(len(buf)), s.cfg.BlobSize)
	for {
		n, err := io.ReadFull(src.body, buf[:piece])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return bodyError(err)
		}
		if in.size+int64(n) > maxSize {
			return tooLarge(maxSize)
		}
		if h != nil {
			h.Write(buf[:n])
		}
		switch {
		case n == 0:
			return nil
		case len(in.pieces) == 0 && n <= src.inline && err != nil:
			in.size, in.inline = int64(n), bytes.Clone(buf[:n])
			return nil
		}
		if err := s.keepPiece(ctx, buf[:n], pl, in); err != nil {
			return err
		}
		if err != nil {
			return nil
		}
	}
}

func (s *Service) keepPiece(ctx context.Context, data []byte, pl *placer, in *intake) error {
	w, err := s.blobs.Create(ctx, s.partition(pl), int64(len(data)), pl.owner)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		w.Abort()
		return err
	}
	if err := w.Commit(ctx); err != nil {
		return err
	}
	in.add(w)
	return nil
}

// partition places the next piece.
func (s *Service) partition(pl *placer) blobref.Partition {
	row := chunkKey(pl.bucket, pl.key, pl.id, pl.n)
	pl.n++
	return s.blobs.PartitionOf(row)
}

// expectEnd reads the end of the body: framing readers check signatures and trailers there.
func (in *intake) expectEnd(body io.Reader) error {
	if body == nil {
		return nil
	}
	for {
		switch n, err := body.Read(in.one[:]); {
		case n > 0:
			return errs.New(errs.Invalid, IncompleteBody, "The body is longer than the Content-Length you declared.")
		case err == io.EOF:
			return nil
		case err != nil:
			return bodyError(err)
		}
	}
}

// bodyError says why a body could not be read. Front ends give reasons of their own as *errs.E.
func bodyError(err error) error {
	var e *errs.E
	switch {
	case errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return &errs.E{Kind: errs.Invalid, Reason: IncompleteBody, Err: err,
		Msg: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
}

func tooLarge(limit int64) error {
	e := errs.New(errs.Invalid, EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
	e.Detail = map[string]string{"MaxSizeAllowed": itoa(limit)}
	return e
}

// verify compares what was computed with what was declared: a body that does not match is refused here, before
// anything of it can be seen.
func (src *source) verify(in *intake, h *checksum.MultiHasher, algs []checksum.Algorithm) error {
	h.AppendMD5(in.md5[:0])
	if src.md5 != nil && !bytes.Equal(src.md5, in.md5[:]) {
		e := errs.New(errs.Invalid, BadDigest, "The Content-MD5 you specified did not match what we received.")
		expected := hex.EncodeToString(src.md5)
		if src.inline < 0 { // of parts Amazon shows it as it was sent
			expected = base64.StdEncoding.EncodeToString(src.md5)
		}
		e.Detail = map[string]string{"ExpectedDigest": expected, "CalculatedDigest": base64.StdEncoding.EncodeToString(in.md5[:])}
		return e
	}
	in.sums = make([]sum, 0, len(algs))
	for _, a := range algs {
		v, _ := h.Value(a)
		in.sums = append(in.sums, sum{algorithm: a, typ: checksum.FullObject, digest: v.Sum})
	}
	for i := range src.sums {
		spec := &src.sums[i]
		value := spec.Value
		if spec.Trailer != nil {
			var err error
			if value, err = spec.Trailer(); err != nil {
				return bodyError(err)
			}
		}
		if value == "" {
			continue
		}
		want, err := spec.decode(value)
		if err != nil {
			return err
		}
		for _, got := range in.sums {
			if got.algorithm == spec.Algorithm && !bytes.Equal(got.digest, want) {
				return errs.New(errs.Invalid, BadDigest, "The %v you specified did not match the calculated checksum.", spec.Algorithm)
			}
		}
	}
	return nil
}
