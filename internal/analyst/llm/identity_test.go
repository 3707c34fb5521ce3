package llm_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// The sentences of orders that carry a threat.
const (
	noCheck  = "The Export Job does not check which shop an order belongs to."
	password = "The Support Desk uses one shared password for all agents."
	noLog    = "Lookups in the Support Desk are not logged anywhere."
	plain    = "The Order Gateway calls the Price Service over plain HTTP between two data centres."
	noLimit  = "The Order Gateway has no limit on requests of one caller."
	noTrail  = "Changes in the Order Store are not logged by anything."
	// The two that do not survive challenge, and what speaks against them.
	callbacks = "The Callback Worker takes callbacks from the internet."
	signed    = "The Callback Worker refuses callbacks unless their signature verifies against the partner key."
	uploads   = "The Order Gateway accepts file uploads from old clients."
	removed   = "File uploads were removed from the Order Gateway in March."
)

var standing = []string{noCheck, password, noLog, plain, noLimit, noTrail}

// TestFindsWhatTheTextStates is the ground for all that follows: the threats of
// orders are found, each with its sentence, a control and a rating.
func TestFindsWhatTheTextStates(t *testing.T) {
	b := newBench(t)
	m := b.run(orders(), options{})
	if got, want := slices.Sorted(maps.Keys(live(m))), slices.Sorted(slices.Values(standing)); !slices.Equal(got, want) {
		t.Fatalf("threats on\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), describe(m))
	}
	for i := range m.Threats {
		x := &m.Threats[i]
		if len(x.Controls) == 0 && x.NoControl == "" {
			t.Errorf("%s has neither a control nor a reason", x.Title)
		}
		if x.Likelihood.Value < 1 || x.Impact.Value < 1 || x.Likelihood.Rationale == "" || x.Rating != threatmodel.RatingProposed {
			t.Errorf("%s is not rated: %+v %+v", x.Title, x.Likelihood, x.Impact)
		}
		if len(x.Provenance) == 0 || x.FirstSeen != m.Analysis.ID {
			t.Errorf("%s does not say where it comes from", x.Title)
		}
	}
	if m.Analysis.Incomplete != "" {
		t.Errorf("incomplete: %s", m.Analysis.Incomplete)
	}
	for _, c := range m.Coverage {
		if c.Status == threatmodel.CoverageNotLooked {
			t.Errorf("nobody looked at %s of %s", c.STRIDE, c.Element)
		}
	}
}

// TestEveryAnswerCostsOneCall compares the account with what the server saw.
func TestEveryAnswerCostsOneCall(t *testing.T) {
	b := newBench(t)
	m := b.run(orders(), options{})
	if n := b.calls(); n != m.Analysis.Run.Calls || n == 0 {
		t.Errorf("the server saw %d calls, the run says %d", n, m.Analysis.Run.Calls)
	}
	if m.Analysis.Run.TokensIn == 0 || m.Analysis.Run.TokensOut == 0 {
		t.Errorf("no tokens are counted: %+v", m.Analysis.Run)
	}
}

func TestSameInputGivesTheSameModelAndNoCall(t *testing.T) {
	b := newBench(t)
	first := b.run(orders(), options{})
	b.calls()
	b.server.NextRound()
	again := b.run(orders(), options{})
	if n := b.calls(); n != 0 {
		t.Errorf("the memo had all answers; %d calls were made", n)
	}
	if a, c := withoutRun(t, first), withoutRun(t, again); a != c {
		t.Errorf("another model from the same input:\n%s", firstDifference(a, c))
	}
	b.coldMemo()
	second := b.run(orders(), options{baseline: first})
	if n := b.calls(); n != 0 {
		t.Errorf("the baseline had all answers; %d calls were made", n)
	}
	third := b.run(orders(), options{baseline: second})
	if a, c := withoutRun(t, second), withoutRun(t, third); a != c {
		t.Errorf("a run over its own result changes it:\n%s", firstDifference(a, c))
	}
	if !slices.Equal(ids(first), ids(second)) {
		t.Errorf("ids %v became %v", ids(first), ids(second))
	}
}

// firstDifference shows where two texts part.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			from := max(0, i-8)
			return strings.Join(x[from:i+1], "\n") + "\n--- became ---\n" + y[i]
		}
	}
	return "one is longer"
}

// sameThreats are changes of the documents that change no threat.
var sameThreats = []struct {
	name   string
	change func(*testing.T, design) design
	// review are sentences whose decisions must be looked at again.
	review []string
}{
	{"nothing", func(_ *testing.T, d design) design { return d }, nil},
	{"sections permuted", func(t *testing.T, d design) design {
		out := maps.Clone(d)
		head, rest, _ := strings.Cut(d["exports.md"], "\n\n")
		first, second, _ := strings.Cut(rest, "## Support\n")
		out["exports.md"] = head + "\n\n## Support\n" + second + "\n## Nightly run\n\n" + first
		return out
	}, nil},
	{"reflowed", func(t *testing.T, d design) design {
		return d.change(t, noCheck, strings.Replace(noCheck, "which shop", "which\nshop", 1), password, strings.Replace(password, "one shared", "one\nshared", 1))
	}, nil},
	{"a chapter renamed", func(t *testing.T, d design) design { return d.change(t, "# Exports", "# Nightly exports and support") }, nil},
	{"a section moved to another document", func(t *testing.T, d design) design {
		out := maps.Clone(d)
		head, section, _ := strings.Cut(d["exports.md"], "## Support\n")
		out["exports.md"] = head
		out["operations.md"] += "\n## Support\n" + section
		return out
	}, nil},
	{"a document renamed", func(t *testing.T, d design) design {
		out := maps.Clone(d)
		out["export-and-support.md"] = out["exports.md"]
		delete(out, "exports.md")
		return out
	}, nil},
	{"a paragraph added", func(t *testing.T, d design) design {
		return d.change(t, "# Operations\n", "# Operations\n\nBackups are taken every night and kept for a month.\n")
	}, nil},
	{"a typo mended in a quoted sentence", func(t *testing.T, d design) design {
		return d.change(t, "no limit on requests of one caller", "no limit on the requests of one caller")
	}, []string{"no limit on the requests"}},
	{"an element renamed", func(t *testing.T, d design) design { return d.change(t, "Export Job", "Nightly Job") }, []string{"does not check which shop"}},
}

// TestThreatsKeepTheirIDs holds the hardest promise: whatever the model
// answers, a threat whose ground did not change keeps its id, and nobody is
// told that something is new, gone or settled when it is not. The model words
// everything anew, in another order and with sibling weaknesses, and every
// question is really put.
func TestThreatsKeepTheirIDs(t *testing.T) {
	for _, claim := range []llmtest.Claim{llmtest.ClaimNone, llmtest.ClaimFirst} {
		for _, tt := range sameThreats {
			for _, fresh := range []bool{true, false} {
				name := tt.name
				if fresh {
					name += ", fresh"
				}
				if claim == llmtest.ClaimFirst {
					name += ", with wild claims of identity"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					b := newBench(t)
					b.server.Claim = claim
					first := b.run(orders(), options{})
					asked := b.calls()
					var decisions []threatmodel.Decision
					for _, id := range ids(first) {
						decisions = append(decisions, decide(t, first, id, threatmodel.ActionConfirm))
					}
					for round := range 3 {
						b.coldMemo()
						b.server.NextRound()
						second := b.run(tt.change(t, orders()), options{baseline: first, fresh: fresh, decisions: decisions})
						checkKept(t, first, second, tt.review)
						if n := b.calls(); fresh && n < asked {
							t.Errorf("round %d: the server saw %d calls, %d in the first run", round, n, asked)
						}
					}
				})
			}
		}
	}
}

// checkKept holds two models against each other that should tell the same.
func checkKept(t *testing.T, first, second *threatmodel.Model, review []string) {
	t.Helper()
	if second.Analysis.Incomplete != "" {
		t.Errorf("incomplete: %s", second.Analysis.Incomplete)
	}
	if a, b := ids(first), ids(second); !slices.Equal(a, b) {
		t.Errorf("ids %v became %v\n%s", a, b, describe(second))
	}
	k := kinds(second)
	for _, kind := range []threatmodel.ChangeKind{threatmodel.ThreatAdded, threatmodel.ThreatResolved, threatmodel.ThreatReturned, threatmodel.ThreatMerged, threatmodel.ThreatNotReproduced} {
		if k[kind] != 0 {
			t.Errorf("%d threats are said to be %s\n%s", k[kind], kind, describe(second))
		}
	}
	for i := range second.Threats {
		x := &second.Threats[i]
		if len(x.Steps) > 0 {
			continue
		}
		due := slices.ContainsFunc(review, func(text string) bool {
			return slices.ContainsFunc(x.Evidence, func(e threatmodel.Evidence) bool { return strings.Contains(e.Quote, text) })
		})
		if (x.ReviewDue != nil) != due {
			t.Errorf("%s is up for review: %v, want %v (%+v)", x.ID, x.ReviewDue != nil, due, x.ReviewDue)
		}
		if x.Status != threatmodel.StatusConfirmed {
			t.Errorf("%s is %s; a person had confirmed it", x.ID, x.Status)
		}
	}
}

// TestDeletedSentenceResolvesExactlyThatThreat: nobody had decided, so it is
// resolved; where somebody had, that person is asked.
func TestDeletedSentenceResolvesExactlyThatThreat(t *testing.T) {
	for _, decided := range []bool{false, true} {
		for _, fresh := range []bool{true, false} {
			b := newBench(t)
			first := b.run(orders(), options{})
			gone := byQuote(t, first, noLog)
			o := options{baseline: first, fresh: fresh}
			if decided {
				o.decisions = []threatmodel.Decision{decide(t, first, gone.ID, threatmodel.ActionConfirm)}
			}
			b.server.NextRound()
			second := b.run(orders().change(t, noLog+"\n", ""), o)
			x := second.Threat(gone.ID)
			if x == nil {
				t.Fatalf("%s is forgotten; it must stay as a tombstone", gone.ID)
			}
			if !decided && x.Status != threatmodel.StatusResolved {
				t.Errorf("fresh %v: %s is %s, want resolved\n%s", fresh, x.ID, x.Status, describe(second))
			}
			if decided && x.ReviewDue == nil {
				t.Errorf("fresh %v: %s must be looked at again\n%s", fresh, x.ID, describe(second))
			}
			if len(x.Evidence) != 0 || len(x.FormerEvidence) == 0 {
				t.Errorf("the quote no longer stands: evidence %d, former %d", len(x.Evidence), len(x.FormerEvidence))
			}
			others := slices.DeleteFunc(ids(first), func(id string) bool { return id == gone.ID })
			now := slices.DeleteFunc(ids(second), func(id string) bool { return id == gone.ID })
			if !slices.Equal(others, now) || kinds(second)[threatmodel.ThreatAdded] != 0 {
				t.Errorf("other threats changed: %v became %v\n%s", others, now, describe(second))
			}
		}
	}
}

// TestResolvedThreatReturnsUnderItsID: the sentence comes back, and so does the
// threat.
func TestResolvedThreatReturnsUnderItsID(t *testing.T) {
	b := newBench(t)
	first := b.run(orders(), options{})
	id := byQuote(t, first, noLog).ID
	second := b.run(orders().change(t, noLog+"\n", ""), options{baseline: first})
	b.server.NextRound()
	third := b.run(orders(), options{baseline: second})
	if x := byQuote(t, third, noLog); x.ID != id || kinds(third)[threatmodel.ThreatReturned] != 1 {
		t.Errorf("it came back as %s, was %s\n%s", x.ID, id, describe(third))
	}
}

// TestNegatedSentencePutsExactlyThatDecisionToReview: "does not" became "does",
// one word of ten; however alike the texts are, the decision was taken on
// another one.
func TestNegatedSentencePutsExactlyThatDecisionToReview(t *testing.T) {
	for _, fresh := range []bool{true, false} {
		b := newBench(t)
		first := b.run(orders(), options{})
		var decisions []threatmodel.Decision
		for _, id := range ids(first) {
			decisions = append(decisions, decide(t, first, id, threatmodel.ActionAccept))
		}
		target := byQuote(t, first, noCheck)
		b.server.NextRound()
		second := b.run(orders().change(t, "does not check", "does check"), options{baseline: first, fresh: fresh, decisions: decisions})
		for i := range second.Threats {
			x := &second.Threats[i]
			if len(x.Steps) > 0 {
				continue
			}
			if due := x.ReviewDue != nil; due != (x.ID == target.ID) {
				t.Errorf("fresh %v: %s up for review: %v\n%s", fresh, x.ID, due, describe(second))
			}
		}
		x := second.Threat(target.ID)
		if x == nil || x.ReviewDue == nil {
			t.Fatalf("fresh %v: no review of %s\n%s", fresh, target.ID, describe(second))
		}
		if !strings.Contains(x.ReviewDue.Before, "does not check") {
			t.Errorf("the review does not show the text that was decided on: %+v", x.ReviewDue)
		}
		if x.ReviewDue.Cause != threatmodel.CauseDocument {
			t.Errorf("the cause is %s, want the document", x.ReviewDue.Cause)
		}
		if !slices.Equal(ids(first), ids(second)) {
			t.Errorf("ids %v became %v", ids(first), ids(second))
		}
	}
}

// TestChallengeRejectsWhatTheDocumentsDeny: a true quote that another passage
// neutralises, and a threat whose premise is false, end as rejections that
// show the counter-quote. Without challenge they would stand.
func TestChallengeRejectsWhatTheDocumentsDeny(t *testing.T) {
	b := newBench(t)
	m := b.run(orders(), options{})
	for quote, counter := range map[string]string{callbacks: signed, uploads: removed} {
		found := false
		for _, r := range m.Analysis.Rejections {
			has := func(text string, role threatmodel.EvidenceRole) bool {
				return slices.ContainsFunc(r.Evidence, func(e threatmodel.Evidence) bool { return e.Quote == text && e.Role == role })
			}
			found = found || r.What == "threat" && r.Stage == threatmodel.StageChallenge && r.Reason != "" &&
				has(quote, threatmodel.States) && has(counter, threatmodel.Contradicts)
		}
		if !found {
			t.Errorf("no rejection shows %q against %q\n%s", counter, quote, describe(m))
		}
	}
	without := b.run(orders(), options{change: func(c *analyze.Config) { c.SkipChallenge = true }})
	for _, quote := range []string{callbacks, uploads} {
		if _, ok := live(without)[quote]; !ok {
			t.Errorf("without challenge the threat on %q would stand; it does not, so the test proves nothing", quote)
		}
	}
}

// TestAPassageThatIsNotThereCarriesNoThreat: the server knows only what the
// prompt shows.
func TestAPassageThatIsNotThereCarriesNoThreat(t *testing.T) {
	for _, sentence := range standing {
		b := newBench(t)
		m := b.run(orders().change(t, sentence, ""), options{})
		if _, ok := live(m)[sentence]; ok {
			t.Errorf("%q is quoted and stands nowhere", sentence)
		}
		if n := len(live(m)); n != len(standing)-1 {
			t.Errorf("without %q there are %d threats, want %d\n%s", sentence, n, len(standing)-1, describe(m))
		}
	}
}

// TestOnlyWhatChangedIsAskedAgain: an edit to one document asks far fewer
// questions than the first run, and nothing that the edit does not concern.
func TestOnlyWhatChangedIsAskedAgain(t *testing.T) {
	b := newBench(t)
	first := b.run(orders(), options{})
	all := b.calls()
	b.coldMemo()
	b.server.NextRound()
	second := b.run(orders(), options{baseline: first})
	if n := b.calls(); n != 0 {
		t.Errorf("nothing changed and %d questions were put", n)
	}
	changed := orders().change(t, "hands them to the warehouse.", "hands them to the warehouse.\n\n## Office\n\nThe canteen opens at noon and closes at two.")
	third := b.run(changed, options{baseline: second})
	if n := b.calls(); n > all/4 {
		t.Errorf("a paragraph about nothing cost %d of %d questions", n, all)
	}
	if !slices.Equal(ids(first), ids(third)) {
		t.Errorf("ids %v became %v\n%s", ids(first), ids(third), describe(third))
	}
}

// TestAnEditThatChangesNoFactAsksLittle: every prompt holds the brief, so a typo
// in one of its sentences must not ask everything again, only what shows that
// sentence; a sentence that says something else must change the brief.
func TestAnEditThatChangesNoFactAsksLittle(t *testing.T) {
	b := newBench(t)
	first := b.run(orders(), options{})
	all := b.calls()
	b.coldMemo()
	b.server.NextRound()
	second := b.run(orders().change(t, "of shops over the internet and hands", "of many shops over the internet, and hands"), options{baseline: first})
	if n := b.calls(); n > all/2 {
		t.Errorf("a mended sentence cost %d of %d questions", n, all)
	}
	if !slices.Equal(ids(first), ids(second)) || fact(first, "exposure") != fact(second, "exposure") {
		t.Errorf("ids %v became %v, exposure %q became %q", ids(first), ids(second), fact(first, "exposure"), fact(second, "exposure"))
	}
	b.server.NextRound()
	third := b.run(orders().change(t, "over the internet", "not over the internet"), options{baseline: first})
	for _, f := range third.Brief.Facts {
		if f.Name == "exposure" && !strings.Contains(f.Evidence[0].Quote, "not over the internet") {
			t.Errorf("the brief rests on a sentence that is gone: %+v", f)
		}
	}
	if b.calls() <= all/2 {
		t.Error("the sentence says something else now, and hardly anything was asked again")
	}
}

func fact(m *threatmodel.Model, name string) string {
	for _, f := range m.Brief.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
