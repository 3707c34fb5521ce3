package builtin

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// subjectReach and objectReach are how many words may stand between a
	// verb and the names on both sides of it.
	subjectReach = 5
	objectReach  = 9
	// labelWords bounds what a flow's label quotes.
	labelWords = 8
)

// flowsOf finds who sends what to whom in a sentence.
func (s *surveyor) flowsOf(at place) {
	if s.readings[at.passage].aside || !readable(s.q.Passages[at.passage].Kind) || s.q.Passages[at.passage].Kind == threatmodel.BlockTableRow {
		return
	}
	x := s.sentence(at)
	for i := range x.text.Tokens {
		verb, end := s.verb(x.text, i)
		if verb == "" || within(x.names, i) || s.a.isNoun(x.text, i) {
			continue
		}
		from, to := s.actor(x, i), s.object(x, end)
		if from == nil || to == nil {
			continue
		}
		if verb == "verb-back" {
			from, to = to, from
		}
		s.flow(at, x, from, to, end)
	}
}

// verb gives the group of the verb that stands at a word, and where it ends.
func (s *surveyor) verb(t *pattern.Text, i int) (string, int) {
	for _, g := range []string{"verb-to", "verb-from", "verb-back"} {
		if e := s.a.lib.At(g, t, i); e > i {
			return g, e
		}
	}
	return "", i
}

// isNoun reports whether a word that could be a verb follows one after which a
// noun stands.
func (a *Analyst) isNoun(t *pattern.Text, i int) bool {
	if i == 0 {
		return true
	}
	return a.lib.At("before-noun", t, i-1) == i
}

func within(names []named, i int) bool {
	return slices.ContainsFunc(names, func(n named) bool { return n.start <= i && i < n.end })
}

// actor is the name before a verb that does what the verb says: the nearest,
// unless a passive stands between.
func (s *surveyor) actor(x *sentence, verb int) *named {
	var best *named
	for i := range x.names {
		n := &x.names[i]
		if n.end <= verb && verb-n.end <= subjectReach && n.kind != threatmodel.TrustBoundary && !stopped(x.text, n.end, verb) {
			best = n
		}
	}
	if best == nil {
		return nil
	}
	for i := best.end; i < verb; i++ {
		switch x.text.Tokens[i].Word {
		case "is", "are", "was", "were", "be", "been", "by", "not", "never", "cannot", "of", "to", "from", "for":
			return nil
		}
		if s.a.read.isVerb(x.text, i) {
			return nil // it does something else
		}
	}
	return best
}

// object is the first name after a verb.
func (s *surveyor) object(x *sentence, end int) *named {
	for i := range x.names {
		n := &x.names[i]
		if n.start >= end && n.start-end <= objectReach && n.kind != threatmodel.TrustBoundary {
			if stopped(x.text, end, n.start) {
				return nil
			}
			return n
		}
	}
	return nil
}

// stopped reports whether a clause ends between two words.
func stopped(t *pattern.Text, from, to int) bool {
	for i := from; i <= to && i < len(t.Tokens); i++ {
		if t.Tokens[i].Break == pattern.HardBreak && i > from {
			return true
		}
	}
	return false
}

// flow writes a flow down, and takes its ends for elements.
func (s *surveyor) flow(at place, x *sentence, from, to *named, verbEnd int) {
	a, b := s.find(from), s.find(to)
	if a == nil || b == nil || a == b || !s.mayStand(a, from) || !s.mayStand(b, to) {
		return
	}
	if a.kind == threatmodel.ExternalEntity && b.kind == threatmodel.ExternalEntity {
		return
	}
	c, ok := s.cite(at)
	if !ok || s.planned(x, from, to) {
		return
	}
	a.sure, b.sure = true, true
	f := analyze.SurveyFlow{From: a.name, To: b.name, What: s.label(x.text, verbEnd, to), Protocol: s.protocol(x.text)}
	f.Citations = append(f.Citations, c)
	if slices.ContainsFunc(s.out.Flows, func(o analyze.SurveyFlow) bool { return o.From == f.From && o.To == f.To && o.What == f.What }) {
		return
	}
	s.out.Flows = append(s.out.Flows, f)
}

// mayStand reports whether a name may be the end of a flow: a sure component,
// a party, or a bare noun with an article that points to it.
func (s *surveyor) mayStand(c *component, n *named) bool {
	if c.sure || c.kind == threatmodel.ExternalEntity {
		return true
	}
	if c.phrase || c.capital {
		return n.role == agent || n.proper
	}
	return n.proper || n.bare && slices.ContainsFunc(c.tags, func(t string) bool { return slices.Contains(pointed, t) })
}

// pointed are the tags of nouns that tell enough by themselves.
var pointed = []string{"gateway", "proxy", "cache", "queue", "object-storage", "registry", "browser"}

func (s *surveyor) planned(x *sentence, from, to *named) bool {
	return x.text.IsQuestion() || s.a.lib.IsPlanned(x.text, min(from.start, to.start), max(from.end, to.end))
}

// label quotes what a flow carries.
func (s *surveyor) label(t *pattern.Text, from int, to *named) string {
	end := to.start
	for end > from && s.a.lib.At("stop", t, end-1) == end {
		end--
	}
	if end-from > labelWords || end <= from {
		return ""
	}
	return strings.TrimSpace(t.Slice(from, end))
}

// protocol is what a sentence says is spoken.
func (s *surveyor) protocol(t *pattern.Text) *string {
	for i := 1; i < len(t.Tokens); i++ {
		switch t.Tokens[i-1].Word {
		case "over", "via", "through", "using", "by", "plain", "speaks", "in":
		default:
			continue
		}
		for k := i; k < min(i+3, len(t.Tokens)); k++ {
			if e := s.a.lib.At("protocol", t, k); e > k {
				p := t.Slice(k, e)
				return &p
			}
		}
	}
	return nil
}
