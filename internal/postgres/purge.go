package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Purge asks for the text of a document, or of a whole system, to be removed for
// good.
type Purge struct {
	Organization, System uuid.UUID
	// Document is [uuid.Nil] for the whole system.
	Document uuid.UUID
	// Actor, Action and Object are those of the audit event.
	Actor, Action, Object string
	// Objects are those of audit events whose details go: they hold names. An
	// object followed by a slash and more is meant too.
	Objects []string
}

// Purged counts what was removed or changed.
type Purged struct {
	Originals int64 `json:"originals"`
	Sources   int64 `json:"sources"`
	Passages  int64 `json:"passages"`
	Answers   int64 `json:"answers"`
	Models    int64 `json:"models"`
	Threats   int64 `json:"threats"`
	Decisions int64 `json:"decisions"`
	Events    int64 `json:"events"`
}

// ErrPurged is given where it was purged before.
var ErrPurged = errors.New("it was purged already")

// purge is one under way.
type purge struct {
	Purge
	*Tx
	*forgetter
	done Purged
	// revisions and sources are those that go.
	revisions, sources []uuid.UUID
}

// Purge removes text for good, in one transaction, and appends it to the audit
// trail: originals that nothing else refers to, what was read, passages, vectors,
// and all model answers that served the system. In models of every version, in
// decisions, threats and messages it replaces what was drawn from the text by its
// hash; digests stay, and the trail, which is over digests, still verifies. For
// a document the system's analysis is requested anew. A run under way loses its
// lease, and so cannot bring the text back.
//
// Dead rows stay in PostgreSQL's files until vacuum has been there, and in its
// logs and backups for as long as these are kept.
func (db *DB) Purge(ctx context.Context, what Purge) (Purged, error) {
	var done Purged
	err := db.OwnerOf(ctx, what.Organization, func(tx *Tx) error {
		p := &purge{Purge: what, Tx: tx, forgetter: newForgetter()}
		err := p.run(ctx)
		done = p.done
		return err
	})
	if err != nil {
		return Purged{}, fmt.Errorf("purging %s: %w", what.Object, err)
	}
	return done, nil
}

func (p *purge) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		p.begin, p.learnSources, p.endWork, p.forgetModels, p.forgetThreats, p.forgetDecisions, p.removeText, p.removeAnswers, p.forgetRest, p.forgetNames,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return p.Audit(p.Actor, p.Action, p.Object, p.done)
}

// exec runs a statement and tells how many rows it was about.
func (p *purge) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := p.Tx.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

// begin locks the system, as everything does that changes its model, and marks
// what is purged.
func (p *purge) begin(ctx context.Context) error {
	var purged bool
	err := p.QueryRow(ctx, `select purged_at is not null from bartizan.system where organization_id = $1 and id = $2 for update`, p.Purge.Organization, p.System).Scan(&purged)
	if err != nil {
		return err
	}
	if purged {
		return ErrPurged
	}
	table, column, id := "system", "archived_at", p.System
	if p.Document != uuid.Nil {
		table, column, id = "document", "removed_at", p.Document
	}
	n, err := p.exec(ctx, `update bartizan.`+table+` set purged_at = now(), `+column+` = coalesce(`+column+`, now()), version = version + 1
		where organization_id = $1 and id = $2 and purged_at is null`, p.Purge.Organization, id)
	if err == nil && n == 0 {
		err = ErrPurged
	}
	return err
}

// mine is the condition of what goes, on a document d.
func (p *purge) mine() string {
	if p.Document == uuid.Nil {
		return "d.organization_id = $1 and d.system_id = $2 and ($3::uuid = $3)"
	}
	return "d.organization_id = $1 and d.system_id = $2 and d.id = $3"
}

const ofDocument = `
	from bartizan.document d
	join bartizan.revision r on r.organization_id = d.organization_id and r.document_id = d.id
	left join bartizan.source s on s.organization_id = r.organization_id and s.revision_id = r.id
	where `

// learnSources reads what goes, and then what stays: the words of another
// document are not this one's to forget.
func (p *purge) learnSources(ctx context.Context) error {
	contents, err := p.sourcesWhere(ctx, p.mine(), func(revision uuid.UUID, source *uuid.UUID) {
		p.revisions = append(p.revisions, revision)
		if source != nil {
			p.sources = append(p.sources, *source)
		}
	})
	if err != nil {
		return err
	}
	for _, packed := range contents {
		if err := p.learnSource(packed); err != nil {
			return err
		}
	}
	rows, err := p.Query(ctx, `select distinct o.passage_id from bartizan.occurrence o where o.organization_id = $1 and o.source_id = any ($2)`, p.Purge.Organization, p.sources)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range ids {
		p.passages[passageBase(id)] = true
	}
	if err != nil || p.Document == uuid.Nil {
		return err
	}
	others, err := p.sourcesWhere(ctx, "d.organization_id = $1 and d.system_id = $2 and d.id <> $3 and d.purged_at is null", func(uuid.UUID, *uuid.UUID) {})
	if err != nil {
		return err
	}
	for _, packed := range others {
		raw, err := Decompress(packed)
		if err == nil {
			err = eachString(raw, p.spare)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sourcesWhere gives the packed contents of sources.
func (p *purge) sourcesWhere(ctx context.Context, condition string, each func(revision uuid.UUID, source *uuid.UUID)) ([][]byte, error) {
	rows, err := p.Query(ctx, `select r.id, s.id, s.content`+ofDocument+condition+` order by r.id, s.position`, p.Purge.Organization, p.System, p.Document)
	if err != nil {
		return nil, err
	}
	var contents [][]byte
	var revision, last uuid.UUID
	var source *uuid.UUID
	var content []byte
	_, err = pgx.ForEachRow(rows, []any{&revision, &source, &content}, func() error {
		if revision != last || source != nil {
			each(revision, source)
		}
		last = revision
		if len(content) > 0 {
			contents = append(contents, content)
		}
		content = nil
		return nil
	})
	return contents, err
}

func (p *purge) learnSource(packed []byte) error {
	raw, err := Decompress(packed)
	if err != nil {
		return err
	}
	var doc threatmodel.Source
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("reading what was read of a document: %w", err)
	}
	p.documents[doc.ID] = true
	for i := range doc.Blocks {
		p.learnQuote(doc.Blocks[i].Text)
		for _, cell := range doc.Blocks[i].Cells {
			p.learnWhole(cell)
		}
	}
	return eachString(raw, p.learn)
}

// endWork takes the lease from a run under way, which has the text in memory.
func (p *purge) endWork(ctx context.Context) error {
	set := "requested = requested + 1"
	if p.Document == uuid.Nil {
		set = "done = requested"
	}
	n, err := p.exec(ctx, `update bartizan.work set holder = '', lease_until = null, `+set+` where organization_id = $1 and system_id = $2`, p.Purge.Organization, p.System)
	if err != nil || n == 0 || p.Document == uuid.Nil {
		return err
	}
	_, err = p.exec(ctx, `insert into bartizan.backlog (organization_id, kind, subject) values ($1, 'analyse', $2) on conflict do nothing`, p.Purge.Organization, p.System)
	return err
}

// forgetModels rewrites the models of all versions, one at a time. The quotes of
// one version are learned for the others.
func (p *purge) forgetModels(ctx context.Context) error {
	rows, err := p.Query(ctx, `select number from bartizan.model_version where organization_id = $1 and system_id = $2 order by number`, p.Purge.Organization, p.System)
	if err != nil {
		return err
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	w := &rewriting{}
	for _, number := range numbers {
		if err := p.forgetModel(ctx, number, w); err != nil {
			return fmt.Errorf("version %d of the model: %w", number, err)
		}
	}
	return nil
}

// rewriting is how far the versions of a model were rewritten.
type rewriting struct {
	// old and fresh are the text of the version before, as it was and as it is; nil
	// before the first.
	old, fresh *ModelText
	// changed is true where these differ.
	changed bool
}

func (p *purge) forgetModel(ctx context.Context, number int64, w *rewriting) error {
	const of = ` where organization_id = $1 and system_id = $2 and number = $3`
	row := query.ModelVersion{Number: number}
	if err := p.QueryRow(ctx, `select base, content from bartizan.model_version`+of, p.Purge.Organization, p.System, number).Scan(&row.Base, &row.Content); err != nil {
		return err
	}
	before := w.fresh
	if w.old == nil {
		w.old = &ModelText{}
	}
	old := &ModelText{pieces: slices.Clone(w.old.pieces), base: w.old.base}
	if err := old.advance(&row); err != nil {
		return err
	}
	raw, changed, err := p.model(old.Bytes())
	if err != nil {
		return err
	}
	if p.Document == uuid.Nil { // nothing of a system is left to read
		raw, changed = []byte(`{"schema_version":"`+threatmodel.SchemaVersion+`"}`), true
	}
	rewrite := changed || row.Base != nil && w.changed
	w.old, w.fresh, w.changed = old, &ModelText{pieces: old.pieces, base: old.base}, changed
	if changed {
		if raw, err = indented(raw); err != nil {
			return err
		}
		w.fresh = CutModel(raw)
	}
	if !rewrite {
		return nil
	}
	if row.Base == nil {
		before = nil
	}
	content, base, err := w.fresh.pack(before, number)
	if err != nil {
		return err
	}
	w.fresh.base = number
	if base != nil {
		w.fresh.base = *base
	}
	n, err := p.exec(ctx, `update bartizan.model_version set content = $4, base = $5`+of, p.Purge.Organization, p.System, number, content, base)
	p.done.Models += n
	return err
}

// indented lays JSON out as model.json is.
func indented(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	err := json.Indent(&b, raw, "", "  ")
	return b.Bytes(), err
}

// forgetThreats rewrites the threats of the current model.
func (p *purge) forgetThreats(ctx context.Context) (err error) {
	if p.Document == uuid.Nil {
		p.done.Threats, err = p.exec(ctx, `delete from bartizan.threat where organization_id = $1 and system_id = $2`, p.Purge.Organization, p.System)
		return err
	}
	rows, err := p.Query(ctx, `select id, element, content from bartizan.threat where organization_id = $1 and system_id = $2`, p.Purge.Organization, p.System)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[projected])
	if err != nil {
		return err
	}
	for i := range list {
		if err := p.forgetThreat(ctx, &list[i]); err != nil {
			return fmt.Errorf("threat %s: %w", list[i].ID, err)
		}
	}
	return nil
}

// projected is a threat as the table of current threats has it.
type projected struct {
	ID, Element string
	Content     json.RawMessage
}

func (p *purge) forgetThreat(ctx context.Context, row *projected) error {
	var t threatmodel.Threat
	if err := json.Unmarshal(row.Content, &t); err != nil {
		return err
	}
	content, changed, err := p.rewrite(&t, func() { p.threat(&t) }, p.says)
	if err == nil {
		err = json.Unmarshal(content, &t) // with what rewrite took besides
	}
	if err != nil {
		return err
	}
	element := row.Element
	if to, ok := p.renamed[element]; ok {
		element = to
	}
	if !changed && element == row.Element {
		return nil
	}
	n, err := p.exec(ctx, `update bartizan.threat set title = $4, statement = $5, element = $6, content = $7, version = version + 1, updated_at = now()
		where organization_id = $1 and system_id = $2 and id = $3`, p.Purge.Organization, p.System, row.ID, t.Title, t.Statement, element, content)
	p.done.Threats += n
	return err
}

// removeText removes what was read, and originals that no other document has.
func (p *purge) removeText(ctx context.Context) (err error) {
	if err := p.lockPassages(ctx, p.System); err != nil {
		return err
	}
	if p.done.Sources, err = p.exec(ctx, `delete from bartizan.source where organization_id = $1 and id = any ($2)`, p.Purge.Organization, p.sources); err != nil {
		return err
	}
	const left = ` p where p.organization_id = $1 and p.system_id = $2 and not exists (
		select from bartizan.occurrence o where o.organization_id = $1 and o.system_id = $2 and o.passage = p.id
	)`
	if err := p.QueryRow(ctx, `select count(*) from bartizan.passage`+left, p.Purge.Organization, p.System).Scan(&p.done.Passages); err != nil {
		return err
	}
	if err := p.bulk(ctx, `delete from bartizan.passage`+left, p.Purge.Organization, p.System); err != nil {
		return err
	}
	if err := p.recount(ctx); err != nil {
		return err
	}
	p.done.Originals, err = p.exec(ctx, `
		delete from bartizan.original o where o.organization_id = $1
		and o.sha256 in (select r.sha256 from bartizan.revision r where r.organization_id = $1 and r.id = any ($2))
		and not exists (
			select from bartizan.revision r join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
			join bartizan.system s on s.organization_id = d.organization_id and s.id = d.system_id
			where r.organization_id = $1 and r.sha256 = o.sha256 and d.purged_at is null and s.purged_at is null
		)`, p.Purge.Organization, p.revisions)
	return err
}

// recount settles which of the system's passages still count: the document's
// revisions do no more, but others may hold the same.
func (p *purge) recount(ctx context.Context) error {
	for _, table := range []string{"passage", "vector"} {
		key := map[string]string{"passage": "id", "vector": "passage"}[table]
		if err := p.bulk(ctx, `
			with counted as (`+countedSQL+`), standing as (
				select distinct o.passage as id from counted c
				join bartizan.source s on s.organization_id = $1 and s.revision_id = c.id
				join bartizan.occurrence o on o.organization_id = $1 and o.source_id = s.id
			)
			update bartizan.`+table+` p set current = false
			where p.organization_id = $1 and p.system_id = $2 and p.current and p.`+key+` not in (select id from standing)`, p.Purge.Organization, p.System); err != nil {
			return err
		}
	}
	return nil
}

// removeAnswers removes every model answer that served the system: which of them
// speak of the text cannot be told, and they can be asked for again.
func (p *purge) removeAnswers(ctx context.Context) error {
	n, err := deleteAnswers(ctx, p.Tx, p.Purge.Organization, p.System)
	p.done.Answers = n
	return err
}

func deleteAnswers(ctx context.Context, tx *Tx, organization, system uuid.UUID) (int64, error) {
	tag, err := tx.Exec(ctx, `
		delete from bartizan.memo m where m.organization_id = $1
		and exists (select from bartizan.memo_use u where u.organization_id = $1 and u.call_hash = m.call_hash and u.system_id = $2)`, organization, system)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `delete from bartizan.memo_fault where organization_id = $1 and system_id = $2`, organization, system)
	return tag.RowsAffected(), err
}

// forgetNames replaces the names that people gave what is purged.
func (p *purge) forgetNames(ctx context.Context) error {
	for _, sql := range []string{
		`update bartizan.document d set name = $4 || encode(sha256(convert_to(name, 'UTF8')), 'hex'), reference = $4 || encode(sha256(convert_to(reference, 'UTF8')), 'hex'),
			removed_at = coalesce(removed_at, now()), purged_at = coalesce(purged_at, now())
			where ` + p.mine() + ` and name not like $4 || '%'`,
		`update bartizan.revision r set name = $4 || encode(sha256(convert_to(r.name, 'UTF8')), 'hex')
			from bartizan.document d where r.organization_id = d.organization_id and r.document_id = d.id and ` + p.mine() + ` and r.name not like $4 || '%'`,
		`update bartizan.ingestion i set error = ''
			from bartizan.revision r join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
			where i.organization_id = r.organization_id and i.revision_id = r.id and ` + p.mine() + ` and $4 <> ''`,
	} {
		if _, err := p.exec(ctx, sql, p.Purge.Organization, p.System, p.Document, forgotten); err != nil {
			return err
		}
	}
	if p.Document != uuid.Nil {
		return nil
	}
	_, err := p.exec(ctx, `update bartizan.system set name = $3 || encode(sha256(convert_to(name, 'UTF8')), 'hex'), owner = '', context = '{}', labels = '{}', questions = 0
		where organization_id = $1 and id = $2`, p.Purge.Organization, p.System, forgotten)
	return err
}
