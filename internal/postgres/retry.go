package postgres

import (
	"context"
	"time"
)

const (
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// Patiently runs f again while its error is [Temporary], for as long as patience
// lasts: over a restart of the database, say. What f does must bear being done
// twice, for a commit may count whose answer was lost.
func Patiently(ctx context.Context, patience time.Duration, f func() error) error {
	end := time.Now().Add(patience)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := f()
		if err == nil || !Temporary(err) || time.Now().Add(pause).After(end) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
