package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TestPasses holds who continues whom: what an analyst finds in the same or an
// edited text, and whether it is the threat that was there before.
func TestPasses(t *testing.T) {
	before := find{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}, title: "read what meters send"}
	pair := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "The store keeps"}}
	for name, c := range map[string]struct {
		before, now find
		claim       bool
		same        bool
		doubtful    bool // a decision must be looked at again
	}{
		"a: same key and quote, other words": {before, find{element: "E-broker", family: "authentication", words: before.words, title: "impersonate"}, false, true, false},
		"a: same key, one quote of two":      {pair, find{element: "E-store", family: "cleartext", words: pair.words[:1]}, false, true, false},
		"b: same key, alone, claimed":        {before, find{element: "E-broker", family: "authentication", words: []string{"It buffers readings"}}, true, true, false},
		"b: same key, alone, not claimed":    {before, find{element: "E-broker", family: "authentication", words: []string{"It buffers readings"}}, false, false, false},
		"d: claimed, same element":           {before, find{element: "E-broker", family: "exhaustion", words: []string{"It buffers readings"}}, true, true, true},
		"d: claimed, all of its quotes":      {before, find{element: "E-gateway", family: "exhaustion", words: before.words}, true, true, true},
		"d: a claim alone is not believed":   {before, find{element: "E-gateway", family: "exhaustion", words: []string{"It buffers readings"}}, true, false, false},
		"e: other family, same element":      {before, find{element: "E-broker", family: "certificates", words: before.words}, false, true, true},
		"e: other element, same family":      {before, find{element: "E-gateway", family: "authentication", words: before.words}, false, true, true},
		"e: other element and family":        {before, find{element: "E-gateway", family: "exhaustion", words: before.words}, false, false, false},
		"e: half of the quotes, other family": {
			pair, find{element: "E-store", family: "retention", words: []string{"Readings in the store", "Backups of the store"}}, false, false, false,
		},
		"a chain is no single threat": {before, find{element: "E-broker", family: "authentication", words: before.words, steps: []string{"E-broker", "E-store"}, asset: "A-1"}, true, false, false},
		"a chain by entry, asset, family": {
			find{element: "E-broker", family: "authentication", words: before.words, steps: []string{"E-broker", "E-store"}, asset: "A-1"},
			find{element: "E-broker", family: "authentication", words: before.words, steps: []string{"E-broker", "E-gateway", "E-store"}, asset: "A-1"},
			false, true, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			old := round{text: design, finds: []find{c.before}}.run()
			id := old.Threats[0].ID
			if c.claim {
				c.now.claim = id
			}
			plan := round{old: old, text: design, finds: []find{c.now}, decisions: []threatmodel.Decision{decide(t, old, id, threatmodel.ActionConfirm)}}.plan()
			if got := plan.Continues()[0] == id; got != c.same {
				t.Fatalf("continues the old threat: %v, want %v", got, c.same)
			}
			m := plan.Apply(nil).Model
			if want := map[bool]int{true: 1, false: 2}[c.same]; len(m.Threats) != want {
				t.Errorf("%d threats, want %d", len(m.Threats), want)
			}
			if got := threatOf(t, m, id).ReviewDue != nil; c.same && got != c.doubtful {
				t.Errorf("the decision is to be looked at again: %v, want %v", got, c.doubtful)
			}
		})
	}
}

// TestSeveralOfOneKey: c, the best assignment, by quotes before words.
func TestSeveralOfOneKey(t *testing.T) {
	one := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store"}, title: "steal the disk"}
	two := find{element: "E-store", family: "cleartext", words: []string{"Backups of the store"}, title: "read the bucket"}
	old := round{text: design, finds: []find{one, two}}.run()
	byQuote := map[string]string{}
	for _, x := range old.Threats {
		byQuote[x.Evidence[0].Quote] = x.ID
	}
	one.title, two.title = two.title, one.title // words say the opposite
	m := round{old: old, text: design, finds: []find{two, one}}.run()
	for _, x := range m.Threats {
		if byQuote[x.Evidence[0].Quote] != x.ID {
			t.Errorf("%q went on as %s, want %s", x.Evidence[0].Quote, x.ID, byQuote[x.Evidence[0].Quote])
		}
	}
	allUnchangedBut(t, m)
}

func TestSplit(t *testing.T) {
	whole := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "Backups of the store", "The store keeps"}}
	old := round{text: design, finds: []find{whole}}.run()
	id := old.Threats[0].ID
	large := find{element: "E-store", family: "cleartext", words: whole.words[:2]}
	small := find{element: "E-store", family: "cleartext", words: whole.words[2:]}
	for _, order := range [][]find{{large, small}, {small, large}} {
		m := round{old: old, text: design, finds: order, decisions: []threatmodel.Decision{decide(t, old, id, threatmodel.ActionConfirm)}}.run()
		if len(m.Threats) != 2 {
			t.Fatalf("%d threats, want 2", len(m.Threats))
		}
		for _, x := range m.Threats {
			switch {
			case x.ID == id && x.SplitFrom == "" && x.Status == threatmodel.StatusConfirmed:
			case x.ID != id && x.SplitFrom == id && x.Status == threatmodel.StatusOpen && len(x.Decisions) == 0:
			default:
				t.Errorf("%s: split from %q, status %s", x.ID, x.SplitFrom, x.Status)
			}
		}
	}
}

// merged is two old threats of one key that one new threat stands for.
func mergeOf(t *testing.T, decide func(old *threatmodel.Model, one, two string) []threatmodel.Decision) (m *threatmodel.Model, one, two string) {
	t.Helper()
	old := round{text: design, finds: []find{{element: "E-store", family: "cleartext", words: []string{"Readings in the store"}}}}.run()
	one = old.Threats[0].ID
	both := []find{
		{element: "E-store", family: "cleartext", words: []string{"Readings in the store"}},
		{element: "E-store", family: "cleartext", words: []string{"Backups of the store"}},
	}
	old = round{old: old, text: design, finds: both}.run()
	for _, x := range old.Threats {
		if x.ID != one {
			two = x.ID
		}
	}
	united := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "Backups of the store"}}
	return round{old: old, text: design, finds: []find{united}, decisions: decide(old, one, two)}.run(), one, two
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		one, two threatmodel.Action
		survivor string
	}{
		"nobody decided: the earlier goes on":     {"", "", "one"},
		"a decided one outlives an earlier one":   {"", threatmodel.ActionConfirm, "two"},
		"both decided alike: the earlier goes on": {threatmodel.ActionConfirm, threatmodel.ActionConfirm, "one"},
		"decided differently: never":              {threatmodel.ActionAccept, threatmodel.ActionReject, "both"},
	} {
		t.Run(name, func(t *testing.T) {
			m, one, two := mergeOf(t, func(old *threatmodel.Model, one, two string) []threatmodel.Decision {
				var out []threatmodel.Decision
				for id, action := range map[string]threatmodel.Action{one: c.one, two: c.two} {
					if action != "" {
						out = append(out, decide(t, old, id, action))
					}
				}
				return append(out, []threatmodel.Decision{}...)
			})
			a, b := threatOf(t, m, one), threatOf(t, m, two)
			if c.survivor == "both" {
				if a.MergedInto != "" || b.MergedInto != "" || len(reviews(m)) == 0 {
					t.Errorf("merged into %q and %q, to review %v: want both to stand and a person to be asked", a.MergedInto, b.MergedInto, reviews(m))
				}
				return
			}
			if c.survivor == "two" {
				a, b = b, a
			}
			if a.MergedInto != "" || b.MergedInto != a.ID || b.Status == threatmodel.StatusResolved || len(a.Evidence) != 2 {
				t.Errorf("%s is merged into %q, %s into %q (%s); evidence %d", a.ID, a.MergedInto, b.ID, b.MergedInto, b.Status, len(a.Evidence))
			}
			if got := kinds(m)[threatmodel.ThreatMerged]; !slices.Equal(got, []string{b.ID}) {
				t.Errorf("told as merged: %v, want %s", got, b.ID)
			}
		})
	}
}

func TestWhatWasMergedComesApartUnderItsID(t *testing.T) {
	m, one, two := mergeOf(t, func(*threatmodel.Model, string, string) []threatmodel.Decision { return nil })
	again := round{old: m, text: design, finds: []find{
		{element: "E-store", family: "cleartext", words: []string{"Readings in the store"}},
		{element: "E-store", family: "cleartext", words: []string{"Backups of the store"}},
	}}.run()
	if len(again.Threats) != 2 || threatOf(t, again, one).MergedInto != "" || threatOf(t, again, two).MergedInto != "" {
		t.Errorf("the threats are %s", asJSON(t, again.Threats))
	}
}

// TestWording: another wording is taken only where what it says can have
// changed, and is never told as a change.
func TestWording(t *testing.T) {
	base := find{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}, title: "old words", verdict: threatmodel.Absent}
	for name, c := range map[string]struct {
		change func(*find)
		input  func(*reconcile.Input)
		taken  bool
		kind   threatmodel.ChangeKind
		cause  string
	}{
		"nothing else":   {func(*find) {}, nil, false, threatmodel.ThreatUnchanged, ""},
		"fresh":          {func(*find) {}, func(in *reconcile.Input) { in.Fresh = true }, true, threatmodel.ThreatReworded, threatmodel.CauseAnalyst},
		"another model":  {func(*find) {}, func(in *reconcile.Input) { in.New.Analysis.Model = "m2" }, true, threatmodel.ThreatReworded, threatmodel.CauseAnalyst},
		"other prompts":  {func(*find) {}, func(in *reconcile.Input) { in.New.Analysis.Prompts = "p2" }, true, threatmodel.ThreatReworded, threatmodel.CauseAnalyst},
		"other patterns": {func(*find) {}, func(in *reconcile.Input) { in.New.Analysis.Patterns = "x2" }, false, threatmodel.ThreatUnchanged, ""},
		"the verdict":    {func(f *find) { f.verdict = threatmodel.Claimed }, nil, true, threatmodel.ThreatChanged, threatmodel.CauseAnalyst},
		"the evidence":   {func(f *find) { f.words = append(f.words, "It buffers readings") }, nil, true, threatmodel.ThreatChanged, threatmodel.CauseAnalyst},
		"the family":     {func(f *find) { f.family = "certificates" }, nil, true, threatmodel.ThreatChanged, threatmodel.CauseAnalyst},
	} {
		t.Run(name, func(t *testing.T) {
			old := round{text: design, finds: []find{base}}.run()
			now := base
			now.words, now.title = slices.Clone(base.words), "new words"
			c.change(&now)
			m := round{old: old, text: design, finds: []find{now}, change: c.input}.run()
			x := threatOf(t, m, old.Threats[0].ID)
			if got := x.Title == "new words"; got != c.taken {
				t.Errorf("the title is %q", x.Title)
			}
			change := changeOf(t, m, x.ID)
			if change.Kind != c.kind || change.Cause != c.cause {
				t.Errorf("told as %s by %q (%v), want %s by %q", change.Kind, change.Cause, change.Details, c.kind, c.cause)
			}
		})
	}
}

func TestAPersonsWordsStay(t *testing.T) {
	old := round{text: design, finds: []find{{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}, title: "as Ada wrote it", source: threatmodel.SourcePerson}}}.run()
	m := round{
		old: old, text: design, finds: []find{{element: "E-broker", family: "authentication", words: []string{"The broker is reachable", "It buffers"}, title: "machine words"}},
		change: func(in *reconcile.Input) { in.Fresh = true; in.New.Analysis.Model = "m2" },
	}.run()
	if x := m.Threats[0]; x.Title != "as Ada wrote it" || x.Source != threatmodel.SourcePerson {
		t.Errorf("%q by %s", x.Title, x.Source)
	}
}

// TestWhatAPersonGaveAThreatStays: who edits a threat that analysis found words it
// for good, whatever else becomes of it; and owner, due date, treatment and
// ticket are people's alone.
func TestWhatAPersonGaveAThreatStays(t *testing.T) {
	old := round{text: design, finds: []find{{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}, title: "machine words"}}}.run()
	owner, treatment, due := "ada", "modify", time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	o := &old.Threats[0]
	o.Title, o.Statement, o.Wording = "as Ada wrote it", "An intruder with Ada's words can ...", threatmodel.WordingPerson
	o.Owner, o.Treatment, o.Due, o.Ticket = &owner, &treatment, &due, "https://tracker.example.com/1"
	m := round{
		old: old, text: design, finds: []find{{element: "E-broker", family: "authentication", words: []string{"The broker is reachable", "It buffers"}, title: "other machine words"}},
		change: func(in *reconcile.Input) { in.Fresh = true; in.New.Analysis.Model = "m2" },
	}.run()
	x := threatOf(t, m, o.ID)
	if x.Title != o.Title || x.Statement != o.Statement || x.Wording != threatmodel.WordingPerson || x.Source == threatmodel.SourcePerson {
		t.Errorf("%q, %q, worded by %q, found by %s", x.Title, x.Statement, x.Wording, x.Source)
	}
	if len(x.Evidence) != 2 {
		t.Errorf("the evidence is %+v, want the new quote too", x.Evidence)
	}
	if x.Owner == nil || *x.Owner != owner || x.Treatment == nil || *x.Treatment != treatment || x.Due == nil || !x.Due.Equal(due) || x.Ticket != o.Ticket {
		t.Errorf("owner %v, treatment %v, due %v, ticket %q", x.Owner, x.Treatment, x.Due, x.Ticket)
	}
}

// TestReview: what puts a decision up for another look, beside its own text.
func TestReview(t *testing.T) {
	base := find{element: "E-console", family: "credentials", words: []string{"Operators sign in"}, verdict: threatmodel.Claimed}
	for name, c := range map[string]struct {
		change func(*find)
		says   string // empty: no review
	}{
		"nothing":                      {func(*find) {}, ""},
		"other words":                  {func(f *find) { f.title = "other words" }, ""},
		"a verdict":                    {func(f *find) { f.verdict = threatmodel.Bypassed }, "from claimed to bypassed"},
		"a contradicting quote":        {func(f *find) { f.against = "Sessions of the console" }, "speaks against it"},
		"the proposed risk up":         {func(f *find) { f.risk = threatmodel.Critical }, "from medium to critical"},
		"the proposed risk down":       {func(f *find) { f.risk = threatmodel.Low }, "from medium to low"},
		"the family":                   {func(f *find) { f.family = "authentication" }, "of the family authentication now"},
		"the element":                  {func(f *find) { f.element = "E-gateway" }, "Another element"},
		"another quote that stood too": {func(f *find) { f.words = append(f.words, "Sessions of the console") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			old := round{text: design, finds: []find{base}}.run()
			id := old.Threats[0].ID
			now := base
			now.words = slices.Clone(base.words)
			c.change(&now)
			decisions := []threatmodel.Decision{decide(t, old, id, threatmodel.ActionAccept)}
			m := round{old: old, text: design, finds: []find{now}, decisions: decisions}.run()
			due := threatOf(t, m, id).ReviewDue
			if (due == nil) != (c.says == "") || due != nil && !strings.Contains(due.Reason, c.says) {
				t.Fatalf("review: %+v, want one that says %q", due, c.says)
			}
			if due == nil {
				return
			}
			if due.Cause != threatmodel.CauseAnalyst {
				t.Errorf("no document changed, yet the cause is %s", due.Cause)
			}
			// It stays so until a person decides anew, then no more.
			later := round{old: m, text: design, finds: []find{now}, decisions: decisions}.run()
			if threatOf(t, later, id).ReviewDue == nil {
				t.Error("a round later the review is forgotten")
			}
			renewal := decide(t, later, id, threatmodel.ActionAccept)
			renewal.At = noon.AddDate(0, 1, 0)
			renewed := round{old: later, text: design, finds: []find{now}, decisions: append(decisions, renewal)}.run()
			if due := threatOf(t, renewed, id).ReviewDue; due != nil {
				t.Errorf("decided anew, yet to review: %s", due.Reason)
			}
		})
	}
}

func TestDocumentAndAnalystAreToldApart(t *testing.T) {
	old := firstModel()
	added := find{element: "E-broker", family: "exhaustion", words: []string{"It buffers readings"}}
	m := round{old: old, text: design, finds: append(standard(), added), change: func(in *reconcile.Input) { in.New.Analysis.Model = "m2" }}.run()
	if c := changeOf(t, m, idOf(t, m, "E-broker", "exhaustion")); c.Kind != threatmodel.ThreatAdded || c.Cause != threatmodel.CauseAnalyst {
		t.Errorf("the sentence stood before, yet it is told as %s by %s", c.Kind, c.Cause)
	}
	text := design.edited("It buffers readings for an hour.", "It buffers readings for an hour. Queues of the broker have no limit.")
	added.words = []string{"Queues of the broker"}
	m = round{old: old, text: text, finds: append(standard(), added)}.run()
	if c := changeOf(t, m, idOf(t, m, "E-broker", "exhaustion")); c.Kind != threatmodel.ThreatAdded || c.Cause != threatmodel.CauseDocument {
		t.Errorf("the sentence is new, yet it is told as %s by %s", c.Kind, c.Cause)
	}
	if got := m.Changes.Documents; len(got) != 2 || got[0].Change != "edited" || got[1].Change != "unchanged" {
		t.Errorf("documents are told as %+v", got)
	}
}

func TestIDsAreOfKeyAndAnchorAlone(t *testing.T) {
	a, b := firstModel(), round{text: corpus{"other.md": "# Elsewhere\n\n" + noCertificate + "\n"}, finds: []find{{element: "E-broker", family: "authentication", words: []string{"The broker is"}, title: "quite other words"}}}.run()
	if x, y := idOf(t, a, "E-broker", "authentication"), idOf(t, b, "E-broker", "authentication"); x != y {
		t.Errorf("the same key and quote gave %s and %s", x, y)
	}
	for id := range ids(a) {
		if len(id) != len("T-")+6 || !strings.HasPrefix(id, "T-") || strings.ContainsAny(id[2:], "ILOU") {
			t.Errorf("%s is no id of 30 bits in base 32", id)
		}
	}
}

func TestMintTakesMoreDigitsOnCollision(t *testing.T) {
	key, anchor := reconcile.Key{Element: "E-1", Family: "session"}, threatmodel.Anchor{Hash: "h"}
	taken := map[string]bool{}
	seen := map[string]bool{}
	for range 40 {
		id := reconcile.Mint(key, anchor, taken)
		if seen[id] {
			t.Fatalf("%s was given twice", id)
		}
		seen[id] = true
	}
	if first := reconcile.Mint(key, anchor, map[string]bool{}); !seen[first] || len(first) != 8 {
		t.Errorf("the first id is %s", first)
	}
}
