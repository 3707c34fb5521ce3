package diagram

import (
	"html"
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
)

var (
	labelIcon  = regexp.MustCompile(`\bfa[bsrlk]?:fa-([a-z0-9-]+)`)
	labelTag   = regexp.MustCompile(`(?i)</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>`)
	labelCode  = regexp.MustCompile(`#(\w+);`)
	labelMarks = strings.NewReplacer("**", "", "__", "")
)

// cleanLabel is the text that a label shows, on one line.
func cleanLabel(raw string) string {
	s, markdown := unquote(strings.TrimSpace(raw))
	// Most labels are plain words. A pattern is only asked where a byte that it
	// needs is there: it costs as much as all else that is done with a label.
	if hasIcon(s) {
		s = labelIcon.ReplaceAllString(s, "")
	}
	s = strings.ReplaceAll(s, `\n`, " ")
	if strings.IndexByte(s, '<') >= 0 {
		s = labelTag.ReplaceAllString(s, " ")
	}
	if strings.IndexByte(s, '#') >= 0 {
		s = labelCode.ReplaceAllStringFunc(s, characterCode)
	}
	s = html.UnescapeString(s)
	if markdown {
		s = strings.Trim(labelMarks.Replace(s), "*_")
	}
	return oneLine(s)
}

// unquote takes quotes off a label, and tells whether they are those of
// Markdown.
func unquote(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if len(s) >= 2 && s[0] == '`' && s[len(s)-1] == '`' {
		return s[1 : len(s)-1], true
	}
	return s, false
}

// characterCode resolves what Mermaid writes as #35; or #quot;.
func characterCode(code string) string {
	name := code[1 : len(code)-1]
	reference := "&" + name + ";"
	if name[0] >= '0' && name[0] <= '9' {
		reference = "&#" + name + ";"
	}
	if shown := html.UnescapeString(reference); shown != reference {
		return shown
	}
	return code
}

// hasIcon reports whether a label may hold an icon.
func hasIcon(s string) bool { return strings.Contains(s, ":fa-") }

// labelIconOf is the name of the icon in a label; empty where there is none.
func labelIconOf(raw string) string {
	if !hasIcon(raw) {
		return ""
	}
	if m := labelIcon.FindStringSubmatch(raw); m != nil {
		return m[1]
	}
	return ""
}

// iconName is the name of an icon without its set: user for fa:fa-user.
func iconName(icon string) string {
	_, name, found := strings.Cut(icon, ":")
	if !found {
		name = icon
	}
	return strings.TrimPrefix(strings.ToLower(name), "fa-")
}

// oneLine is a text on one line, without what no block may hold.
func oneLine(s string) string { return block.Fold(block.Clean(s)) }
