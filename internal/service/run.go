package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// readingPause is how long to wait where documents are yet to be read; the
	// reading that ends last wakes the analysis anyhow.
	readingPause = 5 * time.Second
	// budgetPause is how often it is looked whether there is budget again.
	budgetPause = 10 * time.Minute
	// An endpoint that is down is tried again after outagePause, doubled up to
	// longOutagePause, for outagePatience; then the model is left incomplete.
	outagePause     = 5 * time.Second
	longOutagePause = 5 * time.Minute
	outagePatience  = 24 * time.Hour
	// passingTries is how often questions are asked that got no answer while
	// the endpoint answered others: an outage that passed, or questions that it
	// never answers. The pauses between add up to ten minutes.
	passingTries = 8
	// grace is how long calls under way may go on after a run was ended: they
	// are paid for.
	grace = 25 * time.Second
)

var (
	errCancelled = errors.New("the analysis was cancelled")
	// errMoved says that the baseline of a run was replaced meanwhile by what
	// only another run can take in.
	errMoved = errors.New("the model was changed meanwhile")
)

// round is one run over a system, under a lease.
type round struct {
	service *Service
	actor   Actor
	system  uuid.UUID
	holder  string
	// analysis is what was asked for, with its state when the round began.
	analysis query.Analysis
	state    query.AnalysisState
	// generation is the request that the round answers.
	generation int64

	gate *gate
}

// RunAnalysis works on a system's open request under the lease of holder, who
// renews it meanwhile and cancels the context with [ErrLeaseLost] where it is
// lost. It is done where nothing more is requested. A *Later asks for another
// try after a while, such as over budget; any other error is a fault after
// which the work stays open.
func (s *Service) RunAnalysis(ctx context.Context, organization, system uuid.UUID, holder string) (done bool, err error) {
	r := &round{service: s, actor: Worker(organization), system: system, holder: holder}
	begun, err := r.begin(ctx)
	if err != nil || !begun {
		return err == nil, err
	}
	for {
		more, err := r.work(ctx)
		if errors.Is(err, errMoved) {
			continue
		}
		if r.fault(err) && ctx.Err() == nil {
			r.tellFault(ctx)
		}
		return err == nil && !more, err
	}
}

// fault reports whether an error is one of ours, and not a word about when or by
// whom the work goes on.
func (r *round) fault(err error) bool {
	var later *Later
	return err != nil && !errors.As(err, &later) && !errors.Is(err, ErrLeaseLost) && !postgres.Temporary(err)
}

// tellFault lets those who follow the analysis know that it goes on later. What
// went wrong is for the log.
func (r *round) tellFault(ctx context.Context) {
	if r.gate == nil {
		r.gate = &gate{}
	}
	// Told or not, the work stays open.
	_, _ = r.later(ctx, 0, "something went wrong in the server; it is tried again")
}

// begin takes what is requested; false where nothing is.
func (r *round) begin(ctx context.Context) (begun bool, err error) {
	err = r.service.tenant(ctx, r.actor, func(tx *postgres.Tx) error {
		begun = false
		work, err := r.lock(ctx, tx)
		if err != nil || work.Requested == work.Done {
			return err
		}
		pending, err := tx.PendingIngestions(ctx, r.system)
		if err != nil {
			return err
		}
		if pending > 0 {
			return &Later{After: readingPause, Reason: fmt.Sprintf("%d documents are yet to be read", pending)}
		}
		next := work.NextAnalysis
		if work.Analysis == nil {
			work.Analysis, next = next, nil
		}
		r.generation = work.Requested
		if next != nil {
			r.generation-- // that is the following round's
		}
		if work.Analysis == nil { // a document was purged
			made, err := r.service.nextAnalysis(ctx, tx, r.actor, r.system, nil, wanted{cause: causePurge})
			if err != nil {
				return err
			}
			work.Analysis = &made.Analysis.ID
		}
		if err := tx.BeginWork(ctx, query.BeginWorkParams{Analysis: work.Analysis, NextAnalysis: next, Generation: r.generation, SystemID: r.system}); err != nil {
			return err
		}
		if err := tx.StartAnalysis(ctx, *work.Analysis); err != nil {
			return err
		}
		row, err := tx.Queries.Analysis(ctx, *work.Analysis)
		if err != nil {
			return err
		}
		r.analysis, r.state, begun = row.Analysis, row.AnalysisState, true
		return tx.PutEvent(ctx, row.Analysis.ID, eventState, analysisOf(row))
	})
	return begun, err
}

// lock locks the system's row and then its work's, and makes sure that the lease
// still holds.
func (r *round) lock(ctx context.Context, tx *postgres.Tx) (query.Work, error) {
	if _, err := tx.SystemForUpdate(ctx, r.system); err != nil && !errors.Is(err, postgres.ErrNoRows) { // purged
		return query.Work{}, err
	}
	work, err := tx.WorkForUpdate(ctx, r.system)
	if err != nil {
		return work, missing(err, "system")
	}
	if work.Holder != r.holder {
		return work, ErrLeaseLost
	}
	return work, nil
}

// work makes the model and ends the round. More is true where another round was
// requested meanwhile.
func (r *round) work(ctx context.Context) (more bool, err error) {
	s := r.service
	if r.state.Cancel {
		return r.finish(ctx, ended{state: resource.AnalysisCancelled, message: "cancelled"}, nil)
	}
	m, err := s.material(ctx, r.actor, r.system)
	if err != nil {
		return r.refuse(ctx, err)
	}
	r.gate = s.newGate(r.actor.Organization, m)
	if err := s.runnable(m); err != nil {
		return r.refuse(ctx, err)
	}
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.gate.overBudget = func(e *postgres.BudgetError) { cancel(e) }
	e, err := s.engine(m, r.gate)
	if err != nil {
		return false, err
	}
	follow := r.follow(run, cancel)
	e.config.Progress = follow.update
	model, err := s.analyse(run, m, e, r.analysis.Fresh)
	follow.stop()
	e.wait(ctx)
	if err != nil {
		return r.broken(ctx, m, context.Cause(run), err)
	}
	s.complete(model, e, m, r.state)
	if down, passed := r.gate.down(); down != nil && model.Analysis.Incomplete != "" && r.patient(passed) {
		return r.later(ctx, r.backoff(), down.Error())
	}
	return r.finish(ctx, ended{}, &result{m, model})
}

// analyse runs the stages. Without a model they take a processor all the time, and
// only some go on at once.
func (s *Service) analyse(ctx context.Context, m *material, e *engine, fresh bool) (*threatmodel.Model, error) {
	if e.client == nil {
		if err := s.processors.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		defer s.processors.Release(1)
	}
	return analyze.Run(ctx, m.input(fresh), e.config)
}

// runnable tells what stands against an analysis before anything is asked.
func (s *Service) runnable(m *material) error {
	if len(m.documents) == 0 {
		return conflict("%s", strings.Join(append([]string{errNoDocuments.Error()}, m.unread...), "; "))
	}
	if m.analyst(s.cfg.Model) == analystBuiltin {
		return nil
	}
	if !s.cfg.Model.Configured() {
		return conflict("the server has no language model: configure one, or choose the built-in analyst")
	}
	if err := m.allowed(s.cfg.Model.BaseURL); err != nil {
		return conflict("%v", err)
	}
	return nil
}

// refuse ends the analysis as failed where the error is for people; another is a
// fault.
func (r *round) refuse(ctx context.Context, err error) (bool, error) {
	var told *Error
	if !errors.As(err, &told) || told.Kind == KindUnavailable {
		return false, err
	}
	return r.finish(ctx, ended{state: resource.AnalysisFailed, message: told.Message}, nil)
}

// broken settles a run that gave no model.
func (r *round) broken(ctx context.Context, m *material, cause, err error) (bool, error) {
	var over *postgres.BudgetError
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(cause, errCancelled):
		return r.finish(ctx, ended{state: resource.AnalysisCancelled, message: "cancelled"}, nil)
	case errors.As(cause, &over) && m.settings.Limits.OverBudget == overBudgetFail:
		return r.finish(ctx, ended{state: resource.AnalysisFailed, message: over.Error()}, nil)
	case errors.As(cause, &over):
		return r.later(ctx, min(budgetPause, max(time.Second, over.Until.Sub(r.service.cfg.Now()))), over.Error())
	}
	return false, fmt.Errorf("analysing the system %s: %w", r.system, err)
}

// overBudgetFail fails an analysis that the budget does not allow; otherwise it
// waits.
const overBudgetFail = "fail"

// later lets the analysis wait.
func (r *round) later(ctx context.Context, after time.Duration, why string) (bool, error) {
	used, _ := r.gate.take()
	err := r.service.tenant(ctx, r.actor, func(tx *postgres.Tx) error {
		if _, err := r.lock(ctx, tx); err != nil {
			return err
		}
		_, err := tx.SetProgress(ctx, r.progress(resource.AnalysisWaiting, why, analyze.Progress{}, used))
		if err != nil {
			return err
		}
		return announceAnalysis(ctx, tx, r.analysis.ID)
	})
	if err != nil {
		return false, err
	}
	return false, &Later{After: after, Reason: why}
}

// patient reports whether what got no answer is asked again.
func (r *round) patient(passed bool) bool {
	if passed && r.state.Attempts >= passingTries {
		return false
	}
	return r.state.StartedAt == nil || r.service.cfg.Now().Sub(*r.state.StartedAt) < outagePatience
}

// backoff is how long to wait for an endpoint that is down.
func (r *round) backoff() time.Duration {
	return min(longOutagePause, outagePause<<min(10, max(0, r.state.Attempts-1)))
}

// wait lets the calls under way of a run that was ended come to their end: they
// are paid for.
func (e *engine) wait(ctx context.Context) {
	if e.client == nil {
		return
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	_ = e.client.Wait(end) // what does not come in time is asked again
}

// complete adds to the model what only the service knows: the client's account,
// documents that were not read, the names of the files that hold their texts.
func (s *Service) complete(model *threatmodel.Model, e *engine, m *material, state query.AnalysisState) {
	model.Analysis.Analyst = m.analyst(s.cfg.Model)
	run := model.Analysis.Run
	if e.client != nil {
		e.client.Account(run)
		run.Cost, run.Currency = llm.Cost(m.prices(), e.config.Model, run.TokensIn, run.TokensOut)
	}
	if state.StartedAt != nil {
		run.Started = state.StartedAt.UTC()
	}
	run.Finished = s.cfg.Now().UTC()
	if len(m.unread) > 0 {
		reasons := append([]string{model.Analysis.Incomplete}, m.unread...)
		model.Analysis.Incomplete = strings.Trim(strings.Join(reasons, "; "), "; ")
	}
	nameTexts(model, m.documents)
}

// sameAnalysis reports whether a model says the same as its baseline: made from
// the same inputs, by the same questions.
func sameAnalysis(before, now *threatmodel.Model) bool {
	if before == nil || before.Analysis.ID != now.Analysis.ID || before.Analysis.Incomplete != now.Analysis.Incomplete {
		return false
	}
	unit := func(a, b threatmodel.Unit) bool { return a.ID == b.ID && a.InputHash == b.InputHash }
	document := func(a, b threatmodel.Document) bool {
		return a.ID == b.ID && a.SHA256 == b.SHA256 && slices.Equal(a.Sentences, b.Sentences)
	}
	return slices.EqualFunc(before.Analysis.Units, now.Analysis.Units, unit) && slices.EqualFunc(before.Documents, now.Documents, document)
}
