package threatmodel

import (
	"encoding/json"
	"time"
)

// Stage is a stage of the analysis.
type Stage string

// Stages, in order.
const (
	StageExtract   Stage = "extract"
	StageBrief     Stage = "brief"
	StageSurvey    Stage = "survey"
	StageResolve   Stage = "resolve"
	StageElicit    Stage = "elicit"
	StageMerge     Stage = "merge"
	StageChain     Stage = "chain"
	StageChallenge Stage = "challenge"
	StageTreat     Stage = "treat"
	StageRate      Stage = "rate"
	StageGround    Stage = "ground"
	StageReconcile Stage = "reconcile"
)

// Analysis is the record of the run that made a model.
type Analysis struct {
	// ID is a hash of the run's inputs: documents, context, catalogs,
	// analyst, model and prompts.
	ID string `json:"id"`
	// Analyst is llm, builtin or both.
	Analyst string `json:"analyst"`
	// History lists the ids of the analyses before this one, baseline by
	// baseline, oldest first. It tells which of two threats was seen earlier.
	History []string `json:"history,omitempty"`
	// Model is the language model's name; empty for builtin.
	Model    string            `json:"model,omitempty"`
	Prompts  string            `json:"prompts,omitempty"`
	Patterns string            `json:"patterns,omitempty"`
	Catalogs map[string]string `json:"catalogs"`
	// Weaknesses is the version of the table of weaknesses and families.
	Weaknesses string `json:"weaknesses,omitempty"`
	Version    string `json:"version"`
	// Incomplete says why the run is not whole; empty for a whole run.
	Incomplete string      `json:"incomplete,omitempty"`
	Units      []Unit      `json:"units"`
	Rejections []Rejection `json:"rejections"`
	Run        *Run        `json:"run"`
}

// Unit is one call's worth of work: stage, subject, what it reads, and what
// came out.
type Unit struct {
	ID      string `json:"id"`
	Stage   Stage  `json:"stage"`
	Subject string `json:"subject"`
	Analyst string `json:"analyst"`
	// InputHash decides whether a baseline's output may be taken.
	InputHash string `json:"input_hash"`
	// CallHash names the answer in the memo; empty for the built-in analyst.
	CallHash string          `json:"call_hash,omitempty"`
	Passages []string        `json:"passages,omitempty"`
	Output   json.RawMessage `json:"output"`
	// TokensIn and TokensOut are what the unit cost when it was asked,
	// including its repair turn.
	TokensIn  int `json:"tokens_in,omitempty"`
	TokensOut int `json:"tokens_out,omitempty"`
}

// Rejection is something that an analyst proposed and that did not hold.
type Rejection struct {
	Stage Stage `json:"stage"`
	// What is threat, control, element, flow, asset, stated_control, citation, fact.
	What   string `json:"what"`
	Title  string `json:"title"`
	Reason string `json:"reason"`
	Unit   string `json:"unit,omitempty"`
	Source string `json:"source,omitempty"`
	// Element carried the weakness of a rejected threat.
	Element  string     `json:"element,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Run is what a run cost and when it was. Every clock time of a model stands
// here or in a decision.
type Run struct {
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Endpoint is the host that was asked, without credentials.
	Endpoint string `json:"endpoint,omitempty"`
	// SchemaMode is how the schema was sent: strict, object or text.
	SchemaMode  string `json:"schema_mode,omitempty"`
	Calls       int    `json:"calls"`
	CachedCalls int    `json:"cached_calls"`
	// ReusedUnits were taken from the baseline.
	ReusedUnits int `json:"reused_units"`
	TokensIn    int `json:"tokens_in"`
	TokensOut   int `json:"tokens_out"`
	// Cost is null where the model's prices are not known.
	Cost     *float64 `json:"cost"`
	Currency string   `json:"currency,omitempty"`
	// Faults counts what went wrong on the way: retried, truncated, refused,
	// empty, invalid, repaired.
	Faults map[string]int `json:"faults,omitempty"`
	// Stages holds milliseconds by stage.
	Stages map[Stage]int64 `json:"stages"`
}

// Changes tells how a model differs from its baseline.
type Changes struct {
	// Baseline is the analysis id of the model compared with.
	Baseline  string         `json:"baseline"`
	Documents []DocumentDiff `json:"documents"`
	Threats   []ThreatChange `json:"threats"`
	Elements  []ElementDiff  `json:"elements"`
}

// DocumentDiff says what became of a document.
type DocumentDiff struct {
	Document string `json:"document"`
	Name     string `json:"name"`
	// Change is added, removed, edited or unchanged.
	Change string `json:"change"`
}

// ElementDiff says what became of an element.
type ElementDiff struct {
	Element string `json:"element"`
	Name    string `json:"name"`
	// Change is added, removed or renamed.
	Change string `json:"change"`
	Before string `json:"before,omitempty"`
}

// ChangeKind classifies what became of a threat.
type ChangeKind string

// Kinds of change.
const (
	ThreatAdded         ChangeKind = "added"
	ThreatChanged       ChangeKind = "changed"
	ThreatResolved      ChangeKind = "resolved"
	ThreatReturned      ChangeKind = "returned"
	ThreatUnchanged     ChangeKind = "unchanged"
	ThreatMoved         ChangeKind = "moved"
	ThreatReworded      ChangeKind = "reworded"
	ThreatMerged        ChangeKind = "merged"
	ThreatNotReproduced ChangeKind = "not_reproduced"
)

// ThreatChange says what became of one threat.
type ThreatChange struct {
	Threat string     `json:"threat"`
	Title  string     `json:"title"`
	Kind   ChangeKind `json:"kind"`
	// Cause is document where the text changed, analyst where the model,
	// prompts, patterns or catalog did.
	Cause string `json:"cause,omitempty"`
	// Details are sentences for people.
	Details []string `json:"details,omitempty"`
	Before  string   `json:"before,omitempty"`
	After   string   `json:"after,omitempty"`
	// RaisedTo is the level where the risk went up.
	RaisedTo Level `json:"raised_to,omitempty"`
	// Review is true where a decision was put up for another look.
	Review bool `json:"review,omitempty"`
}

// Causes of a change.
const (
	CauseDocument = "document"
	CauseAnalyst  = "analyst"
	// CauseTime marks an acceptance that ended: nobody changed anything.
	CauseTime = "time"
)
