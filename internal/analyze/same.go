package analyze

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// alikeOnText, alikeInFamily and alikeAtElement are the cosines, by the
	// built-in embedding, from which two threats are suspected to be one: where
	// they share a sentence, a weakness family, or an element. Measured on four
	// models that readers had looked through for repeats.
	alikeOnText    = 0.35
	alikeInFamily  = 0.40
	alikeAtElement = 0.50
	// maxAlike is how many threats one question may compare.
	maxAlike = 8
)

// unite asks which of the threats that look alike are one, wherever they were
// found: the same weakness is met at a part, at the flow that leads there and in
// another document's words. What is certain was merged before; this is about what
// only a reader can tell.
func (r *run) unite(ctx context.Context, found []*candidate) (out []*candidate, err error) {
	defer func() { r.asBefore(out) }()
	a := r.cfg.Analyst
	if !a.Answers(threatmodel.StageMerge) {
		return found, nil
	}
	groups, err := r.alike(ctx, found)
	if err != nil {
		return found, err
	}
	units := make([]string, len(groups))
	answers := make([][]sameThreats, len(groups))
	err = r.each(ctx, threatmodel.StageMerge, len(groups), func(ctx context.Context, i int) error {
		group := r.undecided(groups[i], a)
		if len(group) < 2 {
			return nil
		}
		q := r.mergeQuestion(group)
		res, err := ask(ctx, r, a, q, func(ans *MergeAnswer) ([]sameThreats, []refusal) { return checkMerge(ans, group) })
		for _, part := range res.parts {
			answers[i] = append(answers[i], part...)
		}
		units[i] = res.unit
		return err
	})
	gone := map[*candidate]bool{}
	for i, list := range answers {
		for _, s := range list {
			r.uniteOne(s, units[i], gone)
		}
	}
	found = slices.DeleteFunc(slices.Clone(found), func(c *candidate) bool { return gone[c] })
	return r.unitedBefore(found), err
}

// sameThreats are candidates that are one threat.
type sameThreats struct {
	into   *candidate
	others []*candidate
	reason string
}

// uniteOne makes one of candidates that were said to be one, and records it.
func (r *run) uniteOne(s sameThreats, unit string, gone map[*candidate]bool) {
	if gone[s.into] {
		return
	}
	for _, c := range s.others {
		if gone[c] || r.knownApart(s.into, c) {
			continue
		}
		gone[c] = true
		r.reject(threatmodel.Rejection{
			Stage: threatmodel.StageMerge, What: "threat", Title: c.threat.Title, Reason: "It repeats another threat: " + s.into.threat.Title + ". " + s.reason,
			Unit: unit, Source: c.threat.Source, Element: c.threat.Elements[0], Evidence: c.threat.Evidence,
		})
		carrier := r.plainCarrier(s.into, c)
		s.into.absorb(c)
		s.into.carriedBy(carrier)
	}
}

// knownApart reports whether the baseline has two candidates as two threats, on
// each of which a person may have decided.
func (r *run) knownApart(a, b *candidate) bool {
	if r.in.Baseline == nil {
		return false
	}
	x, y := r.knownAs(a), r.knownAs(b)
	return x != "" && y != "" && x != y
}

// alikePair is two candidates that may be one.
type alikePair struct {
	a, b int
	near float32
}

// alike groups the candidates that may be one threat, the most alike first, at
// most maxAlike in a group. It goes by the built-in embedding whatever the
// system's passages are searched with: its measure is what the bounds were set for.
func (r *run) alike(ctx context.Context, found []*candidate) ([][]*candidate, error) {
	sorted := slices.Clone(found)
	sortCandidates(sorted)
	e, err := embed.Builtin()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(sorted))
	for i, c := range sorted {
		texts[i] = c.threat.Title + ". " + c.threat.Statement
	}
	vectors, err := e.Embed(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("comparing the threats: %w", err)
	}
	var pairs []alikePair
	for j := range sorted {
		for i := range j {
			if least, ok := leastAlike(&sorted[i].threat, &sorted[j].threat); ok {
				if near := embed.Dot(vectors[i], vectors[j]); near >= least {
					pairs = append(pairs, alikePair{i, j, near})
				}
			}
		}
	}
	slices.SortStableFunc(pairs, func(x, y alikePair) int { return cmp.Compare(y.near, x.near) })
	return grouped(sorted, pairs), nil
}

// leastAlike is how near two threats must be to be suspected; false where
// nothing ties them.
func leastAlike(x, y *threatmodel.Threat) (float32, bool) {
	switch {
	case overlap(x.Evidence, y.Evidence) > 0:
		return alikeOnText, true
	case x.Family == y.Family:
		return alikeInFamily, true
	case slices.ContainsFunc(x.Elements, func(id string) bool { return contains(y.Elements, id) }):
		return alikeAtElement, true
	}
	return 0, false
}

// grouped joins pairs to groups, in their order, as long as a group stays small
// enough.
func grouped(list []*candidate, pairs []alikePair) [][]*candidate {
	group := make([][]int, len(list))
	for i := range list {
		group[i] = []int{i}
	}
	for _, p := range pairs {
		a, b := group[p.a], group[p.b]
		if a[0] == b[0] || len(a)+len(b) > maxAlike {
			continue
		}
		both := append(slices.Clone(a), b...)
		slices.Sort(both)
		for _, i := range both {
			group[i] = both
		}
	}
	var out [][]*candidate
	for i := range list {
		if len(group[i]) < 2 || group[i][0] != i {
			continue
		}
		var members []*candidate
		for _, j := range group[i] {
			members = append(members, list[j])
		}
		out = append(out, members)
	}
	return out
}

// undecided leaves out of a group what the baseline has answered: the question
// itself, if it was put, else which of the candidates it had as one threat and
// which as several. Only where a candidate is new is there anything to ask.
func (r *run) undecided(group []*candidate, a Analyst) []*candidate {
	if r.in.Baseline == nil || r.in.Fresh || r.newVersions() {
		return group
	}
	hash, err := a.InputHash(r.mergeQuestion(group))
	if err == nil && r.baselineByHash[hash] != nil {
		return group
	}
	if slices.ContainsFunc(group, func(c *candidate) bool { return r.knownAs(c) == "" }) {
		return group
	}
	return nil
}

// unitedBefore makes one of candidates that the baseline had as one threat: an
// analyst that is asked again in part must not bring back what it had called a
// repeat.
func (r *run) unitedBefore(found []*candidate) []*candidate {
	if r.in.Baseline == nil {
		return found
	}
	first := map[string]*candidate{}
	var out []*candidate
	for _, c := range found {
		id := r.knownAs(c)
		into := first[id]
		if id == "" || into == nil || !r.askedFor(c) && !r.askedFor(into) {
			first[id] = c
			out = append(out, c)
			continue
		}
		carrier := r.plainCarrier(into, c)
		into.absorb(c)
		into.carriedBy(carrier)
	}
	return out
}

// askedFor reports whether a candidate came out of a question that this run put:
// what was taken over from the baseline goes the way that it went there.
func (r *run) askedFor(c *candidate) bool {
	return slices.ContainsFunc(c.threat.Provenance, func(unit string) bool { return r.asked[unit] })
}

// knownAs is the one threat of the baseline all of whose kind a candidate is: it
// rests on nothing but that threat's sentences, is of a family that it was given,
// and lies at one of its elements. Empty where none or several are.
func (r *run) knownAs(c *candidate) string {
	id := ""
	for i := range r.in.Baseline.Threats {
		old := &r.in.Baseline.Threats[i]
		if !old.Live() || len(old.Steps) > 0 || !contains(old.Elements, c.threat.Elements[0]) || !r.within(&c.threat, old) {
			continue
		}
		if id != "" {
			return ""
		}
		id = old.ID
	}
	return id
}

func (r *run) within(t, old *threatmodel.Threat) bool {
	for _, e := range t.Evidence {
		if !slices.ContainsFunc(old.Evidence, func(x threatmodel.Evidence) bool { return passage.Fold(x.Quote) == passage.Fold(e.Quote) }) {
			return false
		}
	}
	return t.Family == old.Family || slices.ContainsFunc(old.CWE, func(cwe int) bool { return r.weakness.Family(cwe) == t.Family })
}

// mergeQuestion shows threats that look alike, with the passages they rest on.
func (r *run) mergeQuestion(group []*candidate) *Question {
	about := &MergeAbout{}
	q := &Question{Stage: threatmodel.StageMerge, Titles: r.titles, About: about}
	var subject []string
	var evidence []threatmodel.Evidence
	for _, c := range group {
		evidence = append(evidence, c.threat.Evidence...)
		q.Passages = append(q.Passages, r.passagesOf(c.threat.Evidence)...)
		subject = append(subject, treatSubject(&c.threat))
	}
	q.Passages = uniquePassages(q.Passages)
	r.inOrder(q.Passages)
	q.Passages = linesOf(q.Passages, evidence, nil)
	for _, c := range group {
		about.Threats = append(about.Threats, r.viewThreat(&c.threat, q.Passages))
	}
	q.Subject = threatmodel.ShortID("G", strings.Join(subject, "\x00"), 6)
	return q
}

// checkMerge takes groups of two listed threats or more, each in one group, that
// the text ties to the one they are united with.
func checkMerge(a *MergeAnswer, group []*candidate) ([]sameThreats, []refusal) {
	var (
		out      []sameThreats
		refusals []refusal
		used     = map[*candidate]bool{}
	)
	for _, g := range a.Same {
		s, reason := readSame(&g, group, used)
		if reason != "" {
			title := strings.Join(g.Threats, " = ")
			refusals = append(refusals, refusal{What: "threat", Title: title, Names: g.Threats, Reason: reason, Repairable: true})
			continue
		}
		if len(s.others) > 0 {
			out = append(out, s)
		}
	}
	return out, refusals
}

func readSame(g *MergeGroup, group []*candidate, used map[*candidate]bool) (sameThreats, string) {
	s := sameThreats{reason: passage.Fold(g.Reason)}
	into := aliasIndex("X", g.Fuller, len(group))
	if into < 0 {
		return s, g.Fuller + " is not one of the threats listed"
	}
	s.into = group[into]
	for _, alias := range append([]string{g.Fuller}, g.Threats...) {
		i := aliasIndex("X", alias, len(group))
		switch {
		case i < 0:
			return s, alias + " is not one of the threats listed"
		case group[i] == s.into || slices.Contains(s.others, group[i]):
			continue
		case used[group[i]] || used[s.into]:
			return s, alias + " stands in two groups"
		}
		if _, tied := leastAlike(&s.into.threat, &group[i].threat); !tied {
			return s, alias + " shares neither a sentence nor an element nor the kind of weakness with " + g.Fuller
		}
		s.others = append(s.others, group[i])
	}
	for _, c := range append([]*candidate{s.into}, s.others...) {
		used[c] = true
	}
	return s, ""
}
