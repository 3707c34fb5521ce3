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

// kindsOfSystem are the words for what a system can be.
var kindsOfSystem = []string{
	"platform", "system", "service", "portal", "product", "application", "app", "tool", "project", "operator", "engine", "gateway",
	"database", "framework", "solution", "marketplace", "shop", "store", "assistant", "protocol", "storage", "orchestrator", "controller", "website",
}

// openingWords in a title or heading promise to say what the system is.
var openingWords = []string{"overview", "introduction", "purpose", "summary", "about", "background", "scope"}

const purposeScore = 3 // what a sentence must reach to be taken

// purpose is the sentence that best says what the system is or does; of several
// the first.
func (v *view) purpose(system string) (place, bool) {
	var best place
	most := purposeScore - 1
	aimed := map[int]bool{}
	for _, at := range v.places() {
		aimed[at.passage] = aimed[at.passage] || v.isAimed(at)
	}
	for _, at := range v.places() {
		if aimed[at.passage] {
			continue // what speaks to a model says nothing of the system
		}
		if n := v.purposeOf(at, key(system)); n > most {
			best, most = at, n
		}
	}
	return best, most >= purposeScore
}

// purposeOf scores a sentence: it begins with the system's name, it says "is a
// platform", it stands where a document introduces itself.
func (v *view) purposeOf(at place, system string) int {
	p := &v.q.Passages[at.passage]
	tokens := v.sentence(at).text.Tokens
	if p.Kind != threatmodel.BlockParagraph || len(tokens) < 8 || len(tokens) > purposeWords {
		return 0
	}
	score := 0
	if name := strings.Fields(system); len(name) > 0 && sameStem(tokens[0].Word, name[0]) {
		score += 3
	}
	for i, t := range tokens[:6] {
		if t.Word != "is" && t.Word != "are" && t.Word != "provides" && t.Word != "enables" {
			continue
		}
		score++
		if slices.ContainsFunc(tokens[i+1:min(i+8, len(tokens))], func(t pattern.Token) bool { return slices.Contains(kindsOfSystem, t.Word) }) {
			score += 2
		}
		break
	}
	place := key(v.q.Titles[p.Document] + " " + p.Heading)
	if score > 0 && slices.ContainsFunc(openingWords, func(w string) bool { return strings.Contains(place, w) }) {
		score++
	}
	return score
}
