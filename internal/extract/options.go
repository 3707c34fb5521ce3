package extract

import "github.com/bartizan-security/bartizan/internal/extract/confluence"

// SpoolFile is a file that is read once it was written, and gone when closed.
type SpoolFile = confluence.SpoolFile

// Options say how to read. The zero value reads with the default limits and
// masks credentials.
type Options struct {
	// Password opens encrypted documents.
	Password string
	// ShowSecrets leaves credentials as they stand in the text.
	ShowSecrets bool
	// CacheDir is where the PDF engine keeps its compiled code; empty for what
	// BARTIZAN_PDF_CACHE says, else the user's cache folder.
	CacheDir string
	// Comments adds the comments under pages of Confluence, in the role of
	// annotations; without it they are listed in Summary.
	Comments bool
	// Spool makes the file in which a large export is kept while it is read;
	// nil for a temporary file.
	Spool  func() (SpoolFile, error)
	Limits Limits
	// Summary, where it is not nil, is told what was passed over.
	Summary *Summary
}

// Limits bound what one input may cost. A limit of 0 stands for its default.
type Limits struct {
	// Bytes of one document as given; default 256 MiB. A space export that is
	// read member by member may be larger.
	Bytes int64
	// TextBytes of a Markdown or text document; default 64 MiB.
	TextBytes int64
	// Pages of a PDF; default 5,000.
	Pages int
	// Members of an archive; default 20,000.
	Members int
	// Expanded bytes of an archive and the archives in it; default 2 GiB.
	Expanded int64
	// Ratio of expanded to packed bytes of a member; default 200. It counts
	// from 1 MiB on.
	Ratio int64
	// Nesting of archives in archives; default 2.
	Nesting int
	// Depth of lists and quotes of a document; default 50.
	Depth int
	// TableCells of a document; default 200,000.
	TableCells int
}

func (l Limits) withDefaults() Limits {
	defaultTo(&l.Bytes, 256<<20)
	defaultTo(&l.TextBytes, 64<<20)
	defaultTo(&l.Pages, 5000)
	defaultTo(&l.Members, 20_000)
	defaultTo(&l.Expanded, 2<<30)
	defaultTo(&l.Ratio, 200)
	defaultTo(&l.Nesting, 2)
	defaultTo(&l.Depth, 50)
	defaultTo(&l.TableCells, 200_000)
	return l
}

func defaultTo[N int | int64](limit *N, value N) {
	if *limit <= 0 {
		*limit = value
	}
}

// Summary tells what was passed over on purpose, in the order of reading.
type Summary struct {
	Skipped []Skip
}

// Skip is a file that was not taken for a document.
type Skip struct {
	Path   string
	Reason string
}

func (s *Summary) skip(path, reason string) {
	if s != nil {
		s.Skipped = append(s.Skipped, Skip{path, reason})
	}
}
