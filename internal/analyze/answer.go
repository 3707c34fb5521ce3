package analyze

import (
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// BriefAnswer states the fixed facts about a system.
type BriefAnswer struct {
	Facts []BriefFact `json:"facts"`
}

// BriefFact is one fact with its ground.
type BriefFact struct {
	Fact      string            `json:"fact"`
	Value     string            `json:"value"`
	Citations []ground.Citation `json:"citations"`
}

// SurveyAnswer is what a section says of the system's parts.
type SurveyAnswer struct {
	Elements     []SurveyElement   `json:"elements"`
	Flows        []SurveyFlow      `json:"flows"`
	Assets       []SurveyAsset     `json:"assets"`
	Controls     []SurveyControl   `json:"controls"`
	AimedAtModel []ground.Citation `json:"aimed_at_model"`
}

// SurveyElement is an element that a section names.
type SurveyElement struct {
	Name         string               `json:"name"`
	Kind         threatmodel.Kind     `json:"kind"`
	Aliases      []string             `json:"aliases"`
	Technologies []string             `json:"technologies"`
	Exposure     threatmodel.Exposure `json:"exposure"`
	Inside       *string              `json:"inside"`
	Citations    []ground.Citation    `json:"citations"`
}

// SurveyFlow is a flow that a section states.
type SurveyFlow struct {
	From      string            `json:"from"`
	To        string            `json:"to"`
	What      string            `json:"what"`
	Protocol  *string           `json:"protocol"`
	Citations []ground.Citation `json:"citations"`
}

// SurveyAsset is an asset that a section names.
type SurveyAsset struct {
	Name      string            `json:"name"`
	Class     string            `json:"class"`
	Kinds     []string          `json:"kinds"`
	HeldBy    []string          `json:"held_by"`
	Citations []ground.Citation `json:"citations"`
}

// SurveyControl is a control that a section states.
type SurveyControl struct {
	Name      string              `json:"name"`
	Elements  []string            `json:"elements"`
	Verdict   threatmodel.Verdict `json:"verdict"`
	Citations []ground.Citation   `json:"citations"`
}

// ResolveAnswer groups names that stand for the same element.
type ResolveAnswer struct {
	Groups []ResolveGroup `json:"groups"`
}

// ResolveGroup lists names (N1 ...) of one element.
type ResolveGroup struct {
	Names []string `json:"names"`
}

// ElicitAnswer is what can go wrong with the subject.
type ElicitAnswer struct {
	Threats       []ElicitThreat   `json:"threats"`
	Questions     []ElicitQuestion `json:"questions"`
	NotApplicable []NotApplicable  `json:"not_applicable"`
}

// ElicitThreat is a candidate threat.
type ElicitThreat struct {
	Title         string            `json:"title"`
	Element       string            `json:"element"`
	Others        []string          `json:"others"`
	Source        string            `json:"source"`
	Prerequisites string            `json:"prerequisites"`
	Action        string            `json:"action"`
	Impact        string            `json:"impact"`
	Properties    []string          `json:"properties"`
	Assets        []string          `json:"assets"`
	STRIDE        []string          `json:"stride"`
	CWE           int               `json:"cwe"`
	CAPEC         []int             `json:"capec"`
	ATTACK        []string          `json:"attack"`
	Pattern       string            `json:"pattern"`
	Citations     []ground.Citation `json:"citations"`
	Exposure      string            `json:"exposure"`
	Prerequisite  string            `json:"prerequisite"`
	Scope         string            `json:"scope"`
	Mitigations   []string          `json:"mitigations"`
	SameAs        *string           `json:"same_as"`
}

// ElicitQuestion is something that the design leaves open.
type ElicitQuestion struct {
	Question  string            `json:"question"`
	Why       string            `json:"why"`
	Citations []ground.Citation `json:"citations"`
}

// NotApplicable says why a STRIDE category yields no threat.
type NotApplicable struct {
	STRIDE string `json:"stride"`
	Reason string `json:"reason"`
}

// MergeAnswer says which threats that look alike are one.
type MergeAnswer struct {
	Same []MergeGroup `json:"same"`
}

// MergeGroup is threats that are one, and the one of them that says most.
type MergeGroup struct {
	Threats []string `json:"threats"`
	Fuller  string   `json:"fuller"`
	Reason  string   `json:"reason"`
}

// ChainAnswer lists attack chains along a path.
type ChainAnswer struct {
	Chains []Chain `json:"chains"`
}

// Chain is an attack in several steps.
type Chain struct {
	Title         string      `json:"title"`
	Source        string      `json:"source"`
	Prerequisites string      `json:"prerequisites"`
	Impact        string      `json:"impact"`
	Properties    []string    `json:"properties"`
	Steps         []ChainStep `json:"steps"`
	Prerequisite  string      `json:"prerequisite"`
	Scope         string      `json:"scope"`
	Mitigations   []string    `json:"mitigations"`
	SameAs        *string     `json:"same_as"`
}

// ChainStep is one step: what the attacker does at which element, and the
// sentence that makes it possible.
type ChainStep struct {
	Element   string            `json:"element"`
	Action    string            `json:"action"`
	STRIDE    string            `json:"stride"`
	CWE       int               `json:"cwe"`
	Citations []ground.Citation `json:"citations"`
}

// ChallengeAnswer tests candidates and fills uncovered cells.
type ChallengeAnswer struct {
	Verdicts []ChallengeVerdict `json:"verdicts"`
	Cells    []ChallengeCell    `json:"cells"`
	Threats  []ElicitThreat     `json:"threats"`
}

// ChallengeVerdict is the verdict on one candidate.
type ChallengeVerdict struct {
	Candidate string `json:"candidate"`
	Verdict   string `json:"verdict"`
	// DuplicateOf is another candidate, or none.
	DuplicateOf string            `json:"duplicate_of"`
	Reason      string            `json:"reason"`
	Citations   []ground.Citation `json:"citations"`
}

// Challenge verdicts.
const (
	Supported    = "supported"
	Contradicted = "contradicted"
	Insufficient = "insufficient"
)

// ChallengeCell says why an uncovered cell holds no threat; those that do are
// answered by a threat.
type ChallengeCell struct {
	Cell    string `json:"cell"`
	Applies bool   `json:"applies"`
	Reason  string `json:"reason"`
}

// TreatAnswer says which controls answer a threat and whether the design has
// them.
type TreatAnswer struct {
	Controls    []TreatControl    `json:"controls"`
	NoneReason  *string           `json:"none_reason"`
	Mitigations []TreatMitigation `json:"mitigations"`
}

// TreatControl is the verdict on one control.
type TreatControl struct {
	Control     string              `json:"control"`
	Verdict     threatmodel.Verdict `json:"verdict"`
	Rationale   string              `json:"rationale"`
	States      []ground.Citation   `json:"states"`
	Contradicts []ground.Citation   `json:"contradicts"`
}

// TreatMitigation is what could be done, and which control it would satisfy.
type TreatMitigation struct {
	Text    string `json:"text"`
	Control string `json:"control"`
}
