package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// States of a batch and of its items.
const (
	batchPlanning  = "planning"
	batchPlanned   = "planned"
	batchRunning   = "running"
	batchDone      = "done"
	batchCancelled = "cancelled"
	batchFailed    = "failed"

	itemPlanned = "planned"
	itemSkipped = "skipped"
	itemFailed  = "failed"
)

func finalBatch(state string) bool {
	return state == batchDone || state == batchCancelled || state == batchFailed
}

// CreateBatch plans a re-analysis of the systems that the selector names: the
// estimate comes in the background. Scope write, of the whole organization.
func (s *Service) CreateBatch(ctx context.Context, a Actor, in resource.NewBatch) (resource.Batch, error) {
	if err := a.must(resource.ScopeWrite); err != nil {
		return resource.Batch{}, err
	}
	if _, err := checkSelector(in.Selector); err != nil {
		return resource.Batch{}, err
	}
	var out resource.Batch
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if err := selectable(ctx, tx, in.Selector); err != nil {
			return err
		}
		row, err := insertBatch(ctx, tx, a, in, "manual")
		if err != nil {
			return err
		}
		out, err = oneBatch(ctx, tx, row)
		return err
	})
	return out, err
}

func insertBatch(ctx context.Context, tx *postgres.Tx, a Actor, in resource.NewBatch, cause string) (query.Batch, error) {
	selector, err := json.Marshal(in.Selector)
	if err != nil {
		return query.Batch{}, err
	}
	row, err := tx.InsertBatch(ctx, query.InsertBatchParams{
		ID: identifier.New(), Selector: postgres.Storable(selector), Fresh: in.Fresh, Start: in.Start, Cause: cause, CreatedBy: a.Name,
	})
	if err != nil {
		return row, err
	}
	if err := tx.Enqueue(ctx, postgres.KindBatch, row.ID, postgres.PriorityUsual, time.Time{}); err != nil {
		return row, err
	}
	return row, tx.Audit(a.Name, "batch.create", identifier.String(identifier.Batch, row.ID), in)
}

// checkSelector reads the systems that a selector names. One that selects nothing
// in particular must say that it means everything.
func checkSelector(x resource.Selector) ([]uuid.UUID, error) {
	ids := []uuid.UUID{}
	var faults []error
	for i, s := range x.Systems {
		id, err := identifier.Parse(identifier.System, s)
		if err != nil {
			faults = append(faults, invalid(fmt.Sprintf("/selector/systems/%d", i), "%v", err))
		}
		ids = append(ids, id)
	}
	if len(x.Systems)+len(x.Labels) == 0 && x.Catalog == "" && x.Model == "" && x.Prompts == "" && !x.Everything {
		return nil, invalid("/selector", "it selects nothing: name systems, labels, a catalog, a model or prompts, or set everything to true")
	}
	return ids, together(faults...)
}

// selectable refuses a selector that names systems which are not there: a typing
// error would go unnoticed otherwise.
func selectable(ctx context.Context, tx *postgres.Tx, x resource.Selector) error {
	ids, err := checkSelector(x)
	if err != nil {
		return err
	}
	var faults []error
	for i, id := range ids {
		_, err := tx.Queries.System(ctx, id)
		faults = append(faults, pointed(missing(err, "system"), fmt.Sprintf("/selector/systems/%d", i)))
	}
	return together(faults...)
}

// oneBatch is a batch as callers see it.
func oneBatch(ctx context.Context, tx *postgres.Tx, b query.Batch) (resource.Batch, error) {
	out, err := batchesOf(ctx, tx, []query.Batch{b})
	if err != nil {
		return resource.Batch{}, err
	}
	return out[0], nil
}

func batchesOf(ctx context.Context, tx *postgres.Tx, rows []query.Batch) ([]resource.Batch, error) {
	ids := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	counts := map[uuid.UUID]query.BatchCountsRow{}
	found, err := tx.BatchCounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		counts[c.BatchID] = c
	}
	out := make([]resource.Batch, len(rows))
	for i, r := range rows {
		c := counts[r.ID]
		out[i] = resource.Batch{
			ID: identifier.String(identifier.Batch, r.ID), Fresh: r.Fresh, State: r.State, Message: r.Message, Total: int(c.Total), Done: int(c.Done),
			Failed: int(c.Failed), Incomplete: int(c.Incomplete), CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, StartedAt: utc(r.StartedAt), FinishedAt: utc(r.FinishedAt),
		}
		if err := json.Unmarshal(r.Selector, &out[i].Selector); err != nil {
			return nil, err
		}
		if out[i].Estimate, err = estimateOf(r.Estimate); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func estimateOf(raw json.RawMessage) (*resource.Estimate, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	e := &resource.Estimate{}
	return e, json.Unmarshal(raw, e)
}

// Batch is one batch. Scope read, of the whole organization.
func (s *Service) Batch(ctx context.Context, a Actor, id uuid.UUID) (resource.Batch, error) {
	if err := a.must(resource.ScopeRead); err != nil {
		return resource.Batch{}, err
	}
	var out resource.Batch
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Batch(ctx, id)
		if err != nil {
			return missing(err, "batch")
		}
		out, err = oneBatch(ctx, tx, row)
		return err
	})
	return out, err
}

// Batches lists batches, newest first. Scope read, of the whole organization.
func (s *Service) Batches(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Batch], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeRead), err); err != nil {
		return resource.Page[resource.Batch]{}, err
	}
	var out resource.Page[resource.Batch]
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		rows, err := tx.Queries.Batches(ctx, p.before(), p.rows())
		if err != nil {
			return err
		}
		found, err := batchesOf(ctx, tx, rows)
		if err != nil {
			return err
		}
		at := map[string]cursor{}
		for i, r := range rows {
			at[found[i].ID] = cursor{ID: r.ID}
		}
		out = pageOf(p, found, func(b resource.Batch) resource.Batch { return b }, func(b resource.Batch) cursor { return at[b.ID] })
		return nil
	})
	return out, err
}

// BatchItems lists the systems of a batch by name. Scope read, of the whole
// organization.
func (s *Service) BatchItems(ctx context.Context, a Actor, batch uuid.UUID, list resource.List) (resource.Page[resource.BatchItem], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeRead), err); err != nil {
		return resource.Page[resource.BatchItem]{}, err
	}
	var rows []query.BatchItemsRow
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.Batch(ctx, batch); err != nil {
			return missing(err, "batch")
		}
		rows, err = tx.Queries.BatchItems(ctx, query.BatchItemsParams{BatchID: batch, AfterName: p.Key, AfterID: p.ID, MaxRows: p.rows()})
		return err
	})
	return pageOf(p, rows, batchItemOf, func(r query.BatchItemsRow) cursor {
		return cursor{Key: strings.ToLower(r.Name), ID: r.BatchItem.SystemID}
	}), err
}

func batchItemOf(r query.BatchItemsRow) resource.BatchItem {
	i := r.BatchItem
	out := resource.BatchItem{System: identifier.String(identifier.System, i.SystemID), Name: r.Name, State: i.State, Message: i.Message}
	out.Estimate, _ = estimateOf(i.Estimate) // written by plan
	if i.AnalysisID != nil {
		out.Analysis = identifier.String(identifier.Analysis, *i.AnalysisID)
	}
	var x impact
	if len(i.Changes) > 0 && json.Unmarshal(i.Changes, &x) == nil && len(x.Changes) > 0 {
		out.Changes, out.Review = map[threatmodel.ChangeKind]int{}, len(x.Review)
		for k, n := range x.Changes {
			out.Changes[threatmodel.ChangeKind(k)] = n
		}
	}
	return out
}

// StartBatch begins a batch that is planned, or as soon as it is. Scope write, of
// the whole organization.
func (s *Service) StartBatch(ctx context.Context, a Actor, id uuid.UUID) (resource.Batch, error) {
	return s.changeBatch(ctx, a, id, "batch.start", func(tx *postgres.Tx, row query.Batch) (query.Batch, error) {
		switch {
		case finalBatch(row.State):
			return row, conflict("the batch is %s", row.State)
		case row.State == batchRunning, row.Start:
			return row, nil
		}
		state := row.State
		if state == batchPlanned {
			state = batchRunning
		}
		row, err := tx.SetBatch(ctx, query.SetBatchParams{ID: id, State: state, Start: true})
		if err != nil {
			return row, err
		}
		return row, tx.Enqueue(ctx, postgres.KindBatch, id, postgres.PriorityUsual, time.Time{})
	})
}

// CancelBatch ends a batch; what was analysed stays. Scope write, of the whole
// organization.
func (s *Service) CancelBatch(ctx context.Context, a Actor, id uuid.UUID) (resource.Batch, error) {
	return s.changeBatch(ctx, a, id, "batch.cancel", func(tx *postgres.Tx, row query.Batch) (query.Batch, error) {
		if finalBatch(row.State) {
			return row, nil
		}
		if err := tellItems(ctx, tx, id); err != nil {
			return row, err
		}
		open, err := tx.CancelBatchItems(ctx, id)
		if err != nil {
			return row, err
		}
		for _, analysis := range open {
			if analysis == nil {
				continue
			}
			if err := s.cancelOwn(ctx, tx, id, *analysis); err != nil {
				return row, err
			}
		}
		return tx.SetBatch(ctx, query.SetBatchParams{ID: id, State: batchCancelled, Message: "cancelled by " + a.Name})
	})
}

// cancelOwn cancels an analysis that was asked for by the batch alone.
func (s *Service) cancelOwn(ctx context.Context, tx *postgres.Tx, batch, analysis uuid.UUID) error {
	r, err := tx.Queries.Analysis(ctx, analysis)
	if err != nil || r.Analysis.BatchID == nil || *r.Analysis.BatchID != batch || resource.AnalysisState(r.AnalysisState.State).Final() {
		return err
	}
	if _, err := tx.SystemForUpdate(ctx, r.Analysis.SystemID); err != nil {
		return missing(err, "system")
	}
	return s.cancel(ctx, tx, r.Analysis.SystemID, analysis, "the batch was cancelled")
}

func (s *Service) changeBatch(ctx context.Context, a Actor, id uuid.UUID, action string, change func(*postgres.Tx, query.Batch) (query.Batch, error)) (resource.Batch, error) {
	if err := a.must(resource.ScopeWrite); err != nil {
		return resource.Batch{}, err
	}
	var out resource.Batch
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.BatchForUpdate(ctx, id)
		if err != nil {
			return missing(err, "batch")
		}
		if row, err = change(tx, row); err != nil {
			return err
		}
		if out, err = oneBatch(ctx, tx, row); err != nil {
			return err
		}
		if err := tx.PutEvent(ctx, id, eventState, out); err != nil {
			return err
		}
		return tx.Audit(a.Name, action, out.ID, nil)
	})
	return out, err
}
