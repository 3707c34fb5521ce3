package postgres

import (
	"context"
	"time"
)

// listen hears what is notified on a channel until the context ends or the
// connection is lost, which is the owner's and its own. It tells when it has
// begun: what was notified before is not heard.
func (db *DB) listen(ctx context.Context, channel string, begun func(), heard func(payload string)) error {
	pooled, err := db.owner.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack() // one that listens must not serve others
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end)
	}()
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return err
	}
	begun()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		heard(n.Payload)
	}
}
