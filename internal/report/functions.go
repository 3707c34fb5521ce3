package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// functions are what the templates may call.
func (p *html) functions() template.FuncMap {
	return template.FuncMap{
		"element": p.elementName, "asset": p.assetName, "document": p.documentName, "quotes": p.quotes, "sides": bothSides,
		"cwe": p.names.cwe, "family": p.names.family,
		"threatTitle": p.threatTitle, "levels": levelsDown, "stride": strideName, "initial": strideInitial, "kind": kindName,
		"plural": plural, "number": number, "changeName": func(k threatmodel.ChangeKind) string { return changeNames[k] },
		"day": day, "clock": clock, "millis": func(ms int64) string { return took(time.Duration(ms) * time.Millisecond) },
		"join": strings.Join, "words": words, "known": p.known, "zones": zoneNames(p.shown), "money": money,
		"stages": stageOrder, "verdicts": threatmodel.Verdicts, "meaning": meaning, "categories": threatmodel.STRIDECategories,
	}
}

// known reports whether the model holds a threat, so that an id is only a link
// where it leads somewhere.
func (p *html) known(id string) bool { return p.Threat(id) != nil }

func (p *html) threatTitle(id string) string {
	if t := p.Threat(id); t != nil {
		return t.Title
	}
	return id
}

// levelsDown are the levels from highest to lowest.
func levelsDown() []threatmodel.Level {
	out := slices.Clone(threatmodel.Levels())
	slices.Reverse(out)
	return out
}

func strideName(s threatmodel.STRIDE) string {
	if n := strideNames[s]; n != "" {
		return n
	}
	return string(s)
}

func strideInitial(s threatmodel.STRIDE) string { return strideName(s)[:1] }

// words writes an identifier of the vocabulary as words.
func words(v any) string { return strings.ReplaceAll(fmt.Sprint(v), "_", " ") }

func kindName(k threatmodel.Kind) string { return words(k) }

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 January 2006")
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func money(v *float64, currency string) string {
	if v == nil {
		return "unknown"
	}
	return strings.TrimSpace(fmt.Sprintf("%.2f %s", *v, currency))
}

func zoneNames(s *shown) func([]string) string {
	return func(ids []string) string {
		var out []string
		for _, id := range ids {
			out = append(out, s.elementName(id))
		}
		return strings.Join(out, ", ")
	}
}

// stageTime is how long a stage took, and how much of it there was.
type stageTime struct {
	Stage     threatmodel.Stage
	Millis    int64
	Units     int
	TokensIn  int
	TokensOut int
}

// stageOrder are the stages of a run in their order, those without time and
// work left out.
func stageOrder(a *threatmodel.Analysis) []stageTime {
	by := map[threatmodel.Stage]*stageTime{}
	var out []*stageTime
	for _, st := range []threatmodel.Stage{
		threatmodel.StageExtract, threatmodel.StageBrief, threatmodel.StageSurvey, threatmodel.StageResolve, threatmodel.StageElicit, threatmodel.StageMerge, threatmodel.StageChain,
		threatmodel.StageChallenge, threatmodel.StageTreat, threatmodel.StageRate, threatmodel.StageGround, threatmodel.StageReconcile,
	} {
		by[st] = &stageTime{Stage: st}
		out = append(out, by[st])
	}
	for _, u := range a.Units {
		if s := by[u.Stage]; s != nil {
			s.Units++
			s.TokensIn += u.TokensIn
			s.TokensOut += u.TokensOut
		}
	}
	var kept []stageTime
	for _, s := range out {
		if a.Run != nil {
			s.Millis = a.Run.Stages[s.Stage]
		}
		if s.Units > 0 || s.Millis > 0 {
			kept = append(kept, *s)
		}
	}
	return kept
}

// meaning explains a verdict.
func meaning(v threatmodel.Verdict) string {
	switch v {
	case threatmodel.Enforced:
		return "the design states the mechanism"
	case threatmodel.Inherited:
		return "a platform provides it, and that is shown"
	case threatmodel.Partial:
		return "the mechanism covers part of what it should"
	case threatmodel.Claimed:
		return "asserted, without any mechanism"
	case threatmodel.Bypassed:
		return "another statement in the design goes round it"
	case threatmodel.Absent:
		return "the design has none"
	}
	return ""
}
