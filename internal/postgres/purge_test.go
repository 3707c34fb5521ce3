package postgres_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// secretWords are made up: each text of the document that is purged holds one.
var secretWords = []string{"quorvex", "zimbrel", "ploverine", "thaumack", "vindrake"}

var (
	secret = []string{
		"The Quorvex gateway forwards every request to the billing service without checking its signature.",
		"Zimbrel tokens never expire.",
		"Operators of Ploverine sign in with a password that all of them share since the first day.",
		"Thaumack: nightly copies leave the region unencrypted.",
	}
	plain = []string{
		"The billing service stores invoices in a database that is encrypted at rest by the platform.",
		"Every request of a customer carries a token.",
	}
	// common stands in both documents.
	common = "The identity provider issues signed tokens to customers and to operators of the platform."
)

// documentIDs are like those of models: they tell nothing of the name.
var documentIDs = map[string]string{"vindrake.md": "D-AAAAAA", "plain.md": "D-BBBBBB", "copy.md": "D-CCCCCC"}

// estate is a system with two documents of which one is to be purged.
type estate struct {
	*store
	org, system, gone, kept uuid.UUID
	revision                uuid.UUID
	model                   threatmodel.Model
	raw                     []byte
}

func (e *estate) addDocument(name string, texts []string) (document, revision uuid.UUID) {
	e.t.Helper()
	document, revision = newID(), newID()
	body := strings.Join(texts, "\n\n")
	sum := e.put(e.org, []byte(body))
	e.as(e.org, func(tx *postgres.Tx) error {
		e.exec(tx, `insert into bartizan.document (id, system_id, reference, name) values ($1, $2, $3, $3)`, document, e.system, name)
		e.exec(tx, `insert into bartizan.revision (id, document_id, number, name, sha256, size, created_by) values ($1, $2, 1, $3, $4, $5, 'Ada')`, revision, document, name, sum[:], len(body))
		e.exec(tx, `insert into bartizan.ingestion (revision_id, state, error) values ($1, 'read', $2)`, revision, "page 3 of "+name+" has no text")
		source := newID()
		doc := map[string]any{"id": documentIDs[name], "name": name, "title": texts[0], "body": body}
		var blocks []map[string]any
		for _, text := range texts {
			blocks = append(blocks, map[string]any{"text": text, "kind": "paragraph"})
		}
		doc["blocks"] = blocks
		raw, err := json.Marshal(doc)
		e.must(err)
		e.exec(tx, `insert into bartizan.source (id, revision_id, position, name, title, sha256, content) values ($1, $2, 0, $3, $4, '', $5)`,
			source, revision, name, texts[0], postgres.Compress(raw))
		passages := say(texts...)
		for i := range passages {
			passages[i].ID = fmt.Sprintf("p-%s%d", documentIDs[name][2:], i)
		}
		e.must(tx.PutPassages(e.t.Context(), e.system, source, passages))
		return tx.CountRevisions(e.t.Context(), e.system, document)
	})
	return document, revision
}

func quote(document, text string) threatmodel.Evidence {
	return threatmodel.Evidence{Quote: text, Document: document, Passage: "p-1", Role: threatmodel.States, Locator: threatmodel.Locator{HeadingPath: []string{text}}}
}

// modelOf is a model in which everything rests on one of two documents.
func modelOf(secretID, plainID string) threatmodel.Model {
	item := func(document string, texts []string, suffix string) (threatmodel.Threat, threatmodel.Element, threatmodel.Question) {
		of := []threatmodel.Evidence{quote(document, texts[0])}
		anchor := threatmodel.Anchor{Hash: "h" + suffix, Quote: texts[0], Before: texts[1], After: texts[1], Document: document, Heading: texts[1]}
		decided := threatmodel.Decision{Threat: "T-" + suffix, Action: threatmodel.ActionConfirm, Reason: "as discussed", By: "Ada", At: noon, Anchors: []threatmodel.Anchor{anchor}}
		threat := threatmodel.Threat{
			ID: "T-" + suffix, Title: "About " + texts[1], Statement: "Somebody reads: " + texts[1], Evidence: of, Anchors: []threatmodel.Anchor{anchor},
			Controls:       []threatmodel.ControlRef{{Catalog: "iso27001-2022", ID: "A.8.5", Title: "Secure authentication", Verdict: threatmodel.Claimed, Rationale: texts[1], Evidence: of}},
			FormerEvidence: []threatmodel.FormerEvidence{{Quote: texts[1], Document: document}}, Mitigations: []threatmodel.Mitigation{{Text: texts[1]}},
			Steps:     []threatmodel.Step{{Element: "E-" + suffix, Action: texts[1], Evidence: of}},
			ReviewDue: &threatmodel.ReviewDue{Reason: "the text changed", Cause: "document", Before: texts[0], After: texts[1]},
			Decisions: []threatmodel.Decision{decided}, NoControl: texts[1], Source: threatmodel.SourceModel, Status: threatmodel.StatusConfirmed, Risk: threatmodel.High,
			Likelihood: threatmodel.Score{Value: 3, Rationale: texts[1]}, Impact: threatmodel.Score{Value: 4, Rationale: texts[1]}, Elements: []string{"E-" + suffix},
			Facts: threatmodel.Facts{Exposure: threatmodel.ExposureUnknown}, Proposed: threatmodel.Proposal{Likelihood: 3, Impact: 4, Risk: threatmodel.High},
		}
		element := threatmodel.Element{ID: "E-" + suffix, Kind: threatmodel.Process, Name: strings.Join(strings.Fields(texts[0])[1:3], " "), Aliases: []string{texts[1]}, Label: texts[1], Evidence: of}
		question := threatmodel.Question{ID: "Q-" + suffix, Text: "What of " + texts[1], Why: texts[1], Evidence: of, Source: "model"}
		return threat, element, question
	}
	m := threatmodel.Model{
		SchemaVersion: threatmodel.SchemaVersion, System: "Billing",
		Documents: []threatmodel.Document{{ID: secretID, Name: "vindrake.md", Title: secret[0], Text: "documents/vindrake.md.txt"}, {ID: plainID, Name: "plain.md", Title: plain[0]}},
		Notices:   []threatmodel.Notice{{Kind: threatmodel.NoticeSecret, Document: secretID, Text: "near Quorvex"}, {Kind: threatmodel.NoticeSecret, Document: plainID, Text: "near invoices"}},
		Changes: &threatmodel.Changes{
			Documents: []threatmodel.DocumentDiff{{Document: secretID, Name: "vindrake.md", Change: "added"}},
			Threats:   []threatmodel.ThreatChange{{Threat: "T-gone", Kind: threatmodel.ThreatAdded, Title: "About " + secret[1], Details: []string{secret[1]}, Before: secret[1], After: secret[1]}},
			Elements:  []threatmodel.ElementDiff{{Element: "E-gone", Name: "Quorvex gateway", Change: "added", Before: "Quorvex"}},
		},
		Analysis: threatmodel.Analysis{
			Units: []threatmodel.Unit{
				{ID: "u1", Stage: threatmodel.StageElicit, Subject: "E-gone", InputHash: "i1", Passages: []string{"p-AAAAAA0-2"}, Output: json.RawMessage(`{"threats":[{"title":"Zimbrel"}]}`)},
				{ID: "u2", Stage: threatmodel.StageElicit, Subject: secretID, InputHash: "i2", Output: json.RawMessage(`{"x":"Zimbrel"}`)},
				{ID: "u3", Stage: threatmodel.StageElicit, Subject: "E-kept", InputHash: "i3", Passages: []string{"p-BBBBBB0"}, Output: json.RawMessage(`{"threats":[{"title":"Invoices"}]}`)},
				{ID: "u4", Stage: threatmodel.StageElicit, Subject: "E-kept", InputHash: "i4", Output: json.RawMessage(`{"note":"` + secret[2] + `"}`)},
			},
			Rejections: []threatmodel.Rejection{{Stage: threatmodel.StageChallenge, What: "threat", Title: "Zimbrel tokens", Reason: "no " + secret[1], Evidence: []threatmodel.Evidence{quote(secretID, secret[1])}}},
		},
		Brief:          threatmodel.Brief{Facts: []threatmodel.Fact{{Name: "purpose", Value: "Zimbrel", Evidence: []threatmodel.Evidence{quote(secretID, secret[1])}}, {Name: "users", Value: "customers", Evidence: []threatmodel.Evidence{quote(plainID, plain[1])}}}},
		Assets:         []threatmodel.Asset{{ID: "A-1", Name: "Zimbrel tokens", Class: "restricted", Evidence: []threatmodel.Evidence{quote(secretID, secret[1])}}},
		StatedControls: []threatmodel.StatedControl{{ID: "C-1", Name: "Zimbrel expiry", Verdict: threatmodel.Absent, Evidence: []threatmodel.Evidence{quote(secretID, secret[1])}}},
		Coverage:       []threatmodel.CoverageCell{{Element: "E-kept", STRIDE: threatmodel.Spoofing, Status: threatmodel.CoverageDoesNotApply, Reason: "as stated: " + secret[2]}},
	}
	gone, goneElement, goneQuestion := item(secretID, secret, "gone")
	kept, keptElement, keptQuestion := item(plainID, plain, "kept")
	kept.Mitigations = append(kept.Mitigations, threatmodel.Mitigation{Text: "Mind that " + secret[0]})
	both := keptElement
	both.ID, both.Evidence = "E-both", append(slices.Clone(keptElement.Evidence), quote(secretID, secret[0]))
	shared := threatmodel.StatedControl{ID: "C-2", Name: "Signed tokens", Verdict: threatmodel.Enforced, Evidence: []threatmodel.Evidence{quote(plainID, common)}}
	m.Threats, m.Elements = []threatmodel.Threat{gone, kept}, []threatmodel.Element{goneElement, keptElement, both}
	m.Questions, m.StatedControls = []threatmodel.Question{goneQuestion, keptQuestion}, append(m.StatedControls, shared)
	return m
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	s := open(t)
	e := &estate{store: s, org: s.organization()}
	e.system = s.system(e.org)
	e.gone, e.revision = e.addDocument("vindrake.md", append(slices.Clone(secret), common))
	e.kept, _ = e.addDocument("plain.md", append(slices.Clone(plain), common))
	e.embedAll(e.org, e.system)
	e.model = modelOf(documentIDs["vindrake.md"], documentIDs["plain.md"])
	var err error
	emptyLists(reflect.ValueOf(&e.model).Elem())
	e.raw, err = json.Marshal(&e.model)
	s.must(err)
	validate(t, e.raw)
	e.fill()
	return e
}

// fill puts the document's words wherever the service may put them.
func (e *estate) fill() {
	ctx := e.t.Context()
	memo := e.Memo(e.org, e.system, nil)
	e.must(memo.Put(ctx, "answer", answer(secret[1])))
	e.must(memo.Fault(ctx, "answer", "invalid", secret[1]))
	analysis, webhook, batch := newID(), newID(), newID()
	e.as(e.org, func(tx *postgres.Tx) error {
		sum := sha256.Sum256(e.raw)
		for number := range 2 {
			e.exec(tx, `insert into bartizan.model_version (system_id, number, cause, digest, content, created_by) values ($1, $2, 'import', $3, $4, 'Ada')`, e.system, number+1, sum[:], postgres.Compress(e.raw))
		}
		for i, threat := range e.model.Threats {
			content, err := json.Marshal(threat)
			e.must(err)
			e.exec(tx, `insert into bartizan.threat (system_id, id, title, statement, element, risk, risk_rank, likelihood, impact, status, open, review_due, source, content)
				values ($1, $2, $3, $4, $5, 'high', 2, 3, 4, 'confirmed', true, true, 'model', $6)`, e.system, threat.ID, threat.Title, threat.Statement, e.model.Elements[i].Name, content)
			decided, err := json.Marshal(threat.Decisions[0])
			e.must(err)
			e.exec(tx, `insert into bartizan.decision (id, system_id, threat_id, action, at, by, content, details) values ($1, $2, $3, 'confirm', now(), 'Ada', $4, $5)`,
				newID(), e.system, threat.ID, decided, json.RawMessage(`{"comment":"see: `+threat.Evidence[0].Quote+`"}`))
			e.exec(tx, `insert into bartizan.answer (id, system_id, question_id, question, answer, by) values ($1, $2, $3, $4, 'Nobody knows', 'Ada')`, newID(), e.system, e.model.Questions[i].ID, e.model.Questions[i].Text)
			e.must(tx.Audit("Ada", "threat.confirm", "sys/"+threat.ID, map[string]any{"decision": json.RawMessage(decided)}))
			e.must(tx.Audit("Ada", "threat.edit", "sys/"+threat.ID, map[string]any{"title": threat.Title}))
			body, err := json.Marshal(map[string]any{"type": "threat.decided", "data": map[string]any{"title": threat.Title, "n": 1.50}})
			e.must(err)
			if i == 0 {
				e.exec(tx, `insert into bartizan.webhook (id, url, secret, events, created_by) values ($1, 'https://example.com', '', '{}', 'Ada')`, webhook)
			}
			e.exec(tx, `insert into bartizan.delivery (id, webhook_id, event, body, response) values ($1, $2, 'threat.decided', $3, $4)`, newID(), webhook, body, "got "+threat.Evidence[0].Quote)
		}
		e.exec(tx, `insert into bartizan.analysis (id, system_id, cause, requested_by) values ($1, $2, 'request', 'Ada')`, analysis, e.system)
		e.exec(tx, `insert into bartizan.analysis_state (analysis_id, message) values ($1, $2)`, analysis, "the model said: "+secret[0])
		e.exec(tx, `insert into bartizan.event (subject, kind, data) values ($1, 'state', $2)`, analysis, json.RawMessage(`{"m":"Zimbrel"}`))
		e.exec(tx, `insert into bartizan.work (system_id, requested, done, holder, lease_until) values ($1, 4, 3, 'worker', now() + interval '1 hour')`, e.system)
		e.exec(tx, `insert into bartizan.batch (id, selector, created_by) values ($1, '{}', 'Ada')`, batch)
		e.exec(tx, `insert into bartizan.batch_item (batch_id, system_id, message) values ($1, $2, $3)`, batch, e.system, secret[3])
		e.exec(tx, `insert into bartizan.idempotency (token_id, key, request, status, body) values ($1, 'k', 'x', 201, $2)`, newID(), []byte(secret[0]))
		e.must(tx.Audit("Ada", "document.added", "doc_gone", map[string]any{"name": "vindrake.md"}))
		return tx.Audit("Ada", "document.added", "doc_kept", map[string]any{"name": "plain.md"})
	})
}

// found lists the places in the database where one of the words stands, in any
// column of any table, compressed or not.
func (s *store) found(needles ...string) (places []string) {
	s.t.Helper()
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		rows, err := conn.Query(ctx, `
			select c.oid::regclass::text, quote_ident(a.attname), a.atttypid::regtype::text from pg_class c join pg_attribute a on a.attrelid = c.oid
			where c.relnamespace in ('bartizan'::regnamespace, 'river'::regnamespace) and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`)
		s.must(err)
		type column struct{ Table, Name, Type string }
		columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
		s.must(err)
		for _, c := range columns {
			as := c.Name + "::text"
			if c.Type == "bytea" {
				as = c.Name
			}
			rows, err := conn.Query(ctx, `select `+as+` from `+c.Table+` where `+c.Name+` is not null`)
			s.must(err)
			values, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
			s.must(err)
			for _, v := range values {
				if unpacked, err := postgres.Decompress(v); err == nil && len(v) > 0 {
					v = unpacked
				}
				for _, needle := range needles {
					if bytes.Contains(bytes.ToLower(v), []byte(needle)) {
						places = append(places, fmt.Sprintf("%s in %s.%s: %.200s", needle, c.Table, c.Name, v))
					}
				}
			}
		}
	})
	return places
}

// emptyLists makes lists that are nil empty, as the schema has them.
func emptyLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			emptyLists(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type() != reflect.TypeFor[time.Time]() {
				emptyLists(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return
		}
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			emptyLists(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	}
}

func (e *estate) purge(document uuid.UUID, objects ...string) postgres.Purged {
	e.t.Helper()
	done, err := e.Purge(e.t.Context(), postgres.Purge{
		Organization: e.org, System: e.system, Document: document, Actor: "Ada", Action: "document.purge", Object: objects[0], Objects: objects,
	})
	e.must(err)
	return done
}

func validate(t *testing.T, raw []byte) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(threatmodel.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("model.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("model.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("the model does not fit its schema: %v", err)
	}
}

func TestPurgingADocumentLeavesNoWordOfIt(t *testing.T) {
	e := newEstate(t)
	lexemes := []string{"ploverin"} // what the index made of a word
	if places := e.found(append(lexemes, secretWords...)...); len(places) < 40 {
		t.Fatalf("the test looks in %d places only", len(places))
	}
	checkpoint := e.checkpoint(e.org)
	before := scan[int](e.store, `select count(*) from bartizan.audit_event`)
	done := e.purge(e.gone, "doc_gone")
	for _, place := range e.found(append(lexemes, secretWords...)...) {
		t.Error(place)
	}
	if done.Originals != 1 || done.Sources != 1 || done.Passages != 4 || done.Answers != 1 || done.Models != 2 || done.Threats != 2 || done.Decisions != 1 {
		t.Errorf("counted %+v", done)
	}
	r := e.verify(e.org, public(signer), checkpoint)
	if !r.Whole() || r.Events != int64(before+1) || r.Purged != done.Events || done.Events != 3 {
		t.Errorf("after the purge of %d events the trail is %+v, want it whole, with one more event than %d", done.Events, r, before)
	}
}

func TestPurgingADocumentLeavesTheRest(t *testing.T) {
	e := newEstate(t)
	e.purge(e.gone, "doc_gone")
	var got threatmodel.Model
	raw, err := postgres.Decompress(scan[[]byte](e.store, `select content from bartizan.model_version where number = 2`))
	e.must(err)
	e.must(json.Unmarshal(raw, &got))

	// What rests on the other document is as it was, but for a text that
	// quotes the purged one.
	kept, want := got.Threat("T-kept"), e.model.Threat("T-kept")
	if m := kept.Mitigations[1].Text; !strings.HasPrefix(m, "sha256:") {
		t.Errorf("a mitigation that quotes the document is %q", m)
	}
	kept.Mitigations, want.Mitigations = nil, nil
	a, b := must(json.Marshal(kept)), must(json.Marshal(want))
	if !bytes.Equal(a, b) {
		t.Errorf("a threat of the other document was changed from\n%s\nto\n%s", b, a)
	}
	if c := got.StatedControls[1]; c.Name != "Signed tokens" || c.Evidence[0].Quote != common {
		t.Errorf("a sentence that both documents have was purged of the other: %+v", c)
	}
	if e := got.Element("E-both"); strings.HasPrefix(e.Name, "sha256:") || !strings.HasPrefix(e.Evidence[1].Quote, "sha256:") {
		t.Errorf("an element of both documents is %+v; want its name, without the quote", e)
	}
	gone := got.Threat("T-gone")
	if gone.Anchors[0].Hash != "hgone" || gone.Status != threatmodel.StatusConfirmed || gone.Controls[0].ID != "A.8.5" || gone.Decisions[0].Reason != "as discussed" {
		t.Errorf("of the purged threat more than its text is gone: %+v", gone)
	}
	units := got.Analysis.Units
	for i, purged := range []bool{true, true, false, true} {
		if strings.HasPrefix(units[i].InputHash, "purged:") != purged {
			t.Errorf("unit %s has the input hash %s", units[i].ID, units[i].InputHash)
		}
	}
	validate(t, raw)
	if n := scan[int](e.store, `select count(*) from bartizan.passage where current`); n != 3 {
		t.Errorf("%d passages count, want those of the other document", n)
	}
	if hits := e.search(e.org, postgres.PassageSearch{Words: "identity provider"}); len(hits) != 1 {
		t.Errorf("a passage of both documents is found %d times", len(hits))
	}
	if d := scan[[]byte](e.store, `select digest from bartizan.model_version where number = 1`); [32]byte(d) != sha256.Sum256(e.raw) {
		t.Error("the digest of a version was changed")
	}
	if holder := scan[string](e.store, `select holder || requested from bartizan.work`); holder != "5" {
		t.Errorf("the work is held by and requested as %s, want by nobody and once more", holder)
	}
	if n := scan[int](e.store, `select count(*) from bartizan.backlog where kind = 'analyse'`); n != 1 {
		t.Errorf("%d analyses wait, want one", n)
	}
	if n := scan[int](e.store, `select count(*) from bartizan.decision where content::text like '%invoices in a database%'`); n != 1 {
		t.Errorf("%d decisions on the other document are whole, want 1", n)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPurgingASystemLeavesNoWordOfIt(t *testing.T) {
	e := newEstate(t)
	other := e.system
	neighbour := e.store.system(e.org)
	e.revise(e.org, neighbour, e.document(e.org, neighbour), say("The neighbour keeps its heliotrope words.")...)
	e.as(e.org, func(tx *postgres.Tx) error {
		e.exec(tx, `update bartizan.system set name = 'Quorvex billing', owner = 'Vindrake', context = '{"assumptions":["Zimbrel"]}', labels = '{zimbrel}' where id = $1`, other)
		return nil
	})
	e.purge(uuid.Nil, "sys", "doc_gone", "doc_kept")
	for _, place := range e.found(append([]string{"invoices", "carries a token", "identity provider", "nobody knows"}, secretWords...)...) {
		t.Error(place)
	}
	if r := e.verify(e.org, nil); !r.Whole() {
		t.Errorf("the trail is %+v", r)
	}
	if len(e.found("heliotrope")) == 0 {
		t.Error("the neighbour lost its words")
	}
	if n := scan[int](e.store, `select count(*) from bartizan.decision where content->>'action' = 'confirm' and content->'anchors'->0->>'hash' like 'h%'`); n != 2 {
		t.Errorf("%d decisions tell what was done, on which hashes; want 2", n)
	}
	if done := scan[bool](e.store, `select requested = done and holder = '' from bartizan.work`); !done {
		t.Error("there is work left on a purged system")
	}
	_, err := e.Purge(t.Context(), postgres.Purge{Organization: e.org, System: e.system, Object: "sys"})
	if !errors.Is(err, postgres.ErrPurged) {
		t.Errorf("purging again gave %v, want ErrPurged", err)
	}
}

func TestAnOriginalThatAnotherDocumentHasStays(t *testing.T) {
	e := newEstate(t)
	e.addDocument("copy.md", append(slices.Clone(secret), common))
	if done := e.purge(e.gone, "doc_gone"); done.Originals != 0 {
		t.Errorf("%d originals were removed that another document has", done.Originals)
	}
}

func TestPurgingIsBoundToTheOrganization(t *testing.T) {
	e := newEstate(t)
	_, err := e.Purge(t.Context(), postgres.Purge{Organization: e.organization(), System: e.system, Document: e.gone, Object: "doc"})
	if !errors.Is(err, postgres.ErrNoRows) {
		t.Errorf("another organization's purge gave %v, want ErrNoRows", err)
	}
	if len(e.found("quorvex")) == 0 {
		t.Error("another organization purged the document")
	}
}

// TestPurgingReachesVersionsOfWhichOnlyAChangeIsStored: they forget as the others
// do, still read, and still say what changed in them.
func TestPurgingReachesVersionsOfWhichOnlyAChangeIsStored(t *testing.T) {
	for _, quoting := range []string{"", secret[0]} {
		e := newEstate(t)
		m := e.model
		text := postgres.CutModel(laidOut(t, &m))
		e.as(e.org, func(tx *postgres.Tx) error {
			var before *postgres.ModelText
			for i, title := range []string{"", "first edit", "second edit"} {
				number := int64(3 + i)
				if title != "" {
					x := *m.Threat("T-kept")
					x.Title, x.NoControl = title, quoting
					var err error
					if text, err = before.Replace("T-kept", &x); err != nil {
						return err
					}
				}
				row, err := tx.PutModelText(t.Context(), query.InsertModelVersionParams{SystemID: e.system, Number: number, Cause: "edit", CreatedBy: "Ada"}, text, before)
				if err != nil || (row.Base != nil) != (i > 0) {
					t.Fatalf("version %d: base %v, %v", number, row.Base, err)
				}
				if before, _, err = tx.ModelText(t.Context(), e.system, number); err != nil {
					return err
				}
			}
			return nil
		})
		e.purge(e.gone, "doc_gone")
		e.as(e.org, func(tx *postgres.Tx) error {
			for number, title := range map[int64]string{4: "first edit", 5: "second edit"} {
				text, row, err := tx.ModelText(t.Context(), e.system, number)
				if err != nil {
					return err
				}
				var got threatmodel.Model
				e.must(json.Unmarshal(text.Bytes(), &got))
				if kept := got.Threat("T-kept"); kept.Title != title || !strings.HasPrefix(got.Threat("T-gone").Title, "sha256:") {
					t.Errorf("version %d holds %q and %q", number, kept.Title, got.Threat("T-gone").Title)
				}
				if row.Base == nil {
					t.Errorf("version %d is stored whole", number)
				}
				for _, word := range secretWords {
					if bytes.Contains(bytes.ToLower(text.Bytes()), []byte(word)) {
						t.Errorf("version %d still says %q", number, word)
					}
				}
			}
			return nil
		})
	}
}
