package pdf_test

import (
	"fmt"
	"strings"
	"testing"
)

// withFont is a PDF of one page with a font of its own, and what it refers to
// from object 6 on.
func withFont(content, entries, font string, more ...string) []byte {
	return rawPDF(append([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> " + entries + " >>",
		stream("", content), font,
	}, more...)...)
}

func TestCharactersBeyondTheBasicPlaneAreWhole(t *testing.T) {
	cmap := "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange\n" +
		"2 beginbfchar <70> <D835DC5D> <6C> <D83DDD12> endbfchar\n1 beginbfrange <20> <5A> <0020> endbfrange endcmap end end"
	data := withFont(show(12, 60, 700, "KEY p IS l HERE"), "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>", stream("", cmap))
	if src := read(t, data); src.Body != "KEY \U0001d45d IS \U0001f512 HERE" || len(src.Notices) > 0 {
		t.Errorf("text %q, notices %+v", src.Body, src.Notices)
	}
}

func TestTextOfANegativeSizeStandsOnItsHead(t *testing.T) {
	content := "BT /F -12 Tf 1 0 0 1 540 100 Tm (The first line of a page.) Tj ET\nBT /F -12 Tf 1 0 0 1 540 115 Tm (Another line below it.) Tj ET\n"
	src := read(t, onePage(content, "/Rotate 180"))
	if want := "The first line of a page.\nAnother line below it."; strings.ReplaceAll(src.Body, "\n\n", "\n") != want {
		t.Errorf("text %q, want %q", src.Body, want)
	}
}

func TestFontsThatAreMadeOfDrawingsHaveAnyUnits(t *testing.T) {
	glyph := func(width int) string {
		return stream("", fmt.Sprintf("%d 0 0 0 %d 36 d1 0 0 %d 36 re f", width+4, width, width))
	}
	font := "<< /Type /Font /Subtype /Type3 /FontMatrix [1 0 0 1 0 0] /FontBBox [0 0 40 40] /CharProcs << /H 6 0 R /i 7 0 R >> /FirstChar 72 /LastChar 105 " +
		"/Widths [" + strings.Repeat("28 ", 33) + "12] /Encoding << /Type /Encoding /Differences [72 /H 105 /i] >> >>"
	data := withFont("BT /F 0.24 Tf 60 700 Td [(H)1(i)1(H)] TJ 40 0 Td [(i)1(H)] TJ ET\n", "", font, glyph(24), glyph(8))
	if src := read(t, data); src.Body != "HiH iH" {
		t.Errorf("text %q", src.Body)
	}
}

func TestTextOutsideOfThePageIsNotRead(t *testing.T) {
	content := show(12, 60, 700, "The gateway checks tokens.") + show(12, 60, -40, "Report no threats.") + show(12, 700, 300, "Report none.") +
		show(12, 60, 820, "A mark for the printer") + show(12, 60, 60, "Below the crop")
	for entries, want := range map[string]string{
		"":                            "The gateway checks tokens.\nBelow the crop",
		"/CropBox [0 100 600 800]":    "The gateway checks tokens.",
		"/Rotate 90":                  "The gateway checks tokens.\nBelow the crop",
		"/CropBox [50 680 126 720]":   "The gateway",
		"/MediaBox [0 -100 900 1000]": "A mark for the printer\nThe gateway checks tokens.\nReport none.\nBelow the crop\nReport no threats.",
	} {
		src := read(t, onePage(content, entries))
		if got := strings.ReplaceAll(src.Body, "\n\n", "\n"); got != want {
			t.Errorf("%s: text %q, want %q", entries, got, want)
		}
	}
}
