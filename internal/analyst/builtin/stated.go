package builtin

import (
	"slices"

	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// statement is a safeguard as a sentence states it.
type statement struct {
	control *pattern.Control
	verdict threatmodel.Verdict
	hit     pattern.Hit
}

// stated are the safeguards of a sentence: enforced where it says how, partial
// where it limits that, claimed where it only asserts, inherited where somebody
// else does it for the system. A sentence that states
// a weakness too, or names an outdated mechanism, is taken for partial at best.
func (a *Analyst) stated(x *sentence) []statement {
	var out []statement
	weak := len(x.of(pattern.Weakness)) > 0 || a.holds("outdated", x.text)
	_, _, provided := a.lib.Says("provided", x.text)
	for _, h := range x.hits {
		v := threatmodel.Enforced
		switch h.Role {
		case pattern.Mechanism:
		case pattern.Claim:
			v = threatmodel.Claimed
		default:
			continue
		}
		switch {
		case v == threatmodel.Enforced && (weak || a.lib.HasException(x.text)):
			v = threatmodel.Partial
		case provided && !weak:
			v = threatmodel.Inherited
		}
		c := a.lib.Controls()[h.Owner]
		i := slices.IndexFunc(out, func(s statement) bool { return s.control == c })
		switch {
		case i < 0:
			out = append(out, statement{c, v, h})
		case out[i].verdict == threatmodel.Claimed:
			out[i].verdict, out[i].hit = v, h
		}
	}
	return out
}

// answers reports whether a control answers a weakness family.
func (s statement) answers(family string) bool { return slices.Contains(s.control.Families, family) }

// general reports whether a sentence speaks of the whole system: of all things
// of a kind, not of "every night".
func (a *Analyst) general(t *pattern.Text) bool {
	for i := range t.Tokens {
		if e := a.lib.At("general", t, i); e > i && (e == len(t.Tokens) || a.lib.At("time", t, e) == e) {
			return true
		}
	}
	return false
}

// holds reports whether a text holds one of a group of words.
func (a *Analyst) holds(group string, t *pattern.Text) bool {
	for i := range t.Tokens {
		if a.lib.At(group, t, i) > i {
			return true
		}
	}
	return false
}
