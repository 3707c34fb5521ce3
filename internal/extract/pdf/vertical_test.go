package pdf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// hexOf is a text as a string of two-byte codes.
func hexOf(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String()
}

// downFont are the objects, from number 6 on, of a font of Japanese whose text
// runs down the page.
func downFont() []string {
	return []string{
		"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /UniJIS-UTF16-V /DescendantFonts [7 0 R] >>",
		"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 4 >> /FontDescriptor 8 0 R /DW 1000 >>",
		"<< /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 6 /FontBBox [-123 -257 1001 910] /ItalicAngle 0 /Ascent 709 /Descent -241 /CapHeight 709 /StemV 69 >>",
	}
}

// drawnFont are the objects, from number 6 on, of a font that draws a box for
// each of some characters, and says which ones they are. Its codes are their
// places among them, from 1.
func drawnFont(chars []rune) []string {
	var mapped, names, procs, widths strings.Builder
	for i, r := range chars {
		fmt.Fprintf(&mapped, "<%02X> <%s>\n", i+1, hexOf(string(r)))
		fmt.Fprintf(&names, " /g%d", i+1)
		fmt.Fprintf(&procs, " /g%d 8 0 R", i+1)
		widths.WriteString(" 1000")
	}
	cmap := "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /U def /CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange\n" +
		fmt.Sprintf("%d beginbfchar\n%sendbfchar\n", len(chars), mapped.String()) + "endcmap CMapName currentdict /CMap defineresource pop end end"
	return []string{
		fmt.Sprintf("<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 1 /LastChar %d /Widths [%s] "+
			"/Encoding << /Type /Encoding /Differences [1%s] >> /CharProcs <<%s >> /ToUnicode 7 0 R >>", len(chars), widths.String(), names.String(), procs.String()),
		stream("", cmap),
		stream("", "1000 0 50 -100 950 850 d1 50 -100 900 950 re f"),
	}
}

const kanji = "/Resources << /Font << /F 5 0 R /K 6 0 R >> >>"

// Text in columns is read from top to bottom, and from the right column to the
// left, whether the font runs down the page or each character is put in its place.
func TestTextInColumnsIsReadInItsOrder(t *testing.T) {
	columns := []string{"認証基盤は、利用者の要求を検証する。", "署名鍵は保管庫に置き、毎日更新する。", "監査証跡は別の場所に書き込む。"}
	chars := letters(columns...)
	down, each := "", ""
	for i, c := range columns {
		down += fmt.Sprintf("BT /K 14 Tf 1 0 0 1 %d 700 Tm <%s> Tj ET\n", 500-24*i, hexOf(c))
		for j, r := range []rune(c) {
			each += drawChar(chars, r, 500-24*i, 700-14*j)
		}
	}
	want := strings.Join(columns, "\n\n")
	tests := map[string]struct {
		data []byte
		want string
	}{
		"a font that runs down the page":     {onePage(down, kanji, downFont()...), want},
		"characters that are put one by one": {onePage(each, kanji, drawnFont(chars)...), want},
		"on a page that is turned":           {onePage(each, kanji+" /Rotate 180", drawnFont(chars)...), want},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := read(t, tt.data).Body; got != tt.want {
				t.Errorf("text %q, want %q", got, tt.want)
			}
		})
	}
	heading := show(12, 60, 760, "Design of the gateway")
	body := read(t, onePage(heading+each, kanji, drawnFont(chars)...)).Body
	for _, want := range append(columns, "Design of the gateway") {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in %q", want, body)
		}
	}
}

// letters are the different characters of some texts.
func letters(texts ...string) []rune {
	var all []rune
	for _, r := range strings.Join(texts, "") {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// drawChar draws one character of a font that draws boxes.
func drawChar(chars []rune, r rune, x, y int) string {
	return fmt.Sprintf("BT /K 14 Tf 1 0 0 1 %d %d Tm <%02X> Tj ET\n", x, y, slices.Index(chars, r)+1)
}

// The cells of a table that hold one character each stand further apart than the
// characters of a column.
func TestCellsOfOneCharacterAreNoColumn(t *testing.T) {
	const names, answers = "甲乙丙丁戊", "是否否是否"
	chars := letters(names, answers)
	cells := ""
	for i, column := range []string{names, answers} {
		for j, r := range []rune(column) {
			cells += drawChar(chars, r, 100+100*i, 700-21*j)
		}
	}
	body := read(t, onePage(cells, kanji, drawnFont(chars)...)).Body
	if want := "甲是乙否丙否丁是戊否"; strings.NewReplacer("|", "", " ", "", "\n", "").Replace(body) != want {
		t.Errorf("text %q, want %q", body, want)
	}
}
