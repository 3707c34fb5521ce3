package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// identity is what tells one name from another: its words without nouns that
// only say what kind of thing it is, and its technologies.
type identity struct {
	words, technologies []string
	noun                string
	kind                threatmodel.Kind
}

// resolve groups names that differ only by a noun or a technology: "Event Bus"
// and "Event Bus Kafka". A name that could belong to two others stays alone.
func (v *view) resolve(about *analyze.ResolveAbout) *analyze.ResolveAnswer {
	out := &analyze.ResolveAnswer{Groups: []analyze.ResolveGroup{}}
	ids := make([]identity, len(about.Names))
	all := make([]int, len(about.Names))
	for i, n := range about.Names {
		ids[i], all[i] = v.a.identity(n), i
	}
	for _, group := range groups(ids, all) {
		if conflicting(ids, group) {
			telling := slices.DeleteFunc(slices.Clone(group), func(i int) bool { return len(ids[i].words) == 0 })
			for _, g := range groups(ids, telling) {
				out.Groups = appendGroup(out.Groups, g)
			}
			continue
		}
		out.Groups = appendGroup(out.Groups, group)
	}
	return out
}

func appendGroup(out []analyze.ResolveGroup, group []int) []analyze.ResolveGroup {
	if len(group) < 2 {
		return out
	}
	g := analyze.ResolveGroup{}
	for _, i := range group {
		g.Names = append(g.Names, fmt.Sprintf("N%d", i+1))
	}
	return append(out, g)
}

// groups joins names that are the same, over any number of steps.
func groups(ids []identity, of []int) [][]int {
	var out [][]int
	for _, i := range of {
		joined := []int{i}
		var rest [][]int
		for _, g := range out {
			if slices.ContainsFunc(g, func(k int) bool { return same(ids[i], ids[k]) }) {
				joined = append(joined, g...)
				continue
			}
			rest = append(rest, g)
		}
		slices.Sort(joined)
		out = append(rest, joined)
	}
	return out
}

// conflicting reports whether a group holds names with different telling
// words, which only a name without any joins.
func conflicting(ids []identity, group []int) bool {
	var words []string
	for _, i := range group {
		if len(ids[i].words) == 0 {
			continue
		}
		if words != nil && !slices.Equal(words, ids[i].words) {
			return true
		}
		words = ids[i].words
	}
	return false
}

func (a *Analyst) identity(n analyze.ResolveName) identity {
	id := identity{kind: n.Kind}
	t := a.lib.Read(n.Name)
	covered := make([]bool, len(t.Tokens))
	end := len(t.Tokens)
	for k := len(t.Mentions) - 1; k >= 0; k-- {
		m := t.Mentions[k]
		switch {
		case m.Entry.Type == "technology":
			id.technologies = append(id.technologies, m.Entry.Name)
		case m.Entry.Type == "noun" && m.End == end:
			id.noun = key(t.Slice(m.Start, m.End))
		default:
			continue
		}
		for i := m.Start; i < m.End; i++ {
			covered[i] = true
		}
		if m.End == end {
			end = m.Start
		}
	}
	for i := range t.Tokens {
		if !covered[i] {
			id.words = append(id.words, singular(t.Tokens[i].Word))
		}
	}
	return id
}

// same reports whether two names may stand for one element: with the same
// telling words or, where one has none, the same technology.
func same(a, b identity) bool {
	if (a.kind == threatmodel.ExternalEntity) != (b.kind == threatmodel.ExternalEntity) {
		return false
	}
	if slices.Equal(a.words, b.words) && len(a.words) > 0 && (a.noun == b.noun || a.noun == "" || b.noun == "") {
		return true
	}
	if len(a.words) == 0 && len(b.words) == 0 && a.noun == b.noun && strings.Contains(a.noun, " ") {
		return true
	}
	shared := slices.ContainsFunc(a.technologies, func(t string) bool { return slices.Contains(b.technologies, t) })
	return shared && (len(a.words) == 0 || len(b.words) == 0)
}
