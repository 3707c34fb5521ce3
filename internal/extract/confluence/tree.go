package confluence

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// page is a page before it is read.
type page struct {
	id, title string
	// parent is the id of the page above; empty for one at the top.
	parent string
	// position orders siblings that a person has put in order.
	position int
	placed   bool
	home     bool
	// space is the id of the space that the page is in.
	space string

	// body, comments: of an XML export.
	body     extent
	wiki     bool
	comments []comment
	// file, of an HTML export.
	file string

	// number, depth, above and children are settled by order.
	number   int
	above    *page
	children []*page
	name     string
}

type comment struct {
	id   string
	body extent
}

// order arranges pages as a tree and returns them in reading order: a parent
// before its children, siblings by position, then by title. Titles are
// prefixed with prefix(space), which may be empty.
func order(pages []*page, known map[string]*page, prefix func(space string) string) []*page {
	var top []*page
	for _, p := range pages {
		p.above = parentOf(p, known)
		if p.above == nil {
			top = append(top, p)
		}
	}
	for _, p := range pages {
		if p.above != nil {
			p.above.children = append(p.above.children, p)
		}
	}
	for _, p := range pages {
		slices.SortStableFunc(p.children, compare)
	}
	slices.SortStableFunc(top, compare)
	var out []*page
	number(top, &out, prefix)
	return out
}

// parentOf is the page above; nil where it is not there, or where the pages
// above a page lead round in a circle.
func parentOf(p *page, known map[string]*page) *page {
	parent := known[p.parent]
	seen := map[*page]bool{p: true}
	for q := parent; q != nil; q = known[q.parent] {
		if seen[q] {
			return nil
		}
		seen[q] = true
	}
	return parent
}

// compare orders siblings.
func compare(a, b *page) int {
	if a.home != b.home {
		return first(a.home)
	}
	if a.space != b.space {
		return cmp.Compare(a.space, b.space)
	}
	if a.placed != b.placed {
		return first(a.placed)
	}
	if a.placed && a.position != b.position {
		return cmp.Compare(a.position, b.position)
	}
	return cmp.Or(natural(a.title, b.title), cmp.Compare(a.title, b.title), cmp.Compare(a.id, b.id))
}

func first(a bool) int {
	if a {
		return -1
	}
	return 1
}

// natural compares titles without case, and numbers in them by value.
func natural(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			m, n := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// maxTree is how deep pages may lie in a tree; those below it come after
// their parent without going deeper.
const maxTree = 100

// number gives pages their place and name, without recursion: a tree may be
// a very long line.
func number(top []*page, out *[]*page, prefix func(space string) string) {
	type entry struct {
		p     *page
		path  string
		depth int
	}
	var stack []entry
	push := func(pages []*page, path string, depth int) {
		for _, p := range slices.Backward(pages) {
			stack = append(stack, entry{p, path, depth})
		}
	}
	push(top, "", 0)
	for len(stack) > 0 {
		e := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		p := e.p
		p.number = len(*out)
		*out = append(*out, p)
		path := e.path
		if p.above == nil {
			path = prefix(p.space)
		}
		p.name = path + nameOf(p.title)
		below := p.name + "/"
		if p.home || e.depth >= maxTree {
			below = path
		}
		push(p.children, below, e.depth+1)
	}
}

// nameOf is what a page contributes to a path.
func nameOf(title string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '\\':
			return '-'
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, title)
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || strings.Trim(name, ".") == "" {
		return "Untitled"
	}
	return name
}
