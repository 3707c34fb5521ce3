package analyze

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// subjectWords bounds the passages of one elicit or challenge question;
	// a passage is never cut.
	subjectWords = 1500
	// nearest is how many passages retrieval adds to those that name the
	// subject.
	nearest = 6
)

// element finds an element of the settled diagram.
func (r *run) element(id string) *threatmodel.Element { return r.graph.byID[id] }

func (r *run) name(id string) string {
	if e := r.element(id); e != nil {
		return e.Name
	}
	return ""
}

// viewElement shows an element to an analyst.
func (r *run) viewElement(e *threatmodel.Element) ElementView {
	return ElementView{
		ID: e.ID, Kind: e.Kind, Name: e.Name, Aliases: e.Aliases, Technologies: e.Technologies,
		Boundary: r.name(e.Boundary), Exposure: e.Exposure,
	}
}

func (r *run) viewFlow(e *threatmodel.Element) FlowView {
	v := FlowView{ID: e.ID, From: r.name(e.From), To: r.name(e.To), Label: e.Label}
	for _, id := range e.Crosses {
		v.Crosses = append(v.Crosses, r.name(id))
	}
	return v
}

// flowsOf are the flows that begin or end at an element, by name.
func (r *run) flowsOf(id string) []*threatmodel.Element {
	var out []*threatmodel.Element
	for i := range r.graph.elements {
		e := &r.graph.elements[i]
		if e.Kind == threatmodel.DataFlow && (e.From == id || e.To == id) {
			out = append(out, e)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// neighbours are the elements at the other end of an element's flows, by name.
func (r *run) neighbours(e *threatmodel.Element) []*threatmodel.Element {
	seen := map[string]bool{e.ID: true}
	var out []*threatmodel.Element
	for _, f := range r.flowsOf(e.ID) {
		for _, id := range []string{f.From, f.To} {
			if n := r.element(id); n != nil && !seen[id] {
				seen[id] = true
				out = append(out, n)
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// assetsOf are the assets that the elements hold, by name.
func (r *run) assetsOf(ids ...string) []AssetView {
	var out []AssetView
	for _, a := range r.graph.holdings {
		for _, id := range ids {
			if contains(a.Elements, id) {
				out = append(out, AssetView{ID: a.ID, Name: a.Name, Class: a.Class, Kinds: a.Kinds})
				break
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// assetsOnFlow are the assets that a flow may carry: those that both ends
// hold, else those of the end it goes to.
func (r *run) assetsOnFlow(e *threatmodel.Element) []AssetView {
	to := r.assetsOf(e.To)
	var both []AssetView
	for _, a := range r.assetsOf(e.From) {
		if slices.ContainsFunc(to, func(b AssetView) bool { return b.ID == a.ID }) {
			both = append(both, a)
		}
	}
	if len(both) > 0 {
		return both
	}
	return to
}

// controlsOf are the controls stated for the elements, with a sentence each.
func (r *run) controlsOf(ids ...string) ([]ControlView, []threatmodel.Evidence) {
	return r.controlsWhere(r.speaksOf(ids...), func(c *threatmodel.StatedControl) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return contains(c.Elements, id) })
	})
}

// controlsOnFlow are the controls stated for both ends of a flow, or beside the
// sentence that states the flow. What is stated for one end alone belongs to
// that element's own question.
func (r *run) controlsOnFlow(e *threatmodel.Element) ([]ControlView, []threatmodel.Evidence) {
	beside := func(x threatmodel.Evidence) bool {
		return slices.ContainsFunc(e.Evidence, func(y threatmodel.Evidence) bool {
			return sameSpot(x, y) || x.Passage == y.Passage && !r.isLong(x.Passage)
		})
	}
	return r.controlsWhere(r.speaksOf(e.ID, e.From, e.To), func(c *threatmodel.StatedControl) bool {
		return contains(c.Elements, e.From) && contains(c.Elements, e.To) || slices.ContainsFunc(c.Evidence, beside)
	})
}

// manySentences is from how many sentences on a passage is a list or a drawing
// of many things: that two of them stand in it ties them no more.
const manySentences = 9

func (r *run) isLong(passage string) bool {
	p := r.text.byPassage[passage]
	return p != nil && len(p.Sentences) >= manySentences
}

// speaksOf tells of evidence for a control whether it is about one of the given
// elements and flows: its passage names one or states it, or it makes a promise
// for everything. What several sections state of one control stands together in
// the model; a question about one part wants what is said of that part.
func (r *run) speaksOf(ids ...string) func(threatmodel.Evidence) bool {
	var names []string
	own := map[string]bool{}
	for _, id := range ids {
		e := r.element(id)
		if e == nil {
			continue
		}
		if e.Kind != threatmodel.DataFlow {
			names = append(names, r.namesOf(e)...)
		}
		for _, x := range e.Evidence {
			own[x.Passage] = own[x.Passage] || !r.isLong(x.Passage)
		}
	}
	return func(x threatmodel.Evidence) bool {
		p := r.text.byPassage[x.Passage]
		if p == nil || own[x.Passage] || isForAll(x.Quote) {
			return true
		}
		if r.isLong(x.Passage) {
			p = &threatmodel.Passage{Text: x.Quote, Heading: p.Heading}
		}
		return namesAny(p, names)
	}
}

// forAll are the words of a promise that is made for everything.
var forAll = []string{"all", "every", "everything", "everywhere", "each", "any"}

func isForAll(quote string) bool {
	words := strings.Fields(foldWords(quote))
	return slices.ContainsFunc(forAll, func(w string) bool { return slices.Contains(words, w) })
}

// fewStatements is up to how much evidence a control is about one matter, and is
// shown whole.
const fewStatements = 2

func (r *run) controlsWhere(speaks func(threatmodel.Evidence) bool, fits func(*threatmodel.StatedControl) bool) ([]ControlView, []threatmodel.Evidence) {
	var (
		out      []ControlView
		evidence []threatmodel.Evidence
	)
	for i := range r.graph.stated {
		c := &r.graph.stated[i]
		if len(c.Evidence) == 0 || !fits(c) {
			continue
		}
		said := c.Evidence
		if len(said) > fewStatements {
			said = slices.DeleteFunc(slices.Clone(said), func(e threatmodel.Evidence) bool { return !speaks(e) })
		}
		if len(said) == 0 {
			continue
		}
		out = append(out, ControlView{Name: c.Name, Verdict: c.Verdict, Sentence: r.sentences(said)})
		evidence = append(evidence, said...)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name+out[i].Sentence < out[j].Name+out[j].Sentence })
	return out, evidence
}

// sentences are the first two statements of a control: the second is often the
// exception that makes it partial.
func (r *run) sentences(said []threatmodel.Evidence) string {
	text := r.text.sentence(said[0])
	if len(said) > 1 {
		if second := r.text.sentence(said[1]); second != text {
			text += " / " + second
		}
	}
	return text
}

// gather collects the passages of a question, up to the given number of words:
// those that hold the evidence, then those that name one of the names, of each
// the ones first that say most about security, then what stands beside the
// evidence and says something of security, then those nearest to the queries; in
// the order of the documents.
func (r *run) gather(ctx context.Context, words int, evidence []threatmodel.Evidence, names []string, queries ...string) ([]threatmodel.Passage, error) {
	g := gatherer{left: words, seen: map[string]bool{}}
	for _, p := range r.passagesOf(r.telling(evidence, words/2)) {
		g.take(p)
	}
	for _, p := range r.mentions(names) {
		g.take(p)
	}
	g.left = max(g.left, words/4) // mentions never crowd out what stands beside, or is near in meaning
	for _, p := range r.around(evidence) {
		if r.signals.Salience(p.Text) > 0 {
			g.take(p)
		}
	}
	g.left = max(g.left, words/8)
	for _, q := range queries {
		hits, err := r.retriever.Search(ctx, q, nearest)
		if err != nil {
			return nil, err
		}
		for _, p := range hits {
			g.take(p)
		}
	}
	for _, p := range r.context {
		if namesAny(&p, names) || p.Heading == "Inherited controls" {
			g.must(p)
		}
	}
	r.inOrder(g.out)
	return g.out, nil
}

// mentions are the passages that hold one of the names, those that say most
// about security first.
func (r *run) mentions(names []string) []threatmodel.Passage {
	var out []threatmodel.Passage
	salience := map[string]int{}
	for i := range r.passages {
		if p := &r.passages[i]; namesAny(p, names) {
			out = append(out, *p)
			salience[p.ID] = r.signals.Salience(p.Text)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return salience[out[i].ID] > salience[out[j].ID] })
	return out
}

type gatherer struct {
	left int
	seen map[string]bool
	out  []threatmodel.Passage
}

// must takes a passage whatever its length.
func (g *gatherer) must(p threatmodel.Passage) {
	if !g.seen[p.ID] {
		g.seen[p.ID] = true
		g.out = append(g.out, p)
	}
}

func (g *gatherer) take(p threatmodel.Passage) {
	n := wordCount(p.Text)
	if g.seen[p.ID] || (n > g.left && len(g.out) > 0) {
		return
	}
	g.seen[p.ID] = true
	g.left -= n
	g.out = append(g.out, p)
}

// inOrder sorts passages by document and position, so that a prompt reads as
// the documents do.
func (r *run) inOrder(ps []threatmodel.Passage) {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.Document != b.Document {
			return r.titles[a.Document]+a.Document < r.titles[b.Document]+b.Document
		}
		return a.Order < b.Order
	})
}

// namesAny reports whether a passage, its heading or its lead-in holds one of
// the names as whole words.
func namesAny(p *threatmodel.Passage, names []string) bool {
	text := " " + foldWords(p.Heading+" \x00 "+p.Header+" \x00 "+p.Text) + " "
	for _, n := range names {
		if key := foldWords(n); key != "" && strings.Contains(text, " "+key+" ") {
			return true
		}
	}
	return false
}

// foldWords folds a text word by word as names are folded.
func foldWords(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !isWordRune(r) })
	for i, w := range words {
		words[i] = singular(w)
	}
	return strings.Join(words, " ")
}

func (r *run) namesOf(elements ...*threatmodel.Element) []string {
	var out []string
	for _, e := range elements {
		out = append(out, e.Name)
		out = append(out, e.Aliases...)
	}
	return out
}
