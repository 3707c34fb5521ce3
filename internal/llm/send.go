package llm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	openai "github.com/sashabaranov/go-openai"
)

// Modes: how a schema is sent to an endpoint.
const (
	ModeStrict = "strict" // response_format json_schema, strict
	ModeObject = "object" // response_format json_object, schema in the prompt
	ModeText   = "text"   // schema in the prompt alone
)

// reply is what one exchange brought.
type reply struct {
	content string
	usage   Usage
}

// send makes one exchange in the best mode that the endpoint takes. Which one
// that is, is found out by asking and remembered.
func (c *Client) send(ctx context.Context, r Request, messages []Message, room int) (reply, string, error) {
	for {
		mode := c.currentMode()
		out, err := c.exchange(ctx, r, messages, room, mode)
		next := weaker(mode)
		if err == nil {
			c.settleMode(mode, "it works")
			return out, mode, nil
		}
		var e *Error
		if next == "" || !errors.As(err, &e) || !refusesFormat(e) {
			return out, mode, err
		}
		c.settleMode(next, e.Message)
	}
}

func (c *Client) currentMode() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode == "" {
		return ModeStrict
	}
	return c.mode
}

// settleMode remembers a mode that is new.
func (c *Client) settleMode(mode, reason string) {
	c.mu.Lock()
	known := c.mode == mode
	c.mode = mode
	c.mu.Unlock()
	if keeper, ok := c.memo.(modeKeeper); ok && !known {
		// Not remembered means asked again: no reason to fail the call.
		_ = keeper.SetMode(c.modeKey(), mode, reason, c.cfg.Now())
	}
}

func weaker(mode string) string {
	switch mode {
	case ModeStrict:
		return ModeObject
	case ModeObject:
		return ModeText
	}
	return ""
}

var formatWords = regexp.MustCompile(`(?i)response_format|json_schema|json_object|schema|structured|unsupported|not supported|unknown (field|parameter)|extra (fields|inputs)`)

// refusesFormat reports whether an endpoint declined the way in which the
// schema was sent, and not the request as such.
func refusesFormat(e *Error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented, http.StatusUnsupportedMediaType:
		return formatWords.MatchString(e.Message)
	}
	return false
}

// exchange sends one request and reads one answer.
func (c *Client) exchange(ctx context.Context, r Request, messages []Message, room int, mode string) (reply, error) {
	request := c.request(messages, r.Schema, room, mode)
	chars := 0
	for _, m := range request.Messages {
		chars += len(m.Content)
	}
	reserved, err := c.meter.reserve(ctx, chars)
	if err != nil {
		return reply{}, staged(err, r.Stage)
	}
	resp, err := c.api.CreateChatCompletion(ctx, request)
	if err != nil {
		c.meter.settle(reserved, 0, Usage{}, false)
		return reply{}, c.explain(ctx, err, r.Stage)
	}
	out := reply{usage: usageOf(resp.Usage)}
	if len(resp.Choices) > 0 {
		out.content = resp.Choices[0].Message.Content
	}
	if out.usage.In == 0 { // not every server reports it
		out.usage.In = int(float64(chars) / charsPerToken)
		out.usage.Out = int(float64(len(out.content)) / charsPerToken)
	}
	c.meter.settle(reserved, chars, out.usage, true)
	c.mu.Lock()
	c.stats.Calls++
	c.stats.TokensIn += out.usage.In
	c.stats.TokensOut += out.usage.Out
	c.mu.Unlock()
	return out, c.faultOf(&resp, r.Stage)
}

func staged(err error, stage string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Stage = stage
	}
	return err
}

func usageOf(u openai.Usage) Usage {
	out := Usage{In: u.PromptTokens, Out: u.CompletionTokens}
	if u.PromptTokensDetails != nil {
		out.CachedIn = u.PromptTokensDetails.CachedTokens
	}
	return out
}

// request puts the question into the endpoint's form.
func (c *Client) request(messages []Message, schema Schema, room int, mode string) openai.ChatCompletionRequest {
	out := openai.ChatCompletionRequest{Model: c.cfg.Model, Seed: c.cfg.Params.Seed}
	for i, m := range messages {
		content := m.Content
		if i == 0 && mode != ModeStrict {
			content += "\n\nThe schema of the answer:\n" + string(schema.JSON)
			if mode == ModeText {
				content += "\nPut the JSON object between ```json and ```."
			}
		}
		out.Messages = append(out.Messages, openai.ChatCompletionMessage{Role: m.Role, Content: content})
	}
	if isReasoning(c.cfg.Model) {
		out.MaxCompletionTokens = room
	} else {
		//lint:ignore SA1019 servers other than OpenAI's know only max_tokens
		out.MaxTokens = room
		out.Temperature = c.cfg.Params.Temperature
		if out.Temperature == 0 {
			out.Temperature = math.SmallestNonzeroFloat32 // 0 would not be sent
		}
	}
	switch mode {
	case ModeStrict:
		out.ResponseFormat = &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: schema.Name, Schema: schema.JSON, Strict: true},
		}
	case ModeObject:
		out.ResponseFormat = &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatTypeJSONObject}
	}
	return out
}

// isReasoning reports whether a model by its name takes max_completion_tokens
// and no temperature.
func isReasoning(model string) bool {
	name := model[strings.LastIndexByte(model, '/')+1:]
	for _, p := range []string{"o1", "o3", "o4", "gpt-5"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// faultOf tells what is wrong with an answer that came: a finish reason other
// than stop means that it is not whole.
func (c *Client) faultOf(resp *openai.ChatCompletionResponse, stage string) error {
	fault := func(kind Kind, message, remedy string) error {
		c.count(string(kind))
		return &Error{Kind: kind, Stage: stage, Message: message, Remedy: remedy}
	}
	if len(resp.Choices) == 0 {
		return fault(KindEmpty, "the endpoint answered without any choice", "")
	}
	choice := &resp.Choices[0]
	switch {
	case choice.FinishReason == openai.FinishReasonContentFilter || choice.Message.Refusal != "":
		return fault(KindRefused, "the model declined: "+firstLines(choice.Message.Refusal+" "+string(choice.FinishReason), 2), "Try another model for this document")
	case choice.FinishReason == openai.FinishReasonLength:
		return fault(KindTruncated, "the answer was cut off", "Use a model with a longer output")
	case strings.TrimSpace(choice.Message.Content) == "":
		return fault(KindEmpty, "the answer is empty", "")
	case choice.FinishReason != openai.FinishReasonStop:
		return fault(KindTruncated, fmt.Sprintf("the answer ended for the reason %q and may not be whole", choice.FinishReason), "")
	}
	return nil
}

// explain makes an error of ours of the library's. No message holds the key:
// the library does not put it into errors, and what an endpoint says of one is
// cut out.
func (c *Client) explain(ctx context.Context, err error, stage string) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	out := &Error{Kind: KindHTTP, Stage: stage, Message: c.withoutKey(err.Error()), Err: nil}
	var api *openai.APIError
	var request *openai.RequestError
	switch {
	case errors.As(err, &api):
		out.Status, out.Message = api.HTTPStatusCode, c.withoutKey(api.Message)
	case errors.As(err, &request):
		out.Status, out.Message = request.HTTPStatusCode, c.withoutKey(firstLines(string(request.Body), 3))
	}
	switch {
	case errors.Is(err, ErrTimeout):
		out.Kind, out.Message, out.Remedy = KindTimeout, fmt.Sprintf("no answer within %s, in %d tries", c.cfg.Timeout, Tries), "Raise --llm-timeout"
	case errors.Is(err, circuitbreaker.ErrOpen):
		out.Kind, out.Message, out.Remedy = KindDown, c.Endpoint()+" failed several calls in a row", "Run the same command again when it is back: what was answered is kept"
	case out.Status == http.StatusUnauthorized || out.Status == http.StatusForbidden:
		out.Kind, out.Remedy = KindAuth, "Set BARTIZAN_LLM_API_KEY"
	case out.Status == http.StatusNotFound:
		out.Kind, out.Remedy = KindNotFound, fmt.Sprintf("Check --llm-base-url (%s) and --llm-model (%s)", c.Endpoint(), c.cfg.Model)
	case out.Status == http.StatusTooManyRequests:
		out.Kind, out.Remedy = KindRate, "Lower --concurrency or set --tokens-per-minute"
	case out.Status == 0:
		out.Remedy = "Is an endpoint listening at " + c.Endpoint() + "?"
	}
	return out
}

func (c *Client) withoutKey(s string) string {
	if c.cfg.APIKey == "" {
		return s
	}
	return strings.ReplaceAll(s, c.cfg.APIKey, "***")
}
