package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func (d *markdown) questions() {
	if len(d.Questions) == 0 {
		return
	}
	d.head(2, "Open questions")
	for i, q := range d.Questions {
		d.printf("%d. **%s** %s\n", i+1, md(q.Text), md(q.Why))
		if names := each(q.Elements, d.elementName); len(names) > 0 {
			d.printf("   - about %s\n", md(strings.Join(names, ", ")))
		}
		for _, e := range q.Evidence {
			d.printf("   - “%s” — %s\n", md(e.Quote), d.place(e))
		}
	}
	d.printf("\n")
}

func (d *markdown) notices() {
	if len(d.Notices) == 0 {
		return
	}
	d.head(2, "Notices")
	for _, n := range d.Notices {
		d.printf("- **%s** ", md(words(n.Kind)))
		if n.Document != "" {
			d.printf("%s: ", md(d.documentName(n.Document)))
		}
		d.printf("%s\n", md(n.Text))
		for _, e := range n.Evidence {
			d.printf("  - “%s” — %s\n", md(e.Quote), d.place(e))
		}
	}
	d.printf("\n")
}

func (d *markdown) controls() {
	if len(d.StatedControls) == 0 {
		return
	}
	d.head(2, "Stated controls")
	var rows [][]string
	for _, c := range d.StatedControls {
		rows = append(rows, []string{
			md(c.Name), "**" + md(string(c.Verdict)) + "**", md(strings.Join(each(c.Elements, d.elementName), ", ")), d.said(c.Evidence),
		})
	}
	d.table([]string{"Control", "Verdict", "Where", "Quotes"}, rows)
}

func (d *markdown) said(list []threatmodel.Evidence) string {
	return strings.Join(each(list, func(e threatmodel.Evidence) string {
		role := ""
		if e.Role == threatmodel.Contradicts {
			role = "against it: "
		}
		return fmt.Sprintf("%s“%s” — %s", role, md(e.Quote), d.place(e))
	}), "<br>")
}

func (d *markdown) coverageMatrix() {
	rows := d.coverage()
	if len(rows) == 0 {
		return
	}
	d.head(2, "Coverage")
	d.para("– does not apply, for the reason below; ? not looked at.")
	head := []string{"Element"}
	for _, s := range threatmodel.STRIDECategories() {
		head = append(head, strideName(s))
	}
	var table [][]string
	for _, r := range rows {
		line := []string{md(r.Name)}
		for _, c := range r.Cells {
			line = append(line, d.coverageCell(c))
		}
		table = append(table, line)
	}
	d.table(head, table)
	d.fold("Why a category does not apply", func() {
		for _, r := range rows {
			for _, c := range r.Reasons() {
				d.printf("- %s, %s: %s\n", md(r.Name), strings.ToLower(strideName(c.STRIDE)), md(c.Reason))
			}
		}
		d.printf("\n")
	})
}

func (d *markdown) coverageCell(c coverageView) string {
	switch c.Status {
	case threatmodel.CoverageThreats:
		return strings.Join(each(c.Threats, d.link), " ")
	case threatmodel.CoverageDoesNotApply:
		return "–"
	}
	return "?"
}

func (d *markdown) inventory() {
	if len(d.Elements) == 0 && len(d.Assets) == 0 {
		return
	}
	d.head(2, "Elements and assets")
	var rows [][]string
	for _, k := range threatmodel.Kinds() {
		for _, e := range d.Elements {
			if e.Kind == k {
				rows = append(rows, d.elementRow(e))
			}
		}
	}
	d.table([]string{"Element", "Kind", "Technology", "Exposure", "Boundary"}, rows)
	rows = nil
	for _, a := range d.Assets {
		rows = append(rows, []string{
			md(a.Name), md(a.Class), md(strings.Join(a.Kinds, ", ")), md(strings.Join(a.Needs, ", ")), md(strings.Join(each(a.Elements, d.elementName), ", ")),
		})
	}
	d.table([]string{"Asset", "Class", "Holds", "Needs", "Where"}, rows)
}

func (d *markdown) elementRow(e threatmodel.Element) []string {
	name := md(d.elementName(e.ID))
	if e.From != "" && e.Name != "" {
		name += "<br>" + md(d.elementName(e.From)+" → "+d.elementName(e.To))
	}
	if e.Label != "" {
		name += ": " + md(e.Label)
	}
	if len(e.Aliases) > 0 {
		name += "<br>also " + md(strings.Join(e.Aliases, ", "))
	}
	boundary := ""
	switch {
	case len(e.Crosses) > 0:
		boundary = "crosses " + strings.Join(each(e.Crosses, d.elementName), ", ")
	case e.Boundary != "":
		boundary = d.elementName(e.Boundary)
	}
	return []string{name, md(kindName(e.Kind)), md(strings.Join(e.Technologies, ", ")), md(string(e.Exposure)), md(boundary)}
}

func (d *markdown) refused() {
	if len(d.Analysis.Rejections) == 0 {
		return
	}
	d.head(2, "Refused proposals")
	d.fold(plural(len(d.Analysis.Rejections), "proposal")+" that did not hold", func() {
		for _, r := range d.Analysis.Rejections {
			d.printf("- %s **%s**", md(words(r.What)), md(r.Title))
			if r.Element != "" {
				d.printf(" at %s", md(d.elementName(r.Element)))
			}
			d.printf(": %s (%s)\n", md(r.Reason), md(string(r.Stage)))
			for _, e := range r.Evidence {
				d.printf("  - “%s” — %s\n", md(e.Quote), d.place(e))
			}
		}
		d.printf("\n")
	})
}

func (d *markdown) context() {
	c := d.Context
	if c == nil {
		return
	}
	d.head(2, "Stated context")
	line := func(name, text string) {
		if text != "" {
			d.printf("- %s: %s\n", name, md(text))
		}
	}
	line("Owner", c.Owner)
	line("Criticality", c.Criticality)
	line("Documents classified", c.Classification)
	for _, x := range c.DataClasses {
		line("Data class", fmt.Sprintf("%s is %s", x.Name, x.Class))
	}
	for _, x := range c.Assumptions {
		line("Assumption", x)
	}
	for _, x := range c.OutOfScope {
		line("Out of scope", x)
	}
	for _, x := range c.Inherited {
		line("Inherited control", fmt.Sprintf("%s from %s: %s (shown in %s)", x.Control, x.Provider, x.Statement, x.ShownIn))
	}
	d.printf("\n")
}

func (d *markdown) record() {
	a := &d.Analysis
	d.head(2, "Run record")
	line := func(name, text string) {
		if text != "" {
			d.printf("- %s: %s\n", name, text)
		}
	}
	line("Analysis", mdCode(a.ID))
	line("Analyst", md(d.worker()))
	line("Prompts", mdCode(a.Prompts))
	line("Patterns", mdCode(a.Patterns))
	line("Weaknesses", mdCode(a.Weaknesses))
	for _, id := range slices.Sorted(maps.Keys(a.Catalogs)) {
		line("Catalog", md(id)+" "+mdCode(a.Catalogs[id]))
	}
	line("Bartizan", md(a.Version))
	if a.Run != nil {
		line("Run", md(strings.Join(append([]string{clock(a.Run.Started)}, d.spent()...), "; ")))
		line("Endpoint", md(a.Run.Endpoint))
		for _, k := range slices.Sorted(maps.Keys(a.Run.Faults)) {
			line("Fault", fmt.Sprintf("%s %d", md(k), a.Run.Faults[k]))
		}
	}
	d.printf("\n")
	var rows [][]string
	for _, s := range stageOrder(a) {
		rows = append(rows, []string{md(string(s.Stage)), took(time.Duration(s.Millis) * time.Millisecond), number(s.Units), number(s.TokensIn), number(s.TokensOut)})
	}
	d.table([]string{"Stage", "Time", "Units", "Tokens in", "Tokens out"}, rows)
	for _, x := range d.Documents {
		d.printf("- %s, SHA-256 %s\n", md(x.Name), mdCode(x.SHA256))
	}
}
