package builtin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// challenge tests each candidate against what the passages state, and answers
// the cells that a stated safeguard covers.
func (v *view) challenge(about *analyze.ChallengeAbout) *analyze.ChallengeAnswer {
	out := &analyze.ChallengeAnswer{Verdicts: []analyze.ChallengeVerdict{}, Cells: []analyze.ChallengeCell{}, Threats: []analyze.ElicitThreat{}}
	for i := range about.Candidates {
		out.Verdicts = append(out.Verdicts, v.verdict(i, &about.Candidates[i], about))
	}
	for i := range about.Cells {
		if c, ok := v.cell(i, &about.Cells[i], about); ok {
			out.Cells = append(out.Cells, c)
		}
	}
	return out
}

// verdict judges one candidate. What the text states outright is supported.
// What rests on silence is contradicted by a statement of the control at that
// element; a sentence that denies nothing, by one right beside it.
func (v *view) verdict(i int, t *analyze.ThreatView, about *analyze.ChallengeAbout) analyze.ChallengeVerdict {
	out := analyze.ChallengeVerdict{Candidate: fmt.Sprintf("X%d", i+1), DuplicateOf: "none", Citations: v.citeAll(nil)}
	quotes := v.quotes(t.Quotes)
	silent := t.Omission && !v.weak(quotes)
	counter, found := v.counter(t, quotes, about.Elements, silent)
	switch {
	case found && !v.outright(quotes):
		out.Verdict, out.Citations = analyze.Contradicted, v.citeAll([]place{counter})
		out.Reason = "The design states the control for this element: " + v.quote(counter)
	case len(quotes) == 0:
		out.Verdict, out.Reason = analyze.Insufficient, "No sentence shown decides it."
	case silent:
		out.Verdict, out.Citations = analyze.Supported, v.citeAll(quotes)
		out.Reason = "The design states what needs the control, and no passage states the control."
	default:
		out.Verdict, out.Citations = analyze.Supported, v.citeAll(quotes)
		out.Reason = "The design states it: " + v.quote(quotes[0])
	}
	return out
}

// outright reports whether one of the sentences denies a control or limits it:
// it says that something is not done, or only in part.
func (v *view) outright(quotes []place) bool {
	return slices.ContainsFunc(quotes, func(at place) bool {
		t := v.sentence(at).text
		return v.a.holds("negator", t) || v.a.holds("plain", t) || v.a.holds("exception", t)
	})
}

// counter finds a statement, without exception, of the control that answers a
// threat, at the threat's element or right beside its sentence.
func (v *view) counter(t *analyze.ThreatView, quotes []place, elements []analyze.ElementView, silent bool) (place, bool) {
	names := [][]string{strings.Fields(key(t.Element))}
	for i := range elements {
		if elements[i].Name == t.Element {
			names = namesOf(&elements[i])
		}
	}
	owner := v.a.owner(t)
	for _, at := range v.places() {
		x := v.sentence(at)
		beside := slices.ContainsFunc(quotes, func(q place) bool { return q.passage == at.passage })
		if slices.Contains(quotes, at) || v.readings[at.passage].aside || !beside && !namesAny(x.text, names) {
			continue
		}
		if v.a.lib.HasException(x.text) || len(x.of(pattern.Weakness)) > 0 || v.a.speaksOfOthers(x.text) {
			continue
		}
		answered := slices.ContainsFunc(x.of(pattern.Answer), func(h pattern.Hit) bool { return h.Owner == owner })
		enforced := v.a.carriesSignal(x.text, t.Family) &&
			slices.ContainsFunc(v.a.stated(x), func(s statement) bool { return s.verdict == threatmodel.Enforced && s.answers(t.Family) })
		if _, ok := v.cite(at); ok && (answered && beside || (answered || enforced) && silent) {
			return at, true
		}
	}
	return place{}, false
}

// weak reports whether one of the sentences carries a weakness signal.
func (v *view) weak(quotes []place) bool {
	return slices.ContainsFunc(quotes, func(at place) bool { return len(v.sentence(at).of(pattern.Weakness)) > 0 })
}

// speaksOfOthers reports whether a sentence is about what is left beside
// something: "all other endpoints".
func (a *Analyst) speaksOfOthers(t *pattern.Text) bool { return a.holds("others", t) }

// owner is the index of the pattern that a threat came from; -1 where it came
// from none.
func (a *Analyst) owner(t *analyze.ThreatView) int {
	return slices.IndexFunc(a.lib.Patterns(), func(p *pattern.Pattern) bool {
		return p.Family == t.Family && strings.HasPrefix(t.Title, p.Title+" (")
	})
}

// carriesSignal reports whether a text holds a word that points to a weakness
// family.
func (a *Analyst) carriesSignal(t *pattern.Text, family string) bool {
	text := " " + strings.Join(t.Words(), " ") + " "
	return slices.ContainsFunc(a.signals.Families()[family], func(p string) bool { return strings.Contains(text, " "+p) })
}

// quotes reads numbers of sentences such as P3.2.
func (v *view) quotes(numbers []string) []place {
	var out []place
	for _, n := range numbers {
		p, s, _ := strings.Cut(strings.TrimPrefix(n, "P"), ".")
		i, err := strconv.Atoi(p)
		k, err2 := strconv.Atoi(s)
		if err == nil && err2 == nil && i >= 1 && i <= len(v.readings) && k >= 1 && k <= len(v.readings[i-1].sentences) {
			out = append(out, place{i - 1, k - 1})
		}
	}
	return out
}

// quotedWords bounds what a reason repeats of a sentence.
const quotedWords = 25

func (v *view) quote(at place) string {
	words := strings.Fields(v.source(at).Text)
	text := strings.Join(words[:min(len(words), quotedWords)], " ")
	if len(words) > quotedWords {
		text += " …"
	}
	return "“" + text + "”"
}

// covering says which families of safeguards cover a STRIDE category.
var covering = map[threatmodel.STRIDE][]string{
	threatmodel.Spoofing:              {"authentication"},
	threatmodel.Tampering:             {"cleartext-transmission", "data-authenticity"},
	threatmodel.Repudiation:           {"logging"},
	threatmodel.InformationDisclosure: {"cleartext-transmission", "cleartext-storage"},
	threatmodel.DenialOfService:       {"resource-exhaustion", "resilience"},
	threatmodel.ElevationOfPrivilege:  {"authorization", "excessive-privilege"},
}

// cell gives a reason why nothing was found at a place of the coverage matrix,
// where a sentence states an enforced safeguard for it. Elsewhere it says
// nothing: the place was not looked at.
func (v *view) cell(i int, c *analyze.CellView, about *analyze.ChallengeAbout) (analyze.ChallengeCell, bool) {
	names := [][]string{strings.Fields(key(about.Elements[0].Name))}
	var peer [][]string
	if c.Alias == "E1" {
		names = namesOf(&about.Elements[0])
	} else if n, err := strconv.Atoi(strings.TrimPrefix(c.Alias, "F")); err == nil && n >= 1 && n <= len(about.Flows) {
		names = [][]string{strings.Fields(key(about.Flows[n-1].From))}
		peer = [][]string{strings.Fields(key(about.Flows[n-1].To))}
	}
	for _, at := range v.places() {
		x := v.sentence(at)
		if v.readings[at.passage].aside || !namesAny(x.text, names) || peer != nil && !namesAny(x.text, peer) {
			continue
		}
		for _, s := range v.a.stated(x) {
			if s.verdict == threatmodel.Enforced && slices.ContainsFunc(covering[c.STRIDE], s.answers) {
				return analyze.ChallengeCell{
					Cell: fmt.Sprintf("U%d", i+1), Reason: "No weakness is stated, and the design states " + lowerFirst(s.control.Name) + ": " + v.quote(at),
				}, true
			}
		}
	}
	return analyze.ChallengeCell{}, false
}
