package extract

import (
	"fmt"
	"strings"
)

// Kind says what is wrong with an input, for callers that decide on it.
type Kind string

// Kinds of error.
const (
	KindMissing     Kind = "missing"        // nothing has that name
	KindDenied      Kind = "denied"         // the system does not let us read it
	KindEmpty       Kind = "empty"          // it holds no bytes, or no text
	KindDamaged     Kind = "damaged"        // cut short, or not what it says it is
	KindEncrypted   Kind = "encrypted"      // a password is needed, or the one given is wrong
	KindNotDocument Kind = "not_a_document" // bytes of another kind
	KindTooLarge    Kind = "too_large"      // beyond a limit
	KindUnsafe      Kind = "unsafe"         // made to do harm, such as an archive bomb
	KindNothing     Kind = "nothing"        // a folder or archive without a document
	KindUnreadable  Kind = "unreadable"     // any other failure
	KindNoReader    Kind = "no_reader"      // the processes that read cannot run; nothing more is read
)

// Error tells why an input could not be read. What was being read stands in
// Path, the place inside it in Where.
type Error struct {
	Path string
	// Where is a member of an archive, a page or a line; empty for the whole.
	Where string
	Kind  Kind
	Err   error
	// Remedy is a sentence that says what a person can do.
	Remedy string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Where != "" {
		fmt.Fprintf(&b, ": %s", e.Where)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Remedy != "" {
		fmt.Fprintf(&b, ". %s", e.Remedy)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
