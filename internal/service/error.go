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

	// More are the other fields that do not fit, of the same kind.
	More []*Error

	// cause is for the log.
	cause error
}

// Unwrap gives the cause, which is not for callers.
func (e *Error) Unwrap() error { return e.cause }

// Error implements error.
func (e *Error) Error() string {
	text := e.Message
	if e.Pointer != "" {
		text = fmt.Sprintf("%s: %s", e.Pointer, e.Message)
	}
	for _, m := range e.More {
		text += "; " + m.Error()
	}
	return text
}

// Parts are the errors of one field each.
func (e *Error) Parts() []*Error { return append([]*Error{e}, e.More...) }

// together makes one error of several: the first that is about no field, else all
// fields that do not fit, so that a caller can mend them at once. Nil ones are
// passed over.
func together(errs ...error) error {
	var all []*Error
	for _, err := range errs {
		var e *Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Kind == KindInvalid:
			all = append(all, e.Parts()...)
		default:
			return err
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	first := *all[0]
	first.More = all[1:]
	return &first
}

// mostFaults bounds how many fields one error names: a model that does not fit at
// all has thousands.
const mostFaults = 100

// few is an error with so many fields at most.
func few(err error) error {
	var e *Error
	if !errors.As(err, &e) || len(e.More) < mostFaults {
		return err
	}
	short := *e
	short.More = append(e.More[:mostFaults-2:mostFaults-2], &Error{
		Kind: e.Kind, Pointer: e.More[mostFaults-2].Pointer, Message: fmt.Sprintf("this field and %d others do not fit either", len(e.More)-mostFaults+1),
	})
	return &short
}

// unless is nil where a condition holds.
func unless(holds bool, err error) error {
	if holds {
		return nil
	}
	return err
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
