package secret

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Mask finds the credentials of a document, adds a notice for each kind and
// place, and replaces the bytes of the credentials by asterisks wherever the
// document holds them. Offsets stay. Where show is true only the notices are
// added. The blocks of src are changed in place.
func Mask(src *threatmodel.Source, show bool) {
	found := disjoint(append(Find(src.Body), load().columns(src)...))
	if len(found) > 0 && !show {
		remask(src, found)
	}
	if !show {
		maskRest(src, found)
	}
	src.Notices = append(src.Notices, notices(src, found, show)...)
}

// columns finds values in the columns of tables whose header names a secret.
func (r *rules) columns(src *threatmodel.Source) []Finding {
	var found []Finding
	var keys []*name
	group := 0
	for i := range src.Blocks {
		b := &src.Blocks[i]
		switch {
		case b.Kind != threatmodel.BlockTableRow:
		case b.Header:
			group, keys = b.Group, r.header(b.Cells)
		case b.Group == group:
			found = append(found, r.row(b, keys)...)
		}
	}
	return found
}

// header has for each cell the name that it is, or nil.
func (r *rules) header(cells []string) []*name {
	keys := make([]*name, len(cells))
	for i, c := range cells {
		if n, ok := r.isKey(c); ok {
			keys[i] = &n
		}
	}
	return keys
}

func (r *rules) row(b *threatmodel.Block, keys []*name) []Finding {
	var found []Finding
	at := b.Locator.ByteStart
	for i, c := range b.Cells {
		if i < len(keys) && keys[i] != nil {
			v := strings.TrimSpace(c)
			start := at + strings.Index(c, v)
			if v != "" && r.accepts(*keys[i], value{text: v, alone: true}) {
				found = append(found, Finding{Kind: "password", Name: "a value in a column of secrets", Start: start, Spans: []Span{{start, start + len(v)}}})
			}
		}
		at += len(c) + len(" | ")
	}
	return found
}

// remask takes the text, blocks and cells from the masked text.
func remask(src *threatmodel.Source, found []Finding) {
	src.Body = String(src.Body, found)
	for i := range src.Blocks {
		b := &src.Blocks[i]
		b.Text = src.Body[b.Locator.ByteStart:b.Locator.ByteEnd]
		at := 0
		for j, c := range b.Cells {
			b.Cells[j] = b.Text[at : at+len(c)]
			at += len(c) + len(" | ")
		}
	}
}

// maskRest masks what was made from the text: titles, paths of headings, what
// was read from diagrams, and notices that quote.
func maskRest(src *threatmodel.Source, found []Finding) {
	m := newRepeat(src.Body, found)
	src.Title = m.mask(src.Title)
	m.maskPaths(src.Blocks)
	for i := range src.Diagrams {
		d := &src.Diagrams[i]
		for _, list := range [][]threatmodel.DiagramNode{d.Nodes, d.Groups} {
			for j := range list {
				n := &list[j]
				n.ID, n.Name, n.Group = m.mask(n.ID), m.mask(n.Name), m.mask(n.Group)
			}
		}
		for j := range d.Edges {
			e := &d.Edges[j]
			e.From, e.To, e.Label = m.mask(e.From), m.mask(e.To), m.mask(e.Label)
		}
	}
	for i := range src.Notices {
		src.Notices[i].Text = m.mask(src.Notices[i].Text)
	}
}

// maskPaths masks the paths of headings. The blocks under one heading have one
// and the same, in which most often nothing is to be masked.
func (m *repeat) maskPaths(blocks []threatmodel.Block) {
	var clean *string
	n := 0
	for i := range blocks {
		path := blocks[i].Locator.HeadingPath
		if len(path) == 0 || &path[0] == clean && len(path) == n {
			continue
		}
		clean, n = &path[0], len(path)
		for j, s := range path {
			if path[j] = m.mask(s); path[j] != s {
				clean = nil
			}
		}
	}
}
