package diagram

import (
	"path"
	"regexp"
	"strings"
)

// Limits on what macros of the source may expand to.
const (
	maxStatements = 20000
	maxExpansion  = 4000
	maxCalls      = 8
)

// procedure is a macro that the source defines.
type procedure struct {
	params []string
	// preset are the values of parameters that a call may leave out.
	preset map[string]string
	body   []string
}

// preprocessor takes comments, definitions and conditions out of a source,
// and puts in what they stand for.
type preprocessor struct {
	*graph
	out        []statement
	defines    map[string]string
	procedures map[string]procedure
	// conditions are the open ones: whether their text counts.
	conditions []condition
	// until ends what is being skipped or, where record is set, recorded.
	until  *regexp.Regexp
	record string
	words  pumlWords
}

// condition is an open !if: its branch counts, one of its branches has
// counted.
type condition struct{ active, done bool }

// preprocess gives the statements of a source.
func preprocess(g *graph) []statement {
	p := &preprocessor{graph: g, defines: map[string]string{}, procedures: map[string]procedure{}, words: pumlVocabulary()}
	inComment := false
	var open *statement
	for at := 0; at < len(g.source); {
		size := lineLength(g.source[at:])
		line := statement{place: lineOf(g.source, at)}
		line.text, inComment = stripComments(g.source[at:at+size], inComment)
		at += size + 1
		if open != nil {
			open.text += " " + line.text
			line, open = *open, nil
		}
		if rest, ok := strings.CutSuffix(line.text, `\`); ok && !strings.HasSuffix(rest, `\`) && len(rest) < maxExpansion {
			line.text = strings.TrimSpace(rest)
			open = &line
			continue
		}
		p.line(line)
	}
	if open != nil {
		p.line(*open)
	}
	return p.joinCalls()
}

// joinCalls joins the lines of calls whose parenthesis a later line closes.
func (p *preprocessor) joinCalls() []statement {
	var all []statement
	for i := 0; i < len(p.out); i++ {
		s := p.out[i]
		if callHead.MatchString(s.text) && isOpen(s.text) {
			text := s.text
			for j := i + 1; j < len(p.out) && j <= i+maxJoined; j++ {
				text += " " + p.out[j].text
				if !isOpen(text) {
					s.text, i = text, j
					break
				}
			}
		}
		all = append(all, s)
	}
	return all
}

// stripComments takes /' comments '/ and lines that begin with ' away.
func stripComments(line string, inside bool) (string, bool) {
	var out strings.Builder
	for line != "" {
		if inside {
			end := strings.Index(line, "'/")
			if end < 0 {
				return strings.TrimSpace(out.String()), true
			}
			line, inside = line[end+2:], false
			continue
		}
		start := strings.Index(line, "/'")
		if start < 0 {
			break
		}
		out.WriteString(line[:start])
		line, inside = line[start+2:], true
	}
	if !inside {
		out.WriteString(line)
	}
	text := strings.TrimSpace(out.String())
	if strings.HasPrefix(text, "'") {
		return "", inside
	}
	return text, inside
}

var (
	styleStart     = regexp.MustCompile(`(?i)^<style>`)
	styleEnd       = regexp.MustCompile(`(?i)</style>`)
	procedureHead  = regexp.MustCompile(`(?i)^!(?:unquoted\s+)?(?:final\s+)?procedure\s+(\$?\w+)\s*\((.*)\)`)
	procedureEnd   = regexp.MustCompile(`(?i)^!end\s*procedure`)
	functionHead   = regexp.MustCompile(`(?i)^!(?:unquoted\s+)?(?:final\s+)?function\b`)
	functionEnd    = regexp.MustCompile(`(?i)^!end\s*function`)
	longDefine     = regexp.MustCompile(`(?i)^!definelong\s+(\w+)\s*(?:\((.*)\))?`)
	longDefineEnd  = regexp.MustCompile(`(?i)^!enddefinelong`)
	loopHead       = regexp.MustCompile(`(?i)^!(?:while|foreach)\b`)
	loopEnd        = regexp.MustCompile(`(?i)^!end(?:while|for)`)
	defineMacro    = regexp.MustCompile(`^!define\s+(\w+)\s*\(([^()]*)\)\s*(.*)$`)
	defineValue    = regexp.MustCompile(`^!define\s+(\w+)\s*(.*)$`)
	variable       = regexp.MustCompile(`^!(?:global\s+|local\s+)?(\$\w+)\s*\??=\s*(.*)$`)
	includeFile    = regexp.MustCompile(`^!(?:include(?:url|_once|_many|sub|def)?|import)\s+(.+)$`)
	conditionWords = regexp.MustCompile(`^!\s*(ifdef|ifndef|if|elseif|else|endif)\b\s*(.*)$`)
	definedName    = regexp.MustCompile(`\$?[A-Za-z_]\w*`)
)

// line reads one line of the source.
func (p *preprocessor) line(s statement) {
	if p.until != nil {
		if p.until.MatchString(s.text) {
			p.until, p.record = nil, ""
		} else if p.record != "" && len(p.procedures[p.record].body) < maxStatements {
			proc := p.procedures[p.record]
			proc.body = append(proc.body, s.text)
			p.procedures[p.record] = proc
		}
		return
	}
	if m := conditionWords.FindStringSubmatch(s.text); m != nil {
		p.condition(m[1], m[2])
		return
	}
	if n := len(p.conditions); n > 0 && !p.conditions[n-1].active || s.text == "" {
		return
	}
	if strings.HasPrefix(s.text, "!") && p.directive(s) {
		return
	}
	if styleStart.MatchString(s.text) {
		if !styleEnd.MatchString(s.text) {
			p.until = styleEnd
		}
		return
	}
	p.emit(s, 0)
}

// condition opens, changes or closes a condition. Of one that cannot be told
// the first branch counts.
func (p *preprocessor) condition(word, test string) {
	n := len(p.conditions)
	outer := n == 0 || p.conditions[n-1].active
	switch word {
	case "endif":
		p.conditions = p.conditions[:max(0, n-1)]
		return
	case "elseif", "else":
		if n == 0 {
			return
		}
		c := &p.conditions[n-1]
		around := n == 1 || p.conditions[n-2].active
		c.active = around && !c.done
		c.done = c.done || c.active
		return
	}
	_, defined := p.defines[strings.TrimSpace(test)]
	active := outer && (word == "if" || (word == "ifdef") == defined)
	p.conditions = append(p.conditions, condition{active: active, done: active})
}

// directive does what a line for the preprocessor says. All of them are
// passed over, understood or not: they declare nothing by themselves.
func (p *preprocessor) directive(s statement) bool {
	text := s.text
	if m := procedureHead.FindStringSubmatch(text); m != nil {
		p.procedures[m[1]] = newProcedure(m[2])
		p.until, p.record = procedureEnd, m[1]
	} else if m := longDefine.FindStringSubmatch(text); m != nil {
		p.procedures[m[1]] = newProcedure(m[2])
		p.until, p.record = longDefineEnd, m[1]
	} else if functionHead.MatchString(text) {
		if !strings.Contains(text, "!return") {
			p.until = functionEnd
		}
	} else if loopHead.MatchString(text) {
		p.states(s.place)
		p.problem(s.start, "what a loop of the preprocessor makes is not read")
		p.until = loopEnd
	} else if m := defineMacro.FindStringSubmatch(text); m != nil {
		proc := newProcedure(m[2])
		proc.body = []string{m[3]}
		p.procedures[m[1]] = proc
	} else if m := defineValue.FindStringSubmatch(text); m != nil {
		p.define(m[1], m[2])
	} else if m := variable.FindStringSubmatch(text); m != nil {
		p.define(m[1], p.value(m[2]))
	} else if m := includeFile.FindStringSubmatch(text); m != nil {
		p.include(p.expand(m[1]), s)
	}
	return true
}

func newProcedure(params string) procedure {
	proc := procedure{preset: map[string]string{}}
	for _, param := range splitArguments(params) {
		name, value, _ := strings.Cut(param, "=")
		name = strings.TrimSpace(name)
		proc.params = append(proc.params, name)
		proc.preset[name] = argument(value)
	}
	return proc
}

func (p *preprocessor) define(name, value string) {
	value = strings.TrimSpace(p.expand(value))
	if len(value) <= maxExpansion/4 && len(p.defines) < maxStatements {
		p.defines[name] = value
	}
}

// value is what an expression gives: texts and names joined by plus signs.
func (p *preprocessor) value(expression string) string {
	var out strings.Builder
	for _, part := range strings.Split(expression, "+") {
		if text := strings.TrimSpace(part); len(text) > 0 && text[0] == '"' {
			out.WriteString(argument(text))
		} else {
			out.WriteString(p.expand(text))
		}
	}
	return out.String()
}

// include tells that a file is not read, unless all that it defines is known.
func (p *preprocessor) include(file string, s statement) {
	file = strings.TrimSpace(file)
	for _, pattern := range p.words.Includes {
		if ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(file, "/", "\x00")); ok && err == nil {
			return
		}
	}
	p.states(s.place)
	p.problem(s.start, "the included file "+file+" is not read")
}

// expand puts in the values of names that are defined.
func (p *preprocessor) expand(text string) string {
	if len(p.defines) == 0 {
		return text
	}
	expanded := definedName.ReplaceAllStringFunc(text, func(name string) string {
		if value, ok := p.defines[name]; ok {
			return value
		}
		return name
	})
	if len(expanded) > maxExpansion && len(expanded) > len(text) {
		return text
	}
	return expanded
}

// emit gives a statement, or those of the procedure that it calls. What
// stands after the call goes on with the last of them.
func (p *preprocessor) emit(s statement, depth int) {
	if len(p.out) >= maxStatements {
		return
	}
	s.text = p.expand(s.text)
	proc, call, tail, known := p.called(s.text)
	if !known || depth >= maxCalls {
		p.out = append(p.out, s)
		return
	}
	values := map[string]string{}
	for i, param := range proc.params {
		values[param] = proc.preset[param]
		if i < len(call.args) {
			values[param] = call.args[i]
		}
		if v, ok := call.named[strings.TrimPrefix(param, "$")]; ok {
			values[param] = v
		}
	}
	last := len(proc.body) - 1
	for i, line := range proc.body {
		text := definedName.ReplaceAllStringFunc(line, func(name string) string {
			if value, ok := values[name]; ok {
				return value
			}
			return name
		})
		text = strings.ReplaceAll(text, "##", "")
		if i == last {
			text = strings.TrimSpace(text + " " + tail)
		}
		if text != "" && !strings.HasPrefix(text, "!") && len(text) <= maxExpansion {
			p.emit(statement{text: text, place: s.place}, depth+1)
		}
	}
}

// called finds the procedure that a statement begins by calling, and what
// stands after the call.
func (p *preprocessor) called(text string) (proc procedure, c call, tail string, known bool) {
	if len(p.procedures) == 0 {
		return proc, c, "", false
	}
	head := callHead.FindString(text)
	proc, known = p.procedures[strings.TrimSpace(strings.TrimSuffix(head, "("))]
	if !known {
		return proc, c, "", false
	}
	_, tail, known = balanced(text[len(head):])
	if !known {
		return proc, c, "", false
	}
	c, known = parseCall(strings.TrimSuffix(text, tail))
	return proc, c, strings.TrimSpace(tail), known
}
