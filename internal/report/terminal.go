package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TerminalOptions say how a summary is printed.
type TerminalOptions struct {
	// Color allows colours and bold print; without it no escape code is written.
	Color bool
	// Width is the number of columns; 0 means 80, and what is under 60 or over
	// 120 counts as that.
	Width int
	// Folder holds the reports; empty where none were written.
	Folder string
}

// Lists on a terminal end after so many entries, with a line that says how
// many more the report has.
const (
	mostThreats   = 60
	mostChanges   = 15
	mostQuestions = 8
	mostNotices   = 8
	mostDocuments = 8
)

// Terminal prints the summary of a model. It returns the writer's error.
func Terminal(w io.Writer, m *threatmodel.Model, o TerminalOptions) error {
	if o.Width == 0 {
		o.Width = 80
	}
	t := &terminal{page: page{w: w, color: o.Color, width: max(60, min(120, o.Width))}, shown: show(m), folder: o.Folder}
	t.header()
	t.threats()
	t.reviews()
	t.changes()
	t.questions()
	t.notices()
	t.footer()
	return t.err
}

type terminal struct {
	page
	*shown
	// folder holds the reports; empty where none were written.
	folder string
}

// header tells what was read, what the system is, and how much was found.
func (t *terminal) header() {
	t.print(t.style(visible.Line(t.System), bold), "  threat model")
	t.print()
	t.field("Read", t.read())
	if p := t.paragraph(); p != "" {
		t.field("System", p)
	}
	t.field("Map", t.size())
	c := t.counts()
	t.field("Found", strings.Join(append([]string{c.headline()}, c.rest()...), "; "))
	if t.Changes != nil {
		t.field("Changes", "since the baseline: "+t.changeCounts())
	}
	if t.Analysis.Incomplete != "" {
		t.print()
		t.item("INCOMPLETE", 12, visible.Line(t.Analysis.Incomplete), bold, red)
	}
}

func (t *terminal) read() string {
	var names []string
	for i, d := range t.Documents {
		if i == mostDocuments {
			names = append(names, fmt.Sprintf("and %d more", len(t.Documents)-i))
			break
		}
		name := visible.Line(d.Name)
		if d.Pages != nil {
			name += fmt.Sprintf(" (%d p.)", *d.Pages)
		}
		names = append(names, name)
	}
	head := plural(len(t.Documents), "document")
	if len(names) == 0 {
		return head
	}
	return head + ": " + strings.Join(names, ", ")
}

// threats prints the table of what asks for something, by risk.
func (t *terminal) threats() {
	table := t.table()
	level := threatmodel.Level("none yet")
	open := t.byRisk(ask)
	for i, x := range open {
		if i == mostThreats {
			t.print()
			t.more(len(open)-i, "threat")
			break
		}
		if x.Risk != level {
			level = x.Risk
			t.print()
			t.print(t.style(strings.ToUpper(visible.Line(string(level))), bold, riskColor(level)))
		}
		table.row(t, x)
	}
}

// table holds the widths of the columns.
type table struct{ title, element, control int }

const idColumn = 10 // "T-XXXXXX" and two spaces

func (t *terminal) table() table {
	room := t.width - idColumn - 4
	c := table{element: room * 22 / 100, control: max(16, room*24/100)}
	c.title = room - c.element - c.control
	return c
}

// row prints one threat, each column wrapped on its own.
func (c table) row(t *terminal, x *threatmodel.Threat) {
	title := fold(visible.Line(x.Title)+flags(x), c.title)
	element := fold(t.elementOf(x), c.element)
	control, verdict := t.controlOf(x)
	right := fold(control, c.control)
	for i := range max(len(title), len(element), len(right)) {
		id := ""
		if i == 0 {
			id = x.ID
		}
		third := at(right, i)
		if i == 0 {
			third = t.style(third, verdictColor(verdict)...)
		}
		line := t.style(pad(id, idColumn), dim) + pad(at(title, i), c.title+2) + pad(at(element, i), c.element+2) + third
		t.print(strings.TrimRight(line, " "))
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func (t *terminal) elementOf(x *threatmodel.Threat) string {
	if len(x.Elements) == 0 {
		return "–"
	}
	return t.elementName(x.Elements[0])
}

// controlOf is the control with the worst verdict; the rest is in the report.
func (t *terminal) controlOf(x *threatmodel.Threat) (string, threatmodel.Verdict) {
	c := worst(x)
	if c == nil {
		return "no control", ""
	}
	out := fmt.Sprintf("%s %s", visible.Line(c.ID), c.Verdict)
	if n := len(x.Controls) - 1; n > 0 {
		out += fmt.Sprintf(" +%d", n)
	}
	return out, c.Verdict
}

// reviews prints the decisions to look at again.
func (t *terminal) reviews() {
	due := t.byRisk(func(x *threatmodel.Threat) bool { return x.ReviewDue != nil && x.MergedInto == "" })
	if len(due) == 0 {
		return
	}
	t.head("Decisions to look at again", fmt.Sprintf(" (%d)", len(due)))
	for _, x := range due {
		t.item(x.ID, idColumn, fmt.Sprintf("%s, %s: %s", visible.Line(x.Title), x.Status, visible.Line(x.ReviewDue.Reason)), yellow)
		if s := visible.Line(x.ReviewDue.Before); s != "" {
			t.item("  before", idColumn, "“"+clip(s, 3*t.width)+"”", dim)
		}
		if s := visible.Line(x.ReviewDue.After); s != "" {
			t.item("  now", idColumn, "“"+clip(s, 3*t.width)+"”", dim)
		}
	}
}

// changes prints what differs from the baseline.
func (t *terminal) changes() {
	if t.Changes == nil {
		return
	}
	var lines []threatmodel.ThreatChange
	for _, k := range changeKinds() {
		if k != threatmodel.ThreatUnchanged && k != threatmodel.ThreatReworded {
			lines = append(lines, t.changed(k)...)
		}
	}
	if len(lines) == 0 {
		return
	}
	t.head("Changed since the baseline", t.changedDocuments())
	for i, c := range lines {
		if i == mostChanges {
			t.more(len(lines)-i, "change")
			break
		}
		t.item(c.Threat, idColumn, t.change(c), dim)
	}
}

func (t *terminal) change(c threatmodel.ThreatChange) string {
	out := fmt.Sprintf("%s: %s", changeNames[c.Kind], visible.Line(c.Title))
	if c.RaisedTo != "" {
		out += fmt.Sprintf(", raised to %s", c.RaisedTo)
	}
	if c.Cause == threatmodel.CauseAnalyst {
		out += " (by the analyst, not by a document)"
	}
	for _, d := range c.Details {
		out += "; " + strings.TrimRight(visible.Line(d), ".")
	}
	return out
}

func (t *terminal) changedDocuments() string {
	var out []string
	for _, d := range t.Changes.Documents {
		if d.Change != "unchanged" {
			out = append(out, visible.Line(d.Name)+" "+visible.Line(d.Change))
		}
	}
	if len(out) > mostDocuments {
		return fmt.Sprintf(": %d documents", len(out))
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}

func (t *terminal) questions() {
	if len(t.Questions) == 0 {
		return
	}
	t.head("Open questions", fmt.Sprintf(" (%d)", len(t.Questions)))
	for i, q := range t.Questions {
		if i == mostQuestions {
			t.more(len(t.Questions)-i, "question")
			break
		}
		t.item("  ?", 4, visible.Line(q.Text), cyan)
	}
}

func (t *terminal) notices() {
	if len(t.Notices) == 0 {
		return
	}
	t.head("Notices", fmt.Sprintf(" (%d)", len(t.Notices)))
	for i, n := range t.Notices {
		if i == mostNotices {
			t.more(len(t.Notices)-i, "notice")
			break
		}
		text := visible.Line(n.Text)
		if n.Document != "" {
			text = t.documentName(n.Document) + ": " + text
		}
		t.item("  !", 4, text, yellow)
	}
}

func (t *terminal) more(n int, what string) {
	rest := fmt.Sprintf("    and %s more: --out DIR writes a report of all", plural(n, what))
	if t.folder != "" {
		rest = fmt.Sprintf("    and %s more in the report", plural(n, what))
	}
	t.print(t.style(rest, dim))
}

// footer tells what it took and where the reports lie.
func (t *terminal) footer() {
	t.print()
	if n := len(t.Analysis.Rejections); n > 0 {
		t.field("Refused", plural(n, "proposal")+" that did not hold; the report gives the reasons")
	}
	t.field("Run", strings.Join(append([]string{"analyst " + t.worker()}, t.spent()...), "; "))
	if t.folder != "" {
		t.field("Report", visible.Line(filepath.Join(t.folder, "report.html")))
		t.field("", visible.Line(filepath.Join(t.folder, "report.md"))+", "+visible.Line(filepath.Join(t.folder, "model.json")))
	}
}

func riskColor(l threatmodel.Level) string {
	switch l {
	case threatmodel.Critical:
		return purple
	case threatmodel.High:
		return red
	case threatmodel.Medium:
		return yellow
	}
	return cyan
}

func verdictColor(v threatmodel.Verdict) []string {
	switch v {
	case threatmodel.Enforced, threatmodel.Inherited:
		return []string{green}
	case threatmodel.Partial, threatmodel.Claimed:
		return []string{yellow}
	case threatmodel.Bypassed, threatmodel.Absent:
		return []string{red}
	}
	return nil
}
