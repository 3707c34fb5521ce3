package layout_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Fonts of the pages that tests set.
const (
	regular = iota
	bold
	mono
)

var fonts = []layout.Font{{Name: "Text"}, {Name: "Text-Bold", Bold: true}, {Name: "Code", Mono: true}}

// set sets a line of type, each character half as wide as the type is high.
func set(font int, size, x, baseline float64, text string) layout.Run {
	r := layout.Run{Font: font, Size: size, Baseline: baseline}
	for _, c := range text {
		box := layout.Box{L: x, T: baseline - 0.7*size, R: x + 0.5*size, B: baseline}
		if c == ' ' {
			box = layout.Box{}
		}
		r.Glyphs = append(r.Glyphs, layout.Glyph{Rune: c, Box: box})
		x += 0.5 * size
	}
	return r
}

// page sets lines of regular type of 10 points, 12 apart, from a height on.
func page(from float64, lines ...string) layout.Page {
	p := layout.Page{Width: 400, Height: 600}
	for i, l := range lines {
		if l != "" {
			p.Runs = append(p.Runs, set(regular, 10, 50, from+12*float64(i), l))
		}
	}
	return p
}

func readAs(about layout.About, pages []layout.Page) threatmodel.Source {
	var p layout.Pages
	for _, page := range pages {
		p.Add(fonts, page)
	}
	return p.Read(about)
}

func read(t *testing.T, pages ...layout.Page) threatmodel.Source {
	t.Helper()
	src := readAs(layout.About{}, pages)
	if err := sourcetest.Check(src, 0); err != nil {
		t.Error(err)
	}
	return src
}

func describe(s threatmodel.Source) []string {
	var out []string
	for _, b := range s.Blocks {
		line := fmt.Sprintf("%s %s: %s", b.Role, b.Kind, strings.ReplaceAll(b.Text, "\n", " / "))
		if b.Level > 0 {
			line = fmt.Sprintf("%s %s %d: %s", b.Role, b.Kind, b.Level, strings.ReplaceAll(b.Text, "\n", " / "))
		}
		out = append(out, line)
	}
	return out
}

const full = "A line of the text that fills the column of the page quite"

func TestBlocks(t *testing.T) {
	heading := func(size float64, font int, text string) layout.Page {
		p := page(200, full, full+".")
		p.Runs = append([]layout.Run{set(font, size, 50, 170, text)}, p.Runs...)
		return p
	}
	tests := []struct {
		name string
		page layout.Page
		want []string
	}{
		{"lines are one paragraph", page(100, full, "and it goes on here."), []string{
			"body paragraph: " + full + " / and it goes on here.",
		}},
		{"a gap parts paragraphs", page(100, full, "ends.", "", full, "ends too."), []string{
			"body paragraph: " + full + " / ends.",
			"body paragraph: " + full + " / ends too.",
		}},
		{"a hyphen at a line end is taken out", page(100, "A line of the text that is set in the page has a cut vehi\u0002", "cle at its end."), []string{
			"body paragraph: A line of the text that is set in the page has a cut vehicle / at its end.",
		}},
		{"a hyphen that the word has stays", page(100, "A well-known word, and the line ends in one that is well\u0002", "known to the reader."), []string{
			"body paragraph: A well-known word, and the line ends in one that is well-known / to the reader.",
		}},
		{"ligatures are spelled out", page(100, "The o\ufb03ce \ufb01lls a \ufb02at."), []string{"body paragraph: The office fills a flat."}},
		{"larger type is a heading", heading(16, regular, "Storage"), []string{"body heading 1: Storage", "body paragraph: " + full + " / " + full + "."}},
		{"bold type is a heading", heading(10, bold, "4.1 Storage"), []string{"body heading 1: 4.1 Storage", "body paragraph: " + full + " / " + full + "."}},
		{"bullets make items", page(100, "• first item", "• second item that", "• third"), []string{
			"body list_item 1: first item", "body list_item 1: second item that", "body list_item 1: third",
		}},
		{"numbers make items", page(100, "1. Open the valve.", "2. Close it."), []string{"body list_item 1: Open the valve.", "body list_item 1: Close it."}},
		{"a caption is told by its number", page(100, "Table 1: Parts", "", full, full+"."), []string{
			"body caption: Table 1: Parts", "body paragraph: " + full + " / " + full + ".",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, describe(read(t, tt.page))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestCodeKeepsItsLines(t *testing.T) {
	p := page(100, full, full, full, full+".")
	p.Runs = append(p.Runs, set(mono, 10, 50, 180, "if open {"), set(mono, 10, 70, 192, "close()"), set(mono, 10, 50, 204, "}"))
	got := read(t, p)
	last := got.Blocks[len(got.Blocks)-1]
	if last.Kind != threatmodel.BlockCode || last.Text != "if open {\n    close()\n}" {
		t.Errorf("block %+v", last)
	}
}

func TestColumnsAreReadOneAfterTheOther(t *testing.T) {
	p := layout.Page{Width: 600, Height: 600}
	for _, column := range []string{"left", "right"} {
		x := 50.0
		if column == "right" {
			x = 310
		}
		for i := range 8 {
			p.Runs = append(p.Runs, set(regular, 10, x, 100+12*float64(i), fmt.Sprintf("%s column has a line %d of the text and so on", column, i)))
		}
	}
	text := read(t, p).Body
	if l, r := strings.LastIndex(text, "left"), strings.Index(text, "right"); l < 0 || r < l {
		t.Errorf("text %q", text)
	}
}

func TestATableIsReadByRows(t *testing.T) {
	p := page(100, full, full+".")
	rows := [][]string{{"Part", "Task", "Since"}, {"Gateway", "takes messages", "2019"}, {"Store", "keeps positions", "2021"}, {"Portal", "shows both", "2022"}}
	for i, row := range rows {
		font := regular
		if i == 0 {
			font = bold
		}
		for j, cell := range row {
			p.Runs = append(p.Runs, set(font, 10, 50+110*float64(j), 160+15*float64(i), cell))
		}
	}
	got := read(t, p)
	want := []string{"Part | Task | Since", "Gateway | takes messages | 2019", "Store | keeps positions | 2021", "Portal | shows both | 2022"}
	var texts []string
	for _, b := range got.Blocks {
		if b.Kind == threatmodel.BlockTableRow {
			texts = append(texts, b.Text)
			if b.Header != (len(texts) == 1) {
				t.Errorf("row %q: header %v", b.Text, b.Header)
			}
		}
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestATableThatAPageEndCutsIsOne(t *testing.T) {
	var pages []layout.Page
	for n := range 2 {
		var p layout.Page
		if n == 0 {
			p = page(500, full, full+".")
		} else {
			p = page(160, full, full+".")
		}
		for i := range 4 {
			y := 60 + 15*float64(i)
			if n == 0 {
				y = 540 + 15*float64(i)
			}
			for j, cell := range []string{"Part %c%d", "does task %c%d", "since %c%d"} {
				p.Runs = append(p.Runs, set(regular, 10, 50+110*float64(j), y, fmt.Sprintf(cell, 'A'+n, i)))
			}
		}
		pages = append(pages, p)
	}
	groups := map[int]int{}
	for _, b := range read(t, pages...).Blocks {
		if b.Kind == threatmodel.BlockTableRow {
			groups[b.Group]++
		}
	}
	if d := cmp.Diff(map[int]int{1: 8}, groups); d != "" {
		t.Errorf("rows by table (-want +got):\n%s", d)
	}
}

func TestTheLastRowOfATableMayStandAlone(t *testing.T) {
	row := func(p *layout.Page, y float64, cells ...string) {
		for j, cell := range cells {
			p.Runs = append(p.Runs, set(regular, 10, 50+110*float64(j), y, cell))
		}
	}
	first, second := page(500, full, full+"."), page(120, full, full+".")
	row(&first, 540, "Gateway", "takes messages")
	row(&first, 555, "Store", "keeps positions")
	row(&second, 60, "Portal", "shows both")
	got := describe(read(t, first, second))
	if want := "body table_row: Portal | shows both"; !slices.Contains(got, want) {
		t.Errorf("there is no %q in %q", want, got)
	}
}

func TestATableBelowColumnsIsNoPartOfThem(t *testing.T) {
	p := layout.Page{Width: 600, Height: 800}
	for i := range 8 {
		for j, side := range []string{"left", "right"} {
			p.Runs = append(p.Runs, set(regular, 10, 50+250*float64(j), 100+12*float64(i), fmt.Sprintf("The %s column has a line %d of its text here", side, i)))
		}
	}
	// The page draws one column after the other.
	slices.SortStableFunc(p.Runs, func(a, b layout.Run) int { return int(a.Glyphs[0].Box.L - b.Glyphs[0].Box.L) })
	p.Runs = append(p.Runs, set(bold, 13, 50, 240, "Parts"))
	for i, cells := range [][]string{{"Gateway", "takes messages"}, {"Store", "keeps positions"}, {"Portal", "shows both"}} {
		for j, cell := range cells {
			p.Runs = append(p.Runs, set(regular, 10, 50+250*float64(j), 265+15*float64(i), cell))
		}
	}
	got := describe(read(t, p))
	want := []string{"body heading 1: Parts", "body table_row: Gateway | takes messages", "body table_row: Store | keeps positions", "body table_row: Portal | shows both"}
	if d := cmp.Diff(want, got[max(0, len(got)-4):]); d != "" {
		t.Errorf("the end of the page (-want +got):\n%s", d)
	}
}

func TestRunningLinesAreNoBody(t *testing.T) {
	var pages []layout.Page
	for i := range 5 {
		p := page(120, fmt.Sprintf("Page %c begins with a line that no other has, and it is long", 'A'+i), "and ends.")
		p.Runs = append([]layout.Run{set(regular, 8, 50, 30, "System design")}, p.Runs...)
		p.Runs = append(p.Runs, set(regular, 8, 200, 580, fmt.Sprint(i+7)))
		pages = append(pages, p)
	}
	count := map[threatmodel.Role]int{}
	for _, b := range read(t, pages...).Blocks {
		count[b.Role]++
	}
	if d := cmp.Diff(map[threatmodel.Role]int{threatmodel.RoleHeader: 5, threatmodel.RoleBody: 5, threatmodel.RoleFooter: 5}, count); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestContentsAreNoBody(t *testing.T) {
	p := page(100, "Contents", "Purpose ................................ 2", "Storage ................................ 3", "Access ................................. 5")
	for _, b := range read(t, p).Blocks {
		if b.Role != threatmodel.RoleTOC {
			t.Errorf("%q has role %s", b.Text, b.Role)
		}
	}
}

func TestTheOutlineDecidesOnHeadings(t *testing.T) {
	about := layout.About{Outline: []layout.Entry{{Title: "Storage", Level: 1, Page: 1}, {Title: "Keys", Level: 2, Page: 1}}}
	src := readAs(about, []layout.Page{page(100, "Storage", "", full, full+".", "", "Keys", "", full, full+".")})
	levels := map[string]int{}
	for _, b := range src.Blocks {
		if b.Kind == threatmodel.BlockHeading {
			levels[b.Text] = b.Level
		}
	}
	if d := cmp.Diff(map[string]int{"Storage": 1, "Keys": 2}, levels); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Whatever stands on the pages, in whatever place, no letter of upright text is
// lost or made up, and every block is a slice of the text.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pages []layout.Page
		want := map[rune]int{}
		for range rapid.IntRange(1, 3).Draw(t, "pages") {
			p := layout.Page{Width: 400, Height: 600}
			for range rapid.IntRange(0, 30).Draw(t, "runs") {
				text := rapid.StringMatching(`[a-z][a-z0-9 .:•-]{0,30}`).Draw(t, "text")
				run := set(rapid.IntRange(0, 2).Draw(t, "font"), rapid.Float64Range(5, 30).Draw(t, "size"),
					rapid.Float64Range(0, 380).Draw(t, "x"), rapid.Float64Range(10, 600).Draw(t, "y"), text)
				p.Runs = append(p.Runs, run)
				for _, c := range text {
					if c >= 'a' && c <= 'z' {
						want[c]++
					}
				}
			}
			pages = append(pages, p)
		}
		src := readAs(layout.About{}, pages)
		if err := sourcetest.Check(src, 0); err != nil {
			t.Fatal(err)
		}
		got := map[rune]int{}
		for _, c := range src.Body {
			if c >= 'a' && c <= 'z' {
				got[c]++
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("letters differ (-want +got):\n%s\n%q", d, src.Body)
		}
	})
}

// FuzzRead reads glyphs of any kind at any place.
func FuzzRead(f *testing.F) {
	f.Add([]byte("some text that the fuzzer may begin with, long enough for a few glyphs"), uint8(1))
	f.Add([]byte("\x02\x00\xff•\t- \n\r1. "), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, pages uint8) {
		if err := sourcetest.Check(readAs(fuzzed(data, int(pages%4)+1)), 0); err != nil {
			t.Error(err)
		}
	})
}

// fuzzed makes pages from bytes: twelve a glyph.
func fuzzed(data []byte, count int) (layout.About, []layout.Page) {
	about := layout.About{Title: string(data[:min(len(data), 20)])}
	pages := make([]layout.Page, count)
	for i := range pages {
		pages[i] = layout.Page{Width: 400, Height: 600, Broken: len(data)%11 == 10}
	}
	var run layout.Run
	for i := 0; i+12 <= len(data); i += 12 {
		d := data[i : i+12]
		p := &pages[int(d[0])%count]
		x, y := number(d[1:3]), number(d[3:5])
		glyph := layout.Glyph{Rune: rune(binary.LittleEndian.Uint16(d[5:7])) << (d[7] % 6), Box: layout.Box{L: x, T: y, R: x + number(d[8:9]), B: y + float64(d[9]%40)}}
		if d[10]%4 == 0 || len(run.Glyphs) == 0 {
			run = layout.Run{Font: int(d[10]%5) - 1, Size: number(d[11:12]), Baseline: y, Turn: int(d[9]%5) - 1}
		}
		run.Glyphs = append(run.Glyphs, glyph)
		if d[10]%3 == 0 {
			p.Runs = append(p.Runs, run)
			run = layout.Run{}
		}
		if d[10]%7 == 0 {
			p.Shapes = append(p.Shapes, glyph.Box)
			p.Drawn = append(p.Drawn, layout.Drawn{Text: string(d), Box: glyph.Box, Form: d[0]%2 == 0})
			about.Outline = append(about.Outline, layout.Entry{Title: string(d), Level: int(d[3]), Page: int(d[4])})
		}
	}
	return about, pages
}

// number makes a coordinate of bytes; a few are no place at all.
func number(b []byte) float64 {
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	switch n {
	case 255:
		return math.NaN()
	case 254:
		return math.Inf(1)
	}
	return float64(n%900) - 20
}
