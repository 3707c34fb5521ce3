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
	// Sandbox says whether the kernel confines the processes that read; empty
	// for [SandboxOn].
	Sandbox Sandbox
	// Children is how many of them read at once; 0 for the number of
	// processors, at most 2.
	Children int
	// OCR says which pages of a PDF have the text in their pictures recognised,
	// by the program tesseract; empty for none. A page is recognised in
	// OCRLanguage, as tesseract names it; empty for eng.
	OCR         OCR
	OCRLanguage string
	// Recognizing, where it is not nil, is told before a page is recognised. It
	// may be called by several goroutines at once.
	Recognizing func(Recognizing)
	// Pool, where it is not nil, reads; it goes by its own Sandbox, Children,
	// CacheDir, and limits on memory and output.
	Pool *Pool
}

// Sandbox says what keeps a reader from harm, beside being a process of its own
// with limits on its memory and time.
type Sandbox string

const (
	// SandboxOn has Landlock and seccomp keep the process from files,
	// connections and programs. On Linux nothing is read where the kernel does
	// not have them. Other systems have nothing of the kind.
	SandboxOn Sandbox = "on"
	// SandboxOff reads without.
	SandboxOff Sandbox = "off"
)

// Summary tells what was passed over on purpose, in the order of reading.
type Summary struct {
	Skipped []Skip
	// tell, where it is not nil, is told as well.
	tell func(Skip)
}

// Skip is a file that was not taken for a document.
type Skip struct {
	Path   string
	Reason string
}

func (s *Summary) skip(path, reason string) {
	if s != nil {
		s.Skipped = append(s.Skipped, Skip{path, reason})
		if s.tell != nil {
			s.tell(s.Skipped[len(s.Skipped)-1])
		}
	}
}
