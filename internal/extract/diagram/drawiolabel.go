package diagram

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// labelLine is a line of a label.
type labelLine struct {
	text string
	// strong is true where all of it is bold or a heading.
	strong bool
}

// labelLines are the lines that a cell shows.
func labelLines(c mxfile.Cell) []labelLine {
	if c.Style.Is("html") || c.Attributes != nil && strings.ContainsAny(c.Label, "<&") {
		return htmlLines(c.Label)
	}
	var lines []labelLine
	for _, text := range strings.Split(block.Clean(c.Label), "\n") {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			lines = append(lines, labelLine{text: text})
		}
	}
	return lines
}

var (
	breakingTags = []string{"br", "div", "p", "li", "ul", "ol", "tr", "table", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"}
	strongTags   = []string{"b", "strong", "h1", "h2", "h3", "h4", "h5", "h6"}
	silentTags   = []string{"style", "script", "title", "svg"}
)

// htmlLines are the lines of a label in HTML.
func htmlLines(label string) []labelLine {
	var (
		lines          []labelLine
		text           strings.Builder
		strong, silent int
		weak           bool
	)
	flush := func() {
		if s := oneLine(text.String()); s != "" {
			lines = append(lines, labelLine{s, !weak})
		}
		text.Reset()
		weak = false
	}
	z := html.NewTokenizer(strings.NewReader(label))
	for {
		switch z.Next() {
		case html.ErrorToken:
			flush()
			return lines
		case html.TextToken:
			s := string(z.Text())
			if silent > 0 {
				continue
			}
			text.WriteString(s)
			weak = weak || strong == 0 && strings.TrimSpace(s) != ""
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			tag := string(name)
			if slices.Contains(breakingTags, tag) {
				flush()
			}
			if slices.Contains(strongTags, tag) {
				strong++
			}
			if slices.Contains(silentTags, tag) {
				silent++
			}
			if tag == "td" || tag == "th" {
				text.WriteByte(' ')
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := string(name)
			if slices.Contains(breakingTags, tag) {
				flush()
			}
			if slices.Contains(strongTags, tag) {
				strong = max(0, strong-1)
			}
			if slices.Contains(silentTags, tag) {
				silent = max(0, silent-1)
			}
		}
	}
}

// shortName is how long a label may be to be a name as a whole, in bytes.
const shortName = 60

var c4TypeLine = regexp.MustCompile(`^\[(?:Person|Software System|System|Container|Component|Deployment Node)(?::\s*(.+?))?\]$`)

// nameOf parts the lines of a label into the name of an element, what it is
// built with, and what else they say. A short label is a name as a whole; of a
// long one the first line is.
func nameOf(lines []labelLine) (name, technology, more string) {
	var kept []string
	whole := 0
	for i, l := range lines {
		if m := c4TypeLine.FindStringSubmatch(l.text); m != nil && i > 0 {
			technology = m[1]
			lines = append(slices.Clone(lines[:i]), lines[i+1:]...)
			return first(joinLines(lines[:i]), "?"), technology, joinLines(lines[i:])
		}
		kept = append(kept, l.text)
		whole += len(l.text) + 1
	}
	switch {
	case len(lines) == 0:
		return "", "", ""
	case len(lines) > 1 && (whole > shortName || lines[0].strong && !lines[1].strong):
		return lines[0].text, "", joinLines(lines[1:])
	}
	return strings.Join(kept, " "), "", ""
}

func joinLines(lines []labelLine) string {
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.text)
	}
	return strings.Join(texts, " ")
}
