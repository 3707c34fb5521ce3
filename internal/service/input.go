package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// material is what an analysis of a system is made from, as it is now.
type material struct {
	system   query.System
	settings resource.Settings
	// documents are the current ones that could be read, unread the messages
	// about those that could not.
	documents []threatmodel.Source
	unread    []string
	context   *threatmodel.Context
	catalogs  []*catalog.Catalog
	// baseline is nil before the first model.
	baseline  *threatmodel.Model
	decisions []threatmodel.Decision
}

// material loads what an analysis is made from. What changes while it is loaded
// asks for another analysis.
func (s *Service) material(ctx context.Context, a Actor, system uuid.UUID) (*material, error) {
	m := &material{}
	var sources []query.CurrentSourcesRow
	var own []query.Catalog
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if m.system, err = tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		if m.settings, err = settings(ctx, tx); err != nil {
			return err
		}
		if sources, err = tx.CurrentSources(ctx, system); err != nil {
			return err
		}
		if own, err = tx.Queries.Catalogs(ctx); err != nil {
			return err
		}
		if m.baseline, _, err = loadModel(ctx, tx, system, m.system.CurrentVersion); err != nil {
			return err
		}
		if m.decisions, err = decisionsOf(ctx, tx, system); err != nil {
			return err
		}
		if m.unread, err = unread(ctx, tx, system); err != nil {
			return err
		}
		m.context, err = contextOf(ctx, tx, m.system)
		return err
	})
	if err != nil {
		return nil, err
	}
	if m.documents, err = unpackSources(sources); err != nil {
		return nil, err
	}
	m.catalogs, err = openCatalogs(m.system.Catalogs, own)
	return m, err
}

// unread are the messages about documents that could not be read, as the command
// line words them.
func unread(ctx context.Context, tx *postgres.Tx, system uuid.UUID) ([]string, error) {
	rows, err := tx.FailedIngestions(ctx, system)
	var out []string
	for _, r := range rows {
		for _, line := range strings.Split(r.Error, "\n") {
			out = append(out, "not read: "+line)
		}
	}
	return out, err
}

// unpackSources reads what was read of documents. Names and ids are unique within
// one revision; where two revisions share one, the later is numbered.
func unpackSources(rows []query.CurrentSourcesRow) ([]threatmodel.Source, error) {
	var names extract.Namer
	out := make([]threatmodel.Source, len(rows))
	for i, r := range rows {
		doc, err := unpackSource(r.Content)
		if err != nil {
			return nil, err
		}
		rename(&doc, &names)
		out[i] = doc
	}
	return out, nil
}

// rename gives a document a name and id that none before it has.
func rename(doc *threatmodel.Source, names *extract.Namer) {
	before := doc.ID
	doc.Name = names.Unique(doc.Name)
	if doc.ID = names.ID(doc.Name); doc.ID == before {
		return
	}
	for i := range doc.Notices {
		n := &doc.Notices[i]
		n.Document = doc.ID
		for j := range n.Evidence {
			n.Evidence[j].Document = doc.ID
		}
	}
}

// contextOf is what people state about a system: its context, and their answers
// to questions.
func contextOf(ctx context.Context, tx *postgres.Tx, system query.System) (*threatmodel.Context, error) {
	c, err := statedContext(system)
	if err != nil {
		return nil, err
	}
	answers, err := tx.NewestAnswers(ctx, system.ID)
	if err != nil || len(answers) == 0 {
		return c, err
	}
	if c == nil {
		c = &threatmodel.Context{}
	}
	slices.SortFunc(answers, func(a, b query.Answer) int { return a.At.Compare(b.At) })
	for _, x := range answers {
		c.Assumptions = append(c.Assumptions, assumption(x.Question, x.Answer))
	}
	return c, nil
}

// assumption is an answered question as a line of context: the question first,
// for the answer may be no more than a yes.
func assumption(question, answer string) string {
	return passage.Fold(question) + " " + passage.Fold(answer)
}

func decisionsOf(ctx context.Context, tx *postgres.Tx, system uuid.UUID) ([]threatmodel.Decision, error) {
	rows, err := tx.DecisionsOfSystem(ctx, system)
	if err != nil {
		return nil, err
	}
	return readDecisions(rows)
}

func readDecisions(rows []json.RawMessage) ([]threatmodel.Decision, error) {
	out := []threatmodel.Decision{} // not nil: the rows are the truth, not the copies in a model
	for _, raw := range rows {
		var d threatmodel.Decision
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("reading a decision: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// openCatalogs opens the catalogs in use: those that come with the program, and
// the organization's own.
func openCatalogs(ids []string, own []query.Catalog) ([]*catalog.Catalog, error) {
	var out []*catalog.Catalog
	for _, id := range ids {
		c, err := openCatalog(id, own)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func openCatalog(id string, own []query.Catalog) (*catalog.Catalog, error) {
	if slices.Contains(catalog.IDs(), id) {
		return catalog.Open(id)
	}
	i := slices.IndexFunc(own, func(c query.Catalog) bool { return c.ID == id })
	if i < 0 {
		return nil, &Error{Kind: KindConflict, Message: fmt.Sprintf("the system uses the catalog %s, which is no more: choose another", id)}
	}
	c, err := catalog.Parse(id+".yaml", []byte(own[i].Content))
	if err != nil {
		return nil, fmt.Errorf("reading the catalog %s: %w", id, err)
	}
	return c, nil
}

// input is the material as the stages take it.
func (m *material) input(fresh bool) analyze.Input {
	return analyze.Input{
		System: m.system.Name, Documents: m.documents, Context: m.context, Catalogs: m.catalogs,
		Baseline: m.baseline, Decisions: m.decisions, Fresh: fresh,
	}
}

// analyst is who works on the system: as it says, else as its organization
// does, else both where there is a model.
func (m *material) analyst(server Model) string {
	switch {
	case m.system.Analyst != "":
		return m.system.Analyst
	case m.settings.Analyst != "":
		return m.settings.Analyst
	case server.Configured():
		return analystBoth
	}
	return analystBuiltin
}

// Analysts.
const (
	analystLLM     = "llm"
	analystBuiltin = "builtin"
	analystBoth    = "both"
)

// model is the language model that is asked.
func (m *material) model(server Model) string { return or(m.settings.Model, server.Name) }

// prices are the system's before the organization's.
func (m *material) prices() []threatmodel.Price {
	if m.context == nil {
		return m.settings.Prices
	}
	return append(slices.Clone(m.context.Prices), m.settings.Prices...)
}

// allowed is nil where text of the system may go to an endpoint: by the
// organization's list and by the system's own.
func (m *material) allowed(endpoint string) error {
	listed := [][]threatmodel.Endpoint{m.settings.Endpoints}
	if m.context != nil {
		listed = append(listed, m.context.Endpoints)
	}
	for _, l := range listed {
		if !llm.Allows(l, m.system.Classification, endpoint) {
			class := or(m.system.Classification, "restricted, as none is given")
			return fmt.Errorf("documents classified %s may not go to %s: add it to the endpoints of the organization or the system, lower the classification, or choose the built-in analyst", class, llm.Host(endpoint))
		}
	}
	return nil
}

var errNoDocuments = errors.New("the system has no document that could be read")
