// Package pattern holds the built-in analyst's knowledge: threat patterns and a
// lexicon of technologies, as YAML, and the one matcher that finds their words
// in a sentence. Nothing here knows a pattern by name: a further one is a
// further entry of a file.
package pattern

import "github.com/bartizan-security/bartizan/pkg/threatmodel"

// Pattern is one thing that goes wrong in designs again and again, and how a
// text says so.
type Pattern struct {
	// ID is stable: reports and later runs refer to it. Lower case, words
	// joined by hyphens.
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	// STRIDE holds threatmodel's categories, such as information_disclosure.
	STRIDE []threatmodel.STRIDE `yaml:"stride"`
	// CWE is the weakness; it must be one that findings may be mapped to.
	CWE    int      `yaml:"cwe"`
	CAPEC  []int    `yaml:"capec,omitempty"`
	ATTACK []string `yaml:"attack,omitempty"`
	// Family is the weakness family of CWE, by ground's signals.
	Family string `yaml:"family"`
	// Subjects are the elements and flows that can carry the weakness; one of
	// the conditions must hold.
	Subjects []Condition `yaml:"subjects"`
	// Carrier says which element carries the weakness where a sentence names
	// several that could: first (the default) or last.
	Carrier string `yaml:"carrier,omitempty"`
	// Signals are the ways in which texts state the weakness; one suffices.
	// Without one that matches there is no threat.
	Signals []Signal `yaml:"signals"`
	// Answers are the ways in which texts state that the weakness is dealt
	// with at the element.
	Answers   []Signal  `yaml:"answers"`
	Statement Statement `yaml:"statement"`
	Rating    Rating    `yaml:"rating"`
	// Mitigations say concretely what to build.
	Mitigations []string `yaml:"mitigations"`
	// Question is asked where a subject fits and the design is silent.
	Question *Question `yaml:"question,omitempty"`
	// Fragments prove the pattern: the tests run each through the whole
	// built-in analysis.
	Fragments Fragments `yaml:"fragments"`
}

// Condition describes an element or flow. All parts that are given must hold;
// within a part one value suffices.
type Condition struct {
	Kinds []threatmodel.Kind `yaml:"kinds,omitempty"`
	// Tags are of the lexicon, by the element's name, aliases and
	// technologies; for a flow, by its label's technologies.
	Tags    []string `yaml:"tags,omitempty"`
	NotTags []string `yaml:"not_tags,omitempty"`
	// Peer are tags of an element that the subject has a flow with; for a
	// flow, of either end.
	Peer     []string               `yaml:"peer,omitempty"`
	Exposure []threatmodel.Exposure `yaml:"exposure,omitempty"`
	// Holds are kinds of assets that the subject holds: personal,
	// credentials, payment, health, business.
	Holds []string `yaml:"holds,omitempty"`
	// Outside asks for a flow with an external entity at one end; for an
	// element, for a flow like that.
	Outside bool `yaml:"outside,omitempty"`
	// Tenants asks for a system that serves several organizations.
	Tenants bool `yaml:"tenants,omitempty"`
}

// Statement is the threat in the usual grammar: a [source] with
// [prerequisites] can [action], which leads to [impact], negatively affecting
// [properties]. Its texts may hold {element}, {peer}, {from}, {to}, {asset}
// and {technology}; {asset|the data it handles} gives the words to use where
// none is known.
type Statement struct {
	Source        string `yaml:"source"`
	Prerequisites string `yaml:"prerequisites"`
	Action        string `yaml:"action"`
	Impact        string `yaml:"impact"`
	// Properties are any of confidentiality, integrity, availability,
	// accountability, privacy.
	Properties []string `yaml:"properties"`
}

// Rating holds the facts from which likelihood and impact are computed.
type Rating struct {
	// Exposure overrides that of the element, where the weakness is only
	// reachable from elsewhere: internet, partner, internal, local. Mostly
	// left out.
	Exposure threatmodel.Exposure `yaml:"exposure,omitempty"`
	// Prerequisite is what the attacker needs: none, account, privileged,
	// insider.
	Prerequisite string `yaml:"prerequisite"`
	// Scope is whom it hits: one, tenant, all, unknown.
	Scope string `yaml:"scope"`
}

// Question is what to ask where a design is silent.
type Question struct {
	// Text may hold the placeholders of a statement.
	Text string `yaml:"text"`
	Why  string `yaml:"why"`
	// When narrows the subjects that are asked about: without it every
	// subject of the pattern is.
	When []Condition `yaml:"when,omitempty"`
	// Mentions are signals of which one must stand in a sentence about the
	// subject, and is quoted: what makes the silence worth a question. None
	// means that the subject alone does.
	Mentions []Signal `yaml:"mentions,omitempty"`
}

// Fragments are short texts, in Markdown, as a design document would hold
// them.
type Fragments struct {
	Fires  []Fires  `yaml:"fires"`
	Silent []Silent `yaml:"silent"`
}

// Fires is a text in which the pattern must be found.
type Fires struct {
	Text string `yaml:"text"`
	// Element is the name of the element, or "from -> to" of the flow, that
	// must carry the threat; empty where any may.
	Element string `yaml:"element,omitempty"`
}

// Silent is a near miss: a text in which the pattern must not be found.
type Silent struct {
	Text string `yaml:"text"`
	// Because says why: negated, planned, past, answered, elsewhere (another
	// element), or harmless.
	Because string `yaml:"because"`
}

// Entry is a word of the lexicon: a technology, a noun that names components,
// or a party outside.
type Entry struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases,omitempty"`
	// Type is technology (a product or protocol that elements use), noun
	// (the head of component names, such as service or queue) or party
	// (people and organizations outside, such as customer or bank).
	Type string `yaml:"type"`
	// Kind is the kind of element that it usually is.
	Kind threatmodel.Kind `yaml:"kind"`
	Tags []string         `yaml:"tags"`
	// Cased is true where the name is a plain English word unless written
	// exactly so: Go, Spark, Flow.
	Cased bool `yaml:"cased,omitempty"`
	// Protocol is what is spoken with it by default, and whether that is
	// encrypted by default: yes, no or optional.
	Protocol  string `yaml:"protocol,omitempty"`
	Encrypted string `yaml:"encrypted,omitempty"`
}
