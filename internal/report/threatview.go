package report

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// threatView is a threat as the page shows it.
type threatView struct {
	*threatmodel.Threat
	ElementName string
	Worst       *threatmodel.ControlRef
	Omission    bool
	Quotes      []quoteView
	Views       []controlView
	Steps       []stepView
	Weaknesses  []reference
	Patterns    []reference
	Techniques  []reference
	Family      string
	Review      *sides
	// Search is what the filter looks in.
	Search string
}

// sides are two texts with what only one of them says marked.
type sides struct {
	Reason, Cause string
	Before, After []piece
}

// controlView is a control with its quotes; both sides of a bypass apart.
type controlView struct {
	threatmodel.ControlRef
	States, Against []quoteView
}

type stepView struct {
	Number int
	threatmodel.Step
	Quotes []quoteView
}

// quoteView is a quote in its surrounding text.
type quoteView struct {
	Before, Quote, After string
	Document, Place      string
	Headings             []string
	// Anchor leads into the document's text in this page, File to the
	// extracted text beside it; empty where there is none.
	Anchor, File string
	Omission     bool
	Against      bool
	// Lost is true where the document's text is at hand and does not hold the
	// quote: the text is of another revision.
	Lost bool
}

func (p *html) threat(t *threatmodel.Threat) threatView {
	v := threatView{
		Threat: t, Worst: worst(t), Omission: omission(t), Quotes: p.quotes(t.Evidence), Family: p.names.family(t.Family),
	}
	if len(t.Elements) > 0 {
		v.ElementName = p.elementName(t.Elements[0])
	}
	for _, c := range t.Controls {
		v.Views = append(v.Views, p.control(c))
	}
	for i, s := range t.Steps {
		v.Steps = append(v.Steps, stepView{i + 1, s, p.quotes(s.Evidence)})
	}
	for _, id := range t.CWE {
		v.Weaknesses = append(v.Weaknesses, p.names.cwe(id))
	}
	for _, id := range t.CAPEC {
		v.Patterns = append(v.Patterns, p.names.capec(id))
	}
	for _, id := range t.ATTACK {
		v.Techniques = append(v.Techniques, p.names.attack(id))
	}
	if r := t.ReviewDue; r != nil {
		v.Review = bothSides(r.Before, r.After)
		v.Review.Reason, v.Review.Cause = r.Reason, r.Cause
	}
	v.Search = strings.ToLower(strings.Join([]string{t.ID, t.Title, v.ElementName, v.Family}, " "))
	return v
}

func bothSides(before, after string) *sides {
	a, b := compare(visible.Line(before), visible.Line(after))
	return &sides{Before: a, After: b}
}

// control parts the quotes of a control into what states it and what goes
// round it.
func (p *html) control(c threatmodel.ControlRef) controlView {
	v := controlView{ControlRef: c}
	for _, q := range p.quotes(c.Evidence) {
		if q.Against {
			v.Against = append(v.Against, q)
		} else {
			v.States = append(v.States, q)
		}
	}
	return v
}

func (p *html) quotes(evidence []threatmodel.Evidence) []quoteView {
	var out []quoteView
	for _, e := range evidence {
		out = append(out, p.quote(e))
	}
	return out
}

// quote shows a quote where it stands.
func (p *html) quote(e threatmodel.Evidence) quoteView {
	q := quoteView{
		Quote: visible.Line(e.Quote), Document: p.documentName(e.Document), Place: where(e.Locator), Headings: e.Locator.HeadingPath,
		Omission: e.Omission, Against: e.Role == threatmodel.Contradicts,
	}
	src := p.sources[e.Document]
	if src == nil {
		return q
	}
	q.File = p.file(e.Document)
	start, end, ok := p.sources.find(e)
	if !ok {
		q.Lost = true
		return q
	}
	q.Before, q.After = src.context(start, end)
	q.Anchor = p.anchor(e.Document, start)
	return q
}

// file is the relative address of a document's extracted text; empty where the
// model names no file of that folder.
func (p *html) file(document string) string {
	d := p.Document(document)
	if d == nil || d.Text == "" || strings.ContainsAny(d.Text, `\:`) {
		return ""
	}
	parts := strings.Split(strings.TrimPrefix(d.Text, "documents/"), "/")
	for i, part := range parts {
		if part == "" || part == "." || part == ".." {
			return ""
		}
		parts[i] = url.PathEscape(part)
	}
	return "documents/" + strings.Join(parts, "/")
}

// anchor is the place of a quote in the texts at the end of the page.
func (p *html) anchor(document string, start int) string {
	for i, s := range p.marks[document] {
		if start >= s.start && start < s.end {
			return anchorName(p.textID(document), i)
		}
	}
	return ""
}

func anchorName(text string, i int) string { return fmt.Sprintf("%s-q%d", text, i+1) }

// textID is the anchor of a document's text.
func (p *html) textID(document string) string {
	return fmt.Sprintf("text-%d", slices.IndexFunc(p.documents, func(d threatmodel.Document) bool { return d.ID == document })+1)
}
