package service

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Kinds of event on an analysis or a batch.
const (
	eventProgress = "progress" // data is an Analysis
	eventState    = "state"    // data is an Analysis or a Batch
	eventItem     = "item"     // data is a BatchItem
)

const (
	eventsAtOnce = 100
	// lookEvery is how often a follower looks where it was not woken.
	lookEvery = 5 * time.Second
)

// Events follows the events of an analysis or a batch, those after the given id
// first. The channel is closed when nothing more will come (the state is final)
// and when the context ends; where the database is lost for long it is closed
// too, and the caller follows anew. Scope read.
func (s *Service) Events(ctx context.Context, a Actor, subject uuid.UUID, after int64) (<-chan resource.Event, error) {
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := reachableAnalysis(ctx, tx, a, resource.ScopeRead, subject); err == nil {
			return nil
		} else if !isNotFound(err) {
			return err
		}
		if a.System != nil { // a batch is of the whole organization
			return notFound("analysis or batch")
		}
		if err := a.must(resource.ScopeRead); err != nil {
			return err
		}
		_, err := tx.Queries.Batch(ctx, subject)
		return missing(err, "analysis or batch")
	})
	if err != nil {
		return nil, err
	}
	out := make(chan resource.Event)
	go func() {
		defer close(out)
		if err := s.follow(ctx, a, subject, after, out); err != nil && ctx.Err() == nil {
			s.cfg.Log.WarnContext(ctx, "a stream of events ended", "subject", subject, "error", err)
		}
	}()
	return out, nil
}

func (s *Service) follow(ctx context.Context, a Actor, subject uuid.UUID, after int64, out chan<- resource.Event) error {
	bell, leave := s.watch.Follow(subject)
	defer leave()
	for {
		// Asked before the events: a final state has written all of its own.
		final, err := s.final(ctx, a, subject)
		if err != nil {
			return err
		}
		sent, err := s.send(ctx, a, subject, after, out)
		if err != nil {
			return err
		}
		if sent > after {
			after = sent
			continue
		}
		if final {
			return nil
		}
		select {
		case <-bell:
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// send gives the events after one, at most so many, and tells the last.
func (s *Service) send(ctx context.Context, a Actor, subject uuid.UUID, after int64, out chan<- resource.Event) (int64, error) {
	var rows []query.EventsAfterRow
	err := postgres.Patiently(ctx, time.Minute, func() error {
		return s.db.Tenant(ctx, a.Organization, func(tx *postgres.Tx) (err error) {
			rows, err = tx.EventsAfter(ctx, query.EventsAfterParams{Subject: subject, After: after, MaxRows: eventsAtOnce})
			return err
		})
	})
	if err != nil {
		return after, err
	}
	for _, r := range rows {
		e := resource.Event{ID: r.ID, Kind: r.Kind, At: r.At.UTC(), Data: json.RawMessage(r.Data)}
		select {
		case out <- e:
			after = r.ID
		case <-ctx.Done():
			return after, nil
		}
	}
	return after, nil
}

// final reports whether nothing more will come of a subject.
func (s *Service) final(ctx context.Context, a Actor, subject uuid.UUID) (final bool, err error) {
	err = postgres.Patiently(ctx, time.Minute, func() error {
		return s.db.Tenant(ctx, a.Organization, func(tx *postgres.Tx) error {
			r, err := tx.Queries.Analysis(ctx, subject)
			if err == nil {
				final = resource.AnalysisState(r.AnalysisState.State).Final()
				return nil
			}
			if missing(err, "") == err {
				return err
			}
			b, err := tx.Queries.Batch(ctx, subject)
			if err == nil {
				final = finalBatch(b.State)
			}
			return missing(err, "analysis or batch")
		})
	})
	return final, err
}

// announceBatch tells the followers of a batch how it stands.
func announceBatch(ctx context.Context, tx *postgres.Tx, b query.Batch) error {
	out, err := oneBatch(ctx, tx, b)
	if err != nil {
		return err
	}
	return tx.PutEvent(ctx, b.ID, eventState, out)
}
