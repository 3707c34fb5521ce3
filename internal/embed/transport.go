package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	openai "github.com/sashabaranov/go-openai"

	"github.com/bartizan-security/bartizan/internal/llm"
)

const (
	maxRetries  = 4
	firstDelay  = 500 * time.Millisecond
	maxDelay    = 30 * time.Second
	maxPatience = 10 * time.Minute
	// answerBytes bounds the body of an answer: 64 vectors of 4,096 numbers
	// in decimal are about 4 MB.
	answerBytes = 32 << 20
)

// newTransport retries what may pass, and waits as long as the endpoint says.
func newTransport(inner http.RoundTripper, timeout, first time.Duration) http.RoundTripper {
	retry := failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(maxRetries).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[*http.Response]) time.Duration {
			wait := min(first<<min(max(0, e.Attempts()-1), 10), max(maxDelay, first))
			if told := failsafehttp.DelayFunc(e); told > 0 {
				wait = told
			}
			return wait + time.Duration(rand.Float64()*0.3*float64(wait))
		}).
		WithMaxDuration(maxPatience).
		ReturnLastFailure().
		Build()
	return failsafehttp.NewRoundTripper(&bounded{inner, timeout}, retry)
}

// bounded reads a whole answer within a time and a size.
type bounded struct {
	inner   http.RoundTripper
	timeout time.Duration
}

var errTimeout = errors.New("no answer in time")

// RoundTrip implements [http.RoundTripper].
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), b.timeout, errTimeout)
	defer cancel()
	resp, err := b.inner.RoundTrip(r.WithContext(ctx))
	if err == nil {
		defer resp.Body.Close()
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(resp.Body, answerBytes+1)); err == nil {
			if len(body) > answerBytes {
				return nil, fmt.Errorf("the endpoint's answer is larger than %d bytes", answerBytes)
			}
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return resp, nil
		}
	}
	if errors.Is(context.Cause(ctx), errTimeout) {
		return nil, errTimeout
	}
	return nil, err
}

// explain makes an error of ours of the library's. It never holds the key.
func (r *remote) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	out := &llm.Error{Kind: llm.KindHTTP, Stage: stage, Message: r.withoutKey(err.Error())}
	var api *openai.APIError
	var request *openai.RequestError
	switch {
	case errors.As(err, &api):
		out.Status, out.Message = api.HTTPStatusCode, r.withoutKey(api.Message)
	case errors.As(err, &request):
		out.Status, out.Message = request.HTTPStatusCode, r.withoutKey(strings.TrimSpace(string(request.Body[:min(len(request.Body), 300)])))
	}
	switch {
	case errors.Is(err, errTimeout):
		out.Kind, out.Message, out.Remedy = llm.KindTimeout, fmt.Sprintf("no vectors within %s, in %d tries", r.cfg.Timeout, maxRetries+1), "Raise --llm-timeout"
	case out.Status == http.StatusUnauthorized || out.Status == http.StatusForbidden:
		out.Kind, out.Remedy = llm.KindAuth, "Set the API key of the embedding endpoint"
	case out.Status == http.StatusNotFound:
		out.Kind, out.Remedy = llm.KindNotFound, fmt.Sprintf("Check the embedding endpoint (%s) and model (%s)", r.endpoint(), r.cfg.Model)
	case out.Status == http.StatusTooManyRequests:
		out.Kind = llm.KindRate
	case out.Status == 0:
		out.Remedy = "Is an endpoint listening at " + r.endpoint() + "?"
	}
	return out
}

// endpoint is the scheme and host that is asked, without credentials.
func (r *remote) endpoint() string {
	u, err := url.Parse(r.cfg.BaseURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (r *remote) withoutKey(s string) string {
	if r.cfg.APIKey == "" {
		return s
	}
	return strings.ReplaceAll(s, r.cfg.APIKey, "***")
}
