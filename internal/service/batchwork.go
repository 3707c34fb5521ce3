package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

const (
	// batchWindow is how many analyses of a batch are asked for at once. The
	// backlog holds them to the organization's share; this bounds the backlog.
	batchWindow = 50
	planAtOnce  = 20
)

// StepBatch takes a batch a step further: it selects and estimates, asks for the
// next analyses, or ends it when all are done. It is called again whenever an
// analysis of the batch ends, and goes on where it stood after a restart.
func (s *Service) StepBatch(ctx context.Context, organization, batch uuid.UUID) error {
	a := Worker(organization)
	var row query.Batch
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Batch(ctx, batch)
		return err
	})
	if errors.Is(err, postgres.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if row.State == batchPlanning {
		if row, err = s.plan(ctx, a, row); err != nil {
			return err
		}
	}
	if row.State == batchPlanned && row.Start || row.State == batchRunning {
		return s.advance(ctx, a, batch)
	}
	return nil
}

// plan selects the systems of a batch, unless that was done, and estimates what is
// not estimated yet.
func (s *Service) plan(ctx context.Context, a Actor, row query.Batch) (query.Batch, error) {
	if err := s.selectItems(ctx, a, row); err != nil {
		message, told := forPeople(err)
		if !told {
			return row, err
		}
		return s.setBatch(ctx, a, row.ID, query.SetBatchParams{State: batchFailed, Message: message})
	}
	for {
		var next []uuid.UUID
		var now query.Batch
		err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
			if now, err = tx.BatchForUpdate(ctx, row.ID); err != nil {
				return err
			}
			if err := tellItems(ctx, tx, row.ID); err != nil {
				return err
			}
			next, err = tx.BatchItemsToPlan(ctx, row.ID, planAtOnce)
			return err
		})
		if err != nil || now.State != batchPlanning {
			return now, err
		}
		if len(next) == 0 {
			return s.planned(ctx, a, row.ID)
		}
		for _, system := range next {
			if err := s.planItem(ctx, a, row, system); err != nil {
				return now, err
			}
		}
	}
}

// selectItems makes an item of every system that the selector names.
func (s *Service) selectItems(ctx context.Context, a Actor, row query.Batch) error {
	var x resource.Selector
	if err := json.Unmarshal(row.Selector, &x); err != nil {
		return err
	}
	ids, err := checkSelector(x)
	if err != nil {
		return err
	}
	labels := x.Labels
	if labels == nil {
		labels = []string{}
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		counts, err := tx.BatchCounts(ctx, []uuid.UUID{row.ID})
		if err != nil || len(counts) > 0 {
			return err
		}
		found, err := tx.SelectSystems(ctx, query.SelectSystemsParams{Ids: ids, Labels: labels, Catalog: x.Catalog})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !slices.ContainsFunc(found, func(f query.SelectSystemsRow) bool { return f.ID == id }) && len(x.Labels) == 0 && x.Catalog == "" {
				return conflict("there is no system %s, or it is archived", identifier.String(identifier.System, id))
			}
		}
		for _, f := range found {
			wanted, err := analysedByOther(ctx, tx, f, x)
			if err != nil {
				return err
			}
			if !wanted {
				continue
			}
			if err := tx.InsertBatchItem(ctx, row.ID, f.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// analysedByOther reports whether a system was last analysed by another model or
// other prompts than the selector names; true where it names none.
func analysedByOther(ctx context.Context, tx *postgres.Tx, f query.SelectSystemsRow, x resource.Selector) (bool, error) {
	if x.Model == "" && x.Prompts == "" {
		return true, nil
	}
	m, _, err := loadModel(ctx, tx, f.ID, f.CurrentVersion)
	if err != nil || m == nil {
		return false, err
	}
	return x.Model != "" && m.Analysis.Model != x.Model || x.Prompts != "" && m.Analysis.Prompts != x.Prompts, nil
}

// planItem estimates one system. One of which nothing changed is skipped; what
// stands against an analysis fails the item.
func (s *Service) planItem(ctx context.Context, a Actor, row query.Batch, system uuid.UUID) error {
	p := query.SetBatchItemEstimateParams{BatchID: row.ID, SystemID: system, State: itemPlanned}
	m, err := s.material(ctx, a, system)
	if err == nil {
		err = s.runnable(m)
	}
	var e resource.Estimate
	switch {
	case err != nil:
	case !row.Fresh && s.upToDate(m):
		p.State, p.Message = itemSkipped, "nothing changed since the last analysis"
	default:
		e, err = s.estimate(ctx, a, m, row.Fresh)
	}
	if err != nil {
		message, told := forPeople(err)
		if !told {
			return fmt.Errorf("estimating the system %s: %w", identifier.String(identifier.System, system), err)
		}
		p.State, p.Message = itemFailed, message
	}
	if p.Estimate, err = json.Marshal(e); err != nil {
		return err
	}
	p.Estimate, p.Message = postgres.Storable(p.Estimate), postgres.StorableText(p.Message)
	return s.tenant(ctx, a, func(tx *postgres.Tx) error { return tx.SetBatchItemEstimate(ctx, p) })
}

// planned sums the estimates up.
func (s *Service) planned(ctx context.Context, a Actor, batch uuid.UUID) (query.Batch, error) {
	var list []resource.Estimate
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		list = list[:0]
		rows, err := tx.BatchEstimates(ctx, batch)
		for _, raw := range rows {
			e, err := estimateOf(raw)
			if err != nil {
				return err
			}
			if e != nil {
				list = append(list, *e)
			}
		}
		return err
	})
	if err != nil {
		return query.Batch{}, err
	}
	sum, err := json.Marshal(addEstimates(list))
	if err != nil {
		return query.Batch{}, err
	}
	return s.setBatch(ctx, a, batch, query.SetBatchParams{State: batchPlanned, Estimate: postgres.Storable(sum)})
}

// setBatch moves a batch that is being planned, and tells its followers.
func (s *Service) setBatch(ctx context.Context, a Actor, batch uuid.UUID, p query.SetBatchParams) (query.Batch, error) {
	p.ID = batch
	var row query.Batch
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if row, err = tx.BatchForUpdate(ctx, batch); err != nil || row.State != batchPlanning {
			return err // cancelled meanwhile
		}
		if p.State == batchPlanned && row.Start {
			p.State = batchRunning // nobody shall take it for one that waits to be started
		}
		if row, err = tx.SetBatch(ctx, p); err != nil {
			return err
		}
		return announceBatch(ctx, tx, row)
	})
	return row, err
}

// advance asks for the next analyses of a batch, and ends it where all are done.
func (s *Service) advance(ctx context.Context, a Actor, batch uuid.UUID) error {
	for {
		more, err := s.startItem(ctx, a, batch)
		if err != nil || !more {
			return err
		}
	}
}

// startItem asks for the analysis of one system, in a transaction of its own: its
// row is locked for a moment only.
func (s *Service) startItem(ctx context.Context, a Actor, batch uuid.UUID) (more bool, err error) {
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		more = false
		row, err := tx.BatchForUpdate(ctx, batch)
		if err != nil || finalBatch(row.State) {
			return err
		}
		if err := tellItems(ctx, tx, batch); err != nil {
			return err
		}
		underWay, err := tx.BatchItemsUnderWay(ctx, batch)
		if err != nil {
			return err
		}
		next, err := tx.BatchItemsToStart(ctx, batch, 1)
		if err != nil {
			return err
		}
		switch {
		case len(next) == 0 && underWay == 0:
			return s.endBatch(ctx, tx, row)
		case len(next) == 0, underWay >= batchWindow:
			return s.running(ctx, tx, row)
		}
		more = true
		if err := s.running(ctx, tx, row); err != nil {
			return err
		}
		return s.queueItem(ctx, tx, a, row, next[0])
	})
	return more, err
}

// tellItems tells the followers of a batch, whose row the caller has locked, of the
// items that ended since it was done last.
func tellItems(ctx context.Context, tx *postgres.Tx, batch uuid.UUID) error {
	rows, err := tx.TellBatchItems(ctx, batch)
	for _, r := range rows {
		if err := tx.PutEvent(ctx, batch, eventItem, batchItemOf(query.BatchItemsRow(r))); err != nil {
			return err
		}
	}
	return err
}

// running marks a batch as under way, and tells how far it is.
func (s *Service) running(ctx context.Context, tx *postgres.Tx, row query.Batch) error {
	if row.State != batchRunning {
		var err error
		if row, err = tx.SetBatch(ctx, query.SetBatchParams{ID: row.ID, State: batchRunning}); err != nil {
			return err
		}
	}
	return announceBatch(ctx, tx, row)
}

func (s *Service) queueItem(ctx context.Context, tx *postgres.Tx, a Actor, row query.Batch, system uuid.UUID) error {
	w := wanted{cause: causeBatch, fresh: row.Fresh, batch: &row.ID, priority: postgres.PriorityBatch}
	if row.Cause == causeSchedule {
		w.cause = causeSchedule
	}
	locked, err := tx.SystemForUpdate(ctx, system)
	var next query.AnalysisRow
	if err == nil {
		next, err = s.request(ctx, tx, a, locked, w)
	} else {
		err = missing(err, "system: it was purged")
	}
	if message, told := forPeople(err); told {
		return tx.SkipBatchItem(ctx, query.SkipBatchItemParams{State: itemSkipped, Message: message, BatchID: row.ID, SystemID: system})
	}
	if err != nil {
		return err
	}
	return tx.QueueBatchItem(ctx, query.QueueBatchItemParams{AnalysisID: &next.Analysis.ID, BatchID: row.ID, SystemID: system})
}

func (s *Service) endBatch(ctx context.Context, tx *postgres.Tx, row query.Batch) error {
	row, err := tx.SetBatch(ctx, query.SetBatchParams{ID: row.ID, State: batchDone})
	if err != nil {
		return err
	}
	out, err := oneBatch(ctx, tx, row)
	if err != nil {
		return err
	}
	if err := tx.PutEvent(ctx, row.ID, eventState, out); err != nil {
		return err
	}
	return s.publish(ctx, tx, eventBatchFinished, out)
}
