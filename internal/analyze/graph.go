package analyze

import (
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// graph collects findings and makes the data flow diagram of them. Until
// [graph.settle] everything is known by name; afterwards by element id.
type graph struct {
	r        *run
	drafts   []*draft
	byName   map[string]*draft
	flows    []foundFlow
	assets   []foundAsset
	controls []foundControl

	elements []threatmodel.Element
	holdings []threatmodel.Asset
	stated   []threatmodel.StatedControl
	byID     map[string]*threatmodel.Element
	match    reconcile.ElementMatch
}

// draft is an element before it is settled: what all findings say of one name.
type draft struct {
	names        []string // as written, in the order found
	kinds        map[threatmodel.Kind]int
	technologies []string
	exposures    map[threatmodel.Exposure]int
	insides      []string
	evidence     []threatmodel.Evidence
	sources      []string
}

func newGraph(r *run) *graph {
	return &graph{r: r, byName: map[string]*draft{}, byID: map[string]*threatmodel.Element{}}
}

// add takes in what a section or diagram says.
func (g *graph) add(f finding) {
	for _, e := range f.elements {
		g.addElement(e)
	}
	g.flows = append(g.flows, f.flows...)
	g.assets = append(g.assets, f.assets...)
	g.controls = append(g.controls, f.controls...)
}

func (g *graph) addElement(e foundElement) {
	names := append([]string{e.name}, e.aliases...)
	if short, long, ok := splitAcronym(e.name); ok {
		names = append([]string{long, short}, e.aliases...)
	}
	var d *draft
	for _, n := range names {
		if d = g.byName[foldName(n)]; d != nil {
			break
		}
	}
	if d == nil {
		d = &draft{kinds: map[threatmodel.Kind]int{}, exposures: map[threatmodel.Exposure]int{}}
		g.drafts = append(g.drafts, d)
	}
	d.take(e)
	for _, n := range names {
		key := foldName(n)
		if key == "" || g.byName[key] != nil && g.byName[key] != d {
			continue
		}
		g.byName[key] = d
		if !slices.ContainsFunc(d.names, func(x string) bool { return strings.EqualFold(x, n) }) {
			d.names = append(d.names, n)
		}
	}
}

func (d *draft) take(e foundElement) {
	d.kinds[e.kind] += max(1, len(e.evidence))
	d.technologies = union(d.technologies, e.technologies)
	if e.exposure != "" && e.exposure != threatmodel.ExposureUnknown {
		d.exposures[e.exposure]++
	}
	if e.inside != "" {
		d.insides = append(d.insides, e.inside)
	}
	d.evidence = uniteEvidence(d.evidence, e.evidence)
	d.sources = union(d.sources, []string{e.source})
}

// join makes one draft of two.
func (g *graph) join(a, b *draft) {
	if a == b {
		return
	}
	for k, n := range b.kinds {
		a.kinds[k] += n
	}
	for k, n := range b.exposures {
		a.exposures[k] += n
	}
	a.names = union(a.names, b.names)
	a.technologies = union(a.technologies, b.technologies)
	a.insides = append(a.insides, b.insides...)
	a.evidence = uniteEvidence(a.evidence, b.evidence)
	a.sources = union(a.sources, b.sources)
	g.drafts = slices.DeleteFunc(g.drafts, func(d *draft) bool { return d == b })
	for k, d := range g.byName {
		if d == b {
			g.byName[k] = a
		}
	}
}

// kind is the one with most evidence; ties go to the first of the usual order.
func (d *draft) kind() threatmodel.Kind {
	best := threatmodel.Process
	for _, k := range threatmodel.Kinds() {
		if d.kinds[k] > d.kinds[best] {
			best = k
		}
	}
	return best
}

// exposure is the widest of those stated most often.
func (d *draft) exposure() threatmodel.Exposure {
	best := threatmodel.ExposureUnknown
	for _, e := range []threatmodel.Exposure{threatmodel.ExposureInternet, threatmodel.ExposurePartner, threatmodel.ExposureInternal, threatmodel.ExposureLocal} {
		if d.exposures[e] > d.exposures[best] {
			best = e
		}
	}
	return best
}

// find looks a name up: as it is, else as part of exactly one known name.
func (g *graph) find(name string) *draft {
	key := foldName(name)
	if d := g.byName[key]; d != nil || key == "" {
		return d
	}
	var found *draft
	for known, d := range g.byName {
		if !wholeWords(known, key) && !wholeWords(key, known) {
			continue
		}
		if found != nil && found != d {
			return nil
		}
		found = d
	}
	return found
}

// wholeWords reports whether the folded name a holds the folded name b as
// whole words.
func wholeWords(a, b string) bool {
	return strings.Contains(" "+a+" ", " "+b+" ")
}

var articles = map[string]bool{"the": true, "a": true, "an": true, "our": true, "its": true, "their": true}

// foldName makes spellings of a name alike: case, punctuation, articles, the
// plural of the last word.
func foldName(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !isWordRune(r)
	})
	for len(words) > 1 && articles[words[0]] {
		words = words[1:]
	}
	if n := len(words); n > 0 {
		words[n-1] = singular(words[n-1])
	}
	return strings.Join(words, " ")
}

func singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// splitAcronym reads "Identity Provider (IdP)" as its short and long form.
func splitAcronym(name string) (short, long string, ok bool) {
	open := strings.LastIndexByte(name, '(')
	if open <= 0 || !strings.HasSuffix(name, ")") {
		return "", "", false
	}
	short = strings.TrimSpace(name[open+1 : len(name)-1])
	long = strings.TrimSpace(name[:open])
	return short, long, short != "" && !strings.Contains(short, " ") && isAcronym(short, long)
}

// isAcronym reports whether the letters of short begin the words of long.
func isAcronym(short, long string) bool {
	letters := []rune(strings.ToLower(short))
	words := strings.FieldsFunc(strings.ToLower(long), func(r rune) bool { return !isWordRune(r) })
	if len(letters) < 2 || len(words) < 2 {
		return false
	}
	i := 0
	for _, w := range words {
		for _, c := range w {
			if i < len(letters) && c == letters[i] {
				i++
				continue
			}
			break
		}
	}
	return i == len(letters)
}

// union appends what is not there yet, ignoring case.
func union(a, b []string) []string {
	for _, s := range b {
		if !slices.ContainsFunc(a, func(x string) bool { return strings.EqualFold(x, s) }) {
			a = append(a, s)
		}
	}
	return a
}

// uniteEvidence appends the evidence whose sentence is not there yet.
func uniteEvidence(a, b []threatmodel.Evidence) []threatmodel.Evidence {
	for _, e := range b {
		if !slices.ContainsFunc(a, func(x threatmodel.Evidence) bool { return sameSpot(x, e) && x.Role == e.Role }) {
			a = append(a, e)
		}
	}
	return a
}

func sameSpot(a, b threatmodel.Evidence) bool {
	return a.Document == b.Document && a.Passage == b.Passage && a.Locator.ByteStart == b.Locator.ByteStart && a.Locator.ByteEnd == b.Locator.ByteEnd
}

// sortEvidence orders evidence by document and place.
func sortEvidence(list []threatmodel.Evidence) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Document != b.Document {
			return a.Document < b.Document
		}
		return a.Locator.ByteStart < b.Locator.ByteStart
	})
}
