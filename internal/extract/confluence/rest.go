package confluence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// restContent is a page, or a list of pages, as the REST API gives it.
type restContent struct {
	ID        any    `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    string `json:"status"`
	ParentID  any    `json:"parentId"`
	Ancestors []struct {
		ID any `json:"id"`
	} `json:"ancestors"`
	Space struct {
		Key string `json:"key"`
	} `json:"space"`
	Position  any    `json:"position"`
	CreatedAt string `json:"createdAt"`
	History   struct {
		CreatedDate string `json:"createdDate"`
	} `json:"history"`
	Body map[string]json.RawMessage `json:"body"`
	// Content is the page in a result of a search.
	Content *restContent      `json:"content"`
	Results []json.RawMessage `json:"results"`
	Page    *restPages        `json:"page"`
}

type restPages struct {
	Results []json.RawMessage `json:"results"`
}

// restForms are the forms of a body that can be read, the best first.
var restForms = []string{"storage", "atlas_doc_format", "editor", "editor2", "export_view", "view", "styled_view", "anonymous_export_view"}

// unmarshal reads JSON; values of another type than expected are left out.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return nil
	}
	return err
}

// body is the body in the best of its forms.
func (c *restContent) body() []byte {
	for _, form := range restForms {
		var in struct {
			Value json.RawMessage `json:"value"`
		}
		if unmarshal(c.Body[form], &in) != nil || len(in.Value) == 0 {
			continue
		}
		var text string
		if in.Value[0] == '{' {
			return in.Value // the editor's format, not wrapped into a string
		}
		if unmarshal(in.Value, &text) == nil && text != "" {
			return []byte(strings.ToValidUTF8(text, "\uFFFD"))
		}
	}
	return nil
}

// IsREST reports whether JSON is what the REST API of Confluence gives, a page
// or a list of pages with their bodies, or a page in the editor's format alone.
func IsREST(data []byte) bool {
	return isADF(data) || len(restPagesOf(data)) > 0
}

// restPagesOf are the pages in a file, without those below them.
func restPagesOf(data []byte) []restContent {
	var found []restContent
	var take func(data []byte, depth int)
	take = func(data []byte, depth int) {
		data = bytes.TrimLeft(data, " \t\r\n\ufeff")
		if len(data) == 0 || depth > 3 {
			return
		}
		if data[0] == '[' {
			var list []json.RawMessage
			if unmarshal(data, &list) == nil {
				for _, one := range list {
					take(one, depth+1)
				}
			}
			return
		}
		var c restContent
		if data[0] != '{' || unmarshal(data, &c) != nil {
			return
		}
		if c.Content != nil && c.Content.Body != nil {
			c = *c.Content
		}
		if slices.ContainsFunc(restForms, func(form string) bool { return c.Body[form] != nil }) {
			found = append(found, c)
		}
		lists := c.Results
		if c.Page != nil {
			lists = append(lists, c.Page.Results...)
		}
		for _, one := range lists {
			take(one, depth+1)
		}
	}
	take(data, 0)
	return found
}

// restID is an id, which is text or a number.
func restID(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// ReadREST reads the pages in JSON for which [IsREST] holds. One that comes
// alone has no name of its own. Left is told, by kind, what was left out; it
// may be nil.
//
// An error that is no [*PageError] is the last one.
func ReadREST(ctx context.Context, data []byte, opt Options, left func(kind string, n int)) iter.Seq2[Page, error] {
	opt = opt.withDefaults()
	return func(yield func(Page, error) bool) {
		macros, err := loadMacros()
		if err != nil {
			yield(Page{}, err)
			return
		}
		r := &restExport{opt: opt, bodies: map[int64][]byte{}}
		r.book = &book{opt: opt, macros: macros, pages: &r.pages, keys: map[string]int64{}, numbers: &r.ids}
		r.book.content = func(p *page, a *arena) (*node, bool) {
			root, _ := parseBody(r.bodies[p.id], opt.MaxDepth, a)
			return root, true
		}
		r.load(data, left)
		r.yield(ctx, yield)
	}
}

// restExport is JSON of the REST API being read.
type restExport struct {
	opt    Options
	book   *book
	pages  forest
	ids    idTable
	spaces idTable
	bodies map[int64][]byte
}

// load takes the pages of the file.
func (r *restExport) load(data []byte, left func(string, int)) {
	if isADF(data) {
		r.pages.add(page{id: 1})
		r.bodies[1] = data
		return
	}
	hidden := map[string]int{}
	for i, c := range restPagesOf(data) {
		switch status := strings.ToLower(c.Status); status {
		case "", "current":
			r.add(c, i)
		case "historical":
			hidden["older version"]++
		case "trashed", "deleted":
			hidden["deleted page"]++
		default:
			hidden[status+" page"]++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(hidden)) {
		if left != nil {
			left(kind, hidden[kind])
		}
	}
}

func (r *restExport) add(c restContent, i int) {
	id := restID(c.ID)
	if id == "" {
		id = "#" + strconv.Itoa(i)
	}
	parent := restID(c.ParentID)
	if n := len(c.Ancestors); n > 0 {
		parent = restID(c.Ancestors[n-1].ID)
	}
	p := page{id: r.ids.key(id), parent: r.ids.key(parent), title: r.pages.text.put(strings.ToValidUTF8(c.Title, "\uFFFD")), space: r.spaces.key("k" + c.Space.Key)}
	if f, ok := c.Position.(float64); ok {
		p.position, p.placed = int32(min(max(f, 0), 1<<30)), true
	}
	if c.Type == "blogpost" {
		p.parent = none
		p.date = dayOf(&object{values: map[string]string{"postingDate": c.History.CreatedDate, "creationDate": c.CreatedAt}})
	}
	r.book.keys[c.Space.Key] = p.space
	r.pages.add(p)
	r.bodies[p.id] = c.body()
}

func (r *restExport) yield(ctx context.Context, yield func(Page, error) bool) {
	order := r.pages.order()
	r.book.order = order
	a := &arena{}
	for _, at := range order {
		if ctx.Err() != nil {
			yield(Page{}, ctx.Err())
			return
		}
		p := r.pages.page(at)
		page, err := r.read(p, len(order) == 1, a)
		a.reset()
		if !yield(page, err) {
			return
		}
	}
	if len(order) == 0 {
		yield(Page{}, ErrNoPages)
	}
}

func (r *restExport) read(p *page, alone bool, a *arena) (Page, error) {
	name := r.pages.path(p, "")
	body := r.bodies[p.id]
	if int64(len(body)) > r.opt.MaxBody {
		return Page{}, &PageError{name, tooLarge(r.opt)}
	}
	w := newPageWriter(r.book, p, a)
	if !alone {
		w.name = name
	}
	w.title(r.pages.title(p))
	w.storage(body)
	return w.page("application/json", body), nil
}

// ReadStorage reads a page in the storage format that stands alone; doc holds
// what is known of it.
func ReadStorage(doc threatmodel.Document, content string, opt Options) (threatmodel.Source, error) {
	opt = opt.withDefaults()
	if int64(len(content)) > opt.MaxBody {
		return threatmodel.Source{}, tooLarge(opt)
	}
	macros, err := loadMacros()
	if err != nil {
		return threatmodel.Source{}, err
	}
	pages := &forest{}
	pages.add(page{id: 1})
	b := &book{opt: opt, macros: macros, pages: pages, order: pages.order()}
	w := newPageWriter(b, pages.page(1), &arena{})
	w.storage([]byte(content))
	src := w.page("", nil).Source
	doc.MediaType = "application/xhtml+xml"
	if doc.Title == "" {
		doc.Title = firstHeading(src)
	}
	src.Document = doc
	return src, nil
}

// storageTags begin the elements that only the storage format has.
var storageTags = [][]byte{[]byte("<ac:"), []byte("<ri:"), []byte("xmlns:ac=")}

// IsStorage reports whether a text is a page in the storage format: XML with
// elements of Confluence.
func IsStorage(content []byte) bool {
	content = bytes.TrimLeft(bytes.TrimPrefix(content, []byte("\ufeff")), " \t\r\n")
	return bytes.HasPrefix(content, []byte("<")) && !IsEntities(content[:min(len(content), entitiesHead)]) &&
		slices.ContainsFunc(storageTags, func(tag []byte) bool { return bytes.Contains(content, tag) })
}

// entitiesHead is how much of a file tells whether it is the entities.xml of an
// export.
const entitiesHead = 16 << 10

// firstHeading is the text of the first heading of a document.
func firstHeading(src threatmodel.Source) string {
	for _, b := range src.Blocks {
		if b.Kind == threatmodel.BlockHeading && b.Role == threatmodel.RoleBody {
			return folded(b.Text)
		}
	}
	return ""
}
