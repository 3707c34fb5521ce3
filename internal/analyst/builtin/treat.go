package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// safeguard is a sentence that states a safeguard against a threat.
type safeguard struct {
	at      place
	verdict threatmodel.Verdict
	rank    int
	same    bool // it is one of the threat's own sentences
	here    bool // it speaks of the threat's element, or of everything
	wide    bool // it speaks of everything
	answers bool // it answers the very weakness, not only its family
}

// treatment answers one treat question.
type treatment struct {
	*view
	about  *analyze.TreatAbout
	names  [][]string
	quotes []place
	owner  int
}

// maxControls is how many controls are named for one threat.
const maxControls = 3

func (v *view) treat(about *analyze.TreatAbout) *analyze.TreatAnswer {
	t := &treatment{view: v, about: about, quotes: v.quotes(about.Threat.Quotes), owner: v.a.owner(&about.Threat)}
	for i := range about.Elements {
		t.names = append(t.names, namesOf(&about.Elements[i])...)
	}
	out := &analyze.TreatAnswer{Controls: []analyze.TreatControl{}, Mitigations: []analyze.TreatMitigation{}}
	for i := range about.Controls {
		c := &about.Controls[i]
		if first := len(out.Controls) == 0; c.Primary || first && !anyPrimary(about.Controls) {
			x := t.control(i, c, first)
			if len(out.Controls) < maxControls {
				out.Controls = append(out.Controls, x)
			}
		}
	}
	if len(out.Controls) == 0 {
		none := "No control of the chosen catalogs fits this weakness."
		out.NoneReason = &none
		return out
	}
	if t.owner >= 0 {
		words := map[string]string{"element": about.Threat.Element}
		for _, m := range fillAll(v.a.lib.Patterns()[t.owner].Mitigations, words) {
			out.Mitigations = append(out.Mitigations, analyze.TreatMitigation{Text: m, Control: out.Controls[0].Control})
		}
	}
	return out
}

func anyPrimary(list []analyze.CandidateControl) bool {
	return slices.ContainsFunc(list, func(c analyze.CandidateControl) bool { return c.Primary })
}

// control weighs what the passages say of one control at this place.
func (t *treatment) control(i int, c *analyze.CandidateControl, first bool) analyze.TreatControl {
	out := analyze.TreatControl{
		Control: fmt.Sprintf("C%d", i+1), Verdict: threatmodel.Absent, States: []ground.Citation{}, Contradicts: []ground.Citation{},
		Rationale: "No passage states it for this place.",
	}
	best, ok := t.best(c, first)
	short, falls := t.short()
	if falls {
		out.Verdict, out.States = threatmodel.Partial, t.citeAll([]place{short})
		out.Rationale = "There is one, and it falls short: " + t.quote(short)
		return out
	}
	if !ok {
		return out
	}
	out.States = t.citeAll([]place{best.at})
	against := t.against(best.at)
	switch {
	case t.isContext(best.at.passage):
		out.Verdict, out.Rationale = threatmodel.Inherited, "A platform provides it: "+t.quote(best.at)
	case best.same:
		out.Verdict, out.Rationale = threatmodel.Partial, "It is stated, and its own sentence limits it: "+t.quote(best.at)
	case len(against) > 0 && !t.silent() && best.here && best.verdict != threatmodel.Partial && !t.holds(against):
		out.Verdict, out.Contradicts = threatmodel.Bypassed, t.citeAll(against)
		out.States = t.citeAll(append([]place{best.at}, t.others(best)...))
		out.Rationale = "It is stated, " + t.quote(best.at) + ", and the design goes round it: " + t.quote(against[0])
	case len(against) > 0 && !t.silent():
		out.Verdict, out.Contradicts = threatmodel.Partial, t.citeAll(against)
		out.Rationale = "It is stated in part, " + t.quote(best.at) + ", and not for what this threat uses."
	case best.verdict == threatmodel.Inherited:
		out.Verdict, out.Rationale = threatmodel.Inherited, "Somebody else provides it: "+t.quote(best.at)
	case best.verdict == threatmodel.Claimed:
		out.Verdict, out.Rationale = threatmodel.Claimed, "It is asserted without any mechanism: "+t.quote(best.at)
	default:
		out.Verdict, out.Rationale = best.verdict, "The mechanism is stated: "+t.quote(best.at)
	}
	return out
}

// short finds the threat's own sentence that states a control and how it falls
// short: it fails open, can be left out, only watches.
func (t *treatment) short() (place, bool) {
	for _, at := range t.quotes {
		for _, h := range t.sentence(at).of(pattern.Short) {
			if _, ok := t.cite(at); ok && slices.Contains(t.a.lib.Controls()[h.Owner].Families, t.about.Threat.Family) {
				return at, true
			}
		}
	}
	return place{}, false
}

// holds reports whether one of the sentences takes the control as given: the
// older image comes "with a valid signature".
func (t *treatment) holds(list []place) bool {
	return slices.ContainsFunc(list, func(at place) bool {
		_, _, ok := t.a.lib.Says("satisfied", t.sentence(at).text)
		return ok
	})
}

// maxStates is how many further statements are cited that a threat goes round.
const maxStates = 2

// others are further statements for the whole system of what a threat goes
// round.
func (t *treatment) others(best safeguard) []place {
	var out []place
	for _, at := range t.places() {
		if s, ok := t.safeguard(at); ok && s.wide && !s.same && at != best.at && len(out) < maxStates {
			out = append(out, at)
		}
	}
	return out
}

// silent reports whether the threat rests on silence: none of its sentences
// states the weakness.
func (t *treatment) silent() bool {
	return t.about.Threat.Omission && !t.weak(t.quotes)
}

// against are the threat's own sentences, but for the one that states the
// control.
func (t *treatment) against(at place) []place {
	return slices.DeleteFunc(slices.Clone(t.quotes), func(q place) bool { return q == at })
}

// best is the sentence that says most for a control: about this element before
// about everything, a mechanism before a claim.
func (t *treatment) best(c *analyze.CandidateControl, first bool) (safeguard, bool) {
	var best safeguard
	for _, at := range t.places() {
		s, ok := t.safeguard(at)
		if !ok || s.rank <= best.rank {
			continue
		}
		if first || s.answers || t.looksFor(c, at) {
			best = s
		}
	}
	return best, best.rank > 0
}

// looksFor reports whether a sentence uses the words of a control.
func (t *treatment) looksFor(c *analyze.CandidateControl, at place) bool {
	x := t.sentence(at).text
	return slices.ContainsFunc(c.LookFor, func(w string) bool {
		if _, _, ok := mentionOf(x, strings.Fields(key(w))); ok {
			return true
		}
		return !slices.ContainsFunc(strings.Fields(key(w)), func(w string) bool { return !holdsStem(x, w) })
	})
}

// safeguard reads a sentence as a statement of a safeguard against the threat.
func (t *treatment) safeguard(at place) (safeguard, bool) {
	x := t.sentence(at)
	if t.readings[at.passage].aside {
		return safeguard{}, false
	}
	if _, ok := t.cite(at); !ok {
		return safeguard{}, false
	}
	s := safeguard{at: at, same: slices.Contains(t.quotes, at)}
	family := t.about.Threat.Family
	related := t.a.carriesSignal(x.text, family)
	for _, st := range t.a.stated(x) {
		if st.answers(family) && related && better(st.verdict, s.verdict) && !(s.same && t.isWeakness(x, &st.hit)) {
			s.verdict = st.verdict
		}
	}
	answered := func(h pattern.Hit) bool { return h.Owner == t.owner && !(s.same && t.isWeakness(x, &h)) }
	s.answers = slices.ContainsFunc(x.of(pattern.Answer), answered)
	if s.answers && s.verdict == "" {
		s.verdict = threatmodel.Enforced
		if t.a.lib.HasException(x.text) {
			s.verdict = threatmodel.Partial
		}
	}
	if s.verdict == "" {
		return s, false
	}
	named := namesAny(x.text, t.names)
	if !s.same && len(x.of(pattern.Weakness)) > 0 {
		return s, false // what states a weakness of its own is no ground
	}
	row := t.q.Passages[at.passage].Kind == threatmodel.BlockTableRow
	s.wide = !row && (t.a.general(x.text) || t.generic(x) && t.sharesData(x) && !t.isOtherKind(x))
	topic := t.isTopic(x)
	beside := slices.ContainsFunc(t.quotes, func(q place) bool { return q.passage == at.passage })
	near := slices.ContainsFunc(t.quotes, func(q place) bool { return t.sameSection(q.passage, at.passage) })
	if !named && !s.wide && !near && !topic && !(!row && t.generic(x) && s.answers) && !t.isContext(at.passage) {
		return s, false
	}
	s.here = named || s.wide || topic
	s.rank = 1
	for _, add := range []struct {
		when bool
		n    int
	}{{s.verdict != threatmodel.Claimed, 8}, {named || topic, 4}, {s.wide, 3}, {beside, 1}, {near, 2}, {s.same, -6}} {
		if add.when {
			s.rank += add.n
		}
	}
	return s, true
}

// generic reports whether a sentence speaks of a kind of thing and not of one
// component: it begins with a bare noun ("Personal data is removed ..."), and
// names no component before what it states.
func (t *treatment) generic(x *sentence) bool {
	first := firstWord(x.text)
	if first == len(x.text.Tokens) || t.a.lib.At("determiner", x.text, first) > first {
		return false
	}
	from := len(x.text.Tokens)
	for _, h := range x.hits {
		if h.Role == pattern.Mechanism || h.Role == pattern.Claim || h.Role == pattern.Answer {
			from = min(from, h.Start)
		}
	}
	return !slices.ContainsFunc(x.names, func(n named) bool {
		return n.start < from && n.entry != nil && !n.bare && n.kind != threatmodel.ExternalEntity
	})
}

// firstWord is where a sentence begins after the number or letter of a footnote
// or list item.
func firstWord(t *pattern.Text) int {
	i := 0
	for i < len(t.Tokens) && (len(t.Tokens[i].Word) == 1 && t.Tokens[i].Word != "a" || t.Tokens[i].Word[:min(1, len(t.Tokens[i].Word))] < "a") {
		i++
	}
	return i
}

// subject gives the words with which a sentence begins, up to the first that
// ends a name, without its article: "the release key is kept" gives two.
func (t *treatment) subject(x *pattern.Text) []string {
	i := firstWord(x)
	if i < len(x.Tokens) && t.a.lib.At("determiner", x, i) > i {
		i++
	}
	var out []string
	for ; i < len(x.Tokens) && t.a.lib.At("stop", x, i) == i && t.a.lib.At("verb-other", x, i) == i; i++ {
		out = append(out, singular(x.Tokens[i].Word))
	}
	return out
}

// isTopic reports whether a sentence is about a thing, named by two words, that
// the threat's sentences name too: "the release key is kept in ..." and "a copy
// of the release key".
func (t *treatment) isTopic(x *sentence) bool {
	phrase := t.subject(x.text)
	return len(phrase) == 2 && slices.ContainsFunc(t.quotes, func(at place) bool {
		_, _, ok := mentionOf(t.sentence(at).text, phrase)
		return ok
	})
}

// isOtherKind reports whether a sentence is about another kind of the thing
// that a threat's sentence is about: access tokens, and not refresh tokens.
func (t *treatment) isOtherKind(x *sentence) bool {
	phrase := t.subject(x.text)
	return len(phrase) == 2 && slices.ContainsFunc(t.quotes, func(at place) bool {
		other := t.subject(t.sentence(at).text)
		return len(other) == 2 && other[1] == phrase[1] && other[0] != phrase[0]
	})
}

// sharesData reports whether a statement speaks of a kind of data that the
// threat speaks of too.
func (t *treatment) sharesData(x *sentence) bool {
	kinds := t.kinds(x)
	if t.owner >= 0 && len(kinds) > 0 && meets(kinds, t.kinds(t.title())) {
		return true
	}
	return slices.ContainsFunc(t.quotes, func(at place) bool {
		return len(kinds) > 0 && meets(kinds, t.kinds(t.sentence(at)))
	})
}

// title is what the threat's pattern is called, read.
func (t *treatment) title() *sentence {
	text := t.a.lib.Read(t.a.lib.Patterns()[t.owner].Title)
	return &sentence{text: text, hits: t.a.lib.Find(text, text)}
}

// kinds are the kinds of data that a sentence names.
func (t *treatment) kinds(x *sentence) []string {
	var out []string
	for _, h := range x.of(pattern.Holding) {
		out = unite(out, t.a.lib.Assets()[h.Owner].Kinds)
	}
	return out
}

// holdsStem reports whether a text holds a word of the same stem.
func holdsStem(t *pattern.Text, word string) bool {
	return slices.ContainsFunc(t.Tokens, func(tok pattern.Token) bool { return tok.Word == word || kindred(tok.Word, word) })
}

// kindred reports whether two words differ only in their endings: "deletion",
// "deleted".
func kindred(a, b string) bool {
	n := max(4, min(len(a), len(b))-2)
	return len(a) >= n && len(b) >= n && a[:n] == b[:n]
}

// isWeakness reports whether a hit rests on the very words that state a
// weakness.
func (t *treatment) isWeakness(x *sentence, h *pattern.Hit) bool {
	return slices.ContainsFunc(x.of(pattern.Weakness), func(w pattern.Hit) bool { return w.Owner == t.owner && w.Overlaps(h) })
}

// sameSection reports whether two passages stand under the same heading.
func (t *treatment) sameSection(a, b int) bool {
	x, y := &t.q.Passages[a], &t.q.Passages[b]
	return x.Document == y.Document && x.Section == y.Section
}

// better orders verdicts of statements: enforced, inherited, partial, claimed,
// none.
func better(a, b threatmodel.Verdict) bool {
	order := []threatmodel.Verdict{"", threatmodel.Claimed, threatmodel.Partial, threatmodel.Inherited, threatmodel.Enforced}
	return slices.Index(order, a) > slices.Index(order, b)
}
