package confluence

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/bartizan-security/bartizan/internal/extract/block"
)

// book is what the pages of an export look up in one another.
type book struct {
	opt    Options
	macros *macroTable
	// users are the names of people by their key, logins by their login.
	users, logins map[string]string
	// keys leads to spaces by their key, spaces back; the latter only where
	// there are several.
	keys   map[string]int64
	spaces map[int64]string
	// pages are all pages, in the order of order.
	pages *forest
	order []ref
	// titles leads to pages by a hash of space and title; made when a page
	// first asks.
	titles map[uint64]ref
	made   sync.Once
	seed   maphash.Seed
	// numbers gives the ids that addresses hold as numbers; file leads to pages
	// by the files of an export as HTML. Nil where there are none.
	numbers *idTable
	file    func(name string) *page
	// ids are the pages by their id; made when a page first asks.
	ids     []ref
	idsMade sync.Once
	// content is the tree of a page; false where it cannot be had.
	content func(*page, *arena) (*node, bool)
}

// byID is a page by the id that an address holds; nil where it is not in the
// export.
func (b *book) byID(id string) *page {
	if b.numbers == nil || id == "" {
		return nil
	}
	b.idsMade.Do(func() {
		b.ids = slices.Clone(b.order)
		slices.SortFunc(b.ids, func(x, y ref) int { return cmp.Compare(b.pages.page(x).id, b.pages.page(y).id) })
	})
	i, ok := slices.BinarySearchFunc(b.ids, b.numbers.find(id), func(r ref, id int64) int { return cmp.Compare(b.pages.page(r).id, id) })
	if !ok {
		return nil
	}
	return b.pages.page(b.ids[i])
}

// prefix tells the pages of a space from those of others.
func (b *book) prefix(space int64) string {
	if key := b.spaces[space]; key != "" {
		return nameOf(key) + "/"
	}
	return ""
}

// find is a page by the key of its space, which may be empty, and its title.
func (b *book) find(from *page, key, title string) *page {
	b.made.Do(b.makeTitles)
	space := from.space
	if key != "" {
		var ok bool
		if space, ok = b.keys[key]; !ok {
			return nil
		}
	}
	p := b.pages.page(b.titles[b.hash(space, title)])
	if p == nil || p.space != space || !strings.EqualFold(folded(b.pages.title(p)), folded(title)) {
		return nil
	}
	return p
}

// makeTitles fills titles. Of pages with one title the first counts.
func (b *book) makeTitles() {
	b.seed = maphash.MakeSeed()
	b.titles = make(map[uint64]ref, len(b.order))
	for _, r := range b.order {
		p := b.pages.page(r)
		h := b.hash(p.space, b.pages.title(p))
		if b.titles[h] == 0 {
			b.titles[h] = r
		}
	}
}

func (b *book) hash(space int64, title string) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	maphash.WriteComparable(&h, space)
	h.WriteString(strings.Map(lower, folded(title)))
	return h.Sum64()
}

// lower makes letters equal that differ in case only.
func lower(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

func folded(title string) string { return block.Fold(title) }
