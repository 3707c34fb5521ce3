package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// finishPatience is how long the database may be away when a run has ended.
const finishPatience = 2 * time.Minute

// result is a model with what it was made from.
type result struct {
	material *material
	model    *threatmodel.Model
}

// finish ends the round in one transaction, under the lease: once, and whole. More
// is true where another round was requested meanwhile.
func (r *round) finish(ctx context.Context, e ended, res *result) (more bool, err error) {
	e.analysis = r.analysis.ID
	if r.gate != nil {
		e.used, _ = r.gate.take()
	}
	err = postgres.Patiently(ctx, finishPatience, func() error {
		return r.service.db.Tenant(ctx, r.actor.Organization, func(tx *postgres.Tx) error {
			work, err := r.lock(ctx, tx)
			if err != nil {
				return err
			}
			if work.Done >= r.generation {
				return nil // an earlier try counted, whose answer was lost
			}
			e := e
			if res != nil {
				if err := r.put(ctx, tx, res, &e); err != nil {
					return err
				}
			}
			if err := tx.EndWork(ctx, r.generation, r.system); err != nil {
				return err
			}
			if err := r.service.end(ctx, tx, e); err != nil {
				return err
			}
			more = work.Requested > r.generation
			return tx.Audit(r.actor.Name, "analysis."+string(e.state), identifier.String(identifier.Analysis, e.analysis), map[string]any{
				"system": identifier.String(identifier.System, r.system), "model_version": e.version, "message": e.message,
				"changes": e.impact.Changes, "review": e.impact.Review,
			})
		})
	})
	switch {
	case errors.Is(err, errMoved):
		r.gate.giveBack(e.used)
	case err == nil:
		took := time.Duration(0)
		if r.state.StartedAt != nil {
			took = r.service.cfg.Now().Sub(*r.state.StartedAt)
		}
		state := e.state
		if state == "" {
			state = resource.AnalysisDone
		}
		r.service.cfg.Meter.AnalysisEnded(string(state), took)
	}
	return more, err
}

// put makes the run's model the current one.
func (r *round) put(ctx context.Context, tx *postgres.Tx, res *result, e *ended) error {
	system, err := tx.SystemForUpdate(ctx, r.system)
	if err != nil {
		return missing(err, "system")
	}
	m := res.model
	e.state, e.message = resource.AnalysisDone, ""
	if m.Analysis.Incomplete != "" {
		e.state, e.message = resource.AnalysisIncomplete, m.Analysis.Incomplete
	}
	current, _, err := loadModel(ctx, tx, r.system, system.CurrentVersion)
	if err != nil {
		return err
	}
	if system.CurrentVersion != res.material.system.CurrentVersion {
		if foreign(res.material.baseline, current) {
			return errMoved
		}
		takeOver(m, current)
	}
	if !r.analysis.Fresh && sameAnalysis(current, m) {
		e.version = system.CurrentVersion
		return nil
	}
	decisions, err := decisionsOf(ctx, tx, r.system)
	if err != nil {
		return err
	}
	decision.Apply(m, decisions, r.service.cfg.Now())
	e.impact = impactOf(m)
	v, err := r.service.newVersion(ctx, tx, r.actor, system, m, version{cause: causeAnalysis, analysis: &r.analysis.ID})
	e.version = v.Number
	return err
}

// foreign reports whether a model holds what an analysis of its baseline cannot
// know: another analysis, or threats that a person added.
func foreign(baseline, current *threatmodel.Model) bool {
	if baseline == nil || current == nil || baseline.Analysis.ID != current.Analysis.ID {
		return true
	}
	for i := range current.Threats {
		if baseline.Threat(current.Threats[i].ID) == nil {
			return true
		}
	}
	return false
}

// takeOver gives threats what people said of them while the analysis ran. It is
// theirs alone: no analysis sets it.
func takeOver(m, current *threatmodel.Model) {
	for i := range m.Threats {
		t := &m.Threats[i]
		c := current.Threat(t.ID)
		if c == nil {
			continue
		}
		t.Owner, t.Treatment, t.Due, t.Residual, t.Ticket = c.Owner, c.Treatment, c.Due, c.Residual, c.Ticket
		if c.Wording == threatmodel.WordingPerson {
			t.Title, t.Statement, t.Wording = c.Title, c.Statement, c.Wording
		}
	}
}

// impactOf counts what a model changed against its baseline.
func impactOf(m *threatmodel.Model) impact {
	out := impact{Changes: map[string]int{}}
	if m.Changes == nil {
		for i := range m.Threats {
			if m.Threats[i].Live() {
				out.Changes[string(threatmodel.ThreatAdded)]++
			}
		}
		return out
	}
	for _, c := range m.Changes.Threats {
		out.Changes[string(c.Kind)]++
		if c.Review {
			out.Review = append(out.Review, c.Threat)
		}
	}
	return out
}

// nameTexts names the files that hold the texts of a model's documents.
func nameTexts(m *threatmodel.Model, documents []threatmodel.Source) {
	texts := report.Texts{}
	for i := range documents {
		texts[documents[i].ID] = ""
	}
	report.NameTexts(m, texts)
}

// textOf is the text of a document as `bartizan extract --format text` prints it.
func textOf(doc *threatmodel.Source) (string, error) {
	var b strings.Builder
	err := extract.Format(&b, *doc, "text")
	return b.String(), err
}
