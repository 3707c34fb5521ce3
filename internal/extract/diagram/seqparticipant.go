package diagram

import (
	"regexp"
	"strings"
)

var participantAlias = regexp.MustCompile(`(?i)^(.+?)\s+as\s+(.+)$`)

func (s *sequence) participant(rest string, at place) bool { return s.declare(rest, "", at) }

func (s *sequence) actor(rest string, at place) bool { return s.declare(rest, "actor", at) }

// declare reads a participant: its name, a name to show, and in braces what
// it looks like.
func (s *sequence) declare(rest, shape string, at place) bool {
	alias := ""
	rest, looks := splitLooks(rest)
	if m := participantAlias.FindStringSubmatch(rest); m != nil {
		rest, alias = m[1], m[2]
	}
	if looks["type"] != "" {
		shape = looks["type"]
	}
	if alias == "" {
		alias = looks["alias"]
	}
	id := participantID(rest)
	if id == "" {
		return false
	}
	if n := s.mention(id, at); n != nil {
		n.label(cleanLabel(first(alias, rest)), at)
		n.shape = first(shape, n.shape)
		n.icon = first(labelIconOf(alias), n.icon)
	}
	return true
}

// splitLooks parts A@{ "type": "database" } as Orders.
func splitLooks(s string) (string, map[string]string) {
	open := strings.Index(s, "@{")
	if open < 0 {
		return s, nil
	}
	end := strings.IndexByte(s[open:], '}')
	if end < 0 {
		return s[:open], attributePairs(s[open+2:])
	}
	return s[:open] + s[open+end+1:], attributePairs(s[open+2 : open+end])
}

func participantID(s string) string {
	id, _ := unquote(strings.TrimSpace(s))
	return strings.TrimSpace(id)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
