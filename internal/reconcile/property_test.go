package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// sentence i shares no word with sentence j, so that neither reads as the other
// edited.
func sentence(i int) string {
	return fmt.Sprintf("Meter%d sends%d readings%d over%d line%d daily%d.", i, i, i, i, i, i)
}

// negate edits a sentence by one word.
func negate(i int) string { return strings.Replace(sentence(i), " sends", " never sends", 1) }

func begin(i int) string { return fmt.Sprintf("Meter%d ", i) }

const pool = 12

// layout is which sentences stand under which heading of which document.
type layout [][]int

func (l layout) text(say func(int) string) corpus {
	docs := corpus{}
	for i, section := range l {
		name := fmt.Sprintf("d%d.md", i%2)
		docs[name] += fmt.Sprintf("# Section %d\n\n", i)
		for _, s := range section {
			if said := say(s); said != "" {
				docs[name] += said + " "
			}
		}
		docs[name] += "\n\n"
	}
	return docs
}

func drawLayout(t *rapid.T, label string) layout {
	order := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
		for i := range pool {
			if !yield(i) {
				return
			}
		}
	})).Draw(t, label)
	l := make(layout, rapid.IntRange(2, 4).Draw(t, label+" sections"))
	for i, s := range order {
		l[i%len(l)] = append(l[i%len(l)], s)
	}
	return l
}

// drawFinds are threats that differ in key or in quotes, as a merged list of
// candidates does.
func drawFinds(t *rapid.T, label string) []find {
	var out []find
	seen := map[string]bool{}
	for i := range rapid.IntRange(1, 7).Draw(t, label) {
		quotes := rapid.SliceOfNDistinct(rapid.IntRange(0, pool-1), 1, 3, rapid.ID[int]).Draw(t, "quotes")
		slices.Sort(quotes)
		f := find{
			element: rapid.SampledFrom([]string{"E-broker", "E-console", "E-store"}).Draw(t, "element"),
			family:  rapid.SampledFrom([]string{"session", "authentication"}).Draw(t, "family"),
			verdict: rapid.SampledFrom([]threatmodel.Verdict{"", threatmodel.Absent, threatmodel.Claimed}).Draw(t, "verdict"),
			title:   fmt.Sprintf("attack %d", rapid.IntRange(0, 3).Draw(t, "title")), unit: fmt.Sprintf("U-%d", i),
		}
		key := fmt.Sprint(f.element, f.family, quotes)
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, q := range quotes {
			f.words = append(f.words, begin(q))
		}
		out = append(out, f)
	}
	return out
}

func drawDecisions(t *rapid.T, m *threatmodel.Model) []threatmodel.Decision {
	out := []threatmodel.Decision{}
	for i := range m.Threats {
		if m.Threats[i].MergedInto != "" {
			continue
		}
		action := rapid.SampledFrom([]threatmodel.Action{"", "", threatmodel.ActionConfirm, threatmodel.ActionAccept, threatmodel.ActionReject, threatmodel.ActionReopen}).Draw(t, "action")
		if action != "" {
			out = append(out, decide(t, m, m.Threats[i].ID, action))
		}
	}
	return out
}

// drawClaims lets new threats claim to be old ones, rightly or wrongly.
func drawClaims(t *rapid.T, m *threatmodel.Model, finds []find) []find {
	out := slices.Clone(finds)
	for i := range out {
		if len(m.Threats) > 0 && rapid.Bool().Draw(t, "claims") {
			out[i].claim = rapid.SampledFrom(m.Threats).Draw(t, "claim").ID
		}
	}
	return out
}

// check holds what must be true of every reconciled model.
func check(t failer, old, m *threatmodel.Model, text corpus) {
	t.Helper()
	seen := map[string]bool{}
	body := ""
	for _, p := range text.passages() {
		body += strings.Join(strings.Fields(p.Text), " ") + "\n"
	}
	for i := range m.Threats {
		x := &m.Threats[i]
		if x.ID == "" || seen[x.ID] {
			t.Fatalf("the id %q stands twice", x.ID)
		}
		seen[x.ID] = true
		if x.MergedInto != "" && (m.Threat(x.MergedInto) == nil || m.Threat(x.MergedInto).MergedInto != "") {
			t.Fatalf("%s is merged into %s, which does not stand for itself", x.ID, x.MergedInto)
		}
		for _, e := range x.Evidence {
			if !strings.Contains(body, e.Quote) {
				t.Fatalf("%s quotes %q, which does not stand in the text", x.ID, e.Quote)
			}
		}
		for _, f := range x.FormerEvidence {
			if strings.Contains(body, f.Quote) {
				t.Fatalf("%s formerly quoted %q, which stands in the text", x.ID, f.Quote)
			}
		}
		if x.Live() && len(x.Evidence) == 0 && x.ReviewDue == nil {
			t.Fatalf("%s stands on nothing, and nobody is asked", x.ID)
		}
	}
	if old == nil {
		return
	}
	for i := range old.Threats {
		if !seen[old.Threats[i].ID] {
			t.Fatalf("%s %q is dropped", old.Threats[i].ID, old.Threats[i].Title)
		}
	}
	told := map[string]int{}
	for _, c := range m.Changes.Threats {
		if told[c.Threat]++; told[c.Threat] > 1 {
			t.Fatalf("%s is told of twice", c.Threat)
		}
		if m.Threat(c.Threat) == nil {
			t.Fatalf("%s is told of, and is no threat", c.Threat)
		}
	}
}

// TestEveryRoundIsSound: over rounds of edits, finds, claims and decisions, ids
// stay unique, nothing is dropped, and evidence is of the present text.
func TestEveryRoundIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m *threatmodel.Model
		decisions := []threatmodel.Decision{}
		for i := range rapid.IntRange(2, 4).Draw(t, "rounds") {
			gone := rapid.SliceOfDistinct(rapid.IntRange(0, pool-1), rapid.ID[int]).Draw(t, "gone")
			negated := rapid.SliceOfDistinct(rapid.IntRange(0, pool-1), rapid.ID[int]).Draw(t, "negated")
			text := drawLayout(t, "layout").text(func(s int) string {
				switch {
				case len(gone) < pool && slices.Contains(gone, s):
					return ""
				case slices.Contains(negated, s):
					return negate(s)
				}
				return sentence(s)
			})
			finds := drawFinds(t, "finds")
			if m != nil {
				finds = drawClaims(t, m, finds)
			}
			next := round{old: m, text: text, finds: finds, decisions: decisions}.run()
			check(t, m, next, text)
			m = next
			for _, d := range drawDecisions(t, m) {
				d.At = d.At.AddDate(0, 0, i)
				decisions = append(decisions, d)
			}
		}
	})
}

// twoModels is an old model, and what is found in a text that changed.
func twoModels(t *rapid.T) (old *threatmodel.Model, next round) {
	old = round{text: drawLayout(t, "old").text(sentence), finds: drawFinds(t, "old finds")}.run()
	if rapid.Bool().Draw(t, "two rounds") {
		old = round{old: old, text: drawLayout(t, "middle").text(sentence), finds: drawFinds(t, "middle finds")}.run()
	}
	negated := rapid.SliceOfDistinct(rapid.IntRange(0, pool-1), rapid.ID[int]).Draw(t, "negated")
	text := drawLayout(t, "new").text(func(s int) string {
		if slices.Contains(negated, s) {
			return negate(s)
		}
		return sentence(s)
	})
	return old, round{old: old, text: text, finds: drawClaims(t, old, drawFinds(t, "new finds")), decisions: drawDecisions(t, old)}
}

// TestTheOrderOfInputNeverMatters shuffles everything that comes as a list.
func TestTheOrderOfInputNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, next := twoModels(t)
		want := next.run()
		shuffledOld := *old
		shuffledOld.Threats = rapid.Permutation(old.Threats).Draw(t, "old threats")
		next.old = &shuffledOld
		next.finds = rapid.Permutation(next.finds).Draw(t, "new threats")
		next.change = func(in *reconcile.Input) {
			in.Text = reconcile.NewText(rapid.Permutation(next.text.passages()).Draw(t, "passages"))
			in.New.Elements = rapid.Permutation(in.New.Elements).Draw(t, "elements")
		}
		got := next.run()
		slices.SortFunc(got.Elements, func(a, b threatmodel.Element) int { return strings.Compare(a.ID, b.ID) })
		slices.SortFunc(want.Elements, func(a, b threatmodel.Element) int { return strings.Compare(a.ID, b.ID) })
		if a, b := asJSON(t, want), asJSON(t, got); a != b {
			t.Fatalf("the order of input changed the result:\n%s\n---\n%s", a, b)
		}
	})
}

// TestMatchingIsOneToOne, and new threats get the ids that the plan says.
func TestMatchingIsOneToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, next := twoModels(t)
		plan := next.plan()
		continues := plan.Continues()
		used := map[string]bool{}
		for _, id := range continues {
			if used[id] {
				t.Fatalf("%s is continued twice", id)
			}
			used[id] = true
		}
		out := plan.Apply(nil)
		given := map[string]bool{}
		for i, id := range out.IDs {
			if given[id] || id == "" {
				t.Fatalf("new threats have the ids %v", out.IDs)
			}
			given[id] = true
			if want, ok := continues[i]; ok && want != id {
				t.Fatalf("new threat %d should go on as %s and has %s", i, want, id)
			} else if !ok && next.old.Threat(id) != nil {
				t.Fatalf("new threat %d got %s, which is another's", i, id)
			}
		}
	})
}

// TestStableUnderItsOwnOutput: the same finds in the same text, once more, are no
// change at all.
func TestStableUnderItsOwnOutput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, next := twoModels(t)
		once := next.run()
		for i := range next.finds {
			next.finds[i].claim = "" // a claim is made of what was shown before
		}
		next.old = once
		twice := next.run()
		for _, c := range twice.Changes.Threats {
			switch c.Kind {
			case threatmodel.ThreatUnchanged, threatmodel.ThreatNotReproduced:
			default:
				t.Fatalf("%s %q is told to be %s: %v", c.Threat, c.Title, c.Kind, c.Details)
			}
		}
		if !maps.Equal(ids(once), ids(twice)) {
			t.Fatalf("ids went from %v to %v", ids(once), ids(twice))
		}
		next.old = twice
		thrice := next.run()
		if a, b := asJSON(t, twice.Threats), asJSON(t, thrice.Threats); a != b {
			t.Fatalf("a third round differs:\n%s\n---\n%s", a, b)
		}
	})
}

// TestPermutedTextKeepsAllIDs: sections that change places, documents too, in
// other words of the analyst.
func TestPermutedTextKeepsAllIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		finds := drawFinds(t, "finds")
		old := round{text: drawLayout(t, "before").text(sentence), finds: finds}.run()
		decisions := drawDecisions(t, old)
		for i := range finds {
			finds[i].title = fmt.Sprintf("reworded %d", rapid.IntRange(0, 9).Draw(t, "words"))
		}
		text := drawLayout(t, "after").text(sentence)
		m := round{old: old, text: text, finds: rapid.Permutation(finds).Draw(t, "order"), decisions: decisions}.run()
		check(t, old, m, text)
		if !maps.Equal(ids(old), ids(m)) {
			t.Fatalf("ids went from %v to %v", ids(old), ids(m))
		}
		for _, c := range m.Changes.Threats {
			if c.Kind != threatmodel.ThreatUnchanged && c.Kind != threatmodel.ThreatMoved {
				t.Fatalf("%s is told to be %s: %v", c.Threat, c.Kind, c.Details)
			}
		}
		if due := reviews(m); len(due) > 0 {
			t.Fatalf("%v are put to review though no word changed", due)
		}
	})
}

// TestDeletionResolvesExactlyWhatRestedOnIt, whatever else there is.
func TestDeletionResolvesExactlyWhatRestedOnIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		finds := drawFinds(t, "finds")
		l := drawLayout(t, "layout")
		old := round{text: l.text(sentence), finds: finds}.run()
		gone := rapid.IntRange(0, pool-1).Draw(t, "gone")
		text := l.text(func(s int) string {
			if s == gone {
				return ""
			}
			return sentence(s)
		})
		m := round{old: old, text: text, finds: finds}.run()
		check(t, old, m, text)
		for i := range old.Threats {
			o := &old.Threats[i]
			alone := len(o.Anchors) == 1 && strings.HasPrefix(o.Anchors[0].Quote, begin(gone))
			if x := m.Threat(o.ID); (x.Status == threatmodel.StatusResolved) != alone && x.MergedInto == "" {
				t.Fatalf("%s rests on %v; with sentence %d gone it is %s", o.ID, o.Anchors, gone, x.Status)
			}
		}
	})
}

// TestNegationReviewsExactlyWhatRestsOnIt: each decision on a threat that quotes
// the sentence, and no other.
func TestNegationReviewsExactlyWhatRestsOnIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		finds := drawFinds(t, "finds")
		for i := range finds {
			finds[i].verdict = "" // a verdict would be another reason
		}
		l := drawLayout(t, "layout")
		old := round{text: l.text(sentence), finds: finds}.run()
		decisions := []threatmodel.Decision{}
		for i := range old.Threats {
			decisions = append(decisions, decide(t, old, old.Threats[i].ID, threatmodel.ActionAccept))
		}
		edited := rapid.IntRange(0, pool-1).Draw(t, "edited")
		text := l.text(func(s int) string {
			if s == edited {
				return negate(s)
			}
			return sentence(s)
		})
		m := round{old: old, text: text, finds: finds, decisions: decisions}.run()
		check(t, old, m, text)
		for i := range old.Threats {
			o := &old.Threats[i]
			rests := slices.ContainsFunc(o.Anchors, func(a threatmodel.Anchor) bool { return strings.HasPrefix(a.Quote, begin(edited)) })
			due := m.Threat(o.ID).ReviewDue
			if (due != nil) != rests {
				t.Fatalf("%s rests on %v; with sentence %d negated its review is %+v", o.ID, o.Anchors, edited, due)
			}
			if due != nil && (due.Before != sentence(edited) || due.After != negate(edited)) {
				t.Fatalf("the review shows %q and %q", due.Before, due.After)
			}
		}
	})
}
