// Package llm is the analyst that asks a language model.
package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

// Analyst puts questions to a language model. It is safe for concurrent use.
type Analyst struct {
	model   llm.Completer
	name    string
	params  llm.Params
	prompts *prompts.Set
	fence   Fence
}

// New makes an analyst that asks the model of the given name. Params are
// those that change answers; they are part of every input hash.
func New(model llm.Completer, name string, params llm.Params, set *prompts.Set, fence Fence) *Analyst {
	return &Analyst{model: model, name: name, params: params, prompts: set, fence: fence}
}

// Name implements [analyze.Analyst].
func (a *Analyst) Name() string { return "llm" }

// Answers implements [analyze.Analyst]: the model is asked at every stage that
// has a prompt.
func (a *Analyst) Answers(s threatmodel.Stage) bool {
	for _, known := range prompts.Stages() {
		if s == known {
			return true
		}
	}
	return false
}

// InputHash implements [analyze.Analyst]. Former threats and the repair turn
// are left out, and the fence is a placeholder.
func (a *Analyst) InputHash(q *analyze.Question) (string, error) {
	bare := *q
	bare.Former, bare.Repair = nil, nil
	messages, err := a.messages(&bare, Placeholder)
	if err != nil {
		return "", err
	}
	return llm.InputHash(a.name, a.params, messages, a.schema(q.Stage)), nil
}

// Ask implements [analyze.Analyst].
func (a *Analyst) Ask(ctx context.Context, q *analyze.Question) (analyze.Reply, error) {
	request, err := a.Request(q)
	if err != nil {
		return analyze.Reply{}, err
	}
	answer, err := a.model.Complete(ctx, request)
	if err != nil {
		return analyze.Reply{}, stopping(err)
	}
	reply := analyze.Reply{Answer: answer.JSON, CallHash: answer.CallHash, Calls: 1, TokensIn: answer.Usage.In, TokensOut: answer.Usage.Out}
	if answer.Cached {
		reply.Calls = 0
	}
	return reply, nil
}

// stopping marks errors after which asking on is pointless.
func stopping(err error) error {
	var e *llm.Error
	if errors.As(err, &e) && e.Fatal() && !errors.Is(err, analyze.ErrStop) {
		return fmt.Errorf("%w: %w", analyze.ErrStop, err)
	}
	return err
}

// Request is the call that a question makes.
func (a *Analyst) Request(q *analyze.Question) (llm.Request, error) {
	messages, err := a.messages(q, a.fence)
	if err != nil {
		return llm.Request{}, err
	}
	hash, err := a.InputHash(q)
	if err != nil {
		return llm.Request{}, err
	}
	return llm.Request{Stage: string(q.Stage), Messages: messages, Schema: a.schema(q.Stage), InputHash: hash}, nil
}

func (a *Analyst) schema(s threatmodel.Stage) llm.Schema {
	return llm.Schema{Name: string(s), JSON: a.prompts.Schema(s)}
}

// messages renders a question: what is stable stands first, what is from the
// documents stands between fences.
func (a *Analyst) messages(q *analyze.Question, fence Fence) ([]llm.Message, error) {
	material, err := a.prompts.User(q.Stage, newView(q))
	if err != nil {
		return nil, err
	}
	var former string
	if len(q.Former) > 0 {
		if former, err = a.prompts.Part("former", q.Former); err != nil {
			return nil, err
		}
	}
	messages := []llm.Message{
		{Role: "system", Content: a.prompts.System(q.Stage)},
		{Role: "user", Content: fence.Wrap(material, former)},
	}
	if q.Repair == nil {
		return messages, nil
	}
	repair, err := a.prompts.Part("repair", q.Repair)
	if err != nil {
		return nil, err
	}
	return append(messages,
		llm.Message{Role: "assistant", Content: string(compact(q.Repair.Answer))},
		llm.Message{Role: "user", Content: repair},
	), nil
}

func compact(raw json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}

// view is a question as the templates see it.
type view struct {
	Brief   string
	Context []string
	About   any
	Groups  []group
}

// group is the passages under one heading of one document.
type group struct {
	Title    string
	Passages []shown
}

type shown struct {
	Context   string
	Sentences []numbered
}

type numbered struct{ Number, Text string }

func newView(q *analyze.Question) view {
	v := view{Brief: q.Brief, Context: q.Context, About: q.About}
	lastContext := ""
	for i, p := range q.Passages {
		title := q.Titles[p.Document]
		if p.Heading != "" && p.Heading != title {
			title += " > " + p.Heading
		}
		if len(v.Groups) == 0 || v.Groups[len(v.Groups)-1].Title != title {
			v.Groups = append(v.Groups, group{Title: title})
			lastContext = ""
		}
		g := &v.Groups[len(v.Groups)-1]
		s := shown{}
		if p.Header != lastContext {
			s.Context = p.Header
		}
		lastContext = p.Header
		for j, sentence := range p.Sentences {
			s.Sentences = append(s.Sentences, numbered{fmt.Sprintf("P%d.%d", i+1, j+1), clean(sentence.Text)})
		}
		g.Passages = append(g.Passages, s)
	}
	return v
}

// clean keeps a document from imitating the fence.
func clean(s string) string {
	return strings.NewReplacer("<<<", "< < <", ">>>", "> > >").Replace(s)
}
