package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// TendIndexesAbove is [DB.TendIndexes] with another threshold.
func (db *DB) TendIndexesAbove(ctx context.Context, threshold int) (made, dropped []string, err error) {
	return db.tendIndexes(ctx, threshold)
}

// MigrateDown takes all migrations of ours back, but for the schema and what
// stood before.
func MigrateDown(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	provider, err := newProvider(cfg)
	if err != nil {
		return err
	}
	defer provider.Close()
	_, err = provider.DownTo(ctx, 0)
	return err
}
