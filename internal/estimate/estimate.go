// Package estimate says what an analysis would cost before a model is asked.
//
// It runs the stages with a stand-in for the model. A question that the
// baseline or the memo answers gets that answer; any other is counted, by the
// prompt that would be sent, and answered as the baseline's unit of the same
// subject was, else as the built-in analyst would, so that the stages after it
// have something to ask about.
package estimate

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// charsPerToken is assumed where no baseline tells.
	charsPerToken = 4.0
	// leastSample is how many characters of prompts with known cost calibrate.
	leastSample = 4000
	// coldSpread is how far a run may be from the estimate without a baseline:
	// highest and lowest are a factor of 2 apart.
	coldSpread = math.Sqrt2
)

// Renderer is the analyst whose questions are counted; it is never asked.
type Renderer interface {
	analyze.Analyst
	// Request is the call that a question makes.
	Request(*analyze.Question) (llm.Request, error)
}

// Kept finds answers of earlier runs, as an [llm.Memo] does.
type Kept interface {
	Get(ctx context.Context, hash string) (llm.Record, bool, error)
}

// Config says what is estimated.
type Config struct {
	Analyst Renderer
	// StandIn answers what nobody answered before, without cost.
	StandIn analyze.Analyst
	Kept    Kept
	// Model and Params name the calls in the memo.
	Model  string
	Params llm.Params
}

// Forecast is what a run would cost.
type Forecast struct {
	// Cold is true where no baseline tells how much a model finds: Low and
	// High are then a factor of 2 apart, else equal.
	Cold   bool    `json:"cold"`
	Stages []Stage `json:"stages"`
	Low    Total   `json:"low"`
	High   Total   `json:"high"`
	// Basis says in sentences what the figures rest on.
	Basis []string `json:"basis"`
}

// Total is the sum over stages.
type Total struct {
	Calls     int `json:"calls"`
	TokensIn  int `json:"tokens_in"`
	TokensOut int `json:"tokens_out"`
}

// Stage is the share of one stage: questions that the baseline answers, that
// the memo answers, and that would be asked.
type Stage struct {
	Stage     threatmodel.Stage `json:"stage"`
	Reused    int               `json:"reused"`
	Kept      int               `json:"kept"`
	Calls     int               `json:"calls"`
	TokensIn  int               `json:"tokens_in"`
	TokensOut int               `json:"tokens_out"`
}

// Run estimates the analysis of the input. The configuration is that of the
// analysis; its analyst is replaced.
func Run(ctx context.Context, in analyze.Input, run analyze.Config, cfg Config) (*Forecast, error) {
	cold, err := loadCold()
	if err != nil {
		return nil, err
	}
	c := newCounter(cfg, in)
	run.Analyst, run.Progress, run.Now = c, nil, nil
	if _, err := analyze.Run(ctx, in, run); err != nil {
		return nil, fmt.Errorf("estimating: %w", err)
	}
	return c.forecast(cold), nil
}

// counter stands in for the analyst that asks a model.
type counter struct {
	Renderer
	cfg   Config
	units map[string]*threatmodel.Unit // of the baseline, by id
	known map[string]*threatmodel.Unit // of the baseline, by input hash
	facts []threatmodel.Fact           // of the baseline's brief
	stood func(sentence string) bool   // in the baseline's documents
	fresh bool

	mu sync.Mutex
	// chars and tokens are of prompts whose cost the baseline tells.
	chars, tokens float64
	stages        map[threatmodel.Stage]*tally
}

// tally is one stage's count.
type tally struct {
	kept, calls, chars int
	// seen are the input hashes that the baseline answers.
	seen map[string]bool
}

func newCounter(cfg Config, in analyze.Input) *counter {
	c := &counter{
		Renderer: cfg.Analyst, cfg: cfg, fresh: in.Fresh,
		units: map[string]*threatmodel.Unit{}, known: map[string]*threatmodel.Unit{}, stages: map[threatmodel.Stage]*tally{},
	}
	if in.Baseline == nil {
		return c
	}
	c.facts, c.stood = in.Baseline.Brief.Facts, reconcile.Known(in.Baseline)
	for i := range in.Baseline.Analysis.Units {
		if u := &in.Baseline.Analysis.Units[i]; u.Analyst == cfg.Analyst.Name() {
			c.units[u.ID], c.known[u.InputHash] = u, u
		}
	}
	return c
}

// at is the tally of a stage; the caller holds the lock.
func (c *counter) at(s threatmodel.Stage) *tally {
	if c.stages[s] == nil {
		c.stages[s] = &tally{seen: map[string]bool{}}
	}
	return c.stages[s]
}

// InputHash implements [analyze.Analyst]. It sees every question, also those
// that the baseline answers and whose cost is known.
func (c *counter) InputHash(q *analyze.Question) (string, error) {
	hash, err := c.Renderer.InputHash(q)
	if err != nil {
		return "", err
	}
	u := c.known[hash]
	if u == nil {
		return hash, nil
	}
	size, _, err := c.size(q)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fresh {
		c.at(q.Stage).seen[hash] = true
	}
	if u.TokensIn > 0 {
		c.chars += float64(size)
		c.tokens += float64(u.TokensIn)
	}
	return hash, nil
}

// size is the length of a question's prompt, with the request.
func (c *counter) size(q *analyze.Question) (int, llm.Request, error) {
	r, err := c.Request(q)
	if err != nil {
		return 0, r, err
	}
	n := 0
	for _, m := range r.Messages {
		n += len(m.Content)
	}
	return n, r, nil
}

// errNoRepair ends the second turn: what it costs is in the averages.
var errNoRepair = fmt.Errorf("an estimate repairs nothing")

// Ask implements [analyze.Analyst] without asking.
func (c *counter) Ask(ctx context.Context, q *analyze.Question) (analyze.Reply, error) {
	if q.Repair != nil {
		return analyze.Reply{}, errNoRepair
	}
	size, r, err := c.size(q)
	if err != nil {
		return analyze.Reply{}, err
	}
	hash := llm.CallHash(c.cfg.Model, c.cfg.Params, r.Messages, r.Schema)
	kept, ok, err := c.cfg.Kept.Get(ctx, hash)
	if err != nil {
		return analyze.Reply{}, err
	}
	c.mu.Lock()
	t := c.at(q.Stage)
	if ok {
		t.kept++
	} else {
		t.calls++
		t.chars += size
	}
	c.mu.Unlock()
	if ok {
		return analyze.Reply{Answer: kept.Answer, CallHash: hash, TokensIn: kept.Usage.In, TokensOut: kept.Usage.Out}, nil
	}
	return c.instead(ctx, q)
}

// instead is an answer that costs nothing.
func (c *counter) instead(ctx context.Context, q *analyze.Question) (analyze.Reply, error) {
	if u := c.units[analyze.UnitID(c.Name(), q.Stage, q.Subject)]; u != nil {
		if answer, ok := former(u, q, c.facts); ok {
			return c.addNew(ctx, q, answer)
		}
	}
	if c.cfg.StandIn.Answers(q.Stage) {
		return c.cfg.StandIn.Ask(ctx, q)
	}
	return analyze.Reply{Answer: json.RawMessage("{}")}, nil
}

// addNew adds to a baseline's answer what the stand-in finds in sentences that
// the baseline's documents did not hold: a new paragraph may bring new parts,
// about which there is more to ask.
func (c *counter) addNew(ctx context.Context, q *analyze.Question, answer json.RawMessage) (analyze.Reply, error) {
	added := analyze.Reply{Answer: answer}
	if q.Stage != threatmodel.StageSurvey && q.Stage != threatmodel.StageElicit || !c.cfg.StandIn.Answers(q.Stage) {
		return added, nil
	}
	found, err := c.cfg.StandIn.Ask(ctx, q)
	if err != nil {
		return analyze.Reply{}, err
	}
	added.Answer, err = withNew(answer, found.Answer, func(at string) bool { return !c.stood(sentenceAt(at, q.Passages)) })
	return added, err
}

// rate is what a model's findings lead to, against the built-in analyst's, and
// the size of its answers.
type rate struct {
	Calls  float64 `yaml:"calls"`
	Prompt float64 `yaml:"prompt"`
	Output int     `yaml:"output"`
}

//go:embed cold.yaml
var coldFile []byte

var loadCold = sync.OnceValues(func() (map[threatmodel.Stage]rate, error) {
	var out map[threatmodel.Stage]rate
	if err := yaml.UnmarshalWithOptions(coldFile, &out, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the embedded rates: %w", err)
	}
	return out, nil
})

// forecast turns the counts into an estimate.
func (c *counter) forecast(cold map[threatmodel.Stage]rate) *Forecast {
	per := charsPerToken
	calibrated := c.chars >= leastSample
	if calibrated {
		per = c.chars / c.tokens
	}
	f := &Forecast{Cold: len(c.units) == 0, Stages: []Stage{}}
	outputs := c.outputs()
	for _, name := range stagesInOrder() {
		t := c.stages[name]
		if t == nil {
			continue
		}
		s := Stage{Stage: name, Reused: len(t.seen), Kept: t.kept, Calls: t.calls, TokensIn: int(float64(t.chars) / per)}
		out, measured := outputs[name]
		if !measured {
			out = float64(cold[name].Output)
		}
		if f.Cold {
			s.Calls = int(math.Round(float64(s.Calls) * cold[name].Calls))
			s.TokensIn = int(float64(s.TokensIn) * cold[name].Calls * cold[name].Prompt)
		}
		s.TokensOut = int(out * float64(s.Calls))
		f.Stages = append(f.Stages, s)
		f.Low.Calls, f.Low.TokensIn, f.Low.TokensOut = f.Low.Calls+s.Calls, f.Low.TokensIn+s.TokensIn, f.Low.TokensOut+s.TokensOut
	}
	f.High = f.Low
	if f.Cold {
		f.Low, f.High = f.Low.times(1/coldSpread), f.High.times(coldSpread)
	}
	f.Basis = c.basis(f, per, calibrated)
	return f
}

func (t Total) times(x float64) Total {
	return Total{Calls: int(math.Round(float64(t.Calls) * x)), TokensIn: int(float64(t.TokensIn) * x), TokensOut: int(float64(t.TokensOut) * x)}
}

// outputs are the average sizes of the baseline's answers, by stage.
func (c *counter) outputs() map[threatmodel.Stage]float64 {
	sum, n := map[threatmodel.Stage]int{}, map[threatmodel.Stage]int{}
	for _, u := range c.units {
		if u.TokensOut > 0 {
			sum[u.Stage] += u.TokensOut
			n[u.Stage]++
		}
	}
	out := map[threatmodel.Stage]float64{}
	for s := range maps.Keys(n) {
		out[s] = float64(sum[s]) / float64(n[s])
	}
	return out
}

func stagesInOrder() []threatmodel.Stage {
	return []threatmodel.Stage{
		threatmodel.StageBrief, threatmodel.StageSurvey, threatmodel.StageResolve, threatmodel.StageElicit,
		threatmodel.StageMerge, threatmodel.StageChain, threatmodel.StageChallenge, threatmodel.StageTreat,
	}
}

// basis says what the figures rest on.
func (c *counter) basis(f *Forecast, per float64, calibrated bool) []string {
	var out []string
	if f.Cold {
		out = append(out,
			"No baseline: the questions on the documents' sections are exact; how many follow is estimated from what the built-in analyst finds in them.",
			"Answers are taken to be as long as usual; a model that thinks before it answers costs more.")
	} else {
		out = append(out, "Prompts are those that would be sent; answers are taken to be as long as the baseline's at each stage.")
		if f.Low.Calls > 0 {
			out = append(out, "What a model finds anew in changed text leads to more questions than are counted here.")
		}
	}
	how := "assumed"
	if calibrated {
		how = "measured in the baseline"
	}
	out = append(out, fmt.Sprintf("%.1f characters are a token (%s).", per, how))
	if slices.ContainsFunc(f.Stages, func(s Stage) bool { return s.Kept > 0 }) {
		out = append(out, "Answers of earlier runs that are kept cost nothing.")
	}
	return out
}
