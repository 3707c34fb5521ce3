package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// rankOffset of reciprocal rank fusion: how little the first ranks differ.
	rankOffset = 60
	// leastDepth and depthFactor say how many of each list are fused.
	leastDepth  = 50
	depthFactor = 5
)

// PassageSearch is a search for passages by words and by meaning.
type PassageSearch struct {
	// System narrows the search; [uuid.Nil] is the whole organization.
	System uuid.UUID
	// Words are as people type them: all of them, "a phrase", or, -not. Where
	// nothing has all words, passages with any are found.
	Words string
	// Model is the number of the embedding model that made Vector. A nil Vector
	// searches by words alone.
	Model  int16
	Vector []float32
	Limit  int
}

// PassageHit is a passage that was found, with one place where it stands.
type PassageHit struct {
	System, Document, Revision, Source  uuid.UUID
	SourceName, SourceTitle, SourceHash string
	// Passage is the row, PassageID what models cite it by.
	Passage   int64
	PassageID string
	Heading   string
	Text      string
	Locator   threatmodel.Locator
	// Score is that of the fusion of both ranks; it says nothing across
	// searches.
	Score float64
}

// passageKey names a passage of the organization.
type passageKey struct {
	system  uuid.UUID
	passage int64
}

// SearchPassages finds passages of the documents that count, the best first. It
// is for people: what feeds a prompt is retrieved by package retrieve.
func (tx *Tx) SearchPassages(ctx context.Context, s PassageSearch) ([]PassageHit, error) {
	if s.Limit <= 0 {
		return nil, nil
	}
	depth := max(leastDepth, depthFactor*s.Limit)
	byWords, err := tx.passagesByWords(ctx, s, depth)
	if err != nil {
		return nil, fmt.Errorf("searching passages by words: %w", err)
	}
	var byMeaning []passageKey
	if s.Vector != nil {
		if byMeaning, err = tx.passagesByMeaning(ctx, s, depth); err != nil {
			return nil, fmt.Errorf("searching passages by meaning: %w", err)
		}
	}
	keys, scores := fuse(byWords, byMeaning)
	return tx.passageHits(ctx, keys[:min(s.Limit, len(keys))], scores)
}

// fuse orders what stands in either list by reciprocal rank; ties by key.
func fuse(lists ...[]passageKey) ([]passageKey, map[passageKey]float64) {
	scores := map[passageKey]float64{}
	var keys []passageKey
	for _, list := range lists {
		for rank, key := range list {
			if _, seen := scores[key]; !seen {
				keys = append(keys, key)
			}
			scores[key] += 1 / float64(rankOffset+rank+1)
		}
	}
	slices.SortFunc(keys, func(a, b passageKey) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), slices.Compare(a.system[:], b.system[:]), cmp.Compare(a.passage, b.passage))
	})
	return keys, scores
}

func (tx *Tx) passagesByWords(ctx context.Context, s PassageSearch, depth int) ([]passageKey, error) {
	var system *uuid.UUID
	if s.System != uuid.Nil {
		system = &s.System
	}
	rows, err := tx.Query(ctx, `select system_id, passage from bartizan.search_passages($1, $2, $3)`, storable(s.Words), system, depth)
	if err != nil {
		return nil, err
	}
	return collectKeys(rows)
}

func collectKeys(rows pgx.Rows) ([]passageKey, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k passageKey, err error) {
		return k, row.Scan(&k.system, &k.passage)
	})
}

// exactSQL compares every vector of the scope. Adding 0 keeps an approximate
// index out, which the planner would take where exact is better.
const exactSQL = `
	select v.system_id, v.passage from bartizan.vector v
	where v.organization_id = $1 and v.model = $2 and v.current%s
	order by (v.embedding <=> $3) + 0, v.system_id, v.passage limit $4`

// passagesByMeaning gives the nearest vectors: exactly, but for organizations
// so large that they have an approximate index.
func (tx *Tx) passagesByMeaning(ctx context.Context, s PassageSearch, depth int) ([]passageKey, error) {
	if s.System != uuid.Nil {
		return tx.nearest(ctx, fmt.Sprintf(exactSQL, " and v.system_id = $5"), tx.Organization, s.Model, pgvector.NewHalfVector(s.Vector), depth, s.System)
	}
	indexed, err := tx.hasApproximateIndex(ctx, s.Model)
	if err != nil {
		return nil, err
	}
	if indexed {
		return tx.nearly(ctx, s, depth)
	}
	return tx.nearest(ctx, fmt.Sprintf(exactSQL, ""), tx.Organization, s.Model, pgvector.NewHalfVector(s.Vector), depth)
}

func (tx *Tx) nearest(ctx context.Context, sql string, args ...any) ([]passageKey, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return collectKeys(rows)
}

// passageHits loads what people see of passages, in the given order.
func (tx *Tx) passageHits(ctx context.Context, keys []passageKey, scores map[passageKey]float64) ([]PassageHit, error) {
	systems, passages := make([]uuid.UUID, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		systems[i], passages[i] = k.system, k.passage
	}
	rows, err := tx.Query(ctx, `
		select p.system_id, d.document_id, d.revision_id, d.source_id, d.name, d.title, d.sha256, p.id, d.passage_id, p.heading, p.text, d.locator
		from unnest($1::uuid[], $2::bigint[]) with ordinality as n (system_id, id, position)
		join bartizan.passage p on p.organization_id = $3 and p.system_id = n.system_id and p.id = n.id
		cross join lateral (
			select r.document_id, r.id as revision_id, s.id as source_id, s.name, s.title, s.sha256, o.passage_id, o.locator
			from bartizan.occurrence o
			join bartizan.source s on s.organization_id = o.organization_id and s.id = o.source_id
			join bartizan.revision r on r.organization_id = s.organization_id and r.id = s.revision_id
			join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
			where o.organization_id = $3 and o.system_id = p.system_id and o.passage = p.id and d.removed_at is null and d.purged_at is null
			and not exists (
				select from bartizan.revision newer
				join bartizan.ingestion i on i.organization_id = newer.organization_id and i.revision_id = newer.id and i.state = 'read'
				where newer.organization_id = $3 and newer.document_id = r.document_id and newer.number > r.number
			)
			order by r.created_at, s.id, o.position
			limit 1
		) d
		order by n.position`, systems, passages, tx.Organization)
	if err != nil {
		return nil, fmt.Errorf("loading the passages that were found: %w", err)
	}
	hits, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h PassageHit, err error) {
		var locator json.RawMessage
		err = row.Scan(&h.System, &h.Document, &h.Revision, &h.Source, &h.SourceName, &h.SourceTitle, &h.SourceHash, &h.Passage, &h.PassageID, &h.Heading, &h.Text, &locator)
		h.Score = scores[passageKey{h.System, h.Passage}]
		return h, errors.Join(err, json.Unmarshal(locator, &h.Locator))
	})
	if err != nil {
		return nil, fmt.Errorf("loading the passages that were found: %w", err)
	}
	return hits, nil
}
