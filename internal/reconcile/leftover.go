package reconcile

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// disposition is what is done with an old threat that no new one continues.
type disposition int

const (
	stays      disposition = iota // it stands as it was
	challenged                    // its text was edited: challenge decides
	refutedNow                    // the edited text contradicts it
	textGone                      // its text or its element is gone
	tombstone                     // it was resolved before
	merged                        // another threat stands for it
)

// unmatched is an old threat that no new one continues.
type unmatched struct {
	old *threatmodel.Threat
	as  disposition
	// silent is true where its units were asked again and did not find it.
	silent bool
	// reason says why it is contradicted or gone, against by which quotes.
	reason  string
	against []threatmodel.Evidence
	// other is the threat that it was merged into, or that it would have been
	// but for another decision.
	other string
}

// place settles an old threat that is left over.
func (p *Plan) place(s *subject, refuted *Refuted) unmatched {
	t := s.threat
	u := unmatched{old: t}
	standing, edited, gone := p.fates(t)
	reused := p.reused(t)
	if refuted != nil {
		u.reason, u.against = refuted.Reason, refuted.Against
	}
	switch {
	case t.Status == threatmodel.StatusResolved:
		u.as = tombstone
	case edited+gone == 0, reused && standing+edited > 0:
		u.as, u.silent = stays, !reused && t.Source != threatmodel.SourcePerson
	case standing+edited == 0:
		u.as, u.reason = textGone, "What it rested on is no longer in the documents."
	case !p.exists(s.key.Element):
		u.as, u.reason = textGone, "The element that carried the weakness is no longer in the documents."
	case t.Source == threatmodel.SourcePerson:
		u.as = stays
	case refuted != nil:
		u.as = refutedNow
	case t.Source == threatmodel.SourcePattern && p.in.Patterns:
		u.as, u.reason = refutedNow, "The pattern that found it no longer fits the edited text."
	default:
		u.as = challenged
	}
	return u
}

// fates counts what became of a threat's anchors.
func (p *Plan) fates(t *threatmodel.Threat) (standing, edited, gone int) {
	for _, a := range t.Anchors {
		switch p.in.Trail.Of(a).Fate {
		case Edited:
			edited++
		case Gone:
			gone++
		default:
			standing++
		}
	}
	return standing, edited, gone
}

// reused reports whether every unit that produced a threat kept its answer. Those
// of a threat that was not reproduced before no longer give it.
func (p *Plan) reused(t *threatmodel.Threat) bool {
	if t.NotReproduced {
		return false
	}
	asked := slices.ContainsFunc(t.Provenance, func(unit string) bool { return !p.in.Reused[unit] })
	return len(t.Provenance) > 0 && !asked
}

func (p *Plan) exists(element string) bool {
	return element == "" || p.in.New.Element(element) != nil
}

// decided reports whether a person spoke to a threat, or wrote it.
func (p *Plan) decided(t *threatmodel.Threat) bool {
	return t.Source == threatmodel.SourcePerson || len(InForce(p.current[t.ID])) > 0
}

// merge lets one threat stand for the old ones that a new one continues: a
// decided one before an open one, then the earlier. Those that were decided
// differently stay apart. It returns the old ones still left over.
func (p *Plan) merge(m *matching) []*subject {
	groups := map[int][]*subject{} // by index of the new threat
	var left []*subject
	for i, o := range m.old {
		if _, used := m.newOf[i]; used {
			continue
		}
		if j := m.mostLike(o); j >= 0 && o.threat.Status != threatmodel.StatusResolved {
			groups[j] = append(groups[j], o)
			continue
		}
		left = append(left, o)
	}
	for j := range m.found {
		if len(groups[j]) == 0 {
			continue
		}
		at := slices.IndexFunc(p.continued, func(c continued) bool { return c.found == m.found[j].index })
		p.mergeInto(&p.continued[at], groups[j])
	}
	p.revive(m)
	return left
}

// mostLike is the new threat that continues another old one and stands for o as
// well: it has the key, and more than half of the quotes that are left of o. It
// is -1 where there is none: one quote in common does not make two threats one.
func (m *matching) mostLike(o *subject) int {
	best, most := -1, 0.0
	for j, n := range m.found {
		i, used := m.oldOf[j]
		if !used || n.key != o.key || m.old[i].key != o.key {
			continue
		}
		if s := score(o, n); 2*common(o.anchors, n.anchors) > len(o.anchors) && s > most {
			best, most = j, s
		}
	}
	return best
}

// mergeInto settles which of the old threats goes on as the new one.
func (p *Plan) mergeInto(c *continued, others []*subject) {
	group := []*threatmodel.Threat{c.old}
	for _, o := range others {
		group = append(group, o.threat)
	}
	slices.SortFunc(group, p.precedence)
	survivor := group[0]
	if p.disagree(survivor, c.old) {
		survivor = c.old
	}
	if survivor != c.old {
		c.old, c.how = survivor, byKeyAndAnchor
	}
	for _, t := range group {
		switch {
		case t == survivor:
		case t.Status == threatmodel.StatusResolved:
			p.unmatched = append(p.unmatched, unmatched{old: t, as: tombstone})
		case p.disagree(t, survivor):
			u := p.place(&subject{threat: t, key: p.currentKey(t)}, nil)
			u.other = survivor.ID
			p.unmatched = append(p.unmatched, u)
		default:
			p.unmatched = append(p.unmatched, unmatched{old: t, as: merged, other: survivor.ID})
		}
	}
}

// precedence orders threats that could stand for each other: one that a person
// called a duplicate or that is resolved comes last, a decided one before an open
// one, an earlier one before a later one.
func (p *Plan) precedence(a, b *threatmodel.Threat) int {
	return cmp.Or(
		compareBool(a.Status != threatmodel.StatusResolved, b.Status != threatmodel.StatusResolved),
		compareBool(a.DuplicateOf == "", b.DuplicateOf == ""),
		compareBool(p.decided(a), p.decided(b)),
		p.earlier(a, b),
	)
}

// disagree reports whether people decided two threats differently.
func (p *Plan) disagree(a, b *threatmodel.Threat) bool {
	if a == b || !p.decided(a) || !p.decided(b) || a.DuplicateOf == b.ID || b.DuplicateOf == a.ID {
		return false
	}
	if a.Status != b.Status || a.DuplicateOf != b.DuplicateOf {
		return true
	}
	x, y := Rerated(p.current[a.ID]), Rerated(p.current[b.ID])
	return x != nil && y != nil && (x.Likelihood != y.Likelihood || x.Impact != y.Impact)
}

// revive lets threats that were merged before go on where they are found apart
// again. The others stay merged.
func (p *Plan) revive(m *matching) {
	before := p.oldSubjects(func(t *threatmodel.Threat) bool { return t.MergedInto != "" })
	var left []*subject
	for j, n := range m.found {
		if _, used := m.oldOf[j]; !used {
			left = append(left, n)
		}
	}
	again := newMatching(before, left)
	again.pass(byKeyAndAnchor, func(o, n *subject) bool { return o.key == n.key && overlap(o, n) > 0 })
	for i, o := range before {
		j, ok := again.newOf[i]
		if !ok {
			p.unmatched = append(p.unmatched, unmatched{old: o.threat, as: merged, other: o.threat.MergedInto})
			continue
		}
		p.continued = append(p.continued, continued{o.threat, left[j].index, byKeyAndAnchor})
	}
}

// separate marks the new threats that came off an old one which goes on as
// another: the same key, and an anchor in common.
func (p *Plan) separate(m *matching) {
	isContinued := map[int]bool{}
	for _, c := range p.continued {
		isContinued[c.found] = true
	}
	for _, n := range m.found {
		best, most := -1, 0.0
		for i, o := range m.old {
			if _, used := m.newOf[i]; !used || o.key != n.key {
				continue
			}
			if s := score(o, n); overlap(o, n) > 0 && s > most {
				best, most = i, s
			}
		}
		if best >= 0 && !isContinued[n.index] {
			p.splitFrom[n.index] = m.old[best].threat.ID
		}
	}
}
