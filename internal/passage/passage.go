// Package passage splits documents into passages, the units of citation, and
// passages into sentences.
//
// Passages end at structure only: a paragraph, a list item, a table row, a code
// block. Nothing depends on a running count, so text inserted in one place
// leaves every other passage, and its id, as it was.
package passage

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Split returns the passages of the documents' body text in reading order.
// Ids are unique over all the documents given.
func Split(docs []threatmodel.Source) []threatmodel.Passage {
	var all []threatmodel.Passage
	for i := range docs {
		all = append(all, splitDocument(&docs[i])...)
	}
	number(all)
	return all
}

// number gives passages their ids; those that share text and heading are told
// apart by their occurrence.
func number(all []threatmodel.Passage) {
	seen := map[string]int{}
	for i := range all {
		id := ID(all[i].Heading, all[i].Text)
		seen[id]++
		if n := seen[id]; n > 1 {
			id += "-" + strconv.Itoa(n)
		}
		all[i].ID = id
	}
}

// ID is the id of the first passage with the given text under the given
// nearest heading.
func ID(heading, text string) string {
	sum := sha256.Sum256([]byte(Fold(heading) + "\x00" + Fold(text)))
	return "p-" + hex.EncodeToString(sum[:6])
}

// Fold replaces every run of white space by one space and trims the ends.
func Fold(s string) string { return strings.Join(strings.Fields(s), " ") }

// splitter walks the blocks of one document.
type splitter struct {
	src     *threatmodel.Source
	out     []threatmodel.Passage
	heading string
	section int
	table   int      // current table
	header  string   // its header row
	group   int      // current list or other group that is no table
	lead    string   // paragraph that introduces what follows: it ends in a colon
	leads   string   // the block, or first of a list or table, that the lead introduces
	parents []string // text of the list items above, by level
}

func splitDocument(src *threatmodel.Source) []threatmodel.Passage {
	s := splitter{src: src}
	for i := range src.Blocks {
		b := &src.Blocks[i]
		if b.Role == threatmodel.RoleBody {
			s.block(b)
		}
	}
	return s.out
}

func (s *splitter) block(b *threatmodel.Block) {
	if strings.TrimSpace(b.Text) == "" {
		return
	}
	if b.Kind == threatmodel.BlockTableRow && b.Group != s.table {
		s.table, s.header = b.Group, ""
	}
	if !floats(b.Kind) && b.Group != s.group {
		s.group, s.parents = b.Group, nil
	}
	if s.leads == "" && (!floats(b.Kind) || b.Kind == threatmodel.BlockTableRow) {
		s.leads = structure(b)
	}
	switch b.Kind {
	case threatmodel.BlockHeading:
		s.section++
		s.heading, s.lead = Fold(b.Text), ""
	case threatmodel.BlockImage:
	case threatmodel.BlockTableRow:
		if b.Header {
			s.header = Fold(b.Text)
			return
		}
		s.add(b, s.header, wholeSentence(b))
	case threatmodel.BlockListItem:
		if next := itemSentences(b); !s.join(b, next) {
			s.add(b, s.above(b), next)
		}
	case threatmodel.BlockFootnote, threatmodel.BlockCaption:
		if next := paragraphSentences(b); !s.join(b, next) {
			s.add(b, "", next)
		}
	case threatmodel.BlockCode, threatmodel.BlockDiagram:
		s.add(b, s.introduction(b), lineSentences(b, s.stating(b)))
	default:
		s.paragraph(b)
	}
}

// paragraph adds a paragraph, or joins it to the one that a page break cut.
func (s *splitter) paragraph(b *threatmodel.Block) {
	text := b.Text
	if next := paragraphSentences(b); s.join(b, next) {
		text = s.out[s.open(b)].Text
	} else {
		s.add(b, "", next)
	}
	s.lead = ""
	if t := Fold(text); strings.HasSuffix(t, ":") {
		s.lead, s.leads = lastSentence(t), ""
	}
}

// structure names the list or table that a block belongs to, or the block.
func structure(b *threatmodel.Block) string {
	if b.Group != 0 {
		return strconv.Itoa(b.Group)
	}
	return b.ID
}

// introduction is the sentence that introduces a block: that before the first
// structure after it, and none of the later ones.
func (s *splitter) introduction(b *threatmodel.Block) string {
	if structure(b) != s.leads {
		return ""
	}
	return s.lead
}

// above is the context that a list item stands in: its parent item, else the
// sentence that introduces the list.
func (s *splitter) above(b *threatmodel.Block) string {
	level := max(1, b.Level)
	if len(s.parents) >= level {
		s.parents = s.parents[:level-1]
	}
	context := s.introduction(b)
	if n := len(s.parents); n > 0 {
		context = s.parents[n-1]
	}
	for len(s.parents) < level-1 {
		s.parents = append(s.parents, "")
	}
	s.parents = append(s.parents, firstWords(Fold(b.Text), 24))
	return context
}

func firstWords(s string, n int) string {
	words := strings.Fields(s)
	if len(words) <= n {
		return s
	}
	return strings.Join(words[:n], " ")
}

func lastSentence(s string) string {
	cuts := cutSentences(s)
	last := cuts[len(cuts)-1]
	return strings.TrimSpace(s[last.start:last.end])
}

func (s *splitter) add(b *threatmodel.Block, header string, sentences []threatmodel.Sentence) {
	if len(sentences) == 0 {
		return
	}
	s.out = append(s.out, threatmodel.Passage{
		Document:  s.src.ID,
		Kind:      b.Kind,
		Heading:   s.heading,
		Header:    header,
		Text:      b.Text,
		Sentences: sentences,
		Locator:   b.Locator,
		Order:     len(s.out),
		Section:   s.section,
		Group:     b.Group,
	})
}

// join appends a block to the passage that a page break cut, and reports
// whether there is one. A sentence that the page break cuts becomes one sentence
// with two spans; an item of one sentence stays one.
func (s *splitter) join(b *threatmodel.Block, next []threatmodel.Sentence) bool {
	i := s.open(b)
	if i < 0 {
		return false
	}
	p := &s.out[i]
	if len(next) == 0 {
		return true
	}
	last := &p.Sentences[len(p.Sentences)-1]
	if !endsSentence(last.Text) {
		last.Text += " " + next[0].Text
		last.Spans = append(last.Spans, next[0].Spans...)
		last.Whole = last.Whole && next[0].Whole
		next = next[1:]
	}
	p.Text += "\n" + b.Text
	p.Sentences = append(p.Sentences, next...)
	for i := range p.Sentences {
		p.Sentences[i].Whole = p.Sentences[i].Whole && len(p.Sentences) == 1
	}
	return true
}

// open is the index of the passage that a block goes on from: the last of its
// kind, behind what a page has at its foot and head or floats between the two
// halves; -1 where there is none.
func (s *splitter) open(b *threatmodel.Block) int {
	if !b.Joins {
		return -1
	}
	for i := len(s.out) - 1; i >= 0; i-- {
		p := &s.out[i]
		switch {
		case p.Section != s.section:
			return -1
		case p.Kind == b.Kind:
			return i
		case !floats(p.Kind):
			return -1
		}
	}
	return -1
}

// floats reports whether passages of a kind may stand between the halves of
// another: footnotes, captions and tables at the foot or head of a page.
func floats(k threatmodel.BlockKind) bool {
	return k == threatmodel.BlockFootnote || k == threatmodel.BlockCaption || k == threatmodel.BlockTableRow || k == threatmodel.BlockImage
}

// wholeSentence takes the block as one sentence, however short.
func wholeSentence(b *threatmodel.Block) []threatmodel.Sentence {
	return sentences(b, []cut{{0, len(b.Text)}}, true)
}

// itemSentences takes an item of one sentence whole and splits longer ones.
func itemSentences(b *threatmodel.Block) []threatmodel.Sentence {
	cuts := cutSentences(b.Text)
	return sentences(b, cuts, len(cuts) == 1)
}

func paragraphSentences(b *threatmodel.Block) []threatmodel.Sentence {
	return sentences(b, cutSentences(b.Text), false)
}

// stating are the starts of the lines of a diagram that state something; nil
// where every line may.
func (s *splitter) stating(b *threatmodel.Block) []int {
	for i := range s.src.Diagrams {
		if s.src.Diagrams[i].Block == b.ID {
			return s.src.Diagrams[i].Lines
		}
	}
	return nil
}

// lineSentences takes each line that is not blank as a sentence, or only those
// that begin at one of the given offsets, where there are any: the lines of a
// diagram that are syntax alone say nothing that could be cited.
func lineSentences(b *threatmodel.Block, only []int) []threatmodel.Sentence {
	var cuts []cut
	start := 0
	for _, line := range strings.SplitAfter(b.Text, "\n") {
		if _, found := slices.BinarySearch(only, start); found || len(only) == 0 {
			cuts = append(cuts, cut{start, start + len(line)})
		}
		start += len(line)
	}
	return sentences(b, cuts, true)
}

func sentences(b *threatmodel.Block, cuts []cut, whole bool) []threatmodel.Sentence {
	var out []threatmodel.Sentence
	for _, c := range cuts {
		c = c.trim(b.Text)
		if c.start == c.end {
			continue
		}
		text := Fold(b.Text[c.start:c.end])
		out = append(out, threatmodel.Sentence{
			Text:  text,
			Spans: []threatmodel.Span{{Text: text, Locator: Locate(b, c.start, c.end)}},
			Whole: whole,
		})
	}
	return out
}

// Locate gives the place of b.Text[start:end], as exactly as the block's marks
// allow.
func Locate(b *threatmodel.Block, start, end int) threatmodel.Locator {
	loc := b.Locator
	loc.ByteStart, loc.ByteEnd = b.Locator.ByteStart+start, b.Locator.ByteStart+end
	if len(b.Marks) == 0 {
		return loc
	}
	first, last := markAt(b.Marks, start), markAt(b.Marks, max(start, end-1))
	if loc.LineStart != nil && first.Line > 0 {
		from, to := first.Line, last.Line
		loc.LineStart, loc.LineEnd = &from, &to
	}
	if loc.Page != nil && first.Page > 0 {
		page := first.Page
		loc.Page = &page
	}
	return loc
}

func markAt(marks []threatmodel.Mark, offset int) threatmodel.Mark {
	m := marks[0]
	for _, x := range marks[1:] {
		if x.Offset > offset {
			break
		}
		m = x
	}
	return m
}
