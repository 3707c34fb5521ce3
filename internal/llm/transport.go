package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
)

const (
	// Tries is how often one call is made before it counts as failed.
	Tries       = maxRetries + 1
	maxRetries  = 4
	firstDelay  = 500 * time.Millisecond
	maxDelay    = 30 * time.Second
	jitter      = 0.3
	maxPatience = 15 * time.Minute // for all tries of one call, waits included
	// answerBytes bounds the body of an answer.
	answerBytes = 8 << 20
	// downAfter calls that failed in a row, each with its retries, the
	// endpoint counts as down for breakFor.
	downAfter = 3
	breakFor  = time.Minute
)

// NewTransport retries what may pass (429, 5xx, a lost connection, a time-out)
// with growing, jittered delays from the first on, waits at least as long as
// Retry-After says, and gives up on an endpoint that is down. A try ends after
// the timeout with [ErrTimeout]; an answer of more bytes than the limit is an
// error. Retried, if not nil, is called before each further try.
func NewTransport(inner http.RoundTripper, timeout, first time.Duration, limit int64, retried func()) http.RoundTripper {
	if retried == nil {
		retried = func() {}
	}
	retry := failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(maxRetries).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[*http.Response]) time.Duration { return pause(e, first) }).
		WithMaxDuration(maxPatience).
		OnRetry(func(failsafe.ExecutionEvent[*http.Response]) { retried() }).
		ReturnLastFailure().
		Build()
	breaker := circuitbreaker.NewBuilder[*http.Response]().
		HandleIf(func(r *http.Response, err error) bool {
			return err != nil && !errors.Is(err, context.Canceled) || r != nil && r.StatusCode >= 500
		}).
		WithFailureThreshold(downAfter).
		WithDelay(breakFor).
		Build()
	return failsafehttp.NewRoundTripper(&bounded{inner, timeout, limit}, breaker, retry)
}

// pause is how long to wait before the next try: as long as the endpoint says,
// never less, else twice as long as before; some jitter on top keeps callers
// apart.
func pause(e failsafe.ExecutionAttempt[*http.Response], first time.Duration) time.Duration {
	wait := min(first<<min(max(0, e.Attempts()-1), 10), max(maxDelay, first))
	if told := failsafehttp.DelayFunc(e); told > 0 {
		wait = told
	}
	return wait + time.Duration(rand.Float64()*jitter*float64(wait))
}

// bounded reads a whole answer within a time and a size, and turns an error
// that comes with status 200 into one.
type bounded struct {
	inner   http.RoundTripper
	timeout time.Duration
	limit   int64
}

// ErrTimeout is what a try that took too long ends with.
var ErrTimeout = errors.New("no answer in time")

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), b.timeout, ErrTimeout)
	defer cancel()
	resp, err := b.inner.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, timedOut(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, b.limit+1))
	if err != nil {
		return nil, timedOut(ctx, err)
	}
	if int64(len(body)) > b.limit {
		return nil, fmt.Errorf("the endpoint's answer is larger than %d bytes", b.limit)
	}
	if status := hiddenError(resp.StatusCode, body); status != 0 {
		resp.StatusCode, resp.Status = status, fmt.Sprintf("%d %s", status, http.StatusText(status))
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

func timedOut(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	return err
}

// hiddenError is the status that a body with an error and without choices
// deserves, where it came with 200; otherwise 0.
func hiddenError(status int, body []byte) int {
	if status != http.StatusOK || !bytes.Contains(body, []byte(`"error"`)) {
		return 0
	}
	var answer struct {
		Error *struct {
			Code any `json:"code"`
		} `json:"error"`
		Choices []json.RawMessage `json:"choices"`
		Data    []json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == nil || len(answer.Choices)+len(answer.Data) > 0 {
		return 0
	}
	if code, ok := answer.Error.Code.(float64); ok && code >= 400 && code < 600 {
		return int(code)
	}
	return http.StatusInternalServerError
}
