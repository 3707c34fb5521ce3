package threatmodel

import (
	"crypto/sha256"
	"encoding/binary"
)

// crockford is the alphabet of Crockford's base 32: no I, L, O or U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ShortID is the id that a key gives: the prefix, a hyphen, and the first
// 5*digits bits of the key's SHA-256 in Crockford base 32. Six digits are 30
// bits; who mints ids takes more on collision. Digits must be 1 to 12.
func ShortID(prefix, key string, digits int) string {
	sum := sha256.Sum256([]byte(key))
	bits := binary.BigEndian.Uint64(sum[:8])
	id := make([]byte, digits)
	for i := range id {
		id[i] = crockford[bits>>59]
		bits <<= 5
	}
	return prefix + "-" + string(id)
}
