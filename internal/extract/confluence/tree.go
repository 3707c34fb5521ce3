package confluence

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/internal/extract/block"
)

// page is a page before it is read. An export may have hundreds of thousands,
// which are all held at once, so it is small and holds no pointer: the garbage
// collector need not look at it.
type page struct {
	id int64
	// parent is the id of the page above; none for one at the top.
	parent int64
	// space is the id of the space that the page is in.
	space int64
	title words
	// body is where an XML export keeps the page, file the name of its file in
	// one of HTML.
	body extent
	file words
	// position orders siblings that a person has put in order.
	position int32
	placed   bool
	home     bool
	// date is the day of a blog post, as 20060102; 0 for other pages.
	date int32

	// number is the place of the page in reading order, above that of the page
	// above among those known; children are a part of the forest's. They are
	// settled by order.
	number   int32
	above    ref
	children struct{ from, to int32 }
}

// ref leads to a page of a forest; 0 leads nowhere.
type ref int32

// blog reports whether the page is a blog post.
func (p *page) blog() bool { return p.date != 0 }

// forest holds the pages of an export.
type forest struct {
	text   wordStore
	chunks [][]page
	count  int
	// byID leads to pages by their id.
	byID map[int64]ref
	// kids are the children of all pages, those of one side by side.
	kids []ref
}

// pageChunk is how many pages are made at once.
const pageChunk = 1024

// add adds a page, or puts it in place of one of the same id.
func (f *forest) add(p page) {
	if f.byID == nil {
		f.byID = map[int64]ref{}
	}
	if r, ok := f.byID[p.id]; ok {
		*f.page(r) = p
		return
	}
	if f.count%pageChunk == 0 {
		f.chunks = append(f.chunks, make([]page, 0, pageChunk))
	}
	last := &f.chunks[len(f.chunks)-1]
	*last = append(*last, p)
	f.count++
	f.byID[p.id] = ref(f.count)
}

// drop forgets a page.
func (f *forest) drop(id int64) { delete(f.byID, id) }

// page is the page that a ref leads to; nil for 0.
func (f *forest) page(r ref) *page {
	if r == 0 {
		return nil
	}
	i := int(r - 1)
	return &f.chunks[i/pageChunk][i%pageChunk]
}

func (f *forest) title(p *page) string { return f.text.get(p.title) }

// childrenOf are the pages right below one, in their order.
func (f *forest) childrenOf(p *page) []ref { return f.kids[p.children.from:p.children.to] }

// order arranges the pages as a tree and returns them in reading order: a
// parent before its children, siblings by position, then by title, blog posts
// last.
func (f *forest) order() []ref {
	f.kids = make([]ref, 0, len(f.byID))
	for _, r := range f.byID {
		f.kids = append(f.kids, r)
	}
	slices.Sort(f.kids) // that circles are cut at the same place each time
	f.settleParents()
	slices.SortFunc(f.kids, func(a, b ref) int {
		p, q := f.page(a), f.page(b)
		return cmp.Or(cmp.Compare(p.above, q.above), f.compare(p, q))
	})
	var top []ref
	for from := 0; from < len(f.kids); {
		above := f.page(f.kids[from]).above
		to := from + 1
		for to < len(f.kids) && f.page(f.kids[to]).above == above {
			to++
		}
		if p := f.page(above); p != nil {
			p.children.from, p.children.to = int32(from), int32(to)
		} else {
			top = f.kids[from:to]
		}
		from = to
	}
	return f.number(top)
}

// settleParents finds the page above each page; none where it is not there.
// Where pages lead round in a circle, each of the circle stands at the top.
func (f *forest) settleParents() {
	const settled = -1
	for i, r := range f.kids {
		walk := int32(i + 1)
		q := r
		for q != 0 && f.page(q).number == 0 {
			p := f.page(q)
			p.number, p.above = walk, f.byID[p.parent]
			q = p.above
		}
		if q != 0 && f.page(q).number == walk { // a circle, and q is in it
			for p := f.page(q); p.above != 0; {
				next := f.page(p.above)
				p.above = 0
				p = next
			}
		}
		for q := r; q != 0 && f.page(q).number == walk; q = f.page(q).above {
			f.page(q).number = settled
		}
	}
}

// compare orders siblings.
func (f *forest) compare(a, b *page) int {
	switch {
	case a.home != b.home:
		return first(a.home)
	case a.space != b.space:
		return cmp.Compare(a.space, b.space)
	case a.date != b.date:
		return cmp.Compare(a.date, b.date)
	case a.placed != b.placed:
		return first(a.placed)
	case a.placed && a.position != b.position:
		return cmp.Compare(a.position, b.position)
	}
	s, t := f.title(a), f.title(b)
	return cmp.Or(natural(s, t), cmp.Compare(s, t), cmp.Compare(a.id, b.id))
}

// number puts pages in order and gives them their place, without recursion: a
// tree may be a very long line.
func (f *forest) number(top []ref) []ref {
	out := make([]ref, 0, len(f.kids))
	stack := [][]ref{top}
	for len(stack) > 0 {
		level := &stack[len(stack)-1]
		if len(*level) == 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		r := (*level)[0]
		*level = (*level)[1:]
		p := f.page(r)
		p.number = int32(len(out))
		out = append(out, r)
		if children := f.childrenOf(p); len(children) > 0 {
			stack = append(stack, children)
		}
	}
	return out
}

// maxTree is how many pages above it the name of a page may name.
const maxTree = 100

// path is the name of a page: the titles of those above it, below the home
// page, and its own. Where pages lie very deep, those at the top are left out.
// Prefix tells pages of several spaces apart and may be empty.
func (f *forest) path(p *page, prefix string) string {
	parts := []string{f.ownName(p)}
	for q := f.page(p.above); q != nil && len(parts) < maxTree; q = f.page(q.above) {
		if !q.home {
			parts = append(parts, nameOf(f.title(q)))
		}
	}
	slices.Reverse(parts)
	return prefix + strings.Join(parts, "/")
}

// ownName is the last part of a page's name; that of a blog post begins with
// its day.
func (f *forest) ownName(p *page) string {
	name := nameOf(f.title(p))
	switch {
	case !p.blog():
		return name
	case p.date == noDate:
		return "Blog/" + name
	}
	return fmt.Sprintf("Blog/%04d-%02d-%02d %s", p.date/10000, p.date/100%100, p.date%100, name)
}

// noDate is the date of a blog post that has none.
const noDate = 1

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
	name = block.Fold(name)
	if name == "" || strings.Trim(name, ".") == "" {
		return "Untitled"
	}
	return name
}
