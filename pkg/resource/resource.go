// Package resource holds what the HTTP API sends and takes beside the threat
// model itself: systems, documents, analyses, batches, webhooks, tokens. The
// server and the client share these types; see package threatmodel for the
// vocabulary that they speak of.
//
// Identifiers are strings with a prefix that tells the type, such as
// sys_01jz... for a system; threats have the ids of the model, T-.... Times
// are UTC, RFC 3339.
package resource

import (
	"time"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items" nullable:"false"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
}

// List says which page of a list is wanted.
type List struct {
	Cursor string
	// Limit is 1..200; 0 for 50.
	Limit int
}

// Organization is the tenant: nothing crosses it.
type Organization struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" doc:"Short name in lower case: letters, digits, hyphens"`
	Title     string    `json:"title"`
	Settings  Settings  `json:"settings"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
}

// Settings of an organization.
type Settings struct {
	// RetentionDays after which archived systems and removed documents are
	// purged; 0 for never.
	RetentionDays int `json:"retention_days" minimum:"0" maximum:"36500"`
	// Endpoints by classification; where one is listed for a class, text of
	// that class may go to the listed ones only.
	Endpoints []threatmodel.Endpoint `json:"endpoints,omitempty"`
	Prices    []threatmodel.Price    `json:"prices,omitempty"`
	// Analyst is llm, builtin or both; empty for both where the server has a
	// model, else builtin.
	Analyst string `json:"analyst,omitempty" enum:",llm,builtin,both"`
	Model   string `json:"model,omitempty" doc:"Language model; empty for the server's"`
	Limits  Limits `json:"limits"`
}

// Limits of what an organization may use. 0 is no limit.
type Limits struct {
	ConcurrentCalls int     `json:"concurrent_calls" minimum:"0"`
	TokensPerMinute int     `json:"tokens_per_minute" minimum:"0"`
	TokensPerMonth  int64   `json:"tokens_per_month" minimum:"0"`
	CostPerMonth    float64 `json:"cost_per_month" minimum:"0"`
	Currency        string  `json:"currency,omitempty" doc:"Of cost_per_month, as in prices"`
	// OverBudget is wait (for the next month, or a higher budget) or fail.
	OverBudget string `json:"over_budget,omitempty" enum:",wait,fail"`
}

// Role of a member.
type Role string

// Roles, least first. Each may do what those before it may.
const (
	RoleViewer   Role = "viewer"   // reads
	RoleAnalyst  Role = "analyst"  // uploads, analyses, edits, answers questions
	RoleApprover Role = "approver" // decides: confirms, rejects, accepts risks
	RoleAdmin    Role = "admin"    // members, tokens, webhooks, limits, purging
)

// Member is a person of an organization.
type Member struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email" format:"email"`
	Role      Role      `json:"role" enum:"viewer,analyst,approver,admin"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
}

// Scope is what a token may be used for.
type Scope string

// Scopes. Each stands for itself alone but admin, which holds all.
const (
	ScopeRead   Scope = "read"
	ScopeWrite  Scope = "write"
	ScopeDecide Scope = "decide"
	ScopeAdmin  Scope = "admin"
)

// Token opens the API.
type Token struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Hint are its last characters, by which people recognise it.
	Hint   string  `json:"hint"`
	Scopes []Scope `json:"scopes" nullable:"false"`
	System string  `json:"system,omitempty" doc:"The one system it is good for"`
	Member string  `json:"member,omitempty"`
	// Secret is given once, when the token is made.
	Secret     string     `json:"secret,omitempty" doc:"Shown once"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	ExpiresAt  *time.Time `json:"expires_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// System is what is threat-modelled.
type System struct {
	ID             string               `json:"id"`
	Name           string               `json:"name"`
	Owner          string               `json:"owner,omitempty"`
	Criticality    string               `json:"criticality,omitempty" enum:",low,medium,high,critical"`
	Classification string               `json:"classification,omitempty" enum:",public,internal,confidential,restricted"`
	Context        *threatmodel.Context `json:"context,omitempty" doc:"What people state beside the documents, as bartizan.yaml does"`
	Labels         []string             `json:"labels" nullable:"false"`
	Catalogs       []string             `json:"catalogs" nullable:"false"`
	Analyst        string               `json:"analyst,omitempty" enum:",llm,builtin,both"`
	// ModelVersion is the newest version of its threat model; 0 before the first.
	ModelVersion int64      `json:"model_version"`
	Summary      *Summary   `json:"summary,omitempty"`
	Version      int64      `json:"version"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	ArchivedAt   *time.Time `json:"archived_at"`
}

// Summary counts a system's threats.
type Summary struct {
	Open      int                       `json:"open"`
	ReviewDue int                       `json:"review_due"`
	ByRisk    map[threatmodel.Level]int `json:"by_risk"` // of those open
	Questions int                       `json:"questions"`
	// AnalysisState is that of the newest analysis.
	AnalysisState string `json:"analysis_state,omitempty"`
}

// Document is a source of a system under a reference that stays.
type Document struct {
	ID        string     `json:"id"`
	System    string     `json:"system"`
	Reference string     `json:"reference" doc:"The sender's name for the document; the same reference again is a new revision"`
	Name      string     `json:"name"`
	Revision  *Revision  `json:"revision,omitempty" doc:"The newest"`
	Version   int64      `json:"version"`
	CreatedAt time.Time  `json:"created_at"`
	RemovedAt *time.Time `json:"removed_at"`
}

// Revision is one state of a document's bytes.
type Revision struct {
	ID        string    `json:"id"`
	Number    int       `json:"number"`
	Name      string    `json:"name" doc:"File name as it was sent"`
	SHA256    string    `json:"sha256"`
	Size      int64     `json:"size"`
	MediaType string    `json:"media_type,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	// State of its reading: queued, reading, read or failed.
	State string `json:"state" enum:"queued,reading,read,failed"`
	Error string `json:"error,omitempty"`
	// Sources are the documents that were read from it: one, or those of an
	// archive or export.
	Sources []Source `json:"sources,omitempty"`
}

// Source is a document as it was read.
type Source struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Title  string `json:"title,omitempty"`
	SHA256 string `json:"sha256"`
}

// Extraction is the text and blocks of a source.
type Extraction struct {
	Source
	Text    string               `json:"text"`
	Blocks  []threatmodel.Block  `json:"blocks" nullable:"false"`
	Notices []threatmodel.Notice `json:"notices" nullable:"false"`
}

// Upload tells what became of one document that was sent.
type Upload struct {
	Document Document `json:"document"`
	// Change is added, revised or unchanged.
	Change string `json:"change" enum:"added,revised,unchanged"`
}

// Uploaded is the answer to an upload.
type Uploaded struct {
	Documents []Upload `json:"documents" nullable:"false"`
	// Analysis was asked for by the upload; absent where nothing changed or
	// it was not wanted.
	Analysis *Analysis `json:"analysis,omitempty"`
}

// AnalysisState tells how far an analysis has come.
type AnalysisState string

// States of an analysis. Done, incomplete, failed, cancelled and superseded
// are final.
const (
	AnalysisQueued     AnalysisState = "queued"
	AnalysisRunning    AnalysisState = "running"
	AnalysisWaiting    AnalysisState = "waiting" // for a budget, or after a fault
	AnalysisDone       AnalysisState = "done"
	AnalysisIncomplete AnalysisState = "incomplete"
	AnalysisFailed     AnalysisState = "failed"
	AnalysisCancelled  AnalysisState = "cancelled"
	AnalysisSuperseded AnalysisState = "superseded" // a later request took its place before it began
)

// Final reports whether nothing follows the state.
func (s AnalysisState) Final() bool {
	return s != AnalysisQueued && s != AnalysisRunning && s != AnalysisWaiting
}

// Analysis is one run over a system.
type Analysis struct {
	ID          string        `json:"id"`
	System      string        `json:"system"`
	State       AnalysisState `json:"state"`
	Message     string        `json:"message,omitempty"`
	Cause       string        `json:"cause"`
	Fresh       bool          `json:"fresh,omitempty"`
	Progress    Progress      `json:"progress"`
	RequestedBy string        `json:"requested_by"`
	RequestedAt time.Time     `json:"requested_at"`
	StartedAt   *time.Time    `json:"started_at"`
	FinishedAt  *time.Time    `json:"finished_at"`
	// ModelVersion came of it; 0 for none.
	ModelVersion int64 `json:"model_version"`
	// Changes counts what became of threats, by kind.
	Changes map[threatmodel.ChangeKind]int `json:"changes,omitempty"`
	// Review lists the threats whose decision is up for another look.
	Review []string `json:"review,omitempty"`
}

// Progress of an analysis.
type Progress struct {
	Stage     string  `json:"stage,omitempty"`
	Done      int     `json:"done"`
	Total     int     `json:"total"`
	Calls     int     `json:"calls"`
	TokensIn  int64   `json:"tokens_in"`
	TokensOut int64   `json:"tokens_out"`
	Cost      float64 `json:"cost"`
	Currency  string  `json:"currency,omitempty"`
}

// Event is one message of a stream of progress.
type Event struct {
	ID int64 `json:"id"`
	// Kind is progress (data is an Analysis), state (an Analysis or a Batch) or
	// item (a BatchItem that has ended; those that a cancelled batch left open
	// are told by its state alone).
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	Data any       `json:"data"`
}

// ModelVersion describes one version of a threat model.
type ModelVersion struct {
	Number int64 `json:"number"`
	// Cause is analysis, decision, edit, answer, import or expiry.
	Cause     string    `json:"cause"`
	Analysis  string    `json:"analysis,omitempty"`
	SHA256    string    `json:"sha256"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// Threat is a threat in a list over systems.
type Threat struct {
	System string `json:"system"`
	threatmodel.Threat
	// Version counts its changes, for If-Match.
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ThreatFilter selects threats. Empty fields select all.
type ThreatFilter struct {
	System    string
	Status    []string
	Risk      []string
	STRIDE    []string
	CWE       []int
	Control   string // catalog:id
	Verdict   []string
	Source    []string
	Owner     string
	Label     string // of the system
	Query     string // words of title, statement and quotes
	Open      *bool
	ReviewDue *bool
	// Sort is risk (default), updated or id; a leading - turns it round.
	Sort string
}

// Decision is what a person decides about a threat.
type Decision struct {
	Action     threatmodel.Action `json:"action" enum:"confirm,reject,accept,mitigate,duplicate,rerate,resolve,reopen"`
	Reason     string             `json:"reason,omitempty" maxLength:"4000" doc:"Why; accept, reject, mitigate and resolve need it"`
	Until      *time.Time         `json:"until,omitempty" doc:"Last moment of an acceptance"`
	Of         string             `json:"of,omitempty" doc:"The threat that this one is a duplicate of"`
	Likelihood int                `json:"likelihood,omitempty" minimum:"0" maximum:"5"`
	Impact     int                `json:"impact,omitempty" minimum:"0" maximum:"5"`
	Owner      string             `json:"owner,omitempty" maxLength:"200"`
	Due        *time.Time         `json:"due,omitempty"`
	Comment    string             `json:"comment,omitempty" maxLength:"8000"`
	Ticket     string             `json:"ticket,omitempty" format:"uri" maxLength:"2000"`
}

// ThreatEdit changes a person's part of a threat. Nil fields stay.
type ThreatEdit struct {
	Title     *string    `json:"title,omitempty" minLength:"1" maxLength:"300"`
	Statement *string    `json:"statement,omitempty" minLength:"1" maxLength:"4000"`
	Owner     *string    `json:"owner,omitempty" maxLength:"200"`
	Due       *time.Time `json:"due,omitempty"`
	Treatment *string    `json:"treatment,omitempty" enum:",modify,retain,avoid,share" doc:"Empty takes it back"`
	Ticket    *string    `json:"ticket,omitempty" maxLength:"2000"`
}

// NewThreat is a threat that a person adds. Its quote must stand in a document.
type NewThreat struct {
	Title      string               `json:"title" minLength:"1" maxLength:"300"`
	Statement  string               `json:"statement" minLength:"1" maxLength:"4000"`
	Element    string               `json:"element" doc:"Id or name of the element that carries the weakness"`
	STRIDE     []threatmodel.STRIDE `json:"stride" minItems:"1"`
	CWE        int                  `json:"cwe"`
	Quote      string               `json:"quote" minLength:"1" doc:"A sentence of a current document"`
	Document   string               `json:"document,omitempty" doc:"Id of the model's document that holds the quote; wanted where several do"`
	Controls   []string             `json:"controls,omitempty" doc:"catalog:id"`
	Likelihood int                  `json:"likelihood" minimum:"1" maximum:"5"`
	Impact     int                  `json:"impact" minimum:"1" maximum:"5"`
	Reason     string               `json:"reason,omitempty" maxLength:"4000"`
}

// Answer is a person's answer to a question of the model. It becomes context.
type Answer struct {
	Question string    `json:"question" doc:"Id of the question"`
	Text     string    `json:"text,omitempty" doc:"The question's words"`
	Answer   string    `json:"answer" minLength:"1" maxLength:"4000"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
}

// PassageHit is a passage that a search found.
type PassageHit struct {
	System   string              `json:"system"`
	Document string              `json:"document"` // resource id
	Source   Source              `json:"source"`
	Passage  string              `json:"passage"`
	Heading  string              `json:"heading,omitempty"`
	Text     string              `json:"text"`
	Locator  threatmodel.Locator `json:"locator"`
	Score    float64             `json:"score"`
}

// Selector says which systems a batch is about: those that every field given
// fits. One field at least is given.
type Selector struct {
	Systems []string `json:"systems,omitempty" maxItems:"1000"`
	Labels  []string `json:"labels,omitempty" maxItems:"50"`
	Catalog string   `json:"catalog,omitempty"`
	// Model and Prompts select systems that were last analysed by another
	// version than this.
	Model   string `json:"model,omitempty"`
	Prompts string `json:"prompts,omitempty"`
	// Everything selects all systems. It must be true where no other field is
	// given.
	Everything bool `json:"everything,omitempty"`
}

// Estimate is what an analysis would cost.
type Estimate struct {
	ChangedDocuments int     `json:"changed_documents"`
	CallsLow         int     `json:"calls_low"`
	CallsHigh        int     `json:"calls_high"`
	TokensLow        int64   `json:"tokens_low"`
	TokensHigh       int64   `json:"tokens_high"`
	CostLow          float64 `json:"cost_low"`
	CostHigh         float64 `json:"cost_high"`
	Currency         string  `json:"currency,omitempty"`
	// Basis says what the figures rest on.
	Basis []string `json:"basis,omitempty"`
}

// Batch is a re-analysis of many systems.
type Batch struct {
	ID       string    `json:"id"`
	Selector Selector  `json:"selector"`
	Fresh    bool      `json:"fresh,omitempty"`
	State    string    `json:"state" enum:"planning,planned,running,done,cancelled,failed"`
	Message  string    `json:"message,omitempty"`
	Estimate *Estimate `json:"estimate,omitempty"`
	Total    int       `json:"total"`
	Done     int       `json:"done"`
	// Failed are those without a new model; Incomplete those whose new model is
	// not whole.
	Failed     int        `json:"failed"`
	Incomplete int        `json:"incomplete"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
}

// BatchItem is one system of a batch.
type BatchItem struct {
	System   string                         `json:"system"`
	Name     string                         `json:"name"`
	State    string                         `json:"state"`
	Message  string                         `json:"message,omitempty"`
	Estimate *Estimate                      `json:"estimate,omitempty"`
	Analysis string                         `json:"analysis,omitempty"`
	Changes  map[threatmodel.ChangeKind]int `json:"changes,omitempty"`
	Review   int                            `json:"review,omitempty"`
}

// Schedule starts batches by the clock.
type Schedule struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Cron      string     `json:"cron" doc:"Five fields; UTC unless it begins with CRON_TZ="`
	Selector  Selector   `json:"selector"`
	Enabled   bool       `json:"enabled"`
	NextAt    *time.Time `json:"next_at"`
	LastBatch string     `json:"last_batch,omitempty"`
	Version   int64      `json:"version"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
}

// Webhook calls an address back.
type Webhook struct {
	ID  string `json:"id"`
	URL string `json:"url" format:"uri"`
	// Events, such as analysis.finished; * for all.
	Events  []string `json:"events" nullable:"false"`
	Enabled bool     `json:"enabled"`
	// Secret is given once, when the webhook is made: whsec_...
	Secret    string    `json:"secret,omitempty"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// Delivery is one message to a webhook.
type Delivery struct {
	ID          string     `json:"id"`
	Event       string     `json:"event"`
	State       string     `json:"state" enum:"queued,delivered,failed"`
	Attempts    int        `json:"attempts"`
	Status      int        `json:"status,omitempty"`
	Response    string     `json:"response,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	NextAt      *time.Time `json:"next_at"`
	DeliveredAt *time.Time `json:"delivered_at"`
}

// Catalog is a set of controls.
type Catalog struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Version string `json:"version"`
	// Own is true for a catalog of the organization's own.
	Own      bool  `json:"own"`
	Controls int   `json:"controls"`
	Revision int64 `json:"revision,omitempty"`
}

// Control of a catalog.
type Control struct {
	Catalog       string   `json:"catalog"`
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	Summary       string   `json:"summary"`
	DesignVisible string   `json:"design_visible,omitempty"`
	LookFor       []string `json:"look_for,omitempty"`
}

// AuditEvent is one link of the audit trail.
type AuditEvent struct {
	Sequence int64     `json:"sequence"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Action   string    `json:"action"`
	Object   string    `json:"object"`
	// Details are absent where they were purged; Digest stays.
	Details any    `json:"details,omitempty"`
	Digest  string `json:"digest"`
	Hash    string `json:"hash"`
}

// Usage is what was used in a month.
type Usage struct {
	Month     string  `json:"month"`
	System    string  `json:"system,omitempty"`
	Endpoint  string  `json:"endpoint"`
	Model     string  `json:"model"`
	Stage     string  `json:"stage"`
	Calls     int64   `json:"calls"`
	Cached    int64   `json:"cached"`
	Faults    int64   `json:"faults"`
	TokensIn  int64   `json:"tokens_in"`
	TokensOut int64   `json:"tokens_out"`
	Cost      float64 `json:"cost"`
	Currency  string  `json:"currency,omitempty"`
}
