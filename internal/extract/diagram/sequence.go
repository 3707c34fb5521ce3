package diagram

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// sequence reads a Mermaid sequence diagram line by line.
type sequence struct {
	*graph
	// blocks are the open boxes (true) and fragments such as alt (false).
	blocks []bool
	// note is true inside a note of several lines.
	note bool
	// hidden is true inside a description in braces.
	hidden bool
	boxes  int
}

// sequenceStatement is a kind of line. Its read function gets what stands
// after the keyword, and returns false where it does not understand it.
type sequenceStatement struct {
	// letters are those, in lower case, that its keywords begin with.
	letters string
	keyword *regexp.Regexp
	read    func(s *sequence, rest string, at place) bool
}

func keyword(words string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(?:` + words + `)(?:[ \t]+|$)`)
}

// mayBe reports whether a line may be of the kind. A letter beyond ASCII may
// fold to one within.
func (k *sequenceStatement) mayBe(text string) bool {
	return text != "" && (text[0] >= utf8.RuneSelf || strings.IndexByte(k.letters, text[0]|0x20) >= 0)
}

var sequenceStatements = []sequenceStatement{
	{"cp", keyword(`(?:create[ \t]+)?participant`), (*sequence).participant},
	{"ca", keyword(`(?:create[ \t]+)?actor`), (*sequence).actor},
	{"b", keyword(`box`), (*sequence).box},
	{"aolpcbr", keyword(`alt|opt|loop|par|par_over|critical|break|rect`), (*sequence).fragment},
	{"eao", keyword(`else|and|option`), (*sequence).section},
	{"e", keyword(`end`), (*sequence).end},
	{"n", keyword(`note`), (*sequence).openNote},
	{"adlp", keyword(`activate|deactivate|destroy|autonumber|links?|properties|details`), (*sequence).ignore},
	{"t", keyword(`title`), (*sequence).says},
	{"ta", regexp.MustCompile(`^(?:title|accTitle|accDescr)\s*:`), (*sequence).says},
	{"a", regexp.MustCompile(`^accDescr\s*\{`), (*sequence).hide},
}

func readSequence(source string, start int) *graph {
	s := &sequence{graph: newGraph("mermaid", Sequence, source)}
	for at := start; at < len(source) && !s.full; {
		size := lineLength(source[at:])
		s.line(at, source[at:at+size])
		at += size + 1
	}
	return s.graph
}

// line reads one line, which may hold several statements.
func (s *sequence) line(offset int, line string) {
	if i := strings.Index(line, "%%"); i >= 0 {
		line = line[:i]
	}
	for _, statement := range splitStatements(line) {
		text := strings.TrimSpace(statement)
		at := s.lineOf(offset)
		if text == "" || s.inside(text, at) {
			continue
		}
		if !s.statement(text, at) {
			s.misread(offset)
			return
		}
	}
}

// splitStatements parts a line at its semicolons, but not at those that end
// the code of a character.
func splitStatements(line string) []string {
	var parts []string
	start := 0
	for i := range len(line) {
		if line[i] != ';' {
			continue
		}
		if code := strings.LastIndexAny(line[start:i], "#&"); code >= 0 && isWord(line[start+code+1:i]) {
			continue
		}
		parts = append(parts, line[start:i])
		start = i + 1
	}
	return append(parts, line[start:])
}

func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// inside swallows the lines of a note or a description.
func (s *sequence) inside(text string, at place) bool {
	switch {
	case s.hidden:
		s.hidden = !strings.Contains(text, "}")
	case s.note:
		lower := strings.ToLower(text)
		if s.note = lower != "end note" && lower != "end"; s.note {
			s.states(at)
		}
	default:
		return false
	}
	return true
}

func (s *sequence) statement(text string, at place) bool {
	for i := range sequenceStatements {
		k := &sequenceStatements[i]
		if !k.mayBe(text) {
			continue
		}
		if m := k.keyword.FindString(text); m != "" && k.read(s, strings.TrimSpace(text[len(m):]), at) {
			return true
		}
	}
	return s.message(text, at)
}

func (s *sequence) ignore(string, place) bool { return true }

// says keeps a line that states something about the diagram, though it is
// neither node nor arrow.
func (s *sequence) says(text string, at place) bool {
	if text != "" {
		s.states(at)
	}
	return true
}

func (s *sequence) hide(rest string, _ place) bool {
	s.hidden = !strings.Contains(rest, "}")
	return true
}

// openNote reads a note: its text stands after a colon, or on lines of its
// own up to the end.
func (s *sequence) openNote(rest string, at place) bool {
	s.note = !strings.Contains(rest, ":")
	return s.note || s.says(rest, at)
}

// fragment opens alt, loop and the like: they say when messages are sent, not
// what there is.
func (s *sequence) fragment(rest string, at place) bool {
	s.blocks = append(s.blocks, false)
	return s.says(boxTitle(rest), at)
}

func (s *sequence) section(rest string, at place) bool { return len(s.blocks) > 0 && s.says(rest, at) }

func (s *sequence) end(string, place) bool {
	n := len(s.blocks)
	if n == 0 {
		return false
	}
	if s.blocks[n-1] {
		s.closeGroup()
	}
	s.blocks = s.blocks[:n-1]
	return true
}

// box opens a group of participants. Without a title it is only paint.
func (s *sequence) box(rest string, at place) bool {
	s.blocks = append(s.blocks, true)
	s.boxes++
	title := cleanLabel(boxTitle(rest))
	if title == "" {
		title = fmt.Sprintf("Box %d", s.boxes)
	}
	s.openGroup(fmt.Sprintf("box%d", s.boxes), title, at)
	return true
}

var boxColour = regexp.MustCompile(`(?i)^(?:(?:rgba?|hsla?)\([^)]*\)|#[0-9a-f]{3,8}\b|transparent\b|` +
	`(?:(?:light|dark|medium|pale|deep|hot|dim)?(?:aqua|black|blue|brown|coral|crimson|cyan|gold|gray|green|grey|indigo|ivory|khaki|lavender|lime|magenta|maroon|navy|olive|orange|orchid|pink|plum|purple|red|salmon|silver|tan|teal|tomato|turquoise|violet|wheat|white|yellow))\b)\s*`)

// boxTitle takes the colour off the front.
func boxTitle(rest string) string {
	return strings.TrimSpace(boxColour.ReplaceAllString(rest, ""))
}
