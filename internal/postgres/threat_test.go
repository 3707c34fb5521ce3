package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// threats gives a system so many threats that differ in everything a filter
// asks for.
func (s *store) threats(org, system uuid.UUID, n int) {
	s.t.Helper()
	s.must(s.OwnerOf(s.t.Context(), org, func(tx *postgres.Tx) error {
		s.exec(tx, `
			insert into bartizan.threat (system_id, id, title, statement, element, stride, cwe, controls, verdicts, risk, risk_rank, likelihood, impact,
				status, open, review_due, source, owner, updated_at, content)
			select $1, 'T-' || lpad(i::text, 6, '0'), 'Title t' || i % 50, 'An attacker with access can do a' || i % 700, 'Element ' || i % 20,
				array[(array['spoofing', 'tampering', 'repudiation'])[1 + i % 3]], array[79 + i % 11], array['iso27001-2022:A.8.' || i % 30],
				array[(array['enforced', 'claimed', 'absent'])[1 + i % 3]], (array['low', 'medium', 'high', 'critical'])[1 + i % 4], i % 4, 1 + i % 5, 1 + i % 5,
				(array['open', 'confirmed', 'rejected', 'accepted'])[1 + (i / 4) % 4], (i / 4) % 4 < 2, i % 100 = 0, (array['pattern', 'model'])[1 + i % 2],
				'owner' || i % 7, timestamptz '2026-11-01' + (i * 7919 % 100000) * interval '1 second',
				jsonb_build_object('id', 'T-' || i, 'evidence', jsonb_build_array(jsonb_build_object('quote', E'The quote\nnumber q' || i || ' stands here.')), 'filler', repeat(md5(i::text), 60))
			from generate_series(1, $2) i`, system, n)
		return nil
	}))
}

func (s *store) list(org uuid.UUID, q postgres.ThreatQuery) (ids []string) {
	s.t.Helper()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	s.as(org, func(tx *postgres.Tx) error {
		rows, err := tx.Threats(s.t.Context(), q)
		ids = nil
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids
}

func TestThreatsAreFiltered(t *testing.T) {
	s := open(t)
	org, other := s.organization(), s.organization()
	system, second := s.system(org), s.system(org)
	s.threats(org, system, 400)
	s.threats(org, second, 3)
	s.threats(other, s.system(other), 5)
	s.as(org, func(tx *postgres.Tx) error {
		s.exec(tx, `update bartizan.system set labels = '{payments,eu}' where id = $1`, second)
		return nil
	})
	yes, no := true, false
	for _, c := range []struct {
		name string
		q    postgres.ThreatQuery
		want int
	}{
		{"all of the organization", postgres.ThreatQuery{}, 403},
		{"of a system", postgres.ThreatQuery{System: second}, 3},
		{"of a system that is another's", postgres.ThreatQuery{System: uuid.New()}, 0},
		{"by risk", postgres.ThreatQuery{Risk: []string{"critical", "high"}, System: system}, 200},
		{"by status", postgres.ThreatQuery{Status: []string{"rejected"}, System: system}, 100},
		{"by STRIDE", postgres.ThreatQuery{STRIDE: []string{"spoofing", "tampering"}, System: system}, 267},
		{"by CWE", postgres.ThreatQuery{CWE: []int{79}, System: system}, 36},
		{"by control", postgres.ThreatQuery{Control: "iso27001-2022:A.8.3", System: system}, 14},
		{"by verdict", postgres.ThreatQuery{Verdict: []string{"claimed"}, System: system}, 134},
		{"by source", postgres.ThreatQuery{Source: []string{"model"}, System: system}, 200},
		{"by owner", postgres.ThreatQuery{Owner: "owner3", System: system}, 57},
		{"by label of the system", postgres.ThreatQuery{Label: "eu"}, 3},
		{"open", postgres.ThreatQuery{Open: &yes, System: system}, 200},
		{"not open", postgres.ThreatQuery{Open: &no, System: system}, 200},
		{"up for review", postgres.ThreatQuery{ReviewDue: &yes}, 4},
		{"not up for review", postgres.ThreatQuery{ReviewDue: &no}, 399},
		{"by a word of its quote", postgres.ThreatQuery{Words: "q123"}, 1},
		{"by a word after a line break", postgres.ThreatQuery{Words: "numbers q77"}, 1},
		{"by a word of the statement", postgres.ThreatQuery{Words: "attackers a399"}, 1},
		{"by a word that none has", postgres.ThreatQuery{Words: "kubernetes"}, 0},
		{"by everything at once", postgres.ThreatQuery{
			System: system, Risk: []string{"low"}, Status: []string{"open"}, STRIDE: []string{"spoofing"}, Verdict: []string{"enforced"},
			Words: "title", Open: &yes, Source: []string{"pattern"},
		}, 8},
	} {
		if got := s.list(org, c.q); len(got) != c.want {
			t.Errorf("%s: %d threats, want %d", c.name, len(got), c.want)
		}
	}
	if err := s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
		_, err := tx.Threats(t.Context(), postgres.ThreatQuery{Sort: "content; drop table", Limit: 1})
		return err
	}); err == nil {
		t.Error("an unknown order was taken")
	}
}

// TestPagesGoOverEveryThreatOnce walks all orders, both ways, page by page.
func TestPagesGoOverEveryThreatOnce(t *testing.T) {
	s := open(t)
	org := s.organization()
	s.threats(org, s.system(org), 60)
	s.threats(org, s.system(org), 41)
	for _, sort := range []postgres.ThreatSort{"", postgres.SortRisk, postgres.SortUpdated, postgres.SortID} {
		for _, reverse := range []bool{false, true} {
			t.Run(fmt.Sprint(sort, reverse), func(t *testing.T) {
				q := postgres.ThreatQuery{Sort: sort, Reverse: reverse, Limit: 7}
				var walked []postgres.ThreatRow
				for {
					var page []postgres.ThreatRow
					s.as(org, func(tx *postgres.Tx) (err error) {
						page, err = tx.Threats(t.Context(), q)
						return err
					})
					walked = append(walked, page...)
					if len(page) < q.Limit {
						break
					}
					q.After = page[len(page)-1].Cursor()
				}
				ordered := slices.IsSortedFunc(walked, func(a, b postgres.ThreatRow) int {
					d := map[postgres.ThreatSort]int{
						postgres.SortUpdated: a.UpdatedAt.Compare(b.UpdatedAt), postgres.SortID: slices.Compare(a.System[:], b.System[:]),
					}[sort]
					if sort == "" || sort == postgres.SortRisk {
						d = int(a.RiskRank) - int(b.RiskRank)
					}
					if d == 0 {
						d = slices.Compare(a.System[:], b.System[:])
					}
					if d == 0 {
						d = strings.Compare(a.ID, b.ID)
					}
					if (sort != postgres.SortID) != reverse {
						d = -d
					}
					return d
				})
				seen := map[string]int{}
				for _, r := range walked {
					seen[r.System.String()+r.ID]++
				}
				if !ordered || len(seen) != 101 || len(walked) != 101 {
					t.Errorf("%d threats came, %d of them different, in order: %v; want each of 101 once, in order", len(walked), len(seen), ordered)
				}
			})
		}
	}
}

func TestAThreatComesBackAsItWas(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	s.threats(org, system, 1)
	s.as(org, func(tx *postgres.Tx) error {
		rows, err := tx.Threats(t.Context(), postgres.ThreatQuery{Limit: 1})
		if err != nil || len(rows) != 1 {
			t.Fatal(len(rows), err)
		}
		got := rows[0]
		content := string(got.Content)
		got.Content = nil
		want := postgres.ThreatRow{System: system, ID: "T-000001", Version: 1, RiskRank: 1, UpdatedAt: time.Date(2026, 11, 1, 2, 11, 59, 0, time.UTC)}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" || !strings.Contains(content, "number q1 ") {
			t.Errorf("%s\ncontent %s", diff, content)
		}
		return nil
	})
}

// TestPlansOfThreats holds that lists walk an index and stop at the page's end.
func TestPlansOfThreats(t *testing.T) {
	s := open(t)
	var org uuid.UUID
	for range 3 {
		org = s.organization()
		for range 3 {
			s.threats(org, s.system(org), 1000)
		}
	}
	s.settle()
	db, p := s.explained()
	yes := true
	at := &postgres.ThreatCursor{RiskRank: 2, System: uuid.UUID{0: 1}, ID: "T-1", UpdatedAt: time.Now()}
	for _, c := range []struct {
		name string
		q    postgres.ThreatQuery
		must []string
	}{
		{"by risk", postgres.ThreatQuery{}, []string{"Backward using threat_by_risk"}},
		{"by risk from a cursor", postgres.ThreatQuery{After: at}, []string{"Backward using threat_by_risk", "Index Cond: ((organization_id = ", "ROW(risk_rank, system_id, id) < ROW("}},
		{"by risk, turned round", postgres.ThreatQuery{Reverse: true}, []string{"Index Scan using threat_by_risk"}},
		{"by update from a cursor", postgres.ThreatQuery{Sort: postgres.SortUpdated, After: at}, []string{"Backward using threat_by_update", "ROW(updated_at, system_id, id) < ROW("}},
		{"by id from a cursor", postgres.ThreatQuery{Sort: postgres.SortID, After: at}, []string{"threat_pkey", "ROW(system_id, id) > ROW("}},
		{"filtered", postgres.ThreatQuery{Risk: []string{"high"}, Open: &yes}, []string{"threat_by_risk"}},
		{"up for review", postgres.ThreatQuery{ReviewDue: &yes}, []string{"Backward using threat_in_review"}},
		{"of an owner", postgres.ThreatQuery{Owner: "owner3", After: at}, []string{"Backward using threat_by_owner"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Limit = 51
			s.must(db.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
				_, err := tx.Threats(t.Context(), c.q)
				return err
			}))
			check(t, p.of(t, "from bartizan.threat t where"), c.must, []string{"Seq Scan on threat"})
		})
	}
	s.must(db.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
		_, err := tx.Threats(t.Context(), postgres.ThreatQuery{Words: "t7 a407", Limit: 51})
		return err
	}))
	check(t, p.of(t, "ts_rank_cd(t.terms"), []string{"Bitmap Index Scan on threat_terms"}, []string{"Seq Scan"})
	check(t, p.of(t, "bartizan.search_threats("), []string{"threat_pkey"}, []string{"Seq Scan on threat"})
}
