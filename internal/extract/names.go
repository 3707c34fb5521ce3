package extract

import (
	"fmt"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// namer keeps the names and ids of documents apart. The zero value is ready.
type namer struct {
	names map[string]bool
	ids   map[string]bool
}

// unique returns the name, or where another document has it, the name with a
// number.
func (n *namer) unique(name string) string {
	if n.names == nil {
		n.names = map[string]bool{}
	}
	candidate := name
	for i := 2; n.names[candidate]; i++ {
		candidate = fmt.Sprintf("%s (%d)", name, i)
	}
	n.names[candidate] = true
	return candidate
}

// Lengths of an id after its prefix: 30 bits, and more while another document
// has the same.
const shortID, longID = 6, 12

// id makes the id of a document from its name, so that it stays when the
// bytes change.
func (n *namer) id(name string) string {
	if n.ids == nil {
		n.ids = map[string]bool{}
	}
	id := threatmodel.ShortID("D", name, shortID)
	for digits := shortID + 1; n.ids[id] && digits <= longID; digits++ {
		id = threatmodel.ShortID("D", name, digits)
	}
	n.ids[id] = true
	return id
}
