package threatmodel

// Context is what people state about a system beside its documents:
// bartizan.yaml. It is cited like a document.
type Context struct {
	System string `json:"system,omitempty" yaml:"system,omitempty"`
	Owner  string `json:"owner,omitempty" yaml:"owner,omitempty"`
	// Criticality is low, medium, high or critical.
	Criticality string `json:"criticality,omitempty" yaml:"criticality,omitempty"`
	// Classification is the highest class of the documents themselves; it
	// decides to which model endpoints their text may go.
	Classification string             `json:"classification,omitempty" yaml:"classification,omitempty"`
	DataClasses    []DataClass        `json:"data_classes,omitempty" yaml:"data_classes,omitempty"`
	Assumptions    []string           `json:"assumptions,omitempty" yaml:"assumptions,omitempty"`
	OutOfScope     []string           `json:"out_of_scope,omitempty" yaml:"out_of_scope,omitempty"`
	Inherited      []InheritedControl `json:"inherited_controls,omitempty" yaml:"inherited_controls,omitempty"`
	Endpoints      []Endpoint         `json:"endpoints,omitempty" yaml:"endpoints,omitempty"`
	Prices         []Price            `json:"prices,omitempty" yaml:"prices,omitempty"`
}

// DataClass states how a kind of data is classified.
type DataClass struct {
	Name string `json:"name" yaml:"name"`
	// Class is public, internal, confidential or restricted.
	Class string   `json:"class" yaml:"class"`
	Kinds []string `json:"kinds,omitempty" yaml:"kinds,omitempty"`
}

// InheritedControl is a control that a platform provides to the system.
type InheritedControl struct {
	// Control is a control id, or catalog:id.
	Control string `json:"control" yaml:"control"`
	// Elements are names; empty means the whole system.
	Elements []string `json:"elements,omitempty" yaml:"elements,omitempty"`
	Provider string   `json:"provider" yaml:"provider"`
	// Statement says what is provided; it is what a verdict quotes.
	Statement string `json:"statement" yaml:"statement"`
	// ShownIn says where that is shown: a report, a certificate, a page.
	ShownIn string `json:"shown_in" yaml:"shown_in"`
}

// Endpoint allows a model endpoint for documents up to a classification.
type Endpoint struct {
	// URL is the base URL or its host.
	URL string `json:"url" yaml:"url"`
	// UpTo is public, internal, confidential or restricted.
	UpTo string `json:"up_to" yaml:"up_to"`
}

// Price of a model, per million tokens.
type Price struct {
	Model    string  `json:"model" yaml:"model"`
	Input    float64 `json:"input" yaml:"input"`
	Output   float64 `json:"output" yaml:"output"`
	Currency string  `json:"currency,omitempty" yaml:"currency,omitempty"`
}

// Classes lists data classes from lowest to highest.
func Classes() []string { return []string{"public", "internal", "confidential", "restricted"} }
