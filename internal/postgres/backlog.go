package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Kind is a kind of work in the backlog.
type Kind string

// Kinds of work; the subject of each in brackets.
const (
	KindIngest  Kind = "ingest"  // a revision
	KindAnalyse Kind = "analyse" // a system
	KindBatch   Kind = "batch"   // a batch
	KindDeliver Kind = "deliver" // a delivery
)

// Priority orders the work of one organization; less comes first.
type Priority int16

// Priorities.
const (
	PriorityPerson Priority = 1 // a person waits
	PriorityUsual  Priority = 2
	PriorityBatch  Priority = 3
)

// BacklogChannel is notified when work was put into the backlog.
const BacklogChannel = "bartizan_backlog"

// Enqueue puts work into the backlog of the transaction's organization, and
// wakes a worker at the commit. Work of the same kind on the same subject that
// still waits is one entry: it takes the better priority and the earlier time.
// A zero time means now.
func (tx *Tx) Enqueue(ctx context.Context, kind Kind, subject uuid.UUID, priority Priority, notBefore time.Time) error {
	var at *time.Time
	if !notBefore.IsZero() {
		at = &notBefore
	}
	_, err := tx.Exec(ctx, `
		insert into bartizan.backlog (organization_id, kind, subject, priority, not_before)
		values ($1, $2, $3, $4, coalesce($5, now()))
		on conflict (organization_id, kind, subject) where job_id is null do update
		set priority = least(backlog.priority, excluded.priority), not_before = least(backlog.not_before, excluded.not_before)`,
		tx.Organization, kind, subject, priority, at)
	if err != nil {
		return fmt.Errorf("putting %s of %s into the backlog: %w", kind, subject, err)
	}
	if _, err := tx.Exec(ctx, "select pg_notify($1, '')", BacklogChannel); err != nil {
		return fmt.Errorf("waking a worker: %w", err)
	}
	return nil
}

// Entry is work in the backlog.
type Entry struct {
	ID           int64
	Organization uuid.UUID
	Kind         Kind
	Subject      uuid.UUID
	Priority     int
	Attempts     int
}

// Share bounds what is handed over.
type Share struct {
	// PerOrganization and kind, counting what was handed over before; Analyses
	// is that of analyses, 0 for the same.
	PerOrganization, Analyses int
	// Total of one call.
	Total int
}

// HandOver gives entries that wait to insert, which makes River jobs of them in
// the same transaction and gives their ids in order. Each organization has at
// most its share of a kind handed over at once; they come round robin, by
// priority and age within one. Where another process is at it, none is given.
func (db *DB) HandOver(ctx context.Context, share Share, insert func(context.Context, pgx.Tx, []Entry) ([]int64, error)) (int, error) {
	n := 0
	err := db.Owner(ctx, func(tx *Tx) error {
		n = 0
		var first bool
		if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock(hashtextextended('bartizan.backlog', 0))").Scan(&first); err != nil || !first {
			return err
		}
		entries, err := nextEntries(ctx, tx, share)
		if err != nil || len(entries) == 0 {
			return err
		}
		jobs, err := insert(ctx, tx.Tx, entries)
		if err != nil {
			return err
		}
		n = len(entries)
		return markHanded(ctx, tx, entries, jobs)
	})
	if err != nil {
		return 0, fmt.Errorf("handing over work: %w", err)
	}
	return n, nil
}

func nextEntries(ctx context.Context, tx *Tx, share Share) ([]Entry, error) {
	if share.Analyses == 0 {
		share.Analyses = share.PerOrganization
	}
	rows, err := tx.Query(ctx, `
		with waiting as (
			select distinct organization_id, kind from bartizan.backlog where job_id is null and not_before <= now()
		), handed as (
			select organization_id, kind, count(*) as n from bartizan.backlog where job_id is not null group by 1, 2
		)
		select e.id, e.organization_id, e.kind, e.subject, e.priority, e.attempts
		from waiting w
		left join handed h using (organization_id, kind)
		cross join lateral (
			select b.*, row_number() over (order by b.priority, b.not_before, b.id) + coalesce(h.n, 0) as turn
			from (
				select * from bartizan.backlog b
				where b.organization_id = w.organization_id and b.kind = w.kind and b.job_id is null and b.not_before <= now()
				order by b.priority, b.not_before, b.id
				limit greatest(0, case w.kind when '`+string(KindAnalyse)+`' then $3::bigint else $1::bigint end - coalesce(h.n, 0))
			) b
		) e
		order by e.turn, e.priority, e.id
		limit $2`, share.PerOrganization, share.Total, share.Analyses)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Entry, error) {
		var e Entry
		err := row.Scan(&e.ID, &e.Organization, &e.Kind, &e.Subject, &e.Priority, &e.Attempts)
		return e, err
	})
}

func markHanded(ctx context.Context, tx *Tx, entries []Entry, jobs []int64) error {
	organizations := make([]uuid.UUID, len(entries))
	ids := make([]int64, len(entries))
	for i, e := range entries {
		organizations[i], ids[i] = e.Organization, e.ID
	}
	tag, err := tx.Exec(ctx, `
		update bartizan.backlog b set job_id = n.job, handed_at = now(), holder = '', alive_until = null
		from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as n (organization, id, job)
		where b.organization_id = n.organization and b.id = n.id and b.job_id is null`, organizations, ids, jobs)
	if err == nil && int(tag.RowsAffected()) != len(entries) {
		err = fmt.Errorf("%d of %d entries were handed over by somebody else", len(entries)-int(tag.RowsAffected()), len(entries))
	}
	return err
}

// Claim takes an entry for a holder, who begins to work on it as the given job.
// False where the entry is gone or was handed over again. For an analysis it
// takes the system's lease with it; where somebody else holds that, the entry is
// done: whoever holds the lease looks at what is requested before letting go.
func (db *DB) Claim(ctx context.Context, e Entry, job int64, holder string, lease time.Duration) (bool, error) {
	claimed := false
	err := db.OwnerOf(ctx, e.Organization, func(tx *Tx) error {
		tag, err := tx.Exec(ctx, `
			update bartizan.backlog set holder = $4, alive_until = now() + $5
			where organization_id = $1 and id = $2 and job_id = $3 and holder = ''`, e.Organization, e.ID, job, holder, lease)
		claimed = tag.RowsAffected() == 1
		if err != nil || !claimed || e.Kind != KindAnalyse {
			return err
		}
		tag, err = tx.Exec(ctx, `
			update bartizan.work set holder = $3, lease_until = now() + $4
			where organization_id = $1 and system_id = $2 and requested > done and (holder = '' or lease_until < now())`,
			e.Organization, e.Subject, holder, lease)
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		claimed = false
		return deleteEntry(ctx, tx, e)
	})
	if err != nil {
		return false, fmt.Errorf("claiming work: %w", err)
	}
	return claimed, nil
}

func deleteEntry(ctx context.Context, tx *Tx, e Entry) error {
	_, err := tx.Exec(ctx, "delete from bartizan.backlog where organization_id = $1 and id = $2", e.Organization, e.ID)
	return err
}

// KeepAlive renews all that a holder has claimed and the leases that go with it,
// and tells which entries these are. A lease whose row somebody has locked is
// renewed the next time: nobody can take it over meanwhile, and the others do
// not wait for it.
func (db *DB) KeepAlive(ctx context.Context, holder string, lease time.Duration) ([]int64, error) {
	var ids []int64
	err := db.Owner(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, "update bartizan.backlog set alive_until = now() + $2 where holder = $1 returning id", holder, lease)
		if err != nil {
			return err
		}
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			update bartizan.work w set lease_until = now() + $2
			from (select organization_id, system_id from bartizan.work where holder = $1 for update skip locked) mine
			where w.organization_id = mine.organization_id and w.system_id = mine.system_id`, holder, lease)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("renewing claims: %w", err)
	}
	return ids, nil
}

// Finish ends the work on an entry that a holder has claimed. For an analysis it
// gives the system's lease back, and wakes another worker where something was
// requested meanwhile.
func (db *DB) Finish(ctx context.Context, e Entry, holder string) error {
	err := db.OwnerOf(ctx, e.Organization, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "delete from bartizan.backlog where organization_id = $1 and id = $2 and holder = $3", e.Organization, e.ID, holder)
		if err != nil {
			return err
		}
		if err := wakeForNext(ctx, tx, e); err != nil || e.Kind != KindAnalyse {
			return err
		}
		more, err := giveBackLease(ctx, tx, e, holder)
		if err != nil || !more {
			return err
		}
		return tx.Enqueue(ctx, e.Kind, e.Subject, PriorityUsual, time.Time{})
	})
	if err != nil {
		return fmt.Errorf("ending work: %w", err)
	}
	return nil
}

// wakeForNext wakes a worker where the place of an entry that ended is wanted.
func wakeForNext(ctx context.Context, tx *Tx, e Entry) error {
	_, err := tx.Exec(ctx, `
		select pg_notify($3, '') where exists (
			select from bartizan.backlog where organization_id = $1 and kind = $2 and job_id is null and not_before <= now())`,
		e.Organization, e.Kind, BacklogChannel)
	return err
}

// giveBackLease reports whether there is more to do for the system.
func giveBackLease(ctx context.Context, tx *Tx, e Entry, holder string) (bool, error) {
	more := false
	err := tx.QueryRow(ctx, `
		update bartizan.work set holder = '', lease_until = null
		where organization_id = $1 and system_id = $2 and holder = $3
		returning requested > done`, e.Organization, e.Subject, holder).Scan(&more)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil // given back with the result
	}
	return more, err
}

// PutBack lets an entry wait again that a holder has claimed. Where another for
// the same waits already, that one stays. A reason counts as a failed attempt.
func (db *DB) PutBack(ctx context.Context, e Entry, holder string, after time.Duration, reason string) error {
	again := func(tx *Tx) error {
		failed := 0
		if reason != "" {
			failed = 1
		}
		_, err := tx.Exec(ctx, `
			with other as (
				select from bartizan.backlog where organization_id = $1 and kind = $4 and subject = $5 and job_id is null
			), gone as (
				delete from bartizan.backlog where organization_id = $1 and id = $2 and holder = $3 and exists (select from other)
			)
			update bartizan.backlog set job_id = null, handed_at = null, holder = '', alive_until = null,
				not_before = now() + $6, attempts = attempts + $7, error = left($8, 4000)
			where organization_id = $1 and id = $2 and holder = $3 and not exists (select from other)`,
			e.Organization, e.ID, holder, e.Kind, e.Subject, after, failed, reason)
		if err != nil || e.Kind != KindAnalyse {
			return err
		}
		if _, err = giveBackLease(ctx, tx, e, holder); err == nil && after == 0 {
			_, err = tx.Exec(ctx, "select pg_notify($1, '')", BacklogChannel)
		}
		return err
	}
	err := db.OwnerOf(ctx, e.Organization, again)
	if Exists(err, "backlog_waiting") { // it came while we looked
		err = db.OwnerOf(ctx, e.Organization, again)
	}
	if err != nil {
		return fmt.Errorf("putting work back: %w", err)
	}
	return nil
}

// Sweep lets entries wait again whose holder died, whose job ended without a
// word, or whose worker died before it claimed them; and it wakes systems for
// which something is requested and nothing is under way.
func (db *DB) Sweep(ctx context.Context) (int, error) {
	n := 0
	err := db.Owner(ctx, func(tx *Tx) error {
		n = 0
		var first bool
		if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock(hashtextextended('bartizan.sweep', 0))").Scan(&first); err != nil || !first {
			return err
		}
		for _, s := range sweeps {
			args := []any{db.lease}
			tag, err := tx.Exec(ctx, s.sql, args[:s.leases]...)
			if err != nil {
				return err
			}
			n += int(tag.RowsAffected())
		}
		if n == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, "select pg_notify($1, '')", BacklogChannel)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweeping the backlog: %w", err)
	}
	return n, nil
}

// lost are the entries that nobody works on although they were handed over. Who
// fetched a job claims its entry within moments; a lease is long for that.
const lost = `
	select b.organization_id, b.id, b.kind, b.subject from bartizan.backlog b
	left join river.river_job j on j.id = b.job_id
	where b.job_id is not null and case
		when b.holder <> '' then b.alive_until < now()
		when j.id is null or j.state in ('completed', 'discarded', 'cancelled') then b.handed_at < now() - $1::interval
		when j.state = 'running' then j.attempted_at < now() - 2 * $1::interval
		else false
	end`

// sweeps are what [DB.Sweep] does, in order; leases is how many of its parameters
// a statement takes.
var sweeps = []struct {
	sql    string
	leases int
}{
	// Of several for the same subject one is enough.
	{`with lost as (` + lost + `)
	delete from bartizan.backlog b using lost l
	where b.organization_id = l.organization_id and b.id = l.id and (
		exists (select from bartizan.backlog o where o.organization_id = l.organization_id and o.kind = l.kind and o.subject = l.subject and o.job_id is null)
		or exists (select from lost o where o.organization_id = l.organization_id and o.kind = l.kind and o.subject = l.subject and o.id > l.id))`, 1},
	{`with lost as (` + lost + `)
	update bartizan.backlog b set job_id = null, handed_at = null, holder = '', alive_until = null
	from lost l where b.organization_id = l.organization_id and b.id = l.id`, 1},
	// Whoever has locked the row of a system may be about to end the work on it.
	{`update bartizan.work w set holder = '', lease_until = null
	from (select organization_id, system_id from bartizan.work where holder <> '' and lease_until < now() for update skip locked) dead
	where w.organization_id = dead.organization_id and w.system_id = dead.system_id`, 0},
	{`insert into bartizan.backlog (organization_id, kind, subject)
	select w.organization_id, '` + string(KindAnalyse) + `', w.system_id from bartizan.work w
	where w.requested > w.done and w.holder = '' and (w.not_before is null or w.not_before <= now())
	and not exists (select from bartizan.backlog b where b.organization_id = w.organization_id and b.kind = '` + string(KindAnalyse) + `' and b.subject = w.system_id)
	on conflict do nothing`, 0},
}

// Bell rings when work was added to the backlog. It keeps one connection. It is
// for one goroutine at a time.
type Bell struct {
	db   *DB
	mu   sync.Mutex
	conn *pgxpool.Conn
}

// NewBell makes a bell.
func (db *DB) NewBell() *Bell { return &Bell{db: db} }

// Wait returns when work was added, or after the given time. What was added
// before the first call is not told.
func (b *Bell) Wait(ctx context.Context, atMost time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	if b.conn == nil {
		conn, err := b.db.owner.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("listening for work: %w", err)
		}
		if _, err := conn.Exec(ctx, "listen "+BacklogChannel); err != nil {
			conn.Release()
			return fmt.Errorf("listening for work: %w", err)
		}
		b.conn = conn
		return nil // what came until now is not lost: the caller looks again
	}
	_, err := b.conn.Conn().WaitForNotification(ctx)
	if err == nil || errors.Is(err, context.DeadlineExceeded) && !b.conn.Conn().IsClosed() {
		return nil
	}
	b.drop()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("listening for work: %w", err)
}

// Close gives the connection back.
func (b *Bell) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop()
}

func (b *Bell) drop() {
	if b.conn == nil {
		return
	}
	// A connection that listens must not serve others.
	conn := b.conn.Hijack()
	b.conn = nil
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// QueueState is what waits of a kind, and what is under way.
type QueueState struct {
	Kind    Kind
	Waiting int
	Running int
	// Oldest is how long the entry has waited that could have begun first.
	Oldest time.Duration
}

// Queue tells the state of the backlog, all organizations together.
func (db *DB) Queue(ctx context.Context) ([]QueueState, error) {
	var out []QueueState
	err := db.Owner(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `
			select k.kind, count(b.id) filter (where b.holder = ''), count(b.id) filter (where b.holder <> ''),
				coalesce(extract(epoch from max(now() - greatest(b.created_at, b.not_before)) filter (where b.holder = '' and b.not_before <= now())), 0)::float8
			from unnest(array['ingest', 'analyse', 'batch', 'deliver']) k (kind)
			left join bartizan.backlog b using (kind)
			group by k.kind order by k.kind`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (QueueState, error) {
			var s QueueState
			var oldest float64
			err := row.Scan(&s.Kind, &s.Waiting, &s.Running, &oldest)
			s.Oldest = time.Duration(oldest * float64(time.Second))
			return s, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the state of the backlog: %w", err)
	}
	return out, nil
}
