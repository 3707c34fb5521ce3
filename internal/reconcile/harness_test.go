package reconcile_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// failer is a test or one try of a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// corpus is the text of a system at one time: documents by name.
type corpus map[string]string

func (c corpus) edited(from, to string) corpus {
	out := corpus{}
	for name, text := range c {
		out[name] = strings.ReplaceAll(text, from, to)
	}
	return out
}

func (c corpus) names() []string {
	var out []string
	for name := range c {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (c corpus) passages() []threatmodel.Passage {
	var docs []threatmodel.Source
	for _, name := range c.names() {
		docs = append(docs, markdown.Read(threatmodel.Document{ID: name, Name: name}, c[name], markdown.Options{}))
	}
	return passage.Split(docs)
}

func (c corpus) documents() []threatmodel.Document {
	var out []threatmodel.Document
	for _, name := range c.names() {
		out = append(out, threatmodel.Document{ID: name, Name: name, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(c[name])))})
	}
	return out
}

// quote is the evidence of the first sentence that begins with the words; nil
// where none does.
func quote(ps []threatmodel.Passage, words string) []threatmodel.Evidence {
	for _, p := range ps {
		for _, s := range p.Sentences {
			if !strings.HasPrefix(s.Text, words) {
				continue
			}
			var out []threatmodel.Evidence
			for _, span := range s.Spans {
				out = append(out, threatmodel.Evidence{Quote: span.Text, Document: p.Document, Passage: p.ID, Role: threatmodel.States, Locator: span.Locator})
			}
			return out
		}
	}
	return nil
}

// find is what an analyst says of a text: a threat that rests on the sentences
// that begin with the words. Those that do not stand are left out; where none
// does, it says nothing.
type find struct {
	element, family string
	words           []string
	claim           string // same_as
	title           string
	verdict         threatmodel.Verdict // on iso:A.8.5; none where empty
	against         string              // quoted against that control
	risk            threatmodel.Level
	unit            string
	source          string
	steps           []string // elements of a chain
	asset           string
}

func (f find) threat(ps []threatmodel.Passage) (threatmodel.Threat, bool) {
	t := threatmodel.Threat{
		Title: f.title, Statement: "An attacker can " + f.title, Elements: []string{f.element}, Family: f.family,
		STRIDE: []threatmodel.STRIDE{threatmodel.Spoofing}, CWE: []int{287}, Source: threatmodel.SourceModel, Status: threatmodel.StatusOpen,
		Confidence: threatmodel.ConfidenceHigh, Provenance: []string{"U-" + f.element},
	}
	if f.title == "" {
		t.Title = f.family + " of " + f.element
		t.Statement = "An attacker can abuse the " + t.Title
	}
	if f.source != "" {
		t.Source = f.source
	}
	if f.unit != "" {
		t.Provenance = []string{f.unit}
	}
	level := map[threatmodel.Level]int{threatmodel.Low: 2, "": 3, threatmodel.Medium: 3, threatmodel.High: 4, threatmodel.Critical: 5}[f.risk]
	t.Proposed = threatmodel.Proposal{Likelihood: level, Impact: level, Risk: threatmodel.Risk(level, level)}
	t.Likelihood.Value, t.Impact.Value, t.Risk, t.Rating = level, level, t.Proposed.Risk, threatmodel.RatingProposed
	for _, w := range f.words {
		t.Evidence = append(t.Evidence, quote(ps, w)...)
	}
	for _, e := range f.steps {
		t.Steps = append(t.Steps, threatmodel.Step{Element: e, Action: "goes on", Evidence: t.Evidence})
	}
	if f.asset != "" {
		t.Assets = []string{f.asset}
	}
	if f.verdict != "" {
		c := threatmodel.ControlRef{Catalog: "iso", ID: "A.8.5", Verdict: f.verdict}
		if f.against != "" {
			for _, e := range quote(ps, f.against) {
				e.Role = threatmodel.Contradicts
				c.Evidence = append(c.Evidence, e)
			}
		}
		t.Controls = []threatmodel.ControlRef{c}
	}
	return t, len(t.Evidence) > 0
}

// round is one analysis after another.
type round struct {
	old       *threatmodel.Model
	text      corpus
	finds     []find
	decisions []threatmodel.Decision
	findings  map[string]reconcile.Finding
	elements  []threatmodel.Element // default: those of the system
	change    func(*reconcile.Input)
}

func system() []threatmodel.Element {
	var out []threatmodel.Element
	for _, name := range []string{"broker", "console", "gateway", "store"} {
		out = append(out, threatmodel.Element{ID: "E-" + name, Kind: threatmodel.Process, Name: name})
	}
	return out
}

// number is how many analyses a model comes from.
func number(m *threatmodel.Model) int {
	if m == nil {
		return 0
	}
	return len(m.Analysis.History) + 1
}

func (r round) plan() *reconcile.Plan {
	ps := r.text.passages()
	m := &threatmodel.Model{
		System: "metering", Documents: r.text.documents(), Elements: r.elements,
		Analysis: threatmodel.Analysis{ID: fmt.Sprintf("a-%d", number(r.old)+1), Analyst: "llm", Model: "m1", Prompts: "p1"},
	}
	if m.Elements == nil {
		m.Elements = system()
	}
	in := reconcile.Input{Old: r.old, New: m, Text: reconcile.NewText(ps), Decisions: r.decisions, SameAs: map[int]string{}}
	for _, f := range r.finds {
		if t, ok := f.threat(ps); ok {
			if f.claim != "" {
				in.SameAs[len(m.Threats)] = f.claim
			}
			m.Threats = append(m.Threats, t)
		}
	}
	if r.change != nil {
		r.change(&in)
	}
	return reconcile.NewPlan(in)
}

func (r round) run() *threatmodel.Model { return r.plan().Apply(r.findings).Model }

// ids are the ids of threats, by element and family.
func ids(m *threatmodel.Model) map[string]string {
	out := map[string]string{}
	for i := range m.Threats {
		out[m.Threats[i].ID] = m.Threats[i].Elements[0] + " " + m.Threats[i].Family
	}
	return out
}

// idOf is the id of the only threat of an element and family that is not
// merged away.
func idOf(t failer, m *threatmodel.Model, element, family string) string {
	t.Helper()
	id := ""
	for i := range m.Threats {
		x := &m.Threats[i]
		if x.Elements[0] == element && x.Family == family && x.MergedInto == "" {
			if id != "" {
				t.Fatalf("two threats of %s %s: %s and %s", element, family, id, x.ID)
			}
			id = x.ID
		}
	}
	if id == "" {
		t.Fatalf("no threat of %s %s among %v", element, family, ids(m))
	}
	return id
}

func threatOf(t failer, m *threatmodel.Model, id string) *threatmodel.Threat {
	t.Helper()
	x := m.Threat(id)
	if x == nil {
		t.Fatalf("no threat %s among %v", id, ids(m))
	}
	return x
}

func changeOf(t failer, m *threatmodel.Model, id string) threatmodel.ThreatChange {
	t.Helper()
	var found []threatmodel.ThreatChange
	for _, c := range m.Changes.Threats {
		if c.Threat == id {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d changes are told of %s: %+v", len(found), id, found)
	}
	return found[0]
}

// kinds are the changes told, by kind, with ids in order.
func kinds(m *threatmodel.Model) map[threatmodel.ChangeKind][]string {
	out := map[threatmodel.ChangeKind][]string{}
	for _, c := range m.Changes.Threats {
		out[c.Kind] = append(out[c.Kind], c.Threat)
	}
	return out
}

// reviews are the threats whose decisions must be looked at again.
func reviews(m *threatmodel.Model) []string {
	var out []string
	for i := range m.Threats {
		if m.Threats[i].ReviewDue != nil {
			out = append(out, m.Threats[i].ID)
		}
	}
	slices.Sort(out)
	return out
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// decide is a decision on a threat as it stands, bound as the command binds it.
func decide(t failer, m *threatmodel.Model, id string, action threatmodel.Action) threatmodel.Decision {
	t.Helper()
	x := threatOf(t, m, id)
	return threatmodel.Decision{
		Threat: id, Action: action, Reason: "because", By: "ada", At: noon,
		Anchors: reconcile.Binding(x), Verdicts: reconcile.VerdictsOf(x), Proposed: x.Proposed.Risk, Element: x.Elements[0], Family: x.Family,
	}
}

func asJSON(t failer, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return string(raw)
}
