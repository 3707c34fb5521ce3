package confluence

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
)

// object is an object of entities.xml as far as it matters here.
type object struct {
	class string
	id    string
	// values are the properties that are text, refs the ids of those that
	// are objects, with their class.
	values map[string]string
	refs   map[string]reference
	// older are the ids of earlier versions, bodies those of its contents.
	older, bodies []string
	// body is where the text of a body lies.
	body extent
}

type reference struct{ class, id string }

// wanted are the classes of objects that are read: true for those that may hold
// the body of a page.
var wanted = map[string]bool{
	"Space": false, "Page": true, "BlogPost": true, "Comment": true, "BodyContent": true, "AdfContentBody": true, "AdfBodyContent": true,
	"ConfluenceUserImpl": false, "InternalUser": false, "User": false, "Attachment": false,
}

// maxValue is the length up to which a property is kept, in bytes.
const maxValue = 4 << 10

// entityReader reads entities.xml object by object.
type entityReader struct {
	x     *scanner
	spool *spool
	// maxBody is the length up to which a body is kept, in bytes.
	maxBody int64
	obj     object
	// values and refs are those of the object, and are used for the next.
	values map[string]string
	refs   map[string]reference
	// path are the open elements within the object.
	path []openElement
	text []byte
	// cut is true where the body was longer than it may be.
	cut bool
}

// openElement is an element with the name and class that its attributes give.
type openElement struct{ name, property, class string }

// each calls f with each object, which is good until f returns. An error ends it; the objects before it
// were read well.
func (r *entityReader) each(ctx context.Context, f func(*object)) error {
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		t, err := r.x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.take(&t) {
			f(&r.obj)
		}
		if r.spool.err != nil {
			return r.spool.err
		}
	}
}

// take reads a token. It reports whether an object has ended.
func (r *entityReader) take(t *token) bool {
	switch t.kind {
	case tokenStart:
		r.start(t)
		if t.closed {
			return r.end(t.name)
		}
	case tokenEnd:
		return r.end(t.name)
	case tokenText:
		r.add(t.text)
	}
	return false
}

func (r *entityReader) start(t *token) {
	if len(r.path) == 0 && t.name != "object" {
		return // the root
	}
	e := openElement{name: t.name}
	if len(r.path) == 0 {
		e.class = t.attr("class")
		r.obj = object{class: e.class}
		if _, ok := wanted[e.class]; ok {
			if r.values == nil {
				r.values, r.refs = map[string]string{}, map[string]reference{}
			}
			clear(r.values)
			clear(r.refs)
			r.obj.values, r.obj.refs = r.values, r.refs
		}
	} else if r.obj.values != nil {
		e.property, e.class = t.attr("name"), t.attr("class")
	}
	r.path = append(r.path, e)
	r.text, r.cut = r.text[:0], false
	if r.inBody() {
		r.spool.begin()
	}
}

// inBody reports whether text belongs to a body: that of a BodyContent, or one
// that a page itself holds.
func (r *entityReader) inBody() bool {
	return len(r.path) == 2 && r.path[1].property == "body" && wanted[r.obj.class]
}

func (r *entityReader) add(text []byte) {
	switch {
	case r.obj.values == nil || len(r.path) < 2:
	case r.inBody():
		if r.spool.open()+int64(len(text)) > r.maxBody {
			r.cut = true
			return
		}
		r.spool.add(text)
	default:
		r.text = append(r.text, text[:min(len(text), maxValue-len(r.text))]...)
	}
}

// end closes the innermost element. It reports whether a wanted object ends
// with it.
func (r *entityReader) end(name string) bool {
	if len(r.path) == 0 {
		return false // the root
	}
	if r.obj.values != nil {
		r.settle()
	}
	r.path = r.path[:len(r.path)-1]
	r.text = r.text[:0]
	return len(r.path) == 0 && r.obj.values != nil
}

// settle takes what the innermost element holds.
func (r *entityReader) settle() {
	if len(r.path) < 2 {
		return
	}
	e := r.path[len(r.path)-1]
	value := string(bytes.TrimSpace(r.text))
	switch {
	case r.inBody():
		r.obj.body = r.spool.finish(r.cut)
	case len(r.path) == 2 && e.name == "id":
		r.obj.id = value
	case len(r.path) == 2 && e.name == "property" && e.class == "":
		r.obj.values[e.property] = value
	case len(r.path) == 2 && e.name == "property":
		if _, ok := r.obj.refs[e.property]; !ok && value != "" {
			r.obj.values[e.property] = value // an enumeration
		}
	case len(r.path) == 3 && e.name == "id" && r.path[1].name == "property":
		r.obj.refs[r.path[1].property] = reference{r.path[1].class, value}
	case len(r.path) == 4 && e.name == "id":
		r.member(value)
	}
}

// member notes the id of a member of a collection.
func (r *entityReader) member(id string) {
	const most = 10_000 // versions of one page
	switch r.path[1].property {
	case "historicalVersions":
		if len(r.obj.older) < most {
			r.obj.older = append(r.obj.older, id)
		}
	case "bodyContents":
		if len(r.obj.bodies) < most {
			r.obj.bodies = append(r.obj.bodies, id)
		}
	}
}

// number is the value of a property that is a number.
func (o *object) number(name string) (int, bool) {
	n, err := strconv.Atoi(o.values[name])
	return n, err == nil
}

// current reports whether the object is what a reader of the wiki sees, and
// if not, why.
func (o *object) current() (bool, string) {
	if (o.refs["originalVersion"].id != "" || o.values["originalVersionId"] != "") && o.values["contentStatus"] != "draft" {
		return false, "older version"
	}
	switch status := strings.ToLower(o.values["contentStatus"]); status {
	case "", "current":
		return true, ""
	case "draft", "deleted", "archived":
		return false, status + " page"
	default:
		return false, "page of another status"
	}
}

// restoreCDATA undoes what an export does to the end of a CDATA section
// inside a body, which would end the section around it: "]]>" is written
// "]] >". The same characters also occur in code ("[[ -f x ]] > y"), so only
// those count after which a tag closes or another section begins.
func restoreCDATA(body []byte) []byte {
	written := []byte("]] >")
	out, rest := body[:0], body
	for {
		i := bytes.Index(rest, written)
		if i < 0 {
			return append(out, rest...)
		}
		out = append(out, rest[:i]...)
		rest = rest[i+len(written):]
		if bytes.HasPrefix(rest, []byte("</ac:")) || bytes.HasPrefix(rest, cdataStart) {
			out = append(out, cdataEnd...)
		} else {
			out = append(out, written...)
		}
	}
}
