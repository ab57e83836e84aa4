package compute

import (
	"context"
	"errors"
	"time"

	"github.com/aureole-cloud/aureole/core/rows"
	"github.com/aureole-cloud/aureole/core/tags"
	"github.com/aureole-cloud/aureole/storage/keys"
	"github.com/aureole-cloud/aureole/storage/kv"
)

const (
	// reapEvery is how often terminated instances are looked through.
	reapEvery = time.Minute
	// reapBatch bounds one commit.
	reapBatch = 500
)

// reap removes what is over: instances terminated long enough ago, and the bytes of images that nobody needs.
func (s *Service) reap(ctx context.Context) error {
	return errors.Join(s.forgetTerminated(ctx), s.takeOutTrash(ctx))
}

func (s *Service) forgetTerminated(ctx context.Context) error {
	for {
		n := 0
		var gone [][]byte
		err := s.transact(ctx, "compute.reap", func(v kv.View, b *kv.Batch) error {
			n, gone = 0, nil
			until := keys.AppendUint64([]byte(rowGone), uint64(millis(time.Now().Add(-s.cfg.Visible))))
			it := v.Scan(kv.ScanOptions{Lower: []byte(rowGone), Upper: until})
			for ok := it.First(); ok && n < reapBatch; ok = it.Next() {
				n++
				row := append([]byte(nil), it.Key()...)
				account, id, ok := splitGone(row)
				if !ok {
					b.Delete(row)
					continue
				}
				forget(b, row, account, id)
				gone = append(gone, instanceRow(account, id))
			}
			return it.Close()
		})
		for _, row := range gone {
			s.known.drop(row)
		}
		if err != nil || n < reapBatch {
			return err
		}
	}
}

// Remembered are the ids of the terminated instances that are still visible.
func (s *Service) Remembered(ctx context.Context) (map[string]bool, error) {
	all := map[string]bool{}
	err := s.view(ctx, func(v kv.View) error {
		clear(all)
		it := v.Scan(span(rowGone))
		for ok := it.First(); ok; ok = it.Next() {
			if _, id, ok := splitGone(it.Key()); ok {
				all[id] = true
			}
		}
		return it.Close()
	})
	return all, rows.Failed("compute.Remembered", err)
}

func forget(b *kv.Batch, row []byte, account, id string) {
	b.IfExists(row) // of two that reap, one does
	b.Delete(row)
	b.Delete(instanceRow(account, id))
	tags.Delete(b, account, id)
}

func splitGone(row []byte) (account, id string, ok bool) {
	rest := string(row[len(rowGone):])
	if len(rest) < 8+accountLen {
		return "", "", false
	}
	return rest[8 : 8+accountLen], rest[8+accountLen:], true
}
