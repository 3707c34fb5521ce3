package service

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func answerOf(r query.Answer) resource.Answer {
	return resource.Answer{Question: r.QuestionID, Text: r.Question, Answer: r.Answer, At: r.At.UTC(), By: r.By}
}

// Questions are what the current model leaves open, each with the answer that was
// given since. Scope read.
func (s *Service) Questions(ctx context.Context, a Actor, system uuid.UUID) ([]resource.Question, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return nil, err
	}
	out := []resource.Question{}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		out = out[:0]
		row, err := tx.Queries.System(ctx, system)
		if err != nil {
			return missing(err, "system")
		}
		m, _, err := loadModel(ctx, tx, system, row.CurrentVersion)
		if err != nil || m == nil {
			return err
		}
		answers, err := tx.NewestAnswers(ctx, system)
		if err != nil {
			return err
		}
		for _, q := range m.Questions {
			item := resource.Question{Question: q}
			if i := slices.IndexFunc(answers, func(x query.Answer) bool { return x.QuestionID == q.ID }); i >= 0 {
				answer := answerOf(answers[i])
				item.Answer = &answer
			}
			out = append(out, item)
		}
		return nil
	})
	return out, err
}

// Answers are those that people gave, newest first; the newest of a question
// counts. Scope read.
func (s *Service) Answers(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Answer], error) {
	p, err := readPage(list)
	if err := together(a.mustFor(resource.ScopeRead, system), err); err != nil {
		return resource.Page[resource.Answer]{}, err
	}
	var rows []query.Answer
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		rows, err = tx.Queries.Answers(ctx, query.AnswersParams{SystemID: system, Before: p.before(), MaxRows: p.rows()})
		return err
	})
	return pageOf(p, rows, answerOf, func(r query.Answer) cursor { return cursor{ID: r.ID} }), err
}

// Answer answers a question of the current model; it becomes context, and an
// analysis is asked for. Scope write.
func (s *Service) Answer(ctx context.Context, a Actor, system uuid.UUID, question string, in resource.NewAnswer) (resource.Answer, error) {
	if err := a.mustFor(resource.ScopeWrite, system); err != nil {
		return resource.Answer{}, err
	}
	text := strings.TrimSpace(in.Answer)
	if text == "" {
		return resource.Answer{}, invalid("/answer", "an answer is needed")
	}
	var out resource.Answer
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		c, err := changing(ctx, tx, system)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(c.model.Questions, func(q threatmodel.Question) bool { return q.ID == question })
		if i < 0 {
			return notFound("question in the current model")
		}
		row, err := tx.InsertAnswer(ctx, query.InsertAnswerParams{
			ID: identifier.New(), SystemID: system, QuestionID: question, Question: postgres.StorableText(c.model.Questions[i].Text),
			Answer: postgres.StorableText(text), By: a.Name,
		})
		if err != nil {
			return err
		}
		out = answerOf(row)
		if _, err := s.request(ctx, tx, a, c.system, wanted{cause: causeContext}); err != nil {
			return err
		}
		return tx.Audit(a.Name, "question.answer", threatObject(system, question), out)
	})
	return out, err
}
