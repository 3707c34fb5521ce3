package analyze

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// refusal is a part of an answer that does not hold.
type refusal struct {
	// What is threat, control, element, flow, asset, stated_control, fact or
	// citation.
	What, Title, Reason string
	// Names are the strings by which a repair names the part again; empty
	// means the title.
	Names []string
	// Repairable refusals go back to the analyst once.
	Repairable bool
}

// output is what a unit keeps: the answer and, where parts of it were refused,
// the answer to the repair turn.
type output struct {
	Answer json.RawMessage `json:"answer"`
	Repair json.RawMessage `json:"repair,omitempty"`
}

// result is one checked answer of a unit.
type result[R any] struct {
	unit  string
	parts []R
}

// ask puts a question and checks the answer. A unit whose input is that of the
// baseline takes the baseline's output. What the check refuses goes back once
// with the reason; what is still refused then is recorded. The parts are the
// accepted part of the answer and, where there was one, of the repair.
//
// An error is recorded as an unanswered unit before it is returned.
func ask[T, R any](ctx context.Context, r *run, a Analyst, q *Question, check func(*T) (R, []refusal)) (result[R], error) {
	res, err := askUnit(ctx, r, a, q, check)
	if err != nil {
		r.unansweredUnit(a, q, err)
	}
	return res, err
}

func askUnit[T, R any](ctx context.Context, r *run, a Analyst, q *Question, check func(*T) (R, []refusal)) (result[R], error) {
	unit, err := r.unit(a, q)
	if err != nil {
		return result[R]{}, err
	}
	res := result[R]{unit: unit.ID}
	out, reused := r.reuse(unit)
	if !reused {
		if out, err = fresh(ctx, r, a, q, unit, check); err != nil {
			return res, err
		}
	}
	first, refusals, err := parse(out.Answer, check)
	if err != nil {
		return res, fmt.Errorf("%s of %s: %w", q.Stage, q.Subject, err)
	}
	res.parts = append(res.parts, first)
	if out.Repair != nil {
		second, still, err := parse(out.Repair, check)
		if err != nil {
			return res, fmt.Errorf("%s of %s, repaired: %w", q.Stage, q.Subject, err)
		}
		res.parts = append(res.parts, second)
		refusals = unrepaired(refusals, out.Repair, still)
	}
	for _, f := range refusals {
		r.reject(threatmodel.Rejection{Stage: q.Stage, What: f.What, Title: f.Title, Reason: f.Reason, Unit: unit.ID, Source: source(a)})
	}
	return res, r.keep(unit, out)
}

// source is what a threat of the analyst is said to come from.
func source(a Analyst) string {
	if a.Name() == "builtin" {
		return threatmodel.SourcePattern
	}
	return threatmodel.SourceModel
}

// unit names the unit of a question.
func (r *run) unit(a Analyst, q *Question) (*threatmodel.Unit, error) {
	hash, err := a.InputHash(q)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", q.Stage, q.Subject, err)
	}
	u := &threatmodel.Unit{ID: UnitID(a.Name(), q.Stage, q.Subject), Stage: q.Stage, Subject: q.Subject, Analyst: a.Name(), InputHash: hash}
	for _, p := range q.Passages {
		u.Passages = append(u.Passages, p.ID)
	}
	return u, nil
}

// UnitID is stable over runs: it is made from the analyst, the stage and the
// subject, not from the content.
func UnitID(analyst string, stage threatmodel.Stage, subject string) string {
	sum := sha256.Sum256([]byte(analyst + "\x00" + string(stage) + "\x00" + subject))
	return fmt.Sprintf("u-%x", sum[:6])
}

// reuse takes the output of the baseline's unit with the same input.
func (r *run) reuse(unit *threatmodel.Unit) (output, bool) {
	old := r.baselineByHash[unit.InputHash]
	if old == nil || r.in.Fresh {
		return output{}, false
	}
	var out output
	if err := json.Unmarshal(old.Output, &out); err != nil || out.Answer == nil {
		return output{}, false
	}
	unit.CallHash, unit.TokensIn, unit.TokensOut = old.CallHash, old.TokensIn, old.TokensOut
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reused++
	return out, true
}

// fresh asks the analyst, and once more where parts of the answer can be
// repaired. A repair that fails leaves the first answer as it is.
func fresh[T, R any](ctx context.Context, r *run, a Analyst, q *Question, unit *threatmodel.Unit, check func(*T) (R, []refusal)) (output, error) {
	if asksForThreats(q.Stage) {
		q.Former = r.formerByUnit[unit.ID]
	}
	reply, err := a.Ask(ctx, q)
	if err != nil {
		return output{}, err
	}
	r.account(unit, reply)
	unit.CallHash = reply.CallHash
	out := output{Answer: reply.Answer}
	_, refusals, err := parse(reply.Answer, check)
	if err != nil {
		return output{}, err
	}
	reasons := repairable(refusals)
	if len(reasons) == 0 {
		return out, nil
	}
	again := *q
	again.Repair = &Repair{Answer: reply.Answer, Reasons: reasons}
	reply, err = a.Ask(ctx, &again)
	if err != nil {
		if errors.Is(err, ErrStop) || ctx.Err() != nil {
			return output{}, err
		}
		return out, nil
	}
	r.account(unit, reply)
	r.mu.Lock()
	r.repaired++
	r.mu.Unlock()
	out.Repair = reply.Answer
	return out, nil
}

// asksForThreats reports whether a stage's question is what can go wrong, so that
// the threats it gave before are shown with it.
func asksForThreats(s threatmodel.Stage) bool {
	return s == threatmodel.StageElicit || s == threatmodel.StageChain
}

func repairable(refusals []refusal) []string {
	var reasons []string
	for _, f := range refusals {
		if f.Repairable {
			reasons = append(reasons, fmt.Sprintf("%s %q: %s", f.What, f.Title, f.Reason))
		}
	}
	return reasons
}

// unrepaired leaves out the refusals that the repair turn answered: those
// whose names it gives again without being refused again.
func unrepaired(first []refusal, repair json.RawMessage, still []refusal) []refusal {
	again := map[string]bool{}
	for _, f := range still {
		again[f.What+f.Title] = true
	}
	out := still
	for _, f := range first {
		if !(f.Repairable && f.namedIn(repair)) && !again[f.What+f.Title] {
			out = append(out, f)
		}
	}
	return out
}

// namedIn reports whether an answer names the refused part.
func (f *refusal) namedIn(answer json.RawMessage) bool {
	names := f.Names
	if len(names) == 0 {
		names = []string{f.Title}
	}
	for _, name := range names {
		quoted, err := json.Marshal(name)
		if err != nil || !strings.Contains(string(answer), string(quoted)) {
			return false
		}
	}
	return true
}

func parse[T, R any](raw json.RawMessage, check func(*T) (R, []refusal)) (R, []refusal, error) {
	var (
		answer T
		none   R
	)
	if err := json.Unmarshal(raw, &answer); err != nil {
		return none, nil, fmt.Errorf("reading the answer: %w", err)
	}
	accepted, refusals := check(&answer)
	return accepted, refusals, nil
}

// account adds up what a reply cost.
func (r *run) account(unit *threatmodel.Unit, reply Reply) {
	unit.TokensIn += reply.TokensIn
	unit.TokensOut += reply.TokensOut
	r.mu.Lock()
	defer r.mu.Unlock()
	if reply.CallHash == "" {
		return
	}
	if reply.Calls == 0 {
		r.cached++
		return
	}
	r.calls += reply.Calls
	r.tokensIn += reply.TokensIn
	r.tokensOut += reply.TokensOut
}

// keep records a unit with its output.
func (r *run) keep(unit *threatmodel.Unit, out output) error {
	raw, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("recording %s of %s: %w", unit.Stage, unit.Subject, err)
	}
	unit.Output = raw
	old := r.baselineByHash[unit.InputHash]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units[unit.ID] = unit
	r.asked[unit.ID] = r.in.Fresh || old == nil
	return nil
}

// unansweredUnit records a unit that got no answer. Its old threats stay.
func (r *run) unansweredUnit(a Analyst, q *Question, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[UnitID(a.Name(), q.Stage, q.Subject)] = true
	r.unanswered = append(r.unanswered, fmt.Sprintf("%s of %s: %v", q.Stage, q.Subject, err))
}

// each puts n questions side by side. An error of one leaves the others alone,
// unless it wraps [ErrStop] or the context is done: then no more are begun.
func (r *run) each(ctx context.Context, stage threatmodel.Stage, n int, do func(ctx context.Context, i int) error) error {
	if r.stopped != nil {
		return nil
	}
	var done atomic.Int64
	r.progress(stage, 0, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.cfg.Concurrency)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			r.places <- struct{}{}
			defer func() { <-r.places }()
			if err := ctx.Err(); err != nil {
				return err
			}
			err := do(ctx, i)
			r.progress(stage, int(done.Add(1)), n)
			if errors.Is(err, ErrStop) || ctx.Err() != nil {
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

func (r *run) progress(stage threatmodel.Stage, done, total int) {
	if r.cfg.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := Progress{Stage: stage, Done: done, Total: total, TokensIn: r.tokensIn, TokensOut: r.tokensOut}
	if r.ahead != "" && stage != r.ahead {
		r.behind = &p
		return
	}
	r.cfg.Progress(p)
}
