package analyze

import (
	"strings"

	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// ContextDocument is the name under which what people stated beside the
// documents is cited.
const ContextDocument = "bartizan.yaml"

// textIndex finds where a quote stands now.
type textIndex struct {
	byQuote   map[string]place
	byPassage map[string]*threatmodel.Passage
}

type place struct {
	passage *threatmodel.Passage
	span    threatmodel.Locator
}

func newTextIndex(passages []threatmodel.Passage) textIndex {
	x := textIndex{byQuote: map[string]place{}, byPassage: map[string]*threatmodel.Passage{}}
	for i := range passages {
		p := &passages[i]
		x.byPassage[p.ID] = p
		for _, s := range p.Sentences {
			for _, span := range s.Spans {
				key := passage.Fold(span.Text)
				if _, taken := x.byQuote[key]; !taken {
					x.byQuote[key] = place{p, span.Locator}
				}
			}
		}
	}
	return x
}

// stands gives old evidence with the place where its quotes stand in the
// present text; ok is false where one of them does not.
func (x textIndex) stands(old []threatmodel.Evidence) (now []threatmodel.Evidence, ok bool) {
	for _, e := range old {
		at, found := x.byQuote[passage.Fold(e.Quote)]
		if !found {
			return nil, false
		}
		e.Passage, e.Document, e.Locator = at.passage.ID, at.passage.Document, at.span
		now = append(now, e)
	}
	return now, len(old) > 0
}

// sentence is the whole sentence of which a quote is a part: a page end cuts
// one into two quotes.
func (x textIndex) sentence(e threatmodel.Evidence) string {
	if p := x.byPassage[e.Passage]; p != nil {
		for _, s := range p.Sentences {
			for _, span := range s.Spans {
				if span.Text == e.Quote {
					return s.Text
				}
			}
		}
	}
	return e.Quote
}

// contextPassages renders what people stated, a passage a statement.
func contextPassages(c *threatmodel.Context) []threatmodel.Passage {
	if c == nil {
		return nil
	}
	var out []threatmodel.Passage
	offset := 0
	add := func(heading, text string) {
		text = passage.Fold(text)
		if text == "" {
			return
		}
		loc := threatmodel.Locator{ByteStart: offset, ByteEnd: offset + len(text), HeadingPath: []string{heading}}
		offset += len(text) + 1
		out = append(out, threatmodel.Passage{
			ID: passage.ID(ContextDocument+" "+heading, text), Document: ContextDocument, Kind: threatmodel.BlockListItem,
			Heading: heading, Text: text, Locator: loc, Order: len(out),
			Sentences: []threatmodel.Sentence{{Text: text, Whole: true, Spans: []threatmodel.Span{{Text: text, Locator: loc}}}},
		})
	}
	for _, line := range contextLines(c) {
		add(line.heading, line.text)
	}
	return out
}

// ContextText is the extracted text of bartizan.yaml, into which evidence
// from it points.
func ContextText(c *threatmodel.Context) string {
	var b strings.Builder
	for _, p := range contextPassages(c) {
		b.WriteString(p.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

type contextLine struct {
	heading, text string
	// names are the elements that the line concerns; none means the system.
	names []string
}

func contextLines(c *threatmodel.Context) []contextLine {
	var out []contextLine
	if c.Criticality != "" {
		out = append(out, contextLine{heading: "Criticality", text: "The system's criticality is " + c.Criticality + "."})
	}
	for _, d := range c.DataClasses {
		text := d.Name + " is classified as " + d.Class
		if len(d.Kinds) > 0 {
			text += " (" + strings.Join(d.Kinds, ", ") + ")"
		}
		out = append(out, contextLine{heading: "Data classes", text: text + "."})
	}
	for _, a := range c.Assumptions {
		out = append(out, contextLine{heading: "Assumptions", text: a})
	}
	for _, o := range c.OutOfScope {
		out = append(out, contextLine{heading: "Out of scope", text: o})
	}
	for _, i := range c.Inherited {
		text := i.Provider + " provides " + i.Control + ": " + i.Statement
		if i.ShownIn != "" {
			text += " (shown in " + i.ShownIn + ")"
		}
		out = append(out, contextLine{heading: "Inherited controls", text: text, names: i.Elements})
	}
	return out
}

// contextFor are the lines of bartizan.yaml that concern elements of the given
// names, and those that concern the whole system.
func (r *run) contextFor(names ...string) []string {
	if r.in.Context == nil {
		return nil
	}
	var out []string
	for _, line := range contextLines(r.in.Context) {
		if len(line.names) == 0 || sharesName(line.names, names) {
			out = append(out, line.heading+": "+passage.Fold(line.text))
		}
	}
	return out
}

func sharesName(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if foldName(x) == foldName(y) {
				return true
			}
		}
	}
	return false
}
