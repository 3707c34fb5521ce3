package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/bartizan-security/bartizan/internal/service"
)

// args are the arguments of a job: where its entry stands in the backlog.
type args struct {
	Entry        int64     `json:"entry"`
	Organization uuid.UUID `json:"organization"`
	Subject      uuid.UUID `json:"subject"`
	Attempts     int       `json:"attempts"`
}

func (a args) entry(kind service.WorkKind) service.Entry {
	return service.Entry{ID: a.Entry, Organization: a.Organization, Kind: kind, Subject: a.Subject, Attempts: a.Attempts}
}

// One type a kind: River tells kinds apart by type.
type (
	ingestArgs  struct{ args }
	analyseArgs struct{ args }
	batchArgs   struct{ args }
	deliverArgs struct{ args }
)

// Kind implements river.JobArgs.
func (ingestArgs) Kind() string { return string(service.WorkIngest) }

// Kind implements river.JobArgs.
func (analyseArgs) Kind() string { return string(service.WorkAnalyse) }

// Kind implements river.JobArgs.
func (batchArgs) Kind() string { return string(service.WorkBatch) }

// Kind implements river.JobArgs.
func (deliverArgs) Kind() string { return string(service.WorkDeliver) }

// jobArgs makes a job of an entry.
func jobArgs(e service.Entry) (river.JobArgs, error) {
	a := args{Entry: e.ID, Organization: e.Organization, Subject: e.Subject, Attempts: e.Attempts}
	switch e.Kind {
	case service.WorkIngest:
		return ingestArgs{a}, nil
	case service.WorkAnalyse:
		return analyseArgs{a}, nil
	case service.WorkBatch:
		return batchArgs{a}, nil
	case service.WorkDeliver:
		return deliverArgs{a}, nil
	}
	return nil, fmt.Errorf("entry %d of the backlog is of the unknown kind %q", e.ID, e.Kind)
}

func (w *Worker) register(workers *river.Workers) error {
	s := w.cfg.Service
	return errors.Join(
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[ingestArgs]) error {
			return w.work(ctx, j.ID, j.Args.entry(service.WorkIngest), func(ctx context.Context) error {
				return s.Ingest(ctx, j.Args.Organization, j.Args.Subject)
			})
		})),
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[analyseArgs]) error {
			return w.work(ctx, j.ID, j.Args.entry(service.WorkAnalyse), func(ctx context.Context) error {
				return w.analyse(ctx, j.Args.args)
			})
		})),
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[batchArgs]) error {
			return w.work(ctx, j.ID, j.Args.entry(service.WorkBatch), func(ctx context.Context) error {
				return s.StepBatch(ctx, j.Args.Organization, j.Args.Subject)
			})
		})),
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[deliverArgs]) error {
			return w.work(ctx, j.ID, j.Args.entry(service.WorkDeliver), func(ctx context.Context) error {
				return s.Deliver(ctx, j.Args.Organization, j.Args.Subject)
			})
		})),
	)
}

// analyse works until nothing more is requested of the system: a change during
// a run leads to exactly one more.
func (w *Worker) analyse(ctx context.Context, a args) error {
	for {
		done, err := w.cfg.Service.RunAnalysis(ctx, a.Organization, a.Subject, w.holder)
		if done || err != nil {
			return err
		}
	}
}

// tidyTime is how long bookkeeping may take after a job whose own time is over.
const tidyTime = 15 * time.Second

// work does an entry's work under a claim, and writes down how it ended.
func (w *Worker) work(ctx context.Context, job int64, e service.Entry, do func(context.Context) error) error {
	started := time.Now()
	mine, err := w.cfg.Service.Claim(ctx, e, job, w.holder, w.cfg.Lease)
	if err != nil {
		return fmt.Errorf("claiming the work: %w", err) // the sweeper lets it wait again
	}
	if !mine {
		w.cfg.Ended(e.Kind, "nothing", time.Since(started))
		return nil
	}
	log := w.cfg.Log.With("job", job, "kind", e.Kind, "organization", e.Organization, "subject", e.Subject)
	claimed, release := w.hold(ctx, e.ID)
	err = guarded(claimed, do)
	cause := context.Cause(claimed)
	release()

	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	how, err := w.settle(tidy, e, err, cause, ctx.Err() != nil)
	w.cfg.Ended(e.Kind, how, time.Since(started))
	if err != nil {
		log.Warn("work ended", "how", how, "took", time.Since(started), "attempts", e.Attempts, "error", err)
		return err
	}
	log.Info("work ended", "how", how, "took", time.Since(started))
	return nil
}

// settle writes down how work ended: done, or when to try again.
func (w *Worker) settle(ctx context.Context, e service.Entry, err, cause error, stopped bool) (string, error) {
	s := w.cfg.Service
	var later *service.Later
	switch {
	case err == nil:
		return "done", s.Finish(ctx, e, w.holder)
	case errors.Is(cause, service.ErrLeaseLost):
		return "lost", nil // somebody else has it
	case stopped:
		return "stopped", s.PutBack(ctx, e, w.holder, 0, "")
	case errors.As(err, &later):
		return "later", s.PutBack(ctx, e, w.holder, later.After, "")
	}
	return "failed", errors.Join(err, s.PutBack(ctx, e, w.holder, backoff(e.Attempts), err.Error()))
}

// backoff is the pause after a number of failed attempts: 2 s, doubled each
// time up to 10 minutes.
func backoff(attempts int) time.Duration {
	const longest = 10 * time.Minute
	if attempts > 8 {
		return longest
	}
	return min(longest, 2*time.Second<<attempts)
}

// guarded turns a panic into an error: one job must not end the others.
func guarded(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do(ctx)
}
