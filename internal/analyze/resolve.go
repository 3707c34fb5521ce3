package analyze

import (
	"context"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// maxResolve is how many names one resolve question may show; larger clusters
// of suspects are cut by their head word.
const maxResolve = 12

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// resolve joins names that stand for one element: what is certain in Go, what
// is suspect by a question; then it settles the diagram.
func (r *run) resolve(ctx context.Context) error {
	r.graph.joinCertain()
	var err error
	if a := r.cfg.Analyst; a.Answers(threatmodel.StageResolve) {
		err = r.askResolve(ctx, a)
	}
	r.graph.settle()
	return err
}

func (r *run) askResolve(ctx context.Context, a Analyst) error {
	clusters := r.graph.suspects()
	answers := make([][]ResolveGroup, len(clusters))
	err := r.each(ctx, threatmodel.StageResolve, len(clusters), func(ctx context.Context, i int) error {
		q := r.resolveQuestion(clusters[i])
		res, err := ask(ctx, r, a, q, func(ans *ResolveAnswer) ([]ResolveGroup, []refusal) { return checkResolve(ans, len(clusters[i])) })
		for _, part := range res.parts {
			answers[i] = append(answers[i], part...)
		}
		return err
	})
	for i, groups := range answers {
		for _, group := range groups {
			first := clusters[i][aliasIndex("N", group.Names[0], len(clusters[i]))]
			for _, n := range group.Names[1:] {
				r.graph.join(first, clusters[i][aliasIndex("N", n, len(clusters[i]))])
			}
		}
	}
	return err
}

func (r *run) resolveQuestion(cluster []*draft) *Question {
	about := &ResolveAbout{}
	q := &Question{Stage: threatmodel.StageResolve, Titles: r.titles, About: about}
	var names []string
	var evidence []threatmodel.Evidence
	for _, d := range cluster {
		evidence = append(evidence, d.evidence[0])
		about.Names = append(about.Names, ResolveName{Name: d.names[0], Kind: d.kind()})
		names = append(names, d.names[0])
		if p := r.text.byPassage[d.evidence[0].Passage]; p != nil {
			q.Passages = append(q.Passages, *p)
		}
	}
	q.Subject = strings.Join(names, " / ")
	q.Passages = linesOf(uniquePassages(q.Passages), evidence, names)
	return q
}

// checkResolve takes groups of at least two known names; a name may stand in
// one group only.
func checkResolve(a *ResolveAnswer, n int) ([]ResolveGroup, []refusal) {
	var (
		out      []ResolveGroup
		refusals []refusal
		used     = map[int]bool{}
	)
	for _, g := range a.Groups {
		if len(g.Names) < 2 {
			continue
		}
		title := strings.Join(g.Names, " = ")
		reason := ""
		for _, name := range g.Names {
			i := aliasIndex("N", name, n)
			switch {
			case i < 0:
				reason = name + " is not one of the names listed"
			case used[i]:
				reason = name + " stands in two groups"
			}
			used[i] = true
		}
		if reason != "" {
			refusals = append(refusals, refusal{What: "element", Title: title, Reason: reason, Repairable: true})
			continue
		}
		out = append(out, g)
	}
	return out, refusals
}

// aliasIndex reads an alias such as E3 as an index; -1 where it names nothing.
func aliasIndex(prefix, alias string, n int) int {
	digits, ok := strings.CutPrefix(strings.ToUpper(strings.Trim(alias, " []()")), prefix)
	if !ok || digits == "" || len(digits) > 4 {
		return -1
	}
	i := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		i = i*10 + int(c-'0')
	}
	if i < 1 || i > n {
		return -1
	}
	return i - 1
}

// joinCertain joins an acronym with the one name that it abbreviates.
func (g *graph) joinCertain() {
	for _, d := range slices.Clone(g.drafts) {
		short := d.names[0]
		if strings.Contains(short, " ") || !slices.Contains(g.drafts, d) {
			continue
		}
		var long *draft
		many := false
		for _, other := range g.drafts {
			if other != d && other.kind() == d.kind() && isAcronym(short, other.names[0]) && strings.ToUpper(short) == short {
				many = many || long != nil
				long = other
			}
		}
		if long != nil && !many {
			g.join(long, d)
		}
	}
}

// suspects are clusters of drafts that may be one element, by name, each
// sorted, none larger than maxResolve.
func (g *graph) suspects() [][]*draft {
	list := slices.Clone(g.drafts)
	ends := g.flowEnds()
	sort.Slice(list, func(i, j int) bool { return list[i].names[0] < list[j].names[0] })
	parent := make([]int, len(list))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for i := range list {
		for j := range i {
			if g.suspect(list[i], list[j]) || sharesTechnology(list[i], list[j]) || sharesEnds(list[i], list[j], ends) {
				parent[root(i)] = root(j)
			}
		}
	}
	groups := map[int][]*draft{}
	var order []int
	for i := range list {
		k := root(i)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], list[i])
	}
	var out [][]*draft
	for _, k := range order {
		for part := range slices.Chunk(groups[k], maxResolve) {
			if len(part) > 1 {
				out = append(out, part)
			}
		}
	}
	return out
}

// flowEnds gives for each draft the drafts that it sends to and receives from.
func (g *graph) flowEnds() map[*draft]map[string]bool {
	out := map[*draft]map[string]bool{}
	note := func(d, other *draft, direction string) {
		if out[d] == nil {
			out[d] = map[string]bool{}
		}
		out[d][direction+foldName(other.names[0])] = true
	}
	for _, f := range g.flows {
		if from, to := g.find(f.from), g.find(f.to); from != nil && to != nil && from != to {
			note(from, to, "to ")
			note(to, from, "from ")
		}
	}
	return out
}

// sharesEnds reports whether two drafts of a kind have two flows or more in
// common, and at least as many as either has of its own.
func sharesEnds(a, b *draft, ends map[*draft]map[string]bool) bool {
	if a.kind() != b.kind() {
		return false
	}
	common := 0
	for end := range ends[a] {
		if ends[b][end] {
			common++
		}
	}
	return common >= 2 && 2*common >= max(len(ends[a]), len(ends[b]))
}

// sharesTechnology reports whether two data stores are built with the same
// product: "the database" of one section is "Invoice DB" in another.
func sharesTechnology(a, b *draft) bool {
	if a.kind() != threatmodel.DataStore || b.kind() != threatmodel.DataStore {
		return false
	}
	return slices.ContainsFunc(a.technologies, func(x string) bool {
		return slices.ContainsFunc(b.technologies, func(y string) bool { return foldName(x) != "" && foldName(x) == foldName(y) })
	})
}

// suspect reports whether two drafts may be one element by their names: an
// acronym, one name within the other, or the same head word with another word
// shared.
func (g *graph) suspect(a, b *draft) bool {
	if (a.kind() == threatmodel.TrustBoundary) != (b.kind() == threatmodel.TrustBoundary) {
		return false
	}
	for _, x := range a.names {
		for _, y := range b.names {
			fx, fy := foldName(x), foldName(y)
			if wholeWords(fx, fy) || wholeWords(fy, fx) || isAcronym(x, y) || isAcronym(y, x) || sharesHead(fx, fy) {
				return true
			}
		}
	}
	return false
}

// sharesHead reports whether two folded names end in the same word and share
// another one.
func sharesHead(a, b string) bool {
	wa, wb := strings.Fields(a), strings.Fields(b)
	if len(wa) < 2 || len(wb) < 2 || wa[len(wa)-1] != wb[len(wb)-1] {
		return false
	}
	for _, x := range wa[:len(wa)-1] {
		if slices.Contains(wb[:len(wb)-1], x) {
			return true
		}
	}
	return false
}

func uniquePassages(ps []threatmodel.Passage) []threatmodel.Passage {
	seen := map[string]bool{}
	var out []threatmodel.Passage
	for _, p := range ps {
		if !seen[p.ID] {
			seen[p.ID] = true
			out = append(out, p)
		}
	}
	return out
}
