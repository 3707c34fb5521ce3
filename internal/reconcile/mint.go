package reconcile

import (
	"strconv"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Key is what a threat is about, apart from the text it rests on: the element
// that carries the weakness and the weakness family. For a chain of steps it is
// the entry, the target asset and the family of the first step.
type Key struct {
	Element, Asset, Family string
	Chain                  bool
}

// KeyOf is the key of a threat.
func KeyOf(t *threatmodel.Threat) Key {
	k := Key{Family: t.Family}
	if len(t.Elements) > 0 {
		k.Element = t.Elements[0]
	}
	if len(t.Steps) > 0 {
		k.Chain, k.Element = true, t.Steps[0].Element
		if len(t.Assets) > 0 {
			k.Asset = t.Assets[0]
		}
	}
	return k
}

func (k Key) String() string {
	if k.Chain {
		return "chain\x00" + k.Element + "\x00" + k.Asset + "\x00" + k.Family
	}
	return k.Element + "\x00" + k.Family
}

// Mint gives a threat its id: 30 bits of the hash of its key and first anchor,
// more where that is taken. The id is added to taken.
func Mint(key Key, first threatmodel.Anchor, taken map[string]bool) string {
	return mint("T", key.String()+"\x00"+first.Hash, taken)
}

const (
	leastDigits = 6 // 30 bits
	mostDigits  = 12
)

func mint(prefix, key string, taken map[string]bool) string {
	salted := key
	for round := 1; ; round++ {
		for digits := leastDigits; digits <= mostDigits; digits++ {
			id := threatmodel.ShortID(prefix, salted, digits)
			if !taken[id] {
				taken[id] = true
				return id
			}
		}
		salted = key + "\x00" + strconv.Itoa(round)
	}
}
