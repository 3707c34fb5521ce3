package pdf

import "errors"

// Why a document could not be read. Each says what a person can do.
var (
	// ErrEncrypted is given where a document needs a password and none came.
	ErrEncrypted = errors.New("the document is encrypted: give its password (--password), or save a copy without one")
	// ErrPassword is given where the password is wrong.
	ErrPassword = errors.New("the password does not open the document: check it (--password), or save a copy without one")
	// ErrNotPDF is given for bytes that are no PDF.
	ErrNotPDF = errors.New("this is not a PDF: check that the right file was given")
	// ErrNoPages is given for a PDF without pages.
	ErrNoPages = errors.New("the PDF has no pages: export the document again")
	// ErrNoText is given for a PDF none of whose pages has text that can be
	// read.
	ErrNoText = errors.New("no page has text that can be read")
	// ErrTruncated is given for a PDF that begins as one and is cut short or
	// damaged beyond reading.
	ErrTruncated = errors.New("the PDF is cut short or damaged: fetch or export it again")
	// ErrTimeout is given where reading takes longer than Options.Timeout.
	ErrTimeout = errors.New("reading the PDF took too long: print it to a new PDF, or split it")
	// ErrMemory is given where the document needs more than Options.Memory,
	// as one made to exhaust its reader does.
	ErrMemory = errors.New("the PDF needs more memory than it may have: print it to a new PDF, or split it")
	// ErrTooLarge is given where the document has more pages or characters
	// than the limit.
	ErrTooLarge = errors.New("the PDF is larger than the limit: split it")
	// ErrCrashed is given where the engine failed on the document.
	ErrCrashed = errors.New("the PDF engine failed on this document: print it to a new PDF")
	// ErrCache is given where the folder for the compiled engine cannot be
	// used.
	ErrCache = errors.New("the PDF engine's cache folder cannot be used")
	// ErrStart is given where the child process does not start.
	ErrStart = errors.New("the PDF engine does not start")
)

// fault names an error on its way from the child to its parent.
type fault string

// faults are the errors that a child reports, by the name that they have on
// their way to the parent.
var faults = []struct {
	name fault
	err  error
}{
	{"encrypted", ErrEncrypted},
	{"password", ErrPassword},
	{"not-pdf", ErrNotPDF},
	{"no-pages", ErrNoPages},
	{"no-text", ErrNoText},
	{"truncated", ErrTruncated},
	{"memory", ErrMemory},
	{"too-large", ErrTooLarge},
	{"cache", ErrCache},
	{"start", ErrStart},
	{"crashed", ErrCrashed},
}

// report names an error for the parent, with what it says beyond the name.
func report(err error) (name fault, detail string) {
	var d *detailed
	if errors.As(err, &d) {
		detail = d.detail
	}
	for _, known := range faults {
		if errors.Is(err, known.err) {
			if d == nil && err != known.err {
				detail = err.Error()
			}
			return known.name, detail
		}
	}
	return "crashed", err.Error()
}

// detailed is an error of ours with what was seen.
type detailed struct {
	kind   error
	detail string
}

func (e *detailed) Error() string {
	if e.detail == "" {
		return e.kind.Error()
	}
	return e.kind.Error() + " (" + e.detail + ")"
}

func (e *detailed) Unwrap() error { return e.kind }

// errorOf is the error that a child reported.
func errorOf(name fault, detail string) error {
	for _, known := range faults {
		if known.name == name {
			return &detailed{known.err, detail}
		}
	}
	return &detailed{ErrCrashed, detail}
}
