package service_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TestAllFieldsThatDoNotFitAreTold at once, each with its pointer, so that a caller
// mends them in one go.
func TestAllFieldsThatDoNotFitAreTold(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	m, _ := b.model(system)
	past, text := time.Now().Add(-time.Hour), func(s string) *string { return &s }
	calls := map[string]struct {
		call func() error
		want []string
	}{
		"a system": {func() error {
			_, err := b.CreateSystem(ctx, b.admin, resource.NewSystem{
				Name: " ", Criticality: "huge", Classification: "secret", Analyst: "x", Catalogs: []string{"iso27001-2022", "none", "iso27001-2022"},
				Context: &threatmodel.Context{DataClasses: []threatmodel.DataClass{{}}},
			})
			return err
		}, []string{"/context", "/name", "/criticality", "/classification", "/analyst", "/catalogs/1", "/catalogs/2"}},
		"an edit of a system": {func() error {
			_, err := b.UpdateSystem(ctx, b.admin, system, resource.SystemEdit{Name: text(""), Catalogs: &[]string{}, Analyst: text("x")}, 0)
			return err
		}, []string{"/catalogs", "/name", "/analyst"}},
		"a member": {func() error {
			_, err := b.CreateMember(ctx, b.admin, resource.NewMember{Name: " ", Email: "nobody", Role: "king"})
			return err
		}, []string{"/name", "/email", "/role"}},
		"a token": {func() error {
			_, err := b.CreateToken(ctx, b.admin, resource.NewToken{Name: " ", ExpiresAt: &past, Scopes: []resource.Scope{"read", "fly"}, System: "x", Member: "y"})
			return err
		}, []string{"/name", "/expires_at", "/scopes/1", "/system", "/member"}},
		"a webhook": {func() error {
			_, err := b.CreateWebhook(ctx, b.admin, resource.NewWebhook{URL: "ftp://x", Events: []string{"*", "tea.ready", "x"}})
			return err
		}, []string{"/url", "/events/1", "/events/2"}},
		"settings": {func() error {
			_, err := b.UpdateOrganization(ctx, b.admin, resource.OrganizationEdit{Settings: &resource.Settings{
				RetentionDays: -1, Endpoints: []threatmodel.Endpoint{{UpTo: "x"}}, Prices: []threatmodel.Price{{}}, Analyst: "x",
				Limits: resource.Limits{ConcurrentCalls: -1, CostPerMonth: -1, OverBudget: "x"},
			}}, 0)
			return err
		}, []string{
			"/settings/retention_days", "/settings/endpoints/0/url", "/settings/endpoints/0/up_to", "/settings/prices/0", "/settings/analyst",
			"/settings/limits/concurrent_calls", "/settings/limits/cost_per_month", "/settings/limits/over_budget",
		}},
		"a schedule": {func() error {
			_, err := b.CreateSchedule(ctx, b.admin, resource.NewSchedule{Name: " ", Cron: "never", Selector: resource.Selector{Systems: []string{"x", "y"}}})
			return err
		}, []string{"/name", "/cron", "/selector/systems/0", "/selector/systems/1"}},
		"a threat": {func() error {
			_, err := b.AddThreat(ctx, b.admin, system, resource.NewThreat{Title: " ", STRIDE: []threatmodel.STRIDE{"x"}, CWE: 1, Element: "none", Controls: []string{"a", "iso27001-2022:X"}, Quote: "nowhere"})
			return err
		}, []string{"/title", "/statement", "/stride/0", "/likelihood", "/impact", "/element", "/cwe", "/controls/0", "/controls/1", "/quote"}},
		"an edit of a threat": {func() error {
			_, err := b.EditThreat(ctx, b.admin, system, m.Threats[0].ID, resource.ThreatEdit{Title: text(" "), Statement: text(""), Treatment: text("pray")}, 0)
			return err
		}, []string{"/title", "/statement", "/treatment"}},
		"a decision": {func() error {
			_, err := b.Decide(ctx, b.admin, system, m.Threats[0].ID, resource.Decision{Action: "reject", Until: &past, Of: "T-X", Likelihood: 1}, 0)
			return err
		}, []string{"/reason", "/until", "/until", "/of", "/likelihood"}},
		"a model": {func() error {
			_, err := b.Import(ctx, b.admin, system, resource.Import{Model: &threatmodel.Model{SchemaVersion: threatmodel.SchemaVersion, Threats: []threatmodel.Threat{{ID: "x"}}}})
			return err
		}, []string{"/model/analysis/id", "/model/threats/0/id", "/model/threats/0/title", "/model/threats/0/statement", "/model/threats/0/risk"}},
	}
	for name, tt := range calls {
		err := tt.call()
		wantKind(t, err, service.KindInvalid, name)
		var e *service.Error
		if !errors.As(err, &e) {
			continue
		}
		var got []string
		for _, part := range e.Parts() {
			got = append(got, part.Pointer)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: told of %v, want %v", name, got, tt.want)
		}
	}
	_, err := b.CreateMember(ctx, service.Actor{Organization: b.admin.Organization}, resource.NewMember{})
	wantKind(t, err, service.KindForbidden, "who may not is told nothing of fields")
}

// TestFieldsOfADecision holds that what is said of its fields beforehand is what the
// decision itself is held to.
func TestFieldsOfADecision(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		in := resource.Decision{
			Action:     rapid.SampledFrom(append(threatmodel.Actions(), "dance")).Draw(t, "action"),
			Reason:     rapid.SampledFrom([]string{"", " ", "because"}).Draw(t, "reason"),
			Of:         rapid.SampledFrom([]string{"", "T-BBBBBB"}).Draw(t, "of"),
			Likelihood: rapid.IntRange(-1, 6).Draw(t, "likelihood"), Impact: rapid.IntRange(-1, 6).Draw(t, "impact"),
		}
		if days := rapid.IntRange(-1, 2).Draw(t, "until"); days < 2 {
			until := now.AddDate(0, 0, days)
			in.Until = &until
		}
		m := &threatmodel.Model{Threats: []threatmodel.Threat{{ID: "T-AAAAAA"}, {ID: "T-BBBBBB"}}}
		_, refused := decision.New(m, "T-AAAAAA", in.Action, decision.Details{
			Reason: in.Reason, By: "ada", At: now, Until: in.Until, Of: in.Of, Likelihood: in.Likelihood, Impact: in.Impact,
		})
		if told := service.CheckDecision(in, now); (told == nil) != (refused == nil) {
			t.Fatalf("%+v: told %v, refused %v", in, told, refused)
		}
	})
}
