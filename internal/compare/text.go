package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// headings say of each kind of change what it means for a reader.
var headings = map[threatmodel.ChangeKind]string{
	threatmodel.ThreatAdded:         "Added",
	threatmodel.ThreatReturned:      "Returned",
	threatmodel.ThreatChanged:       "Changed",
	threatmodel.ThreatResolved:      "Resolved",
	threatmodel.ThreatMerged:        "Merged into others",
	threatmodel.ThreatNotReproduced: "Not reproduced, though the text still stands",
	threatmodel.ThreatReworded:      "Reworded",
	threatmodel.ThreatMoved:         "Moved",
	threatmodel.ThreatUnchanged:     "Unchanged",
}

// Text writes changes as people read them: documents, elements, then threats by
// kind. Those that did not change are only counted.
func Text(w io.Writer, c *threatmodel.Changes) error {
	var b strings.Builder
	changed := 0
	for _, d := range c.Documents {
		if d.Change != "unchanged" {
			changed++
			fmt.Fprintf(&b, "%-9s %s\n", d.Change, visible.Line(d.Name))
		}
	}
	if changed == 0 {
		b.WriteString("The documents are the same.\n")
	}
	for _, e := range c.Elements {
		fmt.Fprintf(&b, "%-9s element %s", e.Change, visible.Line(e.Name))
		if e.Before != "" {
			fmt.Fprintf(&b, ", before %s", visible.Line(e.Before))
		}
		b.WriteByte('\n')
	}
	for _, kind := range Kinds() {
		writeKind(&b, kind, c.Threats)
	}
	if len(c.Threats) == 0 {
		b.WriteString("\nNeither model has a threat.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeKind(b *strings.Builder, kind threatmodel.ChangeKind, all []threatmodel.ThreatChange) {
	var of []threatmodel.ThreatChange
	for _, c := range all {
		if c.Kind == kind {
			of = append(of, c)
		}
	}
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s (%d)\n", headings[kind], len(of))
	if kind == threatmodel.ThreatUnchanged {
		return
	}
	for _, c := range of {
		fmt.Fprintf(b, "  %s  %s%s\n", c.Threat, visible.Line(c.Title), by(c.Cause))
		for _, d := range c.Details {
			fmt.Fprintf(b, "      %s\n", visible.Line(d))
		}
		if c.RaisedTo != "" && kind != threatmodel.ThreatAdded {
			fmt.Fprintf(b, "      Its risk was raised to %s.\n", c.RaisedTo)
		}
		if c.Before != c.After {
			writeQuote(b, "before", c.Before)
			writeQuote(b, "now", c.After)
		}
	}
}

func by(cause string) string {
	switch cause {
	case "":
		return ""
	case threatmodel.CauseTime:
		return "  [by time]"
	}
	return "  [by the " + cause + "]"
}

func writeQuote(b *strings.Builder, when, quote string) {
	if quote != "" {
		fmt.Fprintf(b, "      %-6s “%s”\n", when, visible.Line(quote))
	}
}
