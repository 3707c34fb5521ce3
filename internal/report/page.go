package report

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// page writes lines for a terminal of some width. The first error of the
// writer stays; what is written after it goes nowhere.
type page struct {
	w     io.Writer
	err   error
	color bool
	width int
}

// Styles of a terminal (SGR parameters).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	purple = "35"
	cyan   = "36"
)

func (p *page) print(parts ...string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, strings.Join(parts, "")+"\n")
	}
}

// style colours a text that was laid out already.
func (p *page) style(s string, codes ...string) string {
	if !p.color || strings.TrimSpace(s) == "" || len(codes) == 0 {
		return s
	}
	return "\x1b[" + strings.Join(codes, ";") + "m" + s + "\x1b[0m"
}

// field prints a paragraph with a name before it; the lines that follow stand
// under the first.
func (p *page) field(name, text string) {
	const column = 10
	for i, l := range fold(text, p.width-column) {
		if i > 0 {
			name = ""
		}
		p.print(p.style(pad(name, column), dim), l)
	}
}

// head prints the title of a section, with a note behind it, after an empty
// line.
func (p *page) head(title, note string) {
	p.print()
	lines := fold(title+note, p.width)
	lines[0] = p.style(title, bold) + strings.TrimPrefix(lines[0], title)
	for _, l := range lines {
		p.print(l)
	}
}

// item prints a paragraph behind a lead of a given width.
func (p *page) item(lead string, column int, text string, codes ...string) {
	for i, l := range fold(text, p.width-column) {
		if i > 0 {
			lead = ""
		}
		p.print(p.style(pad(lead, column), codes...), l)
	}
}

// cells is the number of columns that a terminal gives a text.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// pad fills a text with spaces up to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-cells(s)))
}

// fold breaks a text into lines of at most n columns, at white space; a word
// that is longer is broken. It gives at least one line.
func fold(s string, n int) []string {
	n = max(n, 8)
	var out []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && cells(line)+1+cells(word) > n {
			out, line = append(out, line), ""
		}
		for cells(word) > n {
			head, rest := cut(word, n)
			out, word = append(out, head), rest
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

// cut parts a text after at most n columns.
func cut(s string, n int) (head, rest string) {
	used := 0
	for i, r := range s {
		if used += runeCells(r); used > n {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// clip shortens a text to n columns and marks that it did.
func clip(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	head, _ := cut(s, n-1)
	return strings.TrimRight(head, " ") + "…"
}
