package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
)

// EmbeddingModel gives the number of an embedding model within the
// organization, by its name. Vectors of two models do not compare.
func (tx *Tx) EmbeddingModel(ctx context.Context, name string, dimensions int) (int16, error) {
	const find = `select id, dimensions from bartizan.embedding_model where organization_id = $1 and name = $2`
	for range beginTries {
		var id int16
		var known int
		err := tx.QueryRow(ctx, find, tx.Organization, name).Scan(&id, &known)
		if err == nil && known != dimensions {
			return 0, fmt.Errorf("the embedding model %s had %d dimensions before and has %d now: give it another name", name, known, dimensions)
		}
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return 0, fmt.Errorf("looking up the embedding model %s: %w", name, err)
		}
		// Another may take the name or the number first: looked up again.
		if _, err := tx.Exec(ctx, `
			insert into bartizan.embedding_model (organization_id, id, name, dimensions)
			select $1, coalesce(max(id), 0) + 1, $2, $3 from bartizan.embedding_model where organization_id = $1
			on conflict do nothing`, tx.Organization, name, dimensions); err != nil {
			return 0, fmt.Errorf("adding the embedding model %s: %w", name, err)
		}
	}
	return 0, fmt.Errorf("adding the embedding model %s: others add models all the time", name)
}

// PassageText is a passage by what an embedding is made of.
type PassageText struct {
	ID                    int64
	Heading, Header, Text string
}

// WithoutVector gives passages of a system that count and have no vector of the
// model, at most so many, by their number. Vectors that another system of the
// organization has of the same passage are taken over first.
func (tx *Tx) WithoutVector(ctx context.Context, system uuid.UUID, model int16, atMost int) ([]PassageText, error) {
	if err := tx.bulk(ctx, `
		with lacking as materialized (
			select p.id, p.hash from bartizan.passage p
			left join bartizan.vector v on v.organization_id = $1 and v.system_id = $2 and v.model = $3 and v.passage = p.id
			where p.organization_id = $1 and p.system_id = $2 and p.current and v.passage is null
		)
		insert into bartizan.vector (organization_id, system_id, model, passage, current, embedding)
		select $1::uuid, $2::uuid, $3::smallint, l.id, true, other.embedding
		from lacking l
		cross join lateral (
			select v.embedding from bartizan.passage q
			join bartizan.vector v on v.organization_id = $1 and v.system_id = q.system_id and v.model = $3 and v.passage = q.id
			where q.organization_id = $1 and q.hash = l.hash and q.system_id <> $2
			limit 1
		) other
		on conflict do nothing`, tx.Organization, system, model); err != nil {
		return nil, fmt.Errorf("taking over vectors of the same passages: %w", err)
	}
	if _, err := tx.Exec(ctx, `set local enable_nestloop = off`); err != nil { // see bulk
		return nil, fmt.Errorf("looking for passages without a vector: %w", err)
	}
	rows, err := tx.Query(ctx, `
		select p.id, p.heading, p.header, p.text from bartizan.passage p
		left join bartizan.vector v on v.organization_id = $1 and v.system_id = $2 and v.model = $3 and v.passage = p.id
		where p.organization_id = $1 and p.system_id = $2 and p.current and v.passage is null
		order by p.id limit $4`, tx.Organization, system, model, atMost)
	if err != nil {
		return nil, fmt.Errorf("looking for passages without a vector: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PassageText])
	if err != nil {
		return nil, fmt.Errorf("looking for passages without a vector: %w", err)
	}
	if _, err := tx.Exec(ctx, `set local enable_nestloop = on`); err != nil {
		return nil, fmt.Errorf("looking for passages without a vector: %w", err)
	}
	return out, nil
}

// PassageVector is the vector of a passage.
type PassageVector struct {
	Passage   int64
	Embedding []float32
}

// PutVectors keeps vectors of passages of a system. One that is there stays.
// They are kept as half-precision numbers, which is enough to search by; what
// feeds a prompt takes them as the embedding model gave them.
func (tx *Tx) PutVectors(ctx context.Context, system uuid.UUID, model int16, vectors []PassageVector) error {
	if _, err := tx.Exec(ctx, `create temporary table if not exists new_vector (passage bigint, embedding halfvec) on commit drop`); err != nil {
		return fmt.Errorf("keeping vectors: %w", err)
	}
	if _, err := tx.Exec(ctx, `truncate pg_temp.new_vector`); err != nil {
		return fmt.Errorf("keeping vectors: %w", err)
	}
	rows := pgx.CopyFromSlice(len(vectors), func(i int) ([]any, error) {
		return []any{vectors[i].Passage, pgvector.NewHalfVector(vectors[i].Embedding)}, nil
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "new_vector"}, []string{"passage", "embedding"}, rows); err != nil {
		return fmt.Errorf("keeping vectors: %w", err)
	}
	// A passage that changes its current flag at this moment waits for this.
	if err := tx.lockPassages(ctx, system); err != nil {
		return err
	}
	if err := tx.bulk(ctx, `
		insert into bartizan.vector (organization_id, system_id, model, passage, current, embedding)
		select p.organization_id, p.system_id, $3, p.id, p.current, n.embedding from pg_temp.new_vector n
		join bartizan.passage p on p.organization_id = $1 and p.system_id = $2 and p.id = n.passage
		order by p.id
		on conflict do nothing`, tx.Organization, system, model); err != nil {
		return fmt.Errorf("keeping vectors: %w", err)
	}
	return nil
}
