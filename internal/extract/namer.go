package extract

// Namer gives documents that were read apart names and ids as if they had been
// read together. The zero value is ready.
type Namer struct{ names namer }

// Unique is the name, or where another document has it, the name with a number.
func (n *Namer) Unique(name string) string { return n.names.unique(name) }

// ID is the id of the document of a name, which Unique gave.
func (n *Namer) ID(name string) string { return n.names.id(name) }
