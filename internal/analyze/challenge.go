package analyze

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// against is how many passages are retrieved against each candidate.
	against = 4
	// againstWords bounds what a question shows beside the evidence itself.
	againstWords = 1500
)

// cell is a place of the coverage matrix.
type cell struct {
	element string
	stride  threatmodel.STRIDE
}

// cluster is an element with the flows that end there, the candidates they
// carry, and the cells that nobody has spoken to. Elements without a candidate
// stand together: several in one.
type cluster struct {
	elements []string
	// bucket names a cluster of several.
	bucket     string
	flows      []string
	candidates []*candidate
	cells      []cell
}

// challenge tries to refute the candidates, and asks about the cells that
// nobody covered. What is contradicted is rejected; what the text does not
// suffice for stays at low confidence or, where it rests on an omission,
// becomes a question. Chains are asked for meanwhile: they are made of the same
// candidates.
//
// It gives the candidates whose fate is settled, and those that came with chains
// and cells and are still to be challenged: see [run.challengeAdded].
func (r *run) challenge(ctx context.Context, found []*candidate) (settled, added []*candidate, err error) {
	a := r.cfg.Analyst
	old := r.prepareMatching(found, nil, !a.Answers(threatmodel.StageChain))
	walks := r.walks(found)
	var chains []*candidate
	chain := part{threatmodel.StageChain, func(ctx context.Context) (err error) { chains, err = r.chain(ctx, walks); return err }}
	if r.cfg.SkipChallenge || !a.Answers(threatmodel.StageChallenge) {
		err := r.clock.time(chain.stage, func() error { return chain.do(ctx) })
		chains = append(chains, r.prepareMatching(chains, append(found, old...), true)...)
		return append(append(found, old...), chains...), nil, err
	}
	found = append(found, old...)
	clusters := r.clusters(found, true)
	err = r.beside(ctx, chain, part{threatmodel.StageChallenge, func(ctx context.Context) (err error) {
		added, err = r.challengeClusters(ctx, a, clusters)
		return err
	}})
	if err != nil {
		return r.judged(append(append(found, chains...), added...)), nil, err
	}
	// Threats that answered an uncovered cell are candidates like any other. One
	// found before takes in what it absorbs now, so that nothing that is to be
	// challenged changes it any more.
	if added, err = r.merge(ctx, added); err != nil {
		return nil, nil, err
	}
	added = append(r.notYet(ctx, added, found), chains...)
	added = append(added, r.prepareMatching(added, found, true)...)
	return r.judged(found), added, nil
}

// challengeAdded is the second round: of chains, and of the threats that answered
// an uncovered cell.
func (r *run) challengeAdded(ctx context.Context, added []*candidate) error {
	_, err := r.challengeClusters(ctx, r.cfg.Analyst, r.clusters(added, false))
	return err
}

// notYet leaves out the added threats that one found before absorbs.
func (r *run) notYet(ctx context.Context, added, found []*candidate) []*candidate {
	var out []*candidate
	for _, c := range added {
		into, err := r.sameAsOneOf(ctx, c, found)
		if err != nil || into == nil {
			out = append(out, c)
			continue
		}
		carrier := r.carrier(into, c)
		into.absorb(c)
		into.carriedBy(carrier)
	}
	return out
}

// clusters groups candidates by the element that carries them; a flow belongs
// to the element at which it ends, or where that is an external entity, to the
// one at which it begins.
func (r *run) clusters(found []*candidate, withCells bool) []*cluster {
	byElement := map[string]*cluster{}
	at := func(id string) *cluster {
		home := r.home(id)
		c := byElement[home]
		if c == nil {
			c = &cluster{elements: []string{home}}
			byElement[home] = c
		}
		if home != id && !slices.Contains(c.flows, id) {
			c.flows = append(c.flows, id)
		}
		return c
	}
	covered := map[cell]bool{}
	for _, c := range found {
		x := at(c.threat.Elements[0])
		x.candidates = append(x.candidates, c)
		for _, id := range c.threat.Elements {
			for _, s := range c.threat.STRIDE {
				covered[cell{id, s}] = true
			}
		}
	}
	if withCells {
		for _, k := range r.cells() {
			if !covered[k] && r.notApplicable[k] == "" && !r.askedAtItsParts(k) {
				x := at(k.element)
				x.cells = append(x.cells, k)
			}
		}
	}
	var out, quiet []*cluster
	for _, home := range slices.Sorted(maps.Keys(byElement)) {
		c := byElement[home]
		sort.Strings(c.flows)
		sortCandidates(c.candidates)
		if len(c.candidates) > 0 {
			out = append(out, c)
			continue
		}
		quiet = append(quiet, c)
	}
	return append(out, together(quiet)...)
}

// perQuestion is about how many elements without a candidate one question is
// about.
const perQuestion = 4

// quietWords bounds the passages that are shown of each of them for what they
// themselves say.
const quietWords = 250

// together puts clusters without a candidate into few questions. Where one goes
// depends on its element alone, and the number of questions only on the order
// of magnitude, so that a new element changes one question.
func together(quiet []*cluster) []*cluster {
	buckets := uint32(1)
	for int(buckets)*perQuestion < len(quiet) {
		buckets *= 2
	}
	byBucket := map[uint32]*cluster{}
	var out []*cluster
	for _, c := range quiet {
		h := fnv.New32a()
		h.Write([]byte(c.elements[0]))
		n := h.Sum32() % buckets
		if byBucket[n] == nil {
			byBucket[n] = &cluster{bucket: fmt.Sprintf("%d of %d", n, buckets)}
			out = append(out, byBucket[n])
		}
		byBucket[n].take(c)
	}
	return out
}

func (c *cluster) take(o *cluster) {
	c.elements = append(c.elements, o.elements...)
	c.flows = append(c.flows, o.flows...)
	c.cells = append(c.cells, o.cells...)
}

// home is the element in whose cluster another stands.
func (r *run) home(id string) string {
	e := r.element(id)
	if e == nil || e.Kind != threatmodel.DataFlow {
		return id
	}
	if to := r.element(e.To); to != nil && to.Kind != threatmodel.ExternalEntity {
		return e.To
	}
	return e.From
}

// cells are the places of the coverage matrix: every element against the
// categories of its kind, and every flow that crosses a boundary. An external
// entity that nothing is said to pass to or from has no place in it.
func (r *run) cells() []cell {
	var out []cell
	for i := range r.graph.elements {
		e := &r.graph.elements[i]
		if e.Kind == threatmodel.DataFlow && len(e.Crosses) == 0 || e.Kind == threatmodel.ExternalEntity && len(r.flowsOf(e.ID)) == 0 {
			continue
		}
		for _, s := range appliesTo(e.Kind) {
			out = append(out, cell{e.ID, s})
		}
	}
	return out
}

// atItsParts is why nobody is asked about an external entity by itself.
const atItsParts = "It lies outside of the system: what is done in its name, and what it can deny, is asked about at the parts that it calls and at the flows to them."

// askedAtItsParts notes of a cell of an external entity where its matter is asked
// about, and tells whether that is so.
func (r *run) askedAtItsParts(k cell) bool {
	if e := r.element(k.element); e == nil || e.Kind != threatmodel.ExternalEntity {
		return false
	}
	r.notApplicable[k] = atItsParts
	return true
}

func (r *run) challengeClusters(ctx context.Context, a Analyst, clusters []*cluster) ([]*candidate, error) {
	added := make([][]*candidate, len(clusters))
	err := r.each(ctx, threatmodel.StageChallenge, len(clusters), func(ctx context.Context, i int) error {
		q, err := r.challengeQuestion(ctx, clusters[i])
		if err != nil {
			return err
		}
		res, err := ask(ctx, r, a, q, func(ans *ChallengeAnswer) (challenged, []refusal) { return r.checkChallenge(ans, q, clusters[i]) })
		for _, part := range res.parts {
			r.apply(part, clusters[i], res.unit)
			for _, c := range part.threats {
				c.threat.Provenance = []string{res.unit}
				c.threat.Source = source(a)
				added[i] = append(added[i], c)
			}
		}
		return err
	})
	var all []*candidate
	for _, list := range added {
		all = append(all, list...)
	}
	return all, err
}

func (r *run) challengeQuestion(ctx context.Context, c *cluster) (*Question, error) {
	about := &ChallengeAbout{}
	var evidence []threatmodel.Evidence
	var queries, names []string
	for _, id := range c.elements {
		e := r.element(id)
		about.Elements = append(about.Elements, r.viewElement(e))
		names = append(names, r.namesOf(e)...)
		if len(c.candidates) == 0 {
			queries = append(queries, strings.Join(r.namesOf(e), " "))
			evidence = append(evidence, r.telling(e.Evidence, quietWords)...)
		}
	}
	if len(c.elements) == 1 {
		for _, n := range r.neighbours(r.element(c.elements[0])) {
			about.Elements = append(about.Elements, r.viewElement(n))
		}
	}
	for _, id := range c.flows {
		about.Flows = append(about.Flows, r.viewFlow(r.element(id)))
	}
	for _, x := range c.candidates {
		evidence = append(evidence, x.threat.Evidence...)
		queries = append(queries, r.refutation(&x.threat))
	}
	_, stated := r.controlsOf(append(slices.Clone(c.elements), c.flows...)...)
	passages, err := r.collect(ctx, evidence, stated, queries)
	if err != nil {
		return nil, err
	}
	passages = linesOf(passages, append(evidence, r.evidenceOf(append(slices.Clone(c.elements), c.flows...)...)...), names)
	for _, x := range c.candidates {
		about.Candidates = append(about.Candidates, r.viewThreat(&x.threat, passages))
	}
	for _, k := range c.cells {
		about.Cells = append(about.Cells, CellView{Alias: cellAlias(k, about), Name: r.name(k.element), STRIDE: k.stride})
	}
	return &Question{
		Stage: threatmodel.StageChallenge, Subject: c.subject(), Brief: r.briefText, Context: r.contextFor(names...),
		Passages: passages, Titles: r.titles, About: about,
	}, nil
}

// subject is the element for the first round, which has the cells too, or the
// number of the bucket.
func (c *cluster) subject() string {
	switch {
	case len(c.candidates) == 0:
		return "without candidates " + c.bucket
	case len(c.cells) > 0:
		return c.elements[0]
	}
	var keys []string
	for _, x := range c.candidates {
		key := x.threat.Family
		if x.chain {
			key = "chain " + key
		}
		keys = append(keys, key)
	}
	return c.elements[0] + " " + strings.Join(keys, " ")
}

func cellAlias(k cell, about *ChallengeAbout) string {
	for i, f := range about.Flows {
		if f.ID == k.element {
			return fmt.Sprintf("F%d", i+1)
		}
	}
	for i, e := range about.Elements {
		if e.ID == k.element {
			return fmt.Sprintf("E%d", i+1)
		}
	}
	return ""
}

// refutation is what a passage that neutralises a threat would speak of: the
// elements, and the controls that answer its weakness.
func (r *run) refutation(t *threatmodel.Threat) string {
	parts := []string{t.Title}
	for _, id := range t.Elements {
		parts = append(parts, r.name(id))
	}
	for _, c := range r.in.Catalogs {
		for i, fit := range c.Fit(t.CWE[0], t.Family) {
			if ctl, ok := c.Control(fit.Control); ok && i < 2 {
				parts = append(parts, ctl.LookFor...)
			}
		}
	}
	return strings.Join(parts, " ")
}

// telling is the evidence whose passages say most about security, up to a number
// of words: an element may be named on every page.
func (r *run) telling(evidence []threatmodel.Evidence, words int) []threatmodel.Evidence {
	sorted := slices.Clone(evidence)
	say := map[string]int{}
	for _, e := range sorted {
		if p := r.text.byPassage[e.Passage]; p != nil {
			say[e.Passage] = r.signals.Salience(p.Text)
		}
	}
	slices.SortStableFunc(sorted, func(a, b threatmodel.Evidence) int { return cmp.Compare(say[b.Passage], say[a.Passage]) })
	var out []threatmodel.Evidence
	seen := map[string]bool{}
	for _, e := range sorted {
		p := r.text.byPassage[e.Passage]
		if p == nil || seen[e.Passage] {
			continue
		}
		n := wordCount(p.Text)
		if words -= n; words < 0 && len(out) > 0 {
			break
		}
		seen[e.Passage] = true
		out = append(out, e)
	}
	return out
}

// collect puts together the passages of a question that holds something against
// the text: all of the evidence, then those nearest to each query, then what
// else may tell something, as far as the words reach. What the team stated is
// always there.
func (r *run) collect(ctx context.Context, evidence, further []threatmodel.Evidence, queries []string) ([]threatmodel.Passage, error) {
	g := gatherer{left: againstWords, seen: map[string]bool{}}
	for _, p := range append(r.passagesOf(evidence), r.context...) {
		g.must(p)
	}
	for _, q := range queries {
		hits, err := r.retriever.Search(ctx, q, against)
		if err != nil {
			return nil, err
		}
		for _, p := range hits {
			g.take(p)
		}
	}
	for _, p := range r.passagesOf(r.telling(further, againstWords)) {
		g.take(p)
	}
	r.inOrder(g.out)
	return g.out, nil
}

// challenged is the accepted part of an answer.
type challenged struct {
	verdicts []verdict
	excused  []excuse
	threats  []*candidate
}

type verdict struct {
	candidate int
	// repeats is the candidate that this one is said to repeat, or -1.
	repeats  int
	verdict  string
	reason   string
	evidence []threatmodel.Evidence
}

type excuse struct {
	cell   cell
	reason string
}

func (r *run) checkChallenge(a *ChallengeAnswer, q *Question, c *cluster) (challenged, []refusal) {
	var (
		out      challenged
		refusals []refusal
	)
	about := q.About.(*ChallengeAbout)
	for _, v := range a.Verdicts {
		checked, reason := checkVerdict(v, q, len(about.Candidates))
		if reason != "" {
			refusals = append(refusals, refusal{What: "citation", Title: v.Candidate, Reason: reason, Repairable: true})
			continue
		}
		out.verdicts = append(out.verdicts, checked)
	}
	for _, x := range a.Cells {
		i := aliasIndex("U", x.Cell, len(c.cells))
		if i >= 0 && !x.Applies && strings.TrimSpace(x.Reason) != "" {
			out.excused = append(out.excused, excuse{c.cells[i], passage.Fold(x.Reason)})
		}
	}
	al := &aliases{elements: about.Elements, flows: about.Flows}
	for i := range a.Threats {
		x, refused := r.checkThreat(&a.Threats[i], q, al)
		if refused != nil {
			refusals = append(refusals, *refused)
			continue
		}
		out.threats = append(out.threats, x)
	}
	return out, refusals
}

// checkVerdict takes a verdict that cites a sentence: one without is none.
// Insufficient means that no sentence decides, so it needs none.
func checkVerdict(v ChallengeVerdict, q *Question, n int) (verdict, string) {
	i := aliasIndex("X", v.Candidate, n)
	if i < 0 {
		return verdict{}, v.Candidate + " is not one of the candidates listed"
	}
	role := threatmodel.States
	switch v.Verdict {
	case Supported, Insufficient:
	case Contradicted:
		role = threatmodel.Contradicts
	default:
		return verdict{}, fmt.Sprintf("the verdict %q is none of supported, contradicted, insufficient", v.Verdict)
	}
	evidence, _, bad := ground.FindAll(v.Citations, q.Passages, role)
	if len(evidence) == 0 && v.Verdict != Insufficient {
		return verdict{}, "a verdict needs a sentence: " + citationReason(bad)
	}
	return verdict{candidate: i, repeats: aliasIndex("X", v.DuplicateOf, n), verdict: v.Verdict, reason: passage.Fold(v.Reason), evidence: evidence}, ""
}

// apply writes the verdicts of a cluster to its candidates.
func (r *run) apply(part challenged, c *cluster, unit string) {
	for _, v := range part.verdicts {
		x := c.candidates[v.candidate]
		if x.verdict != "" {
			continue
		}
		x.verdict, x.reason = v.verdict, v.reason
		if !slices.Contains(x.threat.Provenance, unit) {
			x.threat.Provenance = append(x.threat.Provenance, unit)
		}
		if v.verdict == Contradicted {
			x.counter = v.evidence
		}
		if v.repeats >= 0 {
			x.saidToRepeat(c.candidates[v.repeats])
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range part.excused {
		r.notApplicable[e.cell] = e.reason
	}
}

// judged draws the consequences of the verdicts.
func (r *run) judged(found []*candidate) []*candidate {
	var out []*candidate
	for _, c := range r.withoutRepeats(found) {
		t := &c.threat
		switch {
		case c.verdict == Contradicted:
			c.rejected = true
			r.reject(threatmodel.Rejection{
				Stage: threatmodel.StageChallenge, What: "threat", Title: t.Title, Reason: c.reason, Source: t.Source,
				Element: t.Elements[0], Evidence: append(slices.Clone(t.Evidence), c.counter...),
			})
			if c.old == "" {
				r.lookedAt(t, "A threat was proposed and refuted: "+c.reason)
				continue
			}
		case c.verdict == Insufficient && allOmitted(t) && c.old == "":
			q := questionOf(t, c.reason)
			r.questions = append(r.questions, q)
			r.lookedAt(t, "The text does not decide it. See the question: "+q.Text)
			continue
		}
		t.Confidence = confidence(c)
		out = append(out, c)
	}
	return out
}

// lookedAt notes that somebody spoke to the cells of a threat that did not
// survive: they count as looked at, with the reason.
func (r *run) lookedAt(t *threatmodel.Threat, reason string) {
	for _, id := range t.Elements {
		for _, s := range t.STRIDE {
			if k := (cell{id, s}); r.notApplicable[k] == "" {
				r.notApplicable[k] = reason
			}
		}
	}
}

func confidence(c *candidate) string {
	switch {
	case c.verdict == Supported && !allOmitted(&c.threat):
		return threatmodel.ConfidenceHigh
	case c.verdict == Supported:
		return threatmodel.ConfidenceMedium
	case c.verdict == Insufficient:
		return threatmodel.ConfidenceLow
	}
	return threatmodel.ConfidenceMedium
}

func allOmitted(t *threatmodel.Threat) bool {
	return len(t.Evidence) > 0 && !slices.ContainsFunc(t.Evidence, func(e threatmodel.Evidence) bool { return !e.Omission })
}

// questionOf asks what a threat assumed and the text does not say.
func questionOf(t *threatmodel.Threat, reason string) threatmodel.Question {
	return threatmodel.Question{
		ID: mint("Q", t.Elements[0]+" "+t.Family+" "+foldWords(t.Evidence[0].Quote)), Text: "Does the design prevent this: " + lowerFirst(strings.TrimRight(t.Title, ".")) + "?",
		Why: reason, Elements: t.Elements, Family: t.Family, Evidence: t.Evidence, Source: t.Source,
	}
}
