package pattern

import "slices"

// guards are the words that turn a clause round, put it off or take it back.
type guards struct {
	negator, joint, planned, hypothetical, conditional, past, gone, still, attack, exception, aside, idiom, permit, condition, narrow wordSet
}

// negatorReach is how many words before a match a negator is looked for.
const negatorReach = 7

func newGuards(groups map[string][][]node) (guards, []string) {
	var missing []string
	get := func(name string) wordSet {
		g, ok := groups[name]
		if !ok {
			missing = append(missing, name)
		}
		return newWordSet(g)
	}
	g := guards{
		negator: get("negator"), joint: get("joint"), planned: get("planned"), hypothetical: get("hypothetical"),
		conditional: get("conditional"), past: get("past"), gone: get("gone"), still: get("still"), attack: get("attack"),
		exception: get("exception"), aside: get("aside"), idiom: get("idiom"),
		permit: get("permit"), condition: get("only-condition"), narrow: get("only-word"),
	}
	return g, missing
}

// turns reports whether words outside of the match take back what it says.
func (g *guards) turns(t *Text, m span, covered []bool, role Role) bool {
	if t.question || g.negated(t, m, covered) {
		return true
	}
	clause := clauseOf(t, m)
	if g.begins(t, clause, m, covered, &g.conditional) && role != Short {
		return true
	}
	if within(&g.past, t, clause, covered) || within(&g.gone, t, partOf(t, m), covered) {
		return true
	}
	if within(&g.still, t, clause, nil) && (role == Weakness || role == Short) {
		return false
	}
	// A signal that itself says "is planned" states that it is missing today.
	if within(&g.planned, t, clause, covered) && !within(&g.planned, t, m, nil) {
		return true
	}
	return within(&g.hypothetical, t, clause, covered) && !within(&g.attack, t, span{0, len(t.Tokens)}, nil)
}

// negated reports whether a negator stands before the match in its clause,
// outside of what the signal matched.
func (g *guards) negated(t *Text, m span, covered []bool) bool {
	for i := m.start - 1; i >= 0 && i >= m.start-negatorReach; i-- {
		if t.Tokens[i+1].Break != NoBreak {
			return false
		}
		if covered[i] {
			continue
		}
		if g.joint.at(t, i) > i {
			return false
		}
		if e := g.negator.at(t, i); e > i && e <= m.start {
			return true
		}
	}
	return false
}

// negatedWithin reports whether a negator stands in a gap of the match: the
// sequence matches there without it too ("the bucket is never public" for
// "bucket ... public").
func (g *guards) negatedWithin(seq []node, t *Text, m span) bool {
	for i := m.start; i < m.end; i++ {
		e := g.negator.at(t, i)
		if e == i {
			continue
		}
		masked := *t
		masked.Tokens = slices.Clone(t.Tokens)
		for k := i; k < e; k++ {
			masked.Tokens[k].Word = ""
		}
		if slices.ContainsFunc(ends(seq, &masked, m.start), func(end int) bool { return end >= e }) {
			return true
		}
	}
	return false
}

// begins reports whether one of the words stands before the match in its
// clause.
func (g *guards) begins(t *Text, clause, m span, covered []bool, words *wordSet) bool {
	return within(words, t, span{clause.start, m.start}, covered)
}

// clauseOf widens a match to the commas and stops around it.
func clauseOf(t *Text, m span) span {
	for m.start > 0 && t.Tokens[m.start].Break == NoBreak {
		m.start--
	}
	for m.end < len(t.Tokens) && t.Tokens[m.end].Break == NoBreak {
		m.end++
	}
	return m
}

// partOf widens a match to the stops around it, past commas.
func partOf(t *Text, m span) span {
	for m.start > 0 && t.Tokens[m.start].Break != HardBreak {
		m.start--
	}
	for m.end < len(t.Tokens) && t.Tokens[m.end].Break != HardBreak {
		m.end++
	}
	return m
}

// within reports whether one of the words stands in a run, outside of what is
// covered.
func within(words *wordSet, t *Text, in span, covered []bool) bool {
	for i := in.start; i < in.end; i++ {
		if covered != nil && covered[i] {
			continue
		}
		if words.at(t, i) > i {
			return true
		}
	}
	return false
}

// readOver blanks the turns of phrase whose words say nothing by themselves.
func (g *guards) readOver(t *Text) {
	for i := 0; i < len(t.Tokens); i++ {
		for e := g.idiom.at(t, i); i < e; i++ {
			t.Tokens[i].Word = ""
		}
	}
}

// IsPlanned reports whether the clause around the words puts off what it says.
func (l *Library) IsPlanned(t *Text, start, end int) bool {
	return within(&l.guard.planned, t, clauseOf(t, span{start, end}), nil)
}

// HasException reports whether a sentence limits what it says. "Only" limits a
// safeguard ("encrypted only at night") unless it limits what is let through
// ("accepts TLS 1.3 only", "only with a certificate").
func (l *Library) HasException(t *Text) bool {
	g := &l.guard
	for i := range t.Tokens {
		switch e := g.exception.at(t, i); {
		case e == i:
		case t.Tokens[i].Word == "most" && i > 0 && t.Tokens[i-1].Word == "at":
		case t.Tokens[i].Word == "only" && g.tightens(t, i):
		default:
			return true
		}
	}
	return false
}

// tightens reports whether the word "only" at a place makes a rule stricter: it
// stands in a clause that lets something through, before the condition for it,
// or is part of a word such as read-only.
func (g *guards) tightens(t *Text, only int) bool {
	if only > 0 && g.narrow.at(t, only-1) == only {
		return true
	}
	if only+1 < len(t.Tokens) && g.condition.at(t, only+1) > only+1 {
		return true
	}
	clause := clauseOf(t, span{only, only + 1})
	return within(&g.permit, t, clause, nil)
}

// SpeaksOfAttack reports whether a sentence tells what an attacker does.
func (l *Library) SpeaksOfAttack(t *Text) bool {
	return within(&l.guard.attack, t, span{0, len(t.Tokens)}, nil)
}

// IsAside reports whether a heading announces something else than the system
// as it is.
func (l *Library) IsAside(heading string) bool {
	t := l.Read(heading)
	return within(&l.guard.aside, t, span{0, len(t.Tokens)}, nil)
}
