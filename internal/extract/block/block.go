// Package block builds the text and the blocks of a document, keeping the
// invariant that every block is a slice of the text.
package block

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Builder collects a document in reading order. The zero value is ready.
//
// Text given to it must be valid UTF-8 without control characters other than
// newline and tab; see [Clean].
type Builder struct {
	text   strings.Builder
	blocks []threatmodel.Block
	path   []string
	// shared is path as the blocks under one heading have it.
	shared  []string
	levels  []int
	notices []threatmodel.Notice
	diagram []threatmodel.Diagram
}

// Grow makes room for about as many bytes of text and as many blocks more. It
// need not be called.
func (b *Builder) Grow(bytes, blocks int) {
	b.text.Grow(bytes)
	b.blocks = slices.Grow(b.blocks, blocks)
}

// Reuse has the blocks written over those given, of a document that is used no
// more. It is to be called before anything is added.
func (b *Builder) Reuse(blocks []threatmodel.Block) { b.blocks = blocks[:0] }

// Layout appends text that belongs to no block: bullets, blank lines, form
// feeds.
func (b *Builder) Layout(s string) { b.text.WriteString(s) }

// Break makes sure that what follows starts on a new line, with n-1 blank
// lines before it, at the document's start excepted.
func (b *Builder) Break(n int) {
	have := trailingNewlines(b.text.String())
	if b.text.Len() == 0 {
		return
	}
	for ; have < n; have++ {
		b.text.WriteByte('\n')
	}
}

func trailingNewlines(s string) int {
	return len(s) - len(strings.TrimRight(s, "\n"))
}

// Add appends a block with the given text and returns its index. It fills in
// ID, Text, byte offsets and heading path; Kind, Role, Level, Cells, lines,
// pages and Marks are the caller's. Role defaults to body. A body heading
// opens a new part of the heading path.
func (b *Builder) Add(blk threatmodel.Block, text string) int {
	if blk.Role == "" {
		blk.Role = threatmodel.RoleBody
	}
	isHeading := blk.Kind == threatmodel.BlockHeading && blk.Role == threatmodel.RoleBody
	if isHeading {
		b.leave(max(1, blk.Level))
	}
	blk.ID = ID(len(b.blocks))
	blk.Text = text
	blk.Locator.ByteStart = b.text.Len()
	b.text.WriteString(text)
	blk.Locator.ByteEnd = b.text.Len()
	if b.shared == nil {
		b.shared = append([]string{}, b.path...)
	}
	blk.Locator.HeadingPath = b.shared[:len(b.shared):len(b.shared)]
	b.blocks = append(b.blocks, blk)
	if isHeading {
		b.shared = nil
		b.path = append(b.path, Fold(text))
		b.levels = append(b.levels, max(1, blk.Level))
	}
	return len(b.blocks) - 1
}

// ID is the id of the block of the given index.
func ID(i int) string {
	if made := madeIDs(); i < len(made) {
		return made[i]
	}
	return "b" + strconv.Itoa(i+1)
}

// madeIDs are the ids of the first blocks, made once for all documents.
var madeIDs = sync.OnceValue(func() []string {
	const most = 1000
	ids := make([]string, most)
	for i := range ids {
		ids[i] = "b" + strconv.Itoa(i+1)
	}
	return ids
})

// leave closes the headings at the given level and below.
func (b *Builder) leave(level int) {
	for len(b.levels) > 0 && b.levels[len(b.levels)-1] >= level {
		b.shared = nil
		b.levels = b.levels[:len(b.levels)-1]
		b.path = b.path[:len(b.path)-1]
	}
}

// Block gives access to a block that was added, by index.
func (b *Builder) Block(i int) *threatmodel.Block { return &b.blocks[i] }

// Notice adds a notice about the document.
func (b *Builder) Notice(kind threatmodel.NoticeKind, format string, args ...any) {
	b.notices = append(b.notices, threatmodel.Notice{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// Diagram adds what was read from a diagram in the block of the given index.
func (b *Builder) Diagram(i int, d threatmodel.Diagram) {
	d.Block = b.blocks[i].ID
	b.diagram = append(b.diagram, d)
}

// Source returns the document. The builder must not be used afterwards.
func (b *Builder) Source(doc threatmodel.Document) threatmodel.Source {
	for i := range b.notices {
		b.notices[i].Document = doc.ID
	}
	return threatmodel.Source{
		Document: doc,
		Body:     b.text.String(),
		Blocks:   b.blocks,
		Diagrams: b.diagram,
		Notices:  b.notices,
	}
}

// Fold is a text on one line: one space in place of all white space between
// words, and none around them.
func Fold(s string) string {
	if folded(s) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// folded reports whether a text is of ASCII and folded, as most titles are.
func folded(s string) bool {
	last := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c >= 0x7f || c < ' ' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return s == "" || last != ' '
}

// Clean makes text safe for a builder: invalid UTF-8 becomes U+FFFD, carriage
// returns become newlines, other control characters (escape codes of a
// terminal, bidirectional overrides) are dropped.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !strings.ContainsFunc(s, unwanted) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case unwanted(r):
			return -1
		}
		return r
	}, s)
}

// plain reports whether text is of printable ASCII, as most is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

func unwanted(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff':
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069': // bidirectional controls
		return true
	}
	return false
}
