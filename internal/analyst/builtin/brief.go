package builtin

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// purposeWords bounds the sentence that is taken for a system's purpose.
const purposeWords = 40

// brief states what the beginnings of the documents say of the system.
func (v *view) brief(about *analyze.BriefAbout) *analyze.BriefAnswer {
	out := &analyze.BriefAnswer{Facts: []analyze.BriefFact{}}
	add := func(fact, value string, at place) {
		if c, ok := v.cite(at); ok {
			out.Facts = append(out.Facts, analyze.BriefFact{Fact: fact, Value: value, Citations: []ground.Citation{c}})
		}
	}
	if at, ok := v.purpose(about.System); ok {
		add("purpose", v.source(at).Text, at)
	}
	var data, users []string
	var dataAt, usersAt place
	for _, at := range v.places() {
		x := v.sentence(at)
		for _, e := range exposures {
			if _, _, ok := v.a.lib.Says(e.group, x.text); ok {
				add("exposure", string(e.exposure), at)
			}
		}
		if _, _, ok := v.a.lib.Says("tenancy-multi", x.text); ok {
			add("tenancy", "serves several organizations", at)
		}
		if len(data) == 0 {
			dataAt = at
		}
		for _, h := range x.of(pattern.Holding) {
			data = unite(data, []string{lowerFirst(v.a.lib.Assets()[h.Owner].Name)})
		}
		for i := range x.names {
			n := &x.names[i]
			if n.entry != nil && n.entry.Type == "party" {
				if len(users) == 0 {
					usersAt = at
				}
				users = unite(users, []string{n.text})
			}
			if n.entry != nil && slices.Contains(n.tags, "kubernetes") {
				add("deployment", n.text, at)
			}
		}
	}
	if len(data) > 0 {
		add("data_classes", strings.Join(data, ", "), dataAt)
	}
	if len(users) > 0 {
		add("users", strings.Join(users, ", "), usersAt)
	}
	return out
}

// purpose is the first sentence that says what the system is or does.
func (v *view) purpose(system string) (place, bool) {
	name := strings.Fields(key(system))
	for _, at := range v.places() {
		p := &v.q.Passages[at.passage]
		x := v.sentence(at)
		n := len(x.text.Tokens)
		if p.Kind != threatmodel.BlockParagraph || n < 8 || n > purposeWords {
			continue
		}
		starts := len(name) > 0 && sameStem(x.text.Tokens[0].Word, name[0])
		is := slices.ContainsFunc(x.text.Tokens[:6], func(t pattern.Token) bool {
			return t.Word == "is" || t.Word == "provides" || t.Word == "enables" || t.Word == "are"
		})
		if starts || is {
			return at, true
		}
	}
	return place{}, false
}
