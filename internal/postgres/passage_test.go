package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func (s *store) current(table string, system uuid.UUID) []string {
	s.t.Helper()
	column := map[string]string{"passage": "id", "vector": "passage"}[table]
	var out []string
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		rows, err := conn.Query(ctx, `select p.text from bartizan.`+table+` x join bartizan.passage p on p.id = x.`+column+` where x.current and x.system_id = $1 order by 1`, system)
		s.must(err)
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		s.must(err)
	})
	return out
}

// embedAll gives every passage of the system that lacks one a vector, and tells
// how many did.
func (s *store) embedAll(org, system uuid.UUID) (embedded []string) {
	s.t.Helper()
	s.as(org, func(tx *postgres.Tx) error {
		ctx := s.t.Context()
		model, err := tx.EmbeddingModel(ctx, "test", 3)
		s.must(err)
		lacking, err := tx.WithoutVector(ctx, system, model, 1000)
		s.must(err)
		vectors := make([]postgres.PassageVector, len(lacking))
		for i, p := range lacking {
			embedded = append(embedded, p.Text)
			vectors[i] = postgres.PassageVector{Passage: p.ID, Embedding: []float32{1, float32(len(p.Text)), 0}}
		}
		return tx.PutVectors(ctx, system, model, vectors)
	})
	slices.Sort(embedded)
	return embedded
}

func TestPassagesCountAsRevisionsComeAndDocumentsGo(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	first, second := s.document(org, system), s.document(org, system)

	check := func(when string, want ...string) {
		t.Helper()
		s.embedAll(org, system)
		for _, table := range []string{"passage", "vector"} {
			if diff := cmp.Diff(want, s.current(table, system)); diff != "" {
				t.Errorf("%s: %s that count (-want +got):\n%s", when, table, diff)
			}
		}
	}
	s.revise(org, system, first, say("Alpha.", "Beta.", "Beta.")...)
	check("a first revision", "Alpha.", "Beta.")
	s.revise(org, system, second, say("Beta.", "Gamma.")...)
	check("another document", "Alpha.", "Beta.", "Gamma.")
	s.revise(org, system, first, say("Alpha.", "Delta.")...)
	check("a passage left one document and stands in the other", "Alpha.", "Beta.", "Delta.", "Gamma.")
	s.revise(org, system, second, say("Gamma.")...)
	check("and left the other too", "Alpha.", "Delta.", "Gamma.")
	s.as(org, func(tx *postgres.Tx) error {
		s.exec(tx, `update bartizan.document set removed_at = now() where id = $1`, first)
		return tx.CountRevisions(t.Context(), system, first)
	})
	check("a document was removed", "Gamma.")
	s.revise(org, system, second, say("Alpha.", "Beta.")...)
	check("what was known comes back", "Alpha.", "Beta.")
}

func TestAPassageIsEmbeddedOnceInAnOrganization(t *testing.T) {
	s := open(t)
	org, other := s.organization(), s.organization()
	one, two, foreign := s.system(org), s.system(org), s.system(other)
	for _, system := range []uuid.UUID{one, two} {
		s.revise(org, system, s.document(org, system), say("Alpha.", "Beta.")...)
	}
	s.revise(other, foreign, s.document(other, foreign), say("Alpha.")...)
	if got := s.embedAll(org, one); !slices.Equal(got, []string{"Alpha.", "Beta."}) {
		t.Errorf("the first system had %v embedded, want both", got)
	}
	if got := s.embedAll(org, two); len(got) > 0 {
		t.Errorf("the second system had %v embedded again", got)
	}
	if got := s.current("vector", two); !slices.Equal(got, []string{"Alpha.", "Beta."}) {
		t.Errorf("the second system has vectors of %v, want both", got)
	}
	if got := s.embedAll(other, foreign); !slices.Equal(got, []string{"Alpha."}) {
		t.Errorf("another organization had %v embedded, want its own passage: nothing crosses", got)
	}
}

func TestOnePassageRowADistinctText(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	row := threatmodel.Passage{ID: "p-9", Heading: "Design", Header: "Name | Owner", Text: "Alpha."}
	s.revise(org, system, s.document(org, system), append(say("Alpha.", "Alpha.", "Alpha.  "), row)...)
	if n := scan[int](s, `select count(*) from bartizan.passage where system_id = $1`, system); n != 2 {
		t.Errorf("%d rows, want one for the text and one for it under a table's header", n)
	}
	if n := scan[int](s, `select count(*) from bartizan.occurrence where system_id = $1`, system); n != 4 {
		t.Errorf("%d occurrences, want all four", n)
	}
}

// TestTextOfAnyKindIsKept holds that what a document may contain does not stop
// its ingestion.
func TestTextOfAnyKindIsKept(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	long := make([]byte, 3<<20)
	for i := range long {
		long[i] = "abcdefghijklmnopqrstuvwxyz "[i*i%27]
	}
	odd := say("zero \x00 inside", "broken \xff\xfe UTF-8", "quote ' and \\u0000 \\ backslash", string(long), "", "  ", "Ünïcödé 日本語 🏰")
	odd[0].Locator.HeadingPath = []string{"zero \x00", `\u0000`}
	s.revise(org, system, s.document(org, system), odd...)
	if n := scan[int](s, `select count(*) from bartizan.occurrence where system_id = $1`, system); n != len(odd) {
		t.Errorf("%d passages were kept of %d", n, len(odd))
	}
}

func TestAnEmbeddingModelHasOneNumberAndOneLength(t *testing.T) {
	s := open(t)
	org := s.organization()
	numbers := make(chan int16, 8)
	for range cap(numbers) {
		go func() {
			var n int16
			err := s.Tenant(context.Background(), org, func(tx *postgres.Tx) (err error) {
				n, err = tx.EmbeddingModel(context.Background(), "same", 8)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			numbers <- n
		}()
	}
	for range cap(numbers) {
		if n := <-numbers; n != 1 {
			t.Errorf("the model got the number %d, want 1", n)
		}
	}
	err := s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
		_, err := tx.EmbeddingModel(t.Context(), "same", 9)
		return err
	})
	if err == nil {
		t.Error("a model changed its number of dimensions and nobody minded")
	}
}
