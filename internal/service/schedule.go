package service

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/robfig/cron/v3"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// nextRun is when a cron expression is due after a moment; nil where it never is.
func nextRun(expression string, after time.Time) (*time.Time, error) {
	if strings.HasPrefix(strings.TrimSpace(expression), "@") {
		return nil, invalid("/cron", "%q: write it as five fields, such as 0 3 * * 1-5", expression)
	}
	if !strings.HasPrefix(expression, "CRON_TZ=") {
		expression = "CRON_TZ=UTC " + expression
	}
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		return nil, invalid("/cron", "%v", err)
	}
	next := schedule.Next(after)
	if next.IsZero() {
		return nil, invalid("/cron", "no day fits it")
	}
	next = next.UTC()
	return &next, nil
}

func scheduleOf(r query.Schedule) (resource.Schedule, error) {
	out := resource.Schedule{
		ID: identifier.String(identifier.Schedule, r.ID), Name: r.Name, Cron: r.Cron, Enabled: r.Enabled, NextAt: utc(r.NextAt), Version: r.Version,
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
	}
	if r.LastBatch != nil {
		out.LastBatch = identifier.String(identifier.Batch, *r.LastBatch)
	}
	return out, json.Unmarshal(r.Selector, &out.Selector)
}

// Schedules lists schedules by name. Scope read, of the whole organization.
func (s *Service) Schedules(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Schedule], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeRead), err); err != nil {
		return resource.Page[resource.Schedule]{}, err
	}
	var rows []query.Schedule
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		rows, err = tx.Queries.Schedules(ctx, query.SchedulesParams{AfterName: p.Key, AfterID: p.ID, MaxRows: p.rows()})
		return err
	})
	var broken error
	item := func(r query.Schedule) resource.Schedule {
		out, err := scheduleOf(r)
		broken = together(broken, err)
		return out
	}
	page := pageOf(p, rows, item, func(r query.Schedule) cursor { return cursor{Key: strings.ToLower(r.Name), ID: r.ID} })
	return page, together(err, broken)
}

// Schedule is one schedule. Scope read, of the whole organization.
func (s *Service) Schedule(ctx context.Context, a Actor, id uuid.UUID) (resource.Schedule, error) {
	if err := a.must(resource.ScopeRead); err != nil {
		return resource.Schedule{}, err
	}
	var out resource.Schedule
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Schedule(ctx, id)
		if err != nil {
			return missing(err, "schedule")
		}
		out, err = scheduleOf(row)
		return err
	})
	return out, err
}

// CreateSchedule makes a schedule. Scope admin.
func (s *Service) CreateSchedule(ctx context.Context, a Actor, in resource.NewSchedule) (resource.Schedule, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Schedule{}, err
	}
	row := query.Schedule{ID: identifier.New(), Name: strings.TrimSpace(in.Name), Cron: strings.TrimSpace(in.Cron), Enabled: in.Enabled == nil || *in.Enabled}
	if err := s.setSchedule(&row, in.Selector); err != nil {
		return resource.Schedule{}, err
	}
	var out resource.Schedule
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if err := selectable(ctx, tx, in.Selector); err != nil {
			return err
		}
		made, err := tx.InsertSchedule(ctx, query.InsertScheduleParams{
			ID: row.ID, Name: row.Name, Cron: row.Cron, Selector: row.Selector, Enabled: row.Enabled, NextAt: row.NextAt, CreatedBy: a.Name,
		})
		if err != nil {
			return err
		}
		if out, err = scheduleOf(made); err != nil {
			return err
		}
		return tx.Audit(a.Name, "schedule.create", out.ID, in)
	})
	return out, err
}

// setSchedule checks a schedule, and says when it is due next.
func (s *Service) setSchedule(row *query.Schedule, x resource.Selector) (err error) {
	if row.Selector, err = json.Marshal(x); err != nil {
		return err
	}
	row.Selector = postgres.Storable(row.Selector)
	_, selector := checkSelector(x)
	row.NextAt, err = nextRun(row.Cron, s.cfg.Now())
	return together(unless(row.Name != "", invalid("/name", "a name is needed")), err, selector)
}

// UpdateSchedule changes a schedule. Scope admin.
func (s *Service) UpdateSchedule(ctx context.Context, a Actor, id uuid.UUID, edit resource.ScheduleEdit, ifMatch int64) (resource.Schedule, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Schedule{}, err
	}
	var out resource.Schedule
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Schedule(ctx, id)
		if err != nil {
			return missing(err, "schedule")
		}
		if err := matches(ifMatch, row.Version, "schedule"); err != nil {
			return err
		}
		before, err := scheduleOf(row)
		if err != nil {
			return err
		}
		if edit.Name != nil {
			row.Name = strings.TrimSpace(*edit.Name)
		}
		if edit.Cron != nil {
			row.Cron = strings.TrimSpace(*edit.Cron)
		}
		if edit.Enabled != nil {
			row.Enabled = *edit.Enabled
		}
		if edit.Selector != nil {
			before.Selector = *edit.Selector
			if err := selectable(ctx, tx, before.Selector); err != nil {
				return err
			}
		}
		if err := s.setSchedule(&row, before.Selector); err != nil {
			return err
		}
		row, err = tx.Queries.UpdateSchedule(ctx, query.UpdateScheduleParams{
			ID: id, Name: row.Name, Cron: row.Cron, Selector: row.Selector, Enabled: row.Enabled, NextAt: row.NextAt, Version: row.Version,
		})
		if err != nil {
			return changedMeanwhile(err, "schedule")
		}
		if out, err = scheduleOf(row); err != nil {
			return err
		}
		return tx.Audit(a.Name, "schedule.update", out.ID, edit)
	})
	return out, err
}

// DeleteSchedule removes a schedule; its batches stay. Scope admin.
func (s *Service) DeleteSchedule(ctx context.Context, a Actor, id uuid.UUID) error {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return err
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		n, err := tx.Queries.DeleteSchedule(ctx, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("schedule")
		}
		return tx.Audit(a.Name, "schedule.delete", identifier.String(identifier.Schedule, id), nil)
	})
}
