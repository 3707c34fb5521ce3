package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// maxQuotes is how many sentences carry one threat.
	maxQuotes = 3
	// maxQuestions bounds what is asked about one subject.
	maxQuestions = 1
)

// elicitor answers one elicit question.
type elicitor struct {
	*view
	about   *analyze.ElicitAbout
	subject *subject
	names   [][][]string // of each element shown: its names, as words
	stated  map[string]bool
	out     analyze.ElicitAnswer
}

// finding is a pattern at the subject, with the sentences that state it.
type finding struct {
	pattern *pattern.Pattern
	places  []scored
}

type scored struct {
	at    place
	score int
	hit   pattern.Hit
}

func (v *view) elicit(about *analyze.ElicitAbout) *analyze.ElicitAnswer {
	e := &elicitor{view: v, about: about, subject: v.subject(about), stated: map[string]bool{}}
	e.out = analyze.ElicitAnswer{Threats: []analyze.ElicitThreat{}, Questions: []analyze.ElicitQuestion{}, NotApplicable: []analyze.NotApplicable{}}
	for i := range about.Elements {
		e.names = append(e.names, namesOf(&about.Elements[i]))
	}
	for _, quote := range about.Stated {
		e.stated[passage.Fold(quote)] = true
	}
	found := e.find()
	for _, f := range found {
		e.out.Threats = append(e.out.Threats, e.threat(f))
	}
	e.ask(found)
	return &e.out
}

// namesOf are an element's names, as words.
func namesOf(e *analyze.ElementView) [][]string {
	var out [][]string
	for _, n := range append([]string{e.Name}, e.Aliases...) {
		if words := strings.Fields(key(n)); len(words) > 0 {
			out = append(out, words)
		}
	}
	return out
}

// find collects, sentence by sentence, the patterns that the subject carries.
func (e *elicitor) find() []*finding {
	byPattern := map[string]*finding{}
	var order []*finding
	for _, at := range e.places() {
		if e.readings[at.passage].aside || e.isContext(at.passage) {
			continue
		}
		if _, ok := e.cite(at); !ok {
			continue
		}
		for _, s := range e.claimed(at) {
			p := e.a.lib.Patterns()[s.hit.Owner]
			f := byPattern[p.ID]
			if f == nil {
				f = &finding{pattern: p}
				byPattern[p.ID] = f
				order = append(order, f)
			}
			f.places = append(f.places, s)
		}
	}
	for _, f := range order {
		slices.SortStableFunc(f.places, func(a, b scored) int { return b.score - a.score })
	}
	slices.SortStableFunc(order, func(a, b *finding) int { return strings.Compare(a.pattern.ID, b.pattern.ID) })
	return order
}

// claimed are the weakness signals of a sentence that is about the subject:
// the strongest, and others that rest on other words of it.
func (e *elicitor) claimed(at place) []scored {
	x := e.sentence(at)
	var list []scored
	for _, h := range x.of(pattern.Weakness) {
		p := e.a.lib.Patterns()[h.Owner]
		if !e.subject.fits(p.Subjects) || e.answeredWithin(x, h) {
			continue
		}
		score, ok := e.claim(at, p, h)
		if !ok {
			continue
		}
		list = append(list, scored{at, score + 2*h.Matched + e.subject.closeness(p.Subjects), h})
	}
	slices.SortStableFunc(list, func(a, b scored) int { return b.score - a.score })
	var out []scored
	for _, s := range list {
		if !slices.ContainsFunc(out, func(o scored) bool { return e.family(o) == e.family(s) || o.hit.Overlaps(&s.hit) }) {
			out = append(out, s)
		}
	}
	return out
}

func (e *elicitor) family(s scored) string { return e.a.lib.Patterns()[s.hit.Owner].Family }

// answeredWithin reports whether the sentence itself answers what the signal
// states, and takes nothing back.
func (e *elicitor) answeredWithin(x *sentence, h pattern.Hit) bool {
	for _, y := range x.of(pattern.Answer) {
		if y.Owner == h.Owner && !y.Overlaps(&h) {
			return !e.a.holds("contrast", x.text)
		}
	}
	return false
}

// threat writes a finding down.
func (e *elicitor) threat(f *finding) analyze.ElicitThreat {
	p := f.pattern
	var places []place
	for _, s := range f.places[:min(len(f.places), maxQuotes)] {
		places = append(places, s.at)
	}
	words := e.words(places[0])
	t := analyze.ElicitThreat{
		Title: fmt.Sprintf("%s (%s)", p.Title, words["element"]), Element: "E1", Others: []string{}, Pattern: p.ID,
		Source: fill(p.Statement.Source, words), Prerequisites: fill(p.Statement.Prerequisites, words),
		Action: fill(p.Statement.Action, words), Impact: fill(p.Statement.Impact, words), Properties: p.Statement.Properties,
		CWE: p.CWE, CAPEC: p.CAPEC, ATTACK: p.ATTACK, Citations: e.citeAll(places),
		Exposure: string(p.Rating.Exposure), Prerequisite: p.Rating.Prerequisite, Scope: p.Rating.Scope, Mitigations: fillAll(p.Mitigations, words),
		Assets: e.assets(places),
	}
	for _, s := range p.STRIDE {
		t.STRIDE = append(t.STRIDE, string(s))
	}
	if t.Exposure == "" {
		t.Exposure = string(e.subject.exposure)
	}
	if e.about.OfFlow {
		t.Element, t.Others = "F1", []string{"E1", "E2"}
		return t
	}
	t.Others = e.others(places[0])
	return t
}

// maxOthers bounds the further elements that a threat names.
const maxOthers = 3

// others are the elements that the passage of a sentence names beside the
// subject, those of the sentence itself first.
func (e *elicitor) others(at place) []string {
	out := []string{}
	for _, whole := range []bool{false, true} {
		for i := range e.names[1:] {
			named := namesAny(e.sentence(at).text, e.names[i+1])
			for k := 0; whole && k < len(e.readings[at.passage].sentences); k++ {
				named = named || namesAny(e.sentence(place{at.passage, k}).text, e.names[i+1])
			}
			if named && len(out) < maxOthers {
				out = unite(out, []string{fmt.Sprintf("E%d", i+2)})
			}
		}
	}
	return out
}

// assets are those of the subject that the sentences name, else its most
// sensitive one.
func (e *elicitor) assets(places []place) []string {
	out := []string{}
	for i, a := range e.about.Assets {
		for _, at := range places {
			for _, h := range e.sentence(at).of(pattern.Holding) {
				if e.a.lib.Assets()[h.Owner].Name == a.Name {
					out = unite(out, []string{fmt.Sprintf("A%d", i+1)})
				}
			}
		}
	}
	if best := e.dearest(); len(out) == 0 && best >= 0 {
		out = append(out, fmt.Sprintf("A%d", best+1))
	}
	return out
}

// dearest is the index of the subject's asset of the highest class; -1 where
// it has none.
func (e *elicitor) dearest() int {
	best, rank := -1, -1
	for i, a := range e.about.Assets {
		if r := slices.Index(threatmodel.Classes(), a.Class); r > rank {
			best, rank = i, r
		}
	}
	return best
}

// words are what the placeholders of a statement stand for.
func (e *elicitor) words(at place) map[string]string {
	w := map[string]string{}
	x := e.sentence(at)
	if e.about.OfFlow {
		f := e.about.Flows[0]
		w["from"], w["to"] = f.From, f.To
		w["element"], w["peer"] = f.To, f.From
		if e.about.Elements[1].Kind == threatmodel.ExternalEntity {
			w["element"], w["peer"] = f.From, f.To
		}
	} else {
		w["element"] = e.about.Elements[0].Name
		for i := range e.names[1:] {
			if w["peer"] == "" && namesAny(x.text, e.names[i+1]) {
				w["peer"] = e.about.Elements[i+1].Name
			}
		}
		if list := e.about.Elements[0].Technologies; len(list) > 0 {
			w["technology"] = list[0]
		}
	}
	for _, h := range x.of(pattern.Holding) {
		if w["asset"] == "" {
			w["asset"] = lowerFirst(e.a.lib.Assets()[h.Owner].Name)
		}
	}
	if best := e.dearest(); w["asset"] == "" && best >= 0 {
		w["asset"] = lowerFirst(e.about.Assets[best].Name)
	}
	return w
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// fill puts words for the placeholders of a template: {name|fallback}.
func fill(template string, words map[string]string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		inside, after, _ := strings.Cut(rest, "}")
		name, fallback, has := strings.Cut(inside, "|")
		switch {
		case words[name] != "":
			b.WriteString(words[name])
		case has && fallback == "the element" && words["element"] != "":
			b.WriteString(words["element"])
		case has:
			b.WriteString(fallback)
		default:
			b.WriteString("the " + name)
		}
		template = after
	}
}

// fillAll fills each of several templates.
func fillAll(templates []string, words map[string]string) []string {
	out := make([]string, len(templates))
	for i, t := range templates {
		out[i] = fill(t, words)
	}
	return out
}

// ask puts the questions of patterns that fit where the text is silent.
func (e *elicitor) ask(found []*finding) {
	for i, p := range e.a.lib.Patterns() {
		if len(e.out.Questions) >= maxQuestions {
			return
		}
		if p.Question == nil || slices.ContainsFunc(found, func(f *finding) bool { return f.pattern.Family == p.Family }) {
			continue
		}
		when := p.Question.When
		if len(when) == 0 {
			when = p.Subjects
		}
		if !e.subject.fits(when) || e.answered(i, p) {
			continue
		}
		at, ok := e.occasion(i, p)
		if !ok {
			continue
		}
		words := e.words(at)
		e.out.Questions = append(e.out.Questions, analyze.ElicitQuestion{
			Question: fill(p.Question.Text, words), Why: p.Question.Why, Citations: e.citeAll([]place{at}),
		})
	}
}

// occasion is the sentence that makes silence worth a question: one about the
// subject that carries the pattern's mention or, without mentions, one that
// states the subject.
func (e *elicitor) occasion(owner int, p *pattern.Pattern) (place, bool) {
	for _, at := range e.places() {
		if e.readings[at.passage].aside || e.isContext(at.passage) || !e.isStated(at) && !e.isNamed(at) {
			continue
		}
		if _, ok := e.cite(at); !ok {
			continue
		}
		mentioned := slices.ContainsFunc(e.sentence(at).of(pattern.Mentioned), func(h pattern.Hit) bool { return h.Owner == owner })
		if mentioned || len(p.Question.Mentions) == 0 {
			return at, true
		}
	}
	return place{}, false
}

func (e *elicitor) isNamed(at place) bool {
	t := e.sentence(at).text
	return namesAny(t, e.names[0]) && (!e.about.OfFlow || namesAny(t, e.names[1]))
}

// answered reports whether a sentence about the subject, or about everything,
// states that the weakness is dealt with.
func (e *elicitor) answered(owner int, p *pattern.Pattern) bool {
	for _, at := range e.places() {
		x := e.sentence(at)
		if !e.isStated(at) && !e.isNamed(at) && !e.a.general(x.text) && !e.isContext(at.passage) {
			continue
		}
		if slices.ContainsFunc(x.of(pattern.Answer), func(h pattern.Hit) bool { return h.Owner == owner }) ||
			slices.ContainsFunc(e.a.stated(x), func(s statement) bool { return s.answers(p.Family) }) {
			return true
		}
	}
	return false
}
