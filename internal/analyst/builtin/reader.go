package builtin

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// reader reads each passage once, however many questions show it.
type reader struct {
	lib  *pattern.Library
	mu   sync.Mutex
	done map[string]*reading
}

// maxReadings bounds what is remembered; beyond it a passage is read again.
const maxReadings = 20000

// reading is a passage with all that its sentences say by themselves.
type reading struct {
	sentences []*sentence
	// lead is what stands over the passage: the introduction of a list or
	// the header of a table.
	lead *pattern.Text
	// path are its headings, outermost first.
	path []*pattern.Text
	// aside is true where the headings announce something else than the
	// system as it is.
	aside bool
}

// sentence is one sentence, read.
type sentence struct {
	text  *pattern.Text
	hits  []pattern.Hit
	names []named
}

func newReader(lib *pattern.Library) *reader { return &reader{lib: lib, done: map[string]*reading{}} }

// passage gives the reading of a passage. What it says depends on the passage
// and its headings alone; of a drawing a question may show some lines only.
func (r *reader) passage(p *threatmodel.Passage) *reading {
	key := p.ID + "\x00" + strings.Join(p.Locator.HeadingPath, "\x00") + "\x00" + p.Header
	if p.Kind == threatmodel.BlockDiagram {
		for _, s := range p.Sentences {
			key += "\x00" + s.Text
		}
	}
	r.mu.Lock()
	x := r.done[key]
	r.mu.Unlock()
	if x != nil {
		return x
	}
	x = r.readPassage(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.done) >= maxReadings {
		r.done = map[string]*reading{}
	}
	r.done[key] = x
	return x
}

const (
	// longestSentence is how many bytes of a sentence are read, longestPassage how
	// many of what stands around one. Nobody states a weakness in more; what is
	// longer is data, a broken file, or meant to keep a reader busy.
	longestSentence = 4 << 10
	longestPassage  = 16 << 10
)

// upTo cuts a text to a number of bytes, at a rune.
func upTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (r *reader) readPassage(p *threatmodel.Passage) *reading {
	path := p.Locator.HeadingPath
	if len(path) == 0 && p.Heading != "" {
		path = []string{p.Heading}
	}
	x := &reading{lead: r.lib.Read(upTo(p.Header, longestSentence))}
	for _, h := range path {
		h = upTo(h, longestSentence)
		x.path = append(x.path, r.lib.Read(h))
		x.aside = x.aside || r.lib.IsAside(h)
	}
	around := r.lib.Read(upTo(strings.Join(path, " ; ")+" ; "+p.Header+" ; "+p.Text, longestPassage))
	for i := range p.Sentences {
		s := &sentence{text: r.lib.Read(upTo(p.Sentences[i].Text, longestSentence))}
		if readable(p.Kind) {
			s.hits = r.lib.Find(s.text, around)
		}
		s.names = r.names(s.text)
		x.sentences = append(x.sentences, s)
	}
	return x
}

// readable reports whether a kind of block holds sentences that state
// something.
func readable(k threatmodel.BlockKind) bool {
	switch k {
	case threatmodel.BlockCode, threatmodel.BlockDiagram, threatmodel.BlockImage, threatmodel.BlockHeading:
		return false
	}
	return true
}
