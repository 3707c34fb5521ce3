package eval_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/eval"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const head = `
system: Orders
elements:
  - {name: Order Gateway, aliases: [gateway], kind: process}
  - {name: Order Store, kind: data_store}
  - {name: Shop, kind: external_entity}
threats:
  - id: plain
    title: Prices are changed on the way
    elements: [gateway]
    families: [cleartext-transmission, data-authenticity]
    cwe: [319]
    document: a.md
    quotes: ["The Order Gateway calls the Price Service over plain HTTP between two data centres."]
    control: A.8.24
    verdict: bypassed
  - id: unlogged
    title: Nobody knows who changed an order
    elements: [Order Store]
    family: logging
    document: a.md
    quotes: ["Changes in the Order Store are not logged by anything.", "store | changes | no log"]
    control: A.8.15
    verdict: absent
stated_controls:
  - {name: TLS everywhere, elements: [gateway], control: A.8.24, verdict: bypassed, document: a.md, quotes: ["All connections use TLS 1.3."], against: [x y z]}
not_threats:
  - {quote: "The old client sent passwords in clear text and is gone.", document: a.md, why: gone}
neutralised:
  - {threat: Uploads run code, document: a.md, quotes: ["Uploads were removed from the Order Gateway in March."]}
`

func truth(t *testing.T) *eval.Truth {
	t.Helper()
	tr, err := eval.Parse("truth.yaml", []byte(head))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// found is a threat of a model that quotes sentences.
func found(id, element, family string, cwe int, quotes ...string) threatmodel.Threat {
	t := threatmodel.Threat{ID: id, Title: id, Elements: []string{element}, Family: family, CWE: []int{cwe}, Status: threatmodel.StatusOpen}
	for _, q := range quotes {
		t.Evidence = append(t.Evidence, threatmodel.Evidence{Quote: q, Document: "D-1", Role: threatmodel.States})
	}
	return t
}

func model(threats ...threatmodel.Threat) *threatmodel.Model {
	return &threatmodel.Model{
		Elements: []threatmodel.Element{
			{ID: "E-1", Kind: threatmodel.Process, Name: "The Order Gateway"},
			{ID: "E-2", Kind: threatmodel.Process, Name: "order store"},
			{ID: "E-3", Kind: threatmodel.Process, Name: "Mail Relay"},
			{ID: "E-4", Kind: threatmodel.DataFlow, Name: "", From: "E-1", To: "E-3"},
		},
		Threats: threats,
	}
}

func compare(t *testing.T, m *threatmodel.Model, texts map[string]string) *eval.Score {
	t.Helper()
	s, err := eval.Compare(m, truth(t), texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	plain    = "The Order Gateway calls the Price Service over plain HTTP between two data centres."
	unlogged = "Changes in the Order Store are not logged by anything."
)

func TestWhatCountsAsFound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		threat threatmodel.Threat
		hit    string
	}{
		{"the very sentence", found("T-1", "E-1", "cleartext-transmission", 319, plain), "plain"},
		{"another family that readers may choose", found("T-1", "E-1", "data-authenticity", 345, plain), "plain"},
		{"other white space, case and quotation marks", found("T-1", "E-1", "cleartext-transmission", 319, "the order gateway  calls\nthe Price Service over plain HTTP between two data centres"), "plain"},
		{"a part of the sentence", found("T-1", "E-1", "cleartext-transmission", 319, "calls the Price Service over plain HTTP"), "plain"},
		{"more than the sentence", found("T-1", "E-1", "cleartext-transmission", 319, "Today: "+plain+" So be it."), "plain"},
		{"most words", found("T-1", "E-1", "cleartext-transmission", 319, "The Order Gateway calls the Price Service over plain HTTP between both sites."), "plain"},
		{"a sibling weakness without the family's name", found("T-1", "E-2", "", 778, unlogged), "unlogged"},
		{"any of the sentences", found("T-1", "E-2", "logging", 778, "store | changes | no log"), "unlogged"},
		{"another element of the same sentence", found("T-1", "E-3", "logging", 778, unlogged), "unlogged"},

		{"another weakness", found("T-1", "E-1", "logging", 778, plain), ""},
		{"another sentence", found("T-1", "E-1", "cleartext-transmission", 319, "The Order Gateway writes orders to the Order Store."), ""},
		{"a few words that stand everywhere", found("T-1", "E-1", "cleartext-transmission", 319, "The Order Gateway"), ""},
		{"no sentence", found("T-1", "E-1", "cleartext-transmission", 319), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := compare(t, model(tt.threat), nil)
			got := ""
			if len(s.Hits) > 0 {
				got = s.Hits[0].Truth
			}
			if got != tt.hit {
				t.Errorf("it counts for %q, want %q", got, tt.hit)
			}
			if noise := len(s.Noise) == 1; noise == (tt.hit != "") {
				t.Errorf("noise: %+v", s.Noise)
			}
			if len(s.Misses)+len(s.Hits) != 2 {
				t.Errorf("%d hits and %d misses of two threats", len(s.Hits), len(s.Misses))
			}
		})
	}
}

func TestEvidenceAgainstAThreatFindsNothing(t *testing.T) {
	x := found("T-1", "E-1", "cleartext-transmission", 319, plain)
	x.Evidence[0].Role = threatmodel.Contradicts
	if s := compare(t, model(x), nil); len(s.Hits) != 0 {
		t.Errorf("%+v", s.Hits)
	}
}

func TestStepsOfAChainCount(t *testing.T) {
	x := found("T-1", "E-1", "cleartext-transmission", 319, "The Shop calls the Order Gateway over the internet.")
	x.Steps = []threatmodel.Step{{Element: "E-1", Evidence: []threatmodel.Evidence{{Quote: plain}}}}
	if s := compare(t, model(x), nil); len(s.Hits) != 1 {
		t.Errorf("%+v", s)
	}
}

// TestNearCounts: with the texts at hand, the next sentence at the same element is
// near enough; at another element, or a page away, it is not.
func TestNearCounts(t *testing.T) {
	text := "Orders\n\n" + plain + " That was cheaper than a tunnel.\n" + strings.Repeat("Nothing of the kind. ", 60) + "That was cheaper than a tunnel.\n"
	at := func(element string, offset int) *threatmodel.Model {
		x := found("T-1", element, "cleartext-transmission", 319, "That was cheaper than a tunnel.")
		x.Evidence[0].Locator = threatmodel.Locator{ByteStart: offset, ByteEnd: offset + 31}
		return model(x)
	}
	first, second := strings.Index(text, "That was"), strings.LastIndex(text, "That was")
	texts := map[string]string{"D-1": text}
	if s := compare(t, at("E-1", first), texts); len(s.Hits) != 1 || s.Hits[0].By != "place" || s.NoTexts {
		t.Errorf("beside it: %+v", s)
	}
	if s := compare(t, at("E-4", first), texts); len(s.Hits) != 1 {
		t.Errorf("a flow of the element: %+v", s)
	}
	if s := compare(t, at("E-3", first), texts); len(s.Hits) != 0 {
		t.Errorf("another element: %+v", s.Hits)
	}
	if s := compare(t, at("E-1", second), texts); len(s.Hits) != 0 {
		t.Errorf("a page away: %+v", s.Hits)
	}
	if s := compare(t, at("E-1", first), nil); len(s.Hits) != 0 || !s.NoTexts {
		t.Errorf("without texts: %+v", s)
	}
}

func TestOneThreatIsOneHit(t *testing.T) {
	both := found("T-1", "E-1", "cleartext-transmission", 319, plain, unlogged)
	both.CWE = []int{319, 778}
	again := found("T-2", "E-1", "cleartext-transmission", 319, plain)
	s := compare(t, model(again, both), nil)
	if len(s.Hits) != 2 || len(s.Noise) != 0 || s.Recall != 1 || s.Precision != 1 {
		t.Errorf("two threats for two truths, one of which fits either: %+v", s)
	}
	s = compare(t, model(both), nil)
	if len(s.Hits) != 1 || s.Recall != 0.5 {
		t.Errorf("one threat for two truths is one hit: %+v", s.Hits)
	}
	s = compare(t, model(again, found("T-3", "E-1", "data-authenticity", 345, plain)), nil)
	if len(s.Hits) != 1 || len(s.Repeats) != 1 || len(s.Noise) != 0 {
		t.Errorf("found twice is neither two hits nor noise: %+v", s)
	}
}

func TestThreatsThatAreSettledDoNotCount(t *testing.T) {
	for _, settle := range []func(*threatmodel.Threat){
		func(x *threatmodel.Threat) { x.Status = threatmodel.StatusResolved },
		func(x *threatmodel.Threat) { x.Status = threatmodel.StatusRejected },
		func(x *threatmodel.Threat) { x.Status = threatmodel.StatusDuplicate },
		func(x *threatmodel.Threat) { x.MergedInto = "T-9" },
	} {
		x := found("T-1", "E-1", "cleartext-transmission", 319, plain)
		settle(&x)
		if s := compare(t, model(x), nil); len(s.Hits)+len(s.Noise) != 0 {
			t.Errorf("%+v counts", x)
		}
	}
}

func TestForbiddenSentencesAreListedApart(t *testing.T) {
	s := compare(t, model(
		found("T-1", "E-1", "cleartext-transmission", 319, "The old client sent passwords in clear text and is gone."),
		found("T-2", "E-1", "file-upload", 434, "Uploads were removed from the Order Gateway in March."),
		found("T-3", "E-1", "logging", 778, "The Order Gateway writes to the Order Store at night."),
	), nil)
	if len(s.Noise) != 3 || len(s.Forbidden) != 2 || s.Precision != 0 {
		t.Fatalf("%+v", s)
	}
	for i, says := range []string{"no threat: gone", "rules a threat out: Uploads run code"} {
		if !strings.Contains(s.Forbidden[i].Reason, says) {
			t.Errorf("the reason is %q", s.Forbidden[i].Reason)
		}
	}
}

func TestMissesSayWhy(t *testing.T) {
	m := model(found("T-1", "E-1", "logging", 778, plain))
	m.Analysis.Rejections = []threatmodel.Rejection{{
		Stage: threatmodel.StageChallenge, What: "threat", Reason: "it is logged elsewhere", Evidence: []threatmodel.Evidence{{Quote: unlogged}},
	}}
	s := compare(t, m, nil)
	if len(s.Misses) != 2 || !strings.Contains(s.Misses[0].Reason, "T-1 quotes it, with the weakness logging") ||
		!strings.Contains(s.Misses[1].Reason, "rejected at challenge: it is logged elsewhere") {
		t.Errorf("%+v", s.Misses)
	}
	if len(s.Noise) != 1 || !strings.Contains(s.Noise[0].Reason, "it is at the sentences of plain") {
		t.Errorf("%+v", s.Noise)
	}
}

func TestVerdicts(t *testing.T) {
	x := found("T-1", "E-1", "cleartext-transmission", 319, plain)
	x.Controls = []threatmodel.ControlRef{
		{ID: "A.5.1", Verdict: threatmodel.Bypassed},
		{ID: "A.8.24", Verdict: threatmodel.Bypassed, Evidence: []threatmodel.Evidence{{Quote: "All connections use TLS 1.3."}}},
	}
	y := found("T-2", "E-2", "logging", 778, unlogged)
	y.Controls = []threatmodel.ControlRef{{ID: "A.8.15", Verdict: threatmodel.Partial}}
	m := model(x, y)
	m.StatedControls = []threatmodel.StatedControl{{Name: "TLS", Verdict: threatmodel.Claimed, Evidence: []threatmodel.Evidence{{Quote: "All connections use TLS 1.3."}}}}
	s := compare(t, m, nil)
	want := []eval.Tally{{Verdict: threatmodel.Bypassed, Right: 1}, {Verdict: threatmodel.Absent, Wrong: 1}}
	if !slices.Equal(s.Verdicts, want) {
		t.Errorf("%+v", s.Verdicts)
	}
	if want := []eval.Tally{{Verdict: threatmodel.Bypassed, Right: 1}}; !slices.Equal(s.Controls, want) {
		t.Errorf("the worst verdict on a stated control counts: %+v", s.Controls)
	}
	if len(s.Wrong) != 1 || s.Wrong[0] != (eval.WrongVerdict{Of: "unlogged", Control: "A.8.15", Want: threatmodel.Absent, Got: threatmodel.Partial}) {
		t.Errorf("%+v", s.Wrong)
	}
	m.Threats[0].Controls = m.Threats[0].Controls[:1]
	s = compare(t, m, nil)
	if s.Verdicts[0].Missing != 1 || s.Controls[0].Wrong != 1 {
		t.Errorf("another control's verdict does not count: %+v %+v", s.Verdicts, s.Controls)
	}
}

func TestElements(t *testing.T) {
	e := compare(t, model(), nil).Elements
	if !slices.Equal(e.Found, []string{"Order Gateway", "Order Store"}) || !slices.Equal(e.Missed, []string{"Shop"}) ||
		!slices.Equal(e.Extra, []string{"Mail Relay"}) || len(e.Kinds) != 1 || !strings.HasPrefix(e.Kinds[0], "Order Store: process") {
		t.Errorf("%+v", e)
	}
}

func TestTruthIsReadStrictly(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, says string }{
		"an unknown key":       {"title: Prices", "titel: Prices", "titel"},
		"an unknown family":    {"[cleartext-transmission, data-authenticity]", "[bad-luck]", `"bad-luck" is no weakness family`},
		"no family":            {"families: [cleartext-transmission, data-authenticity]", "families: []", "needs a family"},
		"an unknown verdict":   {"verdict: absent", "verdict: maybe", `"maybe" is no verdict`},
		"a control alone":      {"    verdict: absent\n", "", "control and verdict go together"},
		"an id twice":          {"id: unlogged", "id: plain", "needs an id that no other has"},
		"an unknown element":   {"elements: [Order Store]", "elements: [Basement]", `"Basement" is none of the elements`},
		"an unknown kind":      {"kind: data_store", "kind: store", "a kind"},
		"no quotes":            {`quotes: ["Changes in the Order Store are not logged by anything.", "store | changes | no log"]`, "quotes: []", "needs a quote"},
		"an empty quote":       {`"store | changes | no log"`, `"..."`, "a quote is empty"},
		"no document":          {"    document: a.md\n    quotes: [\"Ch", "    quotes: [\"Ch", "a document"},
		"no sentence of noise": {`quote: "The old client sent passwords in clear text and is gone."`, `quote: ""`, "not_threats 1"},
	} {
		if !strings.Contains(head, tt.old) {
			t.Fatalf("%s: %q stands nowhere", name, tt.old)
		}
		_, err := eval.Parse("truth.yaml", []byte(strings.Replace(head, tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "truth.yaml") {
			t.Errorf("%s: %v; want %q in it", name, err, tt.says)
		}
	}
	if _, err := eval.Parse("truth.yaml", nil); err == nil {
		t.Error("an empty file is taken")
	}
}

// TestTruthsOfTheSamples: every truth file of the repository can be read.
func TestTruthsOfTheSamples(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/designs/*/truth.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%v %v", paths, err)
	}
	for _, p := range paths {
		if _, err := eval.Load(p); err != nil {
			t.Error(err)
		}
	}
}

func TestTextNamesWhatMattersAndHidesEscapes(t *testing.T) {
	x := found("T-1", "E-1", "logging", 778, plain)
	x.Title = "A title\x1b[31m in red"
	var b strings.Builder
	if err := eval.Text(&b, compare(t, model(x), nil)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"recall     0.00", "Missed (2)", "plain: Prices are changed on the way", "Noise (1)", "A title in red [logging]", "texts do not lie beside"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q stands nowhere in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("an escape code is printed")
	}
}

// TestScoreDoesNotDependOnOrder: the order of threats changes neither what is
// found nor what is noise, and hits are one to one.
func TestScoreDoesNotDependOnOrder(t *testing.T) {
	pool := []threatmodel.Threat{
		found("T-1", "E-1", "cleartext-transmission", 319, plain, unlogged),
		found("T-2", "E-1", "cleartext-transmission", 319, plain),
		found("T-3", "E-2", "logging", 778, unlogged, plain),
		found("T-4", "E-2", "data-authenticity", 778, plain, unlogged),
		found("T-5", "E-3", "session", 613, "Sessions live for ever in the gateway."),
	}
	tr := truth(t)
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.Permutation(pool).Draw(t, "threats")[:rapid.IntRange(0, len(pool)).Draw(t, "n")]
		score := func(threats []threatmodel.Threat) *eval.Score {
			s, err := eval.Compare(model(threats...), tr, nil)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		a := score(some)
		back := slices.Clone(some)
		slices.Reverse(back)
		b := score(back)
		if len(a.Hits) != len(b.Hits) || len(a.Noise) != len(b.Noise) || a.Precision != b.Precision {
			t.Fatalf("%+v\n%+v", a, b)
		}
		used := map[string]bool{}
		for _, h := range a.Hits {
			if used[h.Threat] || used[h.Truth] {
				t.Fatalf("used twice: %+v", a.Hits)
			}
			used[h.Threat], used[h.Truth] = true, true
		}
		if got := len(a.Hits) + len(a.Repeats) + len(a.Noise); got != len(some) {
			t.Fatalf("%d threats became %d", len(some), got)
		}
	})
}

func ExampleText() {
	tr, err := eval.Parse("truth.yaml", []byte("system: Orders\nthreats: [{id: plain, title: Prices, family: cleartext-transmission, document: a.md, quotes: [The gateway calls over plain HTTP.]}]"))
	if err != nil {
		fmt.Println(err)
		return
	}
	m := model(found("T-1", "E-1", "cleartext-transmission", 319, "The gateway calls over plain HTTP."))
	s, err := eval.Compare(m, tr, map[string]string{"D-1": "The gateway calls over plain HTTP."})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Elements = eval.ElementScore{}
	_ = eval.Text(os.Stdout, s)
	// Output:
	// Orders
	// recall     1.00  1 of 1 threats found
	// precision  1.00  1 of 1 threats of the model match one (0 of them once more)
	// noise      0, of which 0 on sentences that must not become a threat
	// elements   0 of 0 found, 0 of them as another kind; 0 more in the model
	//
	// Found (1)
	//   T-1  plain  (by quote)
}

// FuzzParse: no file makes the reader panic, and what it takes can be scored.
func FuzzParse(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte("threats: [{id: x}]"))
	f.Add([]byte("threats: &a [*a]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tr, err := eval.Parse("truth.yaml", raw)
		if err != nil {
			return
		}
		if _, err := eval.Compare(model(found("T-1", "E-1", "logging", 778, plain)), tr, map[string]string{"D-1": plain}); err != nil {
			t.Error(err)
		}
	})
}
