// Package job does the work that waits in the backlog, on River over Postgres:
// as many workers on as many machines as there are.
//
// River is given only what its workers can soon begin: a few jobs of each
// organization at a time, so that its queue, which is in the order of arrival,
// cannot be filled by one tenant. What a job works on is claimed in the backlog
// and kept alive from there; a claim that nobody renews goes back, so that the
// work of a killed worker goes on elsewhere within a minute and not after
// River's hour.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/bartizan-security/bartizan/internal/service"
)

// Service is what jobs call.
type Service interface {
	Ingest(ctx context.Context, organization, revision uuid.UUID) error
	RunAnalysis(ctx context.Context, organization, system uuid.UUID, holder string) (done bool, err error)
	StepBatch(ctx context.Context, organization, batch uuid.UUID) error
	Deliver(ctx context.Context, organization, delivery uuid.UUID) error
	Housekeep(ctx context.Context) error

	HandOver(ctx context.Context, share service.Share, insert func(context.Context, pgx.Tx, []service.Entry) ([]int64, error)) (int, error)
	Claim(ctx context.Context, e service.Entry, job int64, holder string, lease time.Duration) (bool, error)
	KeepAlive(ctx context.Context, holder string, lease time.Duration) ([]int64, error)
	Finish(ctx context.Context, e service.Entry, holder string) error
	PutBack(ctx context.Context, e service.Entry, holder string, after time.Duration, reason string) error
	Sweep(ctx context.Context) (int, error)
	WaitForWork(ctx context.Context, atMost time.Duration) error
}

// Config says how to work.
type Config struct {
	Service Service
	// Pool is for River, as the role that owns its tables.
	Pool *pgxpool.Pool
	// Schema of River's tables; default river.
	Schema string
	// Workers of each kind of work in this process; 0 for 4 analyses, 2
	// readings, 4 deliveries and 2 steps of batches.
	Workers map[service.WorkKind]int
	// PerOrganization is how many jobs of an organization and kind may be
	// with River at once; 0 for 4. AnalysesPerOrganization is that of analyses;
	// 0 for the same.
	PerOrganization, AnalysesPerOrganization int
	// Lease is how long a claim lasts that nobody renews; 0 for 30 seconds. It
	// is renewed six times in that time.
	Lease time.Duration
	// HousekeepEvery; 0 for a minute.
	HousekeepEvery time.Duration
	// SoftStop is how long jobs under way may go on when the worker is
	// stopped; then they are put back. 0 for 20 seconds.
	SoftStop time.Duration
	Log      *slog.Logger
	// Ended is told about each job that ended: done, later, failed, lost,
	// stopped or nothing (somebody else did it). It may be nil.
	Ended func(kind service.WorkKind, how string, took time.Duration)
}

func (c *Config) setDefaults() {
	if c.Schema == "" {
		c.Schema = "river"
	}
	usual := map[service.WorkKind]int{service.WorkAnalyse: 4, service.WorkIngest: 2, service.WorkDeliver: 4, service.WorkBatch: 2}
	for kind, n := range c.Workers {
		if n > 0 {
			usual[kind] = n
		}
	}
	c.Workers = usual
	for d, usual := range map[*time.Duration]time.Duration{
		&c.Lease: 30 * time.Second, &c.HousekeepEvery: time.Minute, &c.SoftStop: 20 * time.Second,
	} {
		if *d <= 0 {
			*d = usual
		}
	}
	if c.PerOrganization <= 0 {
		c.PerOrganization = 4
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Ended == nil {
		c.Ended = func(service.WorkKind, string, time.Duration) {}
	}
}

// jobTimeout is longer than any analysis should take. One that takes longer is
// put back, and goes on from the answers that are kept.
const jobTimeout = 24 * time.Hour

// Worker works until it is stopped.
type Worker struct {
	cfg    Config
	holder string
	river  *river.Client[pgx.Tx]

	// end ends the loops beside River.
	end context.CancelFunc
	// stopGiving ends the handing over of work, before the rest.
	stopGiving context.CancelFunc
	loops      sync.WaitGroup

	mu sync.Mutex
	// held are the entries that this process works on.
	held map[int64]*held
	// reached is when the backlog was last asked with success.
	reached time.Time
}

// held is an entry at work.
type held struct {
	cancel context.CancelCauseFunc
	// renewed is when it was claimed or last seen renewed.
	renewed time.Time
}

// New makes a worker. It does nothing before [Worker.Start].
func New(cfg Config) (*Worker, error) {
	cfg.setDefaults()
	w := &Worker{cfg: cfg, holder: uuid.NewString(), held: map[int64]*held{}}
	workers := river.NewWorkers()
	queues := map[string]river.QueueConfig{}
	for kind, n := range cfg.Workers {
		queues[string(kind)] = river.QueueConfig{MaxWorkers: n}
	}
	if err := w.register(workers); err != nil {
		return nil, fmt.Errorf("registering the kinds of job: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(cfg.Pool), &river.Config{
		Schema: cfg.Schema, Queues: queues, Workers: workers, Logger: cfg.Log,
		// Claims say what is alive, long before these. A job that a killed
		// worker leaves behind is discarded by River an hour after the
		// time-out; its entry has long been handed over anew.
		JobTimeout:        jobTimeout,
		MaxAttempts:       1,
		FetchCooldown:     50 * time.Millisecond,
		FetchPollInterval: time.Second,
		// What became of work is in our tables.
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: 24 * time.Hour,
		DiscardedJobRetentionPeriod: 24 * time.Hour,
	})
	if err != nil {
		return nil, fmt.Errorf("making the job client: %w", err)
	}
	w.river = client
	return w, nil
}

// Start begins to work. The context is for starting; [Worker.Stop] ends the
// work.
func (w *Worker) Start(ctx context.Context) error {
	// Jobs outlive ctx by the soft stop.
	if err := w.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the workers: %w", err)
	}
	loops, end := context.WithCancel(context.WithoutCancel(ctx))
	giving, stopGiving := context.WithCancel(loops)
	w.end, w.stopGiving = end, stopGiving
	w.loop(giving, "hand over work", w.handOver)
	w.loop(loops, "renew claims", w.renew)
	w.loop(loops, "sweep", w.sweep)
	w.loop(loops, "keep house", w.housekeep)
	return nil
}

// Stop takes no more work, waits for what is under way, and puts back what does
// not end within the soft stop. When ctx ends it waits no longer.
func (w *Worker) Stop(ctx context.Context) error {
	w.stopGiving() // what is put back is for others to hand over
	soft, cancel := context.WithTimeout(ctx, w.cfg.SoftStop)
	defer cancel()
	err := w.river.Stop(soft)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		w.cfg.Log.Info("putting back work that is under way", "entries", w.holding())
		err = w.river.StopAndCancel(ctx)
	}
	// Claims are renewed until the last job has put its entry back.
	w.end()
	w.loops.Wait()
	if err != nil {
		return fmt.Errorf("stopping the workers: %w", err)
	}
	return nil
}

// Ready is nil while the worker takes work, and its claims can be renewed.
func (w *Worker) Ready(context.Context) error {
	if silent := time.Since(w.heard()); silent > w.cfg.Lease {
		return fmt.Errorf("the backlog was not reached for %s", silent.Round(time.Second))
	}
	return nil
}

func (w *Worker) heard() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reached
}

func (w *Worker) holding() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held)
}

// loop runs a step again and again until the worker ends. A step that fails is
// tried again after a second: the database may be away for a while.
func (w *Worker) loop(ctx context.Context, what string, step func(context.Context) error) {
	w.loops.Go(func() {
		for ctx.Err() == nil {
			if err := step(ctx); err != nil && ctx.Err() == nil {
				w.cfg.Log.Warn("cannot "+what, "error", err)
				sleep(ctx, time.Second)
			}
		}
	})
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
