// Package confluence reads the pages of Confluence space exports into blocks:
// the XML export (entities.xml, with the storage format in it) and the HTML
// export (one file a page).
//
// Only what a reader of the wiki sees is read: the current pages, in the order
// of the page tree, without drafts, older versions, deleted and archived pages.
package confluence

import (
	"errors"
	"fmt"
	"math"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Errors of an export or of one of its pages.
var (
	ErrDamaged  = errors.New("the export is damaged")
	ErrUnsafe   = errors.New("the export is not safe to read")
	ErrTooLarge = errors.New("the page is too large")
	ErrNoPages  = errors.New("the export has no current page")
)

// Options bound what an export may cost. The zero value stands for the
// defaults.
type Options struct {
	// MaxBody is the size of the largest page, in bytes; default 8 MiB.
	MaxBody int64
	// MaxDepth is how deep elements of a page may nest; default 200.
	MaxDepth int
	// MaxTableCells is how many cells the tables of a page may have; default
	// 200,000.
	MaxTableCells int
	// InMemory is how many bytes of an XML export are kept in memory before
	// a file is used; default 16 MiB.
	InMemory int
	// Spool makes that file; default [TempSpool].
	Spool func() (SpoolFile, error)
	// Reuse takes the memory of the blocks of a page back when the next page of
	// an XML export is asked for: until then they must have been used.
	Reuse bool
	// Comments adds the comments under a page, in the role of annotations.
	Comments bool
	// Attached reads a file of the export, named by its path below the
	// export's folder, with "/". Drawings that lie in attachments are read
	// through it; where it is nil they are said not to be read. It is only
	// called from the goroutine that takes the pages.
	Attached func(file string) ([]byte, error)
	// IsDocument reports whether a file that a page shows is read as a document,
	// by its name; nil where none is.
	IsDocument func(name string) bool
}

func (o Options) withDefaults() Options {
	if o.MaxBody <= 0 {
		o.MaxBody = 8 << 20
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 200
	}
	if o.MaxTableCells <= 0 {
		o.MaxTableCells = 200_000
	}
	if o.InMemory <= 0 {
		o.InMemory = 16 << 20
	}
	if o.Spool == nil {
		o.Spool = TempSpool
	}
	o.MaxBody = min(o.MaxBody, math.MaxInt32)
	return o
}

// Page is a page of an export.
type Page struct {
	// Source is the page as it was read. Its name is its path in the page
	// tree, below the home page.
	Source threatmodel.Source
	// Number is the place of the page among those of the export, from 0;
	// Parent that of the page above it, or -1. Pages come in this order, and a
	// parent before its children.
	Number, Parent int
	// Attachments are the files that the page shows or links to, in the
	// order of the page, each once.
	Attachments []Attachment
}

// Attachment is a file that a page shows or links to.
type Attachment struct {
	// Name is what people call it.
	Name string
	// File is its path below the folder of the export, with "/"; empty for
	// one that lies elsewhere.
	File string
}

// PageError tells that one page could not be read. The others still come.
type PageError struct {
	// Name is the name of the page.
	Name string
	Err  error
}

// Error implements error.
func (e *PageError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap gives access to the cause.
func (e *PageError) Unwrap() error { return e.Err }

func tooLarge(opt Options) error {
	return fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, opt.MaxBody)
}
