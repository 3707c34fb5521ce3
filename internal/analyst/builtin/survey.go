package builtin

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// firstMentions is how many sentences that name an element are cited for
	// it; those that speak of a weakness are cited too, up to maxCited.
	firstMentions = 2
	maxCited      = 14
)

// component is an element as a section speaks of it.
type component struct {
	name         string
	kind         threatmodel.Kind
	tags         []string
	technologies []string
	aliases      []string
	exposure     threatmodel.Exposure
	inside       string
	mentions     []place
	cited        []place
	// acts counts the sentences in which it does something; capital and phrase
	// tell names that only their writing makes names.
	acts                  int
	capital, phrase, bare bool
	// sure is true for what may stand in the diagram without a flow: named
	// in a table, by a noun with what tells which one, or a technology.
	sure bool
}

// surveyor collects what one section says.
type surveyor struct {
	*view
	byKey map[string]*component
	order []*component
	out   analyze.SurveyAnswer
}

func (v *view) survey(about *analyze.SurveyAbout) *analyze.SurveyAnswer {
	s := &surveyor{view: v, byKey: map[string]*component{}, out: analyze.SurveyAnswer{
		Elements: []analyze.SurveyElement{}, Flows: []analyze.SurveyFlow{}, Assets: []analyze.SurveyAsset{},
		Controls: []analyze.SurveyControl{}, AimedAtModel: []ground.Citation{},
	}}
	for i := range v.q.Passages {
		s.table(i)
	}
	for _, at := range v.places() {
		s.collect(at)
	}
	s.recur()
	for _, at := range v.places() {
		s.flowsOf(at)
	}
	s.document(about)
	for _, at := range v.places() {
		s.attribute(at)
		s.surroundings(at)
		s.assetsOf(at)
		s.controlsOf(at)
		s.aimed(at)
	}
	s.elements()
	return &s.out
}

// add takes in a name; nil where it names nothing by itself.
func (s *surveyor) add(n *named) *component {
	k := key(n.text)
	c := s.byKey[k]
	if c == nil {
		c = &component{name: n.text, kind: n.kind, tags: n.tags, phrase: n.phrase, bare: n.bare, capital: n.entry == nil && !n.phrase}
		s.byKey[k] = c
		s.order = append(s.order, c)
	}
	if !n.bare && n.entry != nil && n.entry.Type != "party" {
		c.sure = true
	}
	if n.role == agent {
		c.acts++
	}
	return c
}

// collect takes in the names of a sentence.
func (s *surveyor) collect(at place) {
	if s.readings[at.passage].aside || !readable(s.q.Passages[at.passage].Kind) {
		return
	}
	x := s.sentence(at)
	for i := range x.names {
		n := &x.names[i]
		if n.kind == threatmodel.TrustBoundary {
			continue
		}
		c := s.add(n)
		if !slices.Contains(c.mentions, at) {
			c.mentions = append(c.mentions, at)
		}
		if n.entry != nil && n.entry.Type == "noun" {
			c.technologies = unite(c.technologies, technologiesBeside(x.text, n))
		}
	}
}

// technologiesBeside are the technologies named right after a name, in
// brackets: "the order database (PostgreSQL)".
func technologiesBeside(t *pattern.Text, n *named) []string {
	var out []string
	for _, m := range t.Mentions {
		if m.Entry.Type == "technology" && m.Start == n.end && n.end < len(t.Tokens) && strings.Contains(t.Raw[t.Tokens[n.end-1].End:t.Tokens[n.end].Start], "(") {
			out = append(out, m.Entry.Name)
		}
	}
	return out
}

// recur takes names that only their writing makes names for components where
// they come back, and phrases where they act.
func (s *surveyor) recur() {
	for _, c := range s.order {
		switch {
		case c.sure || c.kind == threatmodel.ExternalEntity:
		case c.capital:
			c.sure = !s.common(c) && c.acts > 0 && len(c.mentions) >= 4-min(len(strings.Fields(c.name)), 2)
		case c.bare && !s.a.whole("vague", c.name):
			c.sure = c.acts > 0
		case c.phrase:
			c.sure = c.acts > 0 || len(c.mentions) > 1 && s.inPlace(c)
		}
	}
}

// common reports whether a name in capitals also stands in lower case, and so
// is an ordinary word.
func (s *surveyor) common(c *component) bool {
	lower := strings.ToLower(c.name)
	for i := range s.q.Passages {
		if strings.Contains(s.q.Passages[i].Text, " "+lower) {
			return true
		}
	}
	return false
}

// inPlace reports whether a phrase is said to hold or run something: "in the
// evidence locker".
func (s *surveyor) inPlace(c *component) bool {
	for _, at := range c.mentions {
		t := s.sentence(at).text
		if start, _, ok := mentionOf(t, strings.Fields(key(c.name))); ok && start > 1 {
			switch t.Tokens[start-2].Word {
			case "in", "to", "at", "from", "on":
				return true
			}
		}
	}
	return false
}

// find looks a name of a sentence up: the component itself or, for a bare
// noun, the only one that ends in it.
func (s *surveyor) find(n *named) *component {
	c := s.byKey[key(n.text)]
	if c == nil || c.sure || !n.bare {
		return c
	}
	var found *component
	for _, other := range s.order {
		if other != c && other.sure && strings.HasSuffix(key(other.name), " "+key(n.text)) {
			if found != nil {
				return c
			}
			found = other
		}
	}
	if found != nil {
		return found
	}
	return c
}

// document names the component that a whole document is about, by its title.
func (s *surveyor) document(about *analyze.SurveyAbout) {
	if s.main() != nil {
		return
	}
	t := s.a.lib.Read(about.Document)
	for _, n := range s.a.read.names(t) {
		if n.entry != nil && n.entry.Type == "noun" && !n.bare && n.kind != threatmodel.TrustBoundary {
			s.add(&n).sure = true
			return
		}
	}
}

// main is the component that the section speaks of most.
func (s *surveyor) main() *component {
	var best *component
	for _, c := range s.order {
		if c.sure && c.kind != threatmodel.ExternalEntity && (best == nil || len(c.mentions) > len(best.mentions)) {
			best = c
		}
	}
	return best
}

// attribute cites a sentence that speaks of a weakness for the component that
// it is about.
func (s *surveyor) attribute(at place) {
	x := s.sentence(at)
	if s.readings[at.passage].aside || len(x.of(pattern.Weakness)) == 0 {
		return
	}
	if _, ok := s.cite(at); !ok {
		return
	}
	if c := s.carrier(at); c != nil {
		c.cited = append(c.cited, at)
	}
}

// carrier is the component that a sentence is about: the first that it names,
// else the one of the sentence before, of the list's introduction, of the
// headings, of the passage before, or of the whole section.
func (s *surveyor) carrier(at place) *component {
	x := s.sentence(at)
	if at.sentence == 0 || !s.a.refersBack(x.text) {
		if c := s.firstIn(namesFor(x)); c != nil {
			return c
		}
	}
	for k := at.sentence - 1; k >= 0; k-- {
		if c := s.firstIn(s.sentence(place{at.passage, k}).names); c != nil {
			return c
		}
	}
	r := s.readings[at.passage]
	if c := s.firstIn(s.a.read.names(r.lead)); c != nil && s.q.Passages[at.passage].Kind != threatmodel.BlockTableRow {
		return c
	}
	for i := len(r.path) - 1; i >= 0; i-- {
		if c := s.heading(r.path[i]); c != nil {
			return c
		}
	}
	for i := at.passage - 1; i >= 0 && s.q.Passages[i].Section == s.q.Passages[at.passage].Section; i-- {
		for _, x := range s.readings[i].sentences {
			if c := s.firstIn(x.names); c != nil {
				return c
			}
		}
	}
	return s.main()
}

// namesFor are the names of a sentence that may carry what its weakness signals
// state: not those that only stand in a clause that gives a reason for it.
func namesFor(x *sentence) []named {
	end := len(x.text.Tokens)
	for _, h := range x.of(pattern.Weakness) {
		end = min(end, reason(x.text, h.End))
	}
	var out []named
	for _, n := range x.names {
		if n.start < end {
			out = append(out, n)
		}
	}
	return out
}

// reason gives where, from a word on, a clause begins that gives a reason; the
// end of the text where none does.
func reason(t *pattern.Text, from int) int {
	for i := max(from, 1); i < len(t.Tokens); i++ {
		switch t.Tokens[i].Word {
		case "because", "since", "as", "so":
			if t.Tokens[i].Break != pattern.NoBreak {
				return i
			}
		}
	}
	return len(t.Tokens)
}

// refersBack reports whether a sentence begins with a word for what the
// sentence before named.
func (a *Analyst) refersBack(t *pattern.Text) bool {
	return len(t.Tokens) > 0 && a.lib.At("back", t, 0) > 0
}

// firstIn is the first component among names: one that the lexicon explains
// before one that only its writing makes a name.
func (s *surveyor) firstIn(names []named) *component {
	var guess *component
	for i := range names {
		c := s.find(&names[i])
		switch {
		case c == nil || !c.sure || c.kind == threatmodel.ExternalEntity:
		case !c.capital && !c.phrase:
			return c
		case guess == nil:
			guess = c
		}
	}
	return guess
}

// heading finds the component that a heading is about: one that it names, or
// the only one that shares a telling word with it.
func (s *surveyor) heading(t *pattern.Text) *component {
	if c := s.firstIn(s.a.read.names(t)); c != nil {
		return c
	}
	var found *component
	for _, c := range s.order {
		if !c.sure || c.kind == threatmodel.ExternalEntity || !s.a.read.sharesWord(t, c.name) {
			continue
		}
		if found != nil {
			return nil
		}
		found = c
	}
	return found
}

// sharesWord reports whether a text holds a word of a name that tells which
// component is meant: not its noun.
func (r *reader) sharesWord(t *pattern.Text, name string) bool {
	words := strings.Fields(key(name))
	for i, w := range words {
		if i == len(words)-1 && len(words) > 1 || len(w) < 4 {
			continue
		}
		for _, tok := range t.Tokens {
			if sameStem(tok.Word, w) {
				return true
			}
		}
	}
	return false
}

// sameStem reports whether two words begin alike, up to their endings.
func sameStem(a, b string) bool {
	n := min(len(a), len(b))
	if n < 4 || max(len(a), len(b))-n > 3 {
		return false
	}
	return a[:n] == b[:n]
}

// elements writes the components down that stand in a flow or are sure.
func (s *surveyor) elements() {
	for _, c := range s.order {
		if !c.sure || c.kind == threatmodel.TrustBoundary {
			continue
		}
		places := slices.Clone(c.mentions[:min(len(c.mentions), firstMentions)])
		for _, at := range c.cited {
			if len(places) < maxCited {
				places = append(places, at)
			}
		}
		e := analyze.SurveyElement{
			Name: c.name, Kind: c.kind, Aliases: orEmpty(c.aliases), Technologies: orEmpty(c.technologies),
			Exposure: c.exposure, Citations: s.citeAll(places),
		}
		if e.Exposure == "" {
			e.Exposure = threatmodel.ExposureUnknown
		}
		if c.inside != "" {
			e.Inside = &c.inside
		}
		if len(e.Citations) > 0 {
			s.out.Elements = append(s.out.Elements, e)
		}
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// unite appends what is not there yet.
func unite(a, b []string) []string {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}
