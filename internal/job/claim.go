package job

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/bartizan-security/bartizan/internal/service"
)

const (
	// renewals in the time of a lease.
	renewals = 6
	// handOverEvery is how long nobody looks when nothing was announced.
	handOverEvery = time.Second
	// handOverAtOnce bounds one transaction.
	handOverAtOnce = 200
	// sweeps in the time of a lease: how often claims of dead workers are looked
	// for.
	sweeps = 10
)

// hold notes that this process works on an entry. The context ends, with
// service.ErrLeaseLost as its cause, when the claim is lost: also to this very
// process, which may be handed an entry again whose claim it could not renew in
// time, the database being away, before it knows that.
func (w *Worker) hold(ctx context.Context, entry int64) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if before := w.held[entry]; before != nil {
		before.cancel(service.ErrLeaseLost)
	}
	mine := &held{cancel: cancel, renewed: time.Now()}
	w.held[entry] = mine
	return ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.held[entry] == mine {
			delete(w.held, entry)
		}
		cancel(nil)
	}
}

// renew renews all claims, then waits. Work whose claim was taken over, or could
// not be renewed in time, ends: somebody else may have begun it.
func (w *Worker) renew(ctx context.Context) error {
	sleep(ctx, w.cfg.Lease/renewals)
	begun := time.Now()
	if w.holding() == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, w.cfg.Lease/renewals)
	defer cancel()
	alive, err := w.cfg.Service.KeepAlive(within, w.holder, w.cfg.Lease)
	w.giveUp(begun, alive, err == nil)
	return err
}

// giveUp ends what is no longer ours. An entry that was claimed after the renewal
// had begun is not among those renewed, and is.
func (w *Worker) giveUp(begun time.Time, alive []int64, renewed bool) {
	ours := make(map[int64]bool, len(alive))
	for _, id := range alive {
		ours[id] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, h := range w.held {
		switch {
		case ours[id]:
			h.renewed = begun
		case renewed && h.renewed.Before(begun), time.Since(h.renewed) > w.cfg.Lease-w.cfg.Lease/renewals:
			w.cfg.Log.Warn("a claim was lost", "entry", id)
			h.cancel(service.ErrLeaseLost)
		}
	}
}

// handOver makes jobs of what waits, then waits for more.
func (w *Worker) handOver(ctx context.Context) error {
	n, err := w.cfg.Service.HandOver(ctx, service.Share{PerOrganization: w.cfg.PerOrganization, Analyses: w.cfg.AnalysesPerOrganization, Total: handOverAtOnce}, w.insert)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.reached = time.Now()
	w.mu.Unlock()
	if n == handOverAtOnce {
		return nil
	}
	return w.cfg.Service.WaitForWork(ctx, handOverEvery)
}

// insert makes jobs of entries, in the transaction that hands them over.
func (w *Worker) insert(ctx context.Context, tx pgx.Tx, entries []service.Entry) ([]int64, error) {
	params := make([]river.InsertManyParams, len(entries))
	for i, e := range entries {
		a, err := jobArgs(e)
		if err != nil {
			return nil, err
		}
		params[i] = river.InsertManyParams{Args: a, InsertOpts: &river.InsertOpts{Queue: string(e.Kind), Priority: e.Priority}}
	}
	jobs, err := w.river.InsertManyTx(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("inserting jobs: %w", err)
	}
	ids := make([]int64, len(jobs))
	for i, j := range jobs {
		ids[i] = j.Job.ID
	}
	return ids, nil
}

// sweep lets work wait again that nobody is at, such as that of dead workers.
func (w *Worker) sweep(ctx context.Context) error {
	sleep(ctx, w.cfg.Lease/sweeps)
	if ctx.Err() != nil {
		return nil
	}
	n, err := w.cfg.Service.Sweep(ctx)
	if n > 0 {
		w.cfg.Log.Warn("work that nobody was at waits again", "entries", n)
	}
	return err
}

func (w *Worker) housekeep(ctx context.Context) error {
	err := w.cfg.Service.Housekeep(ctx)
	sleep(ctx, w.cfg.HousekeepEvery)
	return err
}
