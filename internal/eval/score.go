package eval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Score is how a model compares with the truth.
type Score struct {
	System string `json:"system"`
	// Hits are the threats that were found, Misses those that were not.
	Hits   []Hit  `json:"hits"`
	Misses []Miss `json:"misses"`
	// Repeats are threats of the model that match a threat found already, under
	// another weakness or from another sentence. They are neither hits nor noise.
	Repeats []Hit `json:"repeats"`
	// Noise are threats of the model that match none. Forbidden are those of
	// them that rest on a sentence which must not become a threat.
	Noise     []Noise `json:"noise"`
	Forbidden []Noise `json:"forbidden"`
	// Recall is hits / threats of the truth. Precision is the share of the
	// model's threats that match one. Both are 0..1, 0 where there is none.
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
	// Verdicts are those on the controls that answer the hits, Controls those on
	// the stated controls, by the verdict that is true.
	Verdicts []Tally `json:"verdicts"`
	Controls []Tally `json:"stated_controls"`
	// Wrong tells of each verdict that is not the true one, and of each stated
	// control that was not found.
	Wrong    []WrongVerdict `json:"wrong_verdicts"`
	Elements ElementScore   `json:"elements"`
	// NoTexts is true where the documents' texts were not at hand, so that
	// quotes near the true ones could not be told.
	NoTexts bool `json:"no_texts"`
}

// Hit pairs a threat of the truth with one of the model.
type Hit struct {
	Truth  string `json:"truth"`
	Threat string `json:"threat"`
	Title  string `json:"title"`
	// By is quote or place: by what the two were found to be the same.
	By string `json:"by"`
}

// Miss is a threat that was not found, and why nothing counts as it.
type Miss struct {
	Truth  string `json:"truth"`
	Title  string `json:"title"`
	Reason string `json:"reason"`
	// Quote is one of its sentences.
	Quote string `json:"quote"`
}

// Noise is a threat of the model that matches none, and why.
type Noise struct {
	Threat string `json:"threat"`
	Title  string `json:"title"`
	Family string `json:"family"`
	Quote  string `json:"quote"`
	Reason string `json:"reason"`
}

// Tally counts verdicts of one kind.
type Tally struct {
	Verdict threatmodel.Verdict `json:"verdict"`
	Right   int                 `json:"right"`
	Wrong   int                 `json:"wrong"`
	// Missing were given no verdict: another control answers the threat, or the
	// stated control was not found.
	Missing int `json:"missing"`
}

// WrongVerdict is a verdict that is not the true one; Got is empty where there is
// none.
type WrongVerdict struct {
	// Of is the id of a threat of the truth, or the name of a stated control.
	Of      string              `json:"of"`
	Control string              `json:"control"`
	Want    threatmodel.Verdict `json:"want"`
	Got     threatmodel.Verdict `json:"got"`
}

// ElementScore compares the maps of the system.
type ElementScore struct {
	Found []string `json:"found"`
	// Kinds are elements that were found as another kind.
	Kinds  []string `json:"other_kind"`
	Missed []string `json:"missed"`
	// Extra are elements of the model, flows apart, that the truth lacks. They
	// may well be right.
	Extra []string `json:"extra"`
}

// Compare scores a model. Texts are the documents' extracted texts by id; where
// they are missing, only overlapping quotes make a hit.
//
// A threat of the model is a hit for one of the truth where its weakness agrees
// (a family of the truth, one of its weaknesses, or one that folds into its
// families) and where it either quotes one of the truth's sentences, or names
// one of its elements and quotes what stands within a paragraph of them. Each
// threat of the model makes at most one hit. Threats that are resolved, merged
// into others, rejected or duplicates do not count.
func Compare(m *threatmodel.Model, t *Truth, texts map[string]string) (*Score, error) {
	table, err := weakness.Load()
	if err != nil {
		return nil, err
	}
	e := &scorer{m: m, t: t, table: table, places: newPlaces(texts), score: &Score{System: t.System, NoTexts: len(texts) == 0}}
	for i := range m.Threats {
		if x := &m.Threats[i]; x.Live() && x.Status != threatmodel.StatusRejected && x.Status != threatmodel.StatusDuplicate {
			e.threats = append(e.threats, x)
		}
	}
	e.match()
	e.verdicts()
	e.controls()
	e.elements()
	return e.score, nil
}

// scorer compares one model with one truth.
type scorer struct {
	m       *threatmodel.Model
	t       *Truth
	table   *weakness.Table
	places  *places
	threats []*threatmodel.Threat
	score   *Score
	// found is the model's threat for each of the truth, nil for a miss.
	found []*threatmodel.Threat
}

// weaknessAgrees reports whether two threats are of one weakness.
func (e *scorer) weaknessAgrees(x *threatmodel.Threat, t *TruthThreat) bool {
	families := t.families()
	for _, c := range t.CWE {
		if f := e.table.Family(c); f != "" {
			families = append(families, f)
		}
	}
	if slices.Contains(families, x.Family) {
		return true
	}
	return slices.ContainsFunc(x.CWE, func(c int) bool {
		return slices.Contains(t.CWE, c) || slices.Contains(families, e.table.Family(c))
	})
}

// evidence is what a threat rests on: its quotes, and those of its steps.
func evidence(x *threatmodel.Threat) []threatmodel.Evidence {
	var out []threatmodel.Evidence
	for _, ev := range x.Evidence {
		if ev.Role != threatmodel.Contradicts {
			out = append(out, ev)
		}
	}
	for _, s := range x.Steps {
		out = append(out, s.Evidence...)
	}
	return out
}

// placeAgrees says how a threat of the model speaks of what one of the truth does:
// by quote, by place, or not.
func (e *scorer) placeAgrees(x *threatmodel.Threat, t *TruthThreat) string {
	switch {
	case overlaps(evidence(x), t.Quotes):
		return "quote"
	case e.namesOneOf(x, t.Elements) && e.places.near(evidence(x), t.Quotes):
		return "place"
	}
	return ""
}

// namesOneOf reports whether a threat concerns an element of the truth.
func (e *scorer) namesOneOf(x *threatmodel.Threat, elements []string) bool {
	names := map[string]bool{}
	for _, name := range elements {
		names[foldName(name)] = true
		if el := e.t.element(name); el != nil {
			for _, n := range el.names() {
				names[foldName(n)] = true
			}
		}
	}
	return slices.ContainsFunc(x.Elements, func(id string) bool {
		return slices.ContainsFunc(e.namesOf(id), func(n string) bool { return names[foldName(n)] })
	})
}

// namesOf are an element's names; a flow's are those of its ends.
func (e *scorer) namesOf(id string) []string {
	el := e.m.Element(id)
	if el == nil {
		return nil
	}
	out := append([]string{el.Name}, el.Aliases...)
	for _, end := range []string{el.From, el.To} {
		if x := e.m.Element(end); x != nil {
			out = append(append(out, x.Name), x.Aliases...)
		}
	}
	return out
}

// match finds the hits: as many as possible, one threat of the model for one of
// the truth, those by quote first.
func (e *scorer) match() {
	how := make([]map[int]string, len(e.t.Threats))
	for i := range e.t.Threats {
		how[i] = map[int]string{}
		for j, x := range e.threats {
			if by := e.placeAgrees(x, &e.t.Threats[i]); by != "" && e.weaknessAgrees(x, &e.t.Threats[i]) {
				how[i][j] = by
			}
		}
	}
	e.found = make([]*threatmodel.Threat, len(e.t.Threats))
	owner := assign(how, len(e.threats))
	matched := map[int]bool{}
	for j, i := range owner {
		if i >= 0 {
			e.found[i] = e.threats[j]
			matched[j] = true
			e.score.Hits = append(e.score.Hits, Hit{e.t.Threats[i].ID, e.threats[j].ID, e.threats[j].Title, how[i][j]})
		}
	}
	for i := range e.t.Threats {
		if e.found[i] == nil {
			e.miss(&e.t.Threats[i])
		}
	}
	for j, x := range e.threats {
		if !matched[j] {
			e.unmatched(j, x, how)
		}
	}
	slices.SortFunc(e.score.Hits, func(a, b Hit) int { return cmp.Compare(a.Truth, b.Truth) })
	e.score.Recall = share(len(e.score.Hits), len(e.t.Threats))
	e.score.Precision = share(len(e.score.Hits)+len(e.score.Repeats), len(e.threats))
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// assign is a maximum matching by augmenting paths: for each right side its left
// one, or -1. Edges by quote are tried first.
func assign(edges []map[int]string, right int) []int {
	owner := make([]int, right)
	for j := range owner {
		owner[j] = -1
	}
	var seen []bool
	var try func(i int) bool
	try = func(i int) bool {
		for _, by := range []string{"quote", "place"} {
			for j := range right {
				if edges[i][j] != by || seen[j] {
					continue
				}
				seen[j] = true
				if owner[j] < 0 || try(owner[j]) {
					owner[j] = i
					return true
				}
			}
		}
		return false
	}
	for i := range edges {
		seen = make([]bool, right)
		try(i)
	}
	return owner
}

// miss says why nothing counts as a threat of the truth.
func (e *scorer) miss(t *TruthThreat) {
	reason := "nothing was found at its sentences"
	for _, x := range e.threats {
		switch place, weak := e.placeAgrees(x, t), e.weaknessAgrees(x, t); {
		case place != "" && weak:
			reason = fmt.Sprintf("%s was found there, but is the hit for another threat", x.ID)
		case place != "":
			reason = fmt.Sprintf("%s quotes it, with the weakness %s; right would be %v", x.ID, x.Family, t.families())
		default:
			continue
		}
		break
	}
	if reason == "nothing was found at its sentences" {
		if r := e.rejected(t); r != "" {
			reason = r
		}
	}
	e.score.Misses = append(e.score.Misses, Miss{t.ID, t.Title, reason, t.Quotes[0]})
}

// rejected says where a candidate for a threat was refused on the way.
func (e *scorer) rejected(t *TruthThreat) string {
	for _, r := range e.m.Analysis.Rejections {
		if r.What == "threat" && overlaps(r.Evidence, t.Quotes) {
			return fmt.Sprintf("a candidate was rejected at %s: %s", r.Stage, r.Reason)
		}
	}
	return ""
}

// unmatched is a repeat or noise.
func (e *scorer) unmatched(j int, x *threatmodel.Threat, how []map[int]string) {
	for i := range how {
		if by := how[i][j]; by != "" {
			e.score.Repeats = append(e.score.Repeats, Hit{e.t.Threats[i].ID, x.ID, x.Title, by})
			return
		}
	}
	n := Noise{Threat: x.ID, Title: x.Title, Family: x.Family, Reason: "no threat of the truth rests on its sentences"}
	if ev := evidence(x); len(ev) > 0 {
		n.Quote = ev[0].Quote
	}
	for i := range e.t.Threats {
		if t := &e.t.Threats[i]; e.placeAgrees(x, t) != "" {
			n.Reason = fmt.Sprintf("it is at the sentences of %s, with another weakness: %s, not %v", t.ID, x.Family, t.families())
			break
		}
	}
	if why := e.forbidden(x); why != "" {
		n.Reason = why
		e.score.Forbidden = append(e.score.Forbidden, n)
	}
	e.score.Noise = append(e.score.Noise, n)
}

// forbidden says why a sentence that a threat rests on must not become one.
func (e *scorer) forbidden(x *threatmodel.Threat) string {
	for _, n := range e.t.NotThreats {
		if overlaps(evidence(x), []string{n.Quote}) {
			return "it rests on a sentence that is no threat: " + n.Why
		}
	}
	for _, n := range e.t.Neutralised {
		if overlaps(evidence(x), n.Quotes) {
			return "it rests on a sentence that rules a threat out: " + n.Threat
		}
	}
	return ""
}
