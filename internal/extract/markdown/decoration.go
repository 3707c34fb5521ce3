package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// attributeParser drops the attributes that MkDocs, kramdown and GitLab let
// stand after a link, an image or a piece of code, or alone on a line:
// {target=_blank}, {: .wide}, { .annotate }.
type attributeParser struct{}

var attributeList = regexp.MustCompile(`^\{:? *(?:(?:[.#][\w:-]+|[\w-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s{}"']+)) *)+\}`)

// Trigger implements parser.InlineParser.
func (attributeParser) Trigger() []byte { return []byte{'{'} }

// Parse implements parser.InlineParser.
func (attributeParser) Parse(parent ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	m := attributeList.Find(line[:min(len(line), maxTag)])
	if m == nil {
		return nil
	}
	alone := len(bytes.TrimSpace(line[len(m):])) == 0 && (bytes.HasPrefix(m, []byte("{.")) || bytes.HasPrefix(m, []byte("{ .")) || bytes.HasPrefix(m, []byte("{#")))
	if before := parent.LastChild(); before != nil && !alone {
		switch before.Kind() {
		case ast.KindLink, ast.KindImage, ast.KindCodeSpan, ast.KindEmphasis, ast.KindAutoLink:
		default:
			return nil
		}
	} else if !alone {
		return nil
	}
	block.Advance(len(m))
	return &unseen{}
}

// iconParser drops the icons of MkDocs and the like, which are named by their
// set: :material-lock:. What names a picture that means something, such as
// :warning:, stays.
type iconParser struct{}

var icon = regexp.MustCompile(`^:(?:material|octicons|fontawesome|simple|bootstrap|lucide)-[\w-]+:`)

// Trigger implements parser.InlineParser.
func (iconParser) Trigger() []byte { return []byte{':'} }

// Parse implements parser.InlineParser.
func (iconParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	m := icon.Find(line)
	if m == nil {
		return nil
	}
	block.Advance(len(m))
	return &unseen{}
}

// templateLinkParser reads links whose target is a tag of a site generator:
//
//	[the keys]({{< ref "keys.md" >}})
//
// A target may not hold blanks, so the tag gives way to what it names, in the
// source itself: the bytes are no text of the document.
type templateLinkParser struct{ parser.InlineParser }

var templateTarget = regexp.MustCompile(`^\]\((?:\{\{[<%] *(?:rel)?ref +"([^"\s]+)" *[>%]\}\}|\{% *(?:link|post_url) +([^\s%]+) *%\}|\{\{ *[\w.]*(?:url|baseurl)[\w.]* *(?:\| *\w+ *)?\}\}([^\s)]*)|\{\{ *["']([^"'\s]+)["'] *\| *(?:relative_url|absolute_url|url) *\}\})([^)\s]*)\)`)

// Parse implements parser.InlineParser.
func (p templateLinkParser) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, at := block.PeekLine()
	if at.Padding == 0 && len(line) > 4 && line[0] == ']' && line[1] == '(' && line[2] == '{' {
		if m := templateTarget.FindSubmatchIndex(line); m != nil {
			giveWay(line, m)
		}
	}
	return p.InlineParser.Parse(parent, block, pc)
}

// giveWay puts the target of a link in place of its tag, and blanks after it.
func giveWay(line []byte, m []int) {
	var target []byte
	for g := 2; g < len(m); g += 2 {
		if m[g] >= 0 {
			target = append(target, line[m[g]:m[g+1]]...)
		}
	}
	place := line[2 : m[1]-1]
	blank(place)
	copy(place, target)
}

// CloseBlock implements parser.CloseBlocker.
func (p templateLinkParser) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if c, ok := p.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}
