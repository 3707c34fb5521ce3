package llm

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"
)

const (
	// charsPerToken is assumed until the endpoint has reported usage.
	charsPerToken = 4.0
	// expectedOutput is what an answer is assumed to cost until some came.
	expectedOutput = 700
)

// meter estimates tokens, calibrated by what the endpoint reports, and holds
// the budget of the run.
type meter struct {
	max     int
	limiter *rate.Limiter

	mu                sync.Mutex
	chars, in         int
	answers, out      int
	reserved, settled int
}

func newMeter(maxTokens, perMinute int) *meter {
	m := &meter{max: maxTokens}
	if perMinute > 0 {
		m.limiter = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
	}
	return m
}

// estimate is the expected cost of a call, in tokens.
func (m *meter) estimate(chars int) (in, out int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	per := charsPerToken
	if m.in > 0 {
		per = float64(m.chars) / float64(m.in)
	}
	out = expectedOutput
	if m.answers > 0 {
		out = m.out / m.answers
	}
	return int(float64(chars) / per), out
}

// reserve takes the expected cost out of the budget, or refuses where the run
// would pass it, and waits for its turn under the limit a minute.
func (m *meter) reserve(ctx context.Context, chars int) (tokens int, err error) {
	in, out := m.estimate(chars)
	tokens = in + out
	m.mu.Lock()
	if m.max > 0 && m.settled+m.reserved+tokens > m.max {
		used := m.settled
		m.mu.Unlock()
		return 0, &Error{
			Kind: KindBudget, Message: fmt.Sprintf("the budget of %d tokens would be passed: %d are spent, this call needs about %d", m.max, used, tokens),
			Remedy: "Raise --max-tokens; what was answered is kept and not asked again",
		}
	}
	m.reserved += tokens
	m.mu.Unlock()
	if m.limiter != nil {
		if err := m.limiter.WaitN(ctx, min(tokens, m.limiter.Burst())); err != nil {
			m.settle(tokens, 0, Usage{}, false)
			return 0, err
		}
	}
	return tokens, nil
}

// settle replaces a reservation by what a call cost.
func (m *meter) settle(reserved, chars int, u Usage, answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reserved -= reserved
	m.settled += u.In + u.Out
	if u.In > 0 {
		m.chars += chars
		m.in += u.In
	}
	if answered {
		m.answers++
		m.out += u.Out
	}
}
