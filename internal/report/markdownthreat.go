package report

import (
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func (d *markdown) threats() {
	open := d.byRisk(ask)
	d.head(2, "Threats")
	if len(open) == 0 {
		d.para("No threat is open.")
	}
	for _, t := range open {
		d.threat(t)
	}
	settled := d.byRisk(func(t *threatmodel.Threat) bool { return !ask(t) })
	if len(settled) == 0 {
		return
	}
	d.head(2, "Settled threats")
	for _, t := range settled {
		d.threat(t)
	}
}

func (d *markdown) threat(t *threatmodel.Threat) {
	d.head(3, fmt.Sprintf(`<a id="%s"></a>%s %s`, anchorID(t.ID), md(t.ID), md(t.Title)))
	d.para("**", md(string(t.Risk)), "**", flagList(t), " · ", md(t.Statement))
	d.properties(t)
	if r := t.ReviewDue; r != nil {
		d.printf("- **look again** (%s): %s\n", md(r.Cause), md(r.Reason))
		d.beforeAfter("  ", r.Before, r.After)
		d.printf("\n")
	}
	d.evidence(t.Evidence)
	for _, f := range t.FormerEvidence {
		d.printf("> Formerly: ~~%s~~\n> — %s, revision %s\n\n", md(f.Quote), md(d.documentName(f.Document)), mdCode(clip(f.SHA256, 13)))
	}
	d.steps(t)
	d.threatControls(t)
	d.bullets("What could be done", t.Mitigations, func(m threatmodel.Mitigation) string {
		if m.Control == "" {
			return md(m.Text)
		}
		return md(m.Text) + " (" + md(m.Control) + ")"
	})
	d.decisions(t)
}

// properties is what is known of a threat, a line each.
func (d *markdown) properties(t *threatmodel.Threat) {
	row := func(name string, values []string) {
		if len(values) > 0 {
			d.printf("- %s: %s\n", name, strings.Join(values, ", "))
		}
	}
	row("Where", each(t.Elements, func(id string) string { return md(d.elementName(id)) }))
	row("Assets", each(t.Assets, func(id string) string { return md(d.assetName(id)) }))
	row("STRIDE", each(t.STRIDE, func(s threatmodel.STRIDE) string { return md(strideName(s)) }))
	row("Weakness", each(t.CWE, func(id int) string { return mdReference(d.names.cwe(id)) }))
	row("Attack pattern", each(t.CAPEC, func(id int) string { return mdReference(d.names.capec(id)) }))
	row("Technique", each(t.ATTACK, func(id string) string { return mdReference(d.names.attack(id)) }))
	d.printf("- Likelihood %d: %s\n- Impact %d: %s\n", t.Likelihood.Value, md(t.Likelihood.Rationale), t.Impact.Value, md(t.Impact.Rationale))
	d.printf("- Rating %s", md(t.Rating))
	if t.Proposed.Likelihood != 0 && (t.Proposed.Likelihood != t.Likelihood.Value || t.Proposed.Impact != t.Impact.Value) {
		d.printf(", proposed %d × %d = %s", t.Proposed.Likelihood, t.Proposed.Impact, md(string(t.Proposed.Risk)))
	}
	d.printf("%s", d.treatment(t))
	d.printf("; confidence %s; found by %s; family %s; first seen in %s", md(t.Confidence), md(threatView{Threat: t}.FoundBy()), md(d.names.family(t.Family)), mdCode(t.FirstSeen))
	for _, l := range []struct{ text, id string }{{"split from", t.SplitFrom}, {"joined with", t.MergedInto}, {"duplicate of", t.DuplicateOf}} {
		if l.id != "" {
			d.printf("; %s %s", l.text, d.link(l.id))
		}
	}
	d.printf("\n\n")
}

// treatment is what was decided to do about a threat, with what is left then.
func (d *markdown) treatment(t *threatmodel.Threat) string {
	out := ""
	if t.Owner != nil {
		out += "; owner " + md(*t.Owner)
	}
	if t.Treatment != nil {
		out += "; treatment " + md(*t.Treatment)
	}
	if t.Due != nil {
		out += "; due " + day(*t.Due)
	}
	if t.Ticket != "" {
		out += "; ticket " + md(t.Ticket)
	}
	if t.Wording == threatmodel.WordingPerson {
		out += "; worded by a person"
	}
	if r := t.Residual; r != nil {
		out += fmt.Sprintf("; residual %d × %d = %s", r.Likelihood, r.Impact, md(string(r.Risk)))
	}
	return out
}

// each applies f to the members of a list.
func each[T any](list []T, f func(T) string) []string {
	var out []string
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

func mdReference(r reference) string {
	out := md(r.ID)
	if r.URL != "" {
		out = fmt.Sprintf("[%s](%s)", out, r.URL)
	}
	if r.Name != "" {
		out += " " + md(r.Name)
	}
	return out
}

// evidence writes quotes, each in the text around it.
func (d *markdown) evidence(list []threatmodel.Evidence) {
	for _, e := range list {
		d.quote("", e)
	}
}

func (d *markdown) quote(indent string, e threatmodel.Evidence) {
	before, after := "", ""
	if start, end, ok := d.sources.find(e); ok {
		before, after = d.sources[e.Document].context(start, end)
	}
	text := mdLines(before) + "**" + md(e.Quote) + "**" + mdLines(after)
	note := ""
	if e.Role == threatmodel.Contradicts {
		note += " *goes round it*"
	}
	if e.Omission {
		note += " *states only that it exists*"
	}
	d.printf("%s> %s\n%s>\n%s> — %s%s\n\n", indent, text, indent, indent, d.place(e), note)
}

// mdLines is a text with its lines kept, and the space at its ends.
func mdLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.Repeat(" ", len(l)-len(strings.TrimLeft(l, " "))) + md(l)
		if strings.TrimSpace(l) != "" {
			lines[i] += strings.Repeat(" ", len(l)-len(strings.TrimRight(l, " ")))
		}
	}
	return strings.Join(lines, "<br>")
}

// place is document, page or lines, and the headings above.
func (d *markdown) place(e threatmodel.Evidence) string {
	out := md(d.documentName(e.Document))
	if w := where(e.Locator); w != "" {
		out += ", " + w
	}
	for _, h := range e.Locator.HeadingPath {
		out += " › " + md(h)
	}
	return out
}

func (d *markdown) steps(t *threatmodel.Threat) {
	for i, s := range t.Steps {
		d.printf("%d. **%s**: %s\n\n", i+1, md(d.elementName(s.Element)), md(s.Action))
		for _, e := range s.Evidence {
			d.quote("   ", e)
		}
	}
}

func (d *markdown) threatControls(t *threatmodel.Threat) {
	if len(t.Controls) == 0 && t.NoControl != "" {
		d.para("No control: ", md(t.NoControl))
	}
	for _, c := range t.Controls {
		d.para("**Control ", md(c.ID), " ", md(c.Title), ": ", md(string(c.Verdict)), "** (", md(c.Catalog), ") ", md(c.Rationale))
		d.evidence(c.Evidence)
	}
}

func (d *markdown) bullets(title string, list []threatmodel.Mitigation, f func(threatmodel.Mitigation) string) {
	if len(list) == 0 {
		return
	}
	d.para(title, ":")
	for _, x := range list {
		d.printf("- %s\n", f(x))
	}
	d.printf("\n")
}

func (d *markdown) decisions(t *threatmodel.Threat) {
	if len(t.Decisions) == 0 {
		return
	}
	d.para("Decisions:")
	for _, x := range t.Decisions {
		d.printf("- **%s** by %s, %s", md(string(x.Action)), md(x.By), clock(x.At))
		if x.Until != nil {
			d.printf(", until %s", day(*x.Until))
		}
		if x.Of != "" {
			d.printf(", of %s", d.link(x.Of))
		}
		if x.Likelihood > 0 {
			d.printf(", likelihood %d, impact %d", x.Likelihood, x.Impact)
		}
		d.printf(": %s\n", md(x.Reason))
	}
	d.printf("\n")
}
