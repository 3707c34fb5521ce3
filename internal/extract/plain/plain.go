// Package plain reads text files: it finds out how they are encoded, and
// reads the structure that people give to plain text into blocks.
package plain

import (
	"regexp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Read reads a plain text. Its text is UTF-8 with \n as line end, as [Decode]
// gives it. Blank lines separate blocks; underlined, numbered and capital
// lines that stand alone are headings; lines with a bullet or number are list
// items.
func Read(doc threatmodel.Document, content string) threatmodel.Source {
	r := &reader{}
	content = block.Clean(content)
	if language := diagram.LanguageOf(doc.Name, content); language == "mermaid" || language != "" && !startsDiagram(content) {
		r.diagram(language, content, 0)
		return r.b.Source(doc)
	}
	var part []line
	texts := strings.Split(content, "\n")
	for i := 0; i < len(texts); i++ {
		text := strings.TrimRight(texts[i], " \t")
		if end := diagramEnd(texts[i:]); end > 0 {
			r.part(part)
			part = part[:0]
			r.diagram("plantuml", strings.Join(texts[i:i+end], "\n"), i)
			i += end - 1
			continue
		}
		if text == "" {
			r.part(part)
			part = part[:0]
			continue
		}
		part = append(part, line{number: i + 1, indent: indent(text), text: strings.TrimLeft(text, " \t"), whole: text})
	}
	r.part(part)
	if doc.Title == "" {
		doc.Title = r.title
	}
	return r.b.Source(doc)
}

// startsDiagram reports whether a diagram begins in some line of a text.
func startsDiagram(content string) bool {
	return slices.ContainsFunc(strings.Split(content, "\n"), diagram.Starts)
}

// diagramEnd counts the lines of the diagram that begins with the first; 0
// where none does.
func diagramEnd(lines []string) int {
	if !diagram.Starts(lines[0]) {
		return 0
	}
	for i, l := range lines {
		if diagram.Ends(l) {
			return i + 1
		}
		if i > 0 && diagram.Starts(l) {
			return i // it was never ended
		}
	}
	return len(lines)
}

// diagram reads the source of a diagram, before which there are some lines.
func (r *reader) diagram(language, content string, before int) {
	var lines []line
	trimmed := strings.TrimLeft(content, "\n")
	skipped := before + len(content) - len(trimmed)
	for i, text := range strings.Split(strings.TrimRight(trimmed, " \t\n"), "\n") {
		lines = append(lines, line{number: skipped + i + 1, text: text})
	}
	r.inList = false
	i := r.add(threatmodel.Block{Kind: threatmodel.BlockDiagram, Language: language}, "", lines)
	read, problems := diagram.Read(language, r.b.Block(i).Text)
	if read.Type != "" {
		r.b.Diagram(i, read)
	}
	for _, p := range problems {
		r.b.Notice(threatmodel.NoticeFormat, "Diagram, line %d: %s.", skipped+p.Line, p.Text)
	}
}

// line is a line that is not blank.
type line struct {
	number, indent int
	// text is the line without indentation, whole is with it.
	text, whole string
}

func indent(s string) int {
	n := 0
	for _, c := range s {
		switch c {
		case ' ':
			n++
		case '\t':
			n += 8 - n%8
		default:
			return n
		}
	}
	return n
}

// reader is a text being read.
type reader struct {
	b      block.Builder
	title  string
	groups int
	// inList is true while the last block was an item; indents are those of
	// the items that the next one may lie under.
	inList  bool
	indents []int
	last    threatmodel.BlockKind
}

// part reads lines without a blank one between them.
func (r *reader) part(lines []line) {
	if len(lines) == 0 {
		return
	}
	if level := underlined(lines); level > 0 {
		r.heading(level, lines[0])
		r.part(lines[2:])
		return
	}
	if len(lines) == 1 {
		if level := headingLevel(lines[0].text); level > 0 && !r.continues(lines[0]) {
			r.heading(level, lines[0])
			return
		}
	}
	if isDrawing(lines) {
		r.drawing(lines)
		return
	}
	r.flow(lines)
}

// continues reports whether a line goes on with a numbered list.
func (r *reader) continues(l line) bool {
	return r.inList && bullet.MatchString(l.text)
}

// flow reads lines of prose and of lists.
func (r *reader) flow(lines []line) {
	start := 0
	for i, l := range lines {
		if i > start && (bullet.MatchString(l.text) || bullet.MatchString(lines[start].text) && l.indent < lines[start].indent) {
			r.paragraph(lines[start:i])
			start = i
		}
	}
	r.paragraph(lines[start:])
}

// bullet is what an item of a list begins with.
var bullet = regexp.MustCompile(`^(?:[-*+•‣◦–]|\(?(?:\d{1,3}|[a-z])[.)])\s+\S`)

func (r *reader) paragraph(lines []line) {
	first := lines[0]
	m := bullet.FindString(first.text)
	if m == "" {
		blk := threatmodel.Block{Kind: threatmodel.BlockParagraph}
		if r.inList && len(r.indents) > 0 && first.indent > r.indents[0] {
			blk.Group = r.groups
		} else {
			r.inList = false
		}
		r.add(blk, "", lines)
		return
	}
	if !r.inList {
		r.groups++
		r.indents = nil
		r.inList = true
	}
	for len(r.indents) > 0 && r.indents[len(r.indents)-1] >= first.indent {
		r.indents = r.indents[:len(r.indents)-1]
	}
	r.indents = append(r.indents, first.indent)
	marker := m[:len(m)-lastRune(m)]
	lines = append([]line{}, lines...)
	lines[0].text = first.text[len(marker):]
	r.add(threatmodel.Block{Kind: threatmodel.BlockListItem, Level: len(r.indents), Group: r.groups}, marker, lines)
}

// lastRune is the size of the last character.
func lastRune(s string) int {
	size := 0
	for i := range s {
		size = len(s) - i
	}
	return size
}

func (r *reader) heading(level int, l line) {
	r.inList = false
	if r.title == "" {
		r.title = l.text
	}
	r.add(threatmodel.Block{Kind: threatmodel.BlockHeading, Level: level}, "", []line{l})
}

// drawing keeps lines as they are.
func (r *reader) drawing(lines []line) {
	r.inList = false
	kept := make([]line, len(lines))
	for i, l := range lines {
		l.text = l.whole
		kept[i] = l
	}
	r.add(threatmodel.Block{Kind: threatmodel.BlockCode}, "", kept)
}

// add appends a block of lines, after its marker, and returns its index.
func (r *reader) add(blk threatmodel.Block, marker string, lines []line) int {
	gap := 2
	if blk.Kind == threatmodel.BlockListItem && r.last == threatmodel.BlockListItem {
		gap = 1
	}
	r.b.Break(gap)
	r.b.Layout(marker)
	var text strings.Builder
	for i, l := range lines {
		if i > 0 {
			text.WriteByte('\n')
		}
		blk.Marks = append(blk.Marks, threatmodel.Mark{Offset: text.Len(), Line: l.number})
		text.WriteString(l.text)
	}
	first, last := lines[0].number, lines[len(lines)-1].number
	blk.Locator.LineStart, blk.Locator.LineEnd = &first, &last
	r.last = blk.Kind
	return r.b.Add(blk, text.String())
}
