// Package builtin is the analyst that asks nobody: it reads sentence by
// sentence with its own knowledge, the threat patterns and the lexicon of
// package pattern. The same question gives the same answer, on any machine.
//
// It prefers silence to noise: a threat needs a sentence that states the
// weakness. Where a design is merely silent it asks.
package builtin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// engineVersion changes whenever the same knowledge gives other answers.
const engineVersion = "1"

// Analyst is the built-in analyst. It is safe for concurrent use.
type Analyst struct {
	lib     *pattern.Library
	signals *ground.Signals
	read    *reader
	// embedder and the vectors of the patterns, in their order, serve the
	// choice of hints.
	embedder embed.Embedder
	patterns [][]float32
}

// New makes an analyst with the knowledge of a library.
func New(lib *pattern.Library) (*Analyst, error) {
	signals, err := ground.LoadSignals()
	if err != nil {
		return nil, err
	}
	embedder, err := embed.Builtin()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(lib.Patterns()))
	for i, p := range lib.Patterns() {
		texts[i] = p.Title + ". " + fill(p.Statement.Action, nil)
	}
	vectors, err := embedder.Embed(context.Background(), texts)
	if err != nil {
		return nil, fmt.Errorf("embedding the patterns: %w", err)
	}
	return &Analyst{lib: lib, signals: signals, read: newReader(lib), embedder: embedder, patterns: vectors}, nil
}

// Name is builtin.
func (a *Analyst) Name() string { return "builtin" }

// Answers reports whether the analyst has anything to say at a stage: at all
// but chains, which need more than one sentence at a time.
func (a *Analyst) Answers(s threatmodel.Stage) bool {
	switch s {
	case threatmodel.StageBrief, threatmodel.StageSurvey, threatmodel.StageResolve,
		threatmodel.StageElicit, threatmodel.StageChallenge, threatmodel.StageTreat:
		return true
	}
	return false
}

// InputHash covers the question, without former threats and repair, and the
// versions of knowledge and engine.
func (a *Analyst) InputHash(q *analyze.Question) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "builtin %s %s\n", engineVersion, a.lib.Version())
	enc := json.NewEncoder(h)
	parts := []any{q.Stage, q.Subject, q.Brief, q.Context, q.About}
	for i := range q.Passages {
		p := &q.Passages[i]
		var sentences []string
		for _, s := range p.Sentences {
			sentences = append(sentences, s.Text)
		}
		parts = append(parts, p.ID, p.Document, q.Titles[p.Document], p.Kind, p.Locator.HeadingPath, p.Header, sentences)
	}
	for _, p := range parts {
		if err := enc.Encode(p); err != nil {
			return "", fmt.Errorf("hashing the question on %s: %w", q.Subject, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Ask answers one question. A repair turn gives no other answer: what was
// refused once would be refused again.
func (a *Analyst) Ask(ctx context.Context, q *analyze.Question) (analyze.Reply, error) {
	if err := ctx.Err(); err != nil {
		return analyze.Reply{}, err
	}
	answer, err := a.answer(q)
	if err != nil {
		return analyze.Reply{}, err
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return analyze.Reply{}, fmt.Errorf("writing the answer on %s: %w", q.Subject, err)
	}
	return analyze.Reply{Answer: raw}, nil
}

func (a *Analyst) answer(q *analyze.Question) (any, error) {
	v := a.view(q)
	switch about := q.About.(type) {
	case *analyze.BriefAbout:
		return v.brief(about), nil
	case *analyze.SurveyAbout:
		return v.survey(about), nil
	case *analyze.ResolveAbout:
		return v.resolve(about), nil
	case *analyze.ElicitAbout:
		return v.elicit(about), nil
	case *analyze.ChallengeAbout:
		return v.challenge(about), nil
	case *analyze.TreatAbout:
		return v.treat(about), nil
	}
	return nil, fmt.Errorf("the built-in analyst has no answer to a %s question", q.Stage)
}
