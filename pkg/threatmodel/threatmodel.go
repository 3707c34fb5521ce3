// Package threatmodel is Bartizan's vocabulary: documents and what was read
// from them, the map of the system they describe, threats with their evidence,
// controls and verdicts, people's decisions, and the record of the analysis.
//
// A [Model] is what analysis produces and what model.json holds. The package
// imports nothing else of Bartizan, so that other programs can read a model
// with these types alone.
package threatmodel

// SchemaVersion is the version of model.json that this package reads and
// writes. A reader refuses a file with another major version.
const SchemaVersion = "1.0"

// Model is the threat model of one system.
type Model struct {
	SchemaVersion string `json:"schema_version"`
	System        string `json:"system"`
	// Context is what people stated beside the documents; nil where nothing was.
	Context        *Context        `json:"context"`
	Brief          Brief           `json:"brief"`
	Documents      []Document      `json:"documents"`
	Elements       []Element       `json:"elements"`
	Assets         []Asset         `json:"assets"`
	StatedControls []StatedControl `json:"stated_controls"`
	Threats        []Threat        `json:"threats"`
	Questions      []Question      `json:"questions"`
	Notices        []Notice        `json:"notices"`
	// Changes compares with the baseline; nil for a first analysis.
	Changes  *Changes       `json:"changes"`
	Coverage []CoverageCell `json:"coverage"`
	Analysis Analysis       `json:"analysis"`
}

// Threat finds a threat by id; nil where the model has none such.
func (m *Model) Threat(id string) *Threat {
	for i := range m.Threats {
		if m.Threats[i].ID == id {
			return &m.Threats[i]
		}
	}
	return nil
}

// Element finds an element by id; nil where the model has none such.
func (m *Model) Element(id string) *Element {
	for i := range m.Elements {
		if m.Elements[i].ID == id {
			return &m.Elements[i]
		}
	}
	return nil
}

// Document finds a document by id; nil where the model has none such.
func (m *Model) Document(id string) *Document {
	for i := range m.Documents {
		if m.Documents[i].ID == id {
			return &m.Documents[i]
		}
	}
	return nil
}

// Brief is what the documents say of the system as a whole.
type Brief struct {
	Facts []Fact `json:"facts"`
}

// Fact is one line of a brief or of a survey, with the text it rests on.
type Fact struct {
	// Name is purpose, users, exposure, tenancy, deployment or data_classes.
	Name     string     `json:"name"`
	Value    string     `json:"value"`
	Evidence []Evidence `json:"evidence"`
}

// Document is a source document of the system.
type Document struct {
	// ID is stable over revisions: it is made from the name, not the bytes.
	ID string `json:"id"`
	// Name is the path within the input, or the page's path within an export.
	Name      string `json:"name"`
	Title     string `json:"title,omitempty"`
	MediaType string `json:"media_type"`
	// SHA256 of the bytes as given (of the page's body, for a page of an export).
	SHA256 string `json:"sha256"`
	// Language is the ISO 639-1 code of the language in which most of the
	// document is written, where it is known; 639-3 for one that has none.
	Language string `json:"language,omitempty"`
	// Pages is the number of pages of a PDF, and null otherwise.
	Pages *int `json:"pages"`
	// Text is the file under documents/ that holds the extracted text.
	Text string `json:"text,omitempty"`
	// Sentences are short hashes of the sentences that the document holds,
	// ascending, one for each time a sentence stands in it. A later analysis
	// tells by them which sentences are new; see package reconcile.
	Sentences []string `json:"sentences,omitempty"`
}

// Kind of an element of a data flow diagram.
type Kind string

// The kinds of element. Flows and boundaries are elements too.
const (
	ExternalEntity Kind = "external_entity"
	Process        Kind = "process"
	DataStore      Kind = "data_store"
	DataFlow       Kind = "data_flow"
	TrustBoundary  Kind = "trust_boundary"
)

// Kinds lists the element kinds in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{ExternalEntity, Process, DataStore, DataFlow, TrustBoundary}
}

// Exposure tells from where an element or a flow can be reached.
type Exposure string

// Exposures, widest first.
const (
	ExposureInternet Exposure = "internet"
	ExposurePartner  Exposure = "partner"
	ExposureInternal Exposure = "internal"
	ExposureLocal    Exposure = "local"
	ExposureUnknown  Exposure = "unknown"
)

// Element is one part of the data flow diagram.
type Element struct {
	ID           string     `json:"id"`
	Kind         Kind       `json:"kind"`
	Name         string     `json:"name"`
	Aliases      []string   `json:"aliases,omitempty"`
	Technologies []string   `json:"technologies,omitempty"`
	Exposure     Exposure   `json:"exposure,omitempty"`
	Evidence     []Evidence `json:"evidence"`
	// Boundary is the id of the innermost trust boundary around the element.
	Boundary string `json:"boundary,omitempty"`
	// From and To are element ids; data flows only.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Label says what a flow carries or over what; data flows only.
	Label string `json:"label,omitempty"`
	// Crosses lists the trust boundaries that a flow crosses.
	Crosses []string `json:"crosses,omitempty"`
	// Source is document (diagram or table read by code), model or pattern.
	Source string `json:"source,omitempty"`
}

// Asset is data or a capability worth protecting.
type Asset struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Class is public, internal, confidential, restricted or unknown.
	Class string `json:"class"`
	// Kinds says what is in it: personal, credentials, payment, health, business.
	Kinds []string `json:"kinds,omitempty"`
	// Needs is any of confidentiality, integrity, availability.
	Needs    []string   `json:"needs,omitempty"`
	Elements []string   `json:"elements,omitempty"`
	Evidence []Evidence `json:"evidence"`
}

// StatedControl is a control that the documents say the system has.
type StatedControl struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Elements []string   `json:"elements"`
	Verdict  Verdict    `json:"verdict"`
	Family   string     `json:"family,omitempty"`
	Evidence []Evidence `json:"evidence"`
}

// Question is something that the design leaves open and that matters.
type Question struct {
	ID       string     `json:"id"`
	Text     string     `json:"text"`
	Why      string     `json:"why,omitempty"`
	Elements []string   `json:"elements,omitempty"`
	Family   string     `json:"family,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Source   string     `json:"source"`
}

// NoticeKind classifies a notice.
type NoticeKind string

// Kinds of notice.
const (
	NoticeSecret      NoticeKind = "masked_secret"   // a credential was found and masked
	NoticeInstruction NoticeKind = "aimed_at_model"  // text that speaks to a model
	NoticeUnreadable  NoticeKind = "unreadable"      // a page or part without usable text
	NoticeTruncated   NoticeKind = "not_read"        // a part left out because of a limit
	NoticeFormat      NoticeKind = "format"          // oddities of a file that a reader should know
	NoticeAnalysis    NoticeKind = "analysis"        // something about the run itself
	NoticeDecision    NoticeKind = "decision_orphan" // a decision that fits no threat
)

// Notice is what the reader of a model should know about its documents or the
// run.
type Notice struct {
	Kind     NoticeKind `json:"kind"`
	Document string     `json:"document,omitempty"`
	Text     string     `json:"text"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// CoverageStatus says how far a cell of the coverage matrix was looked at.
type CoverageStatus string

// States of a coverage cell.
const (
	CoverageThreats      CoverageStatus = "threats"
	CoverageDoesNotApply CoverageStatus = "does_not_apply"
	CoverageNotLooked    CoverageStatus = "not_looked_at"
)

// CoverageCell is one element against one STRIDE category.
type CoverageCell struct {
	Element string         `json:"element"`
	STRIDE  STRIDE         `json:"stride"`
	Status  CoverageStatus `json:"status"`
	Threats []string       `json:"threats,omitempty"`
	Reason  string         `json:"reason,omitempty"`
}
