package service

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/compare"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Causes of a version of a model.
const (
	causeAnalysis = "analysis"
	causeDecision = "decision"
	causeEdit     = "edit"
	causeImport   = "import"
	causeExpiry   = "expiry"
)

// ModelJSON is a model as model.json holds it, byte for byte: what the digest of a
// version is of.
func ModelJSON(m *threatmodel.Model) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("writing a model: %w", err)
	}
	return b.Bytes(), nil
}

// version says why a model gets a new version.
type version struct {
	cause    string
	analysis *uuid.UUID
}

// newVersion makes a model the current one of a system, whose row the caller has
// locked.
func (s *Service) newVersion(ctx context.Context, tx *postgres.Tx, a Actor, system query.System, m *threatmodel.Model, v version) (query.ModelVersion, error) {
	raw, err := ModelJSON(m)
	if err != nil {
		return query.ModelVersion{}, err
	}
	row, err := putVersion(ctx, tx, a, system, v, postgres.CutModel(raw), nil, len(m.Questions))
	if err != nil {
		return row, err
	}
	return row, project(ctx, tx, system.ID, m)
}

// putVersion makes a text the current model of a system. Where the text before is
// given, what differs is stored.
func putVersion(
	ctx context.Context, tx *postgres.Tx, a Actor, system query.System, v version, text, before *postgres.ModelText, questions int,
) (query.ModelVersion, error) {
	row, err := tx.PutModelText(ctx, query.InsertModelVersionParams{
		SystemID: system.ID, Number: system.CurrentVersion + 1, Cause: v.cause, AnalysisID: v.analysis, CreatedBy: a.Name,
	}, text, before)
	if err != nil {
		return row, err
	}
	return row, tx.SetCurrentModel(ctx, query.SetCurrentModelParams{Number: row.Number, Questions: int32(questions), ID: system.ID})
}

// loadModel is a version of a model; nil for version 0.
func loadModel(ctx context.Context, tx *postgres.Tx, system uuid.UUID, number int64) (*threatmodel.Model, query.ModelVersion, error) {
	if number == 0 {
		return nil, query.ModelVersion{}, nil
	}
	text, row, err := tx.ModelText(ctx, system, number)
	if err != nil {
		return nil, row, missing(err, "version of the model")
	}
	m := &threatmodel.Model{}
	if err := json.Unmarshal(text.Bytes(), m); err != nil {
		return nil, row, fmt.Errorf("reading a model: %w", err)
	}
	return m, row, nil
}

func versionOf(r query.ModelVersion) resource.ModelVersion {
	v := resource.ModelVersion{Number: r.Number, Cause: r.Cause, SHA256: hex.EncodeToString(r.Digest), CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy}
	if r.AnalysisID != nil {
		v.Analysis = identifier.String(identifier.Analysis, *r.AnalysisID)
	}
	return v
}

// modelAt is a version of a system's model, 0 the current one.
func modelAt(ctx context.Context, tx *postgres.Tx, system uuid.UUID, number int64) (*threatmodel.Model, query.ModelVersion, error) {
	row, err := tx.Queries.System(ctx, system)
	if err != nil {
		return nil, query.ModelVersion{}, missing(err, "system")
	}
	if number == 0 {
		number = row.CurrentVersion
	}
	if number < 1 {
		return nil, query.ModelVersion{}, notFound("model: the system was not analysed yet")
	}
	return loadModel(ctx, tx, system, number)
}

// Model is a version of a system's model, 0 the current one, with the digest
// (SHA-256 in hexadecimal) of its JSON; see [ModelJSON]. Scope read.
func (s *Service) Model(ctx context.Context, a Actor, system uuid.UUID, number int64) (*threatmodel.Model, resource.ModelVersion, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return nil, resource.ModelVersion{}, err
	}
	var m *threatmodel.Model
	var row query.ModelVersion
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		m, row, err = modelAt(ctx, tx, system, number)
		return err
	})
	return m, versionOf(row), err
}

// ModelVersions lists the versions of a system's model, newest first. Scope read.
func (s *Service) ModelVersions(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.ModelVersion], error) {
	p, err := readPage(list)
	if err := together(a.mustFor(resource.ScopeRead, system), err); err != nil {
		return resource.Page[resource.ModelVersion]{}, err
	}
	var rows []query.ModelVersionsRow
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		rows, err = tx.Queries.ModelVersions(ctx, query.ModelVersionsParams{SystemID: system, Before: p.beforeNumber(), MaxRows: p.rows()})
		return err
	})
	item := func(r query.ModelVersionsRow) resource.ModelVersion {
		return versionOf(query.ModelVersion{Number: r.Number, Cause: r.Cause, AnalysisID: r.AnalysisID, Digest: r.Digest, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy})
	}
	return pageOf(p, rows, item, func(r query.ModelVersionsRow) cursor { return cursor{Number: r.Number} }), err
}

// Changes tells how one version of the model differs from a later one; 0 stands
// for the version before the later one, and for the newest. Scope read.
func (s *Service) Changes(ctx context.Context, a Actor, system uuid.UUID, from, to int64) (*threatmodel.Changes, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return nil, err
	}
	var older, newer *threatmodel.Model
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		var row query.ModelVersion
		var err error
		if newer, row, err = modelAt(ctx, tx, system, to); err != nil {
			return err
		}
		if from == 0 {
			from = row.Number - 1
		}
		switch {
		case from == 0:
			older = &threatmodel.Model{}
			return nil
		case from < 0 || from > row.Number:
			return invalid("from", "version %d is not before version %d", from, row.Number)
		}
		older, _, err = modelAt(ctx, tx, system, from)
		return err
	})
	if err != nil {
		return nil, err
	}
	return compare.Models(older, newer), nil
}

// Bundle is a version of the model, 0 the current one, with all decisions and the
// extracted texts of the documents that it cites, as the command line keeps them
// in a folder. A text that was purged is missing. Scope read.
func (s *Service) Bundle(ctx context.Context, a Actor, system uuid.UUID, number int64) (resource.Bundle, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return resource.Bundle{}, err
	}
	out := resource.Bundle{Texts: []resource.Text{}}
	var sources []query.SourcesByHashRow
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		m, row, err := modelAt(ctx, tx, system, number)
		if err != nil {
			return err
		}
		out.Model, out.Version = m, row.Number
		if out.Decisions, err = decisionsOf(ctx, tx, system); err != nil {
			return err
		}
		var hashes []string
		for _, d := range m.Documents {
			hashes = append(hashes, d.SHA256)
		}
		sources, err = tx.SourcesByHash(ctx, system, hashes)
		return err
	})
	if err != nil {
		return out, err
	}
	for _, d := range out.Model.Documents {
		text, ok, err := textAmong(sources, d)
		if err != nil {
			return out, err
		}
		if ok && d.Text != "" {
			out.Texts = append(out.Texts, resource.Text{Document: d.ID, Path: "documents/" + d.Text, Text: text})
		}
	}
	if c := analyze.ContextText(out.Model.Context); c != "" {
		out.Texts = append(out.Texts, resource.Text{Document: analyze.ContextDocument, Path: "documents/" + analyze.ContextDocument + ".txt", Text: c})
	}
	return out, nil
}

// textAmong is the text of a document that was read from the same bytes, under
// the same name where that is kept.
func textAmong(sources []query.SourcesByHashRow, d threatmodel.Document) (string, bool, error) {
	same := func(name bool) func(query.SourcesByHashRow) bool {
		return func(s query.SourcesByHashRow) bool { return s.SHA256 == d.SHA256 && (!name || s.Name == d.Name) }
	}
	i := slices.IndexFunc(sources, same(true))
	if i < 0 {
		i = slices.IndexFunc(sources, same(false))
	}
	if i < 0 {
		return "", false, nil
	}
	doc, err := unpackSource(sources[i].Content)
	if err != nil {
		return "", false, err
	}
	text, err := textOf(&doc)
	return text, true, err
}

// Decisions are all decisions on a system's threats, in their order, as
// decisions.yaml holds them. Scope read.
func (s *Service) Decisions(ctx context.Context, a Actor, system uuid.UUID) ([]threatmodel.Decision, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return nil, err
	}
	var out []threatmodel.Decision
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		var err error
		out, err = decisionsOf(ctx, tx, system)
		return err
	})
	return out, err
}
