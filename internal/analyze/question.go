package analyze

import (
	"context"
	"encoding/json"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Analyst answers the questions of the analysis. Two exist: one asks a language
// model, the other applies the built-in knowledge. What comes after is the same
// for both and trusts neither.
//
// Answers are JSON of the stage's answer type ([BriefAnswer], [SurveyAnswer]
// and so on); citations and aliases in them refer to what the question shows.
// Implementations must be safe for concurrent use.
type Analyst interface {
	// Name is llm or builtin.
	Name() string
	// Answers reports whether the analyst has anything to say at a stage.
	Answers(threatmodel.Stage) bool
	// InputHash is the hash of all that the answer depends on, without the
	// former threats and the repair turn (see identity: unit).
	InputHash(*Question) (string, error)
	// Ask answers one question. An error means that there is no answer: the
	// unit is recorded as unanswered and the run as incomplete. An error
	// that wraps [ErrStop] ends the run.
	Ask(context.Context, *Question) (Reply, error)
}

// Reply is an analyst's answer and what it cost.
type Reply struct {
	Answer   json.RawMessage
	CallHash string
	// Calls is 0 where the answer came from the memo.
	Calls    int
	TokensIn int
	// TokensOut are those of the answer.
	TokensOut int
}

// Question is one unit of work: a stage, its subject, and all that the analyst
// may read. It holds no date, page, line or byte position, and nothing that
// depends on other units' number or order.
type Question struct {
	Stage   threatmodel.Stage
	Subject string
	// Brief is the system in at most 120 words; empty at the brief stage.
	Brief string
	// Context are the lines of bartizan.yaml that concern the subject.
	Context []string
	// Passages are shown as P1 to Pn.
	Passages []threatmodel.Passage
	// Titles gives the title of each passage's document, by document id.
	Titles map[string]string
	// About is the stage's own part: *BriefAbout, *SurveyAbout and so on.
	About any
	// Former are the threats that the unit gave before; they are shown, as
	// O1 to On, but are no part of the input hash.
	Former []FormerThreat
	// Repair is set for the second turn, where an answer was refused.
	Repair *Repair
}

// FormerThreat is a threat that a unit gave in the baseline.
type FormerThreat struct {
	ID, Title, Statement string
}

// Repair shows an analyst its own answer and why parts of it were refused.
type Repair struct {
	Answer  json.RawMessage
	Reasons []string
}

// BriefAbout lists the documents whose beginnings the question shows.
type BriefAbout struct {
	System    string
	Documents []string
}

// SurveyAbout says which part of which document is read.
type SurveyAbout struct {
	Document string
	Path     []string
}

// ResolveAbout shows names that may stand for one element.
type ResolveAbout struct {
	// Names are shown as N1 to Nn.
	Names []ResolveName
}

// ResolveName is a name with its kind and a sentence that uses it.
type ResolveName struct {
	Name string
	Kind threatmodel.Kind
}

// ElicitAbout is one element, or one flow across a boundary, with its
// surroundings.
type ElicitAbout struct {
	// Elements are shown as E1 to En. The subject stands first; for a flow,
	// both its ends do.
	Elements []ElementView
	// Flows are shown as F1 to Fn. For a flow, the subject stands first.
	Flows []FlowView
	// OfFlow is true where the subject is F1 and not E1.
	OfFlow   bool
	Assets   []AssetView   // A1 to An
	Controls []ControlView // stated for the subject
	Patterns []PatternView // K1 to Kn, hints
	// Stated are the sentences by which the documents were found to speak of
	// the subject: its own evidence, not that of its flows.
	Stated []string
	// Categories are the STRIDE categories that apply to the kind of subject.
	Categories []threatmodel.STRIDE
}

// ElementView is an element as a question shows it.
type ElementView struct {
	ID           string
	Kind         threatmodel.Kind
	Name         string
	Aliases      []string
	Technologies []string
	Boundary     string
	Exposure     threatmodel.Exposure
}

// FlowView is a data flow as a question shows it.
type FlowView struct {
	ID       string
	From, To string // names
	Label    string
	Crosses  []string // names of boundaries
}

// AssetView is an asset as a question shows it.
type AssetView struct {
	ID, Name, Class string
	Kinds           []string
}

// ControlView is a stated control as a question shows it.
type ControlView struct {
	Name     string
	Verdict  threatmodel.Verdict
	Sentence string
}

// PatternView is a threat pattern offered as a hint.
type PatternView struct {
	ID, Title, Hint string
	STRIDE          []threatmodel.STRIDE
	CWE             int
}

// MergeAbout is threats that look alike.
type MergeAbout struct {
	// Threats are shown as X1 to Xn.
	Threats []ThreatView
}

// ChainAbout is one path from an entry to an asset.
type ChainAbout struct {
	Elements []ElementView
	Flows    []FlowView
	Asset    AssetView
	// Threats on the path are shown as T1 to Tn.
	Threats []ThreatView
}

// ThreatView is a threat as a question shows it.
type ThreatView struct {
	Title, Statement string
	// Element is the name of the element that carries the weakness.
	Element string
	// Quotes are numbers of sentences of the question, such as P1.2.
	Quotes []string
	Family string
	CWE    int
	// Omission is true where the quotes only state that the element exists.
	Omission bool
}

// ChallengeAbout is one cluster of elements with its candidates.
type ChallengeAbout struct {
	Elements []ElementView // E1 to En
	Flows    []FlowView    // F1 to Fn
	// Candidates are shown as X1 to Xn, Cells as U1 to Un.
	Candidates []ThreatView
	Cells      []CellView
}

// CellView is an element and a STRIDE category that nobody has spoken to.
type CellView struct {
	// Alias is E1 or F1.
	Alias  string
	Name   string
	STRIDE threatmodel.STRIDE
}

// TreatAbout is one threat and the controls that may answer it.
type TreatAbout struct {
	Threat   ThreatView
	Elements []ElementView
	// Controls are shown as C1 to Cn.
	Controls []CandidateControl
	Stated   []ControlView
}

// CandidateControl is a control of a catalog that fits the weakness.
type CandidateControl struct {
	Catalog, ID, Title, Summary string
	LookFor                     []string
	Primary                     bool
}
