package resource

import (
	"time"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// OrganizationEdit changes an organization. Nil fields stay.
type OrganizationEdit struct {
	Title    *string   `json:"title,omitempty" minLength:"1" maxLength:"200"`
	Settings *Settings `json:"settings,omitempty" doc:"Replaces the settings as a whole"`
}

// NewMember is a person to be taken in.
type NewMember struct {
	Name  string `json:"name" minLength:"1" maxLength:"200"`
	Email string `json:"email" format:"email" maxLength:"320"`
	Role  Role   `json:"role" enum:"viewer,analyst,approver,admin"`
}

// MemberEdit changes a member. Nil fields stay.
type MemberEdit struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Role *Role   `json:"role,omitempty" enum:"viewer,analyst,approver,admin"`
}

// NewToken is a token to be made.
type NewToken struct {
	Name   string  `json:"name" minLength:"1" maxLength:"200"`
	Scopes []Scope `json:"scopes" minItems:"1" maxItems:"4" enum:"read,write,decide,admin" nullable:"false"`
	System string  `json:"system,omitempty" doc:"The one system it is to be good for; absent for the whole organization"`
	// Member is whom it belongs to: the token may do no more than the member.
	Member    string     `json:"member,omitempty" doc:"Whom it belongs to; it may do no more than that member. Absent for a machine"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Absent for a token that does not expire"`
}

// NewSystem is a system to be modelled.
type NewSystem struct {
	Name           string               `json:"name" minLength:"1" maxLength:"200"`
	Owner          string               `json:"owner,omitempty" maxLength:"200"`
	Criticality    string               `json:"criticality,omitempty" enum:",low,medium,high,critical"`
	Classification string               `json:"classification,omitempty" enum:",public,internal,confidential,restricted" doc:"The highest class of its documents: decides where their text may go"`
	Context        *threatmodel.Context `json:"context,omitempty" doc:"What people state beside the documents, as bartizan.yaml does"`
	Labels         []string             `json:"labels,omitempty" maxItems:"50"`
	Catalogs       []string             `json:"catalogs,omitempty" maxItems:"20" doc:"Ids of the catalogs that its controls come from; absent for ISO 27001 Annex A"`
	Analyst        string               `json:"analyst,omitempty" enum:",llm,builtin,both"`
}

// SystemEdit changes a system. Nil fields stay.
type SystemEdit struct {
	Name           *string              `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Owner          *string              `json:"owner,omitempty" maxLength:"200"`
	Criticality    *string              `json:"criticality,omitempty" enum:",low,medium,high,critical"`
	Classification *string              `json:"classification,omitempty" enum:",public,internal,confidential,restricted"`
	Context        *threatmodel.Context `json:"context,omitempty" doc:"Replaces the context as a whole"`
	Labels         *[]string            `json:"labels,omitempty" maxItems:"50"`
	Catalogs       *[]string            `json:"catalogs,omitempty" minItems:"1" maxItems:"20"`
	Analyst        *string              `json:"analyst,omitempty" enum:",llm,builtin,both"`
	Archived       *bool                `json:"archived,omitempty" doc:"False brings an archived system back"`
}

// SystemFilter selects systems. Empty fields select all that are not archived.
type SystemFilter struct {
	Label string
	Query string // words of the name
	// Archived is true for the archived ones alone.
	Archived bool
}

// NewDocument is a document that is pushed as JSON. One of Text and Content
// holds it.
type NewDocument struct {
	Reference string `json:"reference" minLength:"1" maxLength:"1000" doc:"The sender's name for the document, stable over its revisions"`
	Name      string `json:"name" minLength:"1" maxLength:"500" doc:"File name: its ending tells the format"`
	MediaType string `json:"media_type,omitempty" maxLength:"200"`
	Text      string `json:"text,omitempty" doc:"The document, where it is text"`
	Content   []byte `json:"content,omitempty" doc:"The document in base64"`
	Analyze   *bool  `json:"analyze,omitempty" doc:"False stores it without asking for an analysis"`
}

// NewAnalysis asks for an analysis.
type NewAnalysis struct {
	Fresh bool `json:"fresh,omitempty" doc:"Ask everything again, also what did not change"`
}

// NewAnswer answers a question of the model.
type NewAnswer struct {
	Answer string `json:"answer" minLength:"1" maxLength:"4000"`
}

// Question is a question of the model with the answer that was given, if any.
type Question struct {
	threatmodel.Question
	Answer *Answer `json:"answer,omitempty"`
}

// NewBatch asks for a re-analysis of many systems.
type NewBatch struct {
	Selector Selector `json:"selector"`
	Fresh    bool     `json:"fresh,omitempty" doc:"Ask everything again, also what did not change"`
	Start    bool     `json:"start,omitempty" doc:"Begin as soon as the estimate is there, without another request"`
}

// NewSchedule is a schedule to be made.
type NewSchedule struct {
	Name     string   `json:"name" minLength:"1" maxLength:"200"`
	Cron     string   `json:"cron" minLength:"9" maxLength:"200" doc:"Five fields; UTC unless it begins with CRON_TZ="`
	Selector Selector `json:"selector"`
	Enabled  *bool    `json:"enabled,omitempty" doc:"Absent for true"`
}

// ScheduleEdit changes a schedule. Nil fields stay.
type ScheduleEdit struct {
	Name     *string   `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Cron     *string   `json:"cron,omitempty" minLength:"9" maxLength:"200"`
	Selector *Selector `json:"selector,omitempty"`
	Enabled  *bool     `json:"enabled,omitempty"`
}

// NewWebhook is a webhook to be made.
type NewWebhook struct {
	URL     string   `json:"url" format:"uri" maxLength:"2000"`
	Events  []string `json:"events" minItems:"1" maxItems:"50" nullable:"false" doc:"Such as analysis.finished; * for all"`
	Enabled *bool    `json:"enabled,omitempty" doc:"Absent for true"`
}

// WebhookEdit changes a webhook. Nil fields stay.
type WebhookEdit struct {
	URL     *string   `json:"url,omitempty" format:"uri" maxLength:"2000"`
	Events  *[]string `json:"events,omitempty" minItems:"1" maxItems:"50"`
	Enabled *bool     `json:"enabled,omitempty"`
}

// Import takes a threat model of the command line into the service.
type Import struct {
	Model     *threatmodel.Model     `json:"model"`
	Decisions []threatmodel.Decision `json:"decisions,omitempty" doc:"As in decisions.yaml; beside those that the model holds"`
}

// Bundle is what a pull brings: the model with the decisions on it, and the
// text of the documents that it cites.
type Bundle struct {
	// Version of the model.
	Version   int64                  `json:"version"`
	Model     *threatmodel.Model     `json:"model"`
	Decisions []threatmodel.Decision `json:"decisions" nullable:"false"`
	Texts     []Text                 `json:"texts" nullable:"false"`
}

// Text is the extracted text of a document of the model.
type Text struct {
	// Document is the document's id in the model.
	Document string `json:"document"`
	// Path is where the command line puts it: documents/....txt
	Path string `json:"path"`
	Text string `json:"text"`
}

// Identity tells the bearer of a token who the server takes it for.
type Identity struct {
	Organization string  `json:"organization"`
	Token        string  `json:"token"`
	Member       string  `json:"member,omitempty"`
	Name         string  `json:"name"`
	Role         Role    `json:"role" enum:"viewer,analyst,approver,admin"`
	Scopes       []Scope `json:"scopes" nullable:"false"`
	System       string  `json:"system,omitempty" doc:"The one system that the token is good for"`
}

// NewTicket asks for a ticket.
type NewTicket struct {
	Path string `json:"path" minLength:"1" maxLength:"500" doc:"The stream that it is to open, such as /v1/analyses/{id}/events"`
}

// Ticket opens one stream of events, once, for those who cannot send a header.
type Ticket struct {
	Ticket    string    `json:"ticket"`
	URL       string    `json:"url" doc:"The path with the ticket"`
	ExpiresAt time.Time `json:"expires_at"`
}

// AuditCheck asks whether the audit trail is whole.
type AuditCheck struct {
	Checkpoint string `json:"checkpoint,omitempty" maxLength:"2000" doc:"A signed checkpoint that was kept: a trail that was cut after it is noticed"`
}

// AuditVerdict says whether the audit trail is whole.
type AuditVerdict struct {
	Valid bool `json:"valid"`
	// Events were checked, from the first.
	Events int64 `json:"events"`
	// BrokenAt is the sequence number of the first link that does not hold;
	// 0 where all do.
	BrokenAt int64  `json:"broken_at,omitempty"`
	Message  string `json:"message,omitempty"`
	// Head is a signed checkpoint of the head, to keep elsewhere.
	Head string `json:"head,omitempty"`
}

// Problem is an error as the API tells it (RFC 9457).
type Problem struct {
	// Type names the kind of problem for programs: urn:bartizan:problem:KIND.
	Type   string `json:"type" doc:"Names the kind of problem for programs"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty" doc:"What is wrong, and what to do about it, for people"`
	// Instance is urn:bartizan:request:ID; the server's log has the same id.
	Instance string         `json:"instance,omitempty" doc:"Names this request; the server's log has the same id"`
	Errors   []ProblemField `json:"errors,omitempty"`
}

// ProblemField is one field that does not fit.
type ProblemField struct {
	// Pointer is a JSON pointer into the body.
	Pointer string `json:"pointer,omitempty" doc:"JSON pointer into the body"`
	// Parameter is the name of a query, path or header parameter.
	Parameter string `json:"parameter,omitempty" doc:"Name of a query, path or header parameter"`
	Detail    string `json:"detail"`
}

// ProblemType is the prefix of Problem.Type.
const ProblemType = "urn:bartizan:problem:"
