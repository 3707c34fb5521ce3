package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
)

// Remembered is the answer to a request that carried an Idempotency-Key.
type Remembered struct {
	// Request is the fingerprint of the request that the key was used for.
	Request []byte
	// Status of the answer; 0 while the request is under way.
	Status int
	Header map[string]string
	// Body is as the caller of RememberAnswer gave it: the API seals it.
	Body []byte
}

// ClaimRequest takes a key of the actor's token for a request. Nil says that
// the caller has it now, and must remember the answer or forget the request;
// otherwise it is what the key already stands for. A claim whose holder was
// killed can be taken again after ten minutes.
func (s *Service) ClaimRequest(ctx context.Context, a Actor, key string, request []byte) (*Remembered, error) {
	var prior *Remembered
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		prior = nil
		_, err := tx.Queries.ClaimRequest(ctx, query.ClaimRequestParams{TokenID: a.Token, Key: key, Request: request})
		if !errors.Is(err, postgres.ErrNoRows) {
			return err
		}
		row, err := tx.RememberedRequest(ctx, a.Token, key)
		if errors.Is(err, postgres.ErrNoRows) { // given back between the two statements
			prior = &Remembered{Request: request}
			return nil
		}
		if err != nil {
			return err
		}
		prior = &Remembered{Request: row.Request, Status: int(row.Status), Body: row.Body}
		return json.Unmarshal(row.Header, &prior.Header)
	})
	if err != nil {
		return nil, fmt.Errorf("claiming an idempotency key: %w", err)
	}
	return prior, nil
}

// RememberAnswer keeps the answer to a request whose key was claimed.
func (s *Service) RememberAnswer(ctx context.Context, a Actor, key string, answer Remembered) error {
	header, err := json.Marshal(answer.Header)
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		n, err := tx.Queries.RememberAnswer(ctx, query.RememberAnswerParams{
			TokenID: a.Token, Key: key, Request: answer.Request, Status: int32(answer.Status), Header: header, Body: answer.Body,
		})
		if err == nil && n == 0 {
			err = errors.New("the idempotency key is not claimed")
		}
		return err
	})
}

// ForgetRequest gives a claimed key back: the request may be tried anew.
func (s *Service) ForgetRequest(ctx context.Context, a Actor, key string) error {
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		return tx.Queries.ForgetRequest(ctx, a.Token, key)
	})
}
