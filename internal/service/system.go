package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// usualCatalog is in use where a system names none.
const usualCatalog = "iso27001-2022"

// Systems lists those in the actor's reach by name. Scope read.
func (s *Service) Systems(ctx context.Context, a Actor, filter resource.SystemFilter, list resource.List) (resource.Page[resource.System], error) {
	p, err := readPage(list)
	if err := together(a.can(resource.ScopeRead), err); err != nil {
		return resource.Page[resource.System]{}, err
	}
	var out resource.Page[resource.System]
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		rows, err := tx.Queries.Systems(ctx, query.SystemsParams{
			Archived: filter.Archived, Label: filter.Label, Pattern: containing(filter.Query), Only: a.System,
			AfterName: p.Key, AfterID: p.ID, MaxRows: p.rows(),
		})
		if err != nil {
			return err
		}
		found, err := systemsOf(ctx, tx, rows)
		if err != nil {
			return err
		}
		at := map[string]cursor{}
		for i, r := range rows {
			at[found[i].ID] = cursor{Key: strings.ToLower(r.Name), ID: r.ID}
		}
		out = pageOf(p, found, func(x resource.System) resource.System { return x }, func(x resource.System) cursor { return at[x.ID] })
		return nil
	})
	return out, err
}

// containing is the LIKE pattern of a text that stands anywhere; empty for none.
func containing(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// systemsOf adds to rows what is counted of each.
func systemsOf(ctx context.Context, tx *postgres.Tx, rows []query.System) ([]resource.System, error) {
	ids := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	summaries := map[uuid.UUID]query.SystemSummariesRow{}
	found, err := tx.SystemSummaries(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, x := range found {
		summaries[x.ID] = x
	}
	out := make([]resource.System, len(rows))
	for i, r := range rows {
		if out[i], err = systemOf(r, summaries[r.ID]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func systemOf(r query.System, x query.SystemSummariesRow) (resource.System, error) {
	c, err := statedContext(r)
	return resource.System{
		ID: identifier.String(identifier.System, r.ID), Name: r.Name, Owner: r.Owner, Criticality: r.Criticality, Classification: r.Classification,
		Context: c, Labels: nonNil(r.Labels), Catalogs: nonNil(r.Catalogs), Analyst: r.Analyst, ModelVersion: r.CurrentVersion,
		Summary: &resource.Summary{
			Open: int(x.Open), ReviewDue: int(x.ReviewDue), Questions: int(r.Questions), AnalysisState: x.AnalysisState,
			ByRisk: map[threatmodel.Level]int{
				threatmodel.Low: int(x.Low), threatmodel.Medium: int(x.Medium), threatmodel.High: int(x.High), threatmodel.Critical: int(x.Critical),
			},
		},
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), ArchivedAt: utc(r.ArchivedAt),
	}, err
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// statedContext is what people stated about a system; nil where that is nothing.
func statedContext(r query.System) (*threatmodel.Context, error) {
	c := &threatmodel.Context{}
	if err := json.Unmarshal(r.Context, c); err != nil {
		return nil, fmt.Errorf("reading the context of the system %s: %w", r.Name, err)
	}
	if empty, err := json.Marshal(c); err == nil && string(empty) == "{}" {
		return nil, nil
	}
	return c, nil
}

// CreateSystem makes a system. Scope write, of the whole organization.
func (s *Service) CreateSystem(ctx context.Context, a Actor, in resource.NewSystem) (resource.System, error) {
	if err := a.must(resource.ScopeWrite); err != nil {
		return resource.System{}, err
	}
	row := query.System{
		ID: identifier.New(), Name: strings.TrimSpace(in.Name), Owner: in.Owner, Criticality: in.Criticality, Classification: in.Classification,
		Labels: nonNil(in.Labels), Catalogs: in.Catalogs, Analyst: in.Analyst,
	}
	if len(row.Catalogs) == 0 {
		row.Catalogs = []string{usualCatalog}
	}
	if c := in.Context; c != nil {
		row.Owner, row.Criticality, row.Classification = or(row.Owner, c.Owner), or(row.Criticality, c.Criticality), or(row.Classification, c.Classification)
	}
	stated := setContext(&row, in.Context)
	var out resource.System
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if err := together(stated, checkSystem(ctx, tx, &row)); err != nil {
			return err
		}
		made, err := tx.InsertSystem(ctx, query.InsertSystemParams{
			ID: row.ID, Name: row.Name, Owner: row.Owner, Criticality: row.Criticality, Classification: row.Classification, Context: row.Context,
			Labels: row.Labels, Catalogs: row.Catalogs, Analyst: row.Analyst,
		})
		if err != nil {
			return err
		}
		if err := tx.EnsureWork(ctx, row.ID); err != nil {
			return err
		}
		if out, err = systemOf(made, query.SystemSummariesRow{}); err != nil {
			return err
		}
		return tx.Audit(a.Name, "system.create", out.ID, in)
	})
	return out, named(err, row.Name)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// named explains a name that is taken.
func named(err error, name string) error {
	if postgres.Exists(err, "system_name") {
		return &Error{Kind: KindConflict, Pointer: "/name", Message: fmt.Sprintf("there is a system called %s already", name)}
	}
	return err
}

// setContext gives a system its context, in which owner, criticality and
// classification are those of the system.
func setContext(row *query.System, c *threatmodel.Context) (err error) {
	stated := threatmodel.Context{}
	if c != nil {
		stated = *c
	}
	if err := config.CheckContext(&stated); err != nil {
		return invalid("/context", "%v", err)
	}
	stated.Owner, stated.Criticality, stated.Classification = row.Owner, row.Criticality, row.Classification
	row.Context, err = json.Marshal(stated)
	row.Context = postgres.Storable(row.Context)
	return err
}

// checkSystem tells what is wrong with a system.
func checkSystem(ctx context.Context, tx *postgres.Tx, row *query.System) error {
	levels, classes := threatmodel.Levels(), threatmodel.Classes()
	faults := []error{
		unless(row.Name != "", invalid("/name", "a name is needed")),
		unless(row.Criticality == "" || slices.Contains(levels, threatmodel.Level(row.Criticality)), invalid("/criticality", "it must be low, medium, high or critical")),
		unless(row.Classification == "" || slices.Contains(classes, row.Classification), invalid("/classification", "it must be one of %s", strings.Join(classes, ", "))),
		unless(slices.Contains([]string{"", "llm", "builtin", "both"}, row.Analyst), invalid("/analyst", "it must be llm, builtin or both")),
	}
	for i, id := range row.Catalogs {
		faults = append(faults, checkCatalog(ctx, tx, row.Catalogs[:i], id, fmt.Sprintf("/catalogs/%d", i)))
	}
	return together(faults...)
}

func checkCatalog(ctx context.Context, tx *postgres.Tx, before []string, id, pointer string) error {
	switch {
	case slices.Contains(before, id):
		return invalid(pointer, "%s is named twice", id)
	case slices.Contains(catalog.IDs(), id):
		return nil
	}
	_, err := tx.Queries.Catalog(ctx, id)
	return pointed(missing(err, "catalog as "+id), pointer)
}

// System is one system. Scope read.
func (s *Service) System(ctx context.Context, a Actor, id uuid.UUID) (resource.System, error) {
	if err := a.mustFor(resource.ScopeRead, id); err != nil {
		return resource.System{}, err
	}
	var out resource.System
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.System(ctx, id)
		if err != nil {
			return missing(err, "system")
		}
		out, err = oneSystem(ctx, tx, row)
		return err
	})
	return out, err
}

func oneSystem(ctx context.Context, tx *postgres.Tx, row query.System) (resource.System, error) {
	found, err := systemsOf(ctx, tx, []query.System{row})
	if err != nil {
		return resource.System{}, err
	}
	return found[0], nil
}

// UpdateSystem changes a system, archives it or brings it back. A change of what
// analysis reads (name, context, criticality, classification, catalogs, analyst)
// asks for an analysis where there was one. Scope write.
func (s *Service) UpdateSystem(ctx context.Context, a Actor, id uuid.UUID, edit resource.SystemEdit, ifMatch int64) (resource.System, error) {
	if err := a.mustFor(resource.ScopeWrite, id); err != nil {
		return resource.System{}, err
	}
	var out resource.System
	var name string
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.SystemForUpdate(ctx, id)
		if err != nil {
			return missing(err, "system")
		}
		if err := matches(ifMatch, row.Version, "system"); err != nil {
			return err
		}
		before := analysed(row)
		edited := applyEdit(&row, edit)
		name = row.Name
		if err := together(edited, checkSystem(ctx, tx, &row)); err != nil {
			return err
		}
		if err := s.archive(ctx, tx, a, &row, edit.Archived); err != nil {
			return err
		}
		row, err = tx.Queries.UpdateSystem(ctx, query.UpdateSystemParams{
			ID: id, Name: row.Name, Owner: row.Owner, Criticality: row.Criticality, Classification: row.Classification, Context: row.Context,
			Labels: row.Labels, Catalogs: row.Catalogs, Analyst: row.Analyst, ArchivedAt: row.ArchivedAt,
		})
		if err != nil {
			return err
		}
		if row.CurrentVersion > 0 && row.ArchivedAt == nil && analysed(row) != before {
			if _, err := s.request(ctx, tx, a, row, wanted{cause: causeContext}); err != nil {
				return err
			}
		}
		if out, err = oneSystem(ctx, tx, row); err != nil {
			return err
		}
		return tx.Audit(a.Name, "system.update", out.ID, edit)
	})
	return out, named(err, name)
}

// analysed is what of a system an analysis depends on, beside its documents.
func analysed(r query.System) string {
	return strings.Join([]string{r.Name, r.Analyst, strings.Join(r.Catalogs, ","), string(r.Context)}, "\x00")
}

func applyEdit(row *query.System, edit resource.SystemEdit) error {
	c, err := statedContext(*row)
	if err != nil {
		return err
	}
	if edit.Context != nil {
		c = edit.Context
		row.Owner, row.Criticality, row.Classification = or(c.Owner, row.Owner), or(c.Criticality, row.Criticality), or(c.Classification, row.Classification)
	}
	for _, f := range []struct {
		to   *string
		from *string
	}{
		{&row.Name, edit.Name}, {&row.Owner, edit.Owner}, {&row.Criticality, edit.Criticality}, {&row.Classification, edit.Classification}, {&row.Analyst, edit.Analyst},
	} {
		if f.from != nil {
			*f.to = strings.TrimSpace(*f.from)
		}
	}
	if edit.Labels != nil {
		row.Labels = nonNil(*edit.Labels)
	}
	if edit.Catalogs != nil {
		row.Catalogs = *edit.Catalogs
	}
	return together(unless(len(row.Catalogs) > 0, invalid("/catalogs", "at least one is needed")), setContext(row, c))
}

// archive archives a system, or brings it back.
func (s *Service) archive(ctx context.Context, tx *postgres.Tx, a Actor, row *query.System, archived *bool) error {
	if archived == nil || *archived == (row.ArchivedAt != nil) {
		return nil
	}
	row.ArchivedAt = nil
	if !*archived {
		return nil
	}
	now := s.cfg.Now()
	row.ArchivedAt = &now
	open, err := tx.OpenAnalysesOfSystem(ctx, row.ID)
	if err != nil {
		return err
	}
	for _, id := range open {
		if err := s.cancel(ctx, tx, row.ID, id, "the system was archived"); err != nil {
			return err
		}
	}
	return nil
}

// ArchiveSystem takes a system out of lists; nothing more is done on it. Scope
// write.
func (s *Service) ArchiveSystem(ctx context.Context, a Actor, id uuid.UUID) error {
	yes := true
	_, err := s.UpdateSystem(ctx, a, id, resource.SystemEdit{Archived: &yes}, 0)
	return err
}
