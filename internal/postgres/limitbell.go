package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// slotChannel is notified when a call under limits ended, and when one waits.
const slotChannel = "bartizan_slot"

// notice is what workers tell each other on [slotChannel].
type notice struct {
	Worker       string    `json:"worker"`
	Organization uuid.UUID `json:"organization"`
	Endpoint     string    `json:"endpoint"`
	word
}

// tell lets other workers know, at the commit, how a line stands.
func (l *Limiter) tell(ctx context.Context, tx *Tx, k lineKey, w word) error {
	raw, err := json.Marshal(notice{l.holder, k.organization, k.endpoint, w})
	if err == nil {
		_, err = tx.Exec(ctx, "select pg_notify($1, $2)", slotChannel, string(raw))
	}
	if err != nil {
		return fmt.Errorf("telling other workers of a model call: %w", err)
	}
	return nil
}

// listen hears other workers until the context ends. Where the connection is
// lost, calls that wait ask by themselves every [slotWait].
func (l *Limiter) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = l.db.listen(ctx, slotChannel, l.lines.ringAll, l.heard)
		select {
		case <-time.After(slotWait):
		case <-ctx.Done():
		}
	}
}

// heard takes in what another worker says.
func (l *Limiter) heard(payload string) {
	var said notice
	if err := json.Unmarshal([]byte(payload), &said); err == nil && said.Worker != l.holder {
		l.lines.hear(said.Worker, lineKey{said.Organization, said.Endpoint}, said.word)
	}
}
