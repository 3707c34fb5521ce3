package service_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// encoded is a model as model.json has it.
func encoded(t testing.TB, m *threatmodel.Model) []byte {
	t.Helper()
	raw, err := service.ModelJSON(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestAVersionOfOneThreatIsTheWholeModel: what a decision or an edit makes by itself
// is, to the byte, what comes of applying every decision to the whole model; its
// digest is that of the whole, and the list of threats agrees.
func TestAVersionOfOneThreatIsTheWholeModel(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	m, v := b.model(system)
	if len(m.Threats) < 3 {
		t.Fatalf("%d threats", len(m.Threats))
	}
	at := func(i int) string { return m.Threats[i%len(m.Threats)].ID }
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	text, due := func(s string) *string { return &s }, until
	decide := func(i int, d resource.Decision) func() error {
		return func() error { _, err := b.Decide(ctx, b.admin, system, at(i), d, 0); return err }
	}
	edit := func(i int, e resource.ThreatEdit) func() error {
		return func() error { _, err := b.EditThreat(ctx, b.admin, system, at(i), e, 0); return err }
	}
	steps := []func() error{
		decide(0, resource.Decision{Action: "confirm", Reason: "seen <b> & \"quoted\"\n    {\n", Owner: "Ada", Ticket: "SEC-1"}),
		decide(1, resource.Decision{Action: "accept", Reason: "until then", Until: &until, Due: &due}),
		decide(2, resource.Decision{Action: "duplicate", Of: at(0)}),
		decide(2, resource.Decision{Action: "rerate", Likelihood: 5, Impact: 5}),
		edit(1, resource.ThreatEdit{Title: text("In our words\u2028"), Owner: text("Bob")}),
		edit(2, resource.ThreatEdit{Treatment: text("avoid")}),
		decide(2, resource.Decision{Action: "reopen"}),
		decide(0, resource.Decision{Action: "reject", Reason: "no"}),
		edit(0, resource.ThreatEdit{Owner: text("")}),
	}
	for i := range 70 { // past the number of versions of which only a change is stored in a row
		steps = append(steps, edit(i, resource.ThreatEdit{Ticket: text(fmt.Sprintf("SEC-%d", i))}))
	}
	for i, step := range steps {
		b.must(step())
		if i > 12 && i < len(steps)-1 {
			continue
		}
		raw := b.checkWhole(system)
		now, version := b.model(system)
		if version.Number != v.Number+int64(i)+1 {
			t.Fatalf("step %d made version %d", i, version.Number)
		}
		if sum := sha256.Sum256(raw); version.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("step %d: the digest is not that of the model", i)
		}
		decisions, err := b.Decisions(ctx, b.admin, system)
		b.must(err)
		decision.Apply(now, decisions, time.Now())
		if applied := encoded(t, now); !bytes.Equal(raw, applied) {
			t.Errorf("step %d: the model is not that of all decisions: %s", i, cmp.Diff(string(applied), string(raw)))
		}
	}
	changes, err := b.Changes(ctx, b.admin, system, v.Number, 0)
	b.must(err)
	if changes == nil {
		t.Error("the versions cannot be compared")
	}
}

// checkWhole gives the JSON of the current model, and holds the list of threats to it.
func (b *bench) checkWhole(system uuid.UUID) []byte {
	b.t.Helper()
	m, _ := b.model(system)
	page, err := b.Threats(b.t.Context(), b.admin, resource.ThreatFilter{System: identifier.String(identifier.System, system), Sort: "id"}, resource.List{Limit: 200})
	b.must(err)
	if len(page.Items) != len(m.Threats) {
		b.t.Errorf("%d threats are listed, %d in the model", len(page.Items), len(m.Threats))
	}
	for _, x := range page.Items {
		if diff := cmp.Diff(*m.Threat(x.ID), x.Threat); diff != "" {
			b.t.Errorf("%s is listed otherwise than it is in the model: %s", x.ID, diff)
		}
		found, err := b.Threats(b.t.Context(), b.admin, resource.ThreatFilter{System: identifier.String(identifier.System, system), Query: m.Element(x.Elements[0]).Name}, resource.List{Limit: 200})
		b.must(err)
		if len(found.Items) == 0 {
			b.t.Errorf("%s is not found by its element", x.ID)
		}
	}
	return encoded(b.t, m)
}
