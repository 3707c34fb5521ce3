package flow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// text is a run whose lines stand on lines of the source, from the given on.
func text(s string, line int) Run {
	r := Run{Words: true}
	for i, part := range strings.SplitAfter(s, "\n") {
		r.Add(part, line+i)
	}
	return r
}

func show(t *testing.T, w *Writer, lines int) []string {
	t.Helper()
	s := w.B.Source(threatmodel.Document{})
	if err := sourcetest.Check(s, lines); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, b := range s.Blocks {
		all = append(all, fmt.Sprintf("%s %d %q", b.Kind, b.Level, b.Text))
	}
	return all
}

func TestTablesKeepTheirColumns(t *testing.T) {
	var w Writer
	cell := func(s string, columns, rows, line int) {
		w.OpenCell(false, columns, rows)
		w.Paragraph(text(s, line))
		w.CloseCell()
	}
	w.OpenTable()
	w.OpenRow()
	cell("a", 1, 2, 1)
	cell("b", 2, 1, 1)
	w.OpenRow()
	cell("c", 1, 1, 2)
	cell("d", 1, 1, 2)
	w.OpenRow()
	cell("e", 1, 1, 3)
	w.CloseTable()
	want := []string{`table_row 0 "a | b | "`, `table_row 0 " | c | d"`, `table_row 0 "e"`}
	if d := cmp.Diff(want, show(t, &w, 9)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

func TestCellsKeepWhatIsTooMuchForARow(t *testing.T) {
	var w Writer
	w.OpenTable()
	w.OpenRow()
	w.OpenCell(false, 1, 1)
	w.Paragraph(text("Key", 1))
	w.OpenCell(false, 1, 1)
	w.Paragraph(text(strings.Repeat("long ", 80), 1))
	w.OpenList(false, 1, false)
	w.OpenItem()
	w.Paragraph(text("item", 2))
	w.CloseList()
	w.Code("go", text("a\nb", 3))
	w.CloseTable()
	want := []string{`table_row 0 "Key | ` + strings.TrimSpace(strings.Repeat("long ", 80)) + `"`, `list_item 1 "item"`, `code 0 "a\nb"`}
	if d := cmp.Diff(want, show(t, &w, 9)); d != "" {
		t.Errorf("blocks (-want +got):\n%s", d)
	}
}

func TestAListGoesOnAfterATableInIt(t *testing.T) {
	var w Writer
	w.OpenList(true, 3, false)
	w.OpenItem()
	w.Paragraph(text("one", 1))
	w.OpenTable()
	w.OpenRow()
	w.OpenCell(false, 1, 1)
	w.Paragraph(text("cell", 2))
	w.CloseTable()
	w.OpenItem()
	w.Paragraph(text("two", 3))
	w.CloseList()
	w.Paragraph(text("end", 4))
	s := w.B.Source(threatmodel.Document{})
	if want := "3. one\n\ncell\n\n4. two\n\nend"; s.Body != want {
		t.Errorf("text %q, want %q", s.Body, want)
	}
}

func TestSpansEndAtTheLimit(t *testing.T) {
	w := Writer{MaxCells: 500}
	w.OpenTable()
	for range 100 {
		w.OpenRow()
		w.OpenCell(false, 100, 1000)
		w.Paragraph(text("x", 1))
		w.CloseCell()
	}
	w.CloseTable()
	if !w.TooManyCells() {
		t.Error("the limit is not told")
	}
	if n := len(w.B.Source(threatmodel.Document{}).Body); n > 10_000 {
		t.Errorf("text of %d bytes", n)
	}
}

func TestRunTrimsMarksAndLinksWithItsText(t *testing.T) {
	r := text("  \none two\n  ", 4)
	r.Link(3, "a.md")
	r.Trim()
	if string(r.Text) != "one two" {
		t.Fatalf("text %q", r.Text)
	}
	if d := cmp.Diff([]threatmodel.Mark{{Offset: 0, Line: 5}}, r.Marks); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]threatmodel.Link{{Start: 0, End: 7, Target: "a.md"}}, r.Links); d != "" {
		t.Error(d)
	}
}

func TestFileTarget(t *testing.T) {
	for target, want := range map[string]string{
		"a.md": "a.md", "./b/../a.md#x": "a.md#x", "../c.html?token=1": "../c.html", `docs\d.md`: "docs/d.md", "/top.md": "/top.md",
		"#here": "", "": "", "https://user:pw@x.example/a.md": "", "//x.example/a.md": "", "mailto:a@x.example": "", "a@b.md": "", "javascript:x": "",
		strings.Repeat("a", 400): "",
	} {
		if got := FileTarget(target); got != want {
			t.Errorf("%q leads to %q, want %q", target, got, want)
		}
	}
}
