package compute

import (
	"context"
	"errors"
	"time"

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
		err := s.transact(ctx, "compute.reap", func(v kv.View, b *kv.Batch) error {
			n = 0
			until := keys.AppendUint64([]byte(rowGone), uint64(millis(time.Now().Add(-s.cfg.Visible))))
			it := v.Scan(kv.ScanOptions{Lower: []byte(rowGone), Upper: until})
			var err error
			for ok := it.First(); ok && n < reapBatch && err == nil; ok = it.Next() {
				n++
				row := append([]byte(nil), it.Key()...)
				account, id, ok := splitGone(row)
				if !ok {
					b.Delete(row)
					continue
				}
				err = s.forget(v, b, row, account, id)
			}
			return errors.Join(err, it.Close())
		})
		if err != nil || n < reapBatch {
			return err
		}
	}
}

func (s *Service) forget(v kv.View, b *kv.Batch, row []byte, account, id string) error {
	i, _, err := getInstance(v, account, id)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return err
	}
	b.IfExists(row) // of two that reap, one does
	b.Delete(row)
	b.Delete(instanceRow(account, id))
	if i != nil {
		for _, d := range i.Disks {
			tags.Delete(b, account, d.Volume)
		}
	}
	tags.Delete(b, account, id)
	return nil
}

func splitGone(row []byte) (account, id string, ok bool) {
	rest := string(row[len(rowGone):])
	if len(rest) < 8+accountLen {
		return "", "", false
	}
	return rest[8 : 8+accountLen], rest[8+accountLen:], true
}
