// Package identifier writes the keys of rows as people and portals see them: a
// prefix that tells the type, and 26 characters of Crockford's base 32.
package identifier

import (
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Prefix tells the type of an identifier.
type Prefix string

// Prefixes.
const (
	Organization Prefix = "org"
	Member       Prefix = "mem"
	Token        Prefix = "tok"
	System       Prefix = "sys"
	Document     Prefix = "doc"
	Revision     Prefix = "rev"
	Source       Prefix = "src"
	Analysis     Prefix = "anl"
	Batch        Prefix = "bat"
	Schedule     Prefix = "sch"
	Webhook      Prefix = "whk"
	Delivery     Prefix = "msg"
)

// crockford has no letters that read like digits, and is in ascending order:
// identifiers sort as the keys do, by time.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New makes a key that sorts after those made before it.
func New() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// String writes a key.
func String(p Prefix, id uuid.UUID) string {
	return string(p) + "_" + crockford.EncodeToString(id[:])
}

// Parse reads an identifier of the given type. The error says what is wrong
// with it, for people.
func Parse(p Prefix, s string) (uuid.UUID, error) {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok {
		return uuid.Nil, fmt.Errorf("%q is no identifier of this type: those begin with %s_", s, p)
	}
	raw, err := crockford.DecodeString(rest)
	if err != nil || len(raw) != len(uuid.UUID{}) {
		return uuid.Nil, fmt.Errorf("%q is no identifier: %s_ is followed by 26 letters and digits", s, p)
	}
	id := uuid.UUID(raw)
	if String(p, id) != s {
		return uuid.Nil, fmt.Errorf("%q is no identifier: its last character cannot be", s)
	}
	return id, nil
}
