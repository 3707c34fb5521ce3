package reconcile

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// ends are the final ids of a flow's two elements.
type ends struct{ from, to string }

// matchFlows pairs the flows between the same ends, and numbers the others.
func (m *matcher) matchFlows() {
	then, now := map[ends][]*node{}, map[ends][]*node{}
	for _, f := range m.oldFlows {
		e := ends{m.match.current(f.From), m.match.current(f.To)}
		then[e] = append(then[e], f)
	}
	var order []ends
	for _, f := range m.foundFlows {
		e := ends{m.id(f.From), m.id(f.To)}
		if now[e] == nil {
			order = append(order, e)
		}
		now[e] = append(now[e], f)
	}
	slices.SortFunc(order, func(a, b ends) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for _, e := range order {
		m.pairFlows(then[e], now[e])
		for _, f := range now[e] {
			id, ok := m.oldOf[f.ID]
			if !ok {
				id = mint("E", "flow\x00"+e.from+"\x00"+e.to+"\x00"+Fold(f.Label), m.taken)
			}
			m.match.IDs[f.ID] = id
		}
	}
}

// pairFlows tells flows between the same ends apart by label and quotes; the
// last one left on each side are the same.
func (m *matcher) pairFlows(then, now []*node) {
	if len(then) > 1 || len(now) > 1 {
		var edges []edge
		for i, o := range then {
			for j, n := range now {
				if w := flowLikeness(o, n); w > 0 {
					edges = append(edges, edge{i, j, w})
				}
			}
		}
		for _, e := range assign(edges) {
			m.pair(then[e.row], now[e.col])
		}
	}
	left := slices.DeleteFunc(slices.Clone(then), func(f *node) bool { return m.newOf[f.ID] != "" })
	right := slices.DeleteFunc(slices.Clone(now), func(f *node) bool { return m.oldOf[f.ID] != "" })
	if len(left) == 1 && len(right) == 1 {
		m.pair(left[0], right[0])
	}
}

func flowLikeness(o, n *node) int64 {
	weight := int64(10 * common(o.quotes, n.quotes))
	a, b := Fold(o.Label), Fold(n.Label)
	if a == b {
		return weight + 100
	}
	if s := similarity(wordsOf(a), wordsOf(b)); s >= 0.5 {
		weight += int64(9 * s)
	}
	return weight
}

// id is the final id of a new element; what refers to nothing stays as it is.
func (m *matcher) id(candidate string) string {
	if id, ok := m.match.IDs[candidate]; ok {
		return id
	}
	return candidate
}

// finish writes the elements with their final ids, and what became of the old.
func (m *matcher) finish() {
	then := map[string]*node{}
	for _, o := range slices.Concat(m.old, m.oldFlows) {
		then[o.ID] = o
	}
	kept := map[string]bool{}
	for _, n := range slices.Concat(m.found, m.foundFlows) {
		o := then[m.oldOf[n.ID]]
		e := m.final(n, o)
		m.match.Elements = append(m.match.Elements, e)
		switch {
		case o == nil:
			m.match.Diffs = append(m.match.Diffs, threatmodel.ElementDiff{Element: e.ID, Name: e.Name, Change: "added"})
			continue
		case o.name != n.name && e.Kind != threatmodel.DataFlow:
			m.match.Diffs = append(m.match.Diffs, threatmodel.ElementDiff{Element: e.ID, Name: e.Name, Change: "renamed", Before: o.Element.Name})
		}
		kept[o.ID] = true
	}
	for _, o := range slices.Concat(m.old, m.oldFlows) {
		if kept[o.ID] {
			continue
		}
		if m.match.Former[o.ID] == "" {
			m.match.Missing = append(m.match.Missing, m.missing(o))
		}
		m.match.Diffs = append(m.match.Diffs, threatmodel.ElementDiff{Element: o.ID, Name: o.Element.Name, Change: "removed"})
	}
	sortElements(m.match.Elements)
	sortElements(m.match.Missing)
	slices.SortFunc(m.match.Diffs, func(a, b threatmodel.ElementDiff) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Element, b.Element))
	})
}

// final is a new element under its final id. The names that it had before
// become aliases.
func (m *matcher) final(n, o *node) threatmodel.Element {
	e := n.Element
	e.ID, e.From, e.To, e.Boundary = m.id(e.ID), m.id(e.From), m.id(e.To), m.id(e.Boundary)
	e.Crosses = nil
	for _, b := range n.Crosses {
		e.Crosses = append(e.Crosses, m.id(b))
	}
	slices.Sort(e.Crosses)
	e.Aliases = slices.Clone(n.Element.Aliases)
	if o == nil || e.Kind == threatmodel.DataFlow {
		return e
	}
	for _, name := range append([]string{o.Element.Name}, o.Element.Aliases...) {
		known := foldName(name) == n.name || slices.ContainsFunc(e.Aliases, func(a string) bool { return foldName(a) == foldName(name) })
		if !known {
			e.Aliases = append(e.Aliases, name)
		}
	}
	return e
}

// missing is an old element as far as it stands now.
func (m *matcher) missing(o *node) threatmodel.Element {
	e := o.Element
	e.Evidence, _ = m.trail.relocate(e.Evidence)
	e.From, e.To, e.Boundary = m.match.current(e.From), m.match.current(e.To), m.match.current(e.Boundary)
	e.Crosses = nil
	for _, b := range o.Crosses {
		e.Crosses = append(e.Crosses, m.match.current(b))
	}
	return e
}

func sortElements(list []threatmodel.Element) {
	slices.SortFunc(list, func(a, b threatmodel.Element) int {
		return cmp.Or(
			cmp.Compare(slices.Index(threatmodel.Kinds(), a.Kind), slices.Index(threatmodel.Kinds(), b.Kind)),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID),
		)
	})
}

// Assets gives new assets the ids of the old ones of the same name, and every
// asset the final ids of its elements. It returns them, ordered by name, and
// the final id of each candidate's.
func Assets(old, found []threatmodel.Asset, elements *ElementMatch) ([]threatmodel.Asset, map[string]string) {
	taken, byName := map[string]bool{}, map[string]string{}
	for i := range old {
		taken[old[i].ID] = true
		byName[foldName(old[i].Name)] = old[i].ID
	}
	out := slices.Clone(found)
	slices.SortFunc(out, func(a, b threatmodel.Asset) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Class, b.Class), cmp.Compare(a.ID, b.ID))
	})
	ids := map[string]string{}
	for i := range out {
		name := foldName(out[i].Name)
		id, ok := byName[name]
		if !ok {
			id = mint("A", name, taken)
		}
		delete(byName, name)
		ids[out[i].ID] = id
		out[i].ID = id
		out[i].Elements = mapped(out[i].Elements, elements.IDs)
	}
	return out, ids
}

// mapped replaces ids; those that the map does not know stay.
func mapped(list []string, ids map[string]string) []string {
	out := slices.Clone(list)
	for i, id := range out {
		if now, ok := ids[id]; ok {
			out[i] = now
		}
	}
	return out
}
