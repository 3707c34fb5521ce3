package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// gate is what every call to a model passes: the limits of the organization and
// the endpoint, over all workers, and the account of what was used.
type gate struct {
	service      *Service
	organization uuid.UUID
	system       uuid.UUID
	limits       postgres.Limits
	prices       []threatmodel.Price
	// overBudget is told of a call that the budget of the month does not
	// allow; nil makes it an error of the call alone.
	overBudget func(*postgres.BudgetError)

	mu sync.Mutex
	// used since the account was read last.
	used account
	// waiting says why calls wait; empty where none does.
	waiting string
	// outage is the last fault by which the endpoint was not to be reached,
	// and passed whether it answered after that.
	outage error
	passed bool
	// in and out are tokens by characters, as the endpoint reported them.
	chars, in, out, answers int
}

// account is what calls took.
type account struct {
	calls               int
	tokensIn, tokensOut int64
	cost                float64
	currency            string
}

func (s *Service) newGate(organization uuid.UUID, m *material) *gate {
	l := m.settings.Limits
	return &gate{
		service: s, organization: organization, system: m.system.ID, prices: m.prices(),
		limits: postgres.Limits{
			Organization:   postgres.Limit{Calls: l.ConcurrentCalls, TokensPerMinute: l.TokensPerMinute},
			Endpoint:       s.cfg.Model.Limit,
			TokensPerMonth: l.TokensPerMonth, CostPerMonth: l.CostPerMonth, Currency: l.Currency,
		},
	}
}

// take reads the account and begins it anew.
func (g *gate) take() (used account, waiting string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	used, g.used = g.used, account{}
	return used, g.waiting
}

// down is the last fault by which the endpoint was not to be reached and a
// question got no answer, and whether that passed: the endpoint answered others
// after it.
func (g *gate) down() (outage error, passed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.outage, g.passed
}

// stageKey carries the stage of a call to the transport.
type stageKey struct{}

// staged tells the transport which stage a request is of, and counts answers of
// the memo.
type staged struct {
	inner *client.Client
	gate  *gate
	model string
}

// Complete implements [client.Completer].
func (x *staged) Complete(ctx context.Context, r client.Request) (client.Answer, error) {
	a, err := x.inner.Complete(context.WithValue(ctx, stageKey{}, r.Stage), r)
	if err == nil && a.Cached {
		x.gate.cached(ctx, x.inner.Endpoint(), x.model, r.Stage)
	}
	if outage(err) {
		x.gate.mu.Lock()
		x.gate.outage, x.gate.passed = err, false
		x.gate.mu.Unlock()
	}
	return a, err
}

// outage reports whether an error says that an endpoint is not to be reached
// right now.
func outage(err error) bool {
	var e *client.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case client.KindDown, client.KindTimeout, client.KindRate:
		return true
	case client.KindHTTP:
		return e.Status == 0 || e.Status >= 500
	}
	return false
}

func (g *gate) cached(ctx context.Context, endpoint, model, stage string) {
	g.service.cfg.Meter.ModelCall(endpoint, stage, true, 0, 0, 0)
	err := g.service.db.Tenant(ctx, g.organization, func(tx *postgres.Tx) error {
		return tx.CountUse(ctx, postgres.Use{System: g.system, Endpoint: endpoint, Model: model, Stage: stage, Cached: 1})
	})
	if err != nil && ctx.Err() == nil {
		g.service.cfg.Log.WarnContext(ctx, "an answer of the memo was not counted", "error", err)
	}
}

// transport is the way to an endpoint. A stage that is not empty stands for that
// of all its calls.
func (g *gate) transport(baseURL, model, stage string) http.RoundTripper {
	inner := g.service.cfg.Model.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	return &gated{gate: g, inner: inner, endpoint: client.Host(baseURL), model: model, stage: stage}
}

type gated struct {
	gate                   *gate
	inner                  http.RoundTripper
	endpoint, model, stage string
}

// answerBytes bounds what is read of an answer; the client refuses more.
const answerBytes = 64 << 20

// RoundTrip implements http.RoundTripper: one try of a call.
func (t *gated) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	stage := t.stage
	if s, ok := ctx.Value(stageKey{}).(string); ok && stage == "" {
		stage = s
	}
	lease, err := t.acquire(ctx, int(r.ContentLength))
	if err != nil {
		return nil, err
	}
	use := postgres.Use{System: t.gate.system, Endpoint: t.endpoint, Model: t.model, Stage: stage}
	resp, err := t.inner.RoundTrip(r)
	if err == nil {
		resp, err = t.read(resp, int(r.ContentLength), &use)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		use.Faults = 1
	}
	if settled := lease.Settle(ctx, use); settled != nil {
		t.gate.service.cfg.Log.ErrorContext(ctx, "a model call was not counted", "organization", t.gate.organization, "error", settled)
	}
	t.gate.service.cfg.Meter.ModelCall(t.endpoint, stage, false, int(use.TokensIn), int(use.TokensOut), use.Cost)
	return resp, err
}

// acquire waits for its turn.
func (t *gated) acquire(ctx context.Context, chars int) (*postgres.Lease, error) {
	in, out := t.gate.expect(chars)
	c := postgres.Call{Organization: t.gate.organization, Endpoint: t.endpoint, Limits: t.gate.limits, Tokens: in + out}
	if cost, currency := client.Cost(t.gate.prices, t.model, in, out); cost != nil {
		c.Cost, c.Currency = *cost, currency
	}
	lease, err := t.gate.service.limiter.Acquire(ctx, c, func(why string, wait time.Duration) {
		if wait > time.Second {
			t.gate.setWaiting(why)
		}
	})
	t.gate.setWaiting("")
	var over *postgres.BudgetError
	if errors.As(err, &over) && t.gate.overBudget != nil {
		t.gate.overBudget(over)
	}
	return lease, err
}

func (g *gate) setWaiting(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = why
}

const (
	// charsPerToken and expectedOutput are assumed until the endpoint has
	// reported usage.
	charsPerToken  = 4
	expectedOutput = 700
)

// expect is what a call of so many characters is expected to take, in tokens.
func (g *gate) expect(chars int) (in, out int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	in, out = max(0, chars)/charsPerToken, expectedOutput
	if g.in > 0 {
		in = int(float64(chars) * float64(g.in) / float64(g.chars))
	}
	if g.answers > 0 {
		out = g.out / g.answers
	}
	return in, out
}

// read takes the account out of an answer.
func (t *gated) read(resp *http.Response, chars int, use *postgres.Use) (*http.Response, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	if err != nil {
		return nil, fmt.Errorf("reading the endpoint's answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.StatusCode != http.StatusOK {
		return resp, nil
	}
	in, out := usage(body, chars)
	use.Calls, use.TokensIn, use.TokensOut = 1, int64(in), int64(out)
	if cost, currency := client.Cost(t.gate.prices, t.model, in, out); cost != nil {
		use.Cost, use.Currency = *cost, currency
	}
	t.gate.count(use, chars)
	return resp, nil
}

// usage is what an answer says that it took; not every endpoint does.
func usage(body []byte, chars int) (in, out int) {
	var answer struct {
		Usage struct {
			In  int `json:"prompt_tokens"`
			Out int `json:"completion_tokens"`
		} `json:"usage"`
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	_ = json.Unmarshal(body, &answer) // the client tells what is wrong with it
	in, out = answer.Usage.In, answer.Usage.Out
	if in == 0 {
		in = max(0, chars) / charsPerToken
		for _, c := range answer.Choices {
			out += len(c.Message.Content) / charsPerToken
		}
	}
	return in, out
}

func (g *gate) count(use *postgres.Use, chars int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed = true
	g.used.calls++
	g.used.tokensIn += use.TokensIn
	g.used.tokensOut += use.TokensOut
	g.used.cost += use.Cost
	g.used.currency = or(use.Currency, g.used.currency)
	g.chars, g.in, g.out, g.answers = g.chars+max(0, chars), g.in+int(use.TokensIn), g.out+int(use.TokensOut), g.answers+1
}
