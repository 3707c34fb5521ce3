package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// scale reads a size from the environment: the benchmarks are small where
// nobody asks for more.
func scale(b *testing.B, name string, standard int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("$%s is no number of rows", name)
	}
	return n
}

// quantiles reports the median and the 99th percentile of durations.
func quantiles(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[min(len(took)-1, int(q*float64(len(took))))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// prose makes a passage of common and rare words.
func prose(r *rand.Rand, words int) string {
	var out strings.Builder
	for range words {
		x := r.Float64()
		fmt.Fprintf(&out, "w%d ", int(5000*x*x*x))
	}
	return out.String()
}

func prosePassages(n int) []threatmodel.Passage {
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	texts := make([]string, n)
	for i := range texts {
		texts[i] = prose(r, 25)
	}
	return say(texts...)
}

// BenchmarkPassages stores the passages of one source in three ways, each in one
// transaction, with rows and indexes alike.
func BenchmarkPassages(b *testing.B) {
	n := scale(b, "BARTIZAN_BENCH_SOURCE", 1000)
	insert := func(p *threatmodel.Passage) (string, []any) {
		hash := postgres.PassageHash(p)
		return `with new as (
				insert into bartizan.passage (system_id, hash, heading, header, text) values ($1, $2, $3, $4, $5)
				on conflict (organization_id, system_id, hash) do update set heading = excluded.heading returning id
			) insert into bartizan.occurrence (source_id, position, system_id, passage, passage_id, locator) select $6, $7, $1, id, $8, $9 from new`,
			[]any{hash[:], p.Heading, p.Header, p.Text}
	}
	for _, way := range []struct {
		name string
		put  func(ctx context.Context, tx *postgres.Tx, system, source uuid.UUID, passages []threatmodel.Passage) error
	}{
		{"copy", func(ctx context.Context, tx *postgres.Tx, system, source uuid.UUID, passages []threatmodel.Passage) error {
			return tx.PutPassages(ctx, system, source, passages)
		}},
		{"batch", func(ctx context.Context, tx *postgres.Tx, system, source uuid.UUID, passages []threatmodel.Passage) error {
			batch := &pgx.Batch{}
			for i := range passages {
				sql, args := insert(&passages[i])
				batch.Queue(sql, append(append([]any{system}, args...), source, i, passages[i].ID, passages[i].Locator)...)
			}
			return tx.SendBatch(ctx, batch).Close()
		}},
		{"single", func(ctx context.Context, tx *postgres.Tx, system, source uuid.UUID, passages []threatmodel.Passage) error {
			for i := range passages {
				sql, args := insert(&passages[i])
				if _, err := tx.Exec(ctx, sql, append(append([]any{system}, args...), source, i, passages[i].ID, passages[i].Locator)...); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			s := open(b)
			org := s.organization()
			system := s.system(org)
			document := s.document(org, system)
			stored := 0
			for b.Loop() {
				b.StopTimer()
				revision, source, passages := newID(), newID(), prosePassages(n)
				s.as(org, func(tx *postgres.Tx) error {
					s.exec(tx, `insert into bartizan.revision (id, document_id, number, name, sha256, size, created_by) values ($1, $2, $3, 'x', '', 1, 'x')`, revision, document, stored)
					s.exec(tx, `insert into bartizan.source (id, revision_id, position, name, sha256, content) values ($1, $2, 0, 'x', '', '')`, source, revision)
					return nil
				})
				b.StartTimer()
				s.as(org, func(tx *postgres.Tx) error { return way.put(b.Context(), tx, system, source, passages) })
				stored += n
			}
			b.ReportMetric(float64(stored)/b.Elapsed().Seconds(), "passages/s")
		})
	}
}

const benchDimensions = 512

// topics give vectors that lie in clusters, as those of texts do.
type topics struct {
	r       *rand.Rand
	centers [][]float32
}

func newTopics() *topics {
	t := &topics{r: rand.New(rand.NewPCG(7, 11))}
	for range 300 {
		t.centers = append(t.centers, t.noise(nil, 1))
	}
	return t
}

func (t *topics) noise(center []float32, share float32) []float32 {
	v := make([]float32, benchDimensions)
	for i := range v {
		v[i] = share * float32(t.r.NormFloat64())
		if center != nil {
			v[i] += center[i]
		}
	}
	return v
}

func (t *topics) vector() []float32 { return t.noise(t.centers[t.r.IntN(len(t.centers))], 0.9) }

// load fills an organization quickly, as the owner, whom COPY is open to.
func (s *store) load(topics *topics, org, system uuid.UUID, n int) {
	s.t.Helper()
	ctx := s.t.Context()
	s.crowdSystem(org, system, 0, benchDimensions)
	s.must(s.OwnerOf(ctx, org, func(tx *postgres.Tx) error {
		var source uuid.UUID
		var first int64
		s.must(tx.QueryRow(ctx, `select s.id, coalesce((select max(id) from bartizan.passage), 0) from bartizan.source s
			join bartizan.revision r on r.organization_id = s.organization_id and r.id = s.revision_id
			join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id where d.system_id = $1`, system).Scan(&source, &first))
		vectors := make([][]any, 0, 1000)
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"bartizan", "passage"}, []string{"organization_id", "system_id", "hash", "heading", "text", "current"},
			pgx.CopyFromSlice(n, func(i int) ([]any, error) {
				id := newID()
				return []any{org, system, append(id[:], id[:]...), "Design", prose(topics.r, 25), true}, nil
			}))
		s.must(err)
		s.exec(tx, `insert into bartizan.occurrence (organization_id, source_id, position, system_id, passage, passage_id, locator)
			select organization_id, $1, row_number() over (), system_id, id, 'p-1', '{}' from bartizan.passage where organization_id = $2 and system_id = $3 and id > $4`, source, org, system, first)
		rows, err := tx.Query(ctx, `select id from bartizan.passage where organization_id = $1 and system_id = $2 and id > $3 order by id`, org, system, first)
		s.must(err)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		s.must(err)
		for chunk := range slices.Chunk(ids, 1000) {
			vectors = vectors[:0]
			for _, id := range chunk {
				vectors = append(vectors, []any{org, system, int16(1), id, true, pgvector.NewHalfVector(topics.vector())})
			}
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"bartizan", "vector"}, []string{"organization_id", "system_id", "model", "passage", "current", "embedding"}, pgx.CopyFromRows(vectors))
			s.must(err)
		}
		return nil
	}))
}

// BenchmarkSearch searches within tenants of 1,000, 10,000 and 50,000 passages,
// and in one that is large enough for an approximate index, among
// $BARTIZAN_BENCH_PASSAGES in all. Half of these are the large one's.
func BenchmarkSearch(b *testing.B) {
	all := scale(b, "BARTIZAN_BENCH_PASSAGES", 20_000)
	s := open(b)
	topics := newTopics()
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		_, err := conn.Exec(ctx, `drop index bartizan.passage_terms`) // made anew below: faster than row by row
		s.must(err)
	})
	tenant := func(n int) uuid.UUID {
		org := s.organization()
		s.load(topics, org, s.system(org), n)
		return org
	}
	sizes := []int{all / 1000, all / 100, all / 20}
	orgs := map[string]uuid.UUID{}
	for _, n := range sizes {
		orgs[strconv.Itoa(n)] = tenant(n)
	}
	for left, n := all/2-all/20-all/100-all/1000, all/20; left > 0; left, n = left-n, max(50, n*3/4) { // the others: smaller and smaller
		tenant(min(n, left))
	}
	large := s.organization()
	for range 10 { // in steps that fit into memory
		s.load(topics, large, s.system(large), all/20)
	}
	orgs[strconv.Itoa(all/2)+"-approximate"] = large
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		_, err := conn.Exec(ctx, `create index passage_terms on bartizan.passage using gin (terms) where current`)
		s.must(err)
		_, err = conn.Exec(ctx, `alter index bartizan.passage_terms owner to bartizan_owner`)
		if err != nil && !strings.Contains(err.Error(), "cannot change owner of index") {
			s.must(err)
		}
	})
	s.settle()
	began := time.Now()
	made, _, err := s.TendIndexesAbove(b.Context(), all/4)
	s.must(err)
	b.Logf("made %d approximate index in %s", len(made), time.Since(began).Round(time.Second))
	names := make([]string, 0, len(orgs))
	for name := range orgs {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(a) - len(b) })
	for _, name := range names {
		b.Run(name, func(b *testing.B) { s.benchSearch(b, topics, orgs[name]) })
	}
}

func (s *store) benchSearch(b *testing.B, topics *topics, org uuid.UUID) {
	ctx := b.Context()
	ask := func(q postgres.PassageSearch) (passages []int64, took time.Duration) {
		began := time.Now()
		s.must(s.Tenant(ctx, org, func(tx *postgres.Tx) error {
			hits, err := tx.SearchPassages(ctx, q)
			passages = nil
			for _, h := range hits {
				passages = append(passages, h.Passage)
			}
			return err
		}))
		return passages, time.Since(began)
	}
	var took []time.Duration
	for b.Loop() {
		x := topics.r.Float64()
		words := fmt.Sprintf("w%d w%d", int(5000*x*x*x), 50+topics.r.IntN(500))
		_, d := ask(postgres.PassageSearch{Words: words, Model: 1, Vector: topics.vector(), Limit: 10})
		took = append(took, d)
	}
	quantiles(b, took)
	found, wanted := 0, 0
	for range 20 {
		vector := topics.vector()
		got, _ := ask(postgres.PassageSearch{Model: 1, Vector: vector, Limit: 10})
		var want []int64
		s.must(s.Owner(ctx, func(tx *postgres.Tx) error { // the plain definition, by the owner
			rows, err := tx.Query(ctx, `select passage from bartizan.vector where organization_id = $1 order by (embedding <=> $2) + 0 limit 10`, org, pgvector.NewHalfVector(vector))
			s.must(err)
			want, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		}))
		for _, id := range want {
			if slices.Contains(got, id) {
				found++
			}
		}
		wanted += len(want)
	}
	b.ReportMetric(float64(found)/float64(wanted), "recall@10")
}

// BenchmarkThreats lists threats of an organization that has
// $BARTIZAN_BENCH_THREATS, page by page, from many readers at once while others
// change threats.
func BenchmarkThreats(b *testing.B) {
	n := scale(b, "BARTIZAN_BENCH_THREATS", 5000)
	s := open(b)
	org := s.organization()
	for range 20 {
		s.threats(org, s.system(org), n/20)
	}
	s.settle()
	yes := true
	for _, c := range []struct {
		name string
		q    postgres.ThreatQuery
	}{
		{"first-page", postgres.ThreatQuery{Open: &yes}},
		{"by-update", postgres.ThreatQuery{Sort: postgres.SortUpdated}},
		{"filtered", postgres.ThreatQuery{Risk: []string{"critical"}, CWE: []int{82}, Verdict: []string{"absent"}}},
		{"one-owner", postgres.ThreatQuery{Owner: "owner3", Status: []string{"open"}}},
		{"none-fits", postgres.ThreatQuery{Owner: "nobody"}},
		{"by-words", postgres.ThreatQuery{Words: "t7 a407"}},
		{"review", postgres.ThreatQuery{ReviewDue: &yes}},
	} {
		b.Run(c.name, func(b *testing.B) {
			stop := s.changeThreats(org)
			defer stop()
			c.q.Limit = 51
			var mu sync.Mutex
			var took []time.Duration
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					began := time.Now()
					err := s.Tenant(b.Context(), org, func(tx *postgres.Tx) error {
						_, err := tx.Threats(b.Context(), c.q)
						return err
					})
					if err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					took = append(took, time.Since(began))
					mu.Unlock()
				}
			})
			quantiles(b, took)
		})
	}
}

// changeThreats changes a threat every few milliseconds until it is stopped.
func (s *store) changeThreats(org uuid.UUID) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 1; ctx.Err() == nil; i++ {
			_ = s.Tenant(ctx, org, func(tx *postgres.Tx) error {
				_, err := tx.Exec(ctx, `update bartizan.threat set version = version + 1, updated_at = now() where id = $1`, fmt.Sprintf("T-%06d", i%200+1))
				return err
			})
			time.Sleep(5 * time.Millisecond)
		}
	})
	return func() {
		cancel()
		changing.Wait()
	}
}
