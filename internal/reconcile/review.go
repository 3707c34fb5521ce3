package reconcile

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// VerdictsOf are the verdicts of a threat's controls by catalog:control, as a
// decision binds them.
func VerdictsOf(t *threatmodel.Threat) map[string]threatmodel.Verdict {
	if len(t.Controls) == 0 {
		return nil
	}
	out := map[string]threatmodel.Verdict{}
	for _, c := range t.Controls {
		out[c.Catalog+":"+c.ID] = c.Verdict
	}
	return out
}

// Binding are the anchors that a decision on a threat is bound to: the quotes
// that it rests on now, and those that contradict one of its controls.
func Binding(t *threatmodel.Threat) []threatmodel.Anchor {
	out := []threatmodel.Anchor{}
	known := map[place]bool{}
	stands := map[string]bool{}
	for _, a := range Anchors(t.Evidence) {
		stands[a.Hash] = true
	}
	for _, a := range t.Anchors {
		if stands[a.Hash] && !known[placeOf(a)] {
			known[placeOf(a)] = true
			out = append(out, a)
		}
	}
	for _, a := range contradicting(t) {
		if !known[placeOf(a)] {
			known[placeOf(a)] = true
			out = append(out, a)
		}
	}
	return out
}

// contradicting are the anchors of the quotes that speak against a threat or go
// round one of its controls.
func contradicting(t *threatmodel.Threat) []threatmodel.Anchor {
	var evidence []threatmodel.Evidence
	for _, e := range allEvidence(t) {
		if e.Role == threatmodel.Contradicts {
			evidence = append(evidence, e)
		}
	}
	return Anchors(evidence)
}

// Review tells why a decision must be looked at again, as far as the threat alone
// shows it: another verdict, proposed risk, element or family than those that
// the decision was taken on, or quotes where it had none. It returns nil where
// the decision stands. The cause is whose change it was.
func Review(d threatmodel.Decision, t *threatmodel.Threat, cause string) *threatmodel.ReviewDue {
	r := reasons{}
	for _, change := range verdictChanges(d.Verdicts, t) {
		r.add(change, cause, "", "")
	}
	if d.Proposed != "" && t.Proposed.Risk != "" && d.Proposed != t.Proposed.Risk {
		r.add(fmt.Sprintf("The proposed risk went from %s to %s.", d.Proposed, t.Proposed.Risk), cause, "", "")
	}
	if d.Element != "" && len(t.Elements) > 0 && d.Element != t.Elements[0] {
		r.add("Another element carries the weakness now.", cause, "", "")
	}
	if d.Family != "" && t.Family != "" && d.Family != t.Family {
		r.add(fmt.Sprintf("The weakness is of the family %s now; it was %s.", t.Family, d.Family), cause, "", "")
	}
	if len(d.Anchors) == 0 && len(t.Evidence) > 0 {
		r.add("When it was decided no sentence of it stood in the documents; now one does.", cause, "", t.Evidence[0].Quote)
	}
	return r.due()
}

// verdictChanges says in sentences how the verdicts of a threat differ from
// those before: of the controls that both have, and of the worst one, which
// changes too where controls come and go.
func verdictChanges(before map[string]threatmodel.Verdict, t *threatmodel.Threat) []string {
	if len(before) == 0 {
		return nil
	}
	after := VerdictsOf(t)
	if len(after) == 0 {
		return []string{"No control with a verdict is left."}
	}
	var out []string
	for control, verdict := range before {
		if now, ok := after[control]; ok && now != verdict {
			out = append(out, fmt.Sprintf("The verdict on %s went from %s to %s.", control, verdict, now))
		}
	}
	sort.Strings(out)
	if was, is := worst(before), worst(after); len(out) == 0 && was != is {
		out = append(out, fmt.Sprintf("The worst verdict on its controls went from %s to %s.", was, is))
	}
	return out
}

func worst(verdicts map[string]threatmodel.Verdict) threatmodel.Verdict {
	order := threatmodel.Verdicts()
	at := -1
	for _, v := range verdicts {
		at = max(at, slices.Index(order, v))
	}
	if at < 0 {
		return ""
	}
	return order[at]
}

// reasons gathers why a decision must be looked at again.
type reasons struct {
	sentences     []string
	cause         string
	before, after string
}

// add takes a reason. The first that has texts gives them; a cause that lies in
// the documents outweighs one that lies in the analyst.
func (r *reasons) add(sentence, cause, before, after string) {
	if !slices.Contains(r.sentences, sentence) {
		r.sentences = append(r.sentences, sentence)
	}
	if r.cause == "" || cause == threatmodel.CauseDocument {
		r.cause = cause
	}
	if r.before == "" && r.after == "" {
		r.before, r.after = before, after
	}
}

func (r *reasons) due() *threatmodel.ReviewDue {
	if len(r.sentences) == 0 {
		return nil
	}
	return &threatmodel.ReviewDue{Reason: strings.Join(r.sentences, " "), Cause: r.cause, Before: r.before, After: r.after}
}

// review tells whether the decisions in force on an old threat must be looked at
// again, now that it reads as t. One that was put up for that before stays so
// until a person decides anew.
func (p *Plan) review(o, t *threatmodel.Threat, doubtful bool, also *reasons) *threatmodel.ReviewDue {
	decisions := InForce(p.current[o.ID])
	if len(decisions) == 0 {
		if o.Source != threatmodel.SourcePerson {
			return nil
		}
		// What a person wrote is bound to the quotes that it was written on.
		decisions = []threatmodel.Decision{{Anchors: o.Anchors}}
	}
	for _, d := range decisions {
		known := d.Threat == "" || Recorded(d, p.former[o.ID])
		if known && o.ReviewDue != nil {
			due := *o.ReviewDue
			return &due
		}
		if due := p.drift(d, o, t, doubtful && !p.bindsExactly(d, t), also); due != nil {
			return due
		}
	}
	return nil
}

// bindsExactly reports whether a decision was taken on a threat as it reads now.
func (p *Plan) bindsExactly(d threatmodel.Decision, t *threatmodel.Threat) bool {
	k := KeyOf(t)
	x, y := hashesOf(d.Anchors), hashesOf(Binding(t))
	slices.Sort(x)
	slices.Sort(y)
	return d.Element == k.Element && d.Family == k.Family && slices.Equal(slices.Compact(x), slices.Compact(y))
}

// drift compares what a decision is bound to with what stands now.
func (p *Plan) drift(d threatmodel.Decision, o, t *threatmodel.Threat, doubtful bool, also *reasons) *threatmodel.ReviewDue {
	r := reasons{}
	bound := map[string]bool{}
	for _, a := range d.Anchors {
		bound[a.Hash] = true
		trace := p.in.Trail.Of(a)
		if trace.Fate.Stands() {
			continue
		}
		if now := p.successor(a, trace, t); now != "" {
			r.add("A sentence that the decision rests on was edited.", threatmodel.CauseDocument, a.Quote, now)
		} else {
			r.add("A sentence that the decision rests on is no longer in the documents.", threatmodel.CauseDocument, a.Quote, "")
		}
	}
	for _, a := range contradicting(o) {
		bound[a.Hash] = true
	}
	for _, a := range contradicting(t) {
		if !bound[a.Hash] {
			r.add("A sentence that speaks against it has come up.", p.quoteCause(a), "", a.Quote)
		}
	}
	if also != nil {
		for _, s := range also.sentences {
			r.add(s, also.cause, also.before, also.after)
		}
	}
	if due := Review(d, t, p.cause(o, t)); due != nil && d.Threat != "" {
		r.add(due.Reason, due.Cause, due.Before, due.After)
	}
	if doubtful {
		r.add("It was recognised as the same threat although its text or its element is another.", p.cause(o, t), "", "")
	}
	return r.due()
}

// successor is the sentence that stands now where a quote stood; empty where
// there is none. A quote that was lost in an earlier revision has left the
// trail: then it is the threat's own quote that is most like it.
func (p *Plan) successor(a threatmodel.Anchor, trace Trace, t *threatmodel.Threat) string {
	if trace.Fate == Edited {
		return trace.Anchor.Quote
	}
	words := wordsOf(Fold(a.Quote))
	best, most := "", 0.0
	for _, now := range t.Anchors {
		if len(p.in.Text.byHash[now.Hash]) == 0 {
			continue
		}
		other := wordsOf(Fold(now.Quote))
		if s := share(commonOrder(words, other), max(len(words), len(other))); s >= 0.5 && s > most {
			best, most = now.Quote, s
		}
	}
	return best
}

func (p *Plan) quoteCause(a threatmodel.Anchor) string {
	if p.in.Trail.stood(a.Hash) {
		return threatmodel.CauseAnalyst
	}
	return threatmodel.CauseDocument
}
