package postgres

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// purgedUnit marks the input hash of a unit whose output was purged: no later
// analysis may take the output for an answer.
const purgedUnit = "purged:"

// model forgets a document in the JSON of a model: every item that rests on a
// quote of it, and every text that holds words of it. It reports whether
// anything changed.
func (f *forgetter) model(raw []byte) ([]byte, bool, error) {
	var m threatmodel.Model
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, false, fmt.Errorf("reading a model to purge: %w", err)
	}
	return f.rewrite(&m, func() {
		f.items(&m)
		f.units(m.Analysis.Units)
	}, f.says)
}

// rewrite gives the JSON of a value after f has changed it, without the strings
// for which drawn holds. How the JSON was laid out before is no change.
func (f *forgetter) rewrite(v any, change func(), drawn func(string) bool) ([]byte, bool, error) {
	before, err := json.Marshal(v)
	if err != nil {
		return nil, false, fmt.Errorf("writing what is purged: %w", err)
	}
	change()
	after, err := json.Marshal(v)
	if err != nil {
		return nil, false, fmt.Errorf("writing what is purged: %w", err)
	}
	out, changed, err := forgetJSON(after, drawn)
	return out, changed || !bytes.Equal(before, after), err
}

func (f *forgetter) items(m *threatmodel.Model) {
	for i := range m.Brief.Facts {
		if fact := &m.Brief.Facts[i]; f.evidence(fact.Evidence) {
			f.replace(&fact.Value)
		}
	}
	for i := range m.Documents {
		if d := &m.Documents[i]; f.documents[d.ID] {
			// Not learned: other documents are called design.md too.
			d.Name, d.Title, d.Text = hashed(d.Name), hashed(d.Title), hashed(d.Text)
		}
	}
	for i := range m.Elements {
		f.element(&m.Elements[i])
	}
	for i := range m.Assets {
		if a := &m.Assets[i]; f.evidence(a.Evidence) && f.only(a.Evidence) {
			f.replace(&a.Name)
		}
	}
	for i := range m.StatedControls {
		if c := &m.StatedControls[i]; f.evidence(c.Evidence) {
			f.replace(&c.Name)
		}
	}
	gone := map[string]bool{}
	for i := range m.Threats {
		if f.threat(&m.Threats[i]) {
			gone[m.Threats[i].ID] = true
		}
	}
	for i := range m.Questions {
		if q := &m.Questions[i]; f.evidence(q.Evidence) {
			f.replace(&q.Text, &q.Why)
		}
	}
	for i := range m.Notices {
		if n := &m.Notices[i]; f.evidence(n.Evidence) || f.documents[n.Document] {
			f.replace(&n.Text)
		}
	}
	for i := range m.Analysis.Rejections {
		if r := &m.Analysis.Rejections[i]; f.evidence(r.Evidence) {
			f.replace(&r.Title, &r.Reason)
		}
	}
	f.changes(m.Changes, gone)
}

// element loses its names where nothing but the document speaks of it.
func (f *forgetter) element(e *threatmodel.Element) {
	if !f.evidence(e.Evidence) || !f.only(e.Evidence) {
		return
	}
	name := e.Name
	f.replace(&e.Name, &e.Label)
	f.replaceAll(e.Aliases)
	f.renamed[name] = e.Name
}

func (f *forgetter) changes(c *threatmodel.Changes, gone map[string]bool) {
	if c == nil {
		return
	}
	for i := range c.Documents {
		if d := &c.Documents[i]; f.documents[d.Document] {
			d.Name = hashed(d.Name)
		}
	}
	for i := range c.Threats {
		if t := &c.Threats[i]; gone[t.Threat] {
			f.replace(&t.Title, &t.Before, &t.After)
			f.replaceAll(t.Details)
		}
	}
	for i := range c.Elements {
		e := &c.Elements[i]
		if to, ok := f.renamed[e.Name]; ok {
			e.Name = to
			f.replace(&e.Before)
		}
	}
}

// threat forgets a threat that rests on the document, or ever did.
func (f *forgetter) threat(t *threatmodel.Threat) bool {
	touched := f.evidence(t.Evidence)
	touched = f.anchors(t.Anchors) || touched
	for i := range t.FormerEvidence {
		if e := &t.FormerEvidence[i]; f.documents[e.Document] {
			f.learnQuote(e.Quote)
			f.replace(&e.Quote)
			touched = true
		}
	}
	for i := range t.Controls {
		touched = f.evidence(t.Controls[i].Evidence) || touched
	}
	for i := range t.Steps {
		touched = f.evidence(t.Steps[i].Evidence) || touched
	}
	for i := range t.Decisions {
		touched = f.anchors(t.Decisions[i].Anchors) || touched
	}
	if !touched {
		return false
	}
	f.replace(&t.Title, &t.Statement, &t.NoControl, &t.Likelihood.Rationale, &t.Impact.Rationale)
	for i := range t.Controls {
		f.replace(&t.Controls[i].Rationale)
	}
	for i := range t.Mitigations {
		f.replace(&t.Mitigations[i].Text)
	}
	for i := range t.Steps {
		f.replace(&t.Steps[i].Action)
	}
	if t.ReviewDue != nil {
		f.replace(&t.ReviewDue.Before, &t.ReviewDue.After, &t.ReviewDue.Reason)
	}
	return true
}

// units forgets what came out of a prompt that held the document.
func (f *forgetter) units(units []threatmodel.Unit) {
	for i := range units {
		u := &units[i]
		touched := f.documents[u.Subject]
		for _, id := range u.Passages {
			touched = touched || f.passages[passageBase(id)]
		}
		_ = eachString(u.Output, func(s string) { touched = touched || f.documents[s] || f.passages[passageBase(s)] || f.says(s) })
		if !touched || strings.HasPrefix(u.InputHash, purgedUnit) {
			continue
		}
		u.Output = json.RawMessage(`"` + hashed(string(u.Output)) + `"`)
		u.InputHash = purgedUnit + u.InputHash
		if !f.documents[u.Subject] {
			f.replace(&u.Subject)
		}
	}
}

// passageBase is a passage's id without the number of its occurrence.
func passageBase(id string) string {
	if rest, ok := strings.CutPrefix(id, "p-"); ok {
		hash, _, _ := strings.Cut(rest, "-")
		return "p-" + hash
	}
	return id
}

// evidence forgets the quotes of the document, and reports whether there is one.
func (f *forgetter) evidence(list []threatmodel.Evidence) bool {
	touched := false
	for i := range list {
		e := &list[i]
		if !f.documents[e.Document] {
			continue
		}
		touched = true
		f.learnQuote(e.Quote)
		f.replace(&e.Quote)
		f.replaceAll(e.Locator.HeadingPath)
	}
	return touched
}

// only reports whether all evidence is of the document.
func (f *forgetter) only(list []threatmodel.Evidence) bool {
	for i := range list {
		if !f.documents[list[i].Document] {
			return false
		}
	}
	return true
}

func (f *forgetter) anchors(list []threatmodel.Anchor) bool {
	touched := false
	for i := range list {
		a := &list[i]
		if !f.documents[a.Document] {
			continue
		}
		touched = true
		f.learnQuote(a.Quote)
		f.replace(&a.Quote, &a.Before, &a.After, &a.Heading)
	}
	return touched
}

// decision forgets the anchors of a decision. What a person wrote stays, but for
// words of the document.
func (f *forgetter) decision(raw []byte) ([]byte, bool, error) {
	var d threatmodel.Decision
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, false, fmt.Errorf("reading a decision to purge: %w", err)
	}
	return f.rewrite(&d, func() { f.anchors(d.Anchors) }, f.tells)
}

// replace puts hashes in the place of texts, and learns them.
func (f *forgetter) replace(texts ...*string) {
	for _, t := range texts {
		if !isHashed(*t) {
			f.learnWhole(*t)
		}
		*t = hashed(*t)
	}
}

func (f *forgetter) replaceAll(texts []string) {
	for i := range texts {
		f.replace(&texts[i])
	}
}
