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
		c = &component{name: n.text, kind: n.kind, tags: n.tags}
		s.byKey[k] = c
		s.order = append(s.order, c)
	}
	if !n.bare && n.entry != nil && n.entry.Type != "party" {
		c.sure = true
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

// recur takes names in capitals for components where they come back, and
// bare nouns for the one component that ends in them.
func (s *surveyor) recur() {
	for _, c := range s.order {
		words := strings.Fields(c.name)
		switch {
		case c.sure:
		case c.kind == threatmodel.ExternalEntity:
		case len(c.tags) == 0 && len(c.mentions) >= 4-min(len(words), 2):
			c.sure = true
		}
	}
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
	for k := at.sentence; k >= 0; k-- {
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
		for k := len(s.readings[i].sentences) - 1; k >= 0; k-- {
			if c := s.firstIn(s.readings[i].sentences[k].names); c != nil {
				return c
			}
		}
	}
	return s.main()
}

func (s *surveyor) firstIn(names []named) *component {
	for i := range names {
		if c := s.find(&names[i]); c != nil && c.sure && c.kind != threatmodel.ExternalEntity {
			return c
		}
	}
	return nil
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
