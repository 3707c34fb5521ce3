package postgres

import (
	"context"
	"time"

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

// Waits sets after how long a call that waits looks by itself, and for how long
// it lets one go first.
func (l *Limiter) Waits(look, courtesy time.Duration) { l.look, l.lines.courtesy = look, courtesy }

// Waiting is how many calls wait here, and how many lines of other workers are
// known to.
func (l *Limiter) Waiting() (here, elsewhere int) {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	for _, x := range l.lines.of {
		here += len(x.waiting)
	}
	return here, len(l.lines.others)
}
