package resource

import (
	"time"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// The bodies of requests. In a patch a nil field stays as it is.

// OrganizationPatch changes an organization. Settings replace all settings.
type OrganizationPatch struct {
	Title    *string   `json:"title,omitempty" minLength:"1" maxLength:"200"`
	Settings *Settings `json:"settings,omitempty"`
}

// NewMember is a person to add.
type NewMember struct {
	Name  string `json:"name" minLength:"1" maxLength:"200"`
	Email string `json:"email" format:"email" maxLength:"320"`
	Role  Role   `json:"role" enum:"viewer,analyst,approver,admin"`
}

// MemberPatch changes a member.
type MemberPatch struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Role *Role   `json:"role,omitempty" enum:"viewer,analyst,approver,admin"`
}

// NewToken is a token to make.
type NewToken struct {
	Name   string  `json:"name" minLength:"1" maxLength:"200"`
	Scopes []Scope `json:"scopes" minItems:"1" enum:"read,write,decide,admin"`
	// System bounds the token to one system.
	System string `json:"system,omitempty" doc:"Good for this system only; absent for the whole organization"`
	// Member is the person whose token it is: it may do what the person may.
	Member    string     `json:"member,omitempty" doc:"The person it belongs to; it may do no more than that person"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// NewSystem is a system to make.
type NewSystem struct {
	Name           string               `json:"name" minLength:"1" maxLength:"200"`
	Owner          string               `json:"owner,omitempty" maxLength:"200"`
	Criticality    string               `json:"criticality,omitempty" enum:",low,medium,high,critical"`
	Classification string               `json:"classification,omitempty" enum:",public,internal,confidential,restricted" doc:"Highest class of its documents; decides where their text may go"`
	Context        *threatmodel.Context `json:"context,omitempty" doc:"What people state beside the documents, as bartizan.yaml does"`
	Labels         []string             `json:"labels,omitempty" maxItems:"50"`
	Catalogs       []string             `json:"catalogs,omitempty" maxItems:"20" doc:"Control catalogs in use; absent for iso27001-2022"`
	Analyst        string               `json:"analyst,omitempty" enum:",llm,builtin,both"`
}

// SystemPatch changes a system.
type SystemPatch struct {
	Name           *string              `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Owner          *string              `json:"owner,omitempty" maxLength:"200"`
	Criticality    *string              `json:"criticality,omitempty" enum:",low,medium,high,critical"`
	Classification *string              `json:"classification,omitempty" enum:",public,internal,confidential,restricted"`
	Context        *threatmodel.Context `json:"context,omitempty" doc:"Replaces the whole context"`
	Labels         *[]string            `json:"labels,omitempty" maxItems:"50"`
	Catalogs       *[]string            `json:"catalogs,omitempty" minItems:"1" maxItems:"20"`
	Analyst        *string              `json:"analyst,omitempty" enum:",llm,builtin,both"`
}

// NewAnalysis asks for an analysis.
type NewAnalysis struct {
	// Fresh asks every question again; the model before serves matching and
	// decisions only.
	Fresh bool `json:"fresh,omitempty"`
}

// NewAnswer answers a question of the model.
type NewAnswer struct {
	Answer string `json:"answer" minLength:"1" maxLength:"4000"`
}

// Import takes a model of the command line into a system.
type Import struct {
	Model     *threatmodel.Model     `json:"model"`
	Decisions []threatmodel.Decision `json:"decisions,omitempty"`
}

// NewBatch plans, and where Start is true begins, a re-analysis.
type NewBatch struct {
	Selector Selector `json:"selector"`
	Fresh    bool     `json:"fresh,omitempty"`
	Start    bool     `json:"start,omitempty" doc:"Begin as soon as the estimate is there"`
}

// NewSchedule starts batches by the clock.
type NewSchedule struct {
	Name     string   `json:"name" minLength:"1" maxLength:"200"`
	Cron     string   `json:"cron" minLength:"9" maxLength:"200" doc:"Five fields; UTC unless it begins with CRON_TZ="`
	Selector Selector `json:"selector"`
	Enabled  *bool    `json:"enabled,omitempty" doc:"Absent for true"`
}

// SchedulePatch changes a schedule.
type SchedulePatch struct {
	Name     *string   `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Cron     *string   `json:"cron,omitempty" minLength:"9" maxLength:"200"`
	Selector *Selector `json:"selector,omitempty"`
	Enabled  *bool     `json:"enabled,omitempty"`
}

// NewWebhook is an address to call back.
type NewWebhook struct {
	URL     string   `json:"url" format:"uri" maxLength:"2000"`
	Events  []string `json:"events,omitempty" maxItems:"50" doc:"Such as analysis.finished; absent or * for all"`
	Enabled *bool    `json:"enabled,omitempty" doc:"Absent for true"`
}

// WebhookPatch changes a webhook.
type WebhookPatch struct {
	URL     *string   `json:"url,omitempty" format:"uri" maxLength:"2000"`
	Events  *[]string `json:"events,omitempty" minItems:"1" maxItems:"50"`
	Enabled *bool     `json:"enabled,omitempty"`
}

// AuditReport is what verifying the audit trail found.
type AuditReport struct {
	// Events were followed, from the first to the head.
	Events int64 `json:"events"`
	// Head is the hash of the last link.
	Head string `json:"head"`
	// Broken is the sequence of the first link that does not hold; 0 for none.
	Broken int64  `json:"broken,omitempty"`
	Reason string `json:"reason,omitempty"`
}
