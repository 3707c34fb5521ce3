// Package llm is the model client: answers that fit a schema, from any
// OpenAI-compatible endpoint, with retries, limits, a memo of what was answered
// and an account of what it cost.
//
// A call is known by its hash: model, parameters, messages, schema. An answer is
// stored under it before it is used, so a call that was paid for is never made
// again, neither after a crash nor by another process.
package llm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Message is one turn of a conversation. Role is system, user or assistant.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Schema is what an answer must fit: a JSON Schema in the strict subset that
// endpoints can enforce (see [LintStrict]).
type Schema struct {
	Name string          `json:"name"`
	JSON json.RawMessage `json:"schema"`
}

// Params are the parameters that change answers.
type Params struct {
	Temperature float32 `json:"temperature"`
	Seed        *int    `json:"seed,omitempty"`
}

// Request is one question.
type Request struct {
	// Stage names the part of the analysis, for errors and accounting.
	Stage    string
	Messages []Message
	Schema   Schema
	// MaxOutput bounds the answer, in tokens; 0 is the client's default.
	MaxOutput int
	// InputHash is recorded beside the answer. It is no part of the call hash.
	InputHash string
}

// Usage counts tokens.
type Usage struct {
	In       int `json:"in"`
	CachedIn int `json:"cached_in,omitempty"`
	Out      int `json:"out"`
}

// Answer is a complete answer that fits its schema.
type Answer struct {
	JSON     json.RawMessage
	CallHash string
	// Cached is true where the answer came from the memo. Usage then is what
	// it cost when it was asked.
	Cached bool
	Usage  Usage
	// Mode is how the schema was sent: strict, object or text.
	Mode string
}

// Completer answers requests. The analyst calls it from many goroutines at
// once. An error means that there is no answer; a *Error says why. [Client] is
// the real one; package llmtest has a server for tests.
type Completer interface {
	Complete(ctx context.Context, r Request) (Answer, error)
}

// InputHash is the hash of what an answer depends on: model, parameters,
// messages and schema. The endpoint and the way in which the schema is sent are
// no part of it.
func InputHash(model string, params Params, messages []Message, schema Schema) string {
	return hash("input", model, params, messages, schema)
}

// CallHash names a call's answer in the memo.
func CallHash(model string, params Params, messages []Message, schema Schema) string {
	return hash("call", model, params, messages, schema)
}

func hash(what, model string, params Params, messages []Message, schema Schema) string {
	raw, err := json.Marshal([]any{what, model, params, messages, schema.Name, compact(schema.JSON)})
	if err != nil {
		panic(fmt.Sprintf("llm: a request does not marshal: %v", err)) // plain data always does
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// compact makes layout of a schema not count.
func compact(raw json.RawMessage) any {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	return v
}
