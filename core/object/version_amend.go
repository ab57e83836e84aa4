package object

import (
	"context"

	"github.com/aureole-cloud/aureole/core/iam"
)

// amend changes what is said about a version in place: it stays the same version with the same body and time. change
// sets f.detail; it may be called several times, on the newest state each.
func (s *Service) amend(ctx context.Context, who *iam.Principal, b *bucket, key, version string, change func(tx *keyTx, f found) error) error {
	return s.change(ctx, b, key, func(tx *keyTx) error {
		f, err := s.findObject(ctx, tx.b, key, version)
		if err != nil {
			return s.hideAbsence(ctx, who, tx.b, key, err)
		}
		row := tx.row
		if tx.cur == nil || f.instance != tx.cur.instance {
			row = versionKey(tx.b.ID, key, f.instance)
			r, _, rev, err := s.readVersion(ctx, tx.b, row)
			if err != nil {
				return err
			}
			if r == nil {
				// Deleted since, or moved up: then the commit's condition on the current version fails.
				_, err := s.findObject(ctx, tx.b, key, version)
				return s.hideAbsence(ctx, who, tx.b, key, err)
			}
			tx.batch.IfRevision(row, rev)
			f.record = r
		} else {
			f.record = tx.cur
		}
		if err := change(tx, f); err != nil {
			return err
		}
		tx.batch.Put(row, f.encode())
		return nil
	})
}
