package postgres_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

const dimensions = 16

// direction is a vector that says something about a text: texts that share
// their first word lie near each other.
func direction(text string) []float32 {
	word, _, _ := strings.Cut(text, " ")
	r := rand.New(rand.NewPCG(uint64(len(word)), uint64(word[0])<<8|uint64(word[len(word)-1])))
	v := make([]float32, dimensions)
	for i := range v {
		v[i] = r.Float32() - 0.5
	}
	return v
}

func (s *store) embedDirections(org, system uuid.UUID) (model int16) {
	s.t.Helper()
	s.as(org, func(tx *postgres.Tx) (err error) {
		model, err = tx.EmbeddingModel(s.t.Context(), "directions", dimensions)
		s.must(err)
		lacking, err := tx.WithoutVector(s.t.Context(), system, model, 10_000)
		s.must(err)
		var vectors []postgres.PassageVector
		for _, p := range lacking {
			vectors = append(vectors, postgres.PassageVector{Passage: p.ID, Embedding: direction(p.Text)})
		}
		return tx.PutVectors(s.t.Context(), system, model, vectors)
	})
	return model
}

func (s *store) search(org uuid.UUID, q postgres.PassageSearch) (texts []string) {
	s.t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	s.as(org, func(tx *postgres.Tx) error {
		hits, err := tx.SearchPassages(s.t.Context(), q)
		texts = nil
		for _, h := range hits {
			texts = append(texts, h.Text)
		}
		return err
	})
	return texts
}

func TestSearchByWords(t *testing.T) {
	s := open(t)
	org := s.organization()
	system, neighbour := s.system(org), s.system(org)
	s.revise(org, system, s.document(org, system), say(
		"The gateway validates every token against the identity provider.",
		"Tokens are cached by the worker for five minutes.",
		"Die Sitzungen laufen nach einer Stunde ab.",
		"The field is_admin_v2 is set by the client.",
		"Backups are encrypted.",
	)...)
	s.revise(org, neighbour, s.document(org, neighbour), say("Another system has a gateway with a token too.")...)
	for _, c := range []struct {
		rule, words string
		want        []string // first words, in any order
	}{
		{"all words must be there", "gateway token", []string{"The gateway"}},
		{"by stems of English", "validating tokens", []string{"The gateway"}},
		{"words of another language as they stand", "Sitzungen", []string{"Die Sitzungen"}},
		{"names of code as they stand", "is_admin_v2", []string{"The field"}},
		{"a phrase", `"identity provider"`, []string{"The gateway"}},
		{"without a word", "tokens -gateway", []string{"Tokens are"}},
		{"one or the other", "backups or sitzungen", []string{"Die Sitzungen", "Backups are"}},
		{"any word where nothing has all", "encrypted gateway", []string{"The gateway", "Backups are"}},
		{"no word that is there", "kubernetes", nil},
		{"nothing to search for", "  ", nil},
		{"what the index keeps for itself is no word", "@" + org.String(), nil},
		{"signs that mean something to a query", `a & | ! :* <-> '"( \`, nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := s.search(org, postgres.PassageSearch{System: system, Words: c.words})
			for i := range got {
				got[i] = strings.Join(strings.Fields(got[i])[:2], " ")
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q found %q, want %q", c.words, got, c.want)
			}
		})
	}
	if got := s.search(org, postgres.PassageSearch{Words: "gateway token"}); len(got) != 2 {
		t.Errorf("in the organization %q were found, want those of both systems", got)
	}
	if got := s.search(s.organization(), postgres.PassageSearch{Words: "gateway"}); len(got) != 0 {
		t.Errorf("another organization found %q", got)
	}
}

func TestSearchByWordsAndMeaning(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	s.revise(org, system, s.document(org, system), say(
		"gateway one speaks of nothing else", "gateway two has the word backup", "worker one has the word backup too", "queue holds messages",
	)...)
	model := s.embedDirections(org, system)
	q := postgres.PassageSearch{System: system, Words: "backup", Model: model, Vector: direction("gateway"), Limit: 3}
	got := s.search(org, q)
	if len(got) != 3 || got[0] != "gateway two has the word backup" {
		t.Errorf("found %q, want first the passage that both find", got)
	}
	q.System = uuid.Nil
	if again := s.search(org, q); !slices.Equal(got, again) {
		t.Errorf("in the organization: %q, in its one system: %q", again, got)
	}
	q.Words = ""
	if got := s.search(org, q); !strings.HasPrefix(got[0], "gateway") || !strings.HasPrefix(got[1], "gateway") {
		t.Errorf("by meaning alone: %q", got)
	}
}

// TestAHitStandsInARevisionThatCounts holds that a passage that two documents
// had is shown where it still stands.
func TestAHitStandsInARevisionThatCounts(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	first, second := s.document(org, system), s.document(org, system)
	s.revise(org, system, first, say("shared sentence")...)
	s.revise(org, system, second, say("shared sentence")...)
	s.revise(org, system, second, say("shared sentence")...)
	s.revise(org, system, first, say("something else")...)
	s.as(org, func(tx *postgres.Tx) error {
		hits, err := tx.SearchPassages(t.Context(), postgres.PassageSearch{Words: "shared", Limit: 5})
		if err != nil || len(hits) != 1 || hits[0].Document != second {
			t.Errorf("got %+v, %v; want the passage in the second document", hits, err)
		}
		return nil
	})
}

// crowd fills the tables with organizations of so many passages each, in as
// many systems as given, quickly.
func (s *store) crowd(organizations, systems, passages int) (orgs []uuid.UUID, firstSystem map[uuid.UUID]uuid.UUID) {
	s.t.Helper()
	firstSystem = map[uuid.UUID]uuid.UUID{}
	for range organizations {
		org := s.organization()
		orgs = append(orgs, org)
		for range systems {
			system := s.system(org)
			if firstSystem[org] == uuid.Nil {
				firstSystem[org] = system
			}
			s.crowdSystem(org, system, passages/systems, dimensions)
		}
	}
	s.settle()
	return orgs, firstSystem
}

// crowdSystem makes passages of twenty words out of 5,000, the first rank of
// which are common, and random vectors.
func (s *store) crowdSystem(org, system uuid.UUID, passages, dimensions int) {
	s.t.Helper()
	s.must(s.OwnerOf(s.t.Context(), org, func(tx *postgres.Tx) error {
		s.exec(tx, `insert into bartizan.embedding_model (id, name, dimensions) values (1, 'random', $1) on conflict do nothing`, dimensions)
		s.exec(tx, `insert into bartizan.passage (system_id, hash, heading, text, current)
			select $1, sha256(uuid_send(gen_random_uuid())), 'heading', (
				select string_agg('w' || floor(5000 * power(random(), 3))::int, ' ') from generate_series(1, 20 + 0 * i)
			), true from generate_series(1, $2) i`, system, passages)
		document, revision, source := newID(), newID(), newID()
		s.exec(tx, `insert into bartizan.document (id, system_id, reference, name) values ($1, $2, 'crowd', 'crowd')`, document, system)
		s.exec(tx, `insert into bartizan.revision (id, document_id, number, name, sha256, size, created_by) values ($1, $2, 1, 'crowd', '', 1, 'test')`, revision, document)
		s.exec(tx, `insert into bartizan.ingestion (revision_id, state) values ($1, 'read')`, revision)
		s.exec(tx, `insert into bartizan.source (id, revision_id, position, name, sha256, content) values ($1, $2, 0, 'crowd', '', '')`, source, revision)
		s.exec(tx, `insert into bartizan.occurrence (source_id, position, system_id, passage, passage_id, locator)
			select $1, row_number() over (), system_id, id, 'p-1', '{}' from bartizan.passage where organization_id = $2 and system_id = $3`, source, org, system)
		s.exec(tx, `insert into bartizan.vector (system_id, model, passage, current, embedding)
			select system_id, 1, id, true, (select array_agg(random() - 0.5) from generate_series(1, $2 + 0 * id::int))::real[]::vector::halfvec
			from bartizan.passage where organization_id = $3 and system_id = $1`, system, dimensions, org)
		return nil
	}))
}

func (s *store) settle() {
	s.t.Helper()
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		for _, table := range []string{"passage", "vector", "threat", "occurrence"} {
			_, err := conn.Exec(ctx, `vacuum analyze bartizan.`+table)
			s.must(err)
		}
	})
}

// plans collects the plans of all statements of the application, nested ones
// too.
type plans struct {
	mu   sync.Mutex
	list []string
}

// explained opens the database so that the server tells the plan of each
// statement.
func (s *store) explained() (*postgres.DB, *plans) {
	s.t.Helper()
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		for _, set := range []string{
			"session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0", "auto_explain.log_nested_statements = on",
			"auto_explain.log_level = 'notice'",
		} {
			_, err := conn.Exec(ctx, `alter database `+pgx.Identifier{s.urls.Name}.Sanitize()+` set `+set)
			s.must(err)
		}
	})
	p := &plans{}
	db, err := postgres.Open(s.t.Context(), postgres.Config{URL: s.urls.URL, Notice: func(message string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.list = append(p.list, message)
	}})
	s.must(err)
	s.t.Cleanup(db.Close)
	return db, p
}

// of gives the plan of the last statement that has the given text.
func (p *plans) of(t *testing.T, statement string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, plan := range slices.Backward(p.list) {
		if strings.Contains(plan, statement) {
			return plan
		}
	}
	t.Fatalf("no statement with %q was made among %d", statement, len(p.list))
	return ""
}

// check holds a plan to what must and what must not be in it.
func check(t *testing.T, plan string, must []string, mustNot []string) {
	t.Helper()
	for _, part := range must {
		if !strings.Contains(plan, part) {
			t.Errorf("the plan lacks %q:\n%s", part, plan)
		}
	}
	for _, part := range mustNot {
		if strings.Contains(plan, part) {
			t.Errorf("the plan has %q:\n%s", part, plan)
		}
	}
}

// TestPlansOfSearch holds that searches use the indexes they were made for, as
// the application role, with many rows of other tenants beside.
func TestPlansOfSearch(t *testing.T) {
	s := open(t)
	orgs, systems := s.crowd(5, 4, 2400)
	org := orgs[0]
	db, p := s.explained()
	search := func(q postgres.PassageSearch) {
		t.Helper()
		q.Limit, q.Model = 10, 1
		s.must(db.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
			_, err := tx.SearchPassages(t.Context(), q)
			return err
		}))
	}
	vector := direction("x y")

	search(postgres.PassageSearch{Words: "w17 w401"})
	check(t, p.of(t, "ts_rank_cd(p.terms"), []string{"Bitmap Index Scan on passage_terms"}, []string{"Seq Scan"})
	search(postgres.PassageSearch{Words: "w3", System: systems[org]})
	check(t, p.of(t, "ts_rank_cd(p.terms"), []string{"Bitmap Index Scan on passage_terms"}, []string{"Seq Scan"})

	search(postgres.PassageSearch{Vector: vector, System: systems[org]})
	check(t, p.of(t, "v.embedding <=> "), []string{"vector_pkey"}, []string{"Seq Scan", "vector_ann"})
	search(postgres.PassageSearch{Vector: vector})
	check(t, p.of(t, "v.embedding <=> "), []string{"vector_pkey"}, []string{"Seq Scan", "vector_ann"})

	search(postgres.PassageSearch{Words: "w3", Vector: vector})
	check(t, p.of(t, "with ordinality as n"), []string{"passage_pkey", "occurrence_passage"}, []string{"Seq Scan on passage", "Seq Scan on occurrence"})

	made, _, err := s.TendIndexesAbove(t.Context(), 2000)
	if err != nil || len(made) != len(orgs) {
		t.Fatalf("made the indexes %v, %v; want one an organization", made, err)
	}
	search(postgres.PassageSearch{Vector: vector})
	check(t, p.of(t, "halfvec("), []string{"Index Scan using vector_ann_" + strings.ReplaceAll(org.String(), "-", "")}, []string{"Seq Scan", "Sort"})
	search(postgres.PassageSearch{Vector: vector, System: systems[org]})
	check(t, p.of(t, "v.system_id = $5"), []string{"vector_pkey"}, []string{"Seq Scan", "vector_ann"})
}

func TestApproximateIndexesComeAndGo(t *testing.T) {
	s := open(t)
	orgs, _ := s.crowd(2, 1, 300)
	s.crowdSystem(orgs[0], s.system(orgs[0]), 900, dimensions)
	tend := func(threshold int) (made, dropped int) {
		t.Helper()
		m, d, err := s.TendIndexesAbove(t.Context(), threshold)
		s.must(err)
		return len(m), len(d)
	}
	for i, step := range []struct{ threshold, made, dropped int }{
		{1000, 1, 0}, // one of the two is large
		{1000, 0, 0}, // nothing to do
		{2000, 0, 0}, // smaller than the threshold, larger than half
		{3000, 0, 1},
	} {
		if made, dropped := tend(step.threshold); made != step.made || dropped != step.dropped {
			t.Errorf("step %d: made %d and dropped %d, want %d and %d", i+1, made, dropped, step.made, step.dropped)
		}
	}
	tend(1000)
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		_, err := conn.Exec(ctx, `update pg_index set indisvalid = false where indexrelid::regclass::text like '%vector_ann%'`)
		s.must(err)
	})
	if made, dropped := tend(1000); made != 1 || dropped != 1 {
		t.Errorf("of a build that was interrupted, %d were dropped and %d made", dropped, made)
	}
}

// TestExactSearchIsExact compares with the plain definition.
func TestExactSearchIsExact(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	var texts []string
	for i := range 200 {
		texts = append(texts, fmt.Sprintf("%c%c%d text", 'a'+i%26, 'a'+i/26, i*i))
	}
	s.revise(org, system, s.document(org, system), say(texts...)...)
	model := s.embedDirections(org, system)
	for i := range 20 {
		query := direction(fmt.Sprintf("q%d%c", i*7919, 'a'+i))
		slices.SortFunc(texts, func(a, b string) int {
			d := cosine(query, direction(b)) - cosine(query, direction(a))
			return int(math.Copysign(math.Ceil(math.Abs(d)*1e9), d))
		})
		got := s.search(org, postgres.PassageSearch{System: system, Model: model, Vector: query, Limit: 5})
		for j, text := range got {
			// Half precision may turn round what is equal within its error.
			if d := cosine(query, direction(texts[j])) - cosine(query, direction(text)); d > 0.003 {
				t.Errorf("query %d: at place %d %q, want %q, which is nearer by %g", i, j, text, texts[j], d)
			}
		}
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+float64(a[i])*float64(b[i]), aa+float64(a[i])*float64(a[i]), bb+float64(b[i])*float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// TestPlanOfCatalogVersions holds that a search of controls looks its catalogs up by
// the key, and leaves their content alone.
func TestPlanOfCatalogVersions(t *testing.T) {
	s := open(t)
	var org uuid.UUID
	for range 20 {
		org = s.organization()
		s.must(s.OwnerOf(t.Context(), org, func(tx *postgres.Tx) error {
			s.exec(tx, `insert into bartizan.catalog (id, title, version, content, created_by)
				select 'c-' || i, 'title', '1', repeat(md5(i::text), 1000), 'test' from generate_series(1, 50) i`)
			return nil
		}))
	}
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		_, err := conn.Exec(ctx, `vacuum analyze bartizan.catalog`)
		s.must(err)
	})
	db, p := s.explained()
	for id, want := range map[string]int{"c-7": 1, "": 50, "unknown": 0} {
		s.must(db.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
			rows, err := tx.CatalogVersions(t.Context(), id)
			if len(rows) != want {
				t.Errorf("%q: %d versions, want %d", id, len(rows), want)
			}
			return err
		}))
		check(t, p.of(t, "-- name: CatalogVersions"), []string{"catalog_pkey"}, []string{"Seq Scan"})
	}
}
