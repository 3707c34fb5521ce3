package postgres

import "context"

// TendIndexesAbove is [DB.TendIndexes] with another threshold.
func (db *DB) TendIndexesAbove(ctx context.Context, threshold int) (made, dropped []string, err error) {
	return db.tendIndexes(ctx, threshold)
}
