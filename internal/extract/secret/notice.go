package secret

import (
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// mostNotices is how many credentials of a document are listed.
const mostNotices = 100

// notices tell of the findings, one for each kind and place. None holds a
// value: the text of src must be masked already, or show be true, and then
// nothing is quoted.
func notices(src *threatmodel.Source, found []Finding, show bool) []threatmodel.Notice {
	var out []threatmodel.Notice
	seen := map[string]int{}
	count := map[int]int{}
	left := 0
	for _, f := range found {
		b := blockAt(src.Blocks, f.Start)
		where := place(b, f.Start)
		key := f.Name + "\x00" + where
		if i, ok := seen[key]; ok {
			count[i]++
			out[i].Text = text(f, where, count[i], show)
			continue
		}
		if len(out) == mostNotices {
			left++
			continue
		}
		n := threatmodel.Notice{Kind: threatmodel.NoticeSecret, Document: src.ID, Text: text(f, where, 1, show)}
		if b != nil && !show {
			n.Evidence = evidence(src.ID, b, f)
		}
		seen[key], count[len(out)] = len(out), 1
		out = append(out, n)
	}
	if left > 0 {
		out = append(out, threatmodel.Notice{Kind: threatmodel.NoticeSecret, Document: src.ID, Text: fmt.Sprintf(
			"The document holds %d more credentials, which are not listed one by one.", left)})
	}
	return out
}

func text(f Finding, where string, n int, show bool) string {
	name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
	if n > 1 {
		name += fmt.Sprintf(" (%d times)", n)
	}
	if show {
		return name + " stands " + where + ", and is not masked because secrets are to be shown. Replace it: who can read the document can use it."
	}
	return name + " stands " + where + ". It is masked here, not in the document: replace it, since who can read the document can use it."
}

// blockAt is the block around a place; nil where there is none.
func blockAt(blocks []threatmodel.Block, at int) *threatmodel.Block {
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].Locator.ByteEnd > at })
	if i == len(blocks) || blocks[i].Locator.ByteStart > at {
		return nil
	}
	return &blocks[i]
}

// place says where a reader finds something: a page, a line, else a heading.
func place(b *threatmodel.Block, at int) string {
	if b == nil {
		return fmt.Sprintf("at byte %d of the text", at)
	}
	l := locate(b, at-b.Locator.ByteStart, at-b.Locator.ByteStart+1)
	switch n := len(l.HeadingPath); {
	case l.Page != nil:
		return fmt.Sprintf("on page %d", *l.Page)
	case l.LineStart != nil:
		return fmt.Sprintf("on line %d", *l.LineStart)
	case n > 0:
		return fmt.Sprintf("under %q", l.HeadingPath[n-1])
	}
	return fmt.Sprintf("at byte %d of the text", at)
}

// locate gives the place of a range of a block's text, as exactly as its
// marks allow.
func locate(b *threatmodel.Block, start, end int) threatmodel.Locator {
	l := b.Locator
	l.ByteStart, l.ByteEnd = b.Locator.ByteStart+start, b.Locator.ByteStart+end
	if len(b.Marks) == 0 {
		return l
	}
	first, last := markAt(b.Marks, start), markAt(b.Marks, end-1)
	if l.LineStart != nil && first.Line > 0 {
		from, to := first.Line, last.Line
		l.LineStart, l.LineEnd = &from, &to
	}
	if l.Page != nil && first.Page > 0 {
		page := first.Page
		l.Page = &page
	}
	return l
}

func markAt(marks []threatmodel.Mark, offset int) threatmodel.Mark {
	i := sort.Search(len(marks), func(i int) bool { return marks[i].Offset > offset })
	return marks[max(0, i-1)]
}

// mostQuote is how long a quote may be, in bytes; a longer one is cut at both
// ends.
const mostQuote = 240

// evidence quotes the masked sentence or line that a finding begins in.
func evidence(document string, b *threatmodel.Block, f Finding) []threatmodel.Evidence {
	at := f.Start - b.Locator.ByteStart
	start, end := sentenceAround(b, at)
	start = max(start, at-mostQuote/2)
	end = min(end, start+mostQuote)
	for start < at && !utf8.RuneStart(b.Text[start]) {
		start++
	}
	for end < len(b.Text) && end > at && !utf8.RuneStart(b.Text[end]) {
		end--
	}
	slice := b.Text[start:end]
	start += len(slice) - len(strings.TrimLeftFunc(slice, unicode.IsSpace))
	quote := strings.Join(strings.Fields(slice), " ")
	if quote == "" {
		return nil
	}
	return []threatmodel.Evidence{{
		Quote: quote, Document: document, Role: threatmodel.States,
		Locator: locate(b, start, start+len(strings.TrimSpace(slice))),
	}}
}

// sentenceAround is the sentence of a paragraph, else the line, around a
// place of a block.
func sentenceAround(b *threatmodel.Block, at int) (start, end int) {
	if b.Kind == threatmodel.BlockTableRow {
		return 0, len(b.Text)
	}
	prose := b.Kind == threatmodel.BlockParagraph || b.Kind == threatmodel.BlockListItem
	ends := func(i int) bool {
		if !prose {
			return b.Text[i] == '\n'
		}
		return isSpace(b.Text[i]) && i > 0 && strings.IndexByte(".!?", b.Text[i-1]) >= 0
	}
	for start = at; start > 0 && !ends(start-1); start-- {
		continue
	}
	for end = at; end < len(b.Text) && !ends(end); end++ {
		continue
	}
	return start, end
}
