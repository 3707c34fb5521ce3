// Package sourcetest checks what every reader of documents promises of the
// documents that it returns.
package sourcetest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Check reports the first promise that a document breaks: valid UTF-8 without
// control characters, blocks that are slices of the text in its order, cells
// that make up their row, links within their block, marks and lines in order and within the source.
// Lines is the number of lines of the source; 0 where it has none.
func Check(s threatmodel.Source, lines int) error {
	if !utf8.ValidString(s.Body) {
		return fmt.Errorf("the text is not UTF-8")
	}
	if i := strings.IndexFunc(s.Body, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
		return fmt.Errorf("control character %q at byte %d", s.Body[i], i)
	}
	end := 0
	ids := map[string]bool{}
	for i, b := range s.Blocks {
		if ids[b.ID] {
			return fmt.Errorf("block %d: id %s occurs twice", i, b.ID)
		}
		ids[b.ID] = true
		if err := checkBlock(s.Body, b, end, lines); err != nil {
			return fmt.Errorf("block %d (%s, %s, %q): %w", i, b.ID, b.Kind, b.Text, err)
		}
		end = b.Locator.ByteEnd
	}
	return checkDiagrams(s)
}

func checkBlock(body string, b threatmodel.Block, after, lines int) error {
	l := b.Locator
	switch {
	case l.ByteStart < after || l.ByteEnd < l.ByteStart || l.ByteEnd > len(body):
		return fmt.Errorf("bytes %d to %d are not between %d and %d", l.ByteStart, l.ByteEnd, after, len(body))
	case body[l.ByteStart:l.ByteEnd] != b.Text:
		return fmt.Errorf("the text has %q there", body[l.ByteStart:l.ByteEnd])
	case b.Kind == threatmodel.BlockTableRow && strings.Join(b.Cells, " | ") != b.Text:
		return fmt.Errorf("its cells are %q", b.Cells)
	case b.Role == "":
		return fmt.Errorf("no role")
	case l.HeadingPath == nil:
		return fmt.Errorf("no heading path")
	}
	for _, link := range b.Links {
		if link.Start < 0 || link.End <= link.Start || link.End > len(b.Text) || link.Target == "" {
			return fmt.Errorf("link %+v is none in %d bytes", link, len(b.Text))
		}
	}
	if lines == 0 {
		return nil
	}
	return checkLines(b, lines)
}

func checkLines(b threatmodel.Block, lines int) error {
	l := b.Locator
	if l.LineStart == nil || l.LineEnd == nil {
		return fmt.Errorf("no lines")
	}
	if *l.LineStart < 1 || *l.LineEnd < *l.LineStart || *l.LineEnd > lines {
		return fmt.Errorf("lines %d to %d are not within 1 to %d", *l.LineStart, *l.LineEnd, lines)
	}
	if len(b.Marks) == 0 || b.Marks[0].Offset != 0 {
		return fmt.Errorf("marks %v do not begin at 0", b.Marks)
	}
	last := threatmodel.Mark{Offset: -1, Line: *l.LineStart}
	for _, m := range b.Marks {
		if m.Offset <= last.Offset || m.Offset > len(b.Text) || m.Line < last.Line || m.Line > *l.LineEnd {
			return fmt.Errorf("mark %v after %v is out of order, for lines %d to %d", m, last, *l.LineStart, *l.LineEnd)
		}
		last = m
	}
	return nil
}

func checkDiagrams(s threatmodel.Source) error {
	texts := map[string]string{}
	for _, b := range s.Blocks {
		texts[b.ID] = b.Text
	}
	for i, d := range s.Diagrams {
		text, ok := texts[d.Block]
		if !ok {
			return fmt.Errorf("diagram %d: there is no block %q", i, d.Block)
		}
		for _, n := range append(append([]threatmodel.DiagramNode{}, d.Nodes...), d.Groups...) {
			if n.Start < 0 || n.End < n.Start || n.End > len(text) {
				return fmt.Errorf("diagram %d: node %q at %d to %d of %d", i, n.ID, n.Start, n.End, len(text))
			}
		}
		for _, e := range d.Edges {
			if e.Start < 0 || e.End < e.Start || e.End > len(text) {
				return fmt.Errorf("diagram %d: edge %q to %q at %d to %d of %d", i, e.From, e.To, e.Start, e.End, len(text))
			}
		}
	}
	return nil
}
