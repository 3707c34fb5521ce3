package identifier_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/identifier"
)

// TestWhatIsWrittenIsRead holds that an identifier leads back to its key, and
// to no key of another type.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		s := identifier.String(identifier.System, id)
		got, err := identifier.Parse(identifier.System, s)
		if err != nil || got != id {
			t.Fatalf("Parse(%q) = %v, %v; want %v", s, got, err, id)
		}
		if _, err := identifier.Parse(identifier.Document, s); err == nil {
			t.Fatalf("%q was taken for a document", s)
		}
	})
}

func TestWhatIsNoIdentifierIsRefused(t *testing.T) {
	good := identifier.String(identifier.System, uuid.UUID{15: 1})
	for _, s := range []string{"", "sys", "sys_", good[:len(good)-1], good + "0", "SYS" + good[3:], good[:len(good)-1] + "5", "sys_iiiiiiiiiiiiiiiiiiiiiiiiii"} {
		if id, err := identifier.Parse(identifier.System, s); err == nil {
			t.Errorf("%q was taken for %v", s, id)
		}
	}
}

// TestIdentifiersSortByTime holds what cursors rely on.
func TestIdentifiersSortByTime(t *testing.T) {
	before := identifier.String(identifier.Analysis, identifier.New())
	for range 1000 {
		now := identifier.String(identifier.Analysis, identifier.New())
		if now <= before {
			t.Fatalf("%s does not sort after %s", now, before)
		}
		before = now
	}
}
