package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// hourly is how often a process looks at what need not be looked at each
	// minute: retention, indexes, checkpoints.
	hourly = time.Hour
)

// chores remembers when this process last did what is done hourly.
type chores struct {
	mu   sync.Mutex
	last time.Time
}

func (c *chores) due(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() && now.Sub(c.last) < hourly {
		return false
	}
	c.last = now
	return true
}

// Housekeep does what time asks for, for all organizations: acceptances that
// ended, schedules that are due, retention, checkpoints of the audit trail, and
// rows that nobody needs any more. It may run on several workers at once. What
// fails leaves the rest alone.
func (s *Service) Housekeep(ctx context.Context) error {
	errs := []error{s.expire(ctx), s.startSchedules(ctx)}
	if s.chores.due(s.cfg.Now()) {
		errs = append(errs, s.retain(ctx), s.checkpoints(ctx), s.tidy(ctx))
	}
	return errors.Join(errs...)
}

// owned is a thing of an organization.
type owned struct{ organization, id uuid.UUID }

// each does something for things of any organization, and goes on where one fails.
func each(ctx context.Context, list []owned, do func(context.Context, owned) error) error {
	var errs []error
	for _, x := range list {
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		if err := do(ctx, x); err != nil {
			errs = append(errs, fmt.Errorf("organization %s: %w", x.organization, err))
		}
	}
	return errors.Join(errs...)
}

// expire gives the models of which an acceptance ended a new version.
func (s *Service) expire(ctx context.Context) error {
	var list []owned
	err := s.db.Owner(ctx, func(tx *postgres.Tx) error {
		list = nil
		rows, err := tx.SystemsWithEndedAcceptances(ctx, s.cfg.Now())
		for _, r := range rows {
			list = append(list, owned{r.OrganizationID, r.SystemID})
		}
		return err
	})
	return errors.Join(err, each(ctx, list, s.expireOne))
}

func (s *Service) expireOne(ctx context.Context, x owned) error {
	a := Worker(x.organization)
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		c, err := changing(ctx, tx, x.id)
		if err != nil {
			if _, told := forPeople(err); told {
				return nil // archived or purged meanwhile
			}
			return err
		}
		before := map[string]bool{}
		for i := range c.model.Threats {
			before[c.model.Threats[i].ID] = c.model.Threats[i].ReviewDue != nil
		}
		decisions, err := decisionsOf(ctx, tx, x.id)
		if err != nil {
			return err
		}
		decision.Apply(c.model, decisions, s.cfg.Now())
		var due []string
		for i := range c.model.Threats {
			t := &c.model.Threats[i]
			if t.ReviewDue != nil && t.ReviewDue.Cause == threatmodel.CauseTime && !before[t.ID] {
				due = append(due, t.ID)
			}
		}
		if _, err := s.newVersion(ctx, tx, a, c.system, c.model, version{cause: causeExpiry}); err != nil {
			return err
		}
		system := identifier.String(identifier.System, x.id)
		if err := s.publish(ctx, tx, eventReviewDue, reviewDue{System: system, Threats: due}); err != nil {
			return err
		}
		return tx.Audit(a.Name, "threat.expire", system, map[string]any{"threats": due})
	})
}

// startSchedules makes the batches that are due. One that was missed while
// nothing ran is made up for once.
func (s *Service) startSchedules(ctx context.Context) error {
	var list []owned
	err := s.db.Owner(ctx, func(tx *postgres.Tx) error {
		list = nil
		rows, err := tx.DueSchedules(ctx, s.cfg.Now())
		for _, r := range rows {
			list = append(list, owned{r.OrganizationID, r.ID})
		}
		return err
	})
	return errors.Join(err, each(ctx, list, s.startSchedule))
}

func (s *Service) startSchedule(ctx context.Context, x owned) error {
	a := Worker(x.organization)
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.ScheduleForUpdate(ctx, x.id)
		if errors.Is(err, postgres.ErrNoRows) {
			return nil // another process is at it
		}
		if err != nil {
			return err
		}
		now := s.cfg.Now()
		if !row.Enabled || row.NextAt == nil || row.NextAt.After(now) {
			return nil
		}
		next, err := nextRun(row.Cron, now)
		if err != nil {
			return err
		}
		in := resource.NewBatch{Start: true}
		if err := json.Unmarshal(row.Selector, &in.Selector); err != nil {
			return err
		}
		a.Name = "schedule " + row.Name
		batch, err := insertBatch(ctx, tx, a, in, causeSchedule)
		if err != nil {
			return err
		}
		return tx.MoveSchedule(ctx, query.MoveScheduleParams{NextAt: next, LastBatch: &batch.ID, ID: x.id})
	})
}

// retain purges what was archived or removed longer ago than its organization
// keeps things.
func (s *Service) retain(ctx context.Context) error {
	var systems, documents []owned
	err := s.db.Owner(ctx, func(tx *postgres.Tx) error {
		systems, documents = nil, nil
		found, err := tx.ArchivedBefore(ctx)
		if err != nil {
			return err
		}
		for _, r := range found {
			systems = append(systems, owned{r.OrganizationID, r.ID})
		}
		removed, err := tx.RemovedBefore(ctx)
		for _, r := range removed {
			documents = append(documents, owned{r.OrganizationID, r.ID})
		}
		return err
	})
	quietly := func(purge func(context.Context, Actor, uuid.UUID) error) func(context.Context, owned) error {
		return func(ctx context.Context, x owned) error {
			if err := purge(ctx, Worker(x.organization), x.id); err != nil && !isNotFound(err) { // by another worker
				return err
			}
			return nil
		}
	}
	return errors.Join(err, each(ctx, systems, quietly(s.PurgeSystem)), each(ctx, documents, quietly(s.PurgeDocument)))
}

// checkpoints signs where each organization's audit trail stands.
func (s *Service) checkpoints(ctx context.Context) error {
	if s.cfg.AuditKey == nil {
		return nil
	}
	var list []owned
	err := s.db.Owner(ctx, func(tx *postgres.Tx) error {
		list = nil
		rows, err := tx.Queries.Organizations(ctx)
		for _, r := range rows {
			list = append(list, owned{r.OrganizationID, r.OrganizationID})
		}
		return err
	})
	return errors.Join(err, each(ctx, list, func(ctx context.Context, x owned) error {
		_, err := s.checkpoint(ctx, Worker(x.organization))
		return err
	}))
}

// tidy removes rows that nobody needs any more, and tends the indexes of search.
func (s *Service) tidy(ctx context.Context) error {
	_, swept := s.db.SweepTables(ctx)
	_, _, tended := s.db.TendIndexes(ctx)
	return errors.Join(swept, tended)
}
