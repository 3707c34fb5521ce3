package service

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Analyze asks for an analysis of the system's current documents. Where one is
// asked for and has not begun, that one is given. Scope write.
func (s *Service) Analyze(ctx context.Context, a Actor, system uuid.UUID, in resource.NewAnalysis) (resource.Analysis, error) {
	if err := a.mustFor(resource.ScopeWrite, system); err != nil {
		return resource.Analysis{}, err
	}
	var out resource.Analysis
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.SystemForUpdate(ctx, system)
		if err != nil {
			return missing(err, "system")
		}
		next, err := s.request(ctx, tx, a, row, wanted{cause: causeRequest, fresh: in.Fresh})
		out = analysisOf(next)
		return err
	})
	return out, err
}

// Analyses lists a system's analyses, newest first. Scope read.
func (s *Service) Analyses(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Analysis], error) {
	p, err := readPage(list)
	if err := together(a.mustFor(resource.ScopeRead, system), err); err != nil {
		return resource.Page[resource.Analysis]{}, err
	}
	var rows []query.AnalysesRow
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		rows, err = tx.Queries.Analyses(ctx, query.AnalysesParams{SystemID: system, Before: p.before(), MaxRows: p.rows()})
		return err
	})
	item := func(r query.AnalysesRow) resource.Analysis { return analysisOf(query.AnalysisRow(r)) }
	return pageOf(p, rows, item, func(r query.AnalysesRow) cursor { return cursor{ID: r.Analysis.ID} }), err
}

func reachableAnalysis(ctx context.Context, tx *postgres.Tx, a Actor, scope resource.Scope, id uuid.UUID) (query.AnalysisRow, error) {
	r, err := tx.Queries.Analysis(ctx, id)
	if err != nil {
		return r, missing(err, "analysis")
	}
	return r, hidden(a.mustFor(scope, r.Analysis.SystemID), "analysis")
}

// Analysis is one analysis. Scope read.
func (s *Service) Analysis(ctx context.Context, a Actor, id uuid.UUID) (resource.Analysis, error) {
	var out resource.Analysis
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		r, err := reachableAnalysis(ctx, tx, a, resource.ScopeRead, id)
		out = analysisOf(r)
		return err
	})
	return out, err
}

// CancelAnalysis asks an analysis to stop; what was answered is kept. One that
// has ended is left as it is. Scope write.
func (s *Service) CancelAnalysis(ctx context.Context, a Actor, id uuid.UUID) (resource.Analysis, error) {
	var out resource.Analysis
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		r, err := reachableAnalysis(ctx, tx, a, resource.ScopeWrite, id)
		if err != nil {
			return err
		}
		if !resource.AnalysisState(r.AnalysisState.State).Final() {
			if _, err := tx.SystemForUpdate(ctx, r.Analysis.SystemID); err != nil {
				return missing(err, "analysis")
			}
			if err := s.cancel(ctx, tx, r.Analysis.SystemID, id, "cancelled by "+a.Name); err != nil {
				return err
			}
			if err := tx.Audit(a.Name, "analysis.cancel", identifier.String(identifier.Analysis, id), nil); err != nil {
				return err
			}
		}
		r, err = tx.Queries.Analysis(ctx, id)
		out = analysisOf(r)
		return err
	})
	return out, err
}

// cancel ends an analysis that has not begun, and asks one under way to stop. The
// caller has locked the system's row.
func (s *Service) cancel(ctx context.Context, tx *postgres.Tx, system, id uuid.UUID, why string) error {
	work, err := tx.WorkForUpdate(ctx, system)
	if err != nil {
		return err
	}
	switch {
	case work.NextAnalysis != nil && *work.NextAnalysis == id:
		if err := tx.DropNextWork(ctx, system); err != nil {
			return err
		}
		return s.end(ctx, tx, ended{analysis: id, state: resource.AnalysisCancelled, message: why})
	case work.Analysis != nil && *work.Analysis == id:
		if err := tx.AskToCancel(ctx, id); err != nil {
			return err
		}
		// Where it waits for a budget or an endpoint, somebody must look.
		return tx.Enqueue(ctx, postgres.KindAnalyse, system, postgres.PriorityPerson, time.Time{})
	}
	return nil // it ended meanwhile
}

// ended is how an analysis ended.
type ended struct {
	analysis uuid.UUID
	state    resource.AnalysisState
	message  string
	version  int64
	used     account
	impact   impact
}

// impact is what an analysis changed.
type impact struct {
	Changes map[string]int `json:"changes"`
	Review  []string       `json:"review"`
}

// reviewDue is what webhooks are told of decisions to look at again.
type reviewDue struct {
	System  string   `json:"system"`
	Threats []string `json:"threats"`
	// Analysis found that the text changed; empty where an acceptance ended.
	Analysis string `json:"analysis,omitempty"`
}

// end writes down how an analysis ended, and tells those who wait for it: its
// followers, its batch, webhooks.
func (s *Service) end(ctx context.Context, tx *postgres.Tx, e ended) error {
	changes, err := json.Marshal(e.impact.Changes)
	if err != nil {
		return err
	}
	if e.impact.Changes == nil {
		changes = json.RawMessage("{}")
	}
	_, err = tx.FinishAnalysis(ctx, query.FinishAnalysisParams{
		AnalysisID: e.analysis, State: string(e.state), Message: postgres.StorableText(e.message), ModelVersion: e.version, Changes: changes,
		Review: nonNil(e.impact.Review), Calls: int32(e.used.calls), TokensIn: e.used.tokensIn, TokensOut: e.used.tokensOut,
		Cost: e.used.cost, Currency: e.used.currency,
	})
	if err != nil {
		return err
	}
	row, err := tx.Queries.Analysis(ctx, e.analysis)
	if err != nil {
		return err
	}
	analysis := analysisOf(row)
	if err := tx.PutEvent(ctx, e.analysis, eventState, analysis); err != nil {
		return err
	}
	if err := s.endBatchItems(ctx, tx, e); err != nil {
		return err
	}
	if len(e.impact.Review) > 0 {
		due := reviewDue{System: analysis.System, Threats: e.impact.Review, Analysis: analysis.ID}
		if err := s.publish(ctx, tx, eventReviewDue, due); err != nil {
			return err
		}
	}
	return s.publish(ctx, tx, eventAnalysisFinished, analysis)
}

// endBatchItems wakes the batches that wait for an analysis.
func (s *Service) endBatchItems(ctx context.Context, tx *postgres.Tx, e ended) error {
	impact, err := json.Marshal(e.impact)
	if err != nil {
		return err
	}
	batches, err := tx.FinishBatchItems(ctx, query.FinishBatchItemsParams{
		AnalysisID: e.analysis, State: string(e.state), Message: postgres.StorableText(e.message), Changes: impact,
	})
	if err != nil {
		return err
	}
	for _, b := range batches {
		if err := tx.Enqueue(ctx, postgres.KindBatch, b, postgres.PriorityUsual, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// announceAnalysis tells the followers of an analysis how it stands.
func announceAnalysis(ctx context.Context, tx *postgres.Tx, id uuid.UUID) error {
	row, err := tx.Queries.Analysis(ctx, id)
	if err != nil {
		return err
	}
	return tx.PutEvent(ctx, id, eventState, analysisOf(row))
}
