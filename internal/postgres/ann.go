package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
)

const (
	// annThreshold is the number of vectors up to which exact search is better
	// than an approximate index.
	annThreshold = 50_000
	// annDimensions is the most that such an index takes of half-precision
	// numbers.
	annDimensions = 4000
	// annEffort is how many candidates a search of the index keeps, at least.
	annEffort = 200
	// annMemory is what building an index may take.
	annMemory = "1GB"
)

// annIndex names the approximate index of an organization and model.
func annIndex(organization uuid.UUID, model int16) string {
	return "vector_ann_" + hex.EncodeToString(organization[:]) + "_" + strconv.Itoa(int(model))
}

// annClause is the condition of that index. It is written out, for the planner
// proves that an index applies only from what the query says literally.
func annClause(organization uuid.UUID, model int16) string {
	return fmt.Sprintf("organization_id = '%s' and model = %d and current", organization, model)
}

func annDistance(dimensions int) string {
	return fmt.Sprintf("embedding::halfvec(%d)", dimensions)
}

// hasApproximateIndex reports whether housekeeping made one.
func (tx *Tx) hasApproximateIndex(ctx context.Context, model int16) (bool, error) {
	var there bool
	err := tx.QueryRow(ctx, `select coalesce((select indisvalid from pg_index where indexrelid = to_regclass($1)), false)`,
		"bartizan."+annIndex(tx.Organization, model)).Scan(&there)
	return there, err
}

// nearly searches the organization's approximate index.
func (tx *Tx) nearly(ctx context.Context, s PassageSearch, depth int) ([]passageKey, error) {
	if _, err := tx.Exec(ctx, `select set_config('hnsw.ef_search', $1, true)`, strconv.Itoa(min(1000, max(annEffort, 2*depth)))); err != nil {
		return nil, err
	}
	return tx.nearest(ctx, annSQL(tx.Organization, s.Model, len(s.Vector)), pgvector.NewHalfVector(s.Vector), depth)
}

func annSQL(organization uuid.UUID, model int16, dimensions int) string {
	return fmt.Sprintf(`select system_id, passage from bartizan.vector where %s order by %s <=> $1 limit $2`,
		annClause(organization, model), annDistance(dimensions))
}

// annNeed is an organization's vectors of one model.
type annNeed struct {
	organization uuid.UUID
	model        int16
	dimensions   int
	vectors      int
	// state of the index: none, broken or good.
	state string
}

// TendIndexes makes and drops the approximate indexes: an organization with
// more vectors than exact search is good for gets one, and loses it when it has
// less than half as many. It takes minutes for a million vectors; searches and
// ingestion go on meanwhile. It gives the names of what it made and dropped.
func (db *DB) TendIndexes(ctx context.Context) (made, dropped []string, err error) {
	return db.tendIndexes(ctx, annThreshold)
}

func (db *DB) tendIndexes(ctx context.Context, threshold int) (made, dropped []string, err error) {
	conn, err := db.owner.Acquire(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("tending the indexes: %w", err)
	}
	defer conn.Release()
	var first bool
	const lock = `hashtextextended('bartizan.indexes', 0)`
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock(`+lock+`)`).Scan(&first); err != nil || !first {
		return nil, nil, err // another worker is at it
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock(`+lock+`)`)
		_, _ = conn.Exec(context.WithoutCancel(ctx), `reset maintenance_work_mem`)
	}()
	if _, err := conn.Exec(ctx, `set maintenance_work_mem = '`+annMemory+`'`); err != nil {
		return nil, nil, fmt.Errorf("tending the indexes: %w", err)
	}
	needs, err := annNeeds(ctx, conn.Conn(), threshold)
	if err != nil {
		return nil, nil, fmt.Errorf("counting vectors: %w", err)
	}
	for _, n := range needs {
		name := annIndex(n.organization, n.model)
		if n.state == "broken" || (n.state == "good" && n.vectors < threshold/2) {
			if _, err := conn.Exec(ctx, `drop index concurrently if exists bartizan.`+name); err != nil {
				return made, dropped, fmt.Errorf("dropping the index %s: %w", name, err)
			}
			dropped = append(dropped, name)
		}
		if n.state == "good" || n.vectors <= threshold {
			continue
		}
		// Not in a transaction, so that nobody waits. One that was interrupted
		// is left behind broken, and made anew next time.
		if _, err := conn.Exec(ctx, fmt.Sprintf(`create index concurrently %s on bartizan.vector using hnsw ((%s) halfvec_cosine_ops) where %s`,
			name, annDistance(n.dimensions), annClause(n.organization, n.model))); err != nil {
			return made, dropped, fmt.Errorf("making the index %s: %w", name, err)
		}
		made = append(made, name)
	}
	return made, dropped, nil
}

// annNeeds lists those who have, or should have, an index.
func annNeeds(ctx context.Context, conn *pgx.Conn, threshold int) ([]annNeed, error) {
	rows, err := conn.Query(ctx, `
		select m.organization_id, m.id, m.dimensions, coalesce(v.vectors, 0),
			case when i.indexrelid is null then 'none' when i.indisvalid then 'good' else 'broken' end
		from bartizan.embedding_model m
		left join (
			select organization_id, model, count(*)::int as vectors from bartizan.vector where current group by 1, 2
		) v on v.organization_id = m.organization_id and v.model = m.id
		left join pg_index i on i.indexrelid = to_regclass('bartizan.vector_ann_' || replace(m.organization_id::text, '-', '') || '_' || m.id)
		where m.dimensions <= $2 and (i.indexrelid is not null or v.vectors > $1)
		order by 1, 2`, threshold, annDimensions)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n annNeed, err error) {
		return n, row.Scan(&n.organization, &n.model, &n.dimensions, &n.vectors, &n.state)
	})
}
