package service

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/compare"
	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Import takes a model and decisions of the command line into a system that has no
// model, or on top of the model that it was made from. Ids of threats stay. Scope
// write; with decisions that the system does not have, decide too.
func (s *Service) Import(ctx context.Context, a Actor, system uuid.UUID, in resource.Import) (resource.ModelVersion, error) {
	if err := a.mustFor(resource.ScopeWrite, system); err != nil {
		return resource.ModelVersion{}, err
	}
	if err := checkModel(in.Model); err != nil {
		return resource.ModelVersion{}, err
	}
	var out resource.ModelVersion
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.SystemForUpdate(ctx, system)
		if err != nil {
			return missing(err, "system")
		}
		if row.ArchivedAt != nil {
			return conflict("the system is archived: bring it back first")
		}
		if err := onTop(ctx, tx, row, in.Model); err != nil {
			return err
		}
		taken, err := importDecisions(ctx, tx, a, system, in)
		if err != nil {
			return err
		}
		all, err := decisionsOf(ctx, tx, system)
		if err != nil {
			return err
		}
		decision.Apply(in.Model, all, s.cfg.Now())
		v, err := s.newVersion(ctx, tx, a, row, in.Model, version{cause: causeImport})
		if err != nil {
			return err
		}
		out = versionOf(v)
		return tx.Audit(a.Name, "model.import", identifier.String(identifier.System, system), map[string]any{
			"version": v.Number, "sha256": out.SHA256, "analysis": in.Model.Analysis.ID, "threats": len(in.Model.Threats), "decisions": taken,
		})
	})
	return out, err
}

var threatID = regexp.MustCompile(`^T-[0-9A-HJKMNP-TV-Z]{6,12}$`)

// checkModel tells what is wrong with a model that somebody sends.
func checkModel(m *threatmodel.Model) error {
	if m == nil || m.SchemaVersion == "" {
		return invalid("/model", "it is no threat model: give a model.json that `bartizan analyze` wrote")
	}
	major, _, _ := strings.Cut(m.SchemaVersion, ".")
	if ours, _, _ := strings.Cut(threatmodel.SchemaVersion, "."); major != ours {
		return invalid("/model/schema_version", "it is %s and the server reads %s: analyse again with a release that fits", m.SchemaVersion, threatmodel.SchemaVersion)
	}
	faults := []error{unless(m.Analysis.ID != "", invalid("/model/analysis/id", "a model has the id of the analysis that made it"))}
	seen := map[string]bool{}
	for i := range m.Threats {
		t := &m.Threats[i]
		pointer := fmt.Sprintf("/model/threats/%d", i)
		faults = append(faults,
			unless(threatID.MatchString(t.ID), invalid(pointer+"/id", "%q is no id of a threat", t.ID)),
			unless(!seen[t.ID], invalid(pointer+"/id", "there are two threats %s", t.ID)),
			unless(t.Title != "", invalid(pointer+"/title", "the threat has no title")),
			unless(t.Statement != "", invalid(pointer+"/statement", "the threat has no statement")),
			unless(slices.Contains(threatmodel.Levels(), t.Risk), invalid(pointer+"/risk", "%q is no level of risk", t.Risk)))
		seen[t.ID] = true
	}
	return few(together(faults...))
}

// onTop refuses a model that does not continue the current one: the ids of two
// unrelated models mean nothing to each other.
func onTop(ctx context.Context, tx *postgres.Tx, row query.System, m *threatmodel.Model) error {
	current, _, err := loadModel(ctx, tx, row.ID, row.CurrentVersion)
	if err != nil || current == nil {
		return err
	}
	if !compare.Related(current, m) {
		return conflict("the system has a model, and this one was not made from it: pull the system's model and use it as the baseline, or import into a system without one")
	}
	return nil
}

// importDecisions keeps the decisions that the system does not have, and tells how
// many these are.
func importDecisions(ctx context.Context, tx *postgres.Tx, a Actor, system uuid.UUID, in resource.Import) (int, error) {
	known, err := decisionsOf(ctx, tx, system)
	if err != nil {
		return 0, err
	}
	n := 0
	for i, d := range append(slices.Clone(in.Decisions), decision.Copies(in.Model)...) {
		if reconcile.Recorded(d, known) {
			continue
		}
		if err := decision.Check(&d); err != nil {
			return n, invalid(fmt.Sprintf("/decisions/%d", i), "%v", err)
		}
		if !a.Can(resource.ScopeDecide) {
			return n, &Error{Kind: KindForbidden, Message: "the import holds decisions: this needs the scope decide, and a role that has it"}
		}
		if err := putDecision(ctx, tx, Actor{}, system, d, resource.Decision{}); err != nil {
			return n, err
		}
		known = append(known, d)
		n++
	}
	return n, nil
}
