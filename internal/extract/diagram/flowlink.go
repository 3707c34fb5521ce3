package diagram

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// link is an arrow of a flowchart.
type link struct {
	label string
	// both is true for an arrow with two heads and for a line with none.
	both      bool
	backward  bool
	invisible bool
	place
}

// linkForm is a way to draw an arrow.
type linkForm struct {
	// stroke is what every such arrow begins with, after its head; other is
	// another that some begin with, or empty.
	stroke, other     string
	whole, start, end *regexp.Regexp
}

// mayBegin reports whether a text may begin with an arrow of the form.
func (l *linkForm) mayBegin(s string) bool {
	if s != "" && strings.IndexByte("xo<", s[0]) >= 0 {
		s = s[1:]
	}
	return strings.HasPrefix(s, l.stroke) || l.other != "" && strings.HasPrefix(s, l.other)
}

// linkForms are the ways to draw an arrow: whole, or cut in two by its label.
// The first group of each is its start, the last its end.
var linkForms = []linkForm{
	{"--", "", regexp.MustCompile(`^([xo<]?)--+([-xo>])`), regexp.MustCompile(`^([xo<]?)--`), regexp.MustCompile(`--+([-xo>])`)},
	{"==", "", regexp.MustCompile(`^([xo<]?)==+([=xo>])`), regexp.MustCompile(`^([xo<]?)==`), regexp.MustCompile(`==+([=xo>])`)},
	{"-.", ".", regexp.MustCompile(`^([xo<]?)-?\.+-([xo>]?)`), regexp.MustCompile(`^([xo<]?)-\.`), regexp.MustCompile(`\.+-([xo>]?)`)},
}

var (
	invisibleLink = regexp.MustCompile(`^~~~+`)
	backwardLink  = regexp.MustCompile(`^<(?:--+|==+|-\.+-)`)
	edgeID        = regexp.MustCompile(`^([\pL\pN_-]+)@([xo<]?(?:--|==|-\.|~~~))`)
)

// quotedLabel is a label in quotes, which may hold the bar that ends others.
var quotedLabel = regexp.MustCompile(`^\s*"[^"]*"\s*\|`)

// maxEdgeLabel is the longest label inside an arrow, in bytes.
const maxEdgeLabel = 500

// link reads an arrow, if one is next. It may stand at the start of the next
// line.
func (f *flowchart) link() (link, bool) {
	before := f.pos
	f.skipWhite()
	sameLine := !strings.Contains(f.source[before:f.pos], "\n")
	if m := f.edgeID(); m != nil {
		f.edgeIDs[m[1]] = true
		f.pos += len(m[1]) + 1
	}
	at := f.lineOf(f.pos)
	if l, ok := f.arrow(sameLine); ok {
		l.place = at
		if l.label == "" {
			l.label = f.pipedLabel()
		}
		return l, true
	}
	f.pos = before
	return link{}, false
}

// edgeID is the name before an arrow, as the pattern parts it; nil where there
// is none. Between most nodes stands no name, and a look at what is there says
// so.
func (f *flowchart) edgeID() []string {
	rest := f.source[f.pos:]
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '@' && i > 0, c >= utf8.RuneSelf:
			return edgeID.FindStringSubmatch(rest)
		case c == '-' || c == '_' || c-'0' < 10 || c|0x20-'a' < 26:
		default:
			return nil
		}
	}
	return nil
}

// mayBeLink reports whether a text begins as one of the forms of arrows does:
// with a head, or with what arrows are drawn of.
func mayBeLink(s string) bool { return s != "" && strings.IndexByte("-=.~<xo", s[0]) >= 0 }

// arrow reads the arrow itself. At the start of a line, x and o are nodes.
func (f *flowchart) arrow(sameLine bool) (link, bool) {
	rest := f.source[f.pos:]
	if !mayBeLink(rest) {
		return link{}, false
	}
	if m := invisibleLink.FindString(rest); m != "" {
		f.pos += len(m)
		return link{invisible: true}, true
	}
	for _, form := range linkForms {
		if !form.mayBegin(rest) {
			continue
		}
		if m := form.whole.FindStringSubmatch(rest); m != nil && (sameLine || m[1] == "" || m[1] == "<") {
			f.pos += len(m[0])
			return newLink(m[1], m[2], ""), true
		}
	}
	for _, form := range linkForms {
		if !form.mayBegin(rest) {
			continue
		}
		if l, size := cutLink(rest, form.start, form.end); size > 0 {
			f.pos += size
			return l, true
		}
	}
	if m := backwardLink.FindString(rest); m != "" {
		f.pos += len(m)
		return link{backward: true}, true
	}
	return link{}, false
}

// cutLink reads an arrow with its label inside: -- label -->.
func cutLink(s string, start, end *regexp.Regexp) (link, int) {
	head := start.FindStringSubmatch(s)
	if head == nil {
		return link{}, 0
	}
	inner := s[len(head[0]):min(len(s), len(head[0])+maxEdgeLabel)]
	from := 0
	if quoted := strings.TrimLeft(inner, " \t"); strings.HasPrefix(quoted, `"`) {
		if close := strings.IndexByte(quoted[1:], '"'); close >= 0 {
			from = len(inner) - len(quoted) + 1 + close
		}
	} else if nl := strings.IndexByte(inner, '\n'); nl >= 0 {
		inner = inner[:nl]
	}
	tail := end.FindStringSubmatchIndex(inner[from:])
	if tail == nil {
		return link{}, 0
	}
	label := cleanLabel(inner[:from+tail[0]])
	if label == "" {
		return link{}, 0
	}
	return newLink(head[1], inner[from+tail[2]:from+tail[3]], label), len(head[0]) + from + tail[1]
}

// newLink settles the direction by the heads. A line without any head joins
// two nodes and says nothing of the direction.
func newLink(start, end, label string) link {
	headless := end == "" || end == "-" || end == "="
	return link{
		label:    label,
		both:     start != "" && !headless || start == "" && headless,
		backward: start == "<" && headless,
	}
}

// pipedLabel reads a label after an arrow: -->|label|.
func (f *flowchart) pipedLabel() string {
	before := f.pos
	f.skipBlanks()
	if f.has("|") {
		rest := f.source[f.pos+1:]
		end := strings.IndexByte(rest, '|')
		if strings.HasPrefix(strings.TrimLeft(rest, " \t\n\f\r"), `"`) {
			if quoted := quotedLabel.FindString(rest); quoted != "" {
				end = len(quoted) - 1
			}
		}
		if end >= 0 && end < maxEdgeLabel {
			f.pos += end + 2
			return cleanLabel(rest[:end])
		}
	}
	f.pos = before
	return ""
}
