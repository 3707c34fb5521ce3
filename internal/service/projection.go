package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// project makes the threats of a model the system's rows, for lists and search. A
// row whose content is the same stays as it is, with its version.
func project(ctx context.Context, tx *postgres.Tx, system uuid.UUID, m *threatmodel.Model) error {
	params := make([]query.PutThreatParams, len(m.Threats))
	kept := make([]string, len(m.Threats))
	for i := range m.Threats {
		var err error
		if params[i], err = threatRow(system, m, &m.Threats[i]); err != nil {
			return err
		}
		kept[i] = m.Threats[i].ID
	}
	if err := putThreats(ctx, tx, params); err != nil {
		return err
	}
	return tx.DeleteThreatsBut(ctx, system, kept)
}

func putThreats(ctx context.Context, tx *postgres.Tx, params []query.PutThreatParams) error {
	// One order for all, so that no two transactions lock each other.
	slices.SortFunc(params, func(a, b query.PutThreatParams) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	var failed error
	tx.PutThreat(ctx, params).Exec(func(_ int, err error) {
		if failed == nil {
			failed = err
		}
	})
	if failed != nil {
		return fmt.Errorf("listing the threats: %w", failed)
	}
	return nil
}

func threatRow(system uuid.UUID, m *threatmodel.Model, t *threatmodel.Threat) (query.PutThreatParams, error) {
	content, err := json.Marshal(t)
	if err != nil {
		return query.PutThreatParams{}, fmt.Errorf("listing the threat %s: %w", t.ID, err)
	}
	p := query.PutThreatParams{
		SystemID: system, ID: t.ID, Title: postgres.StorableText(t.Title), Statement: postgres.StorableText(t.Statement),
		STRIDE: []string{}, CWE: []int32{}, Controls: []string{}, Verdicts: []string{},
		Risk: string(t.Risk), RiskRank: int16(max(0, slices.Index(threatmodel.Levels(), t.Risk))),
		Likelihood: int16(t.Likelihood.Value), Impact: int16(t.Impact.Value), Status: string(t.Status), Open: t.IsOpen(), ReviewDue: t.ReviewDue != nil,
		Source: t.Source, Due: t.Due, Content: postgres.Storable(content),
	}
	if len(t.Elements) > 0 {
		p.Element = t.Elements[0]
		if e := m.Element(t.Elements[0]); e != nil {
			p.Element = postgres.StorableText(e.Name)
		}
	}
	for _, s := range t.STRIDE {
		p.STRIDE = append(p.STRIDE, string(s))
	}
	for _, n := range t.CWE {
		p.CWE = append(p.CWE, int32(n))
	}
	for _, c := range t.Controls {
		p.Controls, p.Verdicts = append(p.Controls, c.Catalog+":"+c.ID), append(p.Verdicts, string(c.Verdict))
	}
	if t.ReviewDue != nil {
		p.ReviewCause = t.ReviewDue.Cause
	}
	if t.Owner != nil {
		p.Owner = *t.Owner
	}
	if d := reconcile.Standing(t.Decisions); d != nil && d.Action == threatmodel.ActionAccept {
		p.Until = d.Until
	}
	return p, nil
}

// threatOf is a row as callers see it.
func threatOf(r query.ThreatRowRow) (resource.Threat, error) {
	t := resource.Threat{System: identifier.String(identifier.System, r.SystemID), Version: r.Version, UpdatedAt: r.UpdatedAt.UTC()}
	if err := json.Unmarshal(r.Content, &t.Threat); err != nil {
		return t, fmt.Errorf("reading the threat %s: %w", r.ID, err)
	}
	return t, nil
}
