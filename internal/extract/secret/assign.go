package secret

import (
	"regexp"
	"strings"
	"unicode"
)

// assignmentsIn finds values that are given to the name of a password or
// another secret, where the value looks like one. The hits are the last words
// of names.
func (r *rules) assignmentsIn(text string, names []hit) []Finding {
	var found []Finding
	each(names, func(at int, x *anchor) int {
		end := at + len(x.text)
		n, ok := r.nameAt(text, at, end)
		if !ok {
			return 0
		}
		v, ok := valueAfter(text, at, end)
		if !ok || !r.accepts(n, v) {
			return 0
		}
		kind, called := "secret", "a value that is called a secret"
		if n.password {
			kind, called = "password", "a password"
		}
		found = append(found, Finding{Kind: kind, Name: called, Start: v.span.Start, Spans: []Span{v.span}})
		return v.span.End
	})
	return found
}

// longestName is how many bytes before its last word a name is looked at.
const longestName = 40

// nameAt tells which name ends where its last word was found.
func (r *rules) nameAt(text string, at, end int) (name, bool) {
	if end < len(text) && isWord(text[end]) && text[end] < 0x80 || !worth(text[end:]) {
		return name{}, false
	}
	from := max(0, at-longestName)
	before := text[from:at]
	if i := strings.LastIndexAny(before, "\n\t|;,&?\"'`=:<>(){}[]"); i >= 0 {
		before = before[i+1:]
	}
	return r.nameOf(before, text[at:end])
}

// nameOf tells which name a text ends in, of which the last word is known.
func (r *rules) nameOf(before, last string) (name, bool) {
	apart := before == "" || !isLetter(before[len(before)-1]) || last[0]&0x20 == 0 && before[len(before)-1]&0x20 != 0
	before, last = bare(before), strings.ToLower(last)
	whole := before + last
	for _, n := range r.names {
		switch {
		case n.last != last || !strings.HasSuffix(whole, n.folded):
		case n.part && (before == "" || !apart):
		default:
			return n, true
		}
	}
	return name{}, false
}

// bare is a name in lower case without the signs between its words.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-.", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// isKey tells which name a whole text is, as in the header of a table.
func (r *rules) isKey(s string) (name, bool) {
	s = strings.TrimSpace(strings.TrimRight(s, ": "))
	folded := foldASCII(s)
	for _, n := range r.names {
		if strings.HasSuffix(folded, n.last) && len(s) <= longestName {
			if found, ok := r.nameOf(s[:len(s)-len(n.last)], s[len(s)-len(n.last):]); ok {
				return found, true
			}
		}
	}
	return name{}, false
}

// value is what a name is given.
type value struct {
	span   Span
	text   string
	quoted bool
	// code is true where the sign before it is one of programs and settings,
	// tied to the value: then words may follow.
	code bool
	// listed is true within a connection string, where each value is literal.
	listed bool
	// alone is true where nothing that reads on follows.
	alone bool
}

// giving is what stands between a name and its value: the end of a quoted
// name, a remark, and a sign of assignment.
var giving = regexp.MustCompile("^[\"'`\\])]{0,3}(?:[ \u00a0]\\([^()\n]{1,40}\\))?(?:[ \t\u00a0]*(:=|=>|={1,3}|[:：]|\\|)[ \t\u00a0]*|(>)|[ \t]+)")

// valueAfter reads the value that follows a name.
func valueAfter(text string, at, end int) (value, bool) {
	m := giving.FindStringSubmatchIndex(text[end:min(len(text), end+80)])
	if m == nil {
		return value{}, false
	}
	sign := ""
	if m[2] >= 0 {
		sign = text[end+m[2] : end+m[3]]
	}
	start := end + m[1]
	v, ok := readValue(text, start)
	if !ok {
		return v, false
	}
	switch {
	case m[4] >= 0: // the element of a markup language
		return v, strings.HasPrefix(text[v.span.End:], "</")
	case sign == "": // PASSWORD 'value', --password value
		option := optionName(text, at)
		v.code = option
		return v, v.quoted || option
	}
	v.code = strings.Contains(sign, "=") && m[1] == m[3]
	v.listed = v.code && inConnectionString(text, at)
	return v, true
}

// worth reports whether a value may follow what was found to be a name; most
// names in prose are dismissed by it.
func worth(rest string) bool {
	for i := 0; i < len(rest) && i < 4; i++ {
		switch c := rest[i]; {
		case c == '\n' || isWord(c) && c < 0x80:
			return i > 0 && rest[i-1] == ' ' // --password value
		case strings.IndexByte("=:|>'\"`(", c) >= 0 || c >= 0x80:
			return true
		}
	}
	return false
}

// optionName reports whether the name before a place is an option of a
// command: --db-password.
func optionName(text string, at int) bool {
	i := at
	for i > 0 && (isWord(text[i-1]) || text[i-1] == '-') && text[i-1] < 0x80 {
		i--
	}
	return strings.HasPrefix(text[i:], "--")
}

// listedKeys are names that stand in connection strings beside the password.
var listedKeys = regexp.MustCompile(`(?i)(?:^|[;"'\s])(?:server|host|data source|address|addr|user id|user|uid|database|initial catalog|dbname|port|accountname|endpoint)\s*=\s*[^;\s=]+;`)

// inConnectionString reports whether a place is in a line of names and values
// with semicolons between them.
func inConnectionString(text string, at int) bool {
	from := max(0, at-300)
	if i := strings.LastIndexByte(text[from:at], '\n'); i >= 0 {
		from += i + 1
	}
	return strings.IndexByte(text[from:at], ';') >= 0 && listedKeys.MatchString(text[from:at])
}

// readValue reads a quoted value, or one up to the next white space.
func readValue(text string, start int) (value, bool) {
	if start >= len(text) {
		return value{}, false
	}
	if q := text[start]; q == '"' || q == '\'' || q == '`' {
		rest := text[start+1 : min(len(text), start+1+maxValue)]
		n := strings.IndexAny(rest, string(q)+"\n")
		if n <= 0 || rest[n] != q {
			return value{}, false
		}
		return value{span: Span{start + 1, start + 1 + n}, text: rest[:n], quoted: true, alone: true}, true
	}
	rest := text[start:min(len(text), start+maxValue)]
	n := strings.IndexAny(rest, " \t\n\"'`<>;\\")
	if n < 0 {
		n = len(rest)
	}
	if m := nextParameter.FindStringIndex(rest[:n]); m != nil {
		n = m[0]
	}
	v := strings.TrimRight(rest[:n], ",.)]}|:")
	if v == "" {
		return value{}, false
	}
	after := rest[len(v):]
	return value{span: Span{start, start + len(v)}, text: v, alone: endOfValue.MatchString(after)}, true
}

// nextParameter begins the next parameter of a query.
var nextParameter = regexp.MustCompile(`&(?:amp;)?[A-Za-z_][A-Za-z0-9_.-]*=`)

// endOfValue matches what follows a value that is not the first word of a
// sentence: the end of its line, sentence or cell, a remark, another name.
var endOfValue = regexp.MustCompile("^(?:[,.;)\\]}\"'`<>|\\\\]*(?:\\s*$|[ \t]*\n|[ \t]+(?:[|#(;/–—-]|[A-Za-z_]+[ \t]*[:=]))|;|<|&)")

// accepts reports whether the value of a name is taken for a secret.
func (r *rules) accepts(n name, v value) bool {
	if strings.ContainsAny(v.text, " \t") {
		return false // a quoted sentence
	}
	switch {
	case v.listed && n.password:
		return len(v.text) >= 3 && !r.placeholder(v.text)
	case !v.alone && !v.code && !(n.password && len(v.text) >= 8 && mixed(v.text) && strong(v.text)):
		return false
	case n.password:
		return r.isPassword(v.text)
	case v.quoted || v.code:
		return r.opaque(v.text)
	}
	return len(v.text) >= minBare && r.opaque(v.text)
}
