package pattern

import (
	"fmt"
	"strings"
)

// Signal is a way in which a sentence says something: terms joined by &, all
// of which must hold in the sentence, in any order.
//
// A term is words that follow one another. Among them:
//
//	...        up to six further words may stand here
//	(a|b c|d)  one of these
//	[x]        may be missing
//	word*      a word that begins so
//	@group     one of a group of words
//	#tag       an entry of the lexicon that has the tag
//
// A word also matches its plural. A term that begins with ! must not stand in
// the sentence; one that begins with ~ may stand anywhere in the passage, its
// headings or the header of its table.
type Signal string

// maxGap is how many words "..." may span.
const maxGap = 6

// term is one condition of a signal.
type term struct {
	absent bool // begins with !
	around bool // begins with ~
	seq    []node
}

type nodeKind int

const (
	nodeWord nodeKind = iota
	nodePrefix
	nodeTag
	nodeGap
	nodeEither
)

// node is a step of a sequence.
type node struct {
	kind     nodeKind
	text     string
	alts     [][]node // nodeEither
	optional bool
}

// parser reads signals.
type parser struct {
	groups map[string][][]node
	rest   string
}

// parseSignal reads one signal.
func (p *parser) parseSignal(s Signal) ([]term, error) {
	var out []term
	positive := false
	for _, part := range strings.Split(string(s), " & ") {
		t := term{}
		part = strings.TrimSpace(part)
		switch {
		case strings.HasPrefix(part, "!"):
			t.absent, part = true, part[1:]
		case strings.HasPrefix(part, "~"):
			t.around, part = true, part[1:]
		}
		p.rest = part
		seq, err := p.sequence("")
		if err != nil {
			return nil, fmt.Errorf("signal %q: %w", s, err)
		}
		if len(seq) == 0 {
			return nil, fmt.Errorf("signal %q: a term is empty", s)
		}
		t.seq = seq
		positive = positive || (!t.absent && !t.around)
		out = append(out, t)
	}
	if !positive {
		return nil, fmt.Errorf("signal %q: no term has to stand in the sentence itself", s)
	}
	return out, nil
}

// sequence reads nodes up to one of the closing characters, which it leaves.
func (p *parser) sequence(closing string) ([]node, error) {
	var out []node
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		if p.rest == "" || strings.ContainsRune(closing, rune(p.rest[0])) {
			return out, nil
		}
		n, err := p.node()
		if err != nil {
			return nil, err
		}
		out = append(out, n...)
	}
}

func (p *parser) node() ([]node, error) {
	switch c := p.rest[0]; {
	case strings.HasPrefix(p.rest, "..."):
		p.rest = p.rest[3:]
		return []node{{kind: nodeGap}}, nil
	case c == '(':
		p.rest = p.rest[1:]
		return p.either(')', false)
	case c == '[':
		p.rest = p.rest[1:]
		return p.either(']', true)
	case c == '@' || c == '#':
		name := p.word()[1:]
		if c == '#' {
			return []node{{kind: nodeTag, text: name}}, nil
		}
		alts, ok := p.groups[name]
		if !ok {
			return nil, fmt.Errorf("there is no group @%s", name)
		}
		return []node{{kind: nodeEither, alts: alts}}, nil
	case strings.ContainsRune(")]|&!~", rune(c)):
		return nil, fmt.Errorf("%q stands where a word should", c)
	}
	return literal(p.word())
}

// either reads alternatives up to the closing bracket.
func (p *parser) either(closing byte, optional bool) ([]node, error) {
	n := node{kind: nodeEither, optional: optional}
	for {
		seq, err := p.sequence("|" + string(closing))
		if err != nil {
			return nil, err
		}
		if len(seq) == 0 {
			return nil, fmt.Errorf("an alternative is empty")
		}
		n.alts = append(n.alts, seq)
		if p.rest == "" {
			return nil, fmt.Errorf("%q is missing", closing)
		}
		c := p.rest[0]
		p.rest = p.rest[1:]
		if c == closing {
			return []node{n}, nil
		}
	}
}

// word cuts the next run of characters off that no other rule claims.
func (p *parser) word() string {
	i := strings.IndexAny(p.rest, " ()[]|")
	if i < 0 {
		i = len(p.rest)
	}
	w := p.rest[:i]
	p.rest = p.rest[i:]
	return w
}

// literal is a word as the fold leaves it: "e-mail" is two.
func literal(w string) ([]node, error) {
	text, prefix := strings.CutSuffix(w, "*")
	var out []node
	for _, t := range tokenize(text) {
		out = append(out, node{kind: nodeWord, text: t.Word})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%q holds no word", w)
	}
	if prefix {
		out[len(out)-1].kind = nodePrefix
	}
	return out, nil
}
