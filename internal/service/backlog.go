package service

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// WorkKind is a kind of work in the backlog.
type WorkKind string

// Kinds of work. The subject of each is the id in brackets.
const (
	WorkIngest  = WorkKind(postgres.KindIngest)  // read a revision (revision)
	WorkAnalyse = WorkKind(postgres.KindAnalyse) // work on what was requested of a system (system)
	WorkBatch   = WorkKind(postgres.KindBatch)   // plan a batch, or take it a step further (batch)
	WorkDeliver = WorkKind(postgres.KindDeliver) // try to deliver a message (delivery)
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

func (e Entry) row() postgres.Entry {
	return postgres.Entry{
		ID: e.ID, Organization: e.Organization, Kind: postgres.Kind(e.Kind), Subject: e.Subject, Priority: e.Priority, Attempts: e.Attempts,
	}
}

// Share bounds what is handed over at once.
type Share struct {
	// PerOrganization and kind, counting what was handed over before; Analyses
	// is that of analyses, 0 for the same.
	PerOrganization, Analyses int
	// Total of one call.
	Total int
}

// Backlog is the work that waits, as those who do it see it.
type Backlog struct {
	db   *postgres.DB
	bell *postgres.Bell
}

// NewBacklog makes the backlog of a database.
func NewBacklog(db *postgres.DB) *Backlog { return &Backlog{db: db, bell: db.NewBell()} }

// HandOver gives waiting entries to insert, which makes jobs of them within the
// transaction and gives their ids: round robin by organization, by priority and
// age within one. Where another process is at it, it gives none.
func (b *Backlog) HandOver(ctx context.Context, share Share, insert func(context.Context, pgx.Tx, []Entry) ([]int64, error)) (int, error) {
	return b.db.HandOver(ctx, postgres.Share(share), func(ctx context.Context, tx pgx.Tx, rows []postgres.Entry) ([]int64, error) {
		entries := make([]Entry, len(rows))
		for i, e := range rows {
			entries[i] = Entry{
				ID: e.ID, Organization: e.Organization, Kind: WorkKind(e.Kind), Subject: e.Subject, Priority: e.Priority, Attempts: e.Attempts,
			}
		}
		return insert(ctx, tx, entries)
	})
}

// Claim takes an entry for a holder who begins to work on it as the given job.
// False where the entry is done, or was handed over again as another job. For
// an analysis it takes the system's lease too: false where somebody else has
// it, who then sees what was requested; the entry is done with that.
func (b *Backlog) Claim(ctx context.Context, e Entry, job int64, holder string, lease time.Duration) (bool, error) {
	return b.db.Claim(ctx, e.row(), job, holder, lease)
}

// KeepAlive renews all that a holder has claimed, and tells what that is.
func (b *Backlog) KeepAlive(ctx context.Context, holder string, lease time.Duration) ([]int64, error) {
	return b.db.KeepAlive(ctx, holder, lease)
}

// Finish ends the work on an entry. For an analysis it gives the system's lease
// back, and lets the system wait again where something was requested meanwhile.
func (b *Backlog) Finish(ctx context.Context, e Entry, holder string) error {
	return b.db.Finish(ctx, e.row(), holder)
}

// PutBack lets an entry wait again, and gives the system's lease back. An entry
// for the same that waits already takes its place. A reason that is not empty
// counts as a failed attempt.
func (b *Backlog) PutBack(ctx context.Context, e Entry, holder string, after time.Duration, reason string) error {
	return b.db.PutBack(ctx, e.row(), holder, after, reason)
}

// Sweep lets entries wait again whose holder died, or whose job ended without
// a word, and tells how many.
func (b *Backlog) Sweep(ctx context.Context) (int, error) { return b.db.Sweep(ctx) }

// WaitForWork returns when something was added to the backlog, or after the
// given time. It is for one goroutine at a time.
func (b *Backlog) WaitForWork(ctx context.Context, atMost time.Duration) error {
	return b.bell.Wait(ctx, atMost)
}

// QueueState is what waits of a kind of work, and what is under way, all
// organizations together.
type QueueState struct {
	Kind             WorkKind
	Waiting, Running int
	// Oldest is how long the work has waited that could have begun first.
	Oldest time.Duration
}

// QueueState tells the state of the backlog.
func (b *Backlog) QueueState(ctx context.Context) ([]QueueState, error) {
	rows, err := b.db.Queue(ctx)
	out := make([]QueueState, len(rows))
	for i, q := range rows {
		out[i] = QueueState{Kind: WorkKind(q.Kind), Waiting: q.Waiting, Running: q.Running, Oldest: q.Oldest}
	}
	return out, err
}

// Close gives back what the backlog holds.
func (b *Backlog) Close() { b.bell.Close() }
