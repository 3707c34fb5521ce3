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
	// ErrMemory is given where the document needs more than Options.Memory,
	// as one made to exhaust its reader does.
	ErrMemory = errors.New("the PDF needs more memory than it may have: print it to a new PDF, or split it")
	// ErrTooLarge is given where the document has more pages or characters
	// than the limit.
	ErrTooLarge = errors.New("the PDF is larger than the limit: split it")
	// ErrRecognize is given where all text was to be recognised and cannot be.
	ErrRecognize = errors.New("the text in the pictures cannot be recognised")
	// ErrCrashed is given where the engine failed on the document.
	ErrCrashed = errors.New("the PDF engine failed on this document: print it to a new PDF")
	// ErrCache is given where the folder for the compiled engine cannot be
	// used.
	ErrCache = errors.New("the PDF engine's cache folder cannot be used")
	// ErrStart is given where the engine does not start.
	ErrStart = errors.New("the PDF engine does not start")
)

// documentErrors are those that the engine's own errors are told from.
var documentErrors = []error{
	ErrEncrypted, ErrPassword, ErrNotPDF, ErrNoPages, ErrNoText, ErrRecognize, ErrTruncated, ErrMemory, ErrTooLarge, ErrCache, ErrStart, ErrCrashed,
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
