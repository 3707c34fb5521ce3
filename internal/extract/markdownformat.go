package extract

import (
	"io"
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// WriteMarkdown writes the blocks of a document as Markdown that shows the
// same text. Blocks that are no body text are left out.
func WriteMarkdown(w io.Writer, doc Document) error {
	var m markdownWriter
	for _, b := range doc.Blocks {
		if b.Role == threatmodel.RoleBody {
			m.block(b)
		}
	}
	m.out.WriteByte('\n')
	_, err := io.WriteString(w, strings.TrimLeft(m.out.String(), "\n"))
	return err
}

// markdownWriter keeps the block before, on which the space between blocks
// depends.
type markdownWriter struct {
	out  strings.Builder
	last threatmodel.Block
}

func (m *markdownWriter) block(b threatmodel.Block) {
	if b.Text == "" {
		return
	}
	together := b.Group != 0 && b.Group == m.last.Group && b.Kind == m.last.Kind
	m.out.WriteByte('\n')
	if !together {
		m.out.WriteByte('\n')
	}
	switch b.Kind {
	case threatmodel.BlockHeading:
		m.out.WriteString(strings.Repeat("#", max(1, min(6, b.Level))) + " " + oneLine(escape(b.Text)))
	case threatmodel.BlockListItem:
		indent := strings.Repeat("  ", max(0, b.Level-1))
		box, text := taskBox(b.Text)
		m.out.WriteString(indent + "- " + box + indentLines(escape(text), indent+"  "))
	case threatmodel.BlockTableRow:
		m.row(b, together)
	case threatmodel.BlockCode, threatmodel.BlockDiagram:
		m.fence(b)
	case threatmodel.BlockImage:
		m.out.WriteString("![" + oneLine(escape(b.Text)) + "]()")
	default:
		m.out.WriteString(escapeStart(escape(b.Text)))
	}
	m.last = b
}

// row writes a table row. The first row of a table is its header; Markdown
// has no table without one.
func (m *markdownWriter) row(b threatmodel.Block, together bool) {
	if !together && !b.Header {
		m.out.WriteString(strings.Repeat("| ", len(b.Cells)) + "|\n" + rule(len(b.Cells)) + "\n")
	}
	for _, c := range b.Cells {
		cell := strings.ReplaceAll(escape(c), "|", `\|`)
		m.out.WriteString("| " + strings.ReplaceAll(cell, "\n", "<br>") + " ")
	}
	m.out.WriteByte('|')
	if !together && b.Header {
		m.out.WriteString("\n" + rule(len(b.Cells)))
	}
}

func rule(columns int) string { return strings.Repeat("|---", columns) + "|" }

// fence writes code between fences longer than any in it.
func (m *markdownWriter) fence(b threatmodel.Block) {
	fence := "```"
	for strings.Contains(b.Text, fence) {
		fence += "`"
	}
	language := b.Language
	if b.Kind == threatmodel.BlockDiagram && language == "" {
		language = "mermaid"
	}
	m.out.WriteString(fence + language + "\n" + b.Text + "\n" + fence)
}

var markdownEscaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, "&", `\&`, "~", `\~`,
)

// escape protects the characters that mean something within a line.
func escape(s string) string { return markdownEscaper.Replace(s) }

var lineStart = regexp.MustCompile(`(?m)^(\s*)([#>+=-]|\d+[.)])`)

// escapeStart protects the characters that mean something at the start of a
// line.
func escapeStart(s string) string {
	return lineStart.ReplaceAllStringFunc(s, func(m string) string {
		return m[:len(m)-1] + `\` + m[len(m)-1:]
	})
}

// taskBox splits the box off the text of a task.
func taskBox(text string) (box, rest string) {
	for _, box := range []string{"[x] ", "[ ] "} {
		if rest, ok := strings.CutPrefix(text, box); ok {
			return box, rest
		}
	}
	return "", text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func indentLines(s, indent string) string {
	return strings.ReplaceAll(escapeStart(s), "\n", "\n"+indent)
}
