package analyze

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// candidate is a threat on its way through the stages.
type candidate struct {
	threat threatmodel.Threat
	// sameAs are former threats that an analyst claims this one is.
	sameAs []string
	// old is the id of the baseline's threat that this one continues.
	old string
	// verdict is what challenge said; empty where it did not.
	verdict string
	reason  string
	// counter are the quotes that contradict it; rejected says that they do.
	counter  []threatmodel.Evidence
	rejected bool
	// chain is true for an attack over several elements.
	chain bool
	// repeats is the candidate that this one was found to be the same as.
	repeats *candidate
}

// aliases maps what a question shows to what it stands for.
type aliases struct {
	elements []ElementView
	flows    []FlowView
	assets   []AssetView
}

// element reads E2 or F1 as an element id.
func (a *aliases) element(alias string) (string, bool) {
	if i := aliasIndex("E", alias, len(a.elements)); i >= 0 {
		return a.elements[i].ID, true
	}
	if i := aliasIndex("F", alias, len(a.flows)); i >= 0 {
		return a.flows[i].ID, true
	}
	return "", false
}

func (a *aliases) asset(alias string) (string, bool) {
	if i := aliasIndex("A", alias, len(a.assets)); i >= 0 {
		return a.assets[i].ID, true
	}
	return "", false
}

// isNone reports whether an alias says that there is none.
func isNone(alias string) bool {
	a := strings.ToLower(strings.TrimSpace(alias))
	return a == "" || a == "none"
}

// checkThreat grounds one proposed threat against what its question showed.
func (r *run) checkThreat(t *ElicitThreat, q *Question, al *aliases) (*candidate, *refusal) {
	refuse := func(format string, args ...any) (*candidate, *refusal) {
		return nil, &refusal{What: "threat", Title: t.Title, Reason: fmt.Sprintf(format, args...), Repairable: true}
	}
	if strings.TrimSpace(t.Title) == "" || strings.TrimSpace(t.Action) == "" || strings.TrimSpace(t.Impact) == "" {
		return refuse("title, action and impact must be filled in")
	}
	carrier, ok := al.element(t.Element)
	if !ok {
		return refuse("%q is not one of the elements or flows listed", t.Element)
	}
	stride := knownSTRIDE(t.STRIDE)
	if len(stride) == 0 {
		return refuse("no STRIDE category is named")
	}
	family := r.weakness.Family(t.CWE)
	if family == "" {
		return refuse("%s", r.weaknessReason(t.CWE))
	}
	evidence, quotes, bad := ground.FindAll(t.Citations, q.Passages, threatmodel.States)
	if len(evidence) == 0 {
		return refuse("%s", citationReason(bad))
	}
	elements := []string{carrier}
	for _, other := range t.Others {
		if id, ok := al.element(other); ok {
			elements = union(elements, []string{id})
		}
	}
	if evidence = r.naming(evidence, quotes, elements, family); len(evidence) == 0 {
		return refuse("none of the cited sentences stands in a section that names %s, or speaks of the weakness", r.name(carrier))
	}
	c := &candidate{threat: threatmodel.Threat{
		Title: passage.Fold(t.Title), STRIDE: stride, CWE: []int{r.mappable(t.CWE, family)}, CAPEC: r.knownCAPEC(t.CAPEC), ATTACK: r.knownTechniques(t.ATTACK),
		Elements: elements, Evidence: evidence, Family: family, Mitigations: mitigations(t.Mitigations),
		Facts: threatmodel.Facts{Exposure: threatmodel.Exposure(t.Exposure), Prerequisite: t.Prerequisite, Scope: t.Scope, Properties: t.Properties},
	}}
	var assets []string
	for _, alias := range t.Assets {
		if id, ok := al.asset(alias); ok {
			assets = union(assets, []string{id})
		}
	}
	c.threat.Assets = assets
	c.threat.Statement = r.statement(t, assets)
	c.sameAs = same(t.SameAs, q.Former)
	return c, nil
}

// weaknessReason says why a CWE cannot be taken, and what could in its place.
func (r *run) weaknessReason(cwe int) string {
	name, known := r.weakness.CWE(cwe)
	if !known {
		return fmt.Sprintf("CWE-%d is no weakness that can be named", cwe)
	}
	reason := fmt.Sprintf("CWE-%d (%s) is too general, or no matter of a design", cwe, name)
	const offered = 12
	var below []string
	for _, id := range r.weakness.Narrower(cwe, offered) {
		narrower, _ := r.weakness.CWE(id)
		below = append(below, fmt.Sprintf("%d (%s)", id, narrower))
	}
	if len(below) > 0 {
		reason += "; narrower ones are " + strings.Join(below, ", ")
	}
	return reason
}

// same reads O2 as the former threat that an analyst says its own is. An
// answer taken from the baseline was given on other former threats: the
// question then has none, and the claim is not read.
func same(alias *string, former []FormerThreat) []string {
	if alias == nil {
		return nil
	}
	if i := aliasIndex("O", *alias, len(former)); i >= 0 {
		return []string{former[i].ID}
	}
	return nil
}

// naming is the evidence, where one of its quotes names one of the elements, or
// one of the ends of a flow, or carries a signal of the weakness, with its
// passage and heading or with the section it stands in: a section about a part
// goes on with "it" and "the form". None otherwise. Once a reader can see what it
// is about, every sentence that was cited stays.
func (r *run) naming(evidence []threatmodel.Evidence, quotes []ground.Quote, elements []string, family string) []threatmodel.Evidence {
	var names []string
	for _, id := range elements {
		e := r.element(id)
		if e == nil {
			continue
		}
		if e.Kind == threatmodel.DataFlow {
			names = append(names, r.namesOf(r.element(e.From), r.element(e.To))...)
			continue
		}
		names = append(append(names, r.namesOf(e)...), e.Technologies...)
	}
	fits := slices.ContainsFunc(quotes, func(q ground.Quote) bool {
		return r.signals.Names(q, names, family) || r.sectionNames(q.Passage, names)
	})
	if !fits {
		return nil
	}
	out := slices.Clone(evidence)
	for i := range out {
		out[i].Omission = r.signals.Omission(out[i].Quote, family)
	}
	return out
}

// sectionNames reports whether the section of a passage, or a heading over it,
// holds one of the names.
func (r *run) sectionNames(p *threatmodel.Passage, names []string) bool {
	for i := range r.passages {
		x := &r.passages[i]
		if x.Document == p.Document && (x.Section == p.Section || sameParent(x, p)) && namesAny(x, names) {
			return true
		}
	}
	return namesAny(&threatmodel.Passage{Text: strings.Join(p.Locator.HeadingPath, " \x00 ")}, names)
}

// sameParent reports whether two passages stand under the same heading, one or
// both in sections of their own below it: a chapter about a part goes on about it
// from section to section.
func sameParent(a, b *threatmodel.Passage) bool {
	x, y := a.Locator.HeadingPath, b.Locator.HeadingPath
	if len(x) < 2 || len(y) < 2 {
		return false
	}
	return slices.Equal(x[:len(x)-1], y[:len(y)-1])
}

func knownSTRIDE(in []string) []threatmodel.STRIDE {
	var out []threatmodel.STRIDE
	for _, s := range threatmodel.STRIDECategories() {
		if slices.ContainsFunc(in, func(x string) bool { return strings.EqualFold(x, string(s)) }) {
			out = append(out, s)
		}
	}
	return out
}

// mappable is the weakness itself where a finding may be mapped to it, else
// its family's default.
func (r *run) mappable(cwe int, family string) int {
	if r.weakness.Mappable(cwe) {
		return cwe
	}
	return r.weakness.Default(family)
}

func (r *run) knownCAPEC(in []int) []int {
	out := []int{}
	for _, id := range in {
		if _, ok := r.weakness.CAPEC(id); ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (r *run) knownTechniques(in []string) []string {
	out := []string{}
	for _, id := range in {
		if _, ok := r.weakness.Technique(id); ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func mitigations(in []string) []threatmodel.Mitigation {
	out := []threatmodel.Mitigation{}
	for _, text := range foldAll(in) {
		out = append(out, threatmodel.Mitigation{Text: text})
	}
	return out
}

// statement puts a threat into the usual grammar: a [source] with
// [prerequisites] can [action], which leads to [impact], negatively affecting
// [property] of [asset].
func (r *run) statement(t *ElicitThreat, assets []string) string {
	names := make([]string, 0, len(assets))
	for _, id := range assets {
		for _, a := range r.graph.holdings {
			if a.ID == id {
				names = append(names, a.Name)
			}
		}
	}
	return sentence(t.Source, t.Prerequisites, t.Action, t.Impact, t.Properties, names, r.in.System)
}

func sentence(source, prerequisites, action, impact string, properties, assets []string, system string) string {
	clean := func(s string) string { return strings.TrimRight(passage.Fold(s), ".;, ") }
	source = clean(source)
	if !startsWithArticle(source) {
		source = article(source) + " " + source
	}
	var b strings.Builder
	b.WriteString(upperFirst(source))
	if p := clean(prerequisites); p != "" && !strings.EqualFold(p, "none") {
		b.WriteString(" with " + strings.TrimPrefix(lowerFirst(p), "with "))
	}
	b.WriteString(" can " + strings.TrimPrefix(lowerFirst(clean(action)), "can "))
	b.WriteString(", which leads to " + strings.TrimPrefix(lowerFirst(clean(impact)), "leads to "))
	of := system
	if len(assets) > 0 {
		of = list(assets)
	}
	if len(properties) > 0 {
		b.WriteString(", negatively affecting " + list(properties) + " of " + of)
	}
	return b.String() + "."
}

func startsWithArticle(s string) bool {
	first, _, _ := strings.Cut(strings.ToLower(s), " ")
	return articles[first] || slices.Contains(withoutArticle, first)
}

// withoutArticle are first words of a source that take no article.
var withoutArticle = []string{"any", "anyone", "anybody", "someone", "somebody", "every", "everyone", "everybody", "each", "whoever", "those", "people", "one", "some", "all"}

// article is a or an, by the sound of the first word.
func article(s string) string {
	lower := strings.ToLower(s)
	for _, you := range []string{"user", "uni", "use ", "usual", "eu", "one"} {
		if strings.HasPrefix(lower, you) && !strings.HasPrefix(lower, "unin") && !strings.HasPrefix(lower, "unim") {
			return "a"
		}
	}
	if s != "" && strings.ContainsRune("aeiouAEIOU", rune(s[0])) {
		return "an"
	}
	return "a"
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

// lowerFirst lowers the first letter, unless the word is a name in capitals.
func lowerFirst(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if len(first) > 1 && strings.ToLower(first[1:]) != first[1:] {
		return s
	}
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToLower(string(r[0])) + string(r[1:])
}

// list joins words as prose does.
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
