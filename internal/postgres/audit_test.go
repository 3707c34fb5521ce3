package postgres_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

func (s *store) audit(org uuid.UUID, n int) {
	s.t.Helper()
	for i := range n {
		s.as(org, func(tx *postgres.Tx) error {
			return tx.Audit("Ada", "system.update", fmt.Sprintf("sys_%d", i), map[string]any{"name": "a \x00 <name>", "i": i})
		})
	}
}

func (s *store) verify(org uuid.UUID, key ed25519.PublicKey, given ...*postgres.Checkpoint) postgres.AuditReport {
	s.t.Helper()
	r, err := s.VerifyAudit(s.t.Context(), org, key, given...)
	s.must(err)
	return r
}

var signer = ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func (s *store) checkpoint(org uuid.UUID) *postgres.Checkpoint {
	s.t.Helper()
	c, written, err := s.WriteCheckpoint(s.t.Context(), org, signer, noon)
	s.must(err)
	if !written {
		s.t.Fatal("no checkpoint was written")
	}
	return c
}

// TestEventsOfManyWritersMakeOneChain appends from many transactions at once,
// some of which fail.
func TestEventsOfManyWritersMakeOneChain(t *testing.T) {
	s := open(t)
	org := s.organization()
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for j := range 10 {
				err := s.Tenant(context.Background(), org, func(tx *postgres.Tx) error {
					for range 1 + j%2 {
						if err := tx.Audit("Ada", "a", "o", i); err != nil {
							return err
						}
					}
					if j == 5 {
						return errors.New("rolled back")
					}
					return nil
				})
				if err != nil && j != 5 {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if r := s.verify(org, nil); !r.Whole() || r.Events != 8*13 {
		t.Errorf("%+v, want a whole trail of 104 events", r)
	}
}

// TestTheHashIsTheOneThatIsDocumented holds the canonical bytes: others verify
// by them.
func TestTheHashIsTheOneThatIsDocumented(t *testing.T) {
	s := open(t)
	org := s.organization()
	s.audit(org, 1)
	sha := `
		with f as (
			select string_agg(int8send(length(v)) || v, ''::bytea order by n) as bytes from bartizan.audit_event e cross join lateral unnest(array[
				'bartizan-audit-1'::bytea, convert_to(e.organization_id::text, 'UTF8'), convert_to(e.sequence::text, 'UTF8'),
				convert_to(to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8'),
				convert_to(e.actor, 'UTF8'), convert_to(e.action, 'UTF8'), convert_to(e.object, 'UTF8'), e.digest, e.previous
			]) with ordinality as x (v, n)
		) select encode(sha256(bytes), 'hex') from f`
	want := hex.EncodeToString(scan[[]byte](s, `select hash from bartizan.audit_event`))
	if got := scan[string](s, sha); got != want {
		t.Errorf("the hash made by hand is %s, the one kept %s", got, want)
	}
	if !scan[bool](s, `select digest = sha256(convert_to(details::text, 'UTF8')) from bartizan.audit_event`) {
		t.Error("the digest is not that of the details as they are kept")
	}
}

// TestEveryChangeOfATrailIsNoticed changes a trail behind everybody's back.
func TestEveryChangeOfATrailIsNoticed(t *testing.T) {
	for _, c := range []struct {
		change, sql string
		brokenAt    int64
	}{
		{"none", `select 1`, 0},
		{"an actor", `update bartizan.audit_event set actor = 'Eve' where sequence = 3`, 3},
		{"an action", `update bartizan.audit_event set action = 'x' where sequence = 1`, 1},
		{"an object", `update bartizan.audit_event set object = 'x' where sequence = 6`, 6},
		{"a time", `update bartizan.audit_event set at = at + interval '1 microsecond' where sequence = 2`, 2},
		{"details", `update bartizan.audit_event set details = '{"name":"other"}' where sequence = 4`, 4},
		{"white space of details", `update bartizan.audit_event set details = (details::text || ' ')::json where sequence = 4`, 4},
		{"details and their digest", `update bartizan.audit_event set details = '{}', digest = sha256('{}') where sequence = 4`, 4},
		{"a whole event, hash and all", `update bartizan.audit_event set hash = sha256('x') where sequence = 4`, 4},
		{"a purge", `update bartizan.audit_event set details = null where sequence = 4`, 0},
		{"one taken out", `delete from bartizan.audit_event where sequence = 3`, 3},
		{"the first taken out", `delete from bartizan.audit_event where sequence = 1`, 1},
		{"all taken out", `delete from bartizan.audit_event`, 1},
		{"the tail cut", `delete from bartizan.audit_event where sequence > 4`, 5},
		{"two swapped", `update bartizan.audit_event set sequence = case sequence when 2 then 103 else 102 end where sequence in (2, 3);
			update bartizan.audit_event set sequence = sequence - 100 where sequence > 100`, 2},
		{"the head", `update bartizan.audit_head set hash = sha256('x')`, 6},
		{"the tail cut, and the head moved", `delete from bartizan.audit_event where sequence > 4;
			update bartizan.audit_head h set sequence = 4, hash = e.hash from bartizan.audit_event e where e.sequence = 4`, 5},
		{"a checkpoint that is kept", `update bartizan.checkpoint set hash = sha256('x')`, 6},
	} {
		t.Run(c.change, func(t *testing.T) {
			s := open(t)
			org := s.organization()
			s.audit(org, 6)
			s.checkpoint(org)
			s.admin(func(ctx context.Context, conn *pgx.Conn) {
				_, err := conn.Exec(ctx, c.sql)
				s.must(err)
			})
			r := s.verify(org, public(signer))
			if r.BrokenAt != c.brokenAt || r.Whole() != (c.brokenAt == 0) {
				t.Errorf("broken at %d (%s), want %d", r.BrokenAt, r.Reason, c.brokenAt)
			}
		})
	}
}

// TestACheckpointKeptElsewhereNoticesWhatTheDatabaseHides cuts a tail with all
// that tells of it.
func TestACheckpointKeptElsewhereNoticesWhatTheDatabaseHides(t *testing.T) {
	s := open(t)
	org, other := s.organization(), s.organization()
	s.audit(org, 4)
	s.audit(other, 1)
	early := s.checkpoint(org)
	s.audit(org, 2)
	late := s.checkpoint(org)
	ofOther := s.checkpoint(other)
	if r := s.verify(org, public(signer), early, late); !r.Whole() || r.Checkpoints != 4 {
		t.Fatalf("%+v, want a whole trail with two checkpoints kept and two given", r)
	}
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		for _, sql := range []string{
			`delete from bartizan.audit_event where organization_id = $1 and sequence > 4`,
			`delete from bartizan.checkpoint where organization_id = $1 and sequence > 4`,
			`update bartizan.audit_head h set sequence = 4, hash = e.hash from bartizan.audit_event e where e.sequence = 4 and h.organization_id = $1 and e.organization_id = $1`,
		} {
			_, err := conn.Exec(ctx, sql, org)
			s.must(err)
		}
	})
	if r := s.verify(org, public(signer), early); !r.Whole() {
		t.Errorf("%+v: the database alone and the early checkpoint cannot know", r)
	}
	if r := s.verify(org, public(signer), late); r.BrokenAt != 5 {
		t.Errorf("%+v, want broken at event 5", r)
	}
	forged := *late
	forged.Sequence, forged.Hash = early.Sequence, early.Hash
	foreignKey := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for name, r := range map[string]postgres.AuditReport{
		"a checkpoint that nobody signed":      s.verify(org, public(signer), &forged),
		"a checkpoint of another organization": s.verify(org, public(signer), ofOther),
		"a checkpoint of another key":          s.verify(org, public(foreignKey), early),
	} {
		if r.Whole() {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestACheckpointIsWrittenOnceAHead(t *testing.T) {
	s := open(t)
	org := s.organization()
	if _, written, err := s.WriteCheckpoint(t.Context(), org, signer, noon); written || err != nil {
		t.Errorf("of an empty trail: %v, %v", written, err)
	}
	s.audit(org, 2)
	c := s.checkpoint(org)
	if _, written, err := s.WriteCheckpoint(t.Context(), org, signer, noon); written || err != nil {
		t.Errorf("again, of the same head: %v, %v", written, err)
	}
	read, err := postgres.ParseCheckpoint(c.String() + "\n")
	if err != nil || read.String() != c.String() || read.Verify(public(signer)) != nil {
		t.Errorf("%s was read as %v, %v", c, read, err)
	}
	if strings.ContainsAny(c.String(), " \n\"") {
		t.Errorf("%s is not one word", c)
	}
	for _, bad := range []string{"", "x", c.String()[:40], strings.Replace(c.String(), "/2/", "/-2/", 1), strings.Replace(c.String(), "/2/", "//", 1), c.String() + "/x"} {
		if _, err := postgres.ParseCheckpoint(bad); err == nil {
			t.Errorf("%q was taken for a checkpoint", bad)
		}
	}
}

// TestVerifyingGoesOverManyPages also holds that details come back as they were
// given.
func TestVerifyingGoesOverManyPages(t *testing.T) {
	s := open(t)
	org := s.organization()
	s.as(org, func(tx *postgres.Tx) error {
		for i := range 4100 {
			s.must(tx.Audit("Ada", "a", "o", i))
		}
		return nil
	})
	if r := s.verify(org, nil); !r.Whole() || r.Events != 4100 {
		t.Errorf("%+v, want a whole trail of 4100", r)
	}
	var details any
	s.must(json.Unmarshal(scan[[]byte](s, `select convert_to(details::text, 'UTF8') from bartizan.audit_event where sequence = 4100`), &details))
	if details != 4099.0 {
		t.Errorf("the details of the last event are %v", details)
	}
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		_, err := conn.Exec(ctx, `update bartizan.audit_event set actor = 'Eve' where sequence = 4050`)
		s.must(err)
	})
	if r := s.verify(org, nil); r.BrokenAt != 4050 {
		t.Errorf("%+v, want broken at 4050", r)
	}
}
