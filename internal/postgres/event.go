package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres/query"
)

// eventChannel is notified with the subject of an event.
const eventChannel = "bartizan_event"

// PutEvent appends an event on a subject and, at the commit, wakes those who
// follow it. Events of one subject must be written one after another, under a
// lock that the writers share: then none appears before one that was seen.
func (tx *Tx) PutEvent(ctx context.Context, subject uuid.UUID, kind string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("writing the event %s: %w", kind, err)
	}
	if _, err := tx.InsertEvent(ctx, query.InsertEventParams{Subject: subject, Kind: kind, Data: Storable(raw)}); err != nil {
		return fmt.Errorf("writing the event %s: %w", kind, err)
	}
	if _, err := tx.Exec(ctx, "select pg_notify($1, $2)", eventChannel, subject.String()); err != nil {
		return fmt.Errorf("telling of the event %s: %w", kind, err)
	}
	return nil
}

// Watch wakes those who follow subjects. It keeps one connection while anybody
// does.
type Watch struct {
	db *DB

	mu        sync.Mutex
	followers map[uuid.UUID]map[chan struct{}]bool
	stop      func() // ends the listener and waits for it; nil while nobody follows
}

// NewWatch makes a watch.
func (db *DB) NewWatch() *Watch {
	return &Watch{db: db, followers: map[uuid.UUID]map[chan struct{}]bool{}}
}

// Follow gives a channel that receives when there may be events on a subject. It
// may be told too often, and where the connection is lost too late: look every
// few seconds besides. Whoever follows calls the function in the end.
func (w *Watch) Follow(subject uuid.UUID) (<-chan struct{}, func()) {
	bell := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.followers[subject] == nil {
		w.followers[subject] = map[chan struct{}]bool{}
	}
	w.followers[subject][bell] = true
	if w.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.listen(ctx)
		}()
		w.stop = func() { cancel(); <-ended }
	}
	return bell, func() { w.leave(subject, bell) }
}

func (w *Watch) leave(subject uuid.UUID, bell chan struct{}) {
	w.mu.Lock()
	delete(w.followers[subject], bell)
	if len(w.followers[subject]) == 0 {
		delete(w.followers, subject)
	}
	stop := w.stop
	if len(w.followers) > 0 {
		stop = nil
	}
	if stop != nil {
		w.stop = nil
	}
	w.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// listen rings until the context ends.
func (w *Watch) listen(ctx context.Context) {
	for ctx.Err() == nil {
		// Tried again where it fails: followers look by themselves too.
		_ = w.db.listen(ctx, eventChannel, func() { w.ring(uuid.Nil) }, func(payload string) {
			if subject, err := uuid.Parse(payload); err == nil {
				w.ring(subject)
			}
		})
		w.ring(uuid.Nil)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// ring wakes the followers of a subject; of all, for [uuid.Nil].
func (w *Watch) ring(subject uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s, bells := range w.followers {
		if subject != uuid.Nil && s != subject {
			continue
		}
		for bell := range bells {
			select {
			case bell <- struct{}{}:
			default: // it rings already
			}
		}
	}
}
