package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// tableTransformer makes tables of paragraphs, as goldmark does, up to a
// number of cells in the document. Goldmark pads every row to the width of
// the header, so 40 KB of text could ask for 25 million cells; a table
// beyond the limit becomes a bigTable, whose rows are read line by line.
type tableTransformer struct {
	parser.ParagraphTransformer
	maxCells int
}

var (
	cellsKey    = parser.NewContextKey()
	bigTableKey = parser.NewContextKey()
)

// Transform implements parser.ParagraphTransformer.
func (t tableTransformer) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines := node.Lines()
	delimiter, columns := delimiterRow(lines, reader.Source())
	if delimiter < 1 {
		return
	}
	used, _ := pc.Get(cellsKey).(int)
	used += columns * (lines.Len() - delimiter)
	if used <= t.maxCells {
		pc.Set(cellsKey, used)
		t.ParagraphTransformer.Transform(node, reader, pc)
		return
	}
	pc.Set(bigTableKey, lines.At(delimiter).Start)
	table := &bigTable{}
	for i := range lines.Len() {
		if i != delimiter {
			table.Lines().Append(lines.At(i))
		}
	}
	node.Parent().ReplaceChild(node.Parent(), node, table)
}

// delimiterRow finds the line of dashes under a table's header and counts
// its columns.
func delimiterRow(lines *text.Segments, source []byte) (line, columns int) {
	for i := range lines.Len() {
		at := lines.At(i)
		row := bytes.TrimSpace(at.Value(source))
		if len(row) == 0 || bytes.Trim(row, "-:| \t") != nil && len(bytes.Trim(row, "-:| \t")) > 0 {
			continue
		}
		if bytes.IndexByte(row, '-') >= 0 {
			return i, bytes.Count(row, []byte{'|'}) + 1
		}
	}
	return -1, 0
}

// bigTable is a table whose cells are not parsed.
type bigTable struct{ ast.BaseBlock }

var kindBigTable = ast.NewNodeKind("BigTable")

// Kind implements ast.Node.
func (*bigTable) Kind() ast.NodeKind { return kindBigTable }

// IsRaw implements ast.Node: no inline parser looks at the lines.
func (*bigTable) IsRaw() bool { return true }

// Dump implements ast.Node.
func (n *bigTable) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// splitRow cuts a table line at its pipes; \| is a pipe within a cell.
func splitRow(line string) []string {
	var cells []string
	start := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '|':
			cells = append(cells, line[start:i])
			start = i + 1
		}
	}
	cells = append(cells, line[start:])
	if len(cells) > 1 && isBlank(cells[0]) {
		cells = cells[1:]
	}
	if len(cells) > 1 && isBlank(cells[len(cells)-1]) {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func isBlank(s string) bool { return len(bytes.TrimSpace([]byte(s))) == 0 }
