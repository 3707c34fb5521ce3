package report

import (
	"maps"
	"slices"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// mostText bounds, in bytes, the extracted text that one page holds. What is
// beyond it is found in the files beside the page.
const mostText = 2 << 20

// textView is a document's extracted text with the quoted places marked.
type textView struct {
	ID   string
	File string
	threatmodel.Document
	Parts []textPart
	// Left is true where the text is at hand but too long for the page.
	Left bool
	// Quotes counts the marked places.
	Quotes int
}

// textPart is a run of text; with an anchor where it is quoted.
type textPart struct {
	Text, Anchor string
	Threats      []string
}

// withOthers adds to the documents of a model the texts that are none of them.
func withOthers(documents []threatmodel.Document, texts Texts) []threatmodel.Document {
	out := slices.Clone(documents)
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		if !slices.ContainsFunc(documents, func(d threatmodel.Document) bool { return d.ID == id }) {
			out = append(out, threatmodel.Document{ID: id, Name: id})
		}
	}
	return out
}

// quotedPlaces are the places of all quotes, by document.
func (p *html) quotedPlaces() map[string][]span {
	out := map[string][]span{}
	put := func(threat string, evidence []threatmodel.Evidence) {
		for _, e := range evidence {
			start, end, ok := p.sources.find(e)
			if !ok {
				continue
			}
			s := span{start: start, end: end}
			if threat != "" {
				s.threats = []string{threat}
			}
			out[e.Document] = append(out[e.Document], s)
		}
	}
	for i := range p.Threats {
		t := &p.Threats[i]
		put(t.ID, t.Evidence)
		for _, c := range t.Controls {
			put(t.ID, c.Evidence)
		}
		for _, s := range t.Steps {
			put(t.ID, s.Evidence)
		}
	}
	for _, evidence := range p.otherEvidence() {
		put("", evidence)
	}
	for id, spans := range out {
		out[id] = merge(spans)
	}
	return out
}

// otherEvidence are the quotes of everything but threats.
func (p *html) otherEvidence() [][]threatmodel.Evidence {
	var out [][]threatmodel.Evidence
	for _, f := range p.Brief.Facts {
		out = append(out, f.Evidence)
	}
	for _, e := range p.Elements {
		out = append(out, e.Evidence)
	}
	for _, a := range p.Assets {
		out = append(out, a.Evidence)
	}
	for _, c := range p.StatedControls {
		out = append(out, c.Evidence)
	}
	for _, q := range p.Questions {
		out = append(out, q.Evidence)
	}
	for _, n := range p.Notices {
		out = append(out, n.Evidence)
	}
	for _, r := range p.Analysis.Rejections {
		out = append(out, r.Evidence)
	}
	return out
}

// textViews are the documents with as much of their text as the page may hold.
func (p *html) textViews() []textView {
	var out []textView
	used := 0
	for _, d := range p.documents {
		v := textView{ID: p.textID(d.ID), Document: d, Quotes: len(p.marks[d.ID])}
		if src := p.sources[d.ID]; src != nil {
			v.File = p.file(d.ID)
			if used+len(src.text) > mostText {
				v.Left = true
			} else {
				used += len(src.text)
				v.Parts = p.parts(d.ID, v.ID, src.text)
			}
		}
		if v.Left {
			delete(p.marks, d.ID) // nothing may link to a place that is not there
		}
		out = append(out, v)
	}
	return out
}

// parts cuts a text at the quoted places.
func (p *html) parts(document, id, text string) []textPart {
	var out []textPart
	at := 0
	for i, s := range p.marks[document] {
		if s.start > at {
			out = append(out, textPart{Text: visible.Text(text[at:s.start])})
		}
		out = append(out, textPart{Text: visible.Text(text[s.start:s.end]), Anchor: anchorName(id, i), Threats: s.threats})
		at = s.end
	}
	if at < len(text) {
		out = append(out, textPart{Text: visible.Text(text[at:])})
	}
	return out
}
