package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Threats lists the threats of the current models in the actor's reach. Scope
// read.
func (s *Service) Threats(ctx context.Context, a Actor, filter resource.ThreatFilter, list resource.List) (resource.Page[resource.Threat], error) {
	p, err := readPage(list)
	if err := together(a.can(resource.ScopeRead), err); err != nil {
		return resource.Page[resource.Threat]{}, err
	}
	q, err := threatQuery(a, filter)
	if err != nil {
		return resource.Page[resource.Threat]{}, err
	}
	q.Limit = int(p.rows())
	if !p.first {
		if q.After, err = threatCursor(p.cursor, q.Sort); err != nil {
			return resource.Page[resource.Threat]{}, err
		}
	}
	var rows []postgres.ThreatRow
	var found []resource.Threat
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if q.System != uuid.Nil {
			if _, err := tx.Queries.System(ctx, q.System); err != nil {
				return missing(err, "system")
			}
		}
		var err error
		rows, err = tx.Threats(ctx, q)
		return err
	})
	if err != nil {
		return resource.Page[resource.Threat]{}, err
	}
	at := map[string]cursor{}
	for _, r := range rows {
		t, err := threatOf(query.ThreatRowRow{SystemID: r.System, ID: r.ID, Version: r.Version, UpdatedAt: r.UpdatedAt, Content: r.Content})
		if err != nil {
			return resource.Page[resource.Threat]{}, err
		}
		at[t.System+t.ID] = cursorOf(r, q.Sort)
		found = append(found, t)
	}
	return pageOf(p, found, func(t resource.Threat) resource.Threat { return t }, func(t resource.Threat) cursor { return at[t.System+t.ID] }), nil
}

func threatQuery(a Actor, f resource.ThreatFilter) (postgres.ThreatQuery, error) {
	q := postgres.ThreatQuery{
		Status: f.Status, Risk: f.Risk, STRIDE: f.STRIDE, CWE: f.CWE, Control: f.Control, Verdict: f.Verdict, Source: f.Source,
		Owner: f.Owner, Label: f.Label, Words: f.Query, Open: f.Open, ReviewDue: f.ReviewDue,
	}
	if f.System != "" {
		id, err := identifier.Parse(identifier.System, f.System)
		if err != nil {
			return q, invalid("system", "%v", err)
		}
		if err := a.mustFor(resource.ScopeRead, id); err != nil {
			return q, err
		}
		q.System = id
	} else if a.System != nil {
		q.System = *a.System
	}
	sort, reverse := strings.CutPrefix(f.Sort, "-")
	q.Reverse, q.Sort = reverse, postgres.ThreatSort(or(sort, string(postgres.SortRisk)))
	if !slices.Contains([]postgres.ThreatSort{postgres.SortRisk, postgres.SortUpdated, postgres.SortID}, q.Sort) {
		return q, invalid("sort", "it must be risk, updated or id, with a - before it to turn it round")
	}
	return q, nil
}

// cursorOf is where a page ended. The key of the order stands before the id, so
// that a cursor of another order is refused.
func cursorOf(r postgres.ThreatRow, sort postgres.ThreatSort) cursor {
	return cursor{
		Key: string(sort) + " " + r.UpdatedAt.UTC().Format(time.RFC3339Nano) + " " + r.ID, ID: r.System, Number: int64(r.RiskRank),
	}
}

func threatCursor(c cursor, sort postgres.ThreatSort) (*postgres.ThreatCursor, error) {
	parts := strings.SplitN(c.Key, " ", 3)
	if len(parts) != 3 || parts[0] != string(sort) {
		return nil, invalid("cursor", "it is none that this list gave in this order")
	}
	at, err := time.Parse(time.RFC3339Nano, parts[1])
	if err != nil {
		return nil, invalid("cursor", "it is none that this list gave in this order")
	}
	return &postgres.ThreatCursor{RiskRank: int16(c.Number), UpdatedAt: at, System: c.ID, ID: parts[2]}, nil
}

// Threat is one threat by the system and its id in the model. Scope read.
func (s *Service) Threat(ctx context.Context, a Actor, system uuid.UUID, id string) (resource.Threat, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return resource.Threat{}, err
	}
	var out resource.Threat
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		row, err := tx.ThreatRow(ctx, system, id)
		if err != nil {
			return missing(err, "threat")
		}
		out, err = threatOf(row)
		return err
	})
	return out, err
}

// Review lists the threats whose decision is to be looked at again; a nil system
// stands for all in the actor's reach. Scope read.
func (s *Service) Review(ctx context.Context, a Actor, system *uuid.UUID, list resource.List) (resource.Page[resource.Threat], error) {
	due := true
	filter := resource.ThreatFilter{ReviewDue: &due}
	if system != nil {
		filter.System = identifier.String(identifier.System, *system)
	}
	return s.Threats(ctx, a, filter, list)
}

// AddThreat adds a threat that a person found, on a quote of a current document.
// Scope write.
func (s *Service) AddThreat(ctx context.Context, a Actor, system uuid.UUID, in resource.NewThreat) (resource.Threat, error) {
	if err := a.mustFor(resource.ScopeWrite, system); err != nil {
		return resource.Threat{}, err
	}
	m, err := s.material(ctx, a, system)
	if err != nil {
		return resource.Threat{}, err
	}
	var out resource.Threat
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		c, err := changing(ctx, tx, system)
		if err != nil {
			return err
		}
		t, err := personsThreat(c.model, m, in, a.Name)
		if err != nil {
			return err
		}
		c.model.Threats = append(c.model.Threats, t)
		slices.SortStableFunc(c.model.Threats, func(x, y threatmodel.Threat) int { return strings.Compare(x.ID, y.ID) })
		cover(c.model, &t)
		if out, err = s.settle(ctx, tx, a, c, t.ID, causeEdit); err != nil {
			return err
		}
		return tx.Audit(a.Name, "threat.add", threatObject(system, t.ID), in)
	})
	return out, err
}

// cover notes that a threat speaks to its cells of the coverage matrix.
func cover(m *threatmodel.Model, t *threatmodel.Threat) {
	for i := range m.Coverage {
		c := &m.Coverage[i]
		if !slices.Contains(t.Elements, c.Element) || !slices.Contains(t.STRIDE, c.STRIDE) {
			continue
		}
		c.Status, c.Reason = threatmodel.CoverageThreats, ""
		c.Threats = append(c.Threats, t.ID)
		slices.Sort(c.Threats)
	}
}

func checkRating(pointer string, n int) error {
	if n < 1 || n > 5 {
		return invalid(pointer, "it must be 1 to 5")
	}
	return nil
}

func checkSTRIDE(in []threatmodel.STRIDE) error {
	if len(in) == 0 {
		return invalid("/stride", "at least one category is needed")
	}
	var faults []error
	for i, s := range in {
		known := slices.Contains(threatmodel.STRIDECategories(), s)
		faults = append(faults, unless(known, invalid(fmt.Sprintf("/stride/%d", i), "%q is no STRIDE category", s)))
	}
	return together(faults...)
}
