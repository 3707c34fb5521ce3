package confluence

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// IsEntities reports whether a file that begins so is the entities.xml of a
// space export.
func IsEntities(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")) && bytes.Contains(head, []byte("<hibernate-generic"))
}

// ReadXML reads the pages of an XML export from its entities.xml. Memory does
// not grow with the export but for an entry for each object.
//
// An error that is no [*PageError] is the last one: the pages that were read
// well by then come first. Left is told, by kind, what was left out; it may be
// nil.
func ReadXML(ctx context.Context, r io.Reader, opt Options, left func(kind string, n int)) iter.Seq2[Page, error] {
	opt = opt.withDefaults()
	return func(yield func(Page, error) bool) {
		macros, err := loadMacros()
		if err != nil {
			yield(Page{}, err)
			return
		}
		e := &xmlExport{
			opt:    opt,
			macros: macros,
			spool:  &spool{inMemory: opt.InMemory, create: opt.Spool},
			index:  newIndex(opt),
		}
		defer e.spool.close()
		e.yield(ctx, r, left, yield)
	}
}

// xmlExport is an XML export being read.
type xmlExport struct {
	opt    Options
	macros *macroTable
	spool  *spool
	*index
	// attached are the files of a page by its id, comments what was written
	// under it.
	attached map[int64][]attached
	comments map[int64][]extent
}

func (e *xmlExport) yield(ctx context.Context, r io.Reader, left func(string, int), yield func(Page, error) bool) {
	ahead := readAhead(r)
	reader := &entityReader{x: newScanner(ahead), spool: e.spool, maxBody: e.opt.MaxBody}
	failed := reader.each(ctx, func(o *object) {
		if unused := e.object(o); unused {
			e.spool.drop(o.body)
		}
	})
	ahead.stop()
	e.spool.seal()
	pages := e.order()
	e.attached, e.comments = e.attachments(), e.commentsOf()
	e.tell(left)
	book := e.book(pages)
	e.release()
	if !e.pagesInOrder(ctx, book, pages, yield) {
		return
	}
	switch {
	case ctx.Err() != nil:
		yield(Page{}, ctx.Err())
	case failed != nil:
		yield(Page{}, fmt.Errorf("read entities.xml: %w", failed))
	case len(pages) == 0:
		yield(Page{}, ErrNoPages)
	}
}

// tell says what was left out.
func (e *xmlExport) tell(left func(string, int)) {
	if left == nil {
		return
	}
	counts := e.leftOut()
	var kinds []string
	for kind := range counts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		left(kind, counts[kind])
	}
}

// book is what pages look up in one another.
func (e *xmlExport) book(order []ref) *book {
	b := &book{opt: e.opt, macros: e.macros, users: e.users, logins: e.logins, keys: map[string]int64{}, spaces: map[int64]string{}, pages: e.pages, order: order, numbers: &e.ids}
	for id, s := range e.spaces {
		b.keys[s.key] = id
		if e.several {
			b.spaces[id] = s.key
		}
	}
	b.content = func(p *page, a *arena) (*node, bool) {
		body, err := e.body(p.body, nil)
		if err != nil || p.body.wiki {
			return nil, false
		}
		root, _ := parseBody(body, e.opt.MaxDepth, a)
		return root, true
	}
	return b
}

// body is the body of a page, in the given bytes where they are enough.
func (e *xmlExport) body(at extent, in []byte) ([]byte, error) {
	b, err := e.spool.read(at, in)
	if err != nil {
		return nil, err
	}
	return restoreCDATA(b), nil
}

// read lays a page out. Drawings are those that lie in its attachments.
func (e *xmlExport) read(b *book, p *page, files *pageFiles, a *arena) (Page, error) {
	body, err := e.body(p.body, a.bytes)
	a.bytes = body
	name := e.pages.path(p, b.prefix(p.space))
	switch {
	case err != nil:
		return Page{}, &PageError{name, err}
	case p.body.cut:
		return Page{}, &PageError{name, tooLarge(e.opt)}
	}
	w := newPageWriter(b, p, a)
	w.name, w.files = name, files
	w.b.Reuse(a.blocks)
	a.blocks = nil
	w.b.Grow(len(body)*3/4, 4+len(body)/bytesPerBlock)
	w.title(e.pages.title(p))
	w.storage(body)
	for _, at := range e.comments[p.id] {
		if text, err := e.body(at, nil); err == nil && !at.cut {
			w.comment(text)
		}
	}
	return w.page("application/xhtml+xml", body), nil
}

// bytesPerBlock is how many bytes of a body make a block, about.
const bytesPerBlock = 160

// attached is a file that belongs to a page.
type attached struct {
	name, mediaType, file string
}

// pageFiles are the files that belong to a page, and the content of those that
// are drawings.
type pageFiles struct {
	all      []attached
	drawings map[string][]byte
}

// find is the file of the given name; nil where there is none.
func (f *pageFiles) find(name string) *attached {
	if f == nil {
		return nil
	}
	for i := range f.all {
		if strings.EqualFold(f.all[i].name, name) {
			return &f.all[i]
		}
	}
	return nil
}
