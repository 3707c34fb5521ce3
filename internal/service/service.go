package service

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/prompts"
)

// Config holds what the service needs from outside.
type Config struct {
	DB *postgres.DB
	// Keys seal what rests encrypted: model answers, secrets of webhooks. Nil
	// seals nothing.
	Keys *postgres.Keyring
	// AuditKey signs checkpoints of the audit trail; without one none is made.
	AuditKey ed25519.PrivateKey
	// Extract says how documents are read; its pool of child processes and
	// its limits hold for every upload.
	Extract extract.Options
	// TempDir is where uploads lie until they are stored; empty for the
	// system's.
	TempDir string
	// Model is the server's language model and embedding.
	Model Model
	// Version is that of the program, as models record it.
	Version string
	// WebhooksToPrivate allows callbacks to private, loopback and link-local
	// addresses.
	WebhooksToPrivate bool
	// WebhookTimeout bounds one callback; 0 for 15 seconds.
	WebhookTimeout time.Duration
	// Now is the clock; nil for time.Now.
	Now func() time.Time
	// Log is where the service tells what callers are not told; nil for
	// slog.Default.
	Log *slog.Logger
	// Meter counts; nil counts nothing.
	Meter Meter
}

// Model says which language model the server has, and which embedding. The
// zero value has none: the built-in analyst works alone.
type Model struct {
	BaseURL, Name, APIKey string
	// Timeout of one call; 0 for 5 minutes.
	Timeout time.Duration
	// Concurrency is how many calls one analysis may have under way; 0 for 4.
	Concurrency int
	// Limit holds for the endpoint over all organizations and workers.
	Limit postgres.Limit
	// EmbeddingModel at EmbeddingBaseURL, which is BaseURL where it is empty;
	// without one the built-in embedding serves.
	EmbeddingModel, EmbeddingBaseURL string
	// FenceSecret marks off what is taken from documents; the same on all
	// workers.
	FenceSecret []byte
	// Transport replaces http.DefaultTransport in tests.
	Transport http.RoundTripper
	// RetryDelay is the first wait before a call is tried again; 0 for the
	// client's default.
	RetryDelay time.Duration
}

// Configured reports whether there is a language model to ask.
func (m Model) Configured() bool { return m.BaseURL != "" && m.Name != "" }

// Meter counts what operators watch. Its methods are called from many
// goroutines.
type Meter interface {
	// ModelCall counts one call that ended, or one that the memo answered.
	ModelCall(endpoint, stage string, cached bool, tokensIn, tokensOut int, cost float64)
	// AnalysisEnded counts an analysis by the state that it ended in.
	AnalysisEnded(state string, took time.Duration)
}

type noMeter struct{}

func (noMeter) ModelCall(string, string, bool, int, int, float64) {}
func (noMeter) AnalysisEnded(string, time.Duration)               {}

// Service is the use cases. It is safe for concurrent use.
type Service struct {
	*Backlog
	cfg     Config
	db      *postgres.DB
	library *pattern.Library
	own     *builtin.Analyst
	prompts *prompts.Set
	limiter *postgres.Limiter
	watch   *postgres.Watch
	chores  chores
	// callback calls webhooks.
	callback *http.Client
	// weighty bounds the runs that feed no model: estimates, which take a
	// processor each.
	weighty *semaphore.Weighted
	// processors bounds the analyses that ask no model: they work all the time,
	// where the others wait.
	processors *semaphore.Weighted
	// controls are the catalogs that were searched last.
	controls controlIndexes
}

// New makes the service. It opens no connection but the database's.
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil {
		return nil, errors.New("the service needs a database")
	}
	if cfg.Model.Configured() && len(cfg.Model.FenceSecret) == 0 {
		return nil, errors.New("a language model needs a fence secret: set BARTIZAN_FENCE_SECRET to the same on all workers")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Meter == nil {
		cfg.Meter = noMeter{}
	}
	if cfg.WebhookTimeout <= 0 {
		cfg.WebhookTimeout = 15 * time.Second
	}
	s := &Service{cfg: cfg, db: cfg.DB, Backlog: NewBacklog(cfg.DB), callback: newCallback(cfg.WebhooksToPrivate)}
	var err error
	if s.library, err = pattern.Load(); err != nil {
		return nil, err
	}
	if s.own, err = builtin.New(s.library); err != nil {
		return nil, err
	}
	if s.prompts, err = prompts.Load(); err != nil {
		return nil, err
	}
	s.limiter, s.watch, s.weighty = s.db.NewLimiter(), s.db.NewWatch(), semaphore.NewWeighted(2)
	s.processors = semaphore.NewWeighted(int64(max(fewAnalyses, runtime.GOMAXPROCS(0))))
	return s, nil
}

const (
	fewAnalyses, fewOfOne = 4, 4
	// Of 50 pages each takes about 25 MiB.
	manyAnalyses, manyOfOne = 40, 32
)

// AtOnce is how many analyses a worker should have under way, and how many of
// these may be one organization's over all workers. With a language model it is
// many: each analysis waits for it most of the time, often for a single answer
// that the next question depends on, and a few alone leave most of what may be
// asked at once unused.
func (s *Service) AtOnce() (analyses, perOrganization int) {
	if s.cfg.Model.Configured() {
		return manyAnalyses, manyOfOne
	}
	return fewAnalyses, fewOfOne
}

// Close ends what the service keeps going; not the database, which is the
// caller's.
func (s *Service) Close() {
	s.limiter.Close()
	s.Backlog.Close()
	s.callback.CloseIdleConnections()
}

// Ready is nil where the service can do its work.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.db.Ping(ctx); err != nil {
		return fmt.Errorf("the database: %w", err)
	}
	return nil
}

// tenant runs a use case in a transaction of the actor's organization. A
// database that is not to be reached is what callers are told, and no more.
func (s *Service) tenant(ctx context.Context, a Actor, f func(*postgres.Tx) error) error {
	err := s.db.Tenant(ctx, a.Organization, f)
	var told *Error
	if err != nil && !errors.As(err, &told) && postgres.Temporary(err) {
		return &Error{Kind: KindUnavailable, Message: "the database is not to be reached right now; try again in a moment", cause: err}
	}
	return err
}

// missing turns a row that is not there into what callers are told.
func missing(err error, what string) error {
	if errors.Is(err, postgres.ErrNoRows) {
		return notFound(what)
	}
	return err
}
