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
	kind                threatmodel.Kind
}

// resolve groups names that differ only by a noun or a technology: "Event Bus"
// and "Event Bus Kafka". Where a name could belong to two others it stays
// alone.
func (v *view) resolve(about *analyze.ResolveAbout) *analyze.ResolveAnswer {
	out := &analyze.ResolveAnswer{Groups: []analyze.ResolveGroup{}}
	ids := make([]identity, len(about.Names))
	for i, n := range about.Names {
		ids[i] = v.a.identity(n)
	}
	used := make([]bool, len(ids))
	for i := range ids {
		if used[i] {
			continue
		}
		group := []string{fmt.Sprintf("N%d", i+1)}
		for k := i + 1; k < len(ids); k++ {
			if !used[k] && same(ids[i], ids[k]) && !v.ambiguous(ids, i, k) {
				used[k] = true
				group = append(group, fmt.Sprintf("N%d", k+1))
			}
		}
		if len(group) > 1 {
			out.Groups = append(out.Groups, analyze.ResolveGroup{Names: group})
		}
	}
	return out
}

func (a *Analyst) identity(n analyze.ResolveName) identity {
	id := identity{kind: n.Kind}
	t := a.lib.Read(n.Name)
	covered := make([]bool, len(t.Tokens))
	for _, m := range t.Mentions {
		if m.Entry.Type == "technology" {
			id.technologies = append(id.technologies, m.Entry.Name)
		}
		if m.Entry.Type == "technology" || m.Entry.Type == "noun" && m.End == len(t.Tokens) {
			for i := m.Start; i < m.End; i++ {
				covered[i] = true
			}
		}
	}
	for i := range t.Tokens {
		if !covered[i] {
			id.words = append(id.words, singular(t.Tokens[i].Word))
		}
	}
	return id
}

// same reports whether two names may stand for one element: of one kind, with
// the same telling words or, where one has none, the same technology.
func same(a, b identity) bool {
	if a.kind != b.kind {
		return false
	}
	if slices.Equal(a.words, b.words) && len(a.words) > 0 {
		return true
	}
	shared := slices.ContainsFunc(a.technologies, func(t string) bool { return slices.Contains(b.technologies, t) })
	return shared && (len(a.words) == 0 || len(b.words) == 0)
}

// ambiguous reports whether one of two names fits a third as well, which the
// other does not.
func (v *view) ambiguous(ids []identity, i, k int) bool {
	for j := range ids {
		if j == i || j == k {
			continue
		}
		if same(ids[i], ids[j]) != same(ids[k], ids[j]) && strings.Join(ids[j].words, " ") != strings.Join(ids[i].words, " ") {
			return true
		}
	}
	return false
}
