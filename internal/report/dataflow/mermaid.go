package dataflow

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Mermaid is the diagram as a Mermaid flowchart. Names are quoted with every
// character that Mermaid or Markdown could take for syntax as an entity.
func Mermaid(g Graph) string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	ids := names(g)
	writeZone(&b, g, ids, "", "  ")
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Crosses {
			arrow = "==>"
		}
		label := e.label()
		if e.Mark.Threats > 0 {
			label = strings.TrimSpace(label + " ⚠" + fmt.Sprint(e.Mark.Threats))
		}
		if label != "" {
			arrow += "|\"" + entity(label) + "\"|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", ids[e.From], arrow, ids[e.To])
	}
	for _, level := range threatmodel.Levels() {
		if class := marked(g, ids, level); class != "" {
			fmt.Fprintf(&b, "  classDef %s stroke:%s,stroke-width:2px\n  class %s %s\n", level, stroke[level], class, level)
		}
	}
	return b.String()
}

// stroke colours elements by their highest risk; readable on light and dark.
var stroke = map[threatmodel.Level]string{
	threatmodel.Critical: "#c2255c", threatmodel.High: "#e8590c", threatmodel.Medium: "#b08800", threatmodel.Low: "#5c7cfa",
}

// names gives nodes and zones short names of our own; no id of the model is
// written into a diagram's source.
func names(g Graph) map[string]string {
	out := map[string]string{}
	for i, n := range g.Nodes {
		out[n.ID] = fmt.Sprintf("n%d", i+1)
	}
	for i, z := range g.Zones {
		out[z.ID] = fmt.Sprintf("z%d", i+1)
	}
	return out
}

func writeZone(b *strings.Builder, g Graph, ids map[string]string, zone, indent string) {
	for _, n := range g.Nodes {
		if n.Zone != zone {
			continue
		}
		open, shut := brackets(n.Kind)
		label := n.Name
		if n.Mark.Threats > 0 {
			label += fmt.Sprintf(" ⚠%d", n.Mark.Threats)
		}
		fmt.Fprintf(b, "%s%s%s\"%s\"%s\n", indent, ids[n.ID], open, entity(label), shut)
	}
	for _, z := range g.Zones {
		if z.Parent != zone {
			continue
		}
		fmt.Fprintf(b, "%ssubgraph %s[\"%s\"]\n", indent, ids[z.ID], entity(z.Name))
		writeZone(b, g, ids, z.ID, indent+"  ")
		fmt.Fprintf(b, "%send\n", indent)
	}
}

func brackets(k threatmodel.Kind) (open, shut string) {
	switch k {
	case threatmodel.DataStore:
		return "[(", ")]"
	case threatmodel.Process:
		return "(", ")"
	case threatmodel.TrustBoundary:
		return "[[", "]]"
	}
	return "[", "]"
}

func marked(g Graph, ids map[string]string, level threatmodel.Level) string {
	var out []string
	for _, n := range g.Nodes {
		if n.Mark.Threats > 0 && n.Mark.Risk == level {
			out = append(out, ids[n.ID])
		}
	}
	return strings.Join(out, ",")
}

// entity writes what is neither letter, digit nor harmless as Mermaid's
// character entity. A long text is cut.
func entity(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > 120 {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), strings.ContainsRune(" .,-/()…⚠+", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
