package service

import (
	"errors"
	"fmt"
)

// Kind says what kind of error a caller made or met.
type Kind string

// Kinds of error. Any other error is the service's own, and its text is not
// for callers.
const (
	KindUnauthenticated Kind = "unauthenticated" // no valid token
	KindNotFound        Kind = "not_found"
	KindForbidden       Kind = "forbidden"
	KindInvalid         Kind = "invalid"      // a field does not fit
	KindConflict        Kind = "conflict"     // the state does not allow it
	KindPrecondition    Kind = "precondition" // somebody else changed it meanwhile
	KindTooLarge        Kind = "too_large"
	KindUnsupported     Kind = "unsupported" // a document that is not read
	KindLimited         Kind = "limited"     // a limit or budget of the organization
	KindUnavailable     Kind = "unavailable" // later, perhaps
)

// Error is what a caller is told.
type Error struct {
	Kind Kind
	// Pointer names the field (JSON pointer into the body, or a query
	// parameter's name); empty where no field is to blame.
	Pointer string
	// Message is a sentence for people: what is wrong, and what to do.
	Message string

	// cause is for the log.
	cause error
}

// Unwrap gives the cause, which is not for callers.
func (e *Error) Unwrap() error { return e.cause }

// Error implements error.
func (e *Error) Error() string {
	if e.Pointer == "" {
		return e.Message
	}
	return fmt.Sprintf("%s: %s", e.Pointer, e.Message)
}

func notFound(what string) error {
	return &Error{Kind: KindNotFound, Message: "there is no such " + what}
}

func invalid(pointer, format string, args ...any) error {
	return &Error{Kind: KindInvalid, Pointer: pointer, Message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &Error{Kind: KindConflict, Message: fmt.Sprintf(format, args...)}
}

// changed says that an If-Match did not hold.
func changed(what string) error {
	return &Error{Kind: KindPrecondition, Message: "somebody else changed the " + what + " meanwhile: read it again, and change that"}
}

// matches is nil where an If-Match holds; 0 stands for none.
func matches(ifMatch, version int64, what string) error {
	if ifMatch != 0 && ifMatch != version {
		return changed(what)
	}
	return nil
}

func isNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == KindNotFound
}
