package confluence

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
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
			spool:  &spool{inMemory: opt.InMemory},
			pages:  map[string]*page{},
			hidden: map[string]string{},
			parent: map[string]string{},
			bodies: map[string]extent{},
			byID:   map[string]extent{},
			users:  map[string]string{},
			spaces: map[string]space{},
			notes:  map[string][]string{},
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
	// pages are the current pages by id; hidden says of the others why.
	pages  map[string]*page
	hidden map[string]string
	// parent leads from a hidden page to the one above.
	parent map[string]string
	// bodies are by the id of what they belong to, byID by their own.
	bodies, byID map[string]extent
	// wiki are the pages whose body is no storage format.
	wiki   []string
	users  map[string]string
	spaces map[string]space
	// notes are the comments on a page.
	notes map[string][]string
	// bodyOf leads from pages to their body where that does not say.
	bodyOf []object
}

type space struct{ key, home string }

func (e *xmlExport) yield(ctx context.Context, r io.Reader, left func(string, int), yield func(Page, error) bool) {
	reader := &entityReader{x: newScanner(r), spool: e.spool, maxBody: e.opt.MaxBody}
	failed := reader.each(ctx, e.object)
	e.spool.seal()
	pages := e.order()
	e.tell(left)
	book := e.book(pages)
	e.pages, e.hidden, e.parent, e.bodies, e.byID, e.notes, e.bodyOf = nil, nil, nil, nil, nil, nil, nil
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

// object takes an object of the export.
func (e *xmlExport) object(o *object) {
	switch o.class {
	case "Space":
		e.spaces[o.id] = space{key: o.values["key"], home: o.refs["homePage"].id}
	case "ConfluenceUserImpl":
		e.users[o.id] = o.values["name"]
	case "Page":
		e.pageObject(o)
	case "Comment":
		if ok, _ := o.current(); ok {
			on := o.refs["containerContent"].id
			if on == "" {
				on = o.refs["owner"].id
			}
			e.notes[on] = append(e.notes[on], o.id)
		}
	case "BodyContent":
		e.bodyObject(o)
	}
}

func (e *xmlExport) pageObject(o *object) {
	for _, id := range o.older {
		e.hidden[id] = "older version"
		delete(e.pages, id)
	}
	if _, old := e.hidden[o.id]; old {
		return
	}
	if ok, why := o.current(); !ok {
		e.hidden[o.id] = why
		if parent := o.refs["parent"].id; parent != "" {
			e.parent[o.id] = parent
		}
		return
	}
	p := &page{id: o.id, title: o.values["title"], parent: o.refs["parent"].id, space: o.refs["space"].id}
	p.position, p.placed = o.number("position")
	e.pages[o.id] = p
	if len(o.bodies) > 0 {
		e.bodyOf = append(e.bodyOf, object{id: o.id, bodies: o.bodies})
	}
}

// bodyObject keeps the body of a page or comment, and drops those that are
// known not to be needed.
func (e *xmlExport) bodyObject(o *object) {
	of := o.refs["content"]
	_, hidden := e.hidden[of.id]
	if hidden || !slices.Contains([]string{"Page", "Comment", ""}, of.class) {
		e.spool.drop(o.body)
		return
	}
	if of.id == "" {
		e.byID[o.id] = o.body
		return
	}
	if o.values["bodyType"] == "0" {
		e.wiki = append(e.wiki, of.id)
	}
	if old, ok := e.bodies[of.id]; ok && old.size > 0 && o.body.size == 0 {
		return
	}
	e.bodies[of.id] = o.body
}

// order puts the current pages in order.
func (e *xmlExport) order() []*page {
	for _, o := range e.bodyOf {
		for _, id := range o.bodies {
			if b, ok := e.byID[id]; ok && !e.bodies[o.id].known {
				e.bodies[o.id] = b
			}
		}
	}
	for _, id := range e.wiki {
		if p := e.pages[id]; p != nil {
			p.wiki = true
		}
	}
	pages := make([]*page, 0, len(e.pages))
	for _, p := range e.pages {
		p.body = e.bodies[p.id]
		p.home = e.spaces[p.space].home == p.id
		p.parent = e.visible(p.parent)
		notes := e.notes[p.id]
		slices.Sort(notes)
		for _, id := range notes {
			p.comments = append(p.comments, comment{id, e.bodies[id]})
		}
		pages = append(pages, p)
	}
	slices.SortFunc(pages, func(a, b *page) int { return strings.Compare(a.id, b.id) })
	return order(pages, e.pages, e.prefix())
}

// visible is the nearest page above that is current: the children of a page
// that was deleted hang on the one above it.
func (e *xmlExport) visible(id string) string {
	for range maxTree {
		if _, ok := e.pages[id]; ok || id == "" {
			return id
		}
		id = e.parent[id]
	}
	return ""
}

// prefix tells pages of several spaces apart.
func (e *xmlExport) prefix() func(string) string {
	used := map[string]bool{}
	for _, p := range e.pages {
		used[p.space] = true
	}
	return func(id string) string {
		if len(used) < 2 || e.spaces[id].key == "" {
			return ""
		}
		return nameOf(e.spaces[id].key) + "/"
	}
}

// tell says what was left out.
func (e *xmlExport) tell(left func(string, int)) {
	if left == nil {
		return
	}
	counts := map[string]int{}
	for _, why := range e.hidden {
		counts[why]++
	}
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
func (e *xmlExport) book(pages []*page) *book {
	b := &book{opt: e.opt, macros: e.macros, users: e.users, titles: map[string]*page{}, keys: map[string]string{}}
	for id, s := range e.spaces {
		b.keys[s.key] = id
	}
	for _, p := range slices.Backward(pages) {
		b.titles[titleKey(p.space, p.title)] = p
	}
	b.content = func(p *page) (*node, bool) {
		body, err := e.body(p.body)
		if err != nil || p.wiki {
			return nil, false
		}
		root, _ := parse(body, e.opt.MaxDepth)
		return root, true
	}
	return b
}

// body is the storage format of a page.
func (e *xmlExport) body(at extent) ([]byte, error) {
	b, err := e.spool.read(at)
	if err != nil {
		return nil, err
	}
	return restoreCDATA(b), nil
}

// read lays a page out.
func (e *xmlExport) read(b *book, p *page) (Page, error) {
	body, err := e.body(p.body)
	switch {
	case err != nil:
		return Page{}, &PageError{p.name, err}
	case p.body.cut:
		return Page{}, &PageError{p.name, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, e.opt.MaxBody)}
	}
	w := newPageWriter(b, p)
	w.title(p.title)
	w.storage(body)
	for _, c := range p.comments {
		if text, err := e.body(c.body); err == nil && !c.body.cut {
			w.comment(text)
		}
	}
	return w.page("application/xhtml+xml", body), nil
}

// result is a page that was read, or its error.
type result struct {
	page Page
	err  error
}

// pagesInOrder yields the pages in their order, and meanwhile reads those that
// come next, as many as there are processors. It reports false where no more
// are wanted; no goroutine is left when it returns.
func (e *xmlExport) pagesInOrder(ctx context.Context, b *book, pages []*page, yield func(Page, error) bool) bool {
	ahead := runtime.GOMAXPROCS(0)
	results := make([]chan result, len(pages))
	start := func(i int) {
		if i >= len(pages) {
			return
		}
		results[i] = make(chan result, 1)
		go func() {
			page, err := e.read(b, pages[i])
			results[i] <- result{page, err}
		}()
	}
	for i := range ahead {
		start(i)
	}
	for i := range pages {
		r := <-results[i]
		results[i] = nil
		if ctx.Err() == nil {
			start(i + ahead)
			if yield(r.page, r.err) {
				continue
			}
		}
		wait(results)
		return ctx.Err() != nil
	}
	return true
}

// wait waits for the pages that are being read.
func wait(results []chan result) {
	for _, c := range results {
		if c != nil {
			<-c
		}
	}
}
