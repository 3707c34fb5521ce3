package embed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/bartizan-security/bartizan/internal/llm"
)

const (
	firstDelay = 500 * time.Millisecond
	// answerBytes bounds the body of an answer: 64 vectors of 4,096 numbers
	// in decimal are about 4 MB.
	answerBytes = 32 << 20
)

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
	case errors.Is(err, llm.ErrTimeout):
		out.Kind, out.Message, out.Remedy = llm.KindTimeout, fmt.Sprintf("no vectors within %s, in %d tries", r.cfg.Timeout, llm.Tries), "Raise --llm-timeout"
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
