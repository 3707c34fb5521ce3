package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// PassageHash tells passages apart that are found by different words: SHA-256
// of nearest heading, table header and text, white space folded, a zero byte
// between.
func PassageHash(p *threatmodel.Passage) [32]byte {
	var parts [3]string
	for i, s := range []string{p.Heading, p.Header, p.Text} {
		parts[i] = strings.Join(strings.Fields(storable(s)), " ")
	}
	return sha256.Sum256([]byte(strings.Join(parts[:], "\x00")))
}

// PutPassages keeps the passages of a source, in their order, in place of those
// that it had. Each distinct one is a row of the system. They are searched from
// the next [Tx.CountRevisions] on.
func (tx *Tx) PutPassages(ctx context.Context, system, source uuid.UUID, passages []threatmodel.Passage) error {
	if err := tx.lockPassages(ctx, system); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from bartizan.occurrence where organization_id = $1 and source_id = $2`, tx.Organization, source); err != nil {
		return fmt.Errorf("replacing the passages of a source: %w", err)
	}
	if err := tx.stagePassages(ctx, passages); err != nil {
		return fmt.Errorf("keeping the passages of a source: %w", err)
	}
	if err := tx.bulk(ctx, `
		insert into bartizan.passage (organization_id, system_id, hash, heading, header, text)
		select distinct on (n.hash) $1::uuid, $2::uuid, n.hash, n.heading, n.header, n.text from pg_temp.new_passage n
		order by n.hash, n.position
		on conflict do nothing`, tx.Organization, system); err != nil {
		return fmt.Errorf("keeping the passages of a source: %w", err)
	}
	if err := tx.bulk(ctx, `
		insert into bartizan.occurrence (organization_id, source_id, position, system_id, passage, passage_id, locator)
		select $1::uuid, $3::uuid, n.position, p.system_id, p.id, n.passage_id, n.locator from pg_temp.new_passage n
		join bartizan.passage p on p.organization_id = $1 and p.system_id = $2 and p.hash = n.hash`, tx.Organization, system, source); err != nil {
		return fmt.Errorf("keeping where the passages of a source stand: %w", err)
	}
	return nil
}

// bulk runs a statement over all rows of a system without nested loops: of a new
// system the planner believes that it has one row, and loops over thousands.
func (tx *Tx) bulk(ctx context.Context, sql string, args ...any) error {
	if _, err := tx.Exec(ctx, `set local enable_nestloop = off`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `set local enable_nestloop = on`)
	return err
}

// stagePassages copies passages into a table of the transaction: COPY is not
// to be had under row-level security.
func (tx *Tx) stagePassages(ctx context.Context, passages []threatmodel.Passage) error {
	if _, err := tx.Exec(ctx, `
		create temporary table if not exists new_passage (
			position int, hash bytea, heading text, header text, text text, passage_id text, locator jsonb
		) on commit drop`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `truncate pg_temp.new_passage`); err != nil {
		return err
	}
	rows := pgx.CopyFromSlice(len(passages), func(i int) ([]any, error) {
		p := &passages[i]
		locator, err := json.Marshal(p.Locator)
		if err != nil {
			return nil, err
		}
		hash := PassageHash(p)
		return []any{i, hash[:], storable(p.Heading), storable(p.Header), storable(p.Text), storable(p.ID), json.RawMessage(Storable(locator))}, nil
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "new_passage"}, []string{"position", "hash", "heading", "header", "text", "passage_id", "locator"}, rows); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `analyze pg_temp.new_passage`)
	return err
}

// lockPassages lets one transaction at a time change which passages a system
// has: two that insert the same ones in different orders would lock each other.
func (tx *Tx) lockPassages(ctx context.Context, system uuid.UUID) error {
	if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('bartizan.passage ' || $1, 0))`, system.String()); err != nil {
		return fmt.Errorf("waiting for the passages of a system: %w", err)
	}
	return nil
}

// CountRevisions settles which passages of a system a search finds: those of
// the newest revision that was read of each document, but for documents that
// were removed or purged. It goes after a revision's ingestion has become read
// and after a document was removed, in the same transaction.
func (tx *Tx) CountRevisions(ctx context.Context, system, document uuid.UUID) error {
	if err := tx.lockPassages(ctx, system); err != nil {
		return err
	}
	var touched, standing []int64
	if err := tx.QueryRow(ctx, currentSQL, tx.Organization, system, document).Scan(&touched, &standing); err != nil {
		return fmt.Errorf("settling which passages count: %w", err)
	}
	for table, key := range map[string]string{"passage": "id", "vector": "passage"} {
		if _, err := tx.Exec(ctx, `
			update bartizan.`+table+` set current = not current
			where organization_id = $1 and system_id = $2 and `+key+` = any ($3::bigint[]) and current <> (`+key+` = any ($4::bigint[]))`,
			tx.Organization, system, touched, standing); err != nil {
			return fmt.Errorf("settling which passages count: %w", err)
		}
	}
	return nil
}

// currentSQL lists the passages that a document has or had, and those of them
// that a revision of the system holds which counts. It looks for one such
// revision a passage: the work is that of the document, however many documents
// the system has.
const currentSQL = `
	with touched as materialized (
		select distinct o.passage as id from bartizan.revision r
		join bartizan.source s on s.organization_id = r.organization_id and s.revision_id = r.id
		join bartizan.occurrence o on o.organization_id = s.organization_id and o.source_id = s.id
		where r.organization_id = $1 and r.document_id = $3
	)
	select coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.id) filter (where st.found), '{}') from touched t
	left join lateral (
		select true as found from bartizan.occurrence o
		join bartizan.source s on s.organization_id = o.organization_id and s.id = o.source_id
		join bartizan.revision r on r.organization_id = s.organization_id and r.id = s.revision_id
		join bartizan.ingestion i on i.organization_id = r.organization_id and i.revision_id = r.id and i.state = 'read'
		join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
		where o.organization_id = $1 and o.system_id = $2 and o.passage = t.id and d.removed_at is null and d.purged_at is null
		and not exists (
			select from bartizan.revision n
			join bartizan.ingestion ni on ni.organization_id = n.organization_id and ni.revision_id = n.id and ni.state = 'read'
			where n.organization_id = r.organization_id and n.document_id = r.document_id and n.number > r.number
		)
		limit 1
	) st on true`

// countedSQL lists the revisions that count: the newest read of each document.
const countedSQL = `
	select r.id from bartizan.document d
	cross join lateral (
		select r.id from bartizan.revision r
		join bartizan.ingestion i on i.organization_id = r.organization_id and i.revision_id = r.id and i.state = 'read'
		where r.organization_id = d.organization_id and r.document_id = d.id
		order by r.number desc limit 1
	) r
	where d.organization_id = $1 and d.system_id = $2 and d.removed_at is null and d.purged_at is null`
