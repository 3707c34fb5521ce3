package service

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// WorkKind is a kind of work in the backlog.
type WorkKind string

// Kinds of work. The subject of each is the id in brackets.
const (
	WorkIngest  WorkKind = "ingest"  // read a revision (revision)
	WorkAnalyse WorkKind = "analyse" // work on what was requested of a system (system)
	WorkBatch   WorkKind = "batch"   // plan a batch, or take it a step further (batch)
	WorkDeliver WorkKind = "deliver" // try to deliver a message (delivery)
)

// Entry is work in the backlog.
type Entry struct {
	ID           int64
	Organization uuid.UUID
	Kind         WorkKind
	Subject      uuid.UUID
	Priority     int
	Attempts     int
}

// Share bounds what is handed over at once.
type Share struct {
	// PerOrganization and kind, counting what was handed over before.
	PerOrganization int
	// Total of one call.
	Total int
}

// HandOver gives waiting entries to insert, which makes jobs of them within the
// transaction and gives their ids: round robin by organization, by priority and
// age within one. Where another process is at it, it gives none.
func (s *Service) HandOver(ctx context.Context, share Share, insert func(context.Context, pgx.Tx, []Entry) ([]int64, error)) (int, error) {
	return 0, errNotBuilt
}

// Claim takes an entry for a holder who begins to work on it as the given job.
// False where the entry is done, or was handed over again as another job. For
// an analysis it takes the system's lease too: false where somebody else has
// it, who then sees what was requested; the entry is done with that.
func (s *Service) Claim(ctx context.Context, e Entry, job int64, holder string, lease time.Duration) (bool, error) {
	return false, errNotBuilt
}

// KeepAlive renews all that a holder has claimed, and tells what that is.
func (s *Service) KeepAlive(ctx context.Context, holder string, lease time.Duration) ([]int64, error) {
	return nil, errNotBuilt
}

// Finish ends the work on an entry, and gives the system's lease back.
func (s *Service) Finish(ctx context.Context, e Entry, holder string) error { return errNotBuilt }

// PutBack lets an entry wait again, and gives the system's lease back. An entry
// for the same that waits already takes its place. A reason that is not empty
// counts as a failed attempt.
func (s *Service) PutBack(ctx context.Context, e Entry, holder string, after time.Duration, reason string) error {
	return errNotBuilt
}

// Sweep lets entries wait again whose holder died, or whose job ended without
// a word, and tells how many.
func (s *Service) Sweep(ctx context.Context) (int, error) { return 0, errNotBuilt }

// WaitForWork returns when something was added to the backlog, or after the
// given time.
func (s *Service) WaitForWork(ctx context.Context, atMost time.Duration) error { return errNotBuilt }

// QueueState is what waits of a kind of work, and what is under way, all
// organizations together.
type QueueState struct {
	Kind             WorkKind
	Waiting, Running int
	// Oldest is how long the work has waited that could have begun first.
	Oldest time.Duration
}

// QueueState tells the state of the backlog.
func (s *Service) QueueState(ctx context.Context) ([]QueueState, error) { return nil, errNotBuilt }
