package builtin

import (
	"strings"

	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// role is what a phrase does in its sentence.
type role int

const (
	bystander role = iota
	// agent acts: it stands before an active verb, or after "by".
	agent
)

// articles begin a phrase that may name a component.
var articles = []string{"the", "a", "an", "our", "each", "every"}

// phrases finds what a text names with an article and two or three words that
// the lexicon doesn't know: "the rota planner". Whether it is a component
// shows only over a section, see [surveyor.recur].
func (r *reader) phrases(t *pattern.Text, taken []bool) []named {
	var out []named
	for i := 0; i+2 < len(t.Tokens); i++ {
		if taken[i] || !isArticle(t.Tokens[i].Word) {
			continue
		}
		end := i + 1
		for end < len(t.Tokens) && end-i <= maxModifiers && !taken[end] && t.Tokens[end].Break == pattern.NoBreak && r.modifies(t, end) {
			end++
		}
		if end-i-1 < 2 || (end < len(t.Tokens) && taken[end] && t.Tokens[end].Break == pattern.NoBreak) {
			continue
		}
		head := end - 1
		if r.lib.At("no-component", t, head) > head || strings.HasSuffix(t.Tokens[head].Word, "ing") || strings.HasSuffix(t.Tokens[head].Word, "ion") || strings.HasSuffix(t.Tokens[head].Word, "ment") || strings.HasSuffix(t.Tokens[head].Word, "ed") {
			continue
		}
		out = append(out, named{start: i + 1, end: end, text: t.Slice(i+1, end), kind: threatmodel.Process, phrase: true, role: r.roleOf(t, i, end)})
		i = head
	}
	return out
}

func isArticle(w string) bool {
	for _, a := range articles {
		if a == w {
			return true
		}
	}
	return false
}

// auxiliary reports whether a word stands between an actor and what it does.
func (r *reader) auxiliary(t *pattern.Text, i int) bool { return r.lib.At("auxiliary", t, i) > i }

// roleOf tells what the words from the article to end do in their sentence.
func (r *reader) roleOf(t *pattern.Text, article, end int) role {
	if article > 0 && t.Tokens[article-1].Word == "by" {
		return agent
	}
	if article > 0 && t.Tokens[article].Break == pattern.NoBreak && r.lib.At("stop", t, article-1) > article-1 && !r.auxiliary(t, article-1) {
		switch t.Tokens[article-1].Word {
		case "and", "but", "so", "that", "because", "since", "when", "where", "while", "if", "as", "then":
		default:
			return bystander
		}
	}
	i := end
	for i < len(t.Tokens) && r.auxiliary(t, i) {
		i++
	}
	if i > end && i < len(t.Tokens) && t.Tokens[i].Word == "not" {
		return agent
	}
	if i < len(t.Tokens) && t.Tokens[i].Break == pattern.NoBreak && (strings.HasSuffix(t.Tokens[i].Word, "s") || i > end) && r.isVerb(t, i) {
		return agent
	}
	return bystander
}
