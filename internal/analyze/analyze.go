// Package analyze holds the stages that turn passages into a threat model:
// brief, survey, resolve, elicit, merge, chain, challenge, treat, rate. It knows no
// database, no HTTP and no file format. What it needs from outside comes in
// through small interfaces, so that the command line and the service run the
// same code.
//
// Every stage is a function of the content it reads. A unit of work is known by
// the hash of its input; a unit whose input is the same as in the baseline
// takes the baseline's output and asks nobody.
package analyze

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// ErrStop ends a run: no further question is put. What was answered stays.
var ErrStop = errors.New("the run was stopped")

// Input is what a model is made from.
type Input struct {
	// System is the system's name.
	System    string
	Documents []threatmodel.Source
	Context   *threatmodel.Context
	Catalogs  []*catalog.Catalog
	// Baseline is the model before, or nil.
	Baseline *threatmodel.Model
	// Decisions are people's, on threats of the baseline.
	Decisions []threatmodel.Decision
	// Fresh asks every unit again; the baseline serves matching only.
	Fresh bool
}

// Retriever finds the passages of the system nearest in meaning or words to a
// query. It is exact and deterministic: the same passages give the same
// result, best first, ties by passage id.
type Retriever interface {
	Search(ctx context.Context, query string, k int) ([]threatmodel.Passage, error)
}

// Similarity gives the cosine of two texts, -1..1.
type Similarity func(ctx context.Context, a, b string) (float64, error)

// Hints offers the threat patterns that fit a subject.
type Hints func(*ElicitAbout) []PatternView

// Config holds what a run needs from outside.
type Config struct {
	// Analyst answers the questions. Colleague, where there is one, only
	// proposes candidates.
	Analyst, Colleague Analyst
	// NewRetriever indexes the passages of the system.
	NewRetriever func(context.Context, []threatmodel.Passage) (Retriever, error)
	Similarity   Similarity
	Hints        Hints
	// Concurrency is how many questions may be under way at once; at least 1.
	Concurrency int
	// Progress is called when something moved; from several goroutines, one
	// call at a time. It may be nil.
	Progress func(Progress)
	// Now is the clock for analysis.run; nil leaves the times out.
	Now func() time.Time
	// Version, Model, Prompts and Patterns are recorded in the model.
	Version, Model, Prompts, Patterns string
	// SkipChallenge leaves the challenge stage out. Tests use it to show
	// what the stage is for.
	SkipChallenge bool
}

// Progress tells how far a run has come.
type Progress struct {
	Stage               threatmodel.Stage
	Done, Total         int
	TokensIn, TokensOut int
}

// run is the state of one analysis. Stages run one after the other, but for those
// that [run.beside] names; within a stage questions run side by side, and only
// what mu guards is shared.
type run struct {
	in       Input
	cfg      Config
	weakness *weakness.Table
	signals  *ground.Signals
	criteria *criteria
	passages []threatmodel.Passage
	titles   map[string]string
	text     textIndex
	context  []threatmodel.Passage
	// whole is the present text, trail what became of the old model's quotes.
	whole     *reconcile.Text
	trail     *reconcile.Trail
	retriever Retriever
	brief     threatmodel.Brief
	briefText string
	graph     *graph
	questions []threatmodel.Question
	notices   []threatmodel.Notice
	// notApplicable are reasons by coverage cell.
	notApplicable map[cell]string

	baselineByHash map[string]*threatmodel.Unit
	formerByUnit   map[string][]FormerThreat

	clock *stopwatch
	// places bound the questions under way, of all stages together.
	places chan struct{}

	mu sync.Mutex
	// ahead is the stage whose progress is told while another runs beside it, and
	// behind what is to be told of that.
	ahead      threatmodel.Stage
	behind     *Progress
	units      map[string]*threatmodel.Unit
	asked      map[string]bool
	failed     map[string]bool
	unanswered []string
	rejections []threatmodel.Rejection
	tokensIn   int
	tokensOut  int
	calls      int
	cached     int
	reused     int
	repaired   int
	stopped    error
}

// Run makes the threat model of a system. It returns a model also where it
// could not finish: the model then says so in Analysis.Incomplete. The error
// is for what leaves nothing worth showing.
func Run(ctx context.Context, in Input, cfg Config) (*threatmodel.Model, error) {
	r, err := newRun(ctx, in, cfg)
	if err != nil {
		return nil, err
	}
	var found, added []*candidate
	stages := []struct {
		stage threatmodel.Stage
		do    func(context.Context) error
	}{
		{threatmodel.StageBrief, r.makeBrief},
		{threatmodel.StageSurvey, r.survey},
		{threatmodel.StageResolve, r.resolve},
		{threatmodel.StageElicit, func(ctx context.Context) (err error) { found, err = r.elicit(ctx); return err }},
		{threatmodel.StageMerge, func(ctx context.Context) (err error) { found, err = r.unite(ctx, found); return err }},
		{threatmodel.StageChallenge, func(ctx context.Context) (err error) { found, added, err = r.challenge(ctx, found); return err }},
		{threatmodel.StageTreat, func(ctx context.Context) (err error) { found, err = r.treat(ctx, found, added); return err }},
		{threatmodel.StageRate, func(context.Context) error { r.rate(found); return nil }},
	}
	for _, s := range stages {
		if err := r.clock.time(s.stage, func() error { return s.do(ctx) }); err != nil {
			if errors.Is(err, context.Canceled) || !errors.Is(err, ErrStop) {
				return nil, fmt.Errorf("%s: %w", s.stage, err)
			}
			r.stopped = err
		}
	}
	var m *threatmodel.Model
	err = r.clock.time(threatmodel.StageReconcile, func() (err error) { m, err = r.finish(ctx, found); return err })
	if err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	m.Analysis.Run = r.record(r.clock)
	return m, nil
}

func newRun(ctx context.Context, in Input, cfg Config) (*run, error) {
	table, err := weakness.Load()
	if err != nil {
		return nil, err
	}
	signals, err := ground.LoadSignals()
	if err != nil {
		return nil, err
	}
	criteria, err := loadCriteria()
	if err != nil {
		return nil, err
	}
	r := &run{
		in: in, cfg: cfg, weakness: table, signals: signals, criteria: criteria,
		titles:         map[string]string{},
		notApplicable:  map[cell]string{},
		baselineByHash: map[string]*threatmodel.Unit{},
		formerByUnit:   map[string][]FormerThreat{},
		units:          map[string]*threatmodel.Unit{},
		asked:          map[string]bool{},
		failed:         map[string]bool{},
	}
	r.cfg.Concurrency = max(1, cfg.Concurrency)
	r.clock, r.places = newStopwatch(cfg.Now), make(chan struct{}, r.cfg.Concurrency)
	for i := range in.Documents {
		d := &in.Documents[i]
		r.titles[d.ID] = title(d.Document)
		r.notices = append(r.notices, d.Notices...)
	}
	r.passages = passage.Split(in.Documents)
	r.context = contextPassages(in.Context)
	r.titles[ContextDocument] = ContextDocument
	all := append(append([]threatmodel.Passage{}, r.passages...), r.context...)
	r.text = newTextIndex(all)
	r.whole = reconcile.NewText(all)
	r.trail = reconcile.Follow(in.Baseline, in.Decisions, r.whole)
	if r.retriever, err = cfg.NewRetriever(ctx, r.passages); err != nil {
		return nil, fmt.Errorf("indexing the passages: %w", err)
	}
	r.readBaseline()
	return r, nil
}

func title(d threatmodel.Document) string {
	if d.Title != "" {
		return d.Title
	}
	return d.Name
}

// readBaseline indexes the baseline's units by input hash, and its threats by
// the units that produced them.
func (r *run) readBaseline() {
	if r.in.Baseline == nil {
		return
	}
	for i := range r.in.Baseline.Analysis.Units {
		u := &r.in.Baseline.Analysis.Units[i]
		r.baselineByHash[u.InputHash] = u
	}
	for _, t := range r.in.Baseline.Threats {
		if !t.Live() {
			continue
		}
		for _, unit := range t.Provenance {
			r.formerByUnit[unit] = append(r.formerByUnit[unit], FormerThreat{t.ID, t.Title, t.Statement})
		}
	}
	for _, list := range r.formerByUnit {
		sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	}
}

// reject records something that did not hold. Rejections are never silent.
func (r *run) reject(rej threatmodel.Rejection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejections = append(r.rejections, rej)
}

// record is what the run cost.
func (r *run) record(clock *stopwatch) *threatmodel.Run {
	run := &threatmodel.Run{
		Calls: r.calls, CachedCalls: r.cached, ReusedUnits: r.reused,
		TokensIn: r.tokensIn, TokensOut: r.tokensOut,
		Started: clock.started, Finished: clock.read(), Stages: clock.stages,
	}
	if r.repaired > 0 {
		run.Faults = map[string]int{"repaired": r.repaired}
	}
	return run
}

// stopwatch measures stages. Those that run beside another count the whole of
// their time.
type stopwatch struct {
	now     func() time.Time
	started time.Time

	mu     sync.Mutex
	stages map[threatmodel.Stage]int64
}

func newStopwatch(now func() time.Time) *stopwatch {
	if now == nil {
		now = func() time.Time { return time.Time{} }
	}
	return &stopwatch{now: now, started: now(), stages: map[threatmodel.Stage]int64{}}
}

func (s *stopwatch) read() time.Time { return s.now() }

func (s *stopwatch) time(stage threatmodel.Stage, do func() error) error {
	start := s.now()
	err := do()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages[stage] += s.now().Sub(start).Milliseconds()
	return err
}

// limitWords cuts a text after n words.
func limitWords(s string, n int) string {
	words := strings.Fields(s)
	if len(words) <= n {
		return strings.Join(words, " ")
	}
	return strings.Join(words[:n], " ") + " …"
}
