package extract

import (
	"fmt"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// namer keeps the names and ids of documents apart. The zero value is ready.
//
// It remembers hashes: an export may have hundreds of thousands of pages. Where
// two names had the same hash, one would be numbered without need.
type namer struct {
	names hashes
	ids   hashes
}

// hashes is a set of hashes, in as little memory as a map takes.
type hashes map[uint64]struct{}

func (h hashes) has(s string) bool {
	_, ok := h[nameHash(s)]
	return ok
}

// nameHash is FNV-1a, without the allocations of package fnv.
func nameHash(s string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	return h
}

// unique returns the name, or where another document has it, the name with a
// number.
func (n *namer) unique(name string) string {
	if n.names == nil {
		n.names = hashes{}
	}
	candidate := name
	for i := 2; n.names.has(candidate); i++ {
		candidate = fmt.Sprintf("%s (%d)", name, i)
	}
	n.names[nameHash(candidate)] = struct{}{}
	return candidate
}

// Lengths of an id after its prefix: 30 bits, and more while another document
// has the same.
const shortID, longID = 6, 12

// id makes the id of a document from its name, so that it stays when the
// bytes change.
func (n *namer) id(name string) string {
	if n.ids == nil {
		n.ids = hashes{}
	}
	id := threatmodel.ShortID("D", name, shortID)
	for digits := shortID + 1; n.ids.has(id) && digits <= longID; digits++ {
		id = threatmodel.ShortID("D", name, digits)
	}
	n.ids[nameHash(id)] = struct{}{}
	return id
}

// idList keeps ids in their order. It holds no pointer for each, and is never
// copied as it grows: an export may have hundreds of thousands of pages. The
// zero value is ready.
type idList struct {
	chunks [][]byte
	count  int
}

const (
	// idSize is the room for an id with its length, in bytes.
	idSize   = len("D-") + longID + 1
	idsChunk = 4096
)

func (l *idList) add(id string) {
	if l.count%idsChunk == 0 {
		l.chunks = append(l.chunks, make([]byte, 0, idSize*idsChunk))
	}
	last := &l.chunks[len(l.chunks)-1]
	start, n := len(*last), min(len(id), idSize-1)
	*last = append(append(*last, byte(n)), id[:n]...)
	*last = (*last)[:start+idSize]
	l.count++
}

// at is the id of the given index; empty where there is none.
func (l *idList) at(i int) string {
	if i < 0 || i >= l.count {
		return ""
	}
	b := l.chunks[i/idsChunk][i%idsChunk*idSize:]
	return string(b[1 : 1+b[0]])
}
