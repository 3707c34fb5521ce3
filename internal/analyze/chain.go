package analyze

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	maxHops  = 5
	maxPaths = 6
)

// path is a way from an external entity to an element that holds an asset.
type path struct {
	elements []string
	flows    []string
	asset    AssetView
	weight   int
}

func (p *path) subject() string { return strings.Join(p.elements, ">") + ">" + p.asset.ID }

// walk is a path with the question about it.
type walk struct {
	path     *path
	question *Question
}

// walks are the paths from an entry to an asset on which threats were found, as
// they stand now.
func (r *run) walks(found []*candidate) []walk {
	if !r.cfg.Analyst.Answers(threatmodel.StageChain) {
		return nil
	}
	paths := r.paths(found)
	out := make([]walk, len(paths))
	for i := range paths {
		out[i] = walk{&paths[i], r.chainQuestion(&paths[i], found)}
	}
	return out
}

// chain asks for attacks that lead over several elements.
func (r *run) chain(ctx context.Context, walks []walk) ([]*candidate, error) {
	a := r.cfg.Analyst
	if !a.Answers(threatmodel.StageChain) {
		return nil, nil
	}
	chains := make([][]*candidate, len(walks))
	err := r.each(ctx, threatmodel.StageChain, len(walks), func(ctx context.Context, i int) error {
		q, p := walks[i].question, walks[i].path
		res, err := ask(ctx, r, a, q, func(ans *ChainAnswer) ([]*candidate, []refusal) { return r.checkChain(ans, q, p) })
		for _, part := range res.parts {
			for _, c := range part {
				c.threat.Provenance = []string{res.unit}
				c.threat.Source = source(a)
				chains[i] = append(chains[i], c)
			}
		}
		return err
	})
	var all []*candidate
	for _, c := range chains {
		all = append(all, c...)
	}
	if err != nil {
		return all, err
	}
	return r.merge(ctx, all)
}

// paths are the shortest ways from each external entity to each asset, with
// threats at two of their elements at least; those with most threats first,
// at most maxPaths.
func (r *run) paths(found []*candidate) []path {
	threats := map[string]int{}
	for _, c := range found {
		for _, id := range c.threat.Elements {
			threats[id]++
		}
	}
	var out []path
	for i := range r.graph.elements {
		entry := &r.graph.elements[i]
		if entry.Kind != threatmodel.ExternalEntity {
			continue
		}
		ways := r.reach(entry.ID)
		for _, a := range r.graph.holdings {
			for _, holder := range a.Elements {
				p, ok := ways[holder]
				if !ok || len(p.flows) < 2 {
					continue
				}
				p.asset = AssetView{ID: a.ID, Name: a.Name, Class: a.Class, Kinds: a.Kinds}
				hit := 0
				for _, id := range append(slices.Clone(p.elements), p.flows...) {
					if threats[id] > 0 {
						hit++
						p.weight += threats[id]
					}
				}
				if hit >= 2 {
					p.weight += 2 * max(0, classRank(a.Class))
					out = append(out, p)
				}
			}
		}
	}
	return bestPaths(out)
}

// bestPaths keeps one path for each last leg, so that one busy store does not take
// all the places, and one attack is not asked for from every entry.
func bestPaths(all []path) []path {
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].weight != all[j].weight {
			return all[i].weight > all[j].weight
		}
		return all[i].subject() < all[j].subject()
	})
	seen := map[string]bool{}
	var out []path
	for _, p := range all {
		key := strings.Join(p.elements[max(0, len(p.elements)-2):], ">")
		if !seen[key] && len(out) < maxPaths {
			seen[key] = true
			out = append(out, p)
		}
	}
	return out
}

// reach gives the shortest way along the flows to every element within
// maxHops; among ways of the same length the one first by name.
func (r *run) reach(from string) map[string]path {
	ways := map[string]path{from: {elements: []string{from}}}
	edge := []string{from}
	for range maxHops {
		var next []string
		for _, id := range edge {
			for _, f := range r.flowsOf(id) {
				to := f.To
				if _, known := ways[to]; known || f.From != id || r.element(to).Kind == threatmodel.ExternalEntity {
					continue
				}
				w := ways[id]
				ways[to] = path{elements: append(slices.Clone(w.elements), to), flows: append(slices.Clone(w.flows), f.ID)}
				next = append(next, to)
			}
		}
		edge = next
	}
	delete(ways, from)
	return ways
}

func (r *run) chainQuestion(p *path, found []*candidate) *Question {
	about := &ChainAbout{Asset: p.asset}
	var names []string
	for _, id := range p.elements {
		about.Elements = append(about.Elements, r.viewElement(r.element(id)))
		names = append(names, r.name(id))
	}
	var passages []threatmodel.Passage
	add := func(evidence []threatmodel.Evidence) {
		for _, e := range evidence {
			if x := r.text.byPassage[e.Passage]; x != nil {
				passages = append(passages, *x)
			}
		}
	}
	for _, id := range p.flows {
		about.Flows = append(about.Flows, r.viewFlow(r.element(id)))
		add(r.element(id).Evidence)
	}
	var on []*candidate
	for _, c := range found {
		if slices.Contains(p.elements, c.threat.Elements[0]) || slices.Contains(p.flows, c.threat.Elements[0]) {
			on = append(on, c)
			add(c.threat.Evidence)
		}
	}
	passages = uniquePassages(passages)
	r.inOrder(passages)
	evidence := r.evidenceOf(append(slices.Clone(p.elements), p.flows...)...)
	for _, c := range on {
		evidence = append(evidence, c.threat.Evidence...)
	}
	passages = linesOf(passages, evidence, names)
	for _, c := range on {
		about.Threats = append(about.Threats, r.viewThreat(&c.threat, passages))
	}
	return &Question{
		Stage: threatmodel.StageChain, Subject: p.subject(), Brief: r.briefText, Context: r.contextFor(names...),
		Passages: passages, Titles: r.titles, About: about,
	}
}

// viewThreat shows a threat, its quotes by their numbers in the question.
func (r *run) viewThreat(t *threatmodel.Threat, shown []threatmodel.Passage) ThreatView {
	v := ThreatView{Title: t.Title, Statement: t.Statement, Family: t.Family}
	if len(t.Elements) > 0 {
		v.Element = r.name(t.Elements[0])
	}
	if len(t.CWE) > 0 {
		v.CWE = t.CWE[0]
	}
	v.Omission = len(t.Evidence) > 0
	for _, e := range t.Evidence {
		v.Omission = v.Omission && e.Omission
		if n := sentenceNumber(e, shown); n != "" && !slices.Contains(v.Quotes, n) {
			v.Quotes = append(v.Quotes, n)
		}
	}
	return v
}

// sentenceNumber is the number under which a question shows a piece of
// evidence; empty where it does not.
func sentenceNumber(e threatmodel.Evidence, shown []threatmodel.Passage) string {
	for i := range shown {
		if shown[i].ID != e.Passage {
			continue
		}
		for j, s := range shown[i].Sentences {
			for _, span := range s.Spans {
				if span.Text == e.Quote {
					return fmt.Sprintf("P%d.%d", i+1, j+1)
				}
			}
		}
	}
	return ""
}

// checkChain grounds chains: each needs two steps at least, at different
// elements of the path, each with a sentence of its own.
func (r *run) checkChain(a *ChainAnswer, q *Question, p *path) ([]*candidate, []refusal) {
	var (
		out      []*candidate
		refusals []refusal
	)
	about := q.About.(*ChainAbout)
	al := &aliases{elements: about.Elements, flows: about.Flows}
	for i := range a.Chains {
		c, reason := r.checkSteps(&a.Chains[i], q, al, p)
		if reason != "" {
			refusals = append(refusals, refusal{What: "threat", Title: a.Chains[i].Title, Reason: reason, Repairable: true})
			continue
		}
		out = append(out, c)
	}
	return out, refusals
}

func (r *run) checkSteps(chain *Chain, q *Question, al *aliases, p *path) (*candidate, string) {
	c := &candidate{chain: true, sameAs: same(chain.SameAs, q.Former)}
	t := &c.threat
	places := map[string]bool{}
	var stride, actions []string
	for i, s := range chain.Steps {
		id, ok := al.element(s.Element)
		if !ok {
			return nil, fmt.Sprintf("step %d: %q is not one of the elements or flows listed", i+1, s.Element)
		}
		family := r.weakness.Family(s.CWE)
		if family == "" {
			return nil, fmt.Sprintf("step %d: %s", i+1, r.weaknessReason(s.CWE))
		}
		evidence, quotes, bad := ground.FindAll(s.Citations, q.Passages, threatmodel.States)
		if len(evidence) == 0 {
			return nil, fmt.Sprintf("step %d: %s", i+1, citationReason(bad))
		}
		if evidence = r.naming(evidence, quotes, []string{id}, family); len(evidence) == 0 {
			return nil, fmt.Sprintf("step %d: no cited sentence stands in a section that names %s, or speaks of the weakness", i+1, r.name(id))
		}
		places[id] = true
		if i == 0 {
			t.Family = family
		}
		t.CWE = uniteInts(t.CWE, []int{r.mappable(s.CWE, family)})
		t.Elements = union(t.Elements, []string{id})
		t.Evidence = uniteEvidence(t.Evidence, evidence)
		t.Steps = append(t.Steps, threatmodel.Step{Element: id, Action: passage.Fold(s.Action), Evidence: evidence})
		stride = append(stride, s.STRIDE)
		actions = append(actions, strings.TrimRight(passage.Fold(s.Action), "."))
	}
	if len(places) < 2 {
		return nil, "a chain needs steps at two elements at least"
	}
	t.Title, t.STRIDE = passage.Fold(chain.Title), knownSTRIDE(stride)
	if t.Title == "" || len(t.STRIDE) == 0 {
		return nil, "title and the STRIDE category of each step must be filled in"
	}
	t.Assets = []string{p.asset.ID}
	t.CAPEC, t.ATTACK = []int{}, []string{}
	t.Mitigations = mitigations(chain.Mitigations)
	t.Facts = threatmodel.Facts{Exposure: r.element(p.elements[0]).Exposure, Prerequisite: chain.Prerequisite, Scope: chain.Scope, Properties: chain.Properties}
	t.Statement = sentence(chain.Source, chain.Prerequisites, strings.Join(actions, ", then "), chain.Impact, chain.Properties, []string{p.asset.Name}, r.in.System)
	return c, ""
}
