package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// TestHousekeepingRemovesTheOldAlone has an old and a new row in each table that
// is swept.
func TestHousekeepingRemovesTheOldAlone(t *testing.T) {
	s := open(t)
	org := s.tenant()
	ids := func(sql string) {
		s.must(s.OwnerOf(t.Context(), org, func(tx *postgres.Tx) error {
			s.exec(tx, sql)
			return nil
		}))
	}
	ids(`update bartizan.memo_claim set until = now() - interval '30 minutes'`) // ended, and looked at by nobody yet
	ids(`insert into bartizan.event (subject, kind, data, at) select subject, kind, data, now() - interval '25 hours' from bartizan.event cross join generate_series(1, 12000)`)
	ids(`insert into bartizan.idempotency (token_id, key, request, created_at) values (gen_random_uuid(), 'old', '', now() - interval '25 hours')`)
	ids(`insert into bartizan.delivery (id, webhook_id, event, body, state, created_at) select gen_random_uuid(), id, 'x', '', 'delivered', now() - interval '31 days' from bartizan.webhook`)
	ids(`insert into bartizan.delivery (id, webhook_id, event, body, state, created_at) select gen_random_uuid(), id, 'still tried', '', 'queued', now() - interval '31 days' from bartizan.webhook`)
	ids(`insert into bartizan.memo_claim (call_hash, holder, until) values ('old', 'x', now() - interval '2 hours')`)
	ids(`insert into bartizan.slot (id, endpoint, holder, until, tokens, cost) values (gen_random_uuid(), 'x', 'x', now() - interval '2 hours', 1, 1)`)
	ids(`insert into bartizan.memo_fault (system_id, call_hash, kind, raw, created_at) values (gen_random_uuid(), 'old', 'invalid', '', now() - interval '31 days')`)
	ids(`insert into bartizan.memo_mode (endpoint, mode, reason, at) values ('old', 'strict', '', now() - interval '8 days')`)
	want := map[string]int64{"event": 12000, "idempotency": 1, "delivery": 1, "memo_claim": 1, "slot": 1, "memo_fault": 1, "memo_mode": 1, "memo": 0}
	swept, err := s.SweepTables(t.Context())
	s.must(err)
	for table, n := range want {
		if swept[table] != n {
			t.Errorf("%d rows of %s were removed, want %d", swept[table], table, n)
		}
	}
	for table, left := range map[string]int{"event": 1, "idempotency": 1, "delivery": 2, "memo_claim": 1, "slot": 1, "memo_fault": 1, "memo_mode": 1, "memo": 1} {
		if n := scan[int](s, `select count(*) from bartizan.`+table); n != left {
			t.Errorf("%d rows of %s are left, want %d", n, table, left)
		}
	}
}

// TestAnswersThatComeAfterAPurgeAreRemoved holds that a call that was under way
// does not bring a text back.
func TestAnswersThatComeAfterAPurgeAreRemoved(t *testing.T) {
	s := open(t)
	org := s.organization()
	purged, other := s.system(org), s.system(org)
	document := s.document(org, purged)
	_, err := s.Purge(t.Context(), postgres.Purge{Organization: org, System: purged, Document: document, Object: "doc", Action: "document.purge", Actor: "Ada"})
	s.must(err)
	for system, hash := range map[uuid.UUID]string{purged: "late", other: "other"} {
		s.must(s.Memo(org, system, nil).Put(t.Context(), hash, answer("x")))
	}
	s.as(org, func(tx *postgres.Tx) error {
		s.exec(tx, `update bartizan.memo set created_at = now()`)
		return nil
	})
	if swept, err := s.SweepTables(t.Context()); err != nil || swept["memo"] != 1 {
		t.Errorf("removed %v, %v; want the late answer", swept, err)
	}
	if left := scan[string](s, `select string_agg(call_hash, ',') from bartizan.memo`); left != "other" {
		t.Errorf("left are %s, want the other system's", left)
	}
}
