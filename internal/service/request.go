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
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Causes of an analysis.
const (
	causeUpload   = "upload"
	causeRequest  = "request"
	causeBatch    = "batch"
	causeSchedule = "schedule"
	causeContext  = "context" // what people state about the system, or its settings
	causeCatalog  = "catalog"
	causePurge    = "purge"
)

// wanted says which analysis is asked for.
type wanted struct {
	cause string
	fresh bool
	batch *uuid.UUID
	// priority is that of a person where it is 0.
	priority postgres.Priority
}

// request asks for an analysis of a system. There is at most one that has not
// begun: it is given where it will do. The caller has locked the system's row.
func (s *Service) request(ctx context.Context, tx *postgres.Tx, a Actor, system query.System, w wanted) (query.AnalysisRow, error) {
	if system.ArchivedAt != nil {
		return query.AnalysisRow{}, conflict("the system is archived: bring it back first")
	}
	if err := tx.EnsureWork(ctx, system.ID); err != nil {
		return query.AnalysisRow{}, err
	}
	work, err := tx.WorkForUpdate(ctx, system.ID)
	if err != nil {
		return query.AnalysisRow{}, err
	}
	next, err := s.nextAnalysis(ctx, tx, a, system.ID, work.NextAnalysis, w)
	if err != nil {
		return next, err
	}
	if err := tx.RequestWork(ctx, &next.Analysis.ID, system.ID); err != nil {
		return next, err
	}
	return next, s.wake(ctx, tx, system.ID, w.priority)
}

// nextAnalysis is the one that waits, or a new one where none does or where that
// one is not fresh and a fresh one is wanted.
func (s *Service) nextAnalysis(ctx context.Context, tx *postgres.Tx, a Actor, system uuid.UUID, waiting *uuid.UUID, w wanted) (query.AnalysisRow, error) {
	var superseded *uuid.UUID
	if waiting != nil {
		row, err := tx.Queries.Analysis(ctx, *waiting)
		if err != nil {
			return row, err
		}
		if row.Analysis.Fresh || !w.fresh {
			return row, nil
		}
		superseded = waiting
	}
	row, err := tx.InsertAnalysis(ctx, query.InsertAnalysisParams{
		ID: identifier.New(), SystemID: system, Cause: w.cause, BatchID: w.batch, Fresh: w.fresh, RequestedBy: a.Name,
	})
	if err != nil {
		return query.AnalysisRow{}, err
	}
	state, err := tx.InsertAnalysisState(ctx, row.ID)
	if err != nil {
		return query.AnalysisRow{}, err
	}
	out := query.AnalysisRow{Analysis: row, AnalysisState: state}
	if superseded != nil {
		if err := s.supersede(ctx, tx, *superseded, out); err != nil {
			return out, err
		}
	}
	return out, tx.Audit(a.Name, "analysis.request", identifier.String(identifier.Analysis, row.ID), map[string]any{
		"system": identifier.String(identifier.System, system), "cause": w.cause, "fresh": w.fresh,
	})
}

// supersede lets another analysis take the place of one that has not begun.
func (s *Service) supersede(ctx context.Context, tx *postgres.Tx, before uuid.UUID, now query.AnalysisRow) error {
	message := "taken over by " + identifier.String(identifier.Analysis, now.Analysis.ID)
	if err := tx.SupersedeAnalysis(ctx, message, before); err != nil {
		return err
	}
	if err := tx.MoveBatchItems(ctx, now.Analysis.ID, before); err != nil {
		return err
	}
	return announceAnalysis(ctx, tx, before)
}

// wake lets a worker look at a system, where nothing of it is yet to be read: the
// reading that ends last wakes it otherwise. The caller has locked the work's row.
func (s *Service) wake(ctx context.Context, tx *postgres.Tx, system uuid.UUID, priority postgres.Priority) error {
	pending, err := tx.AnythingToRead(ctx, system)
	if err != nil || pending {
		return err
	}
	if priority == 0 {
		priority = postgres.PriorityPerson
	}
	return tx.Enqueue(ctx, postgres.KindAnalyse, system, priority, time.Time{})
}

// analysisOf is an analysis as callers see it.
func analysisOf(r query.AnalysisRow) resource.Analysis {
	a, st := r.Analysis, r.AnalysisState
	var changes map[threatmodel.ChangeKind]int
	_ = json.Unmarshal(st.Changes, &changes) // written by end, from a map
	return resource.Analysis{
		ID: identifier.String(identifier.Analysis, a.ID), System: identifier.String(identifier.System, a.SystemID),
		State: resource.AnalysisState(st.State), Message: st.Message, Cause: a.Cause, Fresh: a.Fresh,
		Progress: resource.Progress{
			Stage: st.Stage, Done: int(st.Done), Total: int(st.Total), Calls: int(st.Calls),
			TokensIn: st.TokensIn, TokensOut: st.TokensOut, Cost: st.Cost, Currency: st.Currency,
		},
		RequestedBy: a.RequestedBy, RequestedAt: a.RequestedAt.UTC(), StartedAt: utc(st.StartedAt), FinishedAt: utc(st.FinishedAt),
		ModelVersion: st.ModelVersion, Changes: changes, Review: st.Review,
	}
}
