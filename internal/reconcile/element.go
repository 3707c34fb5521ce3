package reconcile

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// leastNeighbours and leastEvidence, in tenths, must be shared for an
	// element to be a renamed one.
	leastNeighbours = 6
	leastEvidence   = 5
)

// ElementMatch says who is who among the elements of an old and a new model.
type ElementMatch struct {
	// Elements are the new elements with their final ids, everywhere where
	// they refer to each other too; ordered by kind, name and id.
	Elements []threatmodel.Element
	// IDs maps the id that an element had as a candidate to its final one.
	IDs map[string]string
	// Former maps the id of an old element that became another name of one
	// that stays to the id of that.
	Former map[string]string
	// Missing are the old elements that no new one continues, with the
	// quotes that stand now.
	Missing []threatmodel.Element
	Diffs   []threatmodel.ElementDiff
}

// current is the id under which an old element goes on.
func (m *ElementMatch) current(id string) string {
	if now, ok := m.Former[id]; ok {
		return now
	}
	return id
}

// Elements gives new elements the ids of the old ones that they continue: by
// name or alias first, then as renames, where two are each other's best match by
// flows and quotes. In doubt an element is a new one. A data flow is known by
// its ends, and by its label where several run between the same.
//
// The ids of the new elements are handles that need only differ from each
// other. The order of neither list matters.
func Elements(old, found []threatmodel.Element, trail *Trail) ElementMatch {
	m := matcher{
		trail: trail, newOf: map[string]string{}, oldOf: map[string]string{},
		match: ElementMatch{IDs: map[string]string{}, Former: map[string]string{}, Elements: []threatmodel.Element{}},
	}
	m.old, m.oldFlows = m.nodes(old, m.quotesThen)
	m.found, m.foundFlows = m.nodes(found, m.quotesNow)
	m.byName()
	m.byRename()
	m.number(old)
	m.matchFlows()
	m.finish()
	return m.match
}

// matcher is one matching of elements.
type matcher struct {
	trail                *Trail
	old, found           []*node
	oldFlows, foundFlows []*node
	newOf, oldOf         map[string]string // by id
	taken                map[string]bool
	match                ElementMatch
}

// node is an element with what it is known by.
type node struct {
	threatmodel.Element
	name    string
	aliases []string
	quotes  map[string]bool // hashes of what stands in the present text
}

// boundary keeps trust boundaries apart from what they may share a name with.
func (n *node) boundary() bool { return n.Kind == threatmodel.TrustBoundary }

func (n *node) key() string {
	if n.boundary() {
		return "boundary\x00" + n.name
	}
	return n.name
}

// nodes splits elements into nodes and flows, each in an order of their own.
func (m *matcher) nodes(list []threatmodel.Element, quotes func([]threatmodel.Evidence) map[string]bool) (nodes, flows []*node) {
	for _, e := range list {
		n := &node{Element: e, name: foldName(e.Name), quotes: quotes(e.Evidence)}
		for _, a := range e.Aliases {
			n.aliases = append(n.aliases, foldName(a))
		}
		if e.Kind == threatmodel.DataFlow {
			flows = append(flows, n)
		} else {
			nodes = append(nodes, n)
		}
	}
	for _, l := range [][]*node{nodes, flows} {
		slices.SortFunc(l, func(a, b *node) int {
			return cmp.Or(cmp.Compare(a.key(), b.key()), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Label, b.Label), cmp.Compare(a.ID, b.ID))
		})
	}
	return nodes, flows
}

func (m *matcher) quotesNow(evidence []threatmodel.Evidence) map[string]bool {
	out := map[string]bool{}
	for _, a := range Anchors(evidence) {
		out[a.Hash] = true
	}
	return out
}

// quotesThen are the old quotes as they stand now, edited ones as they were
// edited; what is gone counts as itself.
func (m *matcher) quotesThen(evidence []threatmodel.Evidence) map[string]bool {
	out := map[string]bool{}
	for _, a := range Anchors(evidence) {
		if now := m.trail.Of(a); now.Fate != Gone {
			a = now.Anchor
		}
		out[a.Hash] = true
	}
	return out
}

func (m *matcher) pair(old, found *node) {
	m.newOf[old.ID], m.oldOf[found.ID] = found.ID, old.ID
}

// byName pairs elements of the same name, then those where one's name is the
// other's alias, then those that share an alias.
func (m *matcher) byName() {
	m.pass(func(o, n *node) bool { return o.name == n.name })
	m.pass(func(o, n *node) bool { return slices.Contains(o.aliases, n.name) || slices.Contains(n.aliases, o.name) })
	m.pass(func(o, n *node) bool { return intersects(o.aliases, n.aliases) })
}

func (m *matcher) pass(same func(old, found *node) bool) {
	var edges []edge
	for i, o := range m.old {
		for j, n := range m.found {
			if m.free(o, n) && same(o, n) {
				weight := int64(1 + 2*common(o.quotes, n.quotes))
				if o.Kind == n.Kind {
					weight++
				}
				edges = append(edges, edge{i, j, weight})
			}
		}
	}
	for _, e := range assign(edges) {
		m.pair(m.old[e.row], m.found[e.col])
	}
}

func (m *matcher) free(o, n *node) bool {
	return m.newOf[o.ID] == "" && m.oldOf[n.ID] == "" && o.boundary() == n.boundary()
}

// byRename pairs elements that are each other's best match, until no more are:
// each pair found makes the neighbours of others known.
func (m *matcher) byRename() {
	for m.renames() {
	}
}

func (m *matcher) renames() bool {
	best := map[*node]*node{}
	score := map[*node]float64{}
	offer := func(a, b *node, s float64) {
		switch {
		case s > score[a]:
			best[a], score[a] = b, s
		case s == score[a]:
			best[a] = nil // two as good: in doubt
		}
	}
	for _, o := range m.old {
		for _, n := range m.found {
			if !m.free(o, n) {
				continue
			}
			if s := m.likeness(o, n); s > 0 {
				offer(o, n, s)
				offer(n, o, s)
			}
		}
	}
	any := false
	for _, o := range m.old {
		if n := best[o]; n != nil && best[n] == o {
			m.pair(o, n)
			any = true
		}
	}
	return any
}

// likeness is 0 where the two cannot be one renamed element, else the shares of
// neighbours and quotes that they have in common.
func (m *matcher) likeness(o, n *node) float64 {
	quotes, mostQuotes := common(o.quotes, n.quotes), max(len(o.quotes), len(n.quotes))
	if quotes == 0 || quotes*10 < mostQuotes*leastEvidence {
		return 0
	}
	evidence := float64(quotes) / float64(mostQuotes)
	a, b := m.neighbours(o, m.oldFlows, m.old, m.newOf), m.neighbours(n, m.foundFlows, m.found, nil)
	shared, most := common(a, b), max(len(a), len(b))
	switch {
	case most == 0 && o.Kind != n.Kind:
		return 0
	case most == 0:
		return evidence
	case shared*10 < most*leastNeighbours:
		return 0
	}
	return evidence + float64(shared)/float64(most)
}

// neighbours are the elements at the other ends of a node's flows; of a
// boundary, the elements that it holds. Old ones go by the id of their match.
func (m *matcher) neighbours(n *node, flows, nodes []*node, matched map[string]string) map[string]bool {
	out := map[string]bool{}
	add := func(id string) {
		if now := matched[id]; now != "" {
			id = now
		} else if matched != nil {
			id = "old " + id
		}
		out[id] = true
	}
	if n.boundary() {
		for _, x := range nodes {
			if x.Boundary == n.ID {
				add(x.ID)
			}
		}
		return out
	}
	for _, f := range flows {
		switch n.ID {
		case f.From:
			add(f.To)
		case f.To:
			add(f.From)
		}
	}
	return out
}

// number gives every new node its id, and finds the old ones that became
// another name of one.
func (m *matcher) number(old []threatmodel.Element) {
	m.taken = map[string]bool{}
	for i := range old {
		m.taken[old[i].ID] = true
	}
	for _, n := range m.found {
		id, ok := m.oldOf[n.ID]
		if !ok {
			id = mint("E", n.key(), m.taken)
		}
		m.match.IDs[n.ID] = id
	}
	for _, o := range m.old {
		if m.newOf[o.ID] != "" {
			continue
		}
		for _, n := range m.found {
			if o.boundary() == n.boundary() && intersects(append([]string{o.name}, o.aliases...), append([]string{n.name}, n.aliases...)) {
				m.match.Former[o.ID] = m.match.IDs[n.ID]
				break
			}
		}
	}
}

func common(a, b map[string]bool) int {
	n := 0
	for x := range a {
		if b[x] {
			n++
		}
	}
	return n
}

func intersects(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}
