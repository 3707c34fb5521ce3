package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// forgetDecisions rewrites what people decided and answered about the system.
// Of a purged system their words go too: they speak of it.
func (p *purge) forgetDecisions(ctx context.Context) error {
	rows, err := p.Query(ctx, `select id, content, details from bartizan.decision where organization_id = $1 and system_id = $2`, p.Purge.Organization, p.System)
	if err != nil {
		return err
	}
	type decision struct {
		ID               uuid.UUID
		Content, Details json.RawMessage
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[decision])
	if err != nil {
		return err
	}
	for _, d := range list {
		content, changed, err := p.decision(d.Content)
		if err != nil {
			return fmt.Errorf("decision %s: %w", d.ID, err)
		}
		details, more, err := forgetJSON(d.Details, p.tells)
		if err != nil {
			return fmt.Errorf("decision %s: %w", d.ID, err)
		}
		if p.Document == uuid.Nil {
			content, details, changed = decisionWithoutWords(content), json.RawMessage(`{}`), true
		}
		if !changed && !more {
			continue
		}
		n, err := p.exec(ctx, `update bartizan.decision set content = $3, details = $4 where organization_id = $1 and id = $2`, p.Purge.Organization, d.ID, content, details)
		if err != nil {
			return err
		}
		p.done.Decisions += n
	}
	return p.forgetAnswers(ctx)
}

// decisionWithoutWords keeps what was done, by whom and when.
func decisionWithoutWords(raw []byte) json.RawMessage {
	var kept struct {
		Threat string          `json:"threat"`
		Action string          `json:"action"`
		Reason string          `json:"reason"`
		By     string          `json:"by"`
		At     json.RawMessage `json:"at"`
		// Anchors are hashes of quotes, which stay.
		Anchors []struct {
			Hash string `json:"hash"`
		} `json:"anchors"`
	}
	if json.Unmarshal(raw, &kept) != nil {
		return json.RawMessage(`{}`)
	}
	kept.Reason = hashed(kept.Reason)
	out, err := json.Marshal(kept)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return out
}

// forgetAnswers rewrites people's answers to questions.
func (p *purge) forgetAnswers(ctx context.Context) error {
	return p.forgetColumns(ctx, "answer", "id", "system_id = $2", p.System, func(text string) bool { return p.Document == uuid.Nil || p.tells(text) }, "question", "answer")
}

// forgetRest rewrites what passes on what models say: messages, events and the
// details of the audit trail, whose digests stay. Answers to requests that were
// kept for a repetition rest sealed, and all go.
func (p *purge) forgetRest(ctx context.Context) error {
	if _, err := p.exec(ctx, `delete from bartizan.idempotency where organization_id = $1 and status <> 0`, p.Purge.Organization); err != nil {
		return err
	}
	if _, err := p.exec(ctx, `
		delete from bartizan.event e using bartizan.analysis a
		where e.organization_id = $1 and a.organization_id = $1 and a.system_id = $2 and e.subject = a.id`, p.Purge.Organization, p.System); err != nil {
		return err
	}
	const all = "$2::uuid = $2"
	for _, t := range []struct{ table, key, column string }{
		{"analysis_state", "analysis_id", "message"}, {"batch", "id", "message"}, {"backlog", "id", "error"}, {"delivery", "id", "response"},
	} {
		if err := p.forgetColumns(ctx, t.table, t.key, all, p.System, p.tells, t.column); err != nil {
			return err
		}
	}
	if err := p.forgetBatchItems(ctx); err != nil {
		return err
	}
	if err := p.forgetDeliveries(ctx); err != nil {
		return err
	}
	return p.forgetAudit(ctx)
}

// forgetColumns replaces texts in columns of rows.
func (p *purge) forgetColumns(ctx context.Context, table, key, condition string, arg any, drawn func(string) bool, columns ...string) error {
	for _, column := range columns {
		rows, err := p.Query(ctx, fmt.Sprintf(`select %s::text, %s from bartizan.%s where organization_id = $1 and %s and %[2]s <> ''`, key, column, table, condition), p.Purge.Organization, arg)
		if err != nil {
			return err
		}
		replaced := map[string]string{}
		var id, text string
		if _, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error {
			if drawn(text) {
				replaced[id] = hashed(text)
			}
			return nil
		}); err != nil {
			return err
		}
		for id, text := range replaced {
			if _, err := p.exec(ctx, fmt.Sprintf(`update bartizan.%s set %s = $3 where organization_id = $1 and %s::text = $2`, table, column, key), p.Purge.Organization, id, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *purge) forgetBatchItems(ctx context.Context) error {
	rows, err := p.Query(ctx, `select batch_id, message from bartizan.batch_item where organization_id = $1 and system_id = $2 and message <> ''`, p.Purge.Organization, p.System)
	if err != nil {
		return err
	}
	replaced := map[uuid.UUID]string{}
	var batch uuid.UUID
	var message string
	if _, err := pgx.ForEachRow(rows, []any{&batch, &message}, func() error {
		if p.tells(message) {
			replaced[batch] = hashed(message)
		}
		return nil
	}); err != nil {
		return err
	}
	for batch, message := range replaced {
		if _, err := p.exec(ctx, `update bartizan.batch_item set message = $4 where organization_id = $1 and system_id = $2 and batch_id = $3`, p.Purge.Organization, p.System, batch, message); err != nil {
			return err
		}
	}
	return nil
}

// forgetDeliveries rewrites messages to webhooks.
func (p *purge) forgetDeliveries(ctx context.Context) error {
	rows, err := p.Query(ctx, `select id, body from bartizan.delivery where organization_id = $1`, p.Purge.Organization)
	if err != nil {
		return err
	}
	replaced := map[uuid.UUID][]byte{}
	var id uuid.UUID
	var body []byte
	if _, err := pgx.ForEachRow(rows, []any{&id, &body}, func() error {
		if out, changed, err := forgetJSON(body, p.tells); err == nil && changed {
			replaced[id] = out
		} else if text := string(body); err != nil && p.tells(text) {
			replaced[id] = []byte(hashed(text))
		}
		return nil
	}); err != nil {
		return err
	}
	for id, body := range replaced {
		if _, err := p.exec(ctx, `update bartizan.delivery set body = $3 where organization_id = $1 and id = $2`, p.Purge.Organization, id, body); err != nil {
			return err
		}
	}
	return nil
}

// forgetAudit takes the details of events that name what is purged or hold words
// of it.
func (p *purge) forgetAudit(ctx context.Context) error {
	rows, err := p.Query(ctx, `
		select sequence, details::text,
			object = any ($2) or exists (select from unnest($2::text[]) o where starts_with(object, o || '/'))
		from bartizan.audit_event where organization_id = $1 and details is not null`, p.Purge.Organization, p.Objects)
	if err != nil {
		return err
	}
	var gone []int64
	var sequence int64
	var details string
	var named bool
	if _, err := pgx.ForEachRow(rows, []any{&sequence, &details, &named}, func() error {
		if named && p.Document != uuid.Nil && isEmptyJSON(details) {
			named = false
		}
		_, changed, err := forgetJSON([]byte(details), p.tells)
		if named || changed || err != nil {
			gone = append(gone, sequence)
		}
		return nil
	}); err != nil {
		return err
	}
	p.done.Events, err = p.exec(ctx, `update bartizan.audit_event set details = null where organization_id = $1 and sequence = any ($2)`, p.Purge.Organization, gone)
	return err
}

func isEmptyJSON(s string) bool { return s == "null" || s == "{}" }
