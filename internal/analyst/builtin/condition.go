package builtin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// subject is an element or flow as conditions see it.
type subject struct {
	kind     threatmodel.Kind
	exposure threatmodel.Exposure
	tags     []string
	peers    []string
	holds    []string
	outside  bool
	tenants  bool
}

// tagsOf are the lexicon's tags of an element, by all its names and
// technologies.
func (a *Analyst) tagsOf(e *analyze.ElementView) []string {
	var out []string
	for _, text := range slices.Concat([]string{e.Name}, e.Aliases, e.Technologies) {
		for _, m := range a.lib.Read(text).Mentions {
			out = unite(out, m.Entry.Tags)
		}
	}
	return out
}

// subject describes what an elicit question is about.
func (v *view) subject(about *analyze.ElicitAbout) *subject {
	s := &subject{tenants: strings.Contains(strings.ToLower(v.q.Brief), "several organizations")}
	for _, a := range about.Assets {
		s.holds = unite(s.holds, a.Kinds)
	}
	if about.OfFlow {
		from, to := &about.Elements[0], &about.Elements[1]
		s.kind = threatmodel.DataFlow
		s.peers = unite(v.a.tagsOf(from), v.a.tagsOf(to))
		for _, m := range v.a.lib.Read(about.Flows[0].Label).Mentions {
			s.tags = unite(s.tags, m.Entry.Tags)
		}
		s.exposure = widest(from.Exposure, to.Exposure)
		s.outside = from.Kind == threatmodel.ExternalEntity || to.Kind == threatmodel.ExternalEntity
		return s
	}
	e := &about.Elements[0]
	s.kind, s.exposure, s.tags = e.Kind, e.Exposure, v.a.tagsOf(e)
	for i := range about.Elements[1:] {
		n := &about.Elements[i+1]
		s.peers = unite(s.peers, v.a.tagsOf(n))
		s.outside = s.outside || n.Kind == threatmodel.ExternalEntity
	}
	return s
}

func widest(a, b threatmodel.Exposure) threatmodel.Exposure {
	for _, e := range []threatmodel.Exposure{threatmodel.ExposureInternet, threatmodel.ExposurePartner, threatmodel.ExposureInternal, threatmodel.ExposureLocal} {
		if a == e || b == e {
			return e
		}
	}
	return threatmodel.ExposureUnknown
}

// fits reports whether one of the conditions holds.
func (s *subject) fits(list []pattern.Condition) bool {
	return slices.ContainsFunc(list, func(c pattern.Condition) bool { return s.holdsFor(&c) })
}

// closeness is 3 where a condition holds that says which technology or data the
// subject has to do with, and 0 where only general ones hold.
func (s *subject) closeness(list []pattern.Condition) int {
	for i := range list {
		if c := &list[i]; len(c.Tags)+len(c.Peer)+len(c.Holds) > 0 && s.holdsFor(c) {
			return 3
		}
	}
	return 0
}

func (s *subject) holdsFor(c *pattern.Condition) bool {
	return allows(c.Kinds, s.kind) && allows(c.Exposure, s.exposure) &&
		meets(c.Tags, s.tags) && meets(c.Peer, s.peers) && meets(c.Holds, s.holds) &&
		(len(c.NotTags) == 0 || !meets(c.NotTags, s.tags)) &&
		(!c.Outside || s.outside) && (!c.Tenants || s.tenants)
}

// nearTo gives, by the id of a pattern, how near its words are to what a question
// says of its subject.
func (a *Analyst) nearTo(about *analyze.ElicitAbout) map[string]float32 {
	words := slices.Clone(about.Stated)
	if len(about.Elements) > 0 {
		e := &about.Elements[0]
		words = append(append(words, e.Name), e.Technologies...)
	}
	for i := range about.Flows {
		words = append(words, about.Flows[i].Label)
	}
	near := map[string]float32{}
	vectors, err := a.embedder.Embed(context.Background(), []string{strings.Join(words, ". ")})
	if err != nil {
		return near // the built-in embedding fails only where its context ends
	}
	for i, p := range a.lib.Patterns() {
		near[p.ID] = embed.Dot(a.patterns[i], vectors[0])
	}
	return near
}

// allows reports whether a list that is given holds a value.
func allows[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// meets reports whether a list that is given shares a value with another.
func meets(list, with []string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(x string) bool { return slices.Contains(with, x) })
}

// maxHints bounds the patterns offered to a model for one subject.
const maxHints = 6

// specific is what a pattern that says which technology or data it is about has
// before others, as a cosine.
const specific = 0.1

// Hints offers the patterns that fit a subject: those that say more about which
// subjects they fit, and are nearest in words to what is stated of it, first.
func (a *Analyst) Hints(about *analyze.ElicitAbout) []analyze.PatternView {
	v := &view{a: a, q: &analyze.Question{}}
	s := v.subject(about)
	s.tenants = true
	type fit struct {
		p *pattern.Pattern
		n int
	}
	var fits []fit
	for _, p := range a.lib.Patterns() {
		best := -1
		for i := range p.Subjects {
			if c := &p.Subjects[i]; s.holdsFor(c) {
				best = max(best, len(c.Tags)+len(c.Peer)+len(c.Holds))
			}
		}
		if best >= 0 {
			fits = append(fits, fit{p, min(best, 1)})
		}
	}
	near := a.nearTo(about)
	score := func(f fit) float32 { return near[f.p.ID] + specific*float32(f.n) }
	slices.SortStableFunc(fits, func(x, y fit) int { return cmp.Compare(score(y), score(x)) })
	var out []analyze.PatternView
	for _, f := range fits[:min(len(fits), maxHints)] {
		out = append(out, analyze.PatternView{ID: f.p.ID, Title: f.p.Title, Hint: fill(f.p.Statement.Action, nil), STRIDE: f.p.STRIDE, CWE: f.p.CWE})
	}
	return out
}
