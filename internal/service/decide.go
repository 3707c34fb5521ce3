package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// change is a person's change of a system's current model.
type change struct {
	system query.System
	model  *threatmodel.Model
	// row is the threat that is changed; zero for a new one.
	row query.ThreatRowRow
	// text is the JSON of the current model, where model holds the changed threat
	// and those that it depends on alone: a large model is not read for one.
	text *postgres.ModelText
}

// changing locks a system and loads its current model, for a change of more than one
// threat.
func changing(ctx context.Context, tx *postgres.Tx, system uuid.UUID) (*change, error) {
	c, err := lockChange(ctx, tx, system)
	if err != nil {
		return nil, err
	}
	c.model, _, err = loadModel(ctx, tx, system, c.system.CurrentVersion)
	return c, err
}

// lockChange locks a system that has a model to change.
func lockChange(ctx context.Context, tx *postgres.Tx, system uuid.UUID) (*change, error) {
	c := &change{}
	var err error
	if c.system, err = tx.SystemForUpdate(ctx, system); err != nil {
		return nil, missing(err, "system")
	}
	switch {
	case c.system.ArchivedAt != nil:
		return nil, conflict("the system is archived: bring it back first")
	case c.system.CurrentVersion == 0:
		return nil, conflict("the system was not analysed yet: there is no model to change")
	}
	return c, nil
}

// changingThreat locks a system and loads one threat of its current model; If-Match is
// the threat's version.
func changingThreat(ctx context.Context, tx *postgres.Tx, system uuid.UUID, threat string, ifMatch int64) (*change, error) {
	c, err := lockChange(ctx, tx, system)
	if err != nil {
		return nil, err
	}
	if c.row, err = tx.ThreatRow(ctx, system, threat); err != nil {
		return nil, missing(err, "threat")
	}
	if err := matches(ifMatch, c.row.Version, "threat"); err != nil {
		return nil, err
	}
	if c.text, _, err = tx.ModelText(ctx, system, c.system.CurrentVersion); err != nil {
		return nil, missing(err, "model")
	}
	c.model = &threatmodel.Model{}
	if err := c.add(threat); err != nil {
		return nil, err
	}
	if of := c.model.Threats[0].DuplicateOf; of != "" && c.text.Item(of) != nil {
		return c, c.add(of)
	}
	return c, nil
}

// add reads a threat out of the text into the model.
func (c *change) add(id string) error {
	var t threatmodel.Threat
	if err := json.Unmarshal(c.text.Item(id), &t); err != nil {
		return fmt.Errorf("reading the threat %s of the model: %w", id, err)
	}
	c.model.Threats = append(c.model.Threats, t)
	return nil
}

// whole reads all of the model, for a decision that names other threats as people
// type them.
func (c *change) whole() error {
	c.model = &threatmodel.Model{}
	return json.Unmarshal(c.text.Bytes(), c.model)
}

// settle applies all decisions, makes the model the current one, and gives the
// threat as it reads then.
func (s *Service) settle(ctx context.Context, tx *postgres.Tx, a Actor, c *change, threat, cause string) (resource.Threat, error) {
	decisions, err := decisionsOf(ctx, tx, c.system.ID)
	if err != nil {
		return resource.Threat{}, err
	}
	decision.Apply(c.model, decisions, s.cfg.Now())
	if _, err := s.newVersion(ctx, tx, a, c.system, c.model, version{cause: cause}); err != nil {
		return resource.Threat{}, err
	}
	return readThreat(ctx, tx, c.system.ID, threat)
}

// settleThreat applies the decisions on the changed threat, and makes a version that
// differs in it alone. The others are as their decisions have left them; that an
// acceptance of one has ended meanwhile is for [Service.expire] to find, and to tell.
func (s *Service) settleThreat(ctx context.Context, tx *postgres.Tx, a Actor, c *change, cause string) (resource.Threat, error) {
	rows, err := tx.DecisionsOfThreat(ctx, c.system.ID, c.row.ID)
	if err != nil {
		return resource.Threat{}, err
	}
	decisions, err := readDecisions(rows)
	if err != nil {
		return resource.Threat{}, err
	}
	decision.Apply(c.model, decisions, s.cfg.Now())
	t := c.model.Threat(c.row.ID)
	text, err := c.text.Replace(t.ID, t)
	if err != nil {
		return resource.Threat{}, err
	}
	if _, err := putVersion(ctx, tx, a, c.system, version{cause: cause}, text, c.text, int(c.system.Questions)); err != nil {
		return resource.Threat{}, err
	}
	row, err := threatRow(c.system.ID, c.model, t)
	if err != nil {
		return resource.Threat{}, err
	}
	row.Element = c.row.Element // the name, which the model that was read does not have
	if err := putThreats(ctx, tx, []query.PutThreatParams{row}); err != nil {
		return resource.Threat{}, err
	}
	return readThreat(ctx, tx, c.system.ID, t.ID)
}

func readThreat(ctx context.Context, tx *postgres.Tx, system uuid.UUID, threat string) (resource.Threat, error) {
	row, err := tx.ThreatRow(ctx, system, threat)
	if err != nil {
		return resource.Threat{}, missing(err, "threat")
	}
	return threatOf(row)
}

// Decide records a decision, bound to the evidence that the threat rests on now.
// Scope decide.
func (s *Service) Decide(ctx context.Context, a Actor, system uuid.UUID, id string, in resource.Decision, ifMatch int64) (resource.Threat, error) {
	if err := a.mustFor(resource.ScopeDecide, system); err != nil {
		return resource.Threat{}, err
	}
	if err := checkDecision(in, s.cfg.Now()); err != nil {
		return resource.Threat{}, err
	}
	var out resource.Threat
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		c, err := changingThreat(ctx, tx, system, id, ifMatch)
		if err != nil {
			return err
		}
		if in.Of != "" {
			if err := c.whole(); err != nil {
				return err
			}
		}
		d, err := decision.New(c.model, id, in.Action, decision.Details{
			Reason: in.Reason, By: a.Name, At: s.cfg.Now(), Until: in.Until, Of: in.Of, Likelihood: in.Likelihood, Impact: in.Impact,
		})
		if err != nil {
			return invalid("", "%v", err)
		}
		if err := putDecision(ctx, tx, a, system, d, in); err != nil {
			return err
		}
		assign(c.model.Threat(d.Threat), in)
		if out, err = s.settleThreat(ctx, tx, a, c, causeDecision); err != nil {
			return err
		}
		if err := s.publish(ctx, tx, eventThreatDecided, out); err != nil {
			return err
		}
		return tx.Audit(a.Name, "threat."+string(d.Action), threatObject(system, d.Threat), map[string]any{"decision": d, "details": detailsOf(in)})
	})
	return out, err
}

// checkDecision tells all that is wrong with the fields of a decision, where
// [decision.Check], which has the last word, tells the first.
func checkDecision(in resource.Decision, now time.Time) error {
	needsReason := slices.Contains([]threatmodel.Action{threatmodel.ActionAccept, threatmodel.ActionReject, threatmodel.ActionMitigate, threatmodel.ActionResolve}, in.Action)
	accepts, rerates, duplicates := in.Action == threatmodel.ActionAccept, in.Action == threatmodel.ActionRerate, in.Action == threatmodel.ActionDuplicate
	score := func(pointer string, n int) error {
		if rerates {
			return checkRating(pointer, n)
		}
		return unless(n == 0, invalid(pointer, "it goes with rerate only"))
	}
	return together(
		unless(slices.Contains(threatmodel.Actions(), in.Action), invalid("/action", "%q is no action", in.Action)),
		unless(!needsReason || strings.TrimSpace(in.Reason) != "", invalid("/reason", "%s needs a reason", in.Action)),
		unless(in.Until == nil || accepts, invalid("/until", "it goes with accept only")),
		unless(in.Until == nil || !in.Until.Before(now.UTC().Truncate(time.Second)), invalid("/until", "it lies in the past")),
		unless(in.Of == "" || duplicates, invalid("/of", "it goes with duplicate only")),
		unless(in.Of != "" || !duplicates, invalid("/of", "duplicate needs the threat that it stands for")),
		score("/likelihood", in.Likelihood), score("/impact", in.Impact),
	)
}

// threatObject names a threat in the audit trail.
func threatObject(system uuid.UUID, id string) string {
	return identifier.String(identifier.System, system) + "/" + id
}

// details are what a person says with a decision and the decision itself does not
// hold.
type details struct {
	Owner   string `json:"owner,omitempty"`
	Due     any    `json:"due,omitempty"`
	Comment string `json:"comment,omitempty"`
	Ticket  string `json:"ticket,omitempty"`
}

func detailsOf(in resource.Decision) details {
	d := details{Owner: in.Owner, Comment: in.Comment, Ticket: in.Ticket}
	if in.Due != nil {
		d.Due = in.Due
	}
	return d
}

func putDecision(ctx context.Context, tx *postgres.Tx, a Actor, system uuid.UUID, d threatmodel.Decision, in resource.Decision) error {
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	beside, err := json.Marshal(detailsOf(in))
	if err != nil {
		return err
	}
	return tx.InsertDecision(ctx, query.InsertDecisionParams{
		ID: identifier.New(), SystemID: system, ThreatID: d.Threat, Action: string(d.Action), At: d.At, By: d.By, MemberID: a.Member,
		Content: postgres.Storable(content), Details: postgres.Storable(beside),
	})
}

// assign gives a threat who is to see to it, as said with a decision.
func assign(t *threatmodel.Threat, in resource.Decision) {
	if in.Owner != "" {
		t.Owner = &in.Owner
	}
	if in.Due != nil {
		t.Due = utc(in.Due)
	}
	if in.Ticket != "" {
		t.Ticket = in.Ticket
	}
}

// EditThreat changes a person's part of a threat; a person's wording stays in
// later analyses. Scope write.
func (s *Service) EditThreat(ctx context.Context, a Actor, system uuid.UUID, id string, in resource.ThreatEdit, ifMatch int64) (resource.Threat, error) {
	if err := a.mustFor(resource.ScopeWrite, system); err != nil {
		return resource.Threat{}, err
	}
	var out resource.Threat
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		c, err := changingThreat(ctx, tx, system, id, ifMatch)
		if err != nil {
			return err
		}
		t := c.model.Threat(id)
		if t == nil {
			return notFound("threat")
		}
		if err := edit(t, in); err != nil {
			return err
		}
		if out, err = s.settleThreat(ctx, tx, a, c, causeEdit); err != nil {
			return err
		}
		return tx.Audit(a.Name, "threat.edit", threatObject(system, id), in)
	})
	return out, err
}

func edit(t *threatmodel.Threat, in resource.ThreatEdit) error {
	if in.Title != nil || in.Statement != nil {
		if in.Title != nil {
			t.Title = strings.TrimSpace(*in.Title)
		}
		if in.Statement != nil {
			t.Statement = strings.TrimSpace(*in.Statement)
		}
		t.Wording = threatmodel.WordingPerson
	}
	err := together(
		unless(in.Title == nil || t.Title != "", invalid("/title", "it must not be empty")),
		unless(in.Statement == nil || t.Statement != "", invalid("/statement", "it must not be empty")),
		checkTreatment(in.Treatment),
	)
	if err != nil {
		return err
	}
	if in.Owner != nil {
		t.Owner = absent(in.Owner)
	}
	if in.Treatment != nil {
		t.Treatment = absent(in.Treatment)
	}
	if in.Due != nil {
		t.Due = utc(in.Due)
		if t.Due.IsZero() {
			t.Due = nil
		}
	}
	if in.Ticket != nil {
		t.Ticket = strings.TrimSpace(*in.Ticket)
	}
	return nil
}

func checkTreatment(t *string) error {
	known := t == nil || slices.Contains([]string{"modify", "retain", "avoid", "share", ""}, *t)
	return unless(known, invalid("/treatment", "it must be modify, retain, avoid or share"))
}

// absent is nil for an empty text.
func absent(s *string) *string {
	if strings.TrimSpace(*s) == "" {
		return nil
	}
	return s
}
