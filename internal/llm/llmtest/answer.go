package llmtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// answers gives the answer of each stage.
var answers = map[string]func(*prompt) object{
	"brief": brief, "survey": survey, "resolve": resolve, "elicit": elicit,
	"merge": merge, "chain": chain, "challenge": challenge, "treat": treat,
}

// partName matches the names of parts that the server understands: capitalised
// words that end in a word for a kind of thing.
var partName = regexp.MustCompile(`(?:[A-Z][a-z]+ )+(?:Gateway|Service|Job|Worker|Console|Desk|Store|Queue|Log|Bucket|User|Partner|Operator|Zone)\b`)

// kindOf tells the kind of a part by its last word.
func kindOf(name string) string {
	switch name[strings.LastIndexByte(name, ' ')+1:] {
	case "Store", "Queue", "Log", "Bucket":
		return "data_store"
	case "User", "Partner", "Operator":
		return "external_entity"
	case "Zone":
		return "trust_boundary"
	}
	return "process"
}

// parts are the names in a sentence, in order, without a leading article.
func parts(text string) []string {
	var out []string
	for _, name := range partName.FindAllString(text, -1) {
		for _, lead := range []string{"The ", "Every ", "Each ", "An ", "A "} {
			name = strings.TrimPrefix(name, lead)
		}
		if strings.Contains(name, " ") {
			out = append(out, name)
		}
	}
	return out
}

func brief(p *prompt) object {
	facts := []object{}
	for i, s := range p.sentences {
		if i == 0 && len(strings.Fields(s.text)) >= 4 {
			facts = append(facts, object{"fact": "purpose", "value": pick(p, "Takes orders", "A system for orders", "Orders are taken"), "citations": []object{cite(s)}})
		}
		if strings.Contains(s.text, "over the internet") {
			facts = append(facts, object{"fact": "exposure", "value": pick(p, "The internet", "From the internet"), "citations": []object{cite(s)}})
		}
	}
	return object{"facts": facts}
}

// flowVerbs state a flow between the names before and after them.
var flowVerbs = regexp.MustCompile(`\b(?:calls|sends|writes|reads|posts|uploads|queries)\b`)

func survey(p *prompt) object {
	elements, flows, assets, controls, aimed := []object{}, []object{}, []object{}, []object{}, []object{}
	seen := map[string]bool{}
	for _, s := range p.sentences {
		names := parts(s.text)
		inside := any(nil)
		if strings.Contains(s.text, " inside the ") && len(names) > 1 && kindOf(names[len(names)-1]) == "trust_boundary" {
			inside = names[len(names)-1]
		}
		for i, name := range names {
			if seen[name] && inside == nil {
				continue
			}
			seen[name] = true
			e := object{"name": name, "kind": kindOf(name), "aliases": []string{}, "technologies": []string{}, "exposure": exposureOf(name), "inside": nil, "citations": []object{cite(s)}}
			if i == 0 {
				e["inside"] = inside
			}
			elements = append(elements, e)
		}
		if len(names) > 1 && flowVerbs.MatchString(s.text) {
			flows = append(flows, object{"from": names[0], "to": names[1], "what": pick(p, "requests", "data", "messages"), "protocol": protocolOf(s.text), "citations": []object{cite(s)}})
		}
		if strings.Contains(s.text, " keeps ") && len(names) > 0 {
			_, what, _ := strings.Cut(s.text, " keeps ")
			assets = append(assets, object{"name": strings.TrimRight(what, "."), "class": "confidential", "kinds": []string{"personal"}, "held_by": names[:1], "citations": []object{cite(s)}})
		}
		if stated := mechanism(s.text); stated != "" && len(names) > 0 {
			controls = append(controls, object{"name": stated, "elements": names, "verdict": "enforced", "citations": []object{cite(s)}})
		}
		if strings.Contains(s.text, "language model") {
			aimed = append(aimed, cite(s))
		}
	}
	return object{"elements": rotate(elements, p.variant), "flows": rotate(flows, p.variant), "assets": assets, "controls": controls, "aimed_at_model": aimed}
}

func exposureOf(name string) string {
	if kindOf(name) == "external_entity" {
		return "internet"
	}
	return "unknown"
}

func protocolOf(text string) any {
	for _, protocol := range []string{"HTTPS", "HTTP"} {
		if strings.Contains(text, protocol) {
			return protocol
		}
	}
	return nil
}

// mechanism names the control that a sentence states with its mechanism.
func mechanism(text string) string {
	for _, m := range []struct{ cue, name string }{
		{"signature verifies", "Callback signatures"}, {"is encrypted with", "Encryption"}, {"authenticates with", "Authentication"}, {"writes an audit record", "Audit trail"},
	} {
		if strings.Contains(text, m.cue) {
			return m.name
		}
	}
	return ""
}

// resolve finds names that differ by a trailing "Service" only.
func resolve(p *prompt) object {
	groups := []object{}
	for i, a := range p.names {
		for _, b := range p.names[i+1:] {
			if strings.TrimSuffix(a.name(), " Service") == strings.TrimSuffix(b.name(), " Service") {
				groups = append(groups, object{"names": []string{a.alias, b.alias}})
			}
		}
	}
	return object{"groups": groups}
}

func elicit(p *prompt) object {
	threats := []object{}
	if p.subject == "E1" && len(p.elements) > 0 {
		for _, w := range weaknesses {
			for _, s := range p.sentences {
				if strings.Contains(s.text, w.cue) && slices.Contains(parts(s.text)[:min(1, len(parts(s.text)))], p.elements[0].name()) {
					threats = append(threats, w.threat(p, s, "E1"))
				}
			}
		}
	}
	reasons := []object{}
	covered := map[string]bool{}
	for _, t := range threats {
		for _, s := range t["stride"].([]string) {
			covered[s] = true
		}
	}
	for _, s := range p.stride {
		if !covered[s] {
			reasons = append(reasons, object{"stride": s, "reason": pick(p, "Nothing in the passages gives rise to it.", "The passages show no way to it.")})
		}
	}
	return object{"threats": rotate(threats, p.variant), "questions": []object{}, "not_applicable": reasons}
}

// threat makes a threat of a weakness stated in a sentence.
func (w weakness) threat(p *prompt, s sentence, element string) object {
	same := any(nil)
	if p.claim == ClaimFirst && len(p.formers) > 0 {
		same = "O1"
	}
	name := parts(s.text)[0]
	assets := []string{}
	for _, a := range p.assets {
		assets = append(assets, a.alias)
	}
	return object{
		"title":   fmt.Sprintf(pick(p, w.titles...), name),
		"element": element, "others": []string{}, "source": pick(p, "attacker", "malicious outsider", "hostile caller"), "prerequisites": "none",
		"action": fmt.Sprintf(pick(p, w.actions...), name), "impact": pick(p, w.impacts...), "properties": []string{"confidentiality"}, "assets": assets,
		"stride": []string{w.stride}, "cwe": w.cwes[p.variant%len(w.cwes)], "capec": []int{}, "attack": []string{}, "pattern": "none",
		"citations": []object{cite(s)}, "exposure": "internet", "prerequisite": "none", "scope": "all",
		"mitigations": []string{pick(p, "Close it.", "Put a check there.")}, "same_as": same,
	}
}

// merge makes one of threats that rest on the same sentence at the same place.
func merge(p *prompt) object {
	same := []object{}
	taken := map[string]bool{}
	for i, a := range p.candidates {
		group := []string{a.alias}
		for _, b := range p.candidates[i+1:] {
			if !taken[b.alias] && restingOn(a) != "" && restingOn(a) == restingOn(b) && placeOf(a) == placeOf(b) {
				group = append(group, b.alias)
				taken[b.alias] = true
			}
		}
		if len(group) > 1 && !taken[a.alias] {
			same = append(same, object{"threats": group, "fuller": a.alias, "reason": pick(p, "One change closes both.", "Both are mended by the same change.")})
		}
	}
	return object{"same": same}
}

func restingOn(x named) string {
	if m := restsOn.FindStringSubmatch(x.text); m != nil {
		return m[1]
	}
	return ""
}

// placeOf is the element of a listed candidate.
func placeOf(x named) string {
	_, at, _ := strings.Cut(x.text, "at ")
	at, _, _ = strings.Cut(at, ":")
	return at
}

// chain joins the threats of a path at up to three places, in the order of the
// rules: which of them comes first in the prompt does not count.
func chain(p *prompt) object {
	steps := []object{}
	seen := map[string]bool{}
	for _, w := range weaknesses {
		for _, t := range p.threats {
			at, number := threatAt(t)
			alias, text := p.element(at), p.sentence(number)
			if alias == "" || seen[alias] || len(steps) == 3 || !strings.Contains(text, w.cue) {
				continue
			}
			seen[alias] = true
			steps = append(steps, object{
				"element": alias, "action": fmt.Sprintf(pick(p, w.actions...), at), "stride": w.stride,
				"cwe": w.cwes[p.variant%len(w.cwes)], "citations": []object{cite(sentence{number, text})},
			})
		}
	}
	if len(steps) < 2 {
		return object{"chains": []object{}}
	}
	return object{"chains": []object{{
		"title": pick(p, "From the entry to the data in two moves", "An outsider walks through to the data"), "source": "attacker", "prerequisites": "none",
		"impact": pick(p, "the data is in foreign hands", "all records leak"), "properties": []string{"confidentiality"}, "steps": steps,
		"prerequisite": "none", "scope": "all", "mitigations": []string{"Cut it at the first step."}, "same_as": nil,
	}}}
}

var rests = regexp.MustCompile(`\[(P\d+\.\d+)`)

// threatAt reads the place of a listed threat and the sentence that it rests on.
func threatAt(t named) (element, sentence string) {
	_, at, _ := strings.Cut(t.text, "at ")
	at, _, _ = strings.Cut(at, ":")
	if m := rests.FindStringSubmatch(t.text); m != nil {
		sentence = m[1]
	}
	return at, sentence
}

// denials are sentences that show a threat's premise to be false, or rule it
// out by a stated mechanism.
var denials = []string{"were removed", "does not exist", "signature verifies", "cannot be reached"}

var restsOn = regexp.MustCompile(`Rests on (P\d+\.\d+)`)

func challenge(p *prompt) object {
	verdicts, cells := []object{}, []object{}
	for _, x := range p.candidates {
		verdicts = append(verdicts, judge(p, x))
	}
	for _, u := range p.cells {
		cells = append(cells, object{"cell": u.alias, "applies": false, "reason": pick(p, "Nothing there can be attacked in this way.", "There is no such surface.")})
	}
	return object{"verdicts": rotate(verdicts, p.variant), "cells": cells, "threats": []object{}}
}

// judge contradicts a candidate where a sentence about the same thing denies
// it.
func judge(p *prompt, x named) object {
	out := object{"candidate": x.alias, "duplicate_of": "none", "verdict": "insufficient", "reason": "No sentence decides it.", "citations": []object{}}
	m := restsOn.FindStringSubmatch(x.text)
	if m == nil {
		return out
	}
	ground := p.sentence(m[1])
	for _, s := range p.sentences {
		for _, d := range denials {
			if s.number != m[1] && strings.Contains(s.text, d) && shareWords(ground, s.text) {
				return object{"candidate": x.alias, "duplicate_of": "none", "verdict": "contradicted", "reason": pick(p, "Another sentence rules it out.", "The premise is denied elsewhere."), "citations": []object{cite(s)}}
			}
		}
	}
	for _, w := range weaknesses {
		if strings.Contains(ground, w.cue) {
			return object{"candidate": x.alias, "duplicate_of": "none", "verdict": "supported", "reason": pick(p, "The sentence says so.", "It stands there."), "citations": []object{cite(sentence{m[1], ground})}}
		}
	}
	return out
}

// shareWords reports whether two sentences speak of the same part and the same
// thing: a name and a further word of five letters or more.
func shareWords(a, b string) bool {
	names := 0
	for _, n := range parts(a) {
		if strings.Contains(b, n) {
			names++
			a = strings.ReplaceAll(a, n, "")
		}
	}
	if names == 0 {
		return false
	}
	for _, w := range strings.Fields(strings.ToLower(a)) {
		w = strings.Trim(w, ".,s")
		if len(w) >= 5 && strings.Contains(strings.ToLower(b), w) {
			return true
		}
	}
	return false
}

// treat takes the first control: absent, unless a sentence states a mechanism
// for the threat's element, or asserts that it is secured.
func treat(p *prompt) object {
	if len(p.controls) == 0 {
		return object{"controls": []object{}, "none_reason": "None of them answers it.", "mitigations": []object{}}
	}
	c := object{"control": "C1", "verdict": "absent", "rationale": pick(p, "No passage states it.", "It is stated nowhere."), "states": []object{}, "contradicts": []object{}}
	if len(p.elements) > 0 {
		for _, s := range p.sentences {
			if !strings.Contains(s.text, p.elements[0].name()) {
				continue
			}
			switch {
			case mechanism(s.text) != "":
				c["verdict"], c["states"], c["rationale"] = "partial", []object{cite(s)}, "A mechanism is stated, for another path."
			case strings.Contains(s.text, "is secured") && c["verdict"] == "absent":
				c["verdict"], c["states"], c["rationale"] = "claimed", []object{cite(s)}, "It is asserted without any mechanism."
			}
		}
	}
	return object{"controls": []object{c}, "none_reason": nil, "mitigations": []object{{"text": pick(p, "Add the control.", "Introduce it."), "control": "C1"}}}
}

// pick chooses a wording by the variant.
func pick(p *prompt, wordings ...string) string { return wordings[p.variant%len(wordings)] }

// rotate begins a list elsewhere.
func rotate(in []object, n int) []object {
	if len(in) == 0 {
		return in
	}
	n %= len(in)
	return append(append([]object{}, in[n:]...), in[:n]...)
}
