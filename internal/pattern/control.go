package pattern

// Control is a safeguard as design documents state it.
type Control struct {
	ID string `yaml:"id"`
	// Name is how a list of controls shows it.
	Name string `yaml:"name"`
	// Families are the weakness families that it answers.
	Families []string `yaml:"families"`
	// Mechanism are the ways in which texts say how it works: a named
	// algorithm, protocol, product, place of enforcement.
	Mechanism []Signal `yaml:"mechanism"`
	// Claim are the ways in which texts assert it without saying how.
	Claim []Signal `yaml:"claim,omitempty"`
	// Short are the ways in which texts state that there is one, and that it
	// falls short: it can be left out, fails open, or only watches.
	Short []Signal `yaml:"short,omitempty"`
}

// Asset is data worth protecting, by the words that name it.
type Asset struct {
	Name string `yaml:"name"`
	// Class is threatmodel's: public, internal, confidential, restricted.
	Class string `yaml:"class"`
	// Kinds are personal, credentials, payment, health, business.
	Kinds []string `yaml:"kinds"`
	Words []Signal `yaml:"words"`
}
