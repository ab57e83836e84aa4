package object

import (
	"bytes"
	"context"
	"crypto/md5"
	"io"
	"slices"

	"github.com/aureole-cloud/aureole/core/errs"
	"github.com/aureole-cloud/aureole/storage/blobref"
)

// storeParts is store for the replica of an object that was uploaded in parts: it has the same ones, and so the same ETag, which
// those who compare the two rely on, and the same checksum.
func (s *Service) storeParts(ctx context.Context, b *bucket, key string, rec *record, body io.Reader, like found, m *manifest, env *envelope) error {
	w := partsWriter{s: s, b: b, key: key, env: env, upload: newInstance(s.now(), instance{})}
	defer w.end()
	var failed error
	if err := m.each(0, func(_ int, _ int64, p *part) bool {
		failed = w.take(ctx, body, p)
		return failed == nil
	}); err != nil {
		failed = err
	}
	if failed != nil {
		s.dropBlobs(ctx, w.pieces)
		return failed
	}
	rec.flags = flagMultipart | flagManifest
	if env.method != EncryptNone {
		rec.flags |= flagSealed
		env.keep(&rec.detail)
	}
	rec.size, rec.parts, rec.upload, rec.sums = like.size, len(w.parts), w.upload, slices.Clone(like.sums)
	total := md5.New()
	for i := range w.parts {
		total.Write(w.parts[i].md5[:])
	}
	total.Sum(rec.md5[:0])
	chunks := encodeManifest(w.parts)
	err := s.change(ctx, b, key, func(tx *keyTx) error {
		if err := env.still(b.Encryption, tx.b.Encryption); err != nil {
			return err
		}
		tx.stamp(rec, like.instance)
		tx.putBody(rec, nil, chunks)
		return tx.write(rec)
	})
	if err != nil {
		s.dropUnlessOpen(ctx, err, w.pieces)
	}
	return err
}

// partsWriter takes a body in, part by part, as if it were uploaded.
type partsWriter struct {
	s      *Service
	b      *bucket
	key    string
	env    *envelope
	upload instance
	parts  []part
	begun  []instance
	pieces []blobref.Ref
}

// take reads the next part, which is like p.
func (w *partsWriter) take(ctx context.Context, body io.Reader, p *part) error {
	id := newInstance(w.s.now(), w.upload)
	note := ownerNote{bucket: w.b.ID, key: w.key, writing: id, upload: w.upload, number: p.number}
	src := source{body: io.LimitReader(body, p.size), size: p.size, inline: -1, seal: w.env.sealing(id)}
	for _, want := range p.sums {
		src.compute = append(src.compute, want.algorithm)
	}
	w.s.pending.begin(id)
	w.begun = append(w.begun, id)
	in, err := w.s.take(ctx, &src, &placer{bucket: w.b.ID, key: w.key, id: id, owner: note.encode()})
	if err != nil {
		return err
	}
	w.pieces = append(w.pieces, in.pieces...)
	for _, want := range p.sums {
		if !slices.ContainsFunc(in.sums, func(have sum) bool {
			return have.algorithm == want.algorithm && bytes.Equal(have.digest, want.digest)
		}) {
			return errs.New(errs.Corrupt, "", "part %d of the original is not what its checksum says", p.number).On(w.key)
		}
	}
	made := part{number: p.number, size: in.size, md5: in.md5, sums: in.sums, pieces: in.pieces}
	if src.seal != nil {
		made.layers, made.salt = layersOf(w.env.method), id
		coverETag(w.env.method, &w.env.key, &made.md5)
	}
	w.parts = append(w.parts, made)
	return nil
}

// end forgets the writings, whose rows are there or never will be.
func (w *partsWriter) end() {
	for _, id := range w.begun {
		w.s.pending.end(id)
	}
}
