package extract_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/jung-kurt/gofpdf"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// picturePDF is a PDF of one page, which is a picture.
func picturePDF(t *testing.T) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 60, 80))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: uint8(i)}.Y
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p := gofpdf.New("P", "pt", "A4", "")
	p.RegisterImageOptionsReader("scan", gofpdf.ImageOptions{ImageType: "PNG"}, &b)
	p.AddPage()
	p.ImageOptions("scan", 0, 0, 595, 842, false, gofpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	b.Reset()
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// standIn puts a script in the place of tesseract. It is given the picture.
func standIn(t *testing.T, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for tesseract is a shell script")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tesseract"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// found is what tesseract writes of a heading and an item of a list.
const found = `<html><body><div class="ocr_page" title="image; bbox 0 0 2479 3508">
<span class="ocr_line" title="bbox 250 400 900 470; baseline 0 -12; x_size 80; x_descenders 12">
<span class="ocrx_word" title="bbox 250 400 500 470; x_wconf 95"><strong>The</strong></span>
<span class="ocrx_word" title="bbox 530 400 900 470; x_wconf 93">gate &amp; hall</span></span>
<span class="ocr_line" title="bbox 250 600 900 640; baseline 0 -8; x_size 45">
<span class="ocrx_word" title="bbox 250 618 262 630; x_wconf 40">e</span>
<span class="ocrx_word" title="bbox 300 600 500 640; x_wconf 90">keeps</span>
<span class="ocrx_word" title="bbox 520 600 700 640; x_wconf 91">tokens</span>
<span class="ocrx_word" title="bbox 720 600 730 640; x_wconf 3">|</span></span>
<span class="ocr_line" title="bbox 250 900 900 940"><span class="ocrx_word" title="bbox 250 900 500 940; x_wconf 12">stain</span></span></div></body></html>`

func TestTheParentRecognizesTheTextOfPages(t *testing.T) {
	standIn(t, `echo "$@" > "$(dirname "$0")/args"; head -c 15 > "$(dirname "$0")/picture"; cat > /dev/null; cat <<'END'
`+found+`
END
`)
	var mu sync.Mutex
	var told []extract.Recognizing
	dir := write(t, t.TempDir(), member{"a.pdf", picturePDF(t)})
	r := readPaths(t, extract.Options{OCR: extract.OCRAuto, OCRLanguage: "eng+deu", Recognizing: func(x extract.Recognizing) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, x)
	}}, dir)
	if len(r.docs) != 1 || !strings.Contains(r.docs[0].Body, "The gate & hall") || !strings.Contains(r.docs[0].Body, "• keeps tokens") || strings.ContainsAny(r.docs[0].Body, "|") || strings.Contains(r.docs[0].Body, "stain") {
		t.Fatalf("documents %+v, errors %v", r.docs, r.errors)
	}
	if len(told) != 1 || told[0].Page != 1 || told[0].Pages != 1 || !strings.HasSuffix(told[0].Document, "a.pdf") {
		t.Errorf("told %+v", told)
	}
	at := strings.Split(os.Getenv("PATH"), string(os.PathListSeparator))[0]
	for file, want := range map[string]string{"args": "-l eng+deu", "picture": "P5\n2481 3508\n25"} {
		if raw, err := os.ReadFile(filepath.Join(at, file)); err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("%s: %q, error %v", file, raw, err)
		}
	}
}

func TestWhatStopsRecognitionIsSaid(t *testing.T) {
	tests := map[string]struct {
		script string
		opt    extract.Options
		says   string
	}{
		"no language":  {`echo "Failed loading language 'deu'" >&2; exit 1`, extract.Options{OCR: extract.OCRAuto, OCRLanguage: "deu"}, "apt-get install tesseract-ocr-deu"},
		"a failure":    {`echo "out of paper" >&2; exit 1`, extract.Options{OCR: extract.OCRAuto}, "out of paper"},
		"it is off":    {`exit 1`, extract.Options{OCR: extract.OCROff}, "run text recognition (OCR)"},
		"no end":       {`yes "<p>" | head -c 30000000`, extract.Options{OCR: extract.OCRForce}, "no answer that makes sense"},
		"not a name":   {`exit 0`, extract.Options{OCR: extract.OCRForce, OCRLanguage: "../x"}, "no language of tesseract's"},
		"it is asleep": {`exec sleep 100`, extract.Options{OCR: extract.OCRAuto, Limits: limitTime(t, "2s")}, "longer than it may"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			standIn(t, tt.script)
			r := readPaths(t, tt.opt, write(t, t.TempDir(), member{"a.pdf", picturePDF(t)}))
			if len(r.errors) != 1 || !strings.Contains(r.errors[0].Error(), tt.says) {
				t.Errorf("errors %v, want one that says %q", r.errors, tt.says)
			}
		})
	}
}

func limitTime(t *testing.T, d string) (l extract.Limits) {
	t.Helper()
	if err := l.Set("time=" + d); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWithoutTesseractItIsSaidWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := readPaths(t, extract.Options{OCR: extract.OCRAuto}, write(t, t.TempDir(), member{"a.pdf", picturePDF(t)}))
	if len(r.errors) != 1 || !strings.Contains(r.errors[0].Error(), "install tesseract") {
		t.Errorf("errors %v", r.errors)
	}
}

// The designs of the project, drawn as pictures, read as their text does.
func TestTesseractReadsWhatIsDrawn(t *testing.T) {
	for _, program := range []string{"tesseract", "pdftoppm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian and Ubuntu: apt-get install tesseract-ocr poppler-utils)", program)
		}
	}
	dir := t.TempDir()
	from := filepath.FromSlash("../../testdata/designs/telemetry/telemetry.pdf")
	if out, err := exec.CommandContext(t.Context(), "pdftoppm", "-f", "2", "-l", "2", "-r", "200", "-gray", "-png", "-singlefile", from, filepath.Join(dir, "page")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := gofpdf.New("P", "pt", "A4", "")
	p.AddPage()
	p.Image(filepath.Join(dir, "page.png"), 0, 0, 595, 842, false, "", 0, "")
	if err := p.OutputFileAndClose(filepath.Join(dir, "scan.pdf")); err != nil {
		t.Fatal(err)
	}
	r := readPaths(t, extract.Options{OCR: extract.OCRAuto}, filepath.Join(dir, "scan.pdf"))
	own := readPaths(t, extract.Options{OCR: extract.OCROff}, from)
	if len(r.docs) != 1 || len(own.docs) != 1 {
		t.Fatalf("errors %v, %v", r.errors, own.errors)
	}
	words, missed := 0, 0
	there := " " + strings.Join(strings.Fields(strings.ToLower(r.docs[0].Body)), " ") + " "
	for _, b := range own.docs[0].Blocks {
		if *b.Locator.Page != 2 {
			continue
		}
		for _, w := range strings.Fields(strings.ToLower(b.Text)) {
			words++
			if !strings.Contains(there, w) {
				missed++
			}
		}
	}
	if words < 50 || missed*20 > words {
		t.Errorf("%d of %d words are missing from %q", missed, words, there)
	}
}
