package builtin

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// table takes the component that a row of a component table lists.
func (s *surveyor) table(i int) {
	p := &s.q.Passages[i]
	if p.Kind != threatmodel.BlockTableRow || p.Header == "" || s.readings[i].aside || len(p.Sentences) == 0 {
		return
	}
	header, cells := columns(p.Header), columns(p.Text)
	if len(header) == 0 || len(cells) < 2 || !s.a.whole("column-name", header[0]) {
		return
	}
	name := strings.Trim(cells[0], "*`_ ")
	if name == "" || len(strings.Fields(name)) > 5 {
		return
	}
	n := &named{text: name, kind: threatmodel.Process, proper: true}
	for _, m := range s.a.read.names(s.a.lib.Read(name)) {
		n.kind, n.tags, n.entry = m.kind, m.tags, m.entry
	}
	technology := ""
	for k, h := range header {
		if k < len(cells) && s.a.whole("column-technology", h) {
			technology = cells[k]
		}
	}
	var used []string
	for _, m := range s.a.lib.Read(technology).Mentions {
		if m.Entry.Type == "technology" {
			used = append(used, m.Entry.Name)
			if n.entry == nil && m.Entry.Kind == threatmodel.DataStore {
				n.kind = m.Entry.Kind
			}
		}
	}
	c := s.add(n)
	c.sure = true
	c.mentions = append(c.mentions, place{i, 0})
	c.technologies = unite(c.technologies, used)
}

// columns splits a row as the extraction joined it.
func columns(row string) []string {
	out := strings.Split(row, " | ")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// whole reports whether a whole text is one of a group of words.
func (a *Analyst) whole(group, text string) bool {
	t := a.lib.Read(text)
	return len(t.Tokens) > 0 && a.lib.At(group, t, 0) == len(t.Tokens)
}
