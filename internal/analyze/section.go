package analyze

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// sectionWords bounds what one survey question shows.
const sectionWords = 1200

// section is a part of a document that is surveyed at once.
type section struct {
	document string
	path     []string
	part     int
	passages []threatmodel.Passage
}

// subject names a section in a way that text elsewhere does not change.
func (s *section) subject() string {
	name := s.document + " " + strings.Join(s.path, " > ")
	if s.part > 0 {
		name += fmt.Sprintf(" #%d", s.part)
	}
	return name
}

// sections cuts a document's passages into the largest heading subtrees of at
// most sectionWords. What stands directly under a heading whose subtree is
// larger is a section of its own.
func sections(document string, ps []threatmodel.Passage) []section {
	var out []section
	cutSubtree(document, nil, ps, &out)
	seen := map[string]int{}
	for i := range out {
		key := out[i].subject()
		out[i].part = seen[key]
		seen[key]++
	}
	return out
}

// cutSubtree handles the passages under path, which are contiguous.
func cutSubtree(document string, path []string, ps []threatmodel.Passage, out *[]section) {
	if len(ps) == 0 {
		return
	}
	if countWords(ps) <= sectionWords {
		*out = append(*out, section{document: document, path: path, passages: ps})
		return
	}
	depth := len(path)
	own := 0
	for own < len(ps) && len(ps[own].Locator.HeadingPath) <= depth {
		own++
	}
	for _, chunk := range cutLong(ps[:own]) {
		*out = append(*out, section{document: document, path: path, passages: chunk})
	}
	for start := own; start < len(ps); {
		end := start + 1
		for end < len(ps) && sameChild(ps[start], ps[end], depth) {
			end++
		}
		cutSubtree(document, childPath(ps[start], depth), ps[start:end], out)
		start = end
	}
}

func childPath(p threatmodel.Passage, depth int) []string {
	path := p.Locator.HeadingPath
	return path[:min(len(path), depth+1)]
}

func sameChild(a, b threatmodel.Passage, depth int) bool {
	pa, pb := a.Locator.HeadingPath, b.Locator.HeadingPath
	return len(pa) > depth && len(pb) > depth && pa[depth] == pb[depth]
}

// cutLong cuts text without headings. Where it cuts depends on the passages
// near the cut and not on a count from the start, so that an insertion moves
// no later cut: a passage whose hash falls on a mark begins a new part, and
// only where marks are far apart is a part cut by its length.
func cutLong(ps []threatmodel.Passage) [][]threatmodel.Passage {
	var out [][]threatmodel.Passage
	start, words := 0, 0
	for i, p := range ps {
		n := wordCount(p.Text)
		atMark := words >= sectionWords/4 && isMark(p.ID)
		if i > start && (atMark || words+n > sectionWords) {
			out = append(out, ps[start:i])
			start, words = i, 0
		}
		words += n
	}
	if start < len(ps) {
		out = append(out, ps[start:])
	}
	return out
}

// isMark holds for one passage in eight.
func isMark(id string) bool {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()%8 == 0
}

func countWords(ps []threatmodel.Passage) int {
	n := 0
	for _, p := range ps {
		n += wordCount(p.Text)
	}
	return n
}
