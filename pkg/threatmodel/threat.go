package threatmodel

import "time"

// STRIDE is a category of threat.
type STRIDE string

// The STRIDE categories.
const (
	Spoofing              STRIDE = "spoofing"
	Tampering             STRIDE = "tampering"
	Repudiation           STRIDE = "repudiation"
	InformationDisclosure STRIDE = "information_disclosure"
	DenialOfService       STRIDE = "denial_of_service"
	ElevationOfPrivilege  STRIDE = "elevation_of_privilege"
)

// STRIDECategories lists the categories in the order of the acronym.
func STRIDECategories() []STRIDE {
	return []STRIDE{Spoofing, Tampering, Repudiation, InformationDisclosure, DenialOfService, ElevationOfPrivilege}
}

// EvidenceRole says on which side a quote stands.
type EvidenceRole string

// Roles of evidence.
const (
	States      EvidenceRole = "states"
	Contradicts EvidenceRole = "contradicts"
)

// Evidence is a quote from a document: always a slice of its extracted text.
type Evidence struct {
	Quote    string       `json:"quote"`
	Document string       `json:"document"`
	Passage  string       `json:"passage"`
	Role     EvidenceRole `json:"role"`
	Locator  Locator      `json:"locator"`
	// Omission marks a quote that only states that an element or flow
	// exists, for a threat that rests on what the design does not say.
	Omission bool `json:"omission"`
}

// Verdict says whether the design really has a control.
type Verdict string

// Verdicts.
const (
	Enforced  Verdict = "enforced"  // the mechanism is stated
	Partial   Verdict = "partial"   // the mechanism covers part of what it should
	Claimed   Verdict = "claimed"   // asserted without any mechanism
	Bypassed  Verdict = "bypassed"  // another statement in the design goes round it
	Inherited Verdict = "inherited" // a platform provides it, and that is shown
	Absent    Verdict = "absent"    // the design has none
)

// Verdicts lists the verdicts from best to worst.
func Verdicts() []Verdict {
	return []Verdict{Enforced, Inherited, Partial, Claimed, Bypassed, Absent}
}

// ControlRef links a threat to a control that answers it.
type ControlRef struct {
	Catalog   string     `json:"catalog"`
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Verdict   Verdict    `json:"verdict"`
	Rationale string     `json:"rationale"`
	Evidence  []Evidence `json:"evidence"`
}

// Level is a level of risk.
type Level string

// Risk levels.
const (
	Low      Level = "low"
	Medium   Level = "medium"
	High     Level = "high"
	Critical Level = "critical"
)

// Levels lists the levels from lowest to highest.
func Levels() []Level { return []Level{Low, Medium, High, Critical} }

// AtLeast reports whether l is as high as min. An unknown level is below all.
func (l Level) AtLeast(min Level) bool { return l.rank() >= min.rank() }

func (l Level) rank() int {
	for i, x := range Levels() {
		if x == l {
			return i
		}
	}
	return -1
}

// riskMatrix gives the level by likelihood (row) and impact (column), each 1..5.
var riskMatrix = [5][5]Level{
	{Low, Low, Low, Low, Medium},
	{Low, Low, Medium, Medium, High},
	{Low, Medium, Medium, High, High},
	{Low, Medium, High, High, Critical},
	{Medium, Medium, High, Critical, Critical},
}

// Risk is the level that likelihood and impact, each 1..5, give together
// (ISO/IEC 27005:2022 A.1.1 qualitative matrix). Values out of range are
// clamped.
func Risk(likelihood, impact int) Level {
	return riskMatrix[clamp(likelihood)-1][clamp(impact)-1]
}

func clamp(n int) int { return max(1, min(5, n)) }

// Score is a likelihood or an impact with the facts that it came from.
type Score struct {
	// Value is 1..5.
	Value     int    `json:"value"`
	Rationale string `json:"rationale"`
}

// Proposal is the rating that analysis proposes.
type Proposal struct {
	Likelihood int   `json:"likelihood"`
	Impact     int   `json:"impact"`
	Risk       Level `json:"risk"`
}

// Status of a threat.
type Status string

// Statuses.
const (
	StatusOpen      Status = "open"
	StatusConfirmed Status = "confirmed"
	StatusRejected  Status = "rejected"
	StatusAccepted  Status = "accepted"
	StatusMitigated Status = "mitigated"
	StatusDuplicate Status = "duplicate"
	StatusResolved  Status = "resolved"
)

// Where a threat comes from.
const (
	SourcePattern = "pattern"
	SourceModel   = "model"
	SourceBoth    = "both"
	SourcePerson  = "person"
)

// ReviewDue says why a decision must be looked at again.
type ReviewDue struct {
	Reason string `json:"reason"`
	// Cause is document or analyst: whose change it was; or time.
	Cause string `json:"cause"`
	// Before and After are the texts the decision was taken on and what
	// stands now; either may be empty.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Anchor is what binds a threat to text: a folded quote.
type Anchor struct {
	// Hash is of the folded quote alone.
	Hash string `json:"hash"`
	// Quote is the quote, white space folded.
	Quote string `json:"quote"`
	// Before and After are up to 32 characters around it; they only tell
	// repeated quotes apart.
	Before   string `json:"before,omitempty"`
	After    string `json:"after,omitempty"`
	Document string `json:"document"`
	Heading  string `json:"heading,omitempty"`
}

// FormerEvidence is a quote that no longer stands in the documents.
type FormerEvidence struct {
	Quote    string `json:"quote"`
	Document string `json:"document"`
	// SHA256 is of the revision of the document that held it.
	SHA256 string `json:"sha256"`
}

// Step is one step of an attack chain.
type Step struct {
	Element  string     `json:"element"`
	Action   string     `json:"action"`
	Evidence []Evidence `json:"evidence"`
}

// Mitigation is what could be done about a threat.
type Mitigation struct {
	Text string `json:"text"`
	// Control is the control reference it would satisfy, as catalog:id.
	Control string `json:"control,omitempty"`
}

// Threat is something that can go wrong in the system as designed.
type Threat struct {
	// ID is minted once and then carried; see package reconcile.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Statement is "a [source] with [prerequisites] can [action], which leads
	// to [impact], negatively affecting [property] of [asset]".
	Statement string   `json:"statement"`
	STRIDE    []STRIDE `json:"stride"`
	CWE       []int    `json:"cwe"`
	CAPEC     []int    `json:"capec"`
	ATTACK    []string `json:"attack"`
	// Elements are ids; the first carries the weakness.
	Elements []string     `json:"elements"`
	Assets   []string     `json:"assets"`
	Evidence []Evidence   `json:"evidence"`
	Controls []ControlRef `json:"controls"`
	// NoControl is the reason why Controls is empty.
	NoControl   string       `json:"no_control,omitempty"`
	Mitigations []Mitigation `json:"mitigations"`
	Likelihood  Score        `json:"likelihood"`
	Impact      Score        `json:"impact"`
	Risk        Level        `json:"risk"`
	// Rating is proposed until a person confirms it.
	Rating   string   `json:"rating"`
	Proposed Proposal `json:"proposed"`
	// Source is pattern, model, both or person.
	Source    string     `json:"source"`
	Status    Status     `json:"status"`
	ReviewDue *ReviewDue `json:"review_due"`
	// Confidence is low, medium or high.
	Confidence string `json:"confidence"`
	// Family is the weakness family; see package weakness.
	Family         string           `json:"family"`
	Anchors        []Anchor         `json:"anchors"`
	FormerEvidence []FormerEvidence `json:"former_evidence"`
	Steps          []Step           `json:"steps"`
	NotReproduced  bool             `json:"not_reproduced"`
	SplitFrom      string           `json:"split_from,omitempty"`
	MergedInto     string           `json:"merged_into,omitempty"`
	DuplicateOf    string           `json:"duplicate_of,omitempty"`
	Decisions      []Decision       `json:"decisions"`
	// FirstSeen is the id of the analysis that found it first.
	FirstSeen  string   `json:"first_seen"`
	Provenance []string `json:"provenance"`
	// Facts are what the rating was made from.
	Facts Facts `json:"facts"`

	Owner     *string    `json:"owner"`
	Treatment *string    `json:"treatment"`
	Due       *time.Time `json:"due"`
	Residual  *Proposal  `json:"residual"`
	// Ticket is a link to where the work on the threat is tracked.
	Ticket string `json:"ticket,omitempty"`
	// Wording is person where a person worded title and statement: analyses
	// leave them then.
	Wording string `json:"wording,omitempty"`
}

// WordingPerson marks a threat that a person worded.
const WordingPerson = "person"

// Rating states.
const (
	RatingProposed  = "proposed"
	RatingConfirmed = "confirmed"
)

// Confidence levels.
const (
	ConfidenceLow    = "low"
	ConfidenceMedium = "medium"
	ConfidenceHigh   = "high"
)

// Facts are the facts about a threat from which its rating is made.
type Facts struct {
	// Exposure tells from where the weakness can be reached.
	Exposure Exposure `json:"exposure"`
	// Prerequisite is none, account, privileged or insider.
	Prerequisite string `json:"prerequisite"`
	// Scope is one, tenant or all: whose data or service is hit.
	Scope string `json:"scope"`
	// Class is the highest class of the assets that are hit.
	Class string `json:"class"`
	// Properties is any of confidentiality, integrity, availability.
	Properties []string `json:"properties"`
}

// IsOpen reports whether the threat still asks for something: it is open or
// confirmed, or a decision on it must be looked at again.
func (t *Threat) IsOpen() bool {
	return t.Status == StatusOpen || t.Status == StatusConfirmed || (t.ReviewDue != nil && t.MergedInto == "")
}

// Live reports whether the threat stands in the model as found now: neither
// resolved, nor merged into another.
func (t *Threat) Live() bool { return t.Status != StatusResolved && t.MergedInto == "" }
