package llm

import (
	"fmt"
	"strings"
)

// Kind says why there is no answer.
type Kind string

// Kinds of error.
const (
	KindTruncated  Kind = "truncated"   // the answer was cut off, twice
	KindRefused    Kind = "refused"     // the model or a filter declined
	KindEmpty      Kind = "empty"       // no content came
	KindInvalid    Kind = "invalid"     // not JSON, or not of the schema, also when asked again
	KindHTTP       Kind = "http"        // the endpoint answered with an error, or not at all
	KindTimeout    Kind = "timeout"     // no answer in time
	KindRate       Kind = "rate"        // rate limited beyond patience
	KindAuth       Kind = "auth"        // the key is missing or wrong
	KindNotFound   Kind = "not_found"   // no such model or path
	KindBudget     Kind = "budget"      // the run's budget of tokens is spent
	KindOffline    Kind = "offline"     // no connection may be opened
	KindNotAllowed Kind = "not_allowed" // the documents may not go to this endpoint
	KindDown       Kind = "down"        // the endpoint failed several calls in a row
)

// Error tells why a request has no answer.
type Error struct {
	Kind  Kind
	Stage string
	// Status is the HTTP status, 0 where there was none.
	Status  int
	Message string
	// Remedy says what a person can do.
	Remedy string
	Err    error
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("the model gave no answer")
	if e.Stage != "" {
		fmt.Fprintf(&b, " (%s)", e.Stage)
	}
	fmt.Fprintf(&b, ": %s", e.Message)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Remedy != "" {
		fmt.Fprintf(&b, ". %s", e.Remedy)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fatal reports whether asking anything else is pointless: further calls would
// fail in the same way.
func (e *Error) Fatal() bool {
	switch e.Kind {
	case KindAuth, KindNotFound, KindBudget, KindOffline, KindNotAllowed, KindDown:
		return true
	}
	return false
}
