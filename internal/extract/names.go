package extract

import (
	"fmt"
	"hash/fnv"
	"io"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// namer keeps the names and ids of documents apart. The zero value is ready.
//
// It remembers hashes: an export may have hundreds of thousands of pages. Where
// two names had the same hash, one would be numbered without need.
type namer struct {
	names map[uint64]bool
	ids   map[uint64]bool
}

func nameHash(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s) // it never fails
	return h.Sum64()
}

// unique returns the name, or where another document has it, the name with a
// number.
func (n *namer) unique(name string) string {
	if n.names == nil {
		n.names = map[uint64]bool{}
	}
	candidate := name
	for i := 2; n.names[nameHash(candidate)]; i++ {
		candidate = fmt.Sprintf("%s (%d)", name, i)
	}
	n.names[nameHash(candidate)] = true
	return candidate
}

// Lengths of an id after its prefix: 30 bits, and more while another document
// has the same.
const shortID, longID = 6, 12

// id makes the id of a document from its name, so that it stays when the
// bytes change.
func (n *namer) id(name string) string {
	if n.ids == nil {
		n.ids = map[uint64]bool{}
	}
	id := threatmodel.ShortID("D", name, shortID)
	for digits := shortID + 1; n.ids[nameHash(id)] && digits <= longID; digits++ {
		id = threatmodel.ShortID("D", name, digits)
	}
	n.ids[nameHash(id)] = true
	return id
}
