package diagram

import (
	"regexp"
	"strings"
)

// architecture reads a Mermaid architecture diagram, statement by statement.
type architecture struct {
	*graph
	hidden bool
}

var (
	architectureNode = regexp.MustCompile(`^(group|service|junction)\s+([\w-]+)\s*(?:\(([^)]*)\))?\s*(?:\[(.*?)\]|"([^"]*)")?\s*(?:\bin\s+([\w-]+))?$`)
	architectureEdge = regexp.MustCompile(`^([\w-]+)(\{group\})?\s*:\s*[LRTB]\s*(<)?\s*(?:--|-\s*\[(.*)\]\s*-)\s*(>)?\s*[LRTB]\s*:\s*([\w-]+)(\{group\})?$`)
	architectureSays = regexp.MustCompile(`^(?:title\s+\S|accTitle\s*:|accDescr\s*:)`)
)

func readArchitecture(source string, start int) *graph {
	a := &architecture{graph: newGraph("mermaid", Architecture, source)}
	a.declaring = true
	var edges []statement
	for _, s := range statements(source, start) {
		switch {
		case a.full:
		case architectureEdge.MatchString(s.text):
			edges = append(edges, s) // its ends may be declared later
		case !a.statement(s):
			a.misread(s.start)
		}
	}
	for _, s := range edges {
		if !a.full {
			a.arrow(architectureEdge.FindStringSubmatch(s.text), s.place)
		}
	}
	return a.graph
}

func (a *architecture) statement(s statement) bool {
	switch {
	case a.hidden:
		a.states(s.place)
		a.hidden = !strings.Contains(s.text, "}")
		return true
	case architectureSays.MatchString(s.text):
		a.states(s.place)
		return true
	case s.text == "title", strings.HasPrefix(s.text, "align "):
		return true
	case strings.HasPrefix(s.text, "accDescr"):
		a.hidden = !strings.Contains(s.text, "}")
		return true
	}
	m := architectureNode.FindStringSubmatch(s.text)
	if m == nil {
		return false
	}
	id, icon, name, in := m[2], strings.TrimSpace(m[3]), cleanLabel(first(m[4], m[5])), m[6]
	if m[1] == "group" {
		a.group(id, first(name, id), in, s.place)
		return true
	}
	a.node(id, icon, name, in, m[1] == "junction", s.place)
	return true
}

// group declares a group. It opens for no more than its own statement: what
// it holds says so itself.
func (a *architecture) group(id, name, in string, at place) {
	gr := a.openGroup(id, name, at)
	gr.parent = in
	a.open = nil
}

func (a *architecture) node(id, icon, name, in string, junction bool, at place) {
	n := a.declare(id, at)
	if n == nil {
		return
	}
	n.label(name, at)
	n.group, n.junction = in, junction
	n.icon = iconName(icon)
	if s, ok := findStencil(icon); ok {
		n.technology, n.stencil = s.Name, s.Kind
	}
}

// arrow reads an arrow; one that leaves a group leads from the group around
// the service.
func (a *architecture) arrow(m []string, at place) {
	from, to := a.end(m[1], m[2] != "", at), a.end(m[6], m[7] != "", at)
	if m[3] != "" && m[5] == "" {
		from, to = to, from
	}
	if !a.full {
		a.edge(from, to, cleanLabel(m[4]), (m[3] == "") == (m[5] == ""), at)
	}
}

func (a *architecture) end(id string, group bool, at place) string {
	n := a.mention(id, at)
	if n != nil && group && n.group != "" {
		return n.group
	}
	return id
}
