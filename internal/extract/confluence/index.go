package confluence

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// index is what is known of the objects of an export. There may be hundreds of
// thousands of each kind, so ids are numbers and entries are small.
type index struct {
	opt Options
	ids idTable
	// pages are the current pages and blog posts.
	pages *forest
	// hidden says of others why they are not, as an index of reasons; parent
	// leads from such a page to the one above.
	hidden  map[int64]uint8
	reasons []string
	parent  map[int64]int64
	// bodies are by the id of what they belong to, where that is no page that is
	// known already; loose are by their own,
	// those that do not say, which their owners claim.
	bodies, loose map[int64]extent
	claims        []claim
	users         map[string]string
	logins        map[string]string
	spaces        map[int64]space
	// several is true where pages of more than one space were found.
	several bool
	notes   []note
	files   map[int64][]fileVersion
}

type space struct {
	key  string
	home int64
}

// claim says that a body belongs to a page or comment.
type claim struct{ owner, body int64 }

// note is a comment on a page.
type note struct{ on, id int64 }

// fileVersion is an attachment as the export lists it.
type fileVersion struct {
	id              int64
	version         int32
	name, mediaType string
}

func newIndex(opt Options) *index {
	return &index{
		opt:    opt,
		pages:  &forest{},
		hidden: map[int64]uint8{},
		parent: map[int64]int64{},
		bodies: map[int64]extent{},
		loose:  map[int64]extent{},
		users:  map[string]string{},
		logins: map[string]string{},
		spaces: map[int64]space{},
		files:  map[int64][]fileVersion{},
	}
}

// release gives up what is not needed once pages are in order.
func (x *index) release() {
	x.pages.byID = nil
	x.hidden, x.parent, x.bodies, x.loose, x.claims, x.notes, x.files = nil, nil, nil, nil, nil, nil, nil
}

// object takes an object of the export. It reports whether its body is of no
// use.
func (x *index) object(o *object) (unused bool) {
	switch o.class {
	case "Space":
		x.spaces[x.ids.key(o.id)] = space{key: o.values["key"], home: x.ids.key(o.refs["homePage"].id)}
	case "ConfluenceUserImpl":
		x.users[o.id] = o.values["name"]
	case "InternalUser", "User":
		if shown := o.values["displayName"]; shown != "" {
			x.logins[o.values["name"]] = shown
		}
	case "Page", "BlogPost":
		return x.pageObject(o)
	case "Comment":
		return x.commentObject(o)
	case "Attachment":
		x.fileObject(o)
	default:
		return x.bodyObject(o)
	}
	return false
}

func (x *index) hide(id int64, why string) {
	i := slices.Index(x.reasons, why)
	if i < 0 {
		i = len(x.reasons)
		x.reasons = append(x.reasons, why)
	}
	x.hidden[id] = uint8(i)
}

func (x *index) pageObject(o *object) bool {
	for _, old := range o.older {
		old := x.ids.key(old)
		x.hide(old, "older version")
		x.pages.drop(old)
	}
	id, parent := x.ids.key(o.id), x.ids.key(o.refs["parent"].id)
	if _, old := x.hidden[id]; old {
		return true
	}
	if ok, why := o.current(); !ok {
		x.hide(id, why)
		if parent != none {
			x.parent[id] = parent
		}
		return true
	}
	p := page{id: id, title: x.pages.text.put(o.values["title"]), parent: parent, space: x.ids.key(o.refs["space"].id)}
	if n, ok := o.number("position"); ok {
		p.position, p.placed = int32(min(max(n, -1<<31), 1<<31-1)), true
	}
	if o.class == "BlogPost" {
		p.date, p.parent = dayOf(o), none
	}
	p.body = x.bodies[id] // that came before
	delete(x.bodies, id)
	if twice := x.pages.page(x.pages.byID[id]); twice != nil && !p.body.known {
		p.body = twice.body
	}
	x.pages.add(p)
	x.owns(o, id)
	return false
}

// owns notes the bodies that an object says are its own.
func (x *index) owns(o *object, id int64) {
	if o.body.known {
		x.keep(id, o.body)
	}
	for _, body := range o.bodies {
		x.claims = append(x.claims, claim{id, x.ids.key(body)})
	}
}

// dayOf is the day on which a blog post was published, as 20060102.
func dayOf(o *object) int32 {
	for _, property := range []string{"postingDate", "creationDate"} {
		date := o.values[property]
		if len(date) < len("2006-01-02") {
			continue
		}
		if n, err := strconv.Atoi(date[:4] + date[5:7] + date[8:10]); err == nil && n > 9999 && date[4] == '-' && date[7] == '-' {
			return int32(n)
		}
	}
	return noDate
}

func (x *index) commentObject(o *object) bool {
	if ok, _ := o.current(); !ok {
		return true
	}
	on := o.refs["containerContent"]
	if on.id == "" {
		on = o.refs["owner"]
	}
	if on.class != "" && on.class != "Page" && on.class != "BlogPost" {
		return true
	}
	id := x.ids.key(o.id)
	x.notes = append(x.notes, note{x.ids.key(on.id), id})
	x.owns(o, id)
	return false
}

func (x *index) fileObject(o *object) {
	on := o.refs["containerContent"]
	if on.id == "" {
		on = o.refs["content"]
	}
	if ok, _ := o.current(); !ok || on.id == "" {
		return
	}
	name := o.values["title"]
	if name == "" {
		name = o.values["fileName"]
	}
	kind := o.values["contentType"]
	version, ok := o.number("version")
	if !ok {
		version, _ = o.number("attachmentVersion")
	}
	page := x.ids.key(on.id)
	x.files[page] = append(x.files[page], fileVersion{x.ids.key(o.id), int32(version), strings.Clone(name), strings.Clone(kind)})
}

// bodyObject keeps the body of a page or comment, and drops those that are
// known not to be needed.
func (x *index) bodyObject(o *object) bool {
	of := o.refs["content"]
	switch {
	case !o.body.known:
		return false
	case of.id == "":
		x.loose[x.ids.key(o.id)] = o.bodyExtent()
		return false
	case !slices.Contains([]string{"Page", "BlogPost", "Comment", ""}, of.class), of.class == "Comment" && !x.opt.Comments:
		return true
	}
	id := x.ids.key(of.id)
	if _, hidden := x.hidden[id]; hidden {
		return true
	}
	x.keep(id, o.bodyExtent())
	return false
}

// bodyExtent is where the body lies, and what it is.
func (o *object) bodyExtent() extent {
	e := o.body
	e.wiki = o.values["bodyType"] == "0"
	return e
}

// keep keeps a body for its owner: one with something in it, rather than one
// in the markup of old versions.
func (x *index) keep(owner int64, body extent) {
	old := x.bodyOf(owner)
	if old.known && old.size > 0 && (body.size == 0 || body.wiki && !old.wiki) {
		return
	}
	if p := x.pages.page(x.pages.byID[owner]); p != nil {
		p.body = body
		return
	}
	x.bodies[owner] = body
}

// bodyOf is the body of a page or comment, as far as it is known.
func (x *index) bodyOf(owner int64) extent {
	if p := x.pages.page(x.pages.byID[owner]); p != nil {
		return p.body
	}
	return x.bodies[owner]
}

// order puts the current pages in order.
func (x *index) order() []ref {
	for _, c := range x.claims {
		if b, ok := x.loose[c.body]; ok && !x.bodyOf(c.owner).known {
			x.keep(c.owner, b)
		}
	}
	one := int64(none)
	for _, r := range x.pages.byID {
		p := x.pages.page(r)
		p.home = x.spaces[p.space].home == p.id
		p.parent = x.visible(p.parent)
		x.several = x.several || one != none && p.space != one && p.space != none
		if p.space != none {
			one = p.space
		}
	}
	return x.pages.order()
}

// visible is the nearest page above that is current: the children of a page
// that was deleted hang on the one above it.
func (x *index) visible(id int64) int64 {
	for range maxTree {
		if _, ok := x.pages.byID[id]; ok || id == none {
			return id
		}
		id = x.parent[id]
	}
	return none
}

// leftOut counts what was left out, by its kind.
func (x *index) leftOut() map[string]int {
	counts := map[string]int{}
	for _, why := range x.hidden {
		counts[x.reasons[why]]++
	}
	if !x.opt.Comments {
		for _, n := range x.notes {
			if _, ok := x.pages.byID[n.on]; ok {
				counts["comment"]++
			}
		}
	}
	return counts
}

// commentsOf are the comments on each page, oldest first.
func (x *index) commentsOf() map[int64][]extent {
	if !x.opt.Comments {
		return nil
	}
	slices.SortFunc(x.notes, func(a, b note) int { return cmp.Compare(a.id, b.id) })
	all := map[int64][]extent{}
	for _, n := range x.notes {
		if body := x.bodies[n.id]; body.size > 0 {
			all[n.on] = append(all[n.on], body)
		}
	}
	return all
}

// attachments are the files of each current page. Of versions that the export
// lists side by side the newest counts.
func (x *index) attachments() map[int64][]attached {
	all := map[int64][]attached{}
	for page, files := range x.files {
		if _, ok := x.pages.byID[page]; !ok {
			continue
		}
		slices.SortFunc(files, func(a, b fileVersion) int {
			return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(b.version, a.version), cmp.Compare(b.id, a.id))
		})
		files = slices.CompactFunc(files, func(a, b fileVersion) bool { return a.name == b.name })
		for _, f := range files {
			all[page] = append(all[page], attached{f.name, f.mediaType, fmt.Sprintf("attachments/%d/%d/%d", page, f.id, max(1, f.version))})
		}
	}
	return all
}
