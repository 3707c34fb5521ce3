package analyze

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// nearMeaning is the cosine of two statements from which threats at the same
// element and of the same family are one.
const nearMeaning = 0.85

// nearOnSameText is the cosine from which threats on the same sentences are one,
// though one analyst called the weakness this and another that.
const nearOnSameText = 0.8

// merge makes one of candidates that a reader would call the same: the same
// weakness family with evidence that overlaps by half, wherever it was found,
// since the same sentence states the same weakness from whichever part of the
// system one looks at it; or near in meaning, at the same element and of the same
// family, or on the same sentences. Evidence
// and elements are united. The result does not depend on the order of the input.
func (r *run) merge(ctx context.Context, found []*candidate) ([]*candidate, error) {
	for _, c := range found {
		r.keepCarrier(c)
	}
	return r.mergeUnder(ctx, found, r.carrier)
}

// mergeUnder merges, the carrier of two that are one being chosen by a rule.
func (r *run) mergeUnder(ctx context.Context, found []*candidate, rule func(a, b *candidate) string) ([]*candidate, error) {
	sortCandidates(found)
	var out []*candidate
	for _, c := range found {
		into, err := r.sameAsOneOf(ctx, c, out)
		if err != nil {
			return nil, err
		}
		if into == nil {
			out = append(out, c)
			continue
		}
		carrier := rule(into, c)
		into.absorb(c)
		into.carriedBy(carrier)
	}
	return out, nil
}

// asBefore gives candidates the carriers that the baseline has for them. It comes
// after they were compared with each other, so that what they are compared by is
// the same with a baseline and without.
func (r *run) asBefore(found []*candidate) {
	if r.in.Baseline == nil {
		return
	}
	for _, c := range found {
		r.keepCarrier(c)
		if c.chain || r.carriedOn(c.threat.Elements[0], &c.threat) {
			continue
		}
		for _, id := range c.threat.Elements[1:] {
			if r.carriedOn(id, &c.threat) {
				c.carriedBy(id)
				break
			}
		}
	}
}

// carriedOn reports whether a threat of the baseline has the element as its
// carrier, is of the same family, and rests on a sentence of this one.
func (r *run) carriedOn(element string, t *threatmodel.Threat) bool {
	return slices.ContainsFunc(r.in.Baseline.Threats, func(old threatmodel.Threat) bool {
		return old.Family == t.Family && len(old.Steps) == 0 && first(old.Elements) == element && overlap(old.Evidence, t.Evidence) > 0
	})
}

// keepCarrier lets a finding on the very sentences of an old threat stay at the
// old threat's element, unless the sentences name the new one: which of several
// neighbours an unnamed thing belongs to is a guess, and one guess is as good as
// the other, but not to a person who has decided.
func (r *run) keepCarrier(c *candidate) {
	if r.in.Baseline == nil || c.chain || r.named(c.threat.Elements[0], c) {
		return
	}
	for i := range r.in.Baseline.Threats {
		old := &r.in.Baseline.Threats[i]
		at := first(old.Elements)
		if old.Live() && len(old.Steps) == 0 && old.Family == c.threat.Family && r.element(at) != nil && sameQuotes(c.threat.Evidence, old.Evidence) {
			c.carriedBy(at)
			return
		}
	}
}

// carrier is the element that carries the weakness of two candidates that are
// one: the one that the baseline has, so that a further finding changes no key;
// else the one that the evidence names; else an element before a flow; else the
// first of them.
func (r *run) carrier(a, b *candidate) string {
	x, y := a.threat.Elements[0], b.threat.Elements[0]
	if x != y && !a.chain && r.carried(x, &a.threat) != r.carried(y, &a.threat) {
		if r.carried(y, &a.threat) {
			return y
		}
		return x
	}
	return r.plainCarrier(a, b)
}

// plainCarrier is the carrier by what the text says alone.
func (r *run) plainCarrier(a, b *candidate) string {
	x, y := a.threat.Elements[0], b.threat.Elements[0]
	switch {
	case x == y || a.chain:
		return x
	case (a.threat.Source == threatmodel.SourcePattern) != (b.threat.Source == threatmodel.SourcePattern):
		// Where a reader says that it is mended counts more than what a sentence names.
		if a.threat.Source == threatmodel.SourcePattern {
			return y
		}
		return x
	case r.named(x, a, b) != r.named(y, a, b):
		if r.named(y, a, b) {
			return y
		}
		return x
	case r.isFlow(x) && !r.isFlow(y):
		return y
	}
	return x
}

// named reports whether the evidence of one of the candidates names an element.
func (r *run) named(id string, candidates ...*candidate) bool {
	e := r.element(id)
	if e == nil || e.Kind == threatmodel.DataFlow {
		return false
	}
	for _, c := range candidates {
		for _, x := range c.threat.Evidence {
			if namesAny(&threatmodel.Passage{Text: x.Quote}, r.namesOf(e)) {
				return true
			}
		}
	}
	return false
}

// carried reports whether a threat of the baseline has the element as its carrier
// and is of the same family.
func (r *run) carried(element string, t *threatmodel.Threat) bool {
	return r.in.Baseline != nil && slices.ContainsFunc(r.in.Baseline.Threats, func(old threatmodel.Threat) bool {
		return old.Family == t.Family && len(old.Steps) == 0 && first(old.Elements) == element
	})
}

func (r *run) isFlow(id string) bool {
	e := r.element(id)
	return e != nil && e.Kind == threatmodel.DataFlow
}

// carriedBy puts the carrier first among the elements.
func (c *candidate) carriedBy(id string) {
	rest := slices.DeleteFunc(slices.Clone(c.threat.Elements), func(x string) bool { return x == id })
	c.threat.Elements = append([]string{id}, rest...)
}

// sortCandidates orders by what does not change with wording: carrier, family,
// evidence; then by wording.
func sortCandidates(list []*candidate) {
	key := func(c *candidate) string {
		t := &c.threat
		var quotes []string
		for _, e := range t.Evidence {
			quotes = append(quotes, passage.Fold(e.Quote))
		}
		sort.Strings(quotes)
		return strings.Join([]string{t.Family, t.Elements[0], strings.Join(quotes, "\x01"), t.Source, t.Statement}, "\x00")
	}
	sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
}

func (r *run) sameAsOneOf(ctx context.Context, c *candidate, list []*candidate) (*candidate, error) {
	for _, x := range list {
		same, err := r.same(ctx, x, c)
		if err != nil {
			return nil, err
		}
		if same {
			return x, nil
		}
	}
	return nil, nil
}

// same reports whether two candidates are one threat.
func (r *run) same(ctx context.Context, a, b *candidate) (bool, error) {
	if a.chain != b.chain {
		return false, nil
	}
	x, y := &a.threat, &b.threat
	family, quotes := x.Family == y.Family, overlap(x.Evidence, y.Evidence) >= 0.5
	switch {
	case family && quotes:
		return true, nil
	case !family && r.cfg.Analyst.Answers(threatmodel.StageMerge):
		return false, nil // the same sentence may state two weaknesses: that is asked
	case r.cfg.Similarity == nil || !quotes && !(family && x.Elements[0] == y.Elements[0]):
		return false, nil
	}
	cos, err := r.cfg.Similarity(ctx, x.Statement, y.Statement)
	if quotes {
		return cos >= nearOnSameText, err
	}
	return cos >= nearMeaning, err
}

// overlap is the number of sentences in common over the number of the side
// with fewer.
func overlap(a, b []threatmodel.Evidence) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	common := 0
	for _, x := range a {
		if slices.ContainsFunc(b, func(y threatmodel.Evidence) bool { return passage.Fold(x.Quote) == passage.Fold(y.Quote) }) {
			common++
		}
	}
	return float64(common) / float64(min(len(a), len(b)))
}

// absorb takes over what another candidate knows about the same threat.
func (c *candidate) absorb(o *candidate) {
	t, x := &c.threat, &o.threat
	if t.Source != x.Source {
		// The model's wording and facts stand before a pattern's.
		if t.Source == threatmodel.SourcePattern && x.Source == threatmodel.SourceModel {
			kept := *x
			kept.Evidence, kept.Elements, kept.Provenance, kept.Mitigations = t.Evidence, t.Elements, t.Provenance, t.Mitigations
			kept.Assets, kept.CWE, kept.CAPEC, kept.ATTACK, kept.STRIDE = t.Assets, t.CWE, t.CAPEC, t.ATTACK, t.STRIDE
			c.threat, t = kept, &c.threat
		}
		t.Source = threatmodel.SourceBoth
	}
	t.Evidence = uniteEvidence(t.Evidence, x.Evidence)
	t.Elements = union(t.Elements, x.Elements)
	t.Assets = union(t.Assets, x.Assets)
	t.Provenance = union(t.Provenance, x.Provenance)
	t.ATTACK = union(t.ATTACK, x.ATTACK)
	t.CAPEC = uniteInts(t.CAPEC, x.CAPEC)
	t.CWE = uniteInts(t.CWE, x.CWE)
	var stride []string
	for _, s := range append(slices.Clone(t.STRIDE), x.STRIDE...) {
		stride = append(stride, string(s))
	}
	t.STRIDE = knownSTRIDE(stride)
	for _, m := range x.Mitigations {
		if len(t.Mitigations) < 5 && !slices.ContainsFunc(t.Mitigations, func(y threatmodel.Mitigation) bool { return strings.EqualFold(y.Text, m.Text) }) {
			t.Mitigations = append(t.Mitigations, m)
		}
	}
	c.sameAs = union(c.sameAs, o.sameAs)
}

func uniteInts(a, b []int) []int {
	for _, n := range b {
		if !slices.Contains(a, n) {
			a = append(a, n)
		}
	}
	return a
}
