package postgres_test

import (
	"slices"
	"strings"
	"testing"
)

// TestAnOldPgvectorThatWorksIsWarnedOf holds that an operator is told of faults
// in the pgvector that is installed, and not of any where it has none.
func TestAnOldPgvectorThatWorksIsWarnedOf(t *testing.T) {
	s := open(t)
	var version string
	s.must(s.OwnerPool().QueryRow(t.Context(), "select extversion from pg_extension where extname = 'vector'").Scan(&version))
	old := slices.Contains([]string{"0.8.0", "0.8.1", "0.8.2"}, version)
	warned := slices.ContainsFunc(s.Warnings(), func(w string) bool { return strings.Contains(w, "pgvector is "+version) })
	if warned != old {
		t.Errorf("with pgvector %s the warnings are %q", version, s.Warnings())
	}
}
