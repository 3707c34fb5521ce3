package confluence

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/net/html"
)

//go:embed adf.yaml
var adfYAML []byte

// adfTable is what is known of the nodes of the editor's format.
type adfTable struct {
	Elements map[string]string   `yaml:"elements"`
	Macros   map[string]string   `yaml:"macros"`
	Words    map[string][]string `yaml:"words"`
	Targets  map[string]string   `yaml:"targets"`
	Hidden   []string            `yaml:"hidden"`
}

var adfNodes = sync.OnceValues(func() (*adfTable, error) {
	var t adfTable
	if err := yaml.UnmarshalWithOptions(adfYAML, &t, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("adf.yaml: %s", yaml.FormatError(err, false, true))
	}
	return &t, nil
})

// isADF reports whether a body is in the editor's format: a JSON object that
// says that it is a document.
func isADF(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || body[0] != '{' {
		return false
	}
	var head struct {
		Type any `json:"type"`
	}
	return json.Unmarshal(body, &head) == nil && head.Type == "doc"
}

// parseBody reads a body in whichever of the two formats it is.
func parseBody(body []byte, maxDepth int, a *arena) (root *node, deep bool) {
	if !isADF(body) {
		return parse(body, maxDepth, a)
	}
	var doc any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	table, err := adfNodes()
	if d.Decode(&doc) != nil || err != nil {
		return parse(body, maxDepth, a)
	}
	t := adfTree{adfTable: table, arena: a, maxDepth: maxDepth}
	root = a.node()
	root.name = "#root"
	t.add(root, doc, 0)
	return root, t.deep
}

// adfTree makes the tree that the storage format would give.
type adfTree struct {
	*adfTable
	*arena
	maxDepth int
	deep     bool
}

// adfNode is a node of the editor's format, as JSON gives it.
type adfNode map[string]any

func (n adfNode) kind() string { return asText(n["type"]) }

func (n adfNode) attr(key string) any {
	attrs, _ := n["attrs"].(map[string]any)
	return attrs[key]
}

// first is the first attribute of those named that is there, as text.
func (n adfNode) first(keys ...string) string {
	for _, key := range keys {
		if s := asText(n.attr(key)); s != "" {
			return s
		}
	}
	return ""
}

// link is the address that text leads to; empty where it leads nowhere.
func (n adfNode) link() string {
	marks, _ := n["marks"].([]any)
	for _, m := range marks {
		if mark, ok := m.(map[string]any); ok && asText(mark["type"]) == "link" {
			return adfNode(mark).first("href")
		}
	}
	return ""
}

// asText is a plain value as text; empty for what is none.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// add adds a node, or each of a list, to an element.
func (t *adfTree) add(to *node, v any, depth int) {
	if depth > t.maxDepth {
		t.deep = true
		t.text(to, wordsOf(v, 0))
		return
	}
	switch v := v.(type) {
	case []any:
		for _, c := range v {
			t.add(to, c, depth+1)
		}
	case map[string]any:
		t.addNode(to, adfNode(v), depth)
	}
}

// addNode adds one node.
func (t *adfTree) addNode(to *node, n adfNode, depth int) {
	kind := n.kind()
	if s, ok := n["text"].(string); ok {
		t.text(t.linked(to, n.link()), strings.ToValidUTF8(s, "\uFFFD"))
	}
	if slices.Contains(t.Hidden, kind) {
		return
	}
	inside := to
	switch name := t.Elements[kind]; {
	case name != "":
		inside = t.element(to, name)
		t.attrs(inside, n)
	case t.Macros[kind] != "":
		inside = t.macro(to, t.Macros[kind], map[string]any{"title": n.attr("title")})
	default:
		inside = t.special(to, n, kind)
	}
	t.text(t.linked(inside, n.first(t.Targets[kind])), n.first(t.Words[kind]...))
	t.add(inside, n["content"], depth+1)
}

// special adds a node that is neither an element by another name nor words. It
// returns where its content belongs.
func (t *adfTree) special(to *node, n adfNode, kind string) *node {
	switch kind {
	case "heading":
		level, _ := strconv.Atoi(n.first("level"))
		return t.element(to, "h"+strconv.Itoa(min(6, max(1, level))))
	case "codeBlock":
		m := t.bareMacro(to, "code", map[string]any{"language": n.attr("language")})
		return t.element(m, "ac:plain-text-body")
	case "taskItem", "blockTaskItem":
		return t.task(to, n)
	case "decisionList":
		return t.element(to, "ul")
	case "decisionItem":
		li := t.element(to, "li")
		t.set(li, "ac:box", "["+strings.ToLower(n.first("state"))+"] ")
		return li
	case "date":
		t.text(to, dateOf(n.first("timestamp")))
	case "media", "mediaInline":
		img := t.element(to, "ac:image")
		t.set(img, "ac:alt", n.first("alt", "__fileName"))
	case "extension", "inlineExtension", "bodiedExtension", "multiBodiedExtension":
		return t.extension(to, n)
	}
	return to
}

func (t *adfTree) element(to *node, name string) *node {
	n := t.node()
	n.name = name
	to.children = append(to.children, n)
	return n
}

// linked is the element that words belong in: a link where they lead somewhere.
func (t *adfTree) linked(to *node, href string) *node {
	if href == "" {
		return to
	}
	a := t.element(to, "a")
	t.set(a, "href", href)
	return a
}

func (t *adfTree) text(to *node, s string) {
	if s != "" {
		n := t.node()
		n.text = s
		to.children = append(to.children, n)
	}
}

func (t *adfTree) set(n *node, key, value string) {
	n.attrs = append(n.attrs, html.Attribute{Key: key, Val: value})
}

// attrs takes the attributes of lists and cells.
func (t *adfTree) attrs(to *node, n adfNode) {
	for _, key := range []string{"order", "colspan", "rowspan"} {
		if v := n.first(key); v != "" {
			t.set(to, strings.Replace(key, "order", "start", 1), v)
		}
	}
}

func (t *adfTree) task(to *node, n adfNode) *node {
	task := t.element(to, "ac:task")
	status := t.element(task, "ac:task-status")
	if n.first("state") == "DONE" {
		t.text(status, "complete")
	}
	return t.element(task, "ac:task-body")
}

// macro adds a macro with a body, and returns the body; bareMacro adds one without.
func (t *adfTree) macro(to *node, name string, params map[string]any) *node {
	return t.element(t.bareMacro(to, name, params), "ac:rich-text-body")
}

func (t *adfTree) bareMacro(to *node, name string, params map[string]any) *node {
	m := t.element(to, "ac:structured-macro")
	t.set(m, "ac:name", name)
	for _, key := range slices.Sorted(maps.Keys(params)) {
		value := params[key]
		if wrapped, ok := value.(map[string]any); ok {
			value = wrapped["value"]
		}
		if s := asText(value); s != "" {
			p := t.element(m, "ac:parameter")
			t.set(p, "ac:name", key)
			t.text(p, s)
		}
	}
	return m
}

// plainBodyParam is where the editor's format keeps the plain body of a macro.
const plainBodyParam = "__bodyContent"

// extension adds a macro as the editor's format has it.
func (t *adfTree) extension(to *node, n adfNode) *node {
	parameters, _ := n.attr("parameters").(map[string]any)
	params, ok := parameters["macroParams"].(map[string]any)
	if !ok {
		params = parameters
	}
	m := t.bareMacro(to, n.first("extensionKey"), params)
	for _, c := range m.children {
		if c.attr("ac:name") == plainBodyParam {
			c.name, c.attrs = "ac:plain-text-body", nil
		}
	}
	if n["content"] == nil {
		if _, plain := params[plainBodyParam]; !plain && len(m.children) == 0 {
			t.text(t.element(m, "ac:rich-text-body"), n.first("text"))
		}
		return m
	}
	return t.element(m, "ac:rich-text-body")
}

// dateOf is the day of a time in milliseconds since 1970, as a reader in
// Greenwich sees it.
func dateOf(ms string) string {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return ms
	}
	const year9999 = 253_402_300_799_000
	if n < 0 || n > year9999 {
		return ms
	}
	return time.UnixMilli(n).UTC().Format(time.DateOnly)
}

// wordsOf is all text in a value, for what nests too deep to be read
// otherwise.
func wordsOf(v any, depth int) string {
	const most = 10_000 // as deep as JSON may be
	switch v := v.(type) {
	case []any:
		var parts []string
		for _, c := range v {
			if s := wordsOf(c, depth+1); s != "" && depth < most {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, " ")
	case map[string]any:
		return strings.TrimSpace(asText(v["text"]) + " " + wordsOf(v["content"], depth+1))
	}
	return ""
}
