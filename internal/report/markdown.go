package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/dataflow"
	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Markdown writes the report in GitHub's Markdown, for a pull request or a
// wiki. It returns the writer's error.
func Markdown(w io.Writer, m *threatmodel.Model, texts Texts) error {
	b := bufio.NewWriter(w)
	d := &markdown{shown: show(m), out: b, sources: newSources(texts), names: loadVocabulary()}
	d.summary()
	d.reviews()
	d.changes()
	d.diagrams()
	d.threats()
	d.questions()
	d.notices()
	d.controls()
	d.coverageMatrix()
	d.inventory()
	d.refused()
	d.context()
	d.record()
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the Markdown report: %w", err)
	}
	return nil
}

// markdown writes the parts of the report. Errors of the writer are kept by
// the buffer until it is flushed.
type markdown struct {
	*shown
	out     *bufio.Writer
	sources sources
	names   vocabulary
}

func (d *markdown) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// para writes a paragraph of parts that are already Markdown.
func (d *markdown) para(parts ...string) { d.printf("%s\n\n", strings.Join(parts, "")) }

func (d *markdown) head(level int, title string) {
	d.printf("%s %s\n\n", strings.Repeat("#", level), title)
}

// table writes a table; cells are already Markdown.
func (d *markdown) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	d.printf("| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, r := range rows {
		d.printf("| %s |\n", strings.Join(r, " | "))
	}
	d.printf("\n")
}

// fold writes what a reader opens when wanted; the title is ours.
func (d *markdown) fold(title string, body func()) {
	d.printf("<details><summary>%s</summary>\n\n", title)
	body()
	d.printf("</details>\n\n")
}

func (d *markdown) summary() {
	d.head(1, "Threat model: "+md(d.System))
	c := d.counts()
	d.para("**", c.headline(), "**", joined("; ", c.rest()), ".")
	if d.Analysis.Incomplete != "" {
		d.printf("> [!CAUTION]\n> **Incomplete.** %s\n\n", md(d.Analysis.Incomplete))
	}
	if d.Changes != nil {
		d.para("Since the baseline: ", d.changeCounts(), ".")
	}
	if p := d.paragraph(); p != "" {
		d.para(md(p))
	}
	d.para("Read: ", md(d.readList()), ". ", d.size(), ".")
	var rows [][]string
	for _, t := range d.byRisk(ask) {
		rows = append(rows, []string{md(string(t.Risk)), d.link(t.ID), md(t.Title) + flagList(t), md(d.first(t)), controlCell(t)})
	}
	d.table([]string{"Risk", "Id", "Threat", "Element", "Control"}, rows)
	if len(rows) > 0 {
		d.matrixTable()
	}
}

func joined(sep string, list []string) string {
	out := ""
	for _, s := range list {
		out += sep + s
	}
	return out
}

func (d *markdown) readList() string {
	var names []string
	for _, x := range d.Documents {
		n := visible.Line(x.Name)
		if x.Pages != nil {
			n += fmt.Sprintf(" (%s)", plural(*x.Pages, "page"))
		}
		names = append(names, n)
	}
	return strings.Join(names, ", ")
}

// link leads to the heading of a threat, whose anchor is set beside it.
func (d *markdown) link(id string) string {
	if d.Threat(id) == nil {
		return md(id)
	}
	return fmt.Sprintf("[%s](#%s)", md(id), anchorID(id))
}

// anchorID keeps of an id what is safe in an anchor.
func anchorID(id string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, id))
}

func (d *markdown) first(t *threatmodel.Threat) string {
	if len(t.Elements) == 0 {
		return "–"
	}
	return d.elementName(t.Elements[0])
}

func flagList(t *threatmodel.Threat) string {
	f := flags(t)
	if f == "" {
		return ""
	}
	return " *" + md(strings.TrimSpace(f)) + "*"
}

func controlCell(t *threatmodel.Threat) string {
	var out []string
	for _, c := range t.Controls {
		out = append(out, fmt.Sprintf("%s **%s**", md(c.ID), md(string(c.Verdict))))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, "<br>")
}

func (d *markdown) matrixTable() {
	var rows [][]string
	for _, r := range d.matrix() {
		row := []string{fmt.Sprintf("**likelihood %d**", r.Likelihood)}
		for _, c := range r.Cells {
			cell := ""
			for _, id := range c.IDs {
				cell += d.link(id) + " "
			}
			if c.More > 0 {
				cell += fmt.Sprintf("+%d ", c.More)
			}
			row = append(row, cell+"*"+string(c.Level)+"*")
		}
		rows = append(rows, row)
	}
	d.table([]string{"", "impact 1", "impact 2", "impact 3", "impact 4", "impact 5"}, rows)
}

func (d *markdown) reviews() {
	due := d.byRisk(func(t *threatmodel.Threat) bool { return t.ReviewDue != nil && t.MergedInto == "" })
	if len(due) == 0 {
		return
	}
	d.head(2, "Decisions to look at again")
	for _, t := range due {
		d.printf("- %s **%s**, %s: %s\n", d.link(t.ID), md(t.Title), md(string(t.Status)), md(t.ReviewDue.Reason))
		d.beforeAfter("  ", t.ReviewDue.Before, t.ReviewDue.After)
	}
	d.printf("\n")
}

func (d *markdown) beforeAfter(indent, before, after string) {
	a, b := compare(visible.Line(before), visible.Line(after))
	if len(a) > 0 {
		d.printf("%s- before: %s\n", indent, mdPieces(a, "~~"))
	}
	if len(b) > 0 {
		d.printf("%s- now: %s\n", indent, mdPieces(b, "**"))
	}
}

func mdPieces(ps []piece, mark string) string {
	var out []string
	for _, p := range ps {
		s := md(p.Text)
		if p.Only {
			s = mark + s + mark
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (d *markdown) changes() {
	if d.Changes == nil {
		return
	}
	d.head(2, "Changes since the baseline")
	for _, x := range d.Changes.Documents {
		if x.Change != "unchanged" {
			d.printf("- document %s: %s\n", md(x.Name), md(x.Change))
		}
	}
	for _, x := range d.Changes.Elements {
		d.printf("- element %s: %s", md(x.Name), md(x.Change))
		if x.Before != "" {
			d.printf(" (was %s)", md(x.Before))
		}
		d.printf("\n")
	}
	for _, k := range changeKinds() {
		if k == threatmodel.ThreatUnchanged {
			continue
		}
		for _, c := range d.changed(k) {
			d.change(c)
		}
	}
	d.printf("\n")
}

func (d *markdown) change(c threatmodel.ThreatChange) {
	d.printf("- **%s** %s %s", changeNames[c.Kind], d.link(c.Threat), md(c.Title))
	if c.RaisedTo != "" {
		d.printf(", raised to %s", md(string(c.RaisedTo)))
	}
	if c.Cause != "" {
		d.printf(" (by the %s)", md(strings.TrimPrefix(c.Cause, "the ")))
	}
	if c.Review {
		d.printf(" **look again**")
	}
	d.printf("\n")
	for _, x := range c.Details {
		d.printf("  - %s\n", md(x))
	}
	d.beforeAfter("  ", c.Before, c.After)
}

func (d *markdown) diagrams() {
	views := dataflow.Views(d.Model)
	if len(views) == 0 {
		return
	}
	d.head(2, "Data flow")
	for _, v := range views {
		if len(views) > 1 {
			d.head(3, md(v.Title))
		}
		d.printf("```mermaid\n%s```\n\n", dataflow.Mermaid(v.Graph))
		if v.Note != "" {
			d.para(md(v.Note))
		}
	}
}
