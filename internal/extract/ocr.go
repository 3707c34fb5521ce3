package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
)

// OCR says which pages of a PDF have the text in their pictures recognised.
type OCR string

const (
	OCROff   OCR = "off"
	OCRAuto  OCR = "auto"  // pages without text that can be used
	OCRForce OCR = "force" // all pages; what is found takes the place of their text
)

// Recognizing tells that a page is about to be recognised.
type Recognizing struct {
	Document    string
	Page, Pages int
}

// pagePicture is a picture of a page, for the parent, who starts the program
// that recognises it: the child may start none. It is nothing but grey points,
// so that no reader of pictures meets what a document made.
type pagePicture struct {
	Document string
	Picture  pdf.Picture
}

// recognizer has the parent recognise pages of an input.
func (s *session) recognizer(in input) pdf.Recognizer {
	return func(p pdf.Picture) ([]pdf.RecognizedLine, error) {
		return s.ask(pagePicture{in.display(), p})
	}
}

// recognize asks the parent.
func (r *reading) recognize(p pagePicture) ([]pdf.RecognizedLine, error) {
	a, _, err := r.ask(question{Recognize: &p})
	return a.Lines, err
}

// tesseract is the program that recognises text.
const tesseract = "tesseract"

// What recognition of one page may take and give, in points of the picture and
// bytes of the answer.
const (
	maxPicture    = 40 << 20
	maxRecognized = 16 << 20
)

var (
	ocrLanguage  = regexp.MustCompile(`^[A-Za-z0-9_]{2,40}(?:\+[A-Za-z0-9_]{2,40}){0,7}$`)
	errBadAnswer = errors.New("text recognition (OCR) gave no answer that makes sense")
)

// CheckOCRLanguage reports an error for what can be no language of tesseract's:
// one or more of its names, parted by "+".
func CheckOCRLanguage(s string) error {
	if s != "" && !ocrLanguage.MatchString(s) {
		return fmt.Errorf("%q is no language of tesseract's: give names such as deu or eng+deu, as tesseract --list-langs has them", s)
	}
	return nil
}

// recognize runs tesseract on a picture. It trusts nothing in it.
func recognize(ctx context.Context, p *pagePicture, opt Options) ([]pdf.RecognizedLine, error) {
	w, h := p.Picture.Width, p.Picture.Height
	if w < 1 || h < 1 || w > maxPicture || h > maxPicture || w*h > maxPicture || w*h != len(p.Picture.Grey) {
		return nil, errors.New("the picture of the page makes no sense")
	}
	language := opt.OCRLanguage
	if language == "" {
		language = "eng"
	}
	if err := CheckOCRLanguage(language); err != nil {
		return nil, err
	}
	program, err := exec.LookPath(tesseract)
	if err != nil {
		return nil, errors.New("install tesseract to have it recognised (Debian and Ubuntu: apt-get install tesseract-ocr) and read the document again")
	}
	if opt.Recognizing != nil {
		opt.Recognizing(Recognizing{p.Document, p.Picture.Page, p.Picture.Pages})
	}
	limit := opt.Limits.withDefaults().Time
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "stdin", "stdout", "-l", language, "--dpi", strconv.Itoa(min(max(p.Picture.DPI, 70), 2400)), "hocr")
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	cmd.Stdin = bytes.NewReader(append(fmt.Appendf(nil, "P5\n%d %d\n255\n", w, h), p.Picture.Grey...))
	out, said := &bounded{limit: maxRecognized}, &bounded{limit: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, said
	switch err := cmd.Run(); {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("text recognition (OCR) took longer than it may, %s: raise the limit (--limit time=...)", inTime.format(int64(limit)))
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, recognitionError(language, string(said.kept), err)
	case out.over:
		return nil, errBadAnswer
	}
	return hocrLines(out.kept)
}

// recognitionError says why tesseract failed.
func recognitionError(language, said string, err error) error {
	if strings.Contains(said, "Failed loading language") || strings.Contains(said, "Error opening data file") {
		return fmt.Errorf("tesseract does not know the language %s: install it (Debian and Ubuntu: apt-get install %s), or choose another (--ocr-language)",
			language, "tesseract-ocr-"+strings.ReplaceAll(strings.ToLower(language), "+", " tesseract-ocr-"))
	}
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return fmt.Errorf("tesseract failed (%w, %q): try --ocr off", err, line[:min(len(line), 200)])
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	kept  []byte
	limit int
	over  bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.limit-len(b.kept))
	b.over = b.over || n < len(p)
	b.kept = append(b.kept, p[:n]...)
	return len(p), nil
}

// hocrLines reads the lines of what tesseract writes: a page of HTML whose
// elements say in their titles where they stand.
func hocrLines(page []byte) ([]pdf.RecognizedLine, error) {
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil, errBadAnswer
	}
	var out []pdf.RecognizedLine
	var best []float64 // how sure the surest word of each line is
	for n := range root.Descendants() {
		title := attribute(n, "title")
		if title == "" {
			continue
		}
		switch class := attribute(n, "class"); class {
		case "ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat":
			out, best = append(out, hocrLine(title)), append(best, 0)
		case "ocrx_word":
			if w, sure, ok := hocrWord(n, title); ok && len(out) > 0 {
				l := &out[len(out)-1]
				l.Words = append(l.Words, w)
				best[len(best)-1] = max(best[len(best)-1], sure)
			}
		}
	}
	lines := out[:0]
	for i, l := range out {
		if best[i] >= leastSure {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// property gives the numbers of a property in a title such as "bbox 36 92 580
// 122; baseline 0.01 -6; x_size 31.1".
func property(title, name string, n int) []float64 {
	for part := range strings.SplitSeq(title, ";") {
		fields := strings.Fields(part)
		if len(fields) != n+1 || fields[0] != name {
			continue
		}
		out := make([]float64, n)
		for i := range out {
			v, err := strconv.ParseFloat(fields[i+1], 64)
			if err != nil || v != v || v > 1e6 || v < -1e6 {
				return nil
			}
			out[i] = v
		}
		return out
	}
	return nil
}

func hocrLine(title string) pdf.RecognizedLine {
	var l pdf.RecognizedLine
	if box := property(title, "bbox", 4); box != nil {
		l.Baseline = box[3]
		if base := property(title, "baseline", 2); base != nil {
			l.Baseline += base[1] // at the line's left; what leans is nearly level
		}
	}
	if size := property(title, "x_size", 1); size != nil {
		l.Size = size[0]
	}
	return l
}

// leastSure is how sure tesseract is of a word at least, of 100: a line without
// such a word, and what is less and no word, is a stain.
const leastSure = 30

// hocrWord reads a word, and how sure it is.
func hocrWord(n *html.Node, title string) (pdf.RecognizedWord, float64, bool) {
	box, confidence := property(title, "bbox", 4), property(title, "x_wconf", 1)
	sure := 100.0
	if confidence != nil {
		sure = confidence[0]
	}
	var text strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			text.WriteString(c.Data)
		}
	}
	w := pdf.RecognizedWord{Text: strings.TrimSpace(text.String())}
	said := strings.ContainsFunc(w.Text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	if box == nil || w.Text == "" || sure < leastSure && !said {
		return w, 0, false
	}
	w.L, w.T, w.R, w.B = box[0], box[1], box[2], box[3]
	return w, sure, w.R > w.L && w.B > w.T
}
